"""The controls: what they keep, what they accept, and whom they ask."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_team import TEXT, Cast, Script, annotated, job, surfaces, verbatim

from agents.llm.client import CallFailedError, CallFault, Request
from graph.document_graph import DocumentGraph, mermaid
from graph.methods.acceptance import required, thresholds_of
from schemas.asking import ClassOrder
from schemas.documents import Document
from schemas.job import AnnotatorConfig, Job, Mode, Profile
from schemas.judgement import Agent, Decision, Outcome
from schemas.methods import Method, SelfConsistencyConfig
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

GIVEN = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))
EVERYTHING = {"Person": ["Ann", "Bo", "Ann", "Cy"], "Place": ["Oslo", "Rome"]}
CONTROLS = pytest.mark.parametrize("method", [Method.LINEAR, Method.SELF_CONSISTENCY])


def by(method: Method, samples: int = 3, agreement: float = 0.0, **changes: Any) -> Job:
    given_schema = changes.get("given_schema")
    changes["mode"] = Mode.PER_DOCUMENT if given_schema is None else Mode.GIVEN
    config = SelfConsistencyConfig(samples=samples, agreement=agreement)
    return job().model_copy(update={"method": method, "self_consistency": config} | changes)


def linear_steps(request: Request[Any]) -> Any:
    """The designer's two steps, told apart by how far the conversation is."""
    if len(request.messages) == 2:
        return {"points": ["Ann met Bo."]}
    return {"facts": [{"key": "Person", "values": ["Ann"]}, {"key": "Place", "values": ["Oslo"]}]}


def drafted(request: Request[Any]) -> Any:
    return {
        "guidelines": [
            {"name": name, "definition": f"A {name}.", "include": []} for name in ("Person", "Place")
        ]
    }


def cast_for(job_: Job, annotator: Script | None = None, profile: Profile = Profile.FULL) -> Cast:
    linear = job_.method is Method.LINEAR
    return Cast(
        designer=linear_steps if linear else None,
        annotator=annotator or annotated(EVERYTHING),
        critic=lambda request: pytest.fail("no control has a critic"),
        profile=profile,
        annotators=len(job_.annotators_at_work),
        **({"writer": drafted} if linear else {}),
    )


async def run(cast: Cast, job_: Job, text: str = TEXT, draw: int = 0) -> tuple[Decision, Round, list[Round]]:
    seen: list[Round] = []
    graph = DocumentGraph(job_, cast.team, lambda _, made: seen.append(made), frozen=job_.given_schema)
    decision, kept, copied = await graph.run(Document(id="d", text=text), draw)
    assert copied == ()
    return decision, kept, seen


def asked(cast: Cast) -> Counter[Agent]:
    return Counter(request.purpose.agent for request in cast.requests())


# --- whom they ask ---


@CONTROLS
@pytest.mark.parametrize("profile", Profile)
async def test_a_control_makes_one_pass_over_a_schema_of_its_own(method: Method, profile: Profile) -> None:
    job_ = by(method)
    cast = cast_for(job_, profile=profile)
    decision, kept, seen = await run(cast, job_)
    linear = method is Method.LINEAR
    assert asked(cast) == (
        Counter({Agent.DESIGNER: 2, Agent.WRITER: 1, Agent.ANNOTATOR: 1})
        if linear
        else Counter({Agent.DESIGNER: 1, Agent.WRITER: 1, Agent.ANNOTATOR: 3})
    )
    assert (decision.outcome, decision.ending, decision.round) == (Outcome.ACCEPTED, None, 1)
    assert seen == [kept] and kept.entered is Agent.DESIGNER and kept.findings == ()
    assert surfaces(kept) == ["Ann", "Bo", "Oslo", "Ann", "Cy", "Rome"]
    assert kept.annotation_schema.names == ("Person", "Place")


@CONTROLS
async def test_a_frozen_schema_is_what_is_annotated(method: Method) -> None:
    job_ = by(method, given_schema=GIVEN)
    cast = cast_for(job_)
    decision, kept, _ = await run(cast, job_)
    assert decision.outcome is Outcome.ACCEPTED and kept.annotation_schema == GIVEN
    wanted = (
        {Agent.ANNOTATOR: 3}
        if method is Method.SELF_CONSISTENCY
        else {
            Agent.DESIGNER: 2,
            Agent.WRITER: 1,
            Agent.ANNOTATOR: 1,
        }
    )
    assert asked(cast) == Counter(wanted)


async def test_samples_see_one_prompt_and_are_told_apart() -> None:
    first = AnnotatorConfig(class_order=ClassOrder.SHUFFLED)
    names = tuple(f"Class{number}" for number in range(8))
    schema = AnnotationSchema(classes=tuple(ClassSpec(name=name) for name in names))
    job_ = by(Method.SELF_CONSISTENCY, 4, given_schema=schema, annotators=(first, AnnotatorConfig()))
    cast = cast_for(job_, annotated({"Class1": ["Ann"]}))
    await run(cast, job_)
    requests = cast.requests(Agent.ANNOTATOR)
    assert len({str(request.messages) for request in requests}) == 1
    assert len({request.answer for request in requests}) == 1
    assert sorted(request.purpose.sample for request in requests) == [0, 1, 2, 3]


