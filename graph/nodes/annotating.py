"""The annotators' nodes: each works through the document without seeing the others' work."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from rapidfuzz import fuzz

from agents.annotator import annotate
from agents.reviser import Choice, Phrase, revise
from graph.consensus import can_be_revised
from graph.disputes import phrases_for, revised
from graph.nodes.state import DocumentState, findings_for, in_order, purpose, side_by_side
from graph.propagation import forms_of, propagate
from graph.team import Team
from schemas.annotation import Annotation, Instance
from schemas.asking import ClassOrder
from schemas.documents import Passage
from schemas.job import Job
from schemas.judgement import Agent, Finding, FindingCode
from schemas.locate import Span
from schemas.methods import Method
from schemas.passages import shifted
from schemas.schema import AnnotationSchema


class Annotating:
    """Lets annotators find the instances of a schema."""

    def __init__(self, job: Job, team: Team) -> None:
        self._job = job
        self._team = team
        # The controls are to show what plain prompting finds.
        self._propagates = job.propagate and job.method is Method.AGENTS

    async def annotate(self, state: DocumentState, annotator: int) -> DocumentState:
        """Let one annotator work through the document; it sees nothing of the others' work.

        When a round begins at the annotators, each is asked about the places in dispute alone, and one
        without any keeps its annotation. That takes instances that are settled by class and place: where
        classes have further fields, or schema or guidelines have changed, it annotates all passages anew.
        """
        before = state["annotations"].get(annotator)
        if before is not None and state["entered"] is Agent.ANNOTATOR:
            text, objected = state["document"].text, findings_for(Agent.ANNOTATOR, state)
            phrases = phrases_for(before, in_order(state), objected, text)
            if not phrases:
                return {}
            if can_be_revised(state["schema"]):
                return {"annotations": {annotator: await self._revised(state, annotator, before, phrases)}}
        return {"annotations": {annotator: await self._annotated(state, annotator)}}

    async def _annotated(self, state: DocumentState, annotator: int) -> Annotation:
        """The document annotated from the beginning to the end."""
        schema = state["schema"]
        findings = findings_for(Agent.ANNOTATOR, state)
        order = class_order(self._job, schema, annotator)
        form = self._job.annotators_at_work[annotator].form
        whole = state["index_of"](state["document"].text)

        async def one(number: int, passage: Passage) -> tuple[Instance, ...]:
            index = state["index_of"](passage.text)
            asking = purpose(state, Agent.ANNOTATOR, sample=annotator, passage=number)
            here = [finding for finding in findings if _concerns(finding, passage)]
            speaker = self._team.annotators[annotator]
            return shifted(await annotate(speaker, index, asking, schema, order, here, form), passage, whole)

        parts = await side_by_side(one(*numbered) for numbered in enumerate(state["passages"]))
        instances = tuple(instance for part in parts for instance in part)
        if self._propagates:
            instances = propagate(instances, schema, whole)
        return Annotation(
            document_id=state["document"].id, annotator=f"annotator-{annotator + 1}", instances=instances
        )

    async def _revised(
        self, state: DocumentState, annotator: int, before: Annotation, phrases: Sequence[Phrase]
    ) -> Annotation:
        """An annotation in which the places in dispute are decided anew, and nothing else."""
        schema, passages = state["schema"], state["passages"]
        whole = state["index_of"](state["document"].text)
        order = class_order(self._job, schema, annotator)
        homes = [_home(phrase, passages) for phrase in phrases]

        async def one(number: int, passage: Passage) -> dict[Phrase, Choice]:
            here = [phrase for phrase, home in zip(phrases, homes, strict=True) if home == number]
            if not here:
                return {}
            asking = purpose(state, Agent.ANNOTATOR, sample=annotator, passage=number)
            asked = [replace(phrase, span=_moved(phrase.span, -passage.start)) for phrase in here]
            index = state["index_of"](passage.text)
            chosen = await revise(self._team.annotators[annotator], index, asking, schema, order, asked)
            return {
                phrase: replace(choice, span=_moved(choice.span, passage.start))
                for phrase, choice in zip(here, chosen, strict=True)
                if choice is not None
            }

        choices: dict[Phrase, Choice] = {}
        for answered in await side_by_side(one(*numbered) for numbered in enumerate(passages)):
            choices |= answered
        instances = revised(before.instances, choices, schema, whole)
        if self._propagates:
            new = forms_of(instances) - forms_of(before.instances)
            asked_about = [phrase.span for phrase in choices if phrase.span is not None]
            instances = propagate(instances, schema, whole, forms=new, refused=asked_about)
        return before.model_copy(update={"instances": instances})

    def node(self, annotator: int) -> Any:
        """A node bound to one annotator; LangGraph wants the parameter to be called `state`."""

        async def annotate_node(state: DocumentState) -> DocumentState:
            return await self.annotate(state, annotator)

        return annotate_node


def class_order(job: Job, schema: AnnotationSchema, annotator: int) -> tuple[str, ...]:
    """The class names in the order in which an annotator is shown them; the same for samples of one."""
    names = list(schema.names)
    order = job.annotators_at_work[annotator].class_order
    if order is ClassOrder.REVERSED:
        names.reverse()
    elif order is ClassOrder.SHUFFLED:
        shuffled = annotator if job.method is Method.AGENTS else 0
        random.Random(job.seed * 31 + shuffled).shuffle(names)
    return tuple(names)


def _home(phrase: Phrase, passages: Sequence[Passage]) -> int:
    """The passage a phrase is asked about in; words that stand nowhere belong where they fit best."""
    if phrase.span is None:
        fits = [fuzz.partial_ratio(phrase.quote, passage.text) for passage in passages]
        return fits.index(max(fits))
    start = phrase.span[0]
    return max(number for number, passage in enumerate(passages) if passage.start <= start)


def _moved(span: Span | None, by: int) -> Span | None:
    return None if span is None else (span[0] + by, span[1] + by)


def _concerns(finding: Finding, passage: Passage) -> bool:
    """Whether a finding may be about a passage; a quote that stands nowhere may have been for any of them."""
    if finding.quote is None or finding.code is FindingCode.UNGROUNDED:
        return True
    return finding.quote in passage.text
