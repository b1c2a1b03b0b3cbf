"""The annotators' nodes: each works through the document without seeing the others' work."""

from __future__ import annotations

import random
from typing import Any

from agents.annotator import annotate
from graph.nodes.state import DocumentState, findings_for, purpose, side_by_side
from graph.passages import shifted
from graph.team import Team
from schemas.annotation import Annotation, Instance
from schemas.asking import ClassOrder
from schemas.documents import Passage
from schemas.job import Job
from schemas.judgement import Agent, Finding, FindingCode
from schemas.methods import Method
from schemas.schema import AnnotationSchema


class Annotating:
    """Lets annotators find the instances of a schema."""

    def __init__(self, job: Job, team: Team) -> None:
        self._job = job
        self._team = team

    async def annotate(self, state: DocumentState, annotator: int) -> DocumentState:
        """Let one annotator work through all passages; it sees nothing of the others."""
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
        annotation = Annotation(
            document_id=state["document"].id,
            annotator=f"annotator-{annotator + 1}",
            instances=tuple(instance for part in parts for instance in part),
        )
        return {"annotations": {annotator: annotation}}

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


def _concerns(finding: Finding, passage: Passage) -> bool:
    """Whether a finding may be about a passage; a quote that stands nowhere may have been for any of them."""
    if finding.quote is None or finding.code is FindingCode.UNGROUNDED:
        return True
    return finding.quote in passage.text
