"""What has happened in a run since it was last looked at: the trail that `guidex trace tail` prints.

Each table is read on from the last row that was seen, as rows are only added. Calls are the exception, as
they are closed in another order than opened: those that were open at the last look are looked at again.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from graph.store.opening import OpenedRun
from graph.store.records import CallStatus


class Kind(StrEnum):
    """What can happen."""

    CALL = "call"
    ROUND = "round"
    DECISION = "decision"
    FAILURE = "failure"
    EVENT = "event"
    RUN = "run"


@dataclass(frozen=True, slots=True)
class Happening:
    """Something that happened in a run."""

    time: str
    """ISO 8601, UTC."""
    kind: Kind
    document_id: str | None
    data: dict[str, Any]
    """What is known of it; `_TABLES` names the keys."""


_TABLES: Final = {
    Kind.ROUND: (
        "rounds",
        """SELECT r.id, r.created AS time, r.document_id, json_object('take', r.take, 'round', r.number,
            'entered', r.entered, 'grounding', s.grounding, 'agreement', s.agreement,
            'faithfulness', s.faithfulness, 'completeness', s.completeness,
            'findings', (SELECT count(*) FROM findings f WHERE f.round_id = r.id))
        FROM rounds r JOIN scores s ON s.round_id = r.id""",
    ),
    Kind.DECISION: (
        "decisions",
        """SELECT r.id, r.created AS time, r.document_id, json_object('version', r.version,
            'outcome', r.outcome, 'reason', r.reason, 'round', r.round)
        FROM decisions r""",
    ),
    Kind.FAILURE: (
        "failures",
        """SELECT r.id, r.time, r.document_id, json_object('agent', r.agent, 'error_class', r.error_class,
            'message', r.message)
        FROM failures r""",
    ),
    Kind.EVENT: (
        "events",
        """SELECT r.id, r.time, NULL, json_object('event', r.kind, 'message', r.message, 'data', json(r.data))
        FROM events r""",
    ),
}
"""Where that is written which is only added, and how it is read: place, time, document, all else.

What follows from what comes later.
"""

_CALLS: Final = """SELECT rowid, coalesce(closed, opened) AS time, document_id, json_object('id', id,
    'agent', agent, 'sample', sample, 'round', round, 'status', status, 'error', error, 'attempts', attempts,
    'seconds', seconds, 'input_tokens', input_tokens, 'cached_tokens', cached_tokens,
    'output_tokens', output_tokens, 'cost', cost) FROM calls"""


class Follower:
    """How far a run has been followed."""

    def __init__(self, run: OpenedRun) -> None:
        """Begin at what has happened by now.

        Raises:
            StoreError: The run cannot be read.
        """
        self._run = run
        # One statement, so that all marks are of the same moment.
        marks = ", ".join(f"(SELECT coalesce(max(id), 0) FROM {table})" for table, _ in _TABLES.values())
        ((last_call, still_open, *last),) = self._run.rows(
            f"""SELECT (SELECT coalesce(max(rowid), 0) FROM calls),
            (SELECT json_group_array(rowid) FROM calls WHERE status = ?), {marks}""",
            CallStatus.OPEN.value,
        )
        self._last: dict[Kind, int] = dict(zip(_TABLES, last, strict=True))
        self._last_call: int = last_call
        self._open: list[int] = json.loads(still_open)

    def before(self, count: int) -> tuple[Happening, ...]:
        """The last so many things that had happened when it began, in their order; call it before `news`.

        Raises:
            StoreError: The run cannot be read.
        """
        if not count:
            return ()
        told: list[Happening] = []
        for kind, (_, query) in _TABLES.items():
            rows = self._run.rows(
                f"{query} WHERE r.id <= ? ORDER BY r.id DESC LIMIT ?", self._last[kind], count
            )
            told += [_happening(kind, *row) for row in reversed(rows)]
        calls = self._run.rows(
            f"""{_CALLS} WHERE rowid <= ? AND rowid NOT IN (SELECT value FROM json_each(?))
            ORDER BY time DESC, rowid DESC LIMIT ?""",
            self._last_call,
            json.dumps(self._open),
            count,
        )
        before = [_happening(Kind.CALL, *row) for row in reversed(calls)]
        return tuple(sorted([*before, *told], key=_time)[-count:])

    def news(self) -> tuple[Happening, ...]:
        """What has happened since, in the order of time.

        Raises:
            StoreError: The run cannot be read.
        """
        # What follows from something is read before it, so that it is never told before it.
        added: list[Happening] = []
        for kind, (_, query) in reversed(_TABLES.items()):
            rows = self._run.rows(f"{query} WHERE r.id > ? ORDER BY r.id", self._last[kind])
            added = [*(_happening(kind, *row) for row in rows), *added]
            self._last[kind] = rows[-1][0] if rows else self._last[kind]
        return tuple(sorted([*self._closed_calls(), *added], key=_time))

    def _closed_calls(self) -> list[Happening]:
        rows = self._run.rows(
            f"{_CALLS} WHERE rowid > ? OR rowid IN (SELECT value FROM json_each(?)) ORDER BY rowid",
            self._last_call,
            json.dumps(self._open),
        )
        found = [(row[0], _happening(Kind.CALL, *row)) for row in rows]
        self._last_call = max([self._last_call, *(row[0] for row in rows)])
        self._open = [place for place, call in found if call.data["status"] == CallStatus.OPEN.value]
        return [call for _, call in found if call.data["status"] != CallStatus.OPEN.value]


def _time(happening: Happening) -> str:
    return happening.time


def _happening(kind: Kind, _place: int, time: str, document_id: str | None, data: str) -> Happening:
    return Happening(time, kind, document_id, json.loads(data))
