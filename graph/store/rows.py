"""How the models of a run become rows."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from agents.llm.client import Sampling
from graph.deciding import undisputed
from graph.documents import seen_from, with_path
from graph.store.batch import SCORES, Batch, Cell
from graph.store.records import CallStatus, ClosedCall, OpenedCall, RunStatus, StoredAnswer
from schemas.documents import Document, LeftOut, Unreadable
from schemas.judgement import Decision, Finding, Outcome, Scores
from schemas.objections import Objection
from schemas.rounds import Round

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def compact(value: object) -> str:
    """JSON without spaces, readable in any script."""
    return _encode(value)


@functools.lru_cache(maxsize=256)
def _sampling(sampling: Sampling) -> str:
    """As JSON; made once for each of the few there are."""
    return sampling.model_dump_json(exclude_none=True)


def add_document(batch: Batch, position: int, document: Document) -> None:
    """A document that waits to be worked on."""
    text = batch.text(document.text)
    meta = compact(document.meta) if document.meta else None
    batch.add(
        "documents",
        position,
        document.id,
        Outcome.PENDING.value,
        text,
        len(document.text),
        document.source,
        meta,
    )


def unreadable_id(record: Unreadable, folder: Path) -> str:
    """Id of a record that has none, as it could not be read: its place, seen from the run's folder.

    From there, and links followed, as the file may be named otherwise when it is read again.
    """
    source = with_path(record.source, lambda path: seen_from(folder, os.path.realpath(path)))
    return f"unreadable:{_place(source, record.line)}"


def _place(source: str, line: int | None) -> str:
    return source if line is None else f"{source}:{line}"


def add_unreadable(
    batch: Batch, position: int, identifier: str, record: Unreadable, decision_id: int
) -> None:
    """A record that is no document: failed before it began."""
    source = _place(record.source, record.line)
    batch.add("documents", position, identifier, Outcome.PENDING.value, None, None, source, None)
    decision = Decision(outcome=Outcome.FAILED, reason=record.reason)
    add_decision(batch, decision_id, identifier, decision, None, version=1)
    batch.add("failures", batch.time, identifier, "reader", "Unreadable", f"{source}: {record.reason}")


def add_left_out(batch: Batch, position: int, record: LeftOut, decision_id: int) -> None:
    """A document that is not worked on. Its text stays where it was read: there may be millions of them."""
    batch.add("documents", position, record.id, Outcome.PENDING.value, None, None, record.source, None)
    leave_out(batch, record.id, record, decision_id)


def leave_out(batch: Batch, identifier: str, record: LeftOut, decision_id: int) -> None:
    """A document that is not worked on after all, or not any more."""
    decision = Decision(outcome=Outcome.SKIPPED, reason=record.reason)
    add_decision(batch, decision_id, identifier, decision, None, version=1)


def take_in(batch: Batch, document: Document) -> None:
    """A document that was left out and now waits to be worked on."""
    text, meta = batch.text(document.text), compact(document.meta) if document.meta else None
    waits = (Outcome.PENDING.value, None)
    batch.add("taken_in", document.id, *waits, text, len(document.text), meta)


def take_up_again(batch: Batch, document_ids: Sequence[str], *, draw_anew: bool) -> None:
    """Documents that wait to be worked on once more."""
    for identifier in document_ids:
        batch.add("taken_up_again", identifier, Outcome.PENDING.value, None, int(draw_anew))


def add_call(batch: Batch, call_id: str, call: OpenedCall, status: str, replay_of: str | None = None) -> None:
    """A call; its messages too, unless it repeats a call that has them."""
    purpose, identity, time = call.purpose, call.identity, batch.time
    batch.add(
        "calls",
        call_id,
        call.key,
        purpose.agent.value,
        purpose.document_id,
        purpose.round,
        purpose.sample,
        purpose.passage,
        identity.provider,
        identity.model,
        identity.base_url,
        identity.structured,
        _sampling(call.sampling),
        call.answer_name,
        call.answer_schema,
        status,
        time,
        time if replay_of else None,
        replay_of,
        0.0 if replay_of else None,
        call.key,
    )
    if replay_of is None:
        batch.extend(
            "call_messages",
            [
                (call_id, index, part, message.role, batch.text(text))
                for index, message in enumerate(call.messages)
                for part, text in enumerate(message.parts)
            ],
        )


def add_reuse(batch: Batch, call_id: str, call: OpenedCall, answer: StoredAnswer) -> None:
    """A call that another run's answer was used for; kept here with that answer, so that it stays known."""
    add_call(batch, call_id, call, CallStatus.OPEN.value)
    close_call(batch, call_id, ClosedCall(CallStatus.REPLAYED, answer.answer, choices=answer.choices))
    batch.add("reused_calls", call_id, f"{answer.run}:{answer.call_id}")


