"""Which requests to a model brought nothing, and what was spent on them."""

from __future__ import annotations

from typing import Final

from agents.llm.client import GIVEN_UP
from graph.store.batch import text_hash
from graph.store.opening import OpenedRun
from graph.store.records import CallStatus, Vain

NO_ANSWER: Final = f"""(a.error IS NOT NULL AND a.finish_reason IS NULL AND a.output_tokens = 0
    AND a.raw_id IS (SELECT id FROM texts WHERE hash = '{text_hash("")}'))"""
"""Condition on an attempt `a`: nothing came back but an error of the server or of the connection."""

CUT_OFF: Final = f"(a.error IN ('{CallStatus.TRUNCATED.value}', '{CallStatus.FILTERED.value}'))"
"""Condition on an attempt `a`: an answer was truncated or filtered."""

MISFIT: Final = f"(a.error IS NOT NULL AND NOT {CUT_OFF} AND NOT {NO_ANSWER})"
"""Condition on an attempt `a`: there was a whole answer, and it did not fit what was asked."""

SENT: Final = f"""(status != '{CallStatus.REPLAYED.value}'
    AND NOT (status = '{CallStatus.CANCELLED.value}' AND attempts = 0))"""
"""Condition on a call: it was sent to a model, and neither replayed nor given up before."""

_CANCELLED: Final = CallStatus.CANCELLED.value
_ERROR: Final = CallStatus.ERROR.value
_INTERRUPTED: Final = CallStatus.INTERRUPTED.value
_UNKNOWN: Final = (_CANCELLED, _INTERRUPTED, _ERROR)

KIND: Final = f"""CASE WHEN {CUT_OFF} THEN a.error
    WHEN {NO_ANSWER} AND a.number < c.attempts THEN 'retried'
    WHEN {NO_ANSWER} THEN iif(
        c.status = '{_ERROR}' OR c.status = '{_CANCELLED}' AND a.error = '{GIVEN_UP}', c.status, 'no answer')
    ELSE iif(a.number < c.attempts, 're-asked', 'invalid') END"""
"""What became of an attempt `a` of a call `c` that has an error, in the words of `spent_in_vain`."""


_ORDER: Final = ("re-asked", "invalid", "truncated", "filtered", "retried", "no answer", *_UNKNOWN)


def spent_in_vain(run: OpenedRun) -> tuple[Vain, ...]:
    """Requests without a usable answer, by what became of them. Each request is counted once.

    `re-asked`: the answer did not fit, and was asked for again; `invalid`: the last one did not fit either.
    `retried`: the server or the connection failed, and the request was repeated; `no answer`: it failed for
    good. `truncated` and `filtered` answers end a call. `cancelled`, `interrupted` (the process died) and
    `error` (a fault of the program) are requests under way when their call ended; what they cost at the
    provider is unknown. A call that had to stop before it was sent made none.

    Raises:
        StoreError: The run cannot be read.
    """
    found = {
        kind: Vain(kind, count, *((None, None) if kind in _UNKNOWN else tokens))
        for kind, count, *tokens in run.rows(
            f"""SELECT {KIND} AS kind, count(*), sum(a.input_tokens), sum(a.output_tokens)
            FROM attempts a JOIN calls c ON c.id = a.call_id
            WHERE a.error IS NOT NULL GROUP BY kind"""
        )
    }
    ((interrupted,),) = run.rows("SELECT count(*) FROM calls WHERE status = ?", _INTERRUPTED)
    if interrupted:
        found[_INTERRUPTED] = Vain(_INTERRUPTED, interrupted, None, None)
    return tuple(found[kind] for kind in _ORDER if kind in found)
