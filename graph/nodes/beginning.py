"""How a document's graph begins: a schema is made, unless one is frozen, and annotators work side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langgraph.graph import START

from graph.nodes.annotating import Annotating
from graph.nodes.authoring import Authoring
from graph.team import Team
from schemas.job import Job


def add_beginning(graph: Any, job: Job, team: Team, names: Sequence[str], *, frozen: bool) -> None:
    """Add the nodes up to the annotations.

    Args:
        graph: A `StateGraph` of `DocumentState`.
        job: Its annotators work.
        team: Who works.
        names: Of the annotators' nodes, in their order.
        frozen: Whether there is a schema already; else it is designed and its guidelines are written.
    """
    if not frozen:
        authoring = Authoring(job, team)
        graph.add_node("design", authoring.design)
        graph.add_node("write", authoring.write)
        graph.add_edge(START, "design")
        graph.add_edge("design", "write")
    annotating = Annotating(job, team)
    for number, name in enumerate(names):
        graph.add_node(name, annotating.node(number))
        graph.add_edge(START if frozen else "write", name)