def close_call(batch: Batch, call_id: str, closed: ClosedCall) -> None:
    """What became of a call, and each request that was made for it.

    What was cancelled before a request was made cost nothing; if no request's cost is known, the call's is
    not either.
    """
    costs = [attempt.cost for attempt in closed.attempts if attempt.cost is not None]
    unpriced = len(closed.attempts) - len(costs)
    for attempt in closed.attempts:
        batch.add(
            "attempts",
            call_id,
            attempt.number,
            batch.text(attempt.raw),
            attempt.finish_reason,
            attempt.usage.input_tokens,
            attempt.usage.output_tokens,
            attempt.usage.cached_tokens,
            attempt.latency,
            attempt.error,
            attempt.cost,
        )
    batch.add(
        "closed_calls",
        call_id,
        closed.status.value,
        closed.error,
        batch.time,
        len(closed.attempts),
        sum([attempt.usage.input_tokens for attempt in closed.attempts]),
        sum([attempt.usage.output_tokens for attempt in closed.attempts]),
        sum([attempt.usage.cached_tokens for attempt in closed.attempts]),
        sum([attempt.latency for attempt in closed.attempts]),
        sum(costs, 0.0) if costs or not unpriced else None,
        unpriced,
        compact([choice.model_dump() for choice in closed.choices]) if closed.choices else None,
        None if closed.answer is None else batch.text(closed.answer),
    )


def add_round(batch: Batch, round_id: int, document_id: str, made: Round) -> None:
    """A round with its annotations, mentions, findings and scores; `round_id` is the row's."""
    schema = batch.text(made.annotation_schema.model_dump_json(exclude_defaults=True))
    first = int(made.number == 1)
    batch.add(
        "rounds",
        round_id,
        document_id,
        first,
        document_id,
        made.number,
        made.entered.value,
        schema,
        made.state_hash,
        batch.time,
        len(made.agreed.instances),
        len(undisputed(made.agreed, made.findings)),
    )
    for finding in made.findings:
        batch.add("findings", round_id, *_finding(finding))
    batch.extend("objections", [_objection(round_id, objection) for objection in made.objections])
    batch.extend(
        "verdicts",
        [
            (round_id, number, one.class_name, *one.span, one.verdict.value, one.probability, one.class_found)
            for number, one in enumerate(made.judgements)
        ],
    )
    batch.add("scores", round_id, *_scores(made.scores))


def _finding(finding: Finding) -> tuple[Cell, ...]:
    return (
        finding.code.value,
        finding.severity.value,
        finding.raised_by,
        finding.class_name,
        finding.quote,
        finding.message,
        finding.start,
        finding.end,
    )


def _objection(round_id: int, objection: Objection) -> tuple[Cell, ...]:
    return (
        round_id,
        objection.number,
        objection.raised_in,
        objection.status.value,
        objection.settled_in,
        compact(objection.gave_way) if objection.gave_way else None,
        *_finding(objection.finding),
    )


def add_decision(
    batch: Batch, decision_id: int, document_id: str, decision: Decision, scores: Scores | None, version: int
) -> None:
    """A verdict, and the document's state that follows from it."""
    batch.add(
        "decisions",
        decision_id,
        document_id,
        version,
        decision.outcome.value,
        decision.reason,
        decision.ending.value if decision.ending else None,
        decision.round,
        batch.time,
        *(_scores(scores) if scores else (None,) * len(SCORES)),
        document_id,
        decision.round,
    )
    batch.add("outcomes", document_id, decision.outcome.value, decision_id)


def _scores(scores: Scores) -> tuple[float | None, ...]:
    return tuple([getattr(scores, name) for name in SCORES])


def add_failure(batch: Batch, document_id: str | None, agent: str, error_class: str, message: str) -> None:
    """Something that went wrong."""
    batch.add("failures", batch.time, document_id, agent, error_class, message)


def add_event(batch: Batch, kind: str, message: str, data: Mapping[str, object] | None) -> None:
    """Something that happened."""
    batch.add("events", batch.time, kind, message, compact(data) if data is not None else None)


def finish(batch: Batch, run_id: str, session_id: int, status: RunStatus, reason: str) -> None:
    """How a session of the run ended, and with it the run for now."""
    time = batch.time
    batch.add("run_status", run_id, status.value, reason, time)
    batch.add("session_status", session_id, status.value, reason, time)
