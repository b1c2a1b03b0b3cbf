"""Reading the calls of a run: what was asked, what came back, what it took."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import TypeAdapter

from agents.llm.choices import Choice
from agents.llm.client import Attempt, Message, Sampling, Usage
from graph.store.opening import OpenedRun
from graph.store.records import CallDetail, CallRow, CallStatus, StoredAnswer

_CHOICES = TypeAdapter(tuple[Choice, ...])

CALL_COLUMNS = (
    "id, key, agent, document_id, round, sample, passage, provider, model, base_url, status, error, "
    "answer_name, opened, closed, attempts, input_tokens, output_tokens, cached_tokens, seconds, "
    "retry, replay_of, cost, unpriced"
)


class CallReader(OpenedRun):
    """The calls of a run."""

    def call(self, call_id: str) -> CallDetail | None:
        """A call with its messages and attempts; None if there is none of that id."""
        rows = self.rows(f"SELECT {CALL_COLUMNS}, sampling, structured FROM calls WHERE id = ?", call_id)
        if not rows:
            return None
        *columns, sampling, structured = rows[0]
        call = call_row(columns)
        said_in = call.replay_of or call_id
        parts: dict[int, tuple[str, list[str]]] = {}
        for message, role, text in self.rows(
            """SELECT m.message, m.role, t.text FROM call_messages m JOIN texts t ON t.id = m.text_id
            WHERE m.call_id = ? ORDER BY m.message, m.part""",
            said_in,
        ):
            parts.setdefault(message, (role, []))[1].append(text)
        attempts = self.rows(
            """SELECT a.number, t.text, a.finish_reason, a.input_tokens, a.output_tokens, a.cached_tokens,
            a.seconds, a.error, a.cost FROM attempts a JOIN texts t ON t.id = a.raw_id
            WHERE a.call_id = ? ORDER BY a.number""",
            said_in,
        )
        answers = self.rows(
            "SELECT t.text FROM calls c JOIN texts t ON t.id = c.answer_id WHERE c.id = ?", said_in
        )
        return CallDetail(
            call=call,
            sampling=Sampling.model_validate_json(sampling),
            structured=structured,
            messages=tuple(Message(role=role, parts=tuple(texts)) for role, texts in parts.values()),
            attempts=tuple(_attempt(*attempt) for attempt in attempts),
            answer=answers[0][0] if answers else None,
        )

    def find_answer(self, key: str) -> StoredAnswer | None:
        """The newest usable answer to a call of this key."""
        rows = self.rows(
            """SELECT c.id, t.text, c.choices FROM calls c JOIN texts t ON t.id = c.answer_id
            WHERE c.key = ? AND c.status IN (?, ?) ORDER BY c.rowid DESC LIMIT 1""",
            key,
            CallStatus.ANSWERED.value,
            CallStatus.REPLAYED.value,  # these have an answer of their own if it came from another run
        )
        if not rows:
            return None
        call_id, answer, choices = rows[0]
        return StoredAnswer(call_id, answer, choices=_CHOICES.validate_json(choices) if choices else ())

    def bad_answers(self, key: str) -> int:
        """How many calls of this key a model answered with nothing usable."""
        rows = self.rows(
            "SELECT count(*) FROM calls WHERE key = ? AND status IN (?, ?, ?)",
            key,
            CallStatus.TRUNCATED.value,
            CallStatus.FILTERED.value,
            CallStatus.INVALID.value,
        )
        return int(rows[0][0])


def call_row(row: Sequence[Any]) -> CallRow:
    """A call from its `CALL_COLUMNS`."""
    return CallRow(*[*row[:10], CallStatus(row[10]), *row[11:]])


def _attempt(
    number: int,
    raw: str,
    finish_reason: str | None,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int,
    seconds: float,
    error: str | None,
    cost: float | None,
) -> Attempt:
    usage = Usage(input_tokens=input_tokens, output_tokens=output_tokens, cached_tokens=cached_tokens)
    return Attempt(
        number=number,
        raw=raw,
        finish_reason=finish_reason,
        usage=usage,
        cost=cost,
        latency=seconds,
        error=error,
    )
