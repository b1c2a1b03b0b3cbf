"""The graph of self-consistency: one annotator, asked several times, and a vote over its answers.

The control for what many agents add to many samples (X. Wang et al., Self-Consistency Improves Chain of
Thought Reasoning in Language Models, arXiv 2203.11171): the samples see one prompt and differ by their seeds.
A mention is kept if more than half of them have it. No critic, one pass. Where no schema is frozen, it is
designed and its guidelines are written as for the agents, once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langgraph.graph import END, StateGraph

from graph.nodes.beginning import add_beginning
from graph.nodes.keeping import Keeping
from graph.nodes.state import DocumentState
from graph.team import Team
from schemas.job import Job
from schemas.rounds import Round


def wire(job: Job, team: Team, on_round: Callable[[str, Round], None], *, frozen: bool) -> Any:
    """Compile the graph; see `graph.document_graph.DocumentGraph`."""
    count = job.self_consistency.samples
    names = [f"sample_{number + 1}" for number in range(count)]
    graph = StateGraph(DocumentState)
    add_beginning(graph, job, team, names, frozen=frozen)
    graph.add_node("vote", Keeping(job, on_round).keep)
    graph.add_edge(names, "vote")
    graph.add_edge("vote", END)
    return graph.compile()
