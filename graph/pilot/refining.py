"""The pilot's loop: annotate from the guidelines alone, see where annotators differ, revise, try again.

The idea is DiZiNER's (arXiv 2604.15866), with two bounds: a revision changes few rules, and none of a class
on which the annotators agree; and it is taken back if they agree less than before.
"""

from __future__ import annotations

from functools import cache, partial
from math import floor

from agents.guideline_writer import write
from agents.llm.client import Purpose
from graph.disagreement import Disagreements, find_disagreements, in_words
from graph.nodes.annotating import Annotating
from graph.nodes.state import DocumentState, side_by_side
from graph.pilot.measuring import Trial
from graph.pilot.revising import allowance, revised
from graph.pilot.state import PilotOffice, PilotState
from schemas.annotation import Annotation
from schemas.documents import Document
from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.locate import TextIndex
from schemas.pilot import SchemaVersion
from schemas.schema import AnnotationSchema
from schemas.splitting import split

_EXAMPLES = 3
"""Most places shown to the writer of each way in which annotators differ on a class."""


class Refining:
    """Tries versions of the guidelines and revises them."""

    def __init__(self, office: PilotOffice) -> None:
        self._office = office
        self._config = office.job.pilot
        self._annotating = Annotating(office.job, office.team)

    async def annotate(self, state: PilotState) -> PilotState:
        """Let the annotators work through the pilot, from the guidelines alone."""
        version = len(state.get("versions", ())) + 1
        self._office.begin(f"annotating with version {version} of the guidelines")
        made = await self._office.for_each(
            state["documents"], partial(self._annotations, state["schema"], version)
        )
        return {"trial": Trial(version, state["schema"], made)}

    async def _annotations(
        self, schema: AnnotationSchema, version: int, document: Document
    ) -> tuple[Annotation, ...]:
        state: DocumentState = {
            "document": document,
            "draw": 0,
            "passages": split(document.text, self._office.team.passage_bytes),
            "index_of": cache(TextIndex),
            "number": version,
            "entered": Agent.ANNOTATOR,
            "mending": (),
            "annotations": {},
            "schema": schema,
        }
        numbers = range(len(self._office.team.annotators))
        parts = await side_by_side(self._annotating.annotate(state, number) for number in numbers)
        return tuple(part["annotations"][number] for number, part in zip(numbers, parts, strict=True))

    async def judge(self, state: PilotState) -> PilotState:
        """Keep the version on trial or take it back, and say whether the pilot has come to its end."""
        trial, best = state["trial"], state.get("best")
        classes = state["revised"]
        tried = state.get("tried", frozenset())
        note = f"revised {', '.join(classes)}" if classes else "as first written"
        if best is None:
            best = trial
        elif not trial.stands_against(best):
            note += "; taken back, as annotators agreed less or found less"
            tried |= set(classes)
        else:
            if trial.agreement() == best.agreement():
                tried |= set(classes)
            else:
                tried = frozenset()
            best = trial
        version = SchemaVersion(
            version=trial.version,
            annotation_schema=trial.schema,
            note=note,
            agreement=trial.agreement(),
            by_class=trial.by_class(),
        )
        update: PilotState = {"best": best, "versions": [version], "tried": tried}
        if ending := self._ending(best, state.get("revisions", 0)):
            update["ending"] = ending
        return update

    def _ending(self, best: Trial, revisions: int) -> str:
        agreed = best.agreement()
        if agreed is None:
            return "agreement cannot be measured"
        if agreed >= self._office.goal:
            return f"agreement of {agreed:.2f} reached"
        return "round cap" if revisions >= self._config.rounds else ""

    async def revise(self, state: PilotState) -> PilotState:
        """Let the guideline-writer revise the classes on which annotators differ most, within the budget."""
        best, tried = state["best"], state["tried"]
        revisions = state.get("revisions", 0) + 1
        self._office.begin(f"revising guidelines ({revisions} of {self._config.rounds})")
        texts = {document.id: document.text for document in state["documents"]}
        found = find_disagreements(
            ((texts[document_id], made) for document_id, made in best.annotations.items()), _EXAMPLES
        )
        requests = in_words(found)
        agreed = best.by_class()
        open_ = [name for name in requests if agreed.get(name, 0) < self._office.goal and name not in tried]
        most = max(1, floor(self._config.change_budget * len(best.schema.classes)))
        classes = tuple(open_[:most])
        if not classes:
            return {"ending": "no class left to revise"}
        call = write(
            self._office.team.writer,
            self._office.excerpts(state["documents"]),
            Purpose(agent=Agent.WRITER, round=revisions + 1),
            best.schema,
            [_request(name, requests[name], found) for name in classes],
        )
        made = await self._office.or_without(call, "revising guidelines")
        rules = allowance(best.schema, self._config.change_budget)
        schema = best.schema if made is None else revised(best.schema, made, classes, rules)
        if schema == best.schema:
            if revisions < self._config.rounds:
                return {"tried": tried | set(classes), "revisions": revisions, "revised": ()}
            return {"ending": "round cap"}
        return {"schema": schema, "revised": classes, "revisions": revisions}


def _request(name: str, request: str, found: Disagreements) -> Finding:
    """What the writer is asked about a class, with places where annotators differ."""
    differing = [
        *(((spot.label,), spot.examples) for spot in found.hotspots),
        *(((cut.label,), cut.examples) for cut in found.boundaries),
        *((pair.labels, pair.examples) for pair in found.confusions),
    ]
    places = [
        example
        for labels, examples in differing
        if name in {label.partition(".")[0] for label in labels}
        for example in examples
    ]
    shown = "; ".join(f'"{place.quote}" in "{place.context}"' for place in places[: 2 * _EXAMPLES])
    return Finding(
        code=FindingCode.GUIDELINE_UNDERSPECIFIED,
        severity=Severity.MINOR,
        raised_by="agreement",
        class_name=name,
        message=f"{request}. For example: {shown}" if shown else request,
    )
