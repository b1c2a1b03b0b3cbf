"""Rows of one transaction, written with as few statements as possible.

The `sqlite3` module gives up the interpreter lock for every statement it steps. While the event loop is
busy, getting it back can take milliseconds, so what a transaction costs is the number of its statements,
not its rows. Rows are therefore gathered per table and inserted many at a time.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import sqlite3
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final

from graph.store.redaction import Redactor
from schemas.judgement import AGREEMENT_FIGURES, JUDGED_SCORES

Cell = str | int | float | None

SCORES: Final = (*JUDGED_SCORES, *AGREEMENT_FIGURES)
"""Columns of a round's scores, named as the scores are."""

_TEXTS: Final = "texts"
"""The step whose cells come in redacted."""
_REFERENCE: Final = "(SELECT id FROM texts WHERE hash = ?)"
_RECENT_TEXTS: Final = 4096
_KNOWN_TEXTS: Final = 512
_LONGEST_KNOWN: Final = 10_000
"""Characters: those that are known are kept in memory."""


class _Table:
    """A table, its columns, and how each is filled."""

    def __init__(self, name: str, columns: str, conflict: str = "", **expressions: str) -> None:
        names = columns.split()
        self._head = f"INSERT INTO {name} ({', '.join(names)}) VALUES "
        self._row = "(" + ", ".join(expressions.get(column, "?") for column in names) + ")"
        self._tail = f" {conflict}"
        self._statements: dict[int, str] = {}

    def statement(self, rows: int) -> str:
        """Insert that many rows."""
        if rows not in self._statements:
            self._statements[rows] = self._head + ", ".join([self._row] * rows) + self._tail
        return self._statements[rows]


class _Update:
    """Set columns of the rows named by their first value."""

    def __init__(self, name: str, key: str, columns: str, **expressions: str) -> None:
        self._name = name
        self._key = key
        self._expressions = {column: expressions.get(column, "?") for column in columns.split()}
        self._row = "(" + ", ".join("?" * (len(self._expressions) + 1)) + ")"
        self._statements: dict[int, str] = {}

    def statement(self, rows: int) -> str:
        """Update that many rows."""
        if rows not in self._statements:
            self._statements[rows] = self._one() if rows == 1 else self._many(rows)
        return self._statements[rows]

    def _one(self) -> str:
        # A third of the time of the other form, which sorts its rows first.
        return f"UPDATE {self._name} SET {self._sets('?{}')} WHERE {self._key} = ?1"

    def _many(self, rows: int) -> str:
        values = ", ".join([self._row] * rows)
        return (
            f"UPDATE {self._name} SET {self._sets('v.column{}')} FROM (VALUES {values}) AS v"
            f" WHERE {self._name}.{self._key} = v.column1"
        )

    def _sets(self, cell: str) -> str:
        return ", ".join(
            f"{column} = {expression.replace('?', cell.format(index))}"
            for index, (column, expression) in enumerate(self._expressions.items(), start=2)
        )


# In the order in which they are written: what is referred to comes first.
_STEPS: Final[dict[str, _Table | _Update]] = {
    _TEXTS: _Table("texts", "hash text", "ON CONFLICT (hash) DO NOTHING"),
    "documents": _Table(
        "documents", "position id outcome text_id characters source meta", text_id=_REFERENCE
    ),
    "calls": _Table(
        "calls",
        "id key agent document_id round sample passage provider model base_url structured sampling "
        "answer_name answer_schema status opened closed replay_of cost retry",
        retry="(SELECT count(*) FROM calls WHERE key = ? AND status != 'replayed')",
    ),
    "call_messages": _Table("call_messages", "call_id message part role text_id", text_id=_REFERENCE),
    "closed_calls": _Update(
        "calls",
        "id",
        "status error closed attempts input_tokens output_tokens cached_tokens seconds cost unpriced "
        "choices answer_id",
        answer_id=_REFERENCE,
    ),
    "reused_calls": _Update("calls", "id", "reused_from"),
    "attempts": _Table(
        "attempts",
        "call_id number raw_id finish_reason input_tokens output_tokens cached_tokens seconds error cost",
        raw_id=_REFERENCE,
    ),
    "rounds": _Table(
        "rounds",
        "id document_id take number entered schema_id state_hash created agreed_instances settled_instances",
        # A document taken up anew begins with round 1 again, in its next take.
        take="(SELECT max(1, coalesce(max(take), 0) + ?) FROM rounds WHERE document_id = ?)",
        schema_id=_REFERENCE,
    ),
    "annotations": _Table(
        "annotations", "id round_id document_id annotator agreed instances unknown_classes"
    ),
    "mentions": _Table(
        "mentions",
        'annotation_id number instance class field start "end" surface status occurrence quote',
    ),
    "findings": _Table("findings", 'round_id code severity raised_by class_name quote message start "end"'),
    "objections": _Table(
        "objections",
        "round_id number raised_in status settled_in gave_way code severity raised_by class_name quote "
        'message start "end"',
    ),
    "verdicts": _Table("verdicts", 'round_id number class start "end" verdict probability class_found'),
    "scores": _Table("scores", f"round_id {' '.join(SCORES)}"),
    "decision_versions": _Table("decision_versions", "version created note thresholds"),
    "decisions": _Table(
        "decisions",
        f"id document_id version outcome reason ending round created {' '.join(SCORES)} round_id",
        # The take in hand is the last one: its round of that number is the one that was kept.
        round_id="(SELECT id FROM rounds WHERE document_id = ? AND number = ? ORDER BY take DESC LIMIT 1)",
    ),
    "outcomes": _Update("documents", "id", "outcome decision_id"),
    "taken_up_again": _Update("documents", "id", "outcome decision_id draw", draw="draw + ?"),
    "taken_in": _Update("documents", "id", "outcome decision_id text_id characters meta", text_id=_REFERENCE),
    "failures": _Table("failures", "time document_id agent error_class message"),
    "events": _Table("events", "time kind message data"),
    "schema_versions": _Table(
        "schema_versions", "version created schema_id note agreement by_class frozen", schema_id=_REFERENCE
    ),
    "class_registry": _Table("class_registry", "name definition documents kept_as"),
    "merge_proposals": _Table("merge_proposals", "kept merged similarity reason ruling ruled_by"),
    "guideline_examples": _Table("guideline_examples", "class field phrase document_id"),
    "reviews": _Table("reviews", "id document_id round_id reviewer created verdict note"),
    "wrong_mentions": _Table("wrong_mentions", 'review_id start "end" class'),
    "run_status": _Update("runs", "id", "status reason ended"),
    "session_status": _Update("sessions", "id", "status reason ended"),
    "run_job": _Update("runs", "id", "job job_toml"),
}
_SIZES: Final = (256, 64, 16, 4, 1)
_SINGLY: Final = frozenset({"rounds"})
"""A row's take depends on the rows before it."""
_ONE_A_KEY: Final = frozenset(
    {"closed_calls", "outcomes", "taken_up_again", "taken_in", "run_status", "session_status", "run_job"}
)