async def test_a_long_document_is_annotated_by_passages_in_one_conversation() -> None:
    job_ = by(Method.LINEAR)
    text = " ".join(f"Number {n} says that Ann met Bo in Oslo." for n in range(20))
    cast = cast_for(job_, annotated({"Person": ["Ann"], "Place": ["Oslo"]}))
    cast.team = type(cast.team)(cast.team.annotators, cast.team.others, 300)
    decision, kept, _ = await run(cast, job_, text)
    parts = cast.requests(Agent.ANNOTATOR)
    assert len(parts) > 2 and {len(request.messages) for request in parts} == {8}
    assert len({str(request.messages[:7]) for request in parts}) == 1
    shown = [parts[0].messages[1].parts[0], *(request.messages[-1].parts[0] for request in parts)]
    marked = len("<document>\n\n</document>") + 2 * len("\n[...]\n")
    assert max(map(len, shown)) <= 300 // 2 + marked
    assert decision.outcome is Outcome.ACCEPTED
    assert len(kept.agreed.instances) == 2 * len(parts)
    assert all(verbatim(instance, text) for instance in kept.agreed.instances)


@CONTROLS
async def test_drawn_anew_every_call_has_another_seed(method: Method) -> None:
    job_ = by(method)
    casts = cast_for(job_), cast_for(job_)
    for draw, cast in enumerate(casts):
        await run(cast, job_, draw=draw)
    first, second = ({request.sampling.seed for request in cast.requests()} for cast in casts)
    assert not first & second


# --- what is kept ---

PLACES = st.sampled_from(["Ann", "Bo", "Cy", "Oslo", "Rome", "Zed", "engine"])
SAMPLE = st.dictionaries(st.sampled_from(["Person", "Place"]), st.lists(PLACES, max_size=4, unique=True))


@settings(max_examples=50, deadline=None)
@given(st.lists(SAMPLE, min_size=1, max_size=7))
def test_a_mention_is_kept_if_and_only_if_more_than_half_of_the_samples_have_it(
    samples: list[dict[str, list[str]]],
) -> None:
    def said(request: Request[Any]) -> Any:
        return samples[request.purpose.sample]

    job_ = by(Method.SELF_CONSISTENCY, len(samples), given_schema=GIVEN)
    decision, kept, _ = asyncio.run(run(cast_for(job_, said), job_))
    votes = Counter(
        (name, text)
        for sample in samples
        for name, found in sample.items()
        for text in found
        if text != "Zed"
    )
    majority = {what for what, count in votes.items() if count * 2 > len(samples)}
    assert {(item.class_name, item.surface) for item in kept.agreed.instances} == majority
    assert len(kept.agreed.instances) == len(majority)
    assert all(verbatim(instance, TEXT) for instance in kept.agreed.instances)
    disputed = {name for (name, _), count in votes.items() if count * 2 <= len(samples)}
    nowhere = {name for sample in samples for name, found in sample.items() if "Zed" in found}
    assert set(kept.agreed.unknown_classes) == disputed | nowhere
    assert (decision.outcome is Outcome.ACCEPTED) == bool(majority)
    assert (kept.scores.agreement is None) == (len(samples) == 1)


@settings(max_examples=40, deadline=None)
@given(SAMPLE, st.sampled_from(Profile), st.sampled_from([None, GIVEN]))
def test_a_linear_run_keeps_all_that_stands_in_the_document_and_nothing_else(
    said: dict[str, list[str]], profile: Profile, given_schema: AnnotationSchema | None
) -> None:
    job_ = by(Method.LINEAR, given_schema=given_schema)
    decision, kept, _ = asyncio.run(run(cast_for(job_, annotated(said), profile), job_))
    mentions = [(name, text) for name, found in said.items() for text in found]
    grounded = {what for what in mentions if what[1] != "Zed"}
    assert {(item.class_name, item.surface) for item in kept.agreed.instances} == grounded
    assert all(verbatim(instance, TEXT) for instance in kept.agreed.instances)
    assert (decision.outcome is Outcome.ACCEPTED) == bool(grounded)
    assert kept.scores.grounding == (len(grounded) / len(mentions) if mentions else 1)


async def test_what_does_not_stand_in_the_document_is_dropped_and_its_class_unknown() -> None:
    job_ = by(Method.LINEAR)
    decision, kept, _ = await run(cast_for(job_, annotated({"Person": ["Ann", "Zed"], "Place": []})), job_)
    assert decision.outcome is Outcome.ACCEPTED and "1 instance kept" in decision.reason
    assert surfaces(kept) == ["Ann"] and kept.agreed.unknown_classes == ("Person",)
    assert kept.scores.grounding == 0.5


# --- what is accepted ---


