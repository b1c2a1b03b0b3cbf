"""The pilot graph: sample, propose, consolidate, write; then annotate, judge and revise until it is frozen.

A compiled LangGraph `StateGraph`, run once for a corpus before its documents are worked on. Where the user's
schema is refined, the classes are there already and the first nodes are left out. All that happens in it
follows from the answers of models, and those are in the ledger: a pilot that was interrupted is run again,
and nothing is asked twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph

from graph.pilot.inducing import Inducing
from graph.pilot.refining import Refining
from graph.pilot.state import Corpus, PilotOffice, PilotState
from schemas.documents import Document
from schemas.example_bank import Example
from schemas.job import Job, Mode
from schemas.pilot import Pilot

_STEPS_A_ROUND = 4
_FIRST_STEPS = 12


class PilotGraph:
    """The compiled graph of a job's pilot."""

    def __init__(self, office: PilotOffice, corpus: Corpus) -> None:
        """Build and compile the graph."""
        self._job = office.job
        self._graph = _wire(office, corpus, induced=office.job.mode is Mode.CORPUS)

    async def run(self, documents: Sequence[Document] = ()) -> tuple[Pilot, tuple[Example, ...]]:
        """Run the pilot.

        Args:
            documents: Those chosen before, if the pilot was interrupted; else it chooses them.

        Returns:
            What it came to, and the examples its annotations give for the guidelines of other documents.

        Raises:
            GuidexError: There is nothing to make a schema from, or no model makes one.
            ModelUnavailableError: A model refuses the key or the name.
            StoppedError: The run has to stop.
        """
        state: PilotState = {"documents": tuple(documents)}
        if self._job.given_schema is not None:
            state["schema"] = self._job.given_schema
        limit = _FIRST_STEPS + _STEPS_A_ROUND * self._job.pilot.rounds
        done: PilotState = await self._graph.ainvoke(state, {"recursion_limit": limit})
        best, registry = done["best"], done.get("registry")
        pilot = Pilot(
            documents=tuple(document.id for document in done["documents"]),
            ending=done["ending"],
            versions=tuple(
                version.model_copy(update={"frozen": version.version == best.version})
                for version in done["versions"]
            ),
            registry=registry.entries(best.schema) if registry else (),
            merges=tuple(registry.merges) if registry else (),
        )
        return pilot, best.examples()


def mermaid(job: Job) -> str:
    """The pilot graph of a job as a Mermaid flow chart, drawn by LangGraph from the compiled graph."""
    unmanned: Any = None
    graph = _wire(PilotOffice(job, unmanned), unmanned, induced=job.mode is Mode.CORPUS)
    drawing: str = graph.get_graph().draw_mermaid()
    return drawing


def _wire(office: PilotOffice, corpus: Corpus, *, induced: bool) -> Any:
    inducing, refining = Inducing(office, corpus), Refining(office)
    graph = StateGraph(PilotState)
    graph.add_node("sample", inducing.sample)
    graph.add_node("write", inducing.write)
    graph.add_node("annotate", refining.annotate)
    graph.add_node("judge", refining.judge)
    graph.add_node("revise", refining.revise)
    graph.add_edge(START, "sample")
    if induced:
        graph.add_node("propose", inducing.propose)
        graph.add_node("consolidate", inducing.consolidate)
        graph.add_edge("sample", "propose")
        graph.add_edge("propose", "consolidate")
        graph.add_edge("consolidate", "write")
    else:
        graph.add_edge("sample", "write")
    graph.add_edge("write", "annotate")
    graph.add_edge("annotate", "judge")

    async def after_judging(state: PilotState) -> Literal["revise", "__end__"]:
        return "__end__" if "ending" in state else "revise"

    async def after_revising(state: PilotState) -> Literal["annotate", "revise", "__end__"]:
        if "ending" in state:
            return "__end__"
        return "annotate" if state["revised"] else "revise"

    graph.add_conditional_edges("judge", after_judging, ["revise", END])
    graph.add_conditional_edges("revise", after_revising, ["annotate", "revise", END])
    return graph.compile()
