"""The calls behind a made-up document's rounds: real prompts, made-up answers, re-asks and faults."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from agents.llm.choices import Choice
from agents.llm.client import Attempt, Message, ModelIdentity, Purpose, Sampling, Usage
from agents.prompting import describe_findings, describe_schema, messages
from benchmarks.bulk_documents import HOSTILE
from benchmarks.bulk_rounds import Worked, disputed_passages
from graph.consensus import can_be_revised
from graph.objections import CRITIC
from graph.store.records import CallStatus, ClosedCall, OpenedCall
from schemas.annotation import Annotation
from schemas.job import Profile
from schemas.judgement import Agent, FindingCode, MentionJudgement, Verdict
from schemas.rounds import Round

_PRICES: Final = (0.4e-6, 0.1e-6, 1.6e-6)
"""USD a token: of prompts, of prompts from the cache, of answers."""
_PASSING: Final = (
    (CallStatus.SERVER, "the server answered 503: overloaded"),
    (CallStatus.TIMEOUT, "no answer within 120 s"),
    (CallStatus.RATE_LIMIT, "429 after 6 repetitions"),
    (CallStatus.CONNECTION, "the connection was closed while the answer came"),
    (CallStatus.INVALID, "no valid answer in 3 attempts"),
)
FINAL_FAULTS: Final = (
    (CallStatus.TRUNCATED, "the answer is longer than max_tokens = 2,000"),
    (CallStatus.FILTERED, "the provider's filter took the answer"),
    (CallStatus.TOO_LONG, "the prompt is longer than the model's context of 8,192 tokens"),
    *_PASSING,
)
"""What a document can fail for, with a message."""
_ROLES: Final = {
    Agent.DESIGNER: ("designer", "Design"),
    Agent.WRITER: ("writer", "FullGuidelines"),
    Agent.ANNOTATOR: ("annotator", "Annotations"),
    Agent.CRITIC: ("critic", "Critique"),
}


@dataclass(frozen=True)
class MadeCall:
    """A call as it is to be recorded."""

    opened: OpenedCall
    closed: ClosedCall
    replayed: bool = False
    """Whether a later session answered it from the ledger once more."""


class CallMaker:
    """Makes the calls of documents."""

    def __init__(self, model: str, base_url: str, *, hostile: bool = False) -> None:
        self._identity = ModelIdentity(
            provider="openai",
            model=f"{model}{HOSTILE[0]}" if hostile else model,
            base_url=f"{base_url}/{HOSTILE[1]}" if hostile else base_url,
            structured="json_schema",
        )
        self._hostile = hostile

    def calls(self, worked: Worked, number: int, rng: random.Random, draw: int = 0) -> Iterator[MadeCall]:
        """The calls of a document's round, in their order.

        Args:
            worked: The document.
            number: Which round, from 1.
            rng: Decides what goes wrong.
            draw: How often the document was taken up again.
        """
        round_ = worked.rounds[number - 1]
        here: Sequence[int] = range(len(worked.sample.passages))
        asked: list[tuple[Agent, int, int]] = []
        if round_.entered is Agent.DESIGNER:
            asked.append((Agent.DESIGNER, 0, 0))
        if round_.entered is not Agent.ANNOTATOR:
            asked.append((Agent.WRITER, 0, 0))
        if round_.entered is Agent.ANNOTATOR and can_be_revised(round_.annotation_schema):
            here = sorted(disputed_passages(worked, number)) or here
        asked += [(Agent.ANNOTATOR, sample, at) for sample in range(2) for at in here]
        asked += [(Agent.CRITIC, 0, at) for at in here]
        for agent, sample, at in asked:
            yield from self._call(worked, round_, agent, sample, at, rng, draw)

    def _call(
        self,
        worked: Worked,
        round_: Round,
        agent: Agent,
        sample: int,
        at: int,
        rng: random.Random,
        draw: int,
    ) -> Iterator[MadeCall]:
        opened = self._opened(worked, round_, agent, sample, at, draw)
        answer, choices = _answer(worked, round_, agent, sample, at)
        if rng.random() < 0.012:
            status, error = rng.choice(_PASSING)
            raw = answer[: len(answer) // 2] if status is CallStatus.INVALID else ""
            attempt = self._attempt(opened, 1, raw, rng, error=self._said(error, rng))
            yield MadeCall(opened, ClosedCall(status, None, (attempt,), self._said(error, rng)))
        attempts: list[Attempt] = []
        while len(attempts) < 2 and rng.random() < 0.05:
            attempts.append(self._attempt(opened, len(attempts) + 1, *self._spoilt(answer, opened, rng)))
        attempts.append(self._attempt(opened, len(attempts) + 1, answer, rng))
        closed = ClosedCall(CallStatus.ANSWERED, answer, tuple(attempts), choices=choices)
        yield MadeCall(opened, closed, replayed=rng.random() < 0.02)

    def failing(self, made: MadeCall, rng: random.Random) -> MadeCall:
        """The call as if nothing usable had come of it."""
        status, error = rng.choice(FINAL_FAULTS)
        said = self._said(error, rng)
        raw = (made.closed.answer or "")[:400] if status is CallStatus.TRUNCATED else ""
        attempt = self._attempt(made.opened, 1, raw, rng, error=said)
        if status is CallStatus.TRUNCATED:
            attempt = attempt.model_copy(update={"finish_reason": "length"})
        return MadeCall(made.opened, ClosedCall(status, None, (attempt,), said))

    def cancelled(self, made: MadeCall) -> MadeCall:
        """The call as if the run had been stopped meanwhile."""
        return MadeCall(made.opened, ClosedCall(CallStatus.CANCELLED))

    def _said(self, error: str, rng: random.Random) -> str:
        return f"{error} {rng.choice(HOSTILE)}" if self._hostile else error

    def _spoilt(self, answer: str, opened: OpenedCall, rng: random.Random) -> tuple[str, random.Random, str]:
        """An answer that is not taken, and why."""
        if rng.random() < 0.4:
            return answer[:-2], rng, self._said("the answer is no JSON: EOF while parsing an object", rng)
        quote = f"{answer[12:40]}".strip('"{}[], ')
        error = (
            f"1 validation error for {opened.answer_name}: the quote {quote!r} does not stand in the document"
        )
        return answer.replace('"', "'", 2), rng, self._said(error, rng)

    def _opened(
        self, worked: Worked, round_: Round, agent: Agent, sample: int, at: int, draw: int
    ) -> OpenedCall:
        document = worked.sample.document
        purpose = Purpose(
            agent=agent, document_id=document.id, round=round_.number, sample=sample, passage=at, draw=draw
        )
        said = (agent.value, document.id, round_.number, sample, at, draw)
        return OpenedCall(
            key=hashlib.sha256(repr(said).encode()).hexdigest(),
            purpose=purpose,
            identity=self._identity,
            messages=_messages(worked, round_, agent, at),
            sampling=Sampling(temperature=0.2 + 0.1 * sample, max_tokens=2000, seed=sample + 7 * draw),
            answer_name=_ROLES[agent][1],
            answer_schema=hashlib.sha256(repr((agent, round_.annotation_schema.names)).encode()).hexdigest()[
                :32
            ],
        )

    def _attempt(
        self, opened: OpenedCall, number: int, raw: str, rng: random.Random, error: str | None = None
    ) -> Attempt:
        slow = 25 if rng.random() < 0.004 else 1
        if not raw:  # what was used is not known
            return Attempt(number=number, raw="", latency=slow * rng.uniform(0.2, 4), error=error)
        prompt = sum(len(message.text) for message in opened.messages) // 4
        written = len(raw) // 3
        is_first = opened.purpose.agent is Agent.DESIGNER and number == 1
        cached = 0 if is_first else int(prompt * rng.uniform(0.5, 0.8))
        inputs, reads, outputs = _PRICES
        return Attempt(
            number=number,
            raw=raw,
            finish_reason="stop",
            usage=Usage(input_tokens=prompt, output_tokens=written, cached_tokens=cached),
            cost=(prompt - cached) * inputs + cached * reads + written * outputs,
            latency=slow * (0.3 + prompt / 20_000 + written / 90 * rng.uniform(0.7, 1.6)),
            error=error,
        )


def _messages(worked: Worked, round_: Round, agent: Agent, at: int) -> tuple[Message, ...]:
    """The prompt of a call, as `agents` writes it."""
    start, end = worked.sample.passages[at]
    text, schema = worked.sample.document.text[start:end], round_.annotation_schema
    before = worked.rounds[round_.number - 2] if round_.number > 1 else None
    mending = [one for one in before.findings if one.target is agent] if before else []
    told: dict[str, Any] = {"findings": describe_findings(mending)}
    if agent is Agent.DESIGNER:
        told |= {"brief": "", "max_classes": 6, "inventory": "", "example": ""}
        shown = describe_schema(before.annotation_schema) if before else ""
    else:
        shown = describe_schema(schema)
    if agent is Agent.WRITER:
        told["first"] = schema.names[0]
    if agent is Agent.CRITIC:
        items = enumerate(_judged(round_, start, end), 1)
        whole = worked.sample.document.text
        lines = [f"{n}. {json.dumps(whole[one.start : one.end])} as {one.class_name}" for n, one in items]
        told = {"items": "\n".join(lines) or "(none)", "sweep": True}
    return messages(Profile.FULL, text, _ROLES[agent][0], schema=shown, **told)


def _judged(round_: Round, start: int, end: int) -> Sequence[MentionJudgement]:
    return [one for one in round_.judgements if start <= one.start < end]


def _answer(
    worked: Worked, round_: Round, agent: Agent, sample: int, at: int
) -> tuple[str, tuple[Choice, ...]]:
    """What the agent said in a call, so that the round came of it, and how sure it was."""
    start, end = worked.sample.passages[at]
    schema = round_.annotation_schema
    value: dict[str, object]
    choices: tuple[Choice, ...] = ()
    if agent is Agent.DESIGNER:
        facts = worked.sample.document.text[start:end].split(". ")[1:4]
        value = {
            "facts": facts,
            "classes": [
                {
                    "name": spec.name,
                    "definition": spec.guideline.definition,
                    "fields": [f.name for f in spec.fields[1:]],
                }
                for spec in schema.classes
            ],
        }
    elif agent is Agent.WRITER:
        value = {
            "guidelines": [
                {"class": spec.name, **spec.guideline.model_dump(exclude_defaults=True)}
                for spec in schema.classes
            ]
        }
    elif agent is Agent.ANNOTATOR:
        value = _quotes(round_.annotations[sample], schema.names, start, end)
    else:
        judged = _judged(round_, start, end)
        value = {
            "verdicts": [{"item": n, "verdict": one.verdict.value} for n, one in enumerate(judged, 1)],
            "missing": _missing(round_, start, end),
            "remarks": [
                {"code": one.code.value, "class": one.class_name, "message": one.message}
                for one in round_.findings
                if at == 0 and one.raised_by == CRITIC and one.quote is None
            ],
        }
        choices = tuple(
            _choice(place, one) for place, one in enumerate(judged) if one.probability is not None
        )
    return json.dumps(value, ensure_ascii=False), choices


def _quotes(annotation: Annotation, names: Sequence[str], start: int, end: int) -> dict[str, object]:
    lists: dict[str, object] = {}
    for name in names:
        lists[name] = [
            one.anchor.quote
            for one in annotation.instances
            if one.class_name == name
            and one.anchor is not None
            and start <= (one.anchor.start if one.anchor.start is not None else start) < end
        ]
    return lists


def _missing(round_: Round, start: int, end: int) -> dict[str, list[str]]:
    lists: dict[str, list[str]] = {name: [] for name in round_.annotation_schema.names}
    for one in round_.findings:
        if one.code is FindingCode.MISSING and one.start is not None and start <= one.start < end:
            lists.setdefault(one.class_name or "", []).append(one.quote or "")
    return lists


def _choice(place: int, judged: MentionJudgement) -> Choice:
    chance = judged.probability or 0.0
    others = [verdict for verdict in Verdict if verdict is not Verdict.CORRECT]
    rest = {verdict.value: round((1 - chance) / len(others), 4) for verdict in others}
    return Choice(
        path=f"verdicts.{place}.verdict",
        value=judged.verdict.value,
        probabilities={Verdict.CORRECT.value: round(chance, 4), **rest},
    )
