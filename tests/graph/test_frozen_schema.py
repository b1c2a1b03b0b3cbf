"""The document graph with a frozen schema: no document changes it, and none is rejected for it."""

from __future__ import annotations

import re

import pytest
from scripted_team import (
    TEXT,
    Cast,
    Script,
    accept,
    annotated,
    in_turns,
    instructions,
    job,
    judged,
    phrases,
    reject,
    surfaces,
)

from graph.document_graph import DocumentGraph, mermaid
from graph.team import assemble
from schemas.documents import Document
from schemas.job import AgentModels, Job, Mode, ModelConfig
from schemas.judgement import Agent, Decision, Ending, FindingCode, Outcome, Severity
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

# A schema that lint objects to: a class without definition, a name that says nothing, one without instances.
GIVEN = AnnotationSchema(
    domain="travel",
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being who is named.")),
        ClassSpec(name="Place"),
        ClassSpec(name="Entity"),
    ),
)


async def frozen(cast: Cast, rounds: int = 3, **thresholds: float) -> tuple[Decision, Round, list[Round]]:
    seen: list[Round] = []
    graph = DocumentGraph(
        job(rounds, **thresholds), cast.team, lambda _, made: seen.append(made), frozen=GIVEN
    )
    decision, kept, copied = await graph.run(Document(id="d", text=TEXT))
    assert copied == ()
    return decision, kept, seen


def remarks(*codes: str) -> Script:
    said = [{"code": code, "class": "Person", "severity": "major", "message": "not so"} for code in codes]
    return judged(lambda *_: "correct", remarks=said)


async def test_a_document_begins_at_the_annotators_with_the_schema_as_it_was_given() -> None:
    cast = Cast()
    decision, kept, seen = await frozen(cast)
    assert decision.outcome is Outcome.ACCEPTED and kept.annotation_schema == GIVEN
    assert [made.entered for made in seen] == [Agent.ANNOTATOR]
    assert {request.purpose.agent for request in cast.requests()} == {Agent.ANNOTATOR, Agent.CRITIC}
    assert "A human being who is named." in instructions(cast.requests(Agent.ANNOTATOR)[0])


async def test_objections_to_the_schema_are_on_record_and_neither_block_nor_go_back() -> None:
    codes = ("SCHEMA_OVERLAP", "GUIDELINE_CONTRADICTION", "SCHEMA_MISSING_CLASS")
    decision, kept, seen = await frozen(Cast(critic=remarks(*codes)), guideline=1.0, schema_fit=1.0)
    assert (decision.outcome, decision.ending, len(seen)) == (Outcome.ACCEPTED, Ending.AGREED, 1)
    assert {finding.code for finding in kept.findings} == {FindingCode(code) for code in codes}
    assert all(finding.severity is Severity.MINOR for finding in kept.findings)
    assert (kept.scores.guideline, kept.scores.schema_fit) == pytest.approx((2 / 3, 2 / 3))


async def test_objections_to_annotations_still_go_to_the_annotators() -> None:
    cast = Cast(critic=in_turns(reject, accept))
    decision, _, seen = await frozen(cast)
    assert decision.outcome is Outcome.ACCEPTED and decision.round == 2
    assert [made.entered for made in seen] == [Agent.ANNOTATOR, Agent.ANNOTATOR]
    asked = [phrases(request) for request in cast.requests(Agent.ANNOTATOR, 2)]
    assert len(asked) == 2 and all([quote for _, quote in each] == surfaces(seen[0]) for each in asked)


async def test_a_loop_that_nobody_can_mend_ends_at_once_with_what_is_agreed() -> None:
    """Fewer instances than wanted and no objection: the writer would be asked, if there were one."""
    cast = Cast(annotator=annotated({"Person": ["Ann"]}), critic=remarks("GUIDELINE_UNDERSPECIFIED"))
    decision, kept, seen = await frozen(cast, min_instances=5)
    assert (decision.outcome, decision.ending, len(seen)) == (Outcome.REJECTED, Ending.STALEMATE, 1)
    assert surfaces(kept) == ["Ann"] and "1 agreed instance, 5 wanted" in decision.reason


def given_job(**changes: object) -> Job:
    return Job.model_validate(
        {**job().model_dump(), "mode": Mode.GIVEN, "given_schema": GIVEN.model_dump(), **changes}
    )


def test_the_drawing_of_a_given_schema_has_neither_designer_nor_writer() -> None:
    drawing = mermaid(given_job())
    assert not re.search(r"\b(design|write)\b", drawing)
    for edge in ("__start__ --> annotate_2", "decide -.-> annotate_1", "decide -.-> __end__"):
        assert f"{edge};" in drawing


def test_a_job_with_a_given_schema_needs_no_model_that_it_does_not_use() -> None:
    unused = ModelConfig(name="openai/unused", base_url="http://localhost:1/v1")
    used = ModelConfig(name="openai/used", base_url="http://localhost:1/v1")
    models = AgentModels(schema_designer=unused, guideline_writer=unused)
    whole = given_job(model=used.model_dump(), agents=models.model_dump(), classes_at_once=2)
    assert {config.name for config in whole.models} == {"openai/used"}
    client = Cast().client
    asked: list[str] = []
    team = assemble(whole, lambda config: asked.append(config.name) or client)  # type: ignore[func-returns-value]
    assert set(asked) == {"openai/used"} and set(team.others) == {Agent.CRITIC}
    assert {speaker.classes_at_once for speaker in team.annotators} == {2}
