"""What stands out among the calls of a run, found in SQL and given a few at a time."""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from statistics import median_low
from typing import Any, Final

from graph.store.attempts import MISFIT, NO_ANSWER
from graph.store.opening import OpenedRun
from graph.store.records import CONNECTIONS, CallStatus, Event, Found

SLOW_DEVIATIONS: Final = 3.5
SLOW_MEDIANS: Final = 2
FEWEST_TO_JUDGE: Final = 8
"""Requests of one agent and model from which it can be told what is usual for them."""


@dataclass(frozen=True, slots=True)
class OddCall:
    """A call that stands out."""

    call_id: str
    agent: str
    model: str
    document_id: str | None
    round: int
    status: CallStatus
    opened: str
    """ISO 8601, UTC."""
    seconds: float
    """Of the slow request, of all requests of a closed call, or since an open one was opened."""
    count: int
    """Misfit answers or repeated requests, where these are listed; else requests."""
    detail: str | None
    """What the last of them, or the call, said."""
    usual: float | None = None
    """Median seconds of the requests of this agent and model, where slow ones are listed."""


@dataclass(frozen=True, slots=True)
class LongDocument:
    """A document that took several rounds."""

    document_id: str
    rounds: int
    """Of all its takes."""
    takes: int
    calls: int
    outcome: str
    reason: str


_CALL: Final = "c.id, c.agent, c.provider || '/' || c.model, c.document_id, c.round, c.status, c.opened"


def unfinished(run: OpenedRun, limit: int) -> Found[OddCall]:
    """Calls entered and never left: in flight (`open`) or cut off by the death of a process (`interrupted`).

    The longest open first; `seconds` is 0 for interrupted ones, as nobody knows when they ended.

    Raises:
        StoreError: The run cannot be read.
    """
    return _calls(
        run,
        f"""SELECT {_CALL}, iif(c.status = ?1, 86400.0 * (julianday('now') - julianday(c.opened)), 0.0),
            c.attempts, c.error, NULL, count(*) OVER ()
        FROM calls c WHERE c.status IN (?1, ?2) ORDER BY c.status = ?1 DESC, c.opened LIMIT ?3""",
        CallStatus.OPEN.value,
        CallStatus.INTERRUPTED.value,
        limit,
    )


def slow(run: OpenedRun, limit: int, seconds: float | None = None) -> Found[OddCall]:
    """Single requests that took unusually long for their agent and model, the slowest first.

    Slow is what took more than `median + 3.5 * MAD / 0.6745` seconds and more than twice the median, among
    the requests of the same agent and model that brought an answer, if there are at least eight. MAD is the
    median of the absolute deviations from the median; the cut at a modified z-score of 3.5 is that of
    Iglewicz and Hoaglin, How to Detect and Handle Outliers (1993). Medians do not move with a few outliers,
    as mean and standard deviation do. Twice the median keeps a server of steady latency, whose MAD is
    almost 0, from having slow requests. The median of an even number is the lower of the middle two.

    Args:
        run: The run.
        limit: Most requests returned.
        seconds: A fixed bound instead.

    Raises:
        StoreError: The run cannot be read.
    """
    usual, values = usual_seconds(run)
    return _calls(
        run,
        f"""WITH {usual} SELECT {_CALL}, a.seconds, c.attempts, a.error, u.median, count(*) OVER ()
        FROM attempts a JOIN calls c ON c.id = a.call_id
            LEFT JOIN usual u ON (u.agent, u.provider, u.model) = (c.agent, c.provider, c.model)
        WHERE a.seconds > coalesce(?, u.bound) ORDER BY a.seconds DESC, c.rowid LIMIT ?""",
        *values,
        seconds,
        limit,
    )


def usual_seconds(run: OpenedRun) -> tuple[str, tuple[str | float | None, ...]]:
    """What requests of each agent and model usually take, as a table to ask by.

    Read and sorted here: sorting 100,000 of them in SQL, twice, takes three times as long.

    Args:
        run: The run.

    Returns:
        `usual`, a table for WITH, with the columns agent, provider, model, `median` and the `bound` above
        which a request is slow (`slow`), NULL for too few requests; and its values.

    Raises:
        StoreError: The run cannot be read.
    """
    teams: dict[tuple[str, ...], list[float]] = {}
    for *team, seconds in run.rows(
        """SELECT c.agent, c.provider, c.model, a.seconds FROM attempts a JOIN calls c ON c.id = a.call_id
        WHERE a.error IS NULL"""
    ):
        teams.setdefault(tuple(team), []).append(seconds)
    rows = [(*team, *_median_and_bound(took)) for team, took in teams.items()] or [(None,) * 5]
    values = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
    table = f"usual(agent, provider, model, median, bound) AS (VALUES {values})"
    return table, tuple(itertools.chain.from_iterable(rows))