@CONTROLS
@pytest.mark.parametrize(("least", "outcome"), [(0, Outcome.ACCEPTED), (1, Outcome.REJECTED)])
async def test_a_document_without_instances_is_accepted_only_if_none_are_wanted(
    method: Method, least: int, outcome: Outcome
) -> None:
    job_ = by(method)
    job_ = job_.model_copy(update={"thresholds": job_.thresholds.model_copy(update={"min_instances": least})})
    decision, kept, _ = await run(cast_for(job_, annotated({"Person": ["Zed"]})), job_)
    assert decision.outcome is outcome and kept.agreed.instances == ()
    assert ("0 agreed instances, 1 wanted" in decision.reason) == (least == 1)


def differing(request: Request[Any]) -> Any:
    return {"Person": ["Ann"], "Place": [["Oslo"], ["Rome"], []][request.purpose.sample]}


async def test_agreement_is_on_record_and_rejects_only_if_it_was_asked_for() -> None:
    lenient = by(Method.SELF_CONSISTENCY, given_schema=GIVEN)
    decision, kept, _ = await run(cast_for(lenient, differing), lenient)
    assert decision.outcome is Outcome.ACCEPTED and surfaces(kept) == ["Ann"]
    assert kept.scores.agreement == pytest.approx((1 / 2 + 2 / 3 + 2 / 3) / 3)
    assert required(Method.SELF_CONSISTENCY, thresholds_of(lenient)) == {}
    strict = by(Method.SELF_CONSISTENCY, agreement=0.7, given_schema=GIVEN)
    decision, kept, _ = await run(cast_for(strict, differing), strict)
    assert decision.outcome is Outcome.REJECTED and "agreement 0.61 < 0.7" in decision.reason
    assert required(Method.SELF_CONSISTENCY, thresholds_of(strict)) == {"agreement": 0.7}


@CONTROLS
async def test_what_nobody_judged_has_no_score(method: Method) -> None:
    job_ = by(method, samples=1)
    _, kept, _ = await run(cast_for(job_), job_)
    judged = {name for name, value in kept.scores.model_dump().items() if value is not None}
    assert judged == {"grounding"}


# --- what fails ---

FAULTS: Sequence[Callable[[], Any]] = (lambda: CallFault.TRUNCATED, lambda: "no JSON")


@CONTROLS
@pytest.mark.parametrize("fault", FAULTS, ids=["truncated", "invalid"])
@pytest.mark.parametrize("agent", [Agent.DESIGNER, Agent.WRITER, Agent.ANNOTATOR])
async def test_a_step_without_an_answer_fails_the_document_in_the_name_of_its_agent(
    method: Method, fault: Callable[[], Any], agent: Agent
) -> None:
    job_ = by(method)
    cast = cast_for(job_)
    cast.scripts[agent] = lambda request: fault()
    with pytest.raises(CallFailedError) as raised:
        await run(cast, job_)
    assert raised.value.agent is agent


async def test_a_sample_may_hold_what_stands_nowhere_without_failing_its_document() -> None:
    job_ = by(Method.SELF_CONSISTENCY)
    cast = cast_for(job_, lambda request: {"Person": ["Ann", "Zed"] if request.purpose.sample else ["Ann"]})
    decision, kept, _ = await run(cast, job_)
    assert decision.outcome is Outcome.ACCEPTED and surfaces(kept) == ["Ann"]
    assert kept.scores.grounding == pytest.approx(3 / 5)


# --- how they are drawn, and who they are ---


def test_each_method_draws_its_own_graph() -> None:
    linear = mermaid(by(Method.LINEAR))
    assert [
        step for step in ("summarise", "structure", "write", "annotate", "keep") if step not in linear
    ] == []
    voting = mermaid(by(Method.SELF_CONSISTENCY, 4))
    assert "sample_4 --> vote" in voting and "write --> sample_1" in voting and "sample_5" not in voting
    frozen = mermaid(by(Method.SELF_CONSISTENCY, 2, given_schema=GIVEN))
    assert "__start__ --> sample_1" in frozen and "write" not in frozen


def test_a_control_needs_the_models_it_asks_and_no_others() -> None:
    first = AnnotatorConfig(temperature=0.1)
    for method, agents, count in (
        (Method.LINEAR, (Agent.ANNOTATOR,), 1),
        (Method.SELF_CONSISTENCY, (Agent.DESIGNER, Agent.WRITER, Agent.ANNOTATOR), 3),
    ):
        job_ = by(method, annotators=(first, AnnotatorConfig(temperature=0.9)))
        assert job_.agents_needed == agents and len(job_.annotators_at_work) == count
    assert by(Method.SELF_CONSISTENCY, given_schema=GIVEN).agents_needed == (Agent.ANNOTATOR,)
    sampled = by(Method.SELF_CONSISTENCY, annotators=(first,))
    assert {sampled.model_for(Agent.ANNOTATOR, number).temperature for number in range(3)} == {0.7}
    assert by(Method.LINEAR, annotators=(first,)).model_for(Agent.ANNOTATOR).temperature == 0.1
