"""What a trace is made of, read from the store: a document that the run decided, a few queries each.

Only what the run decided itself has a trace. Decisions taken anew under other thresholds made no call, nor
did documents that were left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

from agents.llm.client import Sampling
from graph.store.attempts import KIND
from graph.store.batch import SCORES
from graph.store.calls import CALL_COLUMNS, call_row
from graph.store.opening import OpenedRun
from graph.store.reading import RunReader
from graph.store.records import ACCEPTANCE_OF_THE_RUN, CallDetail, CallRow
from schemas.judgement import Outcome

_PAGE: Final = 50
"""Documents looked up at once."""

_SCORE_COLUMNS: Final = ", ".join(f"e.{name}" for name in SCORES)
_MADE_BY_THE_RUN: Final = f"e.version = {ACCEPTANCE_OF_THE_RUN}"
_EARLIER: Final = f"""FROM decisions p WHERE p.document_id = e.document_id AND p.id < e.id
    AND p.version = {ACCEPTANCE_OF_THE_RUN}"""
_DECIDED: Final = f"""SELECT e.id, e.document_id, d.text_id IS NOT NULL, d.characters, e.outcome, e.reason,
        e.ending, e.round, e.created, (SELECT count(*) + 1 {_EARLIER}),
        (SELECT coalesce(max(p.created), '') {_EARLIER}),
        (SELECT max(s.id) FROM sessions s WHERE s.started <= e.created), {_SCORE_COLUMNS}
    FROM decisions e JOIN documents d ON d.id = e.document_id
    WHERE {_MADE_BY_THE_RUN} AND (d.text_id IS NOT NULL OR e.outcome != 'skipped') AND e.id > ?1
        AND (?2 IS NULL OR e.document_id = ?2) ORDER BY e.id LIMIT ?3"""

_CALLS: Final = f"""SELECT {CALL_COLUMNS}, sampling, reused_from FROM calls
    WHERE document_id IS ? AND opened > ? AND opened <= ? ORDER BY rowid"""
_ATTEMPTS: Final = f"""SELECT a.call_id, a.number, iif(a.error IS NULL, 'answered', {KIND}), a.finish_reason,
        a.input_tokens, a.output_tokens, a.cached_tokens, a.seconds, a.cost, a.error
    FROM calls c JOIN attempts a ON a.call_id = c.id
    WHERE c.document_id IS ? AND c.opened > ? AND c.opened <= ? ORDER BY c.rowid, a.number"""
_ROUNDS: Final = f"""SELECT e.number, e.entered, e.created,
        (SELECT count(*) FROM findings f WHERE f.round_id = e.id AND f.severity = 'major'),
        (SELECT count(*) FROM findings f WHERE f.round_id = e.id AND f.severity = 'minor'),
        (SELECT count(*) FROM objections o WHERE o.round_id = e.id AND o.status = 'open'),
        {", ".join(f"s.{name}" for name in SCORES)}
    FROM rounds e JOIN scores s ON s.round_id = e.id
    WHERE e.document_id = ? AND e.created > ? AND e.created <= ? ORDER BY e.id"""


@dataclass(frozen=True, slots=True)
class TracedAttempt:
    """A request to a model."""

    number: int
    outcome: str
    """`answered`, or what became of it (`graph.store.attempts.spent_in_vain`)."""
    finish_reason: str | None
    input_tokens: int
    output_tokens: int
    cached_tokens: int
    seconds: float
    cost: float | None
    error: str | None
    """May quote the answer."""


@dataclass(frozen=True, slots=True)
class TracedCall:
    """A call and its requests."""

    row: CallRow
    sampling: Sampling
    reused_from: str | None
    """Run and call whose answer was used."""
    attempts: tuple[TracedAttempt, ...]
    said: CallDetail | None
    """Messages and answers, where they are wanted."""


@dataclass(frozen=True, slots=True)
class TracedRound:
    """How a round was judged."""

    number: int
    entered: str
    """The agent it began with."""
    created: str
    major: int
    """Findings; so with minor."""
    minor: int
    open_objections: int
    scores: dict[str, float]
    """By name; those there are."""


@dataclass(frozen=True, slots=True)
class TracedDocument:
    """A document from its first call to the run's decision."""

    decision_id: int
    document_id: str
    readable: bool
    characters: int | None
    outcome: Outcome
    reason: str
    """Of a failed document, may quote an answer."""
    ending: str | None
    round: int | None
    created: str
    take: int
    """The how many-eth decision of the run on this document it is; from 1."""
    session: int | None
    """In which session it was decided."""
    scores: dict[str, float]
    rounds: tuple[TracedRound, ...]
    calls: tuple[TracedCall, ...]


