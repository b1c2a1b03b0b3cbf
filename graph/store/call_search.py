"""Finding the calls of a run: by what they were for, what became of them, how long they took, what was said.

All is done in SQL without an index of its own, as each would cost every call of a run more than it saves a
reader (`m010`). Of 100,000 calls with 440,000 parts of messages, a page of those that hold some words takes
0.12 to 0.21 s, whether all of them hold the words or none.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal

from graph.store.anomalies import usual_seconds
from graph.store.attempts import MISFIT
from graph.store.calls import CALL_COLUMNS, call_row
from graph.store.opening import OpenedRun, match_all
from graph.store.records import CallRow, CallStatus, Found


class CallOrder(StrEnum):
    """What comes first in a list of calls; among equals the one opened first."""

    OLDEST = "oldest"
    NEWEST = "newest"
    SLOWEST = "slowest"
    TOKENS = "tokens"


_KEYS: Final = {
    CallOrder.OLDEST: "-c.rowid",
    CallOrder.NEWEST: "c.rowid",
    CallOrder.SLOWEST: "c.seconds",
    CallOrder.TOKENS: "c.input_tokens + c.output_tokens",
}
"""By what each order sorts, descending."""

_RE_ASKED: Final = f"""c.attempts > 1 AND EXISTS (SELECT 1 FROM attempts a
    WHERE a.call_id = c.id AND a.number < c.attempts AND {MISFIT})"""
_SLOWER_THAN: Final = "EXISTS (SELECT 1 FROM attempts a WHERE a.call_id = c.id AND a.seconds > ?)"
# A call takes as long as its requests together: few have to be looked at one by one.
_SLOW: Final = """c.seconds > (SELECT min(bound) FROM usual) AND EXISTS (SELECT 1
    FROM usual u JOIN attempts a ON a.call_id = c.id AND a.seconds > u.bound
    WHERE (u.agent, u.provider, u.model) = (c.agent, c.provider, c.model))"""
_SAID_IN: Final = "coalesce(c.replay_of, c.id)"
# A replay has no messages of its own. Messages come before answers, as most words are in the common prompt.
_SAID: Final = f"""(c.answer_id IN hits
    OR EXISTS (SELECT 1 FROM call_messages m WHERE m.call_id = {_SAID_IN} AND m.text_id IN hits)
    OR EXISTS (SELECT 1 FROM attempts a WHERE a.call_id = {_SAID_IN} AND a.raw_id IN hits))"""
_HITS: Final = "hits AS MATERIALIZED (SELECT rowid FROM texts_fts WHERE texts_fts MATCH ?),"


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls are wanted: those that meet all that is given. Nothing given, all of them."""

    document_id: str | None = None
    agent: str | None = None
    status: CallStatus | None = None
    round: int | None = None
    model: str | None = None
    """`provider/model`, or the model alone."""
    re_asked: bool = False
    """Only those that were asked again, as an answer did not fit."""
    slow: float | Literal["auto"] | None = None
    """Only those with a request of more seconds; `auto`: by the usual (`graph.store.anomalies.slow`)."""
    words: str = ""
    """Words that all stand, in any order, in one part of a message or in one answer. The index is at most
    two seconds behind the run."""


def find_calls(
    run: OpenedRun,
    wanted: CallFilter | None = None,
    *,
    order: CallOrder = CallOrder.OLDEST,
    limit: int = 100,
    offset: int = 0,
) -> Found[CallRow]:
    """A page of the calls that are wanted, and how many these are.

    Both are of the same moment, also while the run goes on; what is usual is of the moment before. `slow` and
    `re_asked` are of requests; a replay makes none, but is found by the words of the call that it repeats.

    Args:
        run: The run.
        wanted: Which calls; None for all.
        order: What comes first.
        limit: Most calls of a page.
        offset: How many to pass over.

    Raises:
        StoreError: The run cannot be read.
    """
    wanted = wanted or CallFilter()
    tables, bound = usual_seconds(run) if wanted.slow == "auto" else ("", ())
    hits, condition, values = _condition(wanted)
    rows = run.rows(
        f"""WITH {f"{tables}, " if tables else ""}{hits} found AS MATERIALIZED (
            SELECT c.rowid AS place, {_KEYS[order]} AS sort_key FROM calls c WHERE {condition}),
        page AS MATERIALIZED (
            SELECT place, row_number() OVER () AS line
            FROM (SELECT place FROM found ORDER BY sort_key DESC, place LIMIT ? OFFSET ?))
        SELECT total, {CALL_COLUMNS} FROM (SELECT count(*) AS total FROM found)
        LEFT JOIN page LEFT JOIN calls c ON c.rowid = page.place ORDER BY line""",
        *bound,
        *values,
        limit,
        offset,
    )
    return Found(rows[0][0], tuple(call_row(row) for _, *row in rows if row[0] is not None))


def _condition(wanted: CallFilter) -> tuple[str, str, list[str | int | float]]:
    """What finds texts, if they matter, the condition on a call `c`, and the values of both."""
    words = wanted.words.strip()
    values: list[str | int | float] = [match_all(words)] if words else []
    conditions = ["TRUE"]
    columns = {"document_id": wanted.document_id, "agent": wanted.agent, "round": wanted.round}
    equal = columns | {"status": wanted.status.value if wanted.status else None}
    for column, value in equal.items():
        if value is not None:
            conditions.append(f"c.{column} = ?")
            values.append(value)
    if wanted.model is not None:
        conditions.append("? IN (c.model, c.provider || '/' || c.model)")
        values.append(wanted.model)
    if wanted.re_asked:
        conditions.append(_RE_ASKED)
    if wanted.slow == "auto":
        conditions.append(_SLOW)
    elif wanted.slow is not None:
        conditions.append(_SLOWER_THAN)
        values.append(wanted.slow)
    if words:
        conditions.append(_SAID)
    return _HITS if words else "", " AND ".join(conditions), values
