"""Annotations: instances of classes, and where in the document their values stand."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Union  # `X | Y` cannot hold the forward reference

from pydantic import Field

from schemas.base import Model


class MentionStatus(StrEnum):
    """How a quote was found in its document."""

    EXACT = "exact"
    NORMALISED = "normalised"
    NOT_FOUND = "not_found"
    PROPAGATED = "propagated"  # by code: the annotator gave the class to the same words elsewhere


class Mention(Model):
    """A value that stands in the document. Models give a quote; code finds the offsets (`schemas.locate`)."""

    field: str = Field(description="Name of the instance's field that holds the quote.")
    quote: str = Field(description="The text as the model gave it.")
    occurrence: int = Field(default=1, ge=1, description="Which occurrence of the quote is meant, from 1.")
    start: int | None = Field(default=None, ge=0, description="First code point; None if not found.")
    end: int | None = Field(
        default=None, ge=0, description="One past the last code point; None if not found."
    )
    status: MentionStatus = Field(default=MentionStatus.NOT_FOUND, description="How it was found.")

    @property
    def span(self) -> tuple[int, int] | None:
        """(start, end), or None where the quote was not found."""
        return None if self.start is None or self.end is None else (self.start, self.end)


Scalar = Union[None, bool, int, float, str, "Instance"]
"""One value; nested classes are instances."""

Value = Scalar | tuple[Scalar, ...]
"""What a field holds: one value, or a list of them."""


TypedSpan = tuple[int, int, str]
"""Start and end in code points, and the class; `Class.field` for fields other than the anchor."""


class Instance(Model):
    """One annotated instance of a class."""

    class_name: str = Field(description="A class of the schema.")
    values: dict[str, Value] = Field(
        description="Field name to value; string values equal the document's surface."
    )
    mentions: tuple[Mention, ...] = Field(default=(), description="One per verbatim value, in field order.")

    @property
    def anchor(self) -> Mention | None:
        """The mention that stands for the instance: its first one, if any."""
        return self.mentions[0] if self.mentions else None

    @property
    def surface(self) -> str:
        """Text of the anchor, as it stands in the document once grounded; empty without one."""
        value = self.values.get(self.anchor.field) if self.anchor else None
        first = value[0] if isinstance(value, tuple) and value else value
        return first if isinstance(first, str) else ""

    def walk(self) -> Iterator[Instance]:
        """This instance and those nested in its values, depth first."""
        yield self
        for value in self.values.values():
            for item in value if isinstance(value, tuple) else (value,):
                if isinstance(item, Instance):
                    yield from item.walk()


class Annotation(Model):
    """What one annotator, or the agreement of several, says about one document."""

    document_id: str = Field(description="Id of the document.")
    annotator: str = Field(description="Who made it: 'annotator-1', 'agreed', ...")
    instances: tuple[Instance, ...] = Field(default=(), description="In document order.")
    unknown_classes: tuple[str, ...] = Field(
        default=(),
        description="Classes with disputed mentions that were dropped: their absence here is no negative.",
    )

    @property
    def mentions(self) -> tuple[Mention, ...]:
        """All mentions of all instances, nested ones included."""
        return tuple(m for top in self.instances for instance in top.walk() for m in instance.mentions)
