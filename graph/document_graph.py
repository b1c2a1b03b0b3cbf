"""The document graph: design, write, annotate side by side, ground and lint, critique, decide or go back.

That is the graph of the agents; `graph.methods` has those of the controls, which `DocumentGraph` runs alike.
With a frozen schema, given or induced from the corpus, a document begins at the annotators and goes back to
no other agent.

A compiled LangGraph `StateGraph`. One document is one invocation; every node reads the state and returns
what it changes (`graph.nodes`). Nodes hold no state of their own, so one compiled graph serves all documents
of a job.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from langgraph.graph import END, StateGraph

from graph.methods import linear, self_consistency
from graph.nodes.beginning import add_beginning
from graph.nodes.critiquing import Critiquing
from graph.nodes.grounding import Grounding
from graph.nodes.judging import Judging
from graph.nodes.state import DocumentState
from graph.team import Team
from schemas.documents import Document
from schemas.example_bank import ExampleBank, SharedSchema
from schemas.job import Job, Mode
from schemas.judgement import Agent, Decision
from schemas.locate import TextIndex
from schemas.methods import Method
from schemas.rounds import Round
from schemas.schema import AnnotationSchema
from schemas.splitting import split


class DocumentGraph:
    """The compiled graph of a job, by its method."""

    def __init__(
        self,
        job: Job,
        team: Team,
        on_round: Callable[[str, Round], None] = lambda document_id, round_: None,
        *,
        frozen: AnnotationSchema | None = None,
        examples: ExampleBank | None = None,
    ) -> None:
        """Build and compile the graph.

        Args:
            job: Rounds, thresholds, annotators and brief.
            team: Who works; schema-designer and guideline-writer only where no schema is frozen.
            on_round: Told each round's result as it is reached, with the document's id.
            frozen: Classes and guidelines that no document changes; None has them made for each document.
            examples: Phrases for the frozen guidelines; a document is shown those of other documents.
        """
        self._job = job
        self._team = team
        self._frozen = None if frozen is None else SharedSchema(frozen, examples or ExampleBank())
        self._graph = _WIRES[job.method](job, team, on_round, frozen=frozen is not None)

    async def run(self, document: Document, draw: int = 0) -> tuple[Decision, Round, tuple[str, ...]]:
        """Take a document through the graph.

        Args:
            document: The document.
            draw: How often its answers were drawn anew; each time with other seeds.

        Returns:
            The decision, the round that was kept (settled), and class names copied from a prompt's example.

        Raises:
            CallFailedError: An agent got no usable answer.
        """
        state: DocumentState = {
            "document": document,
            "draw": draw,
            "passages": split(document.text, self._team.passage_bytes),
            # Made once for all who quote from a text, and gone with the document: it is larger than that.
            "index_of": cache(TextIndex),
            "number": 1,
            "entered": Agent.DESIGNER,
            "mending": (),
            "annotations": {},
            "rounds": [],
        }
        if self._frozen is not None:
            state |= {"schema": self._frozen.given_to(document.id), "copied": (), "entered": Agent.ANNOTATOR}
        # Each round takes at most six steps; the cap on rounds is what ends the loop.
        limit = 10 + 8 * self._job.rounds
        wanted = ("decision", "kept", "copied")
        done = await self._graph.ainvoke(state, {"recursion_limit": limit}, output_keys=wanted)
        return done["decision"], done["kept"], done["copied"]


def mermaid(job: Job) -> str:
    """The document graph of a job as a Mermaid flow chart, drawn by LangGraph from the compiled graph."""
    # Nodes look for their team only when they are at work, and for a drawing none is.
    unmanned: Any = None
    wire = _WIRES[job.method]
    graph = wire(job, unmanned, lambda document_id, round_: None, frozen=job.mode is not Mode.PER_DOCUMENT)
    drawing: str = graph.get_graph().draw_mermaid()
    return drawing


def _wire_agents(job: Job, team: Team, on_round: Callable[[str, Round], None], *, frozen: bool) -> Any:
    names = [f"annotate_{number + 1}" for number in range(len(job.annotators))]
    entries: dict[Agent, list[str]] = {Agent.ANNOTATOR: names}
    graph = StateGraph(DocumentState)
    if not frozen:
        entries |= {Agent.DESIGNER: ["design"], Agent.WRITER: ["write"]}
    add_beginning(graph, job, team, names, frozen=frozen)
    graph.add_node("ground", Grounding(job, frozen=frozen).ground)
    graph.add_node("critique", Critiquing(team, job.thresholds.correct).critique)
    graph.add_node("decide", Judging(job, on_round, frozen=frozen).decide)
    graph.add_edge(names, "ground")
    graph.add_edge("ground", "critique")
    graph.add_edge("critique", "decide")

    async def next_step(state: DocumentState) -> list[str]:  # LangGraph gives others a thread each time
        return [END] if "decision" in state else entries[state["entered"]]

    steps = [name for entry in entries.values() for name in entry]
    graph.add_conditional_edges("decide", next_step, [*steps, END])
    return graph.compile()


_WIRES = {
    Method.AGENTS: _wire_agents,
    Method.LINEAR: linear.wire,
    Method.SELF_CONSISTENCY: self_consistency.wire,
}
