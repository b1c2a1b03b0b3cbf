"""The graph of the linear method: four steps of one conversation, then what is grounded is kept.

The control for what agents add to plain prompting; the steps are `agents.linear`'s. Only the last one is
asked for every passage of a long document: those before speak about an excerpt.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.graph import END, START, StateGraph

from agents.linear import Conversation
from graph.nodes.annotating import class_order
from graph.nodes.authoring import excerpt
from graph.nodes.keeping import Keeping
from graph.nodes.state import DocumentState, purpose, side_by_side
from graph.team import Team
from schemas.annotation import Annotation, Instance
from schemas.documents import Passage
from schemas.job import Job
from schemas.judgement import Agent
from schemas.passages import shifted
from schemas.rounds import Round
from schemas.schema import AnnotationSchema
from schemas.splitting import split


class LinearState(DocumentState, total=False):
    """What travels through the graph of one document; a frozen `schema` is there from the beginning."""

    conversation: Conversation
    keys: tuple[str, ...]


class _Steps:
    """The nodes: each asks the next question of the conversation."""

    def __init__(self, job: Job, team: Team, *, frozen: bool) -> None:
        self._job = job
        self._team = team
        self._frozen = frozen

    async def summarise(self, state: LinearState) -> LinearState:
        """Step 1; the classes are designed from here on, so that it counts as the schema-designer's."""
        passages, size = state["passages"], self._team.passage_bytes
        if len(passages) > 1:  # the last question then holds an excerpt and a passage
            size //= 2
            passages = split(state["document"].text, size)
        form = self._job.annotators_at_work[0].form
        begun = Conversation(self._team.annotators[0], excerpt(passages, size), form)
        asking = purpose(state, Agent.DESIGNER)
        return {
            "passages": passages,
            "conversation": await begun.summarise(asking, brief=self._job.brief),
            "entered": Agent.DESIGNER,
            "copied": (),
        }

    async def structure(self, state: LinearState) -> LinearState:
        """Step 2, the schema-designer's as well."""
        keys, after = await state["conversation"].structure(
            purpose(state, Agent.DESIGNER), max_classes=self._job.max_classes, given=self._given(state)
        )
        return {"conversation": after, "keys": keys}

    async def write(self, state: LinearState) -> LinearState:
        """Step 3, the guideline-writer's."""
        said, asking, given = state["conversation"], purpose(state, Agent.WRITER), self._given(state)
        if given is not None:
            return {"conversation": await said.explain(asking, given)}
        schema, after = await said.draft(asking, state["keys"], max_classes=self._job.max_classes)
        return {"conversation": after, "schema": schema}

    async def annotate(self, state: LinearState) -> LinearState:
        """Step 4, the annotator's: all passages, each a question to the same conversation."""
        schema, passages = state["schema"], state["passages"]
        order = class_order(self._job, schema, 0)
        whole = state["index_of"](state["document"].text)

        async def one(number: int, passage: Passage) -> tuple[Instance, ...]:
            index = state["index_of"](passage.text)
            asking = purpose(state, Agent.ANNOTATOR, passage=number)
            found = await state["conversation"].instantiate(
                asking, schema, order, index, part=len(passages) > 1
            )
            return shifted(found, passage, whole)

        parts = await side_by_side(one(*numbered) for numbered in enumerate(passages))
        annotation = Annotation(
            document_id=state["document"].id,
            annotator="annotator-1",
            instances=tuple(instance for part in parts for instance in part),
        )
        return {"annotations": {0: annotation}}

    def _given(self, state: LinearState) -> AnnotationSchema | None:
        return state["schema"] if self._frozen else None


def wire(job: Job, team: Team, on_round: Callable[[str, Round], None], *, frozen: bool) -> Any:
    """Compile the graph; see `graph.document_graph.DocumentGraph`."""
    steps = _Steps(job, team, frozen=frozen)
    graph = StateGraph(LinearState)
    graph.add_node("summarise", steps.summarise)
    graph.add_node("structure", steps.structure)
    graph.add_node("write", steps.write)
    graph.add_node("annotate", steps.annotate)
    graph.add_node("keep", Keeping(job, on_round).keep)
    graph.add_edge(START, "summarise")
    graph.add_edge("summarise", "structure")
    graph.add_edge("structure", "write")
    graph.add_edge("write", "annotate")
    graph.add_edge("annotate", "keep")
    graph.add_edge("keep", END)
    return graph.compile()
