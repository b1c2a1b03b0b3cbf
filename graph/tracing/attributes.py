"""What spans say about themselves, in the names of OpenTelemetry's conventions for generative AI (v0.1.0).

The conventions are in development, and in a repository of their own now. The package with the others calls
its constants for them deprecated, so the names are written out here. What they have no name for is
`guidex.*`. What documents, models and errors say (content) is left out unless it is wanted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import urlsplit

from agents.llm.client import Message
from graph.store.records import CallStatus
from graph.tracing.reading import TracedAttempt, TracedCall, TracedDocument, TracedRound, TracedSession
from schemas.judgement import Agent, Outcome, Thresholds

Value = str | bool | int | float | tuple[str, ...]
Attributes = dict[str, Value]

_GOOD = (CallStatus.ANSWERED, CallStatus.REPLAYED)
_PORTS = {"http": 80, "https": 443}


def of_document(document: TracedDocument, thresholds: Thresholds, *, content: bool) -> Attributes:
    """What became of a document, its scores, and what they were held against."""
    calls = document.calls
    found: dict[str, Value | None] = {
        "gen_ai.conversation.id": document.document_id,
        "guidex.document.id": document.document_id,
        "guidex.document.characters": document.characters,
        "guidex.document.take": document.take,
        "guidex.decision.id": document.decision_id,
        "guidex.decision.outcome": document.outcome.value,
        "guidex.decision.ending": document.ending,
        "guidex.decision.round": document.round,
        "guidex.rounds": len(document.rounds),
        "guidex.calls": sum(call.row.status is not CallStatus.REPLAYED for call in calls),
        "guidex.calls.replayed": sum(call.row.status is CallStatus.REPLAYED for call in calls),
        "guidex.cost.usd": cost_of(calls),
    }
    # The reason of a failure may quote an answer; the others are made of codes and numbers.
    if content or document.outcome is not Outcome.FAILED:
        found["guidex.decision.reason"] = document.reason
    if document.outcome is Outcome.FAILED:
        found["error.type"] = _why_failed(document)
    for name, limit in thresholds.model_dump(exclude_none=True).items():
        found[f"guidex.threshold.{name}"] = limit
    return _present(found) | of_scores(document.scores)


def of_session(session: TracedSession) -> Attributes:
    """What a session of the run did."""
    return {
        "guidex.session": session.number,
        "guidex.run.status": session.status,
        **{f"guidex.documents.{outcome}": count for outcome, count in session.outcomes.items()},
    }


def of_round(round: TracedRound) -> Attributes:
    """How a round was judged."""
    return {
        "guidex.round": round.number,
        "guidex.round.entered": round.entered,
        "guidex.findings.major": round.major,
        "guidex.findings.minor": round.minor,
        "guidex.objections.open": round.open_objections,
        **of_scores(round.scores),
    }


def of_scores(scores: Mapping[str, float]) -> Attributes:
    """Scores by name."""
    return {f"guidex.score.{name}": value for name, value in scores.items()}


def of_call(call: TracedCall, *, content: bool) -> Attributes:
    """What was asked of which model, what it took, and with content what was said.

    A replay was not sent, so it has no usage.
    """
    row = call.row
    finished = [attempt.finish_reason for attempt in call.attempts if attempt.finish_reason]
    found: dict[str, Value | None] = {
        "gen_ai.provider.name": row.provider,
        "gen_ai.request.model": row.model,
        "gen_ai.conversation.id": row.document_id,
        "gen_ai.agent.name": agent_name(row.agent, row.sample),
        "gen_ai.output.type": "json",
        "gen_ai.request.temperature": call.sampling.temperature,
        "gen_ai.request.top_p": call.sampling.top_p,
        "gen_ai.request.max_tokens": call.sampling.max_tokens,
        "gen_ai.request.seed": call.sampling.seed,
        "gen_ai.request.frequency_penalty": call.sampling.frequency_penalty,
        "gen_ai.response.finish_reasons": (finished[-1],) if finished else None,
        "error.type": None if row.status in _GOOD else row.status.value,
        "guidex.call.id": row.id,
        "guidex.call.status": row.status.value,
        "guidex.call.answer": row.answer_name,
        "guidex.call.retry": row.retry,
        "guidex.call.replay_of": row.replay_of or call.reused_from,
        "guidex.round": row.round,
        "guidex.sample": row.sample,
        "guidex.passage": row.passage,
        "guidex.attempts": len(call.attempts),
    }
    if row.status is not CallStatus.REPLAYED:
        found |= {
            "gen_ai.usage.input_tokens": row.input_tokens,
            "gen_ai.usage.output_tokens": row.output_tokens,
            "gen_ai.usage.cache_read.input_tokens": row.cached_tokens,
            "guidex.cost.usd": row.cost,
        }
    return _present(found | _server(row.base_url)) | (_said(call) if content else {})


def of_attempt(attempt: TracedAttempt, *, content: bool) -> Attributes:
    """One request and what became of it."""
    found: dict[str, Value | None] = {
        "guidex.attempt": attempt.number,
        "guidex.attempt.outcome": attempt.outcome,
        "guidex.attempt.seconds": attempt.seconds,
        "gen_ai.response.finish_reasons": (attempt.finish_reason,) if attempt.finish_reason else None,
        "gen_ai.usage.input_tokens": attempt.input_tokens,
        "gen_ai.usage.output_tokens": attempt.output_tokens,
        "gen_ai.usage.cache_read.input_tokens": attempt.cached_tokens,
        "guidex.cost.usd": attempt.cost,
        "guidex.attempt.error": attempt.error if content else None,
    }
    return _present(found)


def agent_name(agent: str, sample: int) -> str:
    """An agent by the name it has in annotations and objections: each annotator has a number."""
    return f"{agent}-{sample + 1}" if agent == Agent.ANNOTATOR else agent


def cost_of(calls: tuple[TracedCall, ...]) -> float | None:
    """USD of the requests whose cost is known; None where none is."""
    costs = [call.row.cost for call in calls if call.row.cost is not None]
    return sum(costs) if costs else None


def _server(base_url: str | None) -> dict[str, Value | None]:
    """Host and port; never what else an address may hold, such as a password."""
    try:
        server = urlsplit(base_url or "")
        port = server.port or _PORTS.get(server.scheme)
    except ValueError:
        return {}
    return {"server.address": server.hostname, "server.port": port if server.hostname else None}


def _why_failed(document: TracedDocument) -> str:
    """A name for it with few values: how its last call ended, if that was no good."""
    if not document.readable:
        return "unreadable"
    bad = [call.row.status for call in document.calls if call.row.status not in _GOOD]
    return bad[-1].value if bad else "_OTHER"


def _said(call: TracedCall) -> Attributes:
    """Messages and answers in the JSON of the conventions: as text, which every receiver takes."""
    if call.said is None:
        return {}
    instructions = [message for message in call.said.messages if message.role == "system"]
    history = [message for message in call.said.messages if message.role != "system"]
    last = call.said.attempts[-1] if call.said.attempts else None
    answer = last.raw if last else call.said.answer
    found = {
        "gen_ai.system_instructions": [part for message in instructions for part in _parts(message)],
        "gen_ai.input.messages": [{"role": each.role, "parts": _parts(each)} for each in history],
    }
    if answer is not None:
        found["gen_ai.output.messages"] = [
            {
                "role": "assistant",
                "parts": [{"type": "text", "content": answer}],
                "finish_reason": (last.finish_reason if last else None) or "stop",
            }
        ]
    made: Attributes = {name: json.dumps(value, ensure_ascii=False) for name, value in found.items() if value}
    if call.row.error is not None:
        made["guidex.call.error"] = call.row.error
    return made


def _parts(message: Message) -> list[dict[str, str]]:
    return [{"type": "text", "content": part} for part in message.parts]


def _present(found: Mapping[str, Value | None]) -> Attributes:
    return {name: value for name, value in found.items() if value is not None}
