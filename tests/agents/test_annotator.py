"""The annotator: what it asks, what it takes for an answer, and what it makes of the last one."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from servers.in_memory import InMemoryClient, Said
from servers.scripted import Fail, ScriptedServer

from agents.annotator import annotate
from agents.llm.client import CallFailedError, CallFault, Purpose, Request, Sampling
from agents.llm.factory import ClientPool
from agents.speaker import Speaker
from schemas.annotation import Instance, MentionStatus
from schemas.job import ModelConfig, Profile
from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind

TEXT = "Ann met Bo in Oslo, and Cy wrote to Ann from Rome in 1843."
SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person"),
        ClassSpec(
            name="Letter",
            fields=(
                FieldSpec(name="span"),
                FieldSpec(name="year", type=FieldType(kind=Kind.INT, optional=True)),
            ),
        ),
    )
)
PURPOSE = Purpose(agent=Agent.ANNOTATOR, document_id="d")


def speaker(client: Any, profile: Profile = Profile.FULL) -> Speaker:
    return Speaker(client, profile, Sampling(temperature=0.2, max_tokens=500))


def answers(*said: Said) -> InMemoryClient:
    """A client that gives these one after the other, re-asks included."""
    left = list(said)
    return InMemoryClient(lambda request: left.pop(0))


async def found(
    client: Any, findings: tuple[Finding, ...] = (), order: tuple[str, ...] = SCHEMA.names
) -> tuple[Instance, ...]:
    return await annotate(speaker(client), TextIndex(TEXT), PURPOSE, SCHEMA, order, findings)


def surfaces(instances: tuple[Instance, ...]) -> list[tuple[str, str, bool]]:
    return [(i.class_name, i.surface, i.mentions[0].span is not None) for i in instances]


GOOD = {"Person": ["Ann", "Bo"], "Letter": [{"span": "wrote", "year": 1843}]}
UNGROUNDED = {"Person": ["Ann", "Zed"], "Letter": []}


async def test_instances_come_with_offsets_in_document_order() -> None:
    client = answers({"Letter": [{"span": "wrote"}], "Person": ["Bo", "ann", "Ann"]})
    instances = await found(client)
    assert surfaces(instances) == [
        ("Person", "Ann", True),
        ("Person", "Bo", True),
        ("Letter", "wrote", True),
        ("Person", "Ann", True),
    ]
    for instance in instances:
        start, end = instance.mentions[0].span or (0, 0)
        assert TEXT[start:end] == instance.surface


async def test_an_ungrounded_quote_is_asked_for_again() -> None:
    client = answers(UNGROUNDED, GOOD)
    assert surfaces(await found(client)) == [
        ("Person", "Ann", True),
        ("Person", "Bo", True),
        ("Letter", "wrote", True),
    ]


async def test_quotes_that_are_ungrounded_to_the_last_are_marked() -> None:
    client = answers({"Person": ["Nobody"]}, {"Person": [3]}, UNGROUNDED)
    instances = await found(client)
    assert surfaces(instances) == [("Person", "Ann", True), ("Person", "Zed", False)]
    assert instances[1].mentions[0].status is MentionStatus.NOT_FOUND


@pytest.mark.parametrize("last", ["no JSON", {"Person": [3]}, '"Ann"', ""])
async def test_an_answer_that_is_none_to_the_last_fails(last: Said) -> None:
    with pytest.raises(CallFailedError) as raised:
        await found(answers(UNGROUNDED, UNGROUNDED, last))
    assert raised.value.fault is CallFault.INVALID and raised.value.agent is Agent.ANNOTATOR
    assert len(raised.value.attempts) == 3


@pytest.mark.parametrize("fault", [CallFault.TRUNCATED, CallFault.SERVER, CallFault.REFUSED])
async def test_other_faults_are_not_covered_up(fault: CallFault) -> None:
    with pytest.raises(CallFailedError) as raised:
        await found(answers(UNGROUNDED, fault))
    assert raised.value.fault is fault and raised.value.agent is Agent.ANNOTATOR


def told(client: InMemoryClient) -> str:
    return client.requests[0].messages[-1].parts[-1]


async def test_it_is_told_the_classes_in_its_order_and_the_objections() -> None:
    finding = Finding(
        code=FindingCode.BOUNDARY,
        severity=Severity.MAJOR,
        raised_by="critic",
        class_name="Person",
        quote="Ann",
        message="it starts too late",
    )
    client = answers(GOOD)
    await found(client, (finding,), ("Letter", "Person"))
    assert told(client).index("- Letter") < told(client).index("- Person")
    assert '- BOUNDARY Person "Ann": it starts too late' in told(client)
    plain = answers(GOOD)
    await found(plain)
    assert "BOUNDARY" not in told(plain)


@pytest.mark.parametrize(("takes", "profile"), [(True, Profile.COMPACT), (False, Profile.COMPACT)])
async def test_a_grammar_goes_only_where_it_is_taken(takes: bool, profile: Profile) -> None:
    client = InMemoryClient(lambda request: GOOD, takes_grammar=takes)
    await annotate(speaker(client, profile), TextIndex(TEXT), PURPOSE, SCHEMA, SCHEMA.names)
    assert (client.requests[0].grammar is not None) == takes
    if takes:
        assert "Ann" in str(client.requests[0].grammar)


async def test_the_answer_is_sought_for_the_passage_and_purpose_given() -> None:
    client = answers(GOOD)
    await found(client)
    (request,) = client.requests
    assert request.purpose is PURPOSE and request.sampling.max_tokens == 500
    assert TEXT in request.messages[-1].parts[0]


# --- through the providers' SDKs ---


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
@pytest.mark.parametrize("last", [GOOD, UNGROUNDED])
async def test_over_the_wire(
    provider: str, last: dict[str, Any], scripted_server: Callable[..., ScriptedServer]
) -> None:
    """Objected to twice; the third answer is taken, as it is."""
    server = scripted_server([UNGROUNDED, {"Person": "\u00c7elik"}, last, Fail(400)])
    url = server.openai_url if provider == "openai" else server.anthropic_url
    pool = ClientPool()
    try:
        client = pool.client_for(ModelConfig(name=f"{provider}/scripted", base_url=url))
        instances = await found(client)
    finally:
        await pool.close()
    assert len(server.calls) == 3
    assert 'Person: "Zed"' in json.dumps(server.calls[1].body, ensure_ascii=False).replace('\\"', '"')
    assert "\u00c7elik" in json.dumps(server.calls[2].body, ensure_ascii=False)
    lost = [i.surface for i in instances if i.mentions[0].span is None]
    assert lost == ([] if last is GOOD else ["Zed"])


async def test_a_last_answer_in_a_fence_is_taken_too(scripted_server: Callable[..., ScriptedServer]) -> None:
    fenced = f"Here it is:\n```json\n{json.dumps(UNGROUNDED)}\n```"
    server = scripted_server([fenced] * 3)
    pool = ClientPool()
    try:
        client = pool.client_for(ModelConfig(name="openai/scripted", base_url=server.openai_url))
        instances = await found(client)
    finally:
        await pool.close()
    assert surfaces(instances) == [("Person", "Ann", True), ("Person", "Zed", False)]


async def test_requests_of_one_schema_share_an_answer_model() -> None:
    client = answers(GOOD, GOOD)
    await found(client)
    await found(client)
    models: set[type[Any]] = {request.answer for request in client.requests}
    assert len(models) == 1 and isinstance(client.requests[0], Request)


async def test_classes_are_asked_about_a_few_at_a_time() -> None:
    names = ("Person", "Place", "Year", "Letter")
    schema = AnnotationSchema(classes=tuple(ClassSpec(name=name) for name in names))
    spoiled = Finding(
        code=FindingCode.SPURIOUS, severity=Severity.MAJOR, raised_by="critic", class_name="Year", quote="in"
    )
    # The first answer volunteers a class that it was not asked for.
    client = answers({"Person": ["Cy", "Ann"], "Year": ["Oslo"]}, {"Year": ["1843"], "Letter": []})
    few = replace(speaker(client), classes_at_once=2)
    instances = await annotate(few, TextIndex(TEXT), PURPOSE, schema, names, [spoiled])
    assert surfaces(instances) == [("Person", "Ann", True), ("Person", "Cy", True), ("Year", "1843", True)]
    first, second = client.requests
    for request, asked, others in ((first, names[:2], names[2:]), (second, names[2:], names[:2])):
        form = request.answer.model_json_schema()
        assert list(form["properties"]) == list(asked)
        task = request.messages[-1].parts[-1]
        assert all(f"- {name}" in task for name in asked) and not any(f"- {name}" in task for name in others)
    assert "SPURIOUS" in second.messages[-1].parts[-1] and "SPURIOUS" not in first.messages[-1].parts[-1]
