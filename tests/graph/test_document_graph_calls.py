"""Long documents, failing calls and cancellation in the document graph."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from scripted_team import (
    Cast,
    accept,
    in_turns,
    instructions,
    items,
    job,
    judged,
    prefix,
    run,
    verbatim,
)

from agents.llm.client import CallFailedError, CallFault, Request
from schemas.judgement import Agent, Outcome

# --- long documents ---

SENTENCES = [
    f"On day {number} Ann met Bo in Oslo and wrote to Captain{number} about the engine."
    for number in range(40)
]
LONG = " ".join(SENTENCES)


def found_in_passage(request: Request[Any]) -> Any:
    """All the people and places of the passage, in order."""
    passage = prefix(request)[1]
    people = [word.strip(".") for word in passage.split() if word.startswith(("Ann", "Bo", "Captain"))]
    return {"Person": people, "Place": ["Oslo"] * passage.count("Oslo")}


async def test_a_long_document_is_annotated_in_passages_and_put_together() -> None:
    cast = Cast(annotator=found_in_passage, passage_bytes=300)
    decision, kept, seen, _ = await run(cast, text=LONG)
    passages = {request.purpose.passage for request in cast.requests(Agent.ANNOTATOR)}
    assert len(passages) > 5 and passages == {r.purpose.passage for r in cast.requests(Agent.CRITIC)}
    assert decision.outcome is Outcome.ACCEPTED and len(seen) == 1
    instances = kept.agreed.instances
    assert len(instances) == 40 * 4 and all(verbatim(instance, LONG) for instance in instances)
    spans = [instance.mentions[0].span for instance in instances]
    assert spans == sorted(set(spans), key=lambda span: span or (0, 0))
    for name, count in (("Ann", 40), ("Oslo", 40), ("Captain7", 1)):
        occurrences = [i.mentions[0].occurrence for i in instances if i.surface == name]
        assert occurrences == list(range(1, count + 1))
    assert kept.scores.faithfulness == 1


async def test_designer_and_writer_are_shown_parts_of_a_long_document() -> None:
    cast = Cast(annotator=found_in_passage, passage_bytes=600)
    await run(cast, job(rounds=1), text=LONG)
    (request,) = cast.requests(Agent.DESIGNER)
    shown = prefix(request)[1].removeprefix("<document>\n").removesuffix("\n</document>").split("\n[...]\n")
    assert len(shown) == 3 and all(part in LONG for part in shown)
    assert LONG.startswith(shown[0]) and sum(len(part) for part in shown) <= 600
    assert prefix(cast.requests(Agent.WRITER)[0]) == prefix(request)


async def test_of_a_document_of_two_passages_each_is_shown_once() -> None:
    cast = Cast(annotator=found_in_passage, passage_bytes=600)
    await run(cast, job(rounds=1), text=" ".join(SENTENCES[:12]))
    assert {request.purpose.passage for request in cast.requests(Agent.ANNOTATOR)} == {0, 1}
    (request,) = cast.requests(Agent.DESIGNER)
    shown = prefix(request)[1].split("\n[...]\n")
    assert len(shown) == 2 and len(set(shown)) == 2


async def test_objections_to_a_passage_are_told_where_it_is_annotated() -> None:
    critic = in_turns(judged(lambda _, quote, __: "spurious" if quote == "Captain7" else "correct"), accept)
    cast = Cast(annotator=found_in_passage, critic=critic, passage_bytes=300)
    await run(cast, text=LONG)
    told = [r for r in cast.requests(Agent.ANNOTATOR, 2) if '"Captain7"' in instructions(r)]
    assert {request.purpose.passage for request in told} and len(told) == 2
    assert all("Captain7" in prefix(request)[1] for request in told)


async def test_many_mentions_are_judged_in_several_calls() -> None:
    cast = Cast(annotator=found_in_passage)
    decision, kept, _, _ = await run(cast, text=LONG)
    asked = [len(items(request)) for request in cast.requests(Agent.CRITIC)]
    assert sum(asked) == 160 and max(asked) <= 30
    assert kept.scores.faithfulness == 1 and decision.outcome is Outcome.ACCEPTED


# --- faults ---


@pytest.mark.parametrize("agent", list(Agent))
async def test_a_failed_call_is_raised_with_the_agent_it_was_for(agent: Agent) -> None:
    cast = Cast()
    cast.scripts[agent] = lambda request: CallFault.SERVER
    with pytest.raises(CallFailedError) as raised:
        await run(cast)
    assert raised.value.agent is agent and raised.value.fault is CallFault.SERVER


async def test_when_one_call_fails_no_others_are_left_behind() -> None:
    def failing(request: Request[Any]) -> Any:
        if request.purpose.passage == 0 and request.purpose.sample == 1:
            return CallFault.SERVER
        return found_in_passage(request)

    cast = Cast(annotator=failing, passage_bytes=300)
    cast.client.delay = lambda request: 0.02 * (request.purpose.passage > 0)
    before = asyncio.all_tasks()
    with pytest.raises(CallFailedError):
        await run(cast, text=LONG)
    answered = cast.client.answered
    assert asyncio.all_tasks() == before
    await asyncio.sleep(0.05)
    assert cast.client.answered == answered and not cast.requests(Agent.CRITIC)


async def test_a_fault_of_the_program_comes_through_as_it_is() -> None:
    cast = Cast(critic=lambda request: ZeroDivisionError("ours"))
    with pytest.raises(ZeroDivisionError, match="ours"):
        await run(cast)


async def test_a_cancelled_document_leaves_no_call_behind() -> None:
    reached = asyncio.Event()

    def slow(request: Request[Any]) -> Any:
        reached.set()
        return found_in_passage(request)

    cast = Cast(annotator=slow, passage_bytes=300)
    cast.client.delay = lambda request: 0.02 * request.purpose.passage
    before = asyncio.all_tasks()
    task = asyncio.create_task(run(cast, text=LONG))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    answered = cast.client.answered
    await asyncio.sleep(0.05)
    assert cast.client.answered == answered and asyncio.all_tasks() == before
