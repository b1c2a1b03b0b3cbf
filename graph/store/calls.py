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
        rows = self.rows(
            f"SELECT {CALL_COLUMNS}, sampling, structured, reused_from FROM calls WHERE id = ?", call_id
        )
        if not rows:
            return None
        *columns, sampling, structured, reused_from = rows[0]
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
            """SELECT t.text, c.choices FROM calls c JOIN texts t ON t.id = c.answer_id
            WHERE c.id IN (?, ?) ORDER BY c.rowid DESC LIMIT 1""",
            call_id,
            said_in,
        )
        answer, choices = answers[0] if answers else (None, None)
        return CallDetail(
            call=call,
            sampling=Sampling.model_validate_json(sampling),
            structured=structured,
            messages=tuple(Message(role=role, parts=tuple(texts)) for role, texts in parts.values()),
            attempts=tuple(_attempt(*attempt) for attempt in attempts),
            answer=answer,
            choices=_CHOICES.validate_json(choices) if choices else (),
            reused_from=reused_from,
        )

    def call_ids(self, part: str, limit: int = 10) -> tuple[str, ...]:
        """Ids that are, begin with or end with a text, capitals or not.

        Ids begin with the time, which calls of one moment share, and end with what is their own.
        """
        rows = self.rows(
            """SELECT id FROM calls WHERE substr(id, 1, length(?1)) = ?1 OR substr(id, -length(?1)) = ?1
            ORDER BY id LIMIT ?2""",
            part.upper(),
            limit,
        )
        return tuple(found for (found,) in rows)

    def part_uses(self, call_id: str) -> tuple[tuple[int, ...], ...]:
        """For each message of a call, how often each of its parts was said in the run.

        Reads the messages of all calls once, for 100,000 calls in 0.1 s.
        """
        uses: dict[int, list[int]] = {}
        for message, count in self.rows(
            """WITH parts AS MATERIALIZED (SELECT m.message, m.part, m.text_id FROM call_messages m
                WHERE m.call_id = (SELECT coalesce(replay_of, id) FROM calls WHERE id = ?)),
            counts AS MATERIALIZED (SELECT text_id, count(*) AS n FROM call_messages
                WHERE text_id IN (SELECT text_id FROM parts) GROUP BY text_id)
            SELECT p.message, c.n FROM parts p JOIN counts c USING (text_id) ORDER BY p.message, p.part""",
            call_id,
        ):
            uses.setdefault(message, []).append(count)
        return tuple(map(tuple, uses.values()))

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
