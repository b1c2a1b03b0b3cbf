"""The document graph: design, write, annotate side by side, ground and lint, critique, decide or go back.

A compiled LangGraph `StateGraph`. One document is one invocation; every node reads the state and returns
what it changes (`graph.nodes`). Nodes hold no state of their own, so one compiled graph serves all documents
of a job.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

from langgraph.graph import END, START, StateGraph

from graph.nodes.annotating import Annotating
from graph.nodes.authoring import Authoring
from graph.nodes.critiquing import Critiquing
from graph.nodes.grounding import Grounding
from graph.nodes.judging import Judging
from graph.nodes.state import DocumentState
from graph.splitting import split
from graph.team import Team
from schemas.documents import Document
from schemas.job import Job
from schemas.judgement import Agent, Decision
from schemas.locate import TextIndex
from schemas.rounds import Round


class DocumentGraph:
    """The compiled graph of a job."""

    def __init__(
        self, job: Job, team: Team, on_round: Callable[[str, Round], None] = lambda document_id, round_: None
    ) -> None:
        """Build and compile the graph.

        Args:
            job: Rounds, thresholds, annotators and brief.
            team: Who works.
            on_round: Told each round's result as it is reached, with the document's id.
        """
        self._job = job
        self._team = team
        self._graph = _wire(job, team, on_round)

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
        # Each round takes at most six steps; the cap on rounds is what ends the loop.
        limit = 10 + 8 * self._job.rounds
        wanted = ("decision", "kept", "copied")
        done = await self._graph.ainvoke(state, {"recursion_limit": limit}, output_keys=wanted)
        return done["decision"], done["kept"], done["copied"]


def mermaid(job: Job) -> str:
    """The document graph of a job as a Mermaid flow chart, drawn by LangGraph from the compiled graph."""
    # Nodes look for their team only when they are at work, and for a drawing none is.
    unmanned: Any = None
    drawing: str = _wire(job, unmanned, lambda document_id, round_: None).get_graph().draw_mermaid()
    return drawing


def _wire(job: Job, team: Team, on_round: Callable[[str, Round], None]) -> Any:
    authoring, annotating = Authoring(job, team), Annotating(job, team)
    names = [f"annotate_{number + 1}" for number in range(len(job.annotators))]
    graph = StateGraph(DocumentState)
    graph.add_node("design", authoring.design)
    graph.add_node("write", authoring.write)
    for number, name in enumerate(names):
        graph.add_node(name, _annotate_node(annotating, number))
    graph.add_node("ground", Grounding(job).ground)
    graph.add_node("critique", Critiquing(team).critique)
    graph.add_node("decide", Judging(job, on_round).decide)
    graph.add_edge(START, "design")
    graph.add_edge("design", "write")
    for name in names:
        graph.add_edge("write", name)
    graph.add_edge(names, "ground")
    graph.add_edge("ground", "critique")
    graph.add_edge("critique", "decide")
    entries: dict[Agent, list[str]] = {
        Agent.DESIGNER: ["design"],
        Agent.WRITER: ["write"],
        Agent.ANNOTATOR: names,
    }

    async def next_step(state: DocumentState) -> list[str]:  # LangGraph gives others a thread each time
        return [END] if "decision" in state else entries[state["entered"]]

    graph.add_conditional_edges("decide", next_step, ["design", "write", *names, END])
    return graph.compile()


def _annotate_node(annotating: Annotating, annotator: int) -> Any:
    """A node bound to one annotator; LangGraph wants the parameter to be called `state`."""

    async def annotate_node(state: DocumentState) -> DocumentState:
        return await annotating.annotate(state, annotator)

    return annotate_node