def _median_and_bound(seconds: list[float]) -> tuple[float, float | None]:
    middle = median_low(seconds)
    if len(seconds) < FEWEST_TO_JUDGE:
        return middle, None
    deviation = median_low([abs(each - middle) for each in seconds])
    return middle, max(middle + SLOW_DEVIATIONS * deviation / 0.6745, SLOW_MEDIANS * middle)


def re_asked(run: OpenedRun, limit: int) -> Found[OddCall]:
    """Calls whose answers did not fit what was asked; those with most such answers first.

    Raises:
        StoreError: The run cannot be read.
    """
    return _by_attempts(run, MISFIT, limit)


def repeated(run: OpenedRun, limit: int) -> Found[OddCall]:
    """Calls with requests that brought nothing but an error of the server or of the connection.

    Raises:
        StoreError: The run cannot be read.
    """
    return _by_attempts(run, NO_ANSWER, limit)


def cut_off(run: OpenedRun, limit: int) -> Found[OddCall]:
    """Calls that ended with an answer that was truncated or filtered, the newest first.

    Raises:
        StoreError: The run cannot be read.
    """
    return _calls(
        run,
        f"""SELECT {_CALL}, c.seconds, c.attempts, c.error, NULL, count(*) OVER ()
        FROM calls c WHERE c.status IN (?, ?) ORDER BY c.rowid DESC LIMIT ?""",
        CallStatus.TRUNCATED.value,
        CallStatus.FILTERED.value,
        limit,
    )


def most_rounds(run: OpenedRun, limit: int) -> Found[LongDocument]:
    """Documents that took more than one round, those that took most first.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        """WITH long AS MATERIALIZED (
            SELECT document_id, count(*) AS rounds, max(take) AS takes, count(*) OVER () AS total
            FROM rounds GROUP BY document_id HAVING count(*) > 1
            ORDER BY rounds DESC, document_id LIMIT ?)
        SELECT l.document_id, l.rounds, l.takes,
            (SELECT count(*) FROM calls c WHERE c.document_id = l.document_id AND c.status != ?),
            d.outcome, coalesce(e.reason, ''), l.total
        FROM long l JOIN documents d ON d.id = l.document_id LEFT JOIN decisions e ON e.id = d.decision_id
        ORDER BY l.rounds DESC, d.position""",
        limit,
        CallStatus.REPLAYED.value,
    )
    return Found(rows[0][-1] if rows else 0, tuple(LongDocument(*row[:-1]) for row in rows))


def connection_setbacks(run: OpenedRun, limit: int) -> Found[Event]:
    """When fewer calls at a time were sent to a model than before, or none; the last ones.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        """SELECT time, kind, message, data, count(*) OVER () FROM events
        WHERE kind = ? AND (data ->> '$.new' IS NULL OR data ->> '$.new' < data ->> '$.old')
        ORDER BY id DESC LIMIT ?""",
        CONNECTIONS,
        limit,
    )
    shown = [Event(time, kind, message, json.loads(data)) for time, kind, message, data, _ in rows]
    return Found(rows[0][-1] if rows else 0, tuple(reversed(shown)))


def _by_attempts(run: OpenedRun, condition: str, limit: int) -> Found[OddCall]:
    """Calls with attempts that meet a condition, and what the last of these said."""
    return _calls(
        run,
        f"""WITH odd AS MATERIALIZED (
            SELECT a.call_id, count(*) AS n, max(a.number) AS last, count(*) OVER () AS total
            FROM attempts a WHERE {condition} GROUP BY a.call_id ORDER BY n DESC, a.call_id LIMIT ?)
        SELECT {_CALL}, c.seconds, o.n,
            (SELECT a.error FROM attempts a WHERE a.call_id = o.call_id AND a.number = o.last), NULL, o.total
        FROM odd o JOIN calls c ON c.id = o.call_id ORDER BY o.n DESC, c.rowid""",
        limit,
    )


def _calls(run: OpenedRun, sql: str, *values: Any) -> Found[OddCall]:
    """Rows of a call's columns, with how many there would be without the limit as the last one."""
    rows = run.rows(sql, *values)
    shown = tuple(OddCall(*[*row[:5], CallStatus(row[5]), *row[6:-1]]) for row in rows)
    return Found(rows[0][-1] if rows else 0, shown)