class Batch:
    """The rows of the transaction in hand; secrets are taken out as they come in."""

    def __init__(self, connection: sqlite3.Connection, redact: Redactor) -> None:
        self.connection = connection
        self.redact = redact
        self._rows: dict[str, list[tuple[Cell, ...]]] = {}
        self._recent: OrderedDict[str, None] = OrderedDict()
        self._known = functools.lru_cache(_KNOWN_TEXTS)(self._plain)
        self._time: str | None = None

    @property
    def time(self) -> str:
        """When the transaction in hand began, as all its rows say; making the string for each costs."""
        if self._time is None:
            self._time = now()
        return self._time

    def add(self, step: str, *row: Cell) -> None:
        """Queue one row."""
        self.extend(step, (row,))

    def extend(self, step: str, rows: Sequence[tuple[Cell, ...]]) -> None:
        """Queue rows of one table."""
        queued = self._rows.get(step)
        if queued is None:
            queued = self._rows[step] = []
        queued.extend(rows)

    def text(self, text: str) -> str:
        """Queue a text, unless it is there, and return the hash by which rows refer to it."""
        # What several calls say, or an answer that is what its last attempt received, is hashed once.
        digest, plain = self._known(text) if len(text) <= _LONGEST_KNOWN else self._plain(text)
        if digest in self._recent:
            self._recent.move_to_end(digest)
        else:
            self._recent[digest] = None
            if len(self._recent) > _RECENT_TEXTS:
                self._recent.popitem(last=False)
            self._rows.setdefault(_TEXTS, []).append((digest, plain))
        return digest

    def _plain(self, text: str) -> tuple[str, str]:
        """The hash of a text without its secrets, and that text."""
        plain = self.redact(text)
        return text_hash(plain), plain

    def write(self) -> None:
        """Run the statements; the caller holds the transaction."""
        for name, step in _STEPS.items():
            rows: Sequence[tuple[Cell, ...]] = self._rows.get(name, ())
            if name in _ONE_A_KEY:
                # Of several updates of a row in one statement SQLite takes any; the last one is meant.
                rows = list({row[0]: row for row in rows}.values())
            for chunk in _chunks(rows, (1,) if name in _SINGLY else _SIZES):
                cells = list(itertools.chain.from_iterable(chunk))
                self.connection.execute(
                    step.statement(len(chunk)), cells if name == _TEXTS else self._redacted(cells)
                )
        self._rows.clear()
        self._time = None

    def forget(self) -> None:
        """Drop what is queued, and what a rolled-back transaction was thought to have written."""
        self._rows.clear()
        self._recent.clear()
        self._time = None

    def _redacted(self, cells: list[Cell]) -> list[Cell]:
        # One search for all of them: most rows have many short cells, and no secret.
        if self.redact.finds_nothing("\n".join([cell for cell in cells if isinstance(cell, str)])):
            return cells
        return [self.redact(cell) if isinstance(cell, str) else cell for cell in cells]


def text_hash(text: str) -> str:
    """By what the store knows a text: BLAKE2b, 128 bits, in hex."""
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def now() -> str:
    """The time as ISO 8601 in UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _chunks(rows: Sequence[tuple[Cell, ...]], sizes: Sequence[int]) -> Iterator[Sequence[tuple[Cell, ...]]]:
    """Slices of a few fixed sizes, so that their statements stay prepared."""
    start = 0
    while start < len(rows):
        size = next(size for size in sizes if size <= len(rows) - start)
        yield rows[start : start + size]
        start += size
