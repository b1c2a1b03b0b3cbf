"""The shape of a line of gold in JSON lines, for its published schema; `finetune.gold.records` reads it."""

from __future__ import annotations

from typing import Annotated, NotRequired

from pydantic import Field
from typing_extensions import TypedDict


class GoldEntity(TypedDict):
    """A mention."""

    start: Annotated[int, Field(ge=0, description="First code point of the text.")]
    end: Annotated[int, Field(ge=1, description="One past the last code point.")]
    label: Annotated[str, Field(min_length=1, description="The class; `class` and `type` are read as well.")]
    text: NotRequired[Annotated[str, Field(description="What stands there; refused if it does not.")]]


class GoldRecord(TypedDict):
    """A text with its mentions; `spans` is read as `entities` is, and so are rows of `--format jsonl`."""

    text: Annotated[str, Field(min_length=1, description="The text.")]
    id: NotRequired[Annotated[str | int, Field(description="Of its document; default: found by the text.")]]
    entities: Annotated[list[GoldEntity], Field(description="All mentions of the text.")]
