"""All that is known of one call, put together for reading."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pydantic import Field

from agents.llm.choices import Choice
from agents.llm.client import Attempt, Message, Sampling
from graph.store.reading import RunReader
from graph.store.records import CallRow
from guidex.next_steps import run_argument
from schemas.base import Model
from schemas.errors import UsageError

_NAMED = 4
"""Calls that are named where one was meant."""


class SaidPart(Model):
    """A part of a message."""

    text: str = Field(description="The part.")
    uses: int = Field(ge=1, description="How often it was said in the run; more than once, it is shared.")


class SaidMessage(Model):
    """A message."""

    role: str = Field(description="Who speaks.")
    parts: tuple[SaidPart, ...] = Field(description="Joined by a blank line when sent as one.")


class CallStory(Model):
    """A call, from what was asked to what came back."""

    run: str = Field(description="The run.")
    call: CallRow = Field(description="What it was for, what became of it, what it took.")
    sampling: Sampling = Field(description="How the answer was drawn.")
    structured: str = Field(description="How the provider was held to the form of the answer.")
    messages: tuple[SaidMessage, ...] = Field(
        description="What was said; for a replay, in the call that it repeats."
    )
    attempts: tuple[Attempt, ...] = Field(description="Each request; for a replay, of the call it repeats.")
    answer: str | None = Field(description="The answer that was taken, as JSON; None if none was.")
    choices: tuple[Choice, ...] = Field(
        description="How likely the values of the answer were that it was asked about."
    )
    reused_from: str | None = Field(description="`run:call` of another run whose answer was taken.")


def call_story_of(reader: RunReader, call_id: str) -> CallStory:
    """All that is known of a call.

    Args:
        reader: The run.
        call_id: The call's id, or what it alone begins or ends with.

    Raises:
        UsageError: There is no such call, or more than one.
        StoreError: The run cannot be read.
    """
    ids = reader.call_ids(call_id, _NAMED + 1)
    detail = reader.call(ids[0]) if len(ids) == 1 else None
    name = run_argument(reader.folder)
    if len(ids) > 1:
        named = ", ".join(ids[:_NAMED]) + (", ..." if len(ids) > _NAMED else "")
        raise UsageError(f"Several calls of {name} begin or end with {call_id!r}.", f"Give more: {named}.")
    if detail is None:
        raise UsageError(f"Run {name} has no call {call_id!r}.", f"`guidex trace calls {name}` lists them.")
    return CallStory(
        run=reader.run().name,
        call=detail.call,
        sampling=detail.sampling,
        structured=detail.structured,
        messages=tuple(map(_said, detail.messages, reader.part_uses(ids[0]))),
        attempts=detail.attempts,
        answer=detail.answer,
        choices=detail.choices,
        reused_from=detail.reused_from,
    )


def _said(message: Message, uses: Sequence[int]) -> SaidMessage:
    parts = zip(message.parts, uses, strict=True)
    return SaidMessage(role=message.role, parts=tuple(SaidPart(text=text, uses=n) for text, n in parts))


def parsed(text: str) -> object:
    """The value of JSON; other text as it is."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def laid_out(text: str) -> str:
    """JSON laid out for reading; what is none, or goes too deep, stays as it is."""
    value = parsed(text)
    try:
        return text if value is text else json.dumps(value, indent=2, ensure_ascii=False)
    except RecursionError:
        return text