@dataclass(frozen=True, slots=True)
class TracedSession:
    """The time a process worked on the run, with those calls that were for no document in particular."""

    number: int
    started: str
    ended: str
    status: str
    outcomes: dict[str, int]
    """How many documents it decided, by outcome."""
    calls: tuple[TracedCall, ...]


def last_decision(run: OpenedRun) -> int:
    """Id of the newest decision of the run; 0 if there is none."""
    ((last,),) = run.rows("SELECT coalesce(max(id), 0) FROM decisions")
    return int(last)


def decided_since(run: OpenedRun, after: int, document_id: str | None = None) -> int:
    """How many decisions the run has made since the one of that id, on one document or on all."""
    ((count,),) = run.rows(
        f"""SELECT count(*) FROM decisions e WHERE {_MADE_BY_THE_RUN} AND e.id > ?1
        AND (?2 IS NULL OR e.document_id = ?2)""",
        after,
        document_id,
    )
    return int(count)


def traced_documents(
    run: RunReader, after: int = 0, document_id: str | None = None, *, content: bool = False
) -> Iterator[TracedDocument]:
    """Documents that were decided after the decision of that id, in the order of the decisions; streamed.

    Args:
        run: The run; it may be going on.
        after: Id of a decision; 0 for all.
        document_id: Only this one.
        content: With what was said in the calls.

    Raises:
        StoreError: The run cannot be read.
    """
    while page := run.rows(_DECIDED, after, document_id, _PAGE):
        for row in page:
            yield _document(run, row, content=content)
        after = page[-1][0]


def traced_sessions(run: RunReader, first: int = 1, *, content: bool = False) -> Iterator[TracedSession]:
    """Sessions that have ended, from that one on.

    Raises:
        StoreError: The run cannot be read.
    """
    since = ""
    for number, session in enumerate(run.sessions(), start=1):
        if session.ended is None:
            return
        if number >= first:
            outcomes = run.rows(
                f"""SELECT outcome, count(*) FROM decisions e
                WHERE {_MADE_BY_THE_RUN} AND created > ? AND created <= ? GROUP BY outcome""",
                since,
                session.ended,
            )
            yield TracedSession(
                number=number,
                started=session.started,
                ended=session.ended,
                status=session.status.value,
                outcomes=dict(outcomes),
                calls=_calls(run, None, since, session.ended, content=content),
            )
        since = session.ended


def _document(run: RunReader, row: tuple[Any, ...], *, content: bool) -> TracedDocument:
    decision_id, document_id, readable, characters, outcome, reason, ending, kept, created = row[:9]
    take, since, session, *scores = row[9:]
    return TracedDocument(
        decision_id=decision_id,
        document_id=document_id,
        readable=bool(readable),
        characters=characters,
        outcome=Outcome(outcome),
        reason=reason,
        ending=ending,
        round=kept,
        created=created,
        take=take,
        session=session,
        scores=_scores(scores),
        rounds=tuple(
            TracedRound(number, entered, made, major, minor, open_objections, _scores(figures))
            for number, entered, made, major, minor, open_objections, *figures in run.rows(
                _ROUNDS, document_id, since, created
            )
        ),
        calls=_calls(run, document_id, since, created, content=content),
    )


def _scores(values: Any) -> dict[str, float]:
    return {name: value for name, value in zip(SCORES, values, strict=True) if value is not None}


def _calls(
    run: RunReader, document_id: str | None, since: str, until: str, *, content: bool
) -> tuple[TracedCall, ...]:
    attempts = {
        call_id: tuple(TracedAttempt(*attempt) for _, *attempt in group)
        for call_id, group in groupby(run.rows(_ATTEMPTS, document_id, since, until), itemgetter(0))
    }
    return tuple(
        TracedCall(
            row=call_row(columns),
            sampling=Sampling.model_validate_json(sampling),
            reused_from=reused_from,
            attempts=attempts.get(columns[0], ()),
            said=run.call(columns[0]) if content else None,
        )
        for *columns, sampling, reused_from in run.rows(_CALLS, document_id, since, until)
    )
