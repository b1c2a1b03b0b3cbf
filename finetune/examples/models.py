"""What training examples are made of, and what is said about their making."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from schemas.annotation import Annotation, TypedSpan
from schemas.base import Model
from schemas.schema import AnnotationSchema


class Origin(StrEnum):
    """Whose word an annotation is."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    GOLD = "gold"


class Source(Model):
    """An annotated text that examples are made of.

    Offsets of mentions count code points of `text`. Classes in `annotation.unknown_classes` are not shown:
    what was dropped in dispute would be learnt as none. Where the places of the disputes are known, they are
    shown in passages without one.
    """

    id: str = Field(description="Id of the document.")
    text: str = Field(description="The text.")
    annotation_schema: AnnotationSchema = Field(description="Classes and guidelines.")
    annotation: Annotation = Field(description="The instances, with their mentions.")
    disputes: tuple[TypedSpan, ...] = Field(
        default=(),
        description="Where unknown classes were in dispute; one without a place is unknown everywhere.",
    )
    origin: Origin = Field(default=Origin.ACCEPTED, description="Whose word it is.")
    licence: str = Field(default="", description="Of the text, where its record says so.")
    credit: str = Field(default="", description="Where the text is from, where its record says so.")

    @model_validator(mode="after")
    def _of_this_document(self) -> Self:
        if self.annotation.document_id != self.id:
            annotation = self.annotation.model_copy(update={"document_id": self.id})
            object.__setattr__(self, "annotation", annotation)
        return self

    @property
    def unknown(self) -> frozenset[str]:
        """Classes that are shown nowhere: in dispute, without a place."""
        return frozenset(self.annotation.unknown_classes) - {name for *_, name in self.disputes}


class Example(NamedTuple):
    """One training example; `prompt + result` is the whole text.

    Attributes:
        id: Of the example: its document and the number of its passage.
        document_id: Of its document.
        prompt: Schema and text, ending in `result =`: what a model is asked with.
        result: What it shall answer.
    """

    id: str
    document_id: str
    prompt: str
    result: str


class LeftOut(StrEnum):
    """Why a document or a passage gives no example."""

    EQUAL = "text equal to another's"
    NEAR = "text nearly equal to another's"
    BLOCKED = "every class blocked"
    UNKNOWN = "every class in dispute"
    LONG = "longer than max_tokens"
    EMPTY = "without an instance, beyond the share of those"


class ExamplesReport(Model):
    """How sources became examples; the numbers balance."""

    documents: int = Field(description="Sources that came in.")
    documents_left_out: dict[LeftOut, int] = Field(
        default_factory=dict, description="Sources without any example, by the reason."
    )
    passages: int = Field(description="Passages of the other sources.")
    passages_left_out: dict[LeftOut, int] = Field(
        default_factory=dict, description="Passages that are no example, by the reason."
    )
    ungrounded: int = Field(
        default=0,
        description="Instances that do not stand in their text; their classes are unknown there.",
    )
    training: int = Field(description="Examples to train on, each once.")
    validation: int = Field(description="Examples held out.")
    gold: int = Field(default=0, description="Of those to train on, examples of gold.")
    tokens: int = Field(description="Of the examples to train on, prompts and results.")
    result_tokens: int = Field(description="Of their results alone.")
    instances: int = Field(description="In the results of the examples to train on.")
    empty: int = Field(description="Examples to train on without an instance.")
    classes: dict[str, int] = Field(
        description="Instances of each class in the examples to train on, classes without any included."
    )
    blocked: tuple[str, ...] = Field(default=(), description="Classes that were blocked.")
    licences: dict[str, int] = Field(
        default_factory=dict, description="Documents to train on by the licence that their records name."
    )
    credits: tuple[str, ...] = Field(default=(), description="Where those documents are from, each once.")
