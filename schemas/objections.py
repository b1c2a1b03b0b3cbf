"""Objections: findings followed over the rounds of a document, each with its number and its end."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Model
from schemas.judgement import Finding


class Standing(StrEnum):
    """How an objection stands; each has exactly one standing at any time."""

    OPEN = "open"
    MENDED = "mended"
    CONCEDED = "conceded"
    DROPPED = "dropped"


class Objection(Model):
    """A finding from the round in which it was raised to the one in which somebody gave way."""

    number: int = Field(ge=1, description="Count in its document, from 1, in the order of raising.")
    finding: Finding = Field(description="What is objected to, as it was last raised.")
    raised_in: int = Field(ge=1, description="The round in which it was first raised.")
    status: Standing = Field(
        default=Standing.OPEN,
        description="mended: an answer was changed so that it no longer arises. conceded: the answer was "
        "kept and the critic, asked again, withdrew it. dropped: never settled, so its mention was left out "
        "and the class marked unknown. open: none of these.",
    )
    settled_in: int | None = Field(
        default=None, ge=1, description="The round in which it ceased to be open; None while it is."
    )
    gave_way: tuple[str, ...] = Field(
        default=(), description="Who changed their mind: 'annotator-2', 'guideline-writer', 'critic', ..."
    )
