"""Reviews: what a person says of the annotations of a document."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from schemas.base import Model


class ReviewVerdict(StrEnum):
    """What a reviewer says of a document's annotations as a whole."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


class WrongMention(Model):
    """A mention that should not be there, or not of this class or with these boundaries."""

    class_name: str = Field(description="The class it was given.")
    start: int = Field(ge=0, description="First code point of its anchor.")
    end: int = Field(ge=1, description="One past the last code point.")

    @model_validator(mode="after")
    def _in_order(self) -> WrongMention:
        if self.end <= self.start:
            raise ValueError("a mention ends behind its start")
        return self


class Review(Model):
    """One look of a reviewer at one round of a document, once what was disputed is dropped."""

    document_id: str = Field(description="The document.")
    round: int = Field(ge=1, description="The round that was looked at.")
    reviewer: str = Field(min_length=1, description="Who looked.")
    verdict: ReviewVerdict = Field(description="Whether the annotations are good enough.")
    wrong: tuple[WrongMention, ...] = Field(default=(), description="Mentions that are wrong.")
    note: str = Field(default="", description="Anything else.")
    created: str = Field(default="", description="When: ISO 8601, UTC; set when it is stored.")
