"""What travels through the graph of one document, and what the nodes read from it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from operator import add, or_
from typing import Annotated, Any, TypedDict, TypeVar

from agents.llm.client import Purpose
from graph.deciding import WORKING_ORDER
from schemas.annotation import Annotation
from schemas.documents import Document, Passage
from schemas.judgement import Agent, Decision, Finding, MentionJudgement
from schemas.locate import TextIndex
from schemas.rounds import Round
from schemas.schema import AnnotationSchema

_T = TypeVar("_T")


class DocumentState(TypedDict, total=False):
    """What travels through the graph of one document."""

    document: Document
    draw: int
    passages: tuple[Passage, ...]
    index_of: Callable[[str], TextIndex]
    number: int
    entered: Agent
    mending: tuple[Finding, ...]
    schema: AnnotationSchema
    copied: tuple[str, ...]
    annotations: Annotated[dict[int, Annotation], or_]
    findings: tuple[Finding, ...]
    agreed: Annotation
    judged: dict[tuple[object, ...], MentionJudgement]
    missing: int
    rounds: Annotated[list[Round], add]
    decision: Decision
    kept: Round


def in_order(state: DocumentState) -> tuple[Annotation, ...]:
    """The annotations in the order of the annotators."""
    return tuple(annotation for _, annotation in sorted(state["annotations"].items()))


def findings_for(agent: Agent, state: DocumentState) -> Sequence[Finding]:
    """The findings an agent has to mend; none for agents before the one at which the round was entered."""
    if WORKING_ORDER.index(agent) < WORKING_ORDER.index(state["entered"]):
        return ()
    return [finding for finding in state["mending"] if finding.target is agent]


def purpose(state: DocumentState, agent: Agent, sample: int = 0, passage: int = 0) -> Purpose:
    """On whose behalf a node makes a call."""
    return Purpose(
        agent=agent,
        document_id=state["document"].id,
        round=state["number"],
        sample=sample,
        passage=passage,
        draw=state["draw"],
    )


async def side_by_side(calls: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """The results, in order. When one call fails the others end too: nobody would want their answers."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise
