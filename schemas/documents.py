"""Documents: the raw text that everything else points into."""

from __future__ import annotations

import hashlib
from typing import Self

from pydantic import Field, JsonValue, model_validator

from schemas.base import Model


def text_id(text: str) -> str:
    """Stable id of a text that came without one: the first 16 hex digits of its SHA-256 (UTF-8)."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class Document(Model):
    """A text with a stable id. Offsets anywhere in GuideX count code points of `text` as stored here."""

    id: str = Field(default="", description="Given by the source, or a hash of the text.", max_length=512)
    text: str = Field(description="The text exactly as read; never normalised.")
    source: str = Field(default="", description="Where it was read: file, and line or row.")
    meta: dict[str, JsonValue] = Field(default_factory=dict, description="The record's other fields.")

    @model_validator(mode="after")
    def _give_id(self) -> Self:
        if not self.id:
            object.__setattr__(self, "id", text_id(self.text))
        return self


class Unreadable(Model):
    """A record that is no document: kept and counted, so that nothing is lost in silence."""

    source: str = Field(description="File of the record.")
    line: int | None = Field(default=None, description="Line (text formats) or row (Parquet), from 1.")
    reason: str = Field(description="Why it cannot be read, in one sentence.")


class LeftOut(Model):
    """A document that the job's filters or its sample leave out: not worked on, but counted."""

    id: str = Field(description="Of the document.")
    source: str = Field(description="Where it was read: file, and line or row.")
    key: str = Field(description="The key of the job's table `documents` by which it is left out.")
    reason: str = Field(description="Why it is left out, in one sentence.")


class Passage(Model):
    """A slice of a document that fits one model call."""

    text: str = Field(description="The slice; equal to document.text[start:start + len(text)].")
    start: int = Field(ge=0, description="Offset of the slice in the document, in code points.")
