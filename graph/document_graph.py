"""The document graph: design, write, annotate side by side, ground and lint, critique, decide or go back.

A compiled LangGraph `StateGraph`. One document is one invocation; every node reads the state and returns
what it changes. Nodes hold no state of their own, so one compiled graph serves all documents of a job.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import cache
from operator import add, or_
from typing import Annotated, Any, TypedDict, TypeVar

from langgraph.graph import END, START, StateGraph

from agents.annotator import annotate
from agents.critic import PassageCritique, Verdict, criticise, objection
from agents.guideline_writer import write
from agents.llm.client import Purpose
from agents.schema_designer import design
from graph.consensus import agree, agreement, candidates, disputed_classes, key_of
from graph.deciding import (
    WORKING_ORDER,
    best,
    decide,
    ending,
    grounding,
    guideline_score,
    objections,
    route,
    schema_score,
    settle,
    state_hash,
)
from graph.passages import shifted, within
from graph.splitting import split
from graph.team import Team
from schemas.annotation import Annotation, Instance
from schemas.documents import Document, Passage
from schemas.job import ClassOrder, Job
from schemas.judgement import Agent, Decision, Ending, Finding, FindingCode, Scores, Severity
from schemas.lint import lint
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
    judged: dict[tuple[object, ...], Verdict]
    missing: int
    rounds: Annotated[list[Round], add]
    decision: Decision
    kept: Round


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
        self._on_round = on_round
        self._graph = _wire(self, len(team.annotators))

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

    async def design(self, state: DocumentState) -> DocumentState:
        """Let the schema-designer propose classes, or mend those objected to."""
        schema, copied = await design(
            self._team.designer,
            self._excerpt(state),
            self._purpose(state, Agent.DESIGNER),
            brief=self._job.brief,
            max_classes=self._job.max_classes,
            schema=state.get("schema"),
            findings=_for(Agent.DESIGNER, state),
        )
        return {"schema": schema, "copied": copied}

    async def write(self, state: DocumentState) -> DocumentState:
        """Let the guideline-writer write the guidelines, or revise those objected to."""
        purpose = self._purpose(state, Agent.WRITER)
        findings = _for(Agent.WRITER, state)
        return {
            "schema": await write(self._team.writer, self._excerpt(state), purpose, state["schema"], findings)
        }

    async def annotate(self, state: DocumentState, annotator: int) -> DocumentState:
        """Let one annotator work through all passages; it sees nothing of the others."""
        schema = state["schema"]
        findings = _for(Agent.ANNOTATOR, state)
        order = self._class_order(schema, annotator)
        whole = state["index_of"](state["document"].text)

        async def one(number: int, passage: Passage) -> tuple[Instance, ...]:
            index = state["index_of"](passage.text)
            purpose = self._purpose(state, Agent.ANNOTATOR, sample=annotator, passage=number)
            here = [finding for finding in findings if _concerns(finding, passage)]
            speaker = self._team.annotators[annotator]
            return shifted(await annotate(speaker, index, purpose, schema, order, here), passage, whole)

        parts = await _side_by_side(one(*numbered) for numbered in enumerate(state["passages"]))
        annotation = Annotation(
            document_id=state["document"].id,
            annotator=f"annotator-{annotator + 1}",
            instances=tuple(instance for part in parts for instance in part),
        )
        return {"annotations": {annotator: annotation}}

    async def ground(self, state: DocumentState) -> DocumentState:
        """Let code raise what code can settle: ungrounded mentions, lint of the schema, disagreement."""
        annotations = _in_order(state)
        ungrounded = {
            (instance.class_name, mention.quote)
            for annotation in annotations
            for top in annotation.instances
            for instance in top.walk()
            for mention in instance.mentions
            if mention.span is None
        }
        found = [
            Finding(
                code=FindingCode.UNGROUNDED,
                severity=Severity.MAJOR,
                raised_by="grounding",
                class_name=class_name,
                quote=quote,
                message="this text does not stand in the document",
            )
            for class_name, quote in sorted(ungrounded)
        ]
        agreed = agreement(annotations)
        if agreed is not None and agreed < self._job.thresholds.agreement:
            found += [
                Finding(
                    code=FindingCode.GUIDELINE_UNDERSPECIFIED,
                    severity=Severity.MINOR,
                    raised_by="agreement",
                    class_name=class_name,
                    message=f"annotators differ on {count} mentions: say what belongs to it",
                )
                for class_name, count in disputed_classes(annotations).most_common(3)
            ]
        used = {instance.class_name for a in annotations for top in a.instances for instance in top.walk()}
        return {"findings": (*found, *lint(state["schema"], used))}

    async def critique(self, state: DocumentState) -> DocumentState:
        """Let the critic judge every mention and look for missing ones, passage by passage."""
        schema = state["schema"]
        annotations = _in_order(state)
        listed = candidates(annotations)
        whole = state["index_of"](state["document"].text)
        agreed = agree(state["document"].id, schema, annotations)
        undisputed = {key_of(item) for item in agreed.instances}

        async def one(number: int, passage: Passage) -> tuple[tuple[Instance, ...], PassageCritique]:
            here = within(listed, passage)
            purpose = self._purpose(state, Agent.CRITIC, passage=number)
            index = state["index_of"](passage.text)
            return here, await criticise(self._team.critic, index, purpose, schema, here)

        results = await _side_by_side(one(*numbered) for numbered in enumerate(state["passages"]))
        findings = list(state["findings"])
        judged: dict[tuple[object, ...], Verdict] = {}
        missing = 0
        for (here, critique), passage in zip(results, state["passages"], strict=True):
            for instance, verdict in zip(shifted(here, passage, whole), critique.verdicts, strict=True):
                if verdict is None:
                    continue
                key = key_of(instance)
                judged[key] = verdict
                if verdict is not Verdict.CORRECT:
                    findings.append(objection(verdict, instance, disputed=key not in undisputed))
            for class_name, place in critique.missing:
                missing += 1
                quote = passage.text[place.start : place.end]
                findings.append(_missing(class_name, quote))
            findings += critique.remarks
        raised = tuple(dict.fromkeys(findings))
        return {"findings": raised, "agreed": agreed, "judged": judged, "missing": missing}

    async def decide(self, state: DocumentState) -> DocumentState:
        """Score the round, then accept it, send it back, or end the loop with the best round."""
        round_ = self._round(state)
        self._on_round(state["document"].id, round_)
        rounds = [*state["rounds"], round_]
        thresholds = self._job.thresholds
        agent = route(round_.findings)
        # Also once settled: where major findings do not block, too little may be left.
        if not any(objections(judged, thresholds) for judged in (round_, settle(round_))):
            how = Ending.AGREED
        elif (end := ending(rounds, self._job.rounds)) is not None:
            how = end
        elif agent is None:
            how = Ending.STALEMATE
        else:
            return {
                "rounds": [round_],
                "number": state["number"] + 1,
                "entered": agent,
                "mending": round_.findings,
            }
        kept = settle(best(rounds, thresholds))
        return {"rounds": [round_], "kept": kept, "decision": decide(kept, thresholds, how)}

    def _round(self, state: DocumentState) -> Round:
        schema, findings, annotations = state["schema"], state["findings"], _in_order(state)
        agreed = state["agreed"]
        verdicts = [v for i in agreed.instances if (v := state["judged"].get(key_of(i))) is not None]
        correct = sum(verdict is Verdict.CORRECT for verdict in verdicts)
        wanted = correct + state["missing"]
        return Round(
            number=state["number"],
            entered=state["entered"],
            annotation_schema=schema,
            annotations=annotations,
            agreed=agreed,
            findings=findings,
            scores=Scores(
                grounding=grounding(annotations),
                agreement=agreement(annotations),
                faithfulness=correct / len(verdicts) if verdicts else None,
                completeness=correct / wanted if wanted else None,
                guideline=guideline_score(schema, findings),
                schema_fit=schema_score(schema, findings),
            ),
            state_hash=state_hash(schema, annotations, findings),
        )

    def _excerpt(self, state: DocumentState) -> str:
        """What represents the document to designer and writer: all of it, or parts of a long one."""
        passages = state["passages"]
        if len(passages) == 1:
            return passages[0].text
        chosen = dict.fromkeys((passages[0], passages[len(passages) // 2], passages[-1]))
        parts = (split(passage.text, self._team.passage_bytes // 3)[0].text for passage in chosen)
        return "\n[...]\n".join(part.strip() for part in parts)

    def _class_order(self, schema: AnnotationSchema, annotator: int) -> tuple[str, ...]:
        names = list(schema.names)
        order = self._job.annotators[annotator].class_order
        if order is ClassOrder.REVERSED:
            names.reverse()
        elif order is ClassOrder.SHUFFLED:
            random.Random(self._job.seed * 31 + annotator).shuffle(names)
        return tuple(names)

    def _purpose(self, state: DocumentState, agent: Agent, sample: int = 0, passage: int = 0) -> Purpose:
        return Purpose(
            agent=agent,
            document_id=state["document"].id,
            round=state["number"],
            sample=sample,
            passage=passage,
            draw=state["draw"],
        )


def mermaid(annotators: int) -> str:
    """The document graph as a Mermaid flow chart, drawn by LangGraph from the compiled graph."""
    # Only the methods' names are drawn, so an instance without job and team will do.
    unmanned = object.__new__(DocumentGraph)
    drawing: str = _wire(unmanned, annotators).get_graph().draw_mermaid()
    return drawing


def _wire(nodes: DocumentGraph, annotators: int) -> Any:
    names = [f"annotate_{number + 1}" for number in range(annotators)]
    graph = StateGraph(DocumentState)
    graph.add_node("design", nodes.design)
    graph.add_node("write", nodes.write)
    for number, name in enumerate(names):
        graph.add_node(name, _annotate_node(nodes, number))
    graph.add_node("ground", nodes.ground)
    graph.add_node("critique", nodes.critique)
    graph.add_node("decide", nodes.decide)
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


def _annotate_node(nodes: DocumentGraph, annotator: int) -> Any:
    """A node bound to one annotator; LangGraph wants the parameter to be called `state`."""

    async def annotate_node(state: DocumentState) -> DocumentState:
        return await nodes.annotate(state, annotator)

    return annotate_node


def _in_order(state: DocumentState) -> tuple[Annotation, ...]:
    return tuple(annotation for _, annotation in sorted(state["annotations"].items()))


def _for(agent: Agent, state: DocumentState) -> Sequence[Finding]:
    """The findings an agent has to mend; none for agents before the one at which the round was entered."""
    if WORKING_ORDER.index(agent) < WORKING_ORDER.index(state["entered"]):
        return ()
    return [finding for finding in state["mending"] if finding.target is agent]


def _concerns(finding: Finding, passage: Passage) -> bool:
    """Whether a finding may be about a passage; a quote that stands nowhere may have been for any of them."""
    if finding.quote is None or finding.code is FindingCode.UNGROUNDED:
        return True
    return finding.quote in passage.text


async def _side_by_side(calls: Iterable[Coroutine[Any, Any, _T]]) -> list[_T]:
    """The results, in order. When one call fails the others end too: nobody would want their answers."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


def _missing(class_name: str, quote: str) -> Finding:
    return Finding(
        code=FindingCode.MISSING,
        severity=Severity.MINOR,
        raised_by="critic",
        class_name=class_name,
        quote=quote,
        message="a mention of the class that was not annotated",
    )
