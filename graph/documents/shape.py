"""The shape of a record of documents, for its published schema; `graph.documents.records` reads it."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict


class DocumentRecord(TypedDict):
    """A document; what else a record has is kept as the document's `meta`."""

    text: Annotated[str, Field(description="The text.")]
    id: NotRequired[Annotated[str | int | None, Field(description="Default: a hash of the text.")]]
