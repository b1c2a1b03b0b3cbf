"""The job graph: generate, curate, fine-tune, evaluate, as far as was asked for.

A compiled LangGraph `StateGraph`. What each stage leaves behind lies in the run's folder, and each goes on
from there: a run that is taken up again, an adapter that is there already, predictions that were made. So the
same command again repeats nothing that was finished, and every stage can be run alone.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypedDict

from langgraph.graph import END, StateGraph

# Not for their types alone: LangGraph reads the annotations of the state.
from finetune.evaluation.results import Evaluation
from finetune.examples import ExampleSet


class Stage(StrEnum):
    """The stages of a job, in their order."""

    GENERATE = "generate"
    CURATE = "curate"
    FINE_TUNE = "fine-tune"
    EVALUATE = "evaluate"


class Stages(Protocol):
    """What the stages do; each gets what the one before gave."""

    def generate(self) -> bool:
        """Take the documents through the agents; whether all of them have ended."""

    def curate(self) -> ExampleSet:
        """Make training examples of what was accepted."""

    def fine_tune(self, examples: ExampleSet) -> Path | None:
        """Train a model on them; the adapter's folder, or None if it was interrupted."""

    def evaluate(self, adapter: Path) -> Evaluation | None:
        """Measure the model with and without the adapter; None if it was interrupted."""


class JobState(TypedDict, total=False):
    """What the stages have given; a stage that gave nothing ends the job."""

    generate: bool
    curate: ExampleSet
    fine_tune: Any  # the adapter's folder; None if it was interrupted
    evaluate: Evaluation | None


def run_job(stages: Stages, through: Stage) -> JobState:
    """Take a job through its stages, one after the other, in the calling thread.

    Args:
        stages: What is done.
        through: The last stage.

    Returns:
        What each stage gave; those after a stage that gave nothing are missing.
    """
    done: JobState = _compiled(stages, through).invoke({})
    return done


def mermaid(through: Stage = Stage.EVALUATE) -> str:
    """The job graph as a Mermaid flow chart, drawn by LangGraph from the compiled graph."""
    unmanned: Any = None  # stages look for what they do only when they are run
    drawing: str = _compiled(unmanned, through).get_graph().draw_mermaid()
    return drawing


def _compiled(stages: Stages, through: Stage) -> Any:
    work: dict[Stage, Any] = {
        Stage.GENERATE: lambda state: {"generate": stages.generate()},
        Stage.CURATE: lambda state: {"curate": stages.curate()},
        Stage.FINE_TUNE: lambda state: {"fine_tune": stages.fine_tune(state["curate"])},
        Stage.EVALUATE: lambda state: {"evaluate": stages.evaluate(state["fine_tune"])},
    }
    graph = StateGraph(JobState)
    order = list(Stage)[: list(Stage).index(through) + 1]
    for stage in order:
        graph.add_node(stage, work[stage])
    graph.set_entry_point(Stage.GENERATE)
    for stage, following in pairwise(order):
        graph.add_conditional_edges(stage, partial(_next, stage, following), [following, END])
    graph.add_edge(through, END)
    return graph.compile()


def _next(stage: Stage, following: Stage, state: JobState) -> str:
    """On to the following stage if this one gave something."""
    return following if state.get(stage.replace("-", "_")) else END
