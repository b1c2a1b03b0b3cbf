"""A team of agents that all speak to one in-memory client, each by a script of its own."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from servers.in_memory import InMemoryClient, Said

from agents.llm.client import Request, Sampling
from agents.speaker import Speaker
from graph.document_graph import DocumentGraph
from graph.team import Team
from schemas.annotation import Instance
from schemas.asking import ClassOrder
from schemas.documents import Document
from schemas.inputs import DocumentsConfig
from schemas.job import AnnotatorConfig, Job, Profile
from schemas.judgement import Agent, Decision, Thresholds
from schemas.rounds import Round

Script = Callable[[Request[Any]], Said]

TEXT = "Ann met Bo in Oslo. Later Ann wrote to Cy in Rome about the Oslo engine."

_PHRASE = re.compile(r'^(\d+)\. ("(?:[^"\\]|\\.)*")(?: in ".*"| \(not in the .*\))$', re.MULTILINE)
_ITEM = re.compile(r'^(\d+)\. ("(?:[^"\\]|\\.)*")(?: as (\w+))?$', re.MULTILINE)


def designed(*names: str) -> Script:
    """A designer who names these classes."""
    classes = [{"name": name, "definition": f"A {name.lower()} of the text."} for name in names]
    return lambda request: {"domain": "travel", "facts": [], "classes": classes}


def written(request: Request[Any]) -> Said:
    """A writer who defines every class it is shown."""
    names = re.findall(r"^- ([A-Z]\w*)", instructions(request), re.MULTILINE)
    return {
        "guidelines": [
            {"name": name, "definition": f"What is called {name.lower()} {len(name)}."} for name in names
        ]
    }


def annotated(found: Mapping[str, Sequence[Any]]) -> Script:
    """An annotator who always gives this."""
    return lambda request: {name: list(items) for name, items in found.items()}


def judged(
    verdict: Callable[[int, str, str], str],
    missing: Sequence[tuple[str, str]] = (),
    remarks: Sequence[Mapping[str, Any]] = (),
) -> Script:
    """A critic who says of every mention what `verdict(number, quote, class)` says.

    Asked for the class of a phrase, it says that it has none.
    """

    def script(request: Request[Any]) -> Said:
        return {
            "verdicts": [
                {"item": number, "quote": quote, "class": name, "verdict": verdict(number, quote, name)}
                for number, quote, name in items(request)
            ],
            "classes": {str(number): "Other" for number, _, name in items(request) if not name},
            "missing": [{"class": name, "quote": quote} for name, quote in missing],
            "remarks": [dict(remark) for remark in remarks],
        }

    return script


def in_turns(*scripts: Script) -> Script:
    """One script a round; the last one goes on."""
    return lambda request: scripts[min(request.purpose.round, len(scripts)) - 1](request)


def instructions(request: Request[Any]) -> str:
    """The part of the prompt that belongs to the role."""
    return request.messages[-1].parts[-1]


def prefix(request: Request[Any]) -> tuple[str, ...]:
    """The parts that all agents share."""
    parts = [part for message in request.messages for part in message.parts]
    return tuple(parts[:-1])


def items(request: Request[Any]) -> list[tuple[int, str, str]]:
    """Number, quote and class of the mentions a critic is asked about; no class where it judges blind."""
    return [
        (int(number), json.loads(quote), name) for number, quote, name in _ITEM.findall(instructions(request))
    ]


def phrases(request: Request[Any]) -> list[tuple[int, str]]:
    """Number and words of the phrases that an annotator is asked about once more; empty if it annotates."""
    found = _PHRASE.findall(instructions(request))
    return [(int(number), json.loads(quote)) for number, quote in found]


def decided(choose: Callable[[int, str], str | None]) -> Script:
    """An annotator who, asked about single phrases, says what `choose(number, quote)` says."""

    def script(request: Request[Any]) -> Said:
        return {
            "phrases": [
                {"item": number, "quote": quote, "class": choose(number, quote)}
                for number, quote in phrases(request)
            ]
        }

    return script


def as_annotated(annotator: Script) -> Script:
    """An annotator who, asked about phrases, says of them what it would annotate in that round."""

    def script(request: Request[Any]) -> Said:
        found = annotator(request)
        if not isinstance(found, Mapping):
            return found
        classes = {quote: name for name, quotes in found.items() for quote in quotes}
        return decided(lambda _, quote: classes.get(quote))(request)

    return script


accept: Script = judged(lambda *_: "correct")
reject: Script = judged(lambda *_: "spurious")


class Cast:
    """Scripts for the four roles; `requests` are kept."""

    def __init__(
        self,
        *,
        designer: Script | None = None,
        writer: Script = written,
        annotator: Script | None = None,
        reviser: Script | None = None,
        critic: Script = accept,
        profile: Profile = Profile.FULL,
        annotators: int = 2,
        passage_bytes: int = 16_000,
    ) -> None:
        self.scripts: dict[Agent, Script] = {
            Agent.DESIGNER: designer or designed("Person", "Place"),
            Agent.WRITER: writer,
            Agent.ANNOTATOR: annotator
            or annotated({"Person": ["Ann", "Bo", "Ann", "Cy"], "Place": ["Oslo", "Rome"]}),
            Agent.CRITIC: critic,
        }
        self.reviser = reviser
        self.client = InMemoryClient(self._answer)
        speaker = Speaker(self.client, profile, Sampling(temperature=0, max_tokens=1000))
        others = dict.fromkeys((Agent.DESIGNER, Agent.WRITER, Agent.CRITIC), speaker)
        self.team = Team((speaker,) * annotators, others, passage_bytes)

    def _answer(self, request: Request[Any]) -> Said:
        script = self.scripts[request.purpose.agent]
        if phrases(request):
            script = self.reviser or as_annotated(script)
        return script(request)

    def requests(self, agent: Agent | None = None, round_: int | None = None) -> list[Request[Any]]:
        return [
            request
            for request in self.client.requests
            if agent in (None, request.purpose.agent) and round_ in (None, request.purpose.round)
        ]


def job(
    rounds: int = 3, annotators: int = 2, max_classes: int = 6, *, propagate: bool = False, **thresholds: Any
) -> Job:
    orders = (ClassOrder.SCHEMA, ClassOrder.REVERSED, ClassOrder.SHUFFLED)
    return Job(
        documents=DocumentsConfig(paths=("documents.jsonl",)),
        rounds=rounds,
        max_classes=max_classes,
        propagate=propagate,
        annotators=tuple(AnnotatorConfig(class_order=orders[n % 3]) for n in range(annotators)),
        thresholds=Thresholds(**thresholds),
    )


async def run(
    cast: Cast, job_: Job | None = None, text: str = TEXT
) -> tuple[Decision, Round, list[Round], tuple[str, ...]]:
    seen: list[Round] = []
    graph = DocumentGraph(
        job_ or job(annotators=len(cast.team.annotators)), cast.team, lambda _, made: seen.append(made)
    )
    decision, kept, copied = await graph.run(Document(id="d", text=text))
    return decision, kept, seen, copied


def surfaces(made: Round) -> list[str]:
    return [instance.surface for instance in made.agreed.instances]


def verbatim(instance: Instance, text: str) -> bool:
    return all(
        mention.span is not None and text[slice(*mention.span)] == part.values[mention.field]
        for part in instance.walk()
        for mention in part.mentions
    )
