"""The document graph with real agents and a scripted model: what it may and may not end in."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest
from scripted_team import (
    TEXT,
    Cast,
    Script,
    accept,
    annotated,
    designed,
    in_turns,
    instructions,
    items,
    job,
    judged,
    prefix,
    reject,
    run,
    surfaces,
    verbatim,
)

from agents.llm.client import Request
from graph.document_graph import DocumentGraph, mermaid
from schemas.documents import Document
from schemas.job import Profile
from schemas.judgement import Agent, Decision, Ending, FindingCode, Outcome, Severity
from schemas.rounds import Round

BOTH = pytest.mark.parametrize("profile", Profile)


# --- what is redone ---


def calls(cast: Cast) -> list[Counter[Agent]]:
    """Calls of each agent, round by round."""
    last = max(request.purpose.round for request in cast.requests())
    return [Counter(request.purpose.agent for request in cast.requests(None, n)) for n in range(1, last + 1)]


WHOLE_ROUND = Counter({Agent.DESIGNER: 1, Agent.WRITER: 1, Agent.ANNOTATOR: 2, Agent.CRITIC: 1})


def remark(code: str) -> Script:
    said = {"code": code, "class": "Person", "severity": "major", "message": "as it is, this spoils it"}
    return in_turns(judged(lambda *_: "correct", remarks=[said]), accept)


@pytest.mark.parametrize(
    ("critic", "left_out"),
    [
        (remark("SCHEMA_OVERLAP"), []),
        (remark("GUIDELINE_CONTRADICTION"), [Agent.DESIGNER]),
        (in_turns(reject, accept), [Agent.DESIGNER, Agent.WRITER]),
    ],
    ids=["designer", "writer", "annotators"],
)
async def test_only_what_depends_on_the_agent_that_mends_is_redone(
    critic: Script, left_out: list[Agent]
) -> None:
    cast = Cast(critic=critic)
    decision, _, seen, _ = await run(cast)
    second = Counter({agent: count for agent, count in WHOLE_ROUND.items() if agent not in left_out})
    assert calls(cast) == [WHOLE_ROUND, second]
    assert seen[1].entered is next(agent for agent in WHOLE_ROUND if agent not in left_out)
    assert decision.outcome is Outcome.ACCEPTED and decision.round == 2


async def test_an_objection_reaches_the_agent_that_can_mend_it_and_no_other() -> None:
    cast = Cast(critic=remark("GUIDELINE_CONTRADICTION"))
    await run(cast)
    (writer,) = cast.requests(Agent.WRITER, 2)
    assert "- GUIDELINE_CONTRADICTION Person: as it is, this spoils it" in instructions(writer)
    others = [r for r in cast.requests() if r is not writer]
    assert not any("this spoils it" in part for r in others for m in r.messages for part in m.parts)


async def test_annotators_are_asked_about_what_was_objected_to_and_what_stands_nowhere() -> None:
    first = annotated({"Person": ["Ann", "Zed \u00e9t\u00e9 : two"], "Place": ["Oslo"]})
    second = annotated({"Person": ["Ann"], "Place": ["Oslo"]})
    critic = in_turns(judged(lambda _, quote, __: "spurious" if quote == "Oslo" else "correct"), accept)
    cast = Cast(annotator=in_turns(first, second), critic=critic)
    decision, _, _, _ = await run(cast)
    assert decision.outcome is Outcome.ACCEPTED
    for request in cast.requests(Agent.ANNOTATOR, 2):
        told = instructions(request)
        assert '1. "Oslo" in "Ann met Bo in Oslo. Later Ann wrote to Cy in Rome about' in told
        assert '2. "Zed \u00e9t\u00e9 : two" (not in the document in these words)' in told
        assert not any(code.value in told for code in FindingCode)


async def test_a_quote_that_stands_nowhere_is_a_finding_and_never_agreed() -> None:
    first = annotated({"Person": ["Ann", "Zed"], "Place": ["Oslo"]})
    cast = Cast(annotator=first)
    decision, kept, seen, _ = await run(cast)
    assert decision.outcome is Outcome.REJECTED and decision.ending is Ending.STALEMATE
    (finding,) = [one for one in seen[0].findings if one.code is FindingCode.UNGROUNDED]
    assert (finding.quote, finding.severity, finding.raised_by) == ("Zed", Severity.MAJOR, "grounding")
    assert surfaces(kept) == ["Ann", "Oslo"] and kept.agreed.unknown_classes == ("Person",)
    assert "Zed" not in [quote for r in cast.requests(Agent.CRITIC) for _, quote, _ in items(r)]


async def test_those_who_keep_to_their_differences_make_the_writer_mend_the_most_disputed_guideline() -> None:
    def differing(request: Request[Any]) -> Any:
        if request.purpose.round > 2:
            return {"Person": ["Ann"], "Place": ["Oslo"]}
        return {"Person": [["Ann", "Bo"], ["Cy", "Ann"]][request.purpose.sample], "Place": ["Oslo"]}

    cast = Cast(annotator=differing)
    _, _, seen, _ = await run(cast)
    assert seen[0].scores.agreement == pytest.approx(4 / 6)
    (finding,) = [one for one in seen[0].findings if one.raised_by == "agreement"]
    assert finding.class_name == "Person" and finding.code is FindingCode.GUIDELINE_UNDERSPECIFIED
    assert [made.entered for made in seen[1:]] == [Agent.ANNOTATOR, Agent.WRITER]
    assert seen[2].scores.agreement == 1
    (objection,) = seen[2].objections
    assert (objection.status.value, objection.gave_way) == ("mended", ("annotator-1", "annotator-2"))


# --- who sees what ---


@BOTH
async def test_the_shared_prefix_is_the_same_for_all_agents(profile: Profile) -> None:
    cast = Cast(profile=profile, critic=in_turns(reject, accept))
    await run(cast)
    assert {request.purpose.agent for request in cast.requests()} == set(Agent)
    prefixes = {json.dumps(prefix(request)) for request in cast.requests()}
    assert len(prefixes) == 1
    system, document = json.loads(prefixes.pop())
    assert system and document == f"<document>\n{TEXT}\n</document>"
    for request in cast.requests():
        assert [message.role for message in request.messages] == ["system", "user"]


async def test_annotators_see_nothing_of_each_other() -> None:
    def own(request: Request[Any]) -> Any:
        return [{"Person": ["Ann"]}, {"Person": ["Bo"], "Place": ["Rome"]}][request.purpose.sample]

    cast = Cast(annotator=own)
    await run(cast, job(rounds=1))
    first, second = cast.requests(Agent.ANNOTATOR)
    assert (first.purpose.sample, second.purpose.sample) == (0, 1)
    for request in (first, second):
        assert not re.search(r"\b(Ann|Bo|Rome)\b", instructions(request))
    # What differs is the order of the classes alone.
    assert sorted(re.findall(r"\w+", instructions(first))) == sorted(re.findall(r"\w+", instructions(second)))


async def test_annotators_are_shown_the_classes_in_different_orders() -> None:
    names = ("Person", "Place", "Vessel", "Cargo", "Harbour")
    cast = Cast(designer=designed(*names), annotators=3)
    await run(cast, job(rounds=1, annotators=3))
    orders = [tuple(r.answer.model_json_schema()["properties"]) for r in cast.requests(Agent.ANNOTATOR)]
    assert orders[0] == names and orders[1] == names[::-1]
    assert sorted(orders[2]) == sorted(names) and orders[2] not in orders[:2]
    for request, order in zip(cast.requests(Agent.ANNOTATOR), orders, strict=True):
        shown = [
            line[2:].split(":")[0] for line in instructions(request).splitlines() if line.startswith("- ")
        ]
        assert tuple(shown) == order


@BOTH
async def test_the_critic_sees_every_mention_once_and_not_who_made_it(profile: Profile) -> None:
    def own(request: Request[Any]) -> Any:
        return [{"Person": ["Ann", "Bo"]}, {"Person": ["Bo"], "Place": ["Ann"]}][request.purpose.sample]

    cast = Cast(annotator=own, profile=profile)
    await run(cast, job(rounds=1))
    (request,) = cast.requests(Agent.CRITIC)
    listed = [(quote, name) for _, quote, name in items(request)]
    if profile is Profile.FULL:
        assert sorted(listed) == [("Ann", "Person"), ("Ann", "Place"), ("Bo", "Person")]
    else:
        assert sorted(quote for quote, _ in listed) == ["Ann", "Bo"]
    told = instructions(request).lower()
    assert not any(word in told for word in ("annotator-1", "annotator 1", "agree with", "votes"))


async def test_no_agent_is_told_what_another_thinks_of_a_mention_before_it_has_judged() -> None:
    """In the first round nobody sees a verdict, and the critic never sees earlier ones."""
    cast = Cast(critic=reject)
    await run(cast)
    for request in [*cast.requests(None, 1), *cast.requests(Agent.CRITIC)]:
        assert not any(f"- {code.value}" in instructions(request) for code in FindingCode)


# --- beside the decision ---


async def test_classes_copied_from_the_worked_example_are_reported() -> None:
    def copying(request: Request[Any]) -> Any:
        example = instructions(request).partition('"classes": ')[2]
        names = [part.split('"')[0] for part in example.split('"name": "')[1:]]
        return designed("Person", *names[:1])(request)

    _, kept, _, copied = await run(Cast(designer=copying))
    assert len(copied) == 1 and copied[0] in kept.annotation_schema.names
    _, _, _, none = await run(Cast())
    assert none == ()


async def test_one_graph_serves_documents_side_by_side() -> None:
    cast = Cast()
    graph = DocumentGraph(job(), cast.team)
    texts = [TEXT, TEXT.replace("Ann", "Eva"), TEXT + " Ann."]
    results: Sequence[tuple[Decision, Round, Any]] = await asyncio.gather(
        *(graph.run(Document(id=f"d{n}", text=text)) for n, text in enumerate(texts))
    )
    assert [decision.outcome for decision, _, _ in results].count(Outcome.ACCEPTED) == 2
    for (_, kept, _), text, number in zip(results, texts, range(3), strict=True):
        assert kept.agreed.document_id == f"d{number}"
        assert all(verbatim(instance, text) for instance in kept.agreed.instances)


def test_the_drawing_shows_all_agents_and_the_ways_back() -> None:
    drawing = mermaid(job(annotators=3))
    for node in ("design", "write", "annotate_1", "annotate_3", "ground", "critique", "decide"):
        assert f"{node}(" in drawing
    for target in ("design", "write", "annotate_2", "__end__"):
        assert f"decide -.-> {target};" in drawing
    assert "annotate_3" not in mermaid(job(annotators=2))
