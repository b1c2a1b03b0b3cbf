"""The schema-designer: what becomes of the classes and fields a model proposes."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from servers.in_memory import InMemoryClient, Said

from agents.llm.client import CallFailedError, Purpose, Sampling
from agents.prompting import example_for, inventory
from agents.schema_designer import Design, design, phrases
from agents.speaker import Speaker
from schemas.job import Profile
from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.lint import is_catch_all
from schemas.schema import AnnotationSchema, ClassSpec, Guideline, Kind

TEXT = "Ann met Bo in Oslo."
PURPOSE = Purpose(agent=Agent.DESIGNER, document_id="d")
BOTH = pytest.mark.parametrize("profile", Profile)


async def designed(
    *said: Said, profile: Profile = Profile.FULL, takes_grammar: bool = False, **options: Any
) -> tuple[AnnotationSchema, tuple[str, ...], InMemoryClient]:
    left = list(said)
    client = InMemoryClient(lambda request: left.pop(0), takes_grammar=takes_grammar)
    speaker = Speaker(client, profile, Sampling(temperature=0, max_tokens=1000))
    schema, copied = await design(speaker, TEXT, PURPOSE, **options)
    return schema, copied, client


def classes(*names: str, **more: Any) -> dict[str, Any]:
    return {
        "domain": "travel",
        "classes": [{"name": name, "definition": f"What {name} is."} | more for name in names],
    }


@BOTH
async def test_a_schema_is_made_of_what_was_proposed(profile: Profile) -> None:
    schema, copied, _ = await designed(classes("Person", "Meeting"), profile=profile)
    assert schema.domain == "travel" and schema.names == ("Person", "Meeting") and copied == ()
    for spec in schema.classes:
        assert spec.guideline.definition == f"What {spec.name} is."
        assert [field.name for field in spec.fields] == ["span"] and spec.anchor is spec.fields[0]


@BOTH
async def test_names_are_brought_into_form_and_catch_alls_and_repetitions_left_out(profile: Profile) -> None:
    said = classes("medical device", "MedicalDevice", "Information", "key facts", "3", "people", "Other item")
    schema, _, _ = await designed(said, profile=profile)
    assert schema.names == ("MedicalDevice", "People")
    assert schema.classes[0].guideline.definition == "What medical device is."


@BOTH
async def test_a_design_without_a_usable_class_is_asked_for_again(profile: Profile) -> None:
    schema, _, _ = await designed(
        classes("Data"), {"domain": "x", "classes": []}, classes("Person"), profile=profile
    )
    assert schema.names == ("Person",)
    with pytest.raises(CallFailedError, match="'Data', 'Entity'") as raised:
        await designed(*[classes("Data", "Entity")] * 3, profile=profile)
    assert raised.value.agent is Agent.DESIGNER


@pytest.mark.parametrize("most", [1, 2, 50])
async def test_no_more_classes_than_asked_for(most: int) -> None:
    schema, _, _ = await designed(classes(*(f"Kind{letter}" for letter in "ABCDEF")), max_classes=most)
    assert schema.names == tuple(f"Kind{letter}" for letter in "ABCDEF")[:most]


def fields(*proposed: dict[str, Any] | None) -> dict[str, Any]:
    return classes("Letter", fields=list(proposed))


async def test_fields_come_after_the_span() -> None:
    schema, _, _ = await designed(
        fields(
            {"name": "Sent On", "type": "str", "description": "When it was sent."},
            {"name": "pages", "type": "int"},
            {"name": "readers", "many": True},
        )
    )
    span, sent, pages, readers = schema.classes[0].fields
    assert (sent.name, sent.type.kind, sent.type.optional, sent.verbatim) == ("sent_on", Kind.STR, True, True)
    assert sent.description == "When it was sent."
    assert (pages.type.kind, pages.type.optional, pages.verbatim) == (Kind.INT, True, False)
    assert (readers.type.many, readers.type.optional) == (True, False)
    assert span.name == "span" and not span.type.optional


async def test_fields_that_cannot_be_and_repetitions_are_left_out() -> None:
    schema, _, _ = await designed(
        fields(
            {"name": "span"},
            {"name": "class"},
            {"name": "2nd"},
            {"name": "!!"},
            {"name": "year"},
            {"name": "Year"},
        )
    )
    assert [field.name for field in schema.classes[0].fields] == ["span", "year"]


async def test_nulls_are_empty_lists_and_one_phrase_is_a_list() -> None:
    said = classes("Letter", fields=None) | {"facts": "one fact"}
    schema, _, _ = await designed(said)
    assert len(schema.classes[0].fields) == 1
    assert Design.model_validate(said).facts == ["one fact"]
    assert phrases(None) == [] and phrases("a") == ["a"] and phrases(["a"]) == ["a"]


async def test_small_models_give_no_fields() -> None:
    schema, _, _ = await designed(fields({"name": "pages"}), profile=Profile.COMPACT)
    assert [field.name for field in schema.classes[0].fields] == ["span"]


# --- what it is told ---


def told(client: InMemoryClient) -> str:
    return client.requests[0].messages[-1].parts[-1]


@BOTH
async def test_it_is_told_the_purpose_on_one_line(profile: Profile) -> None:
    _, _, client = await designed(classes("Person"), profile=profile, brief="who met\n\nwhom {{ 7 }}")
    assert "who met whom {{ 7 }}" in told(client)


async def test_it_is_told_the_schema_and_what_was_objected_to() -> None:
    before = AnnotationSchema(
        classes=(ClassSpec(name="Thing", guideline=Guideline(definition="Any thing.")),)
    )
    finding = Finding(
        code=FindingCode.SCHEMA_GENERIC,
        severity=Severity.MAJOR,
        raised_by="lint",
        class_name="Thing",
        message="say which",
    )
    _, _, client = await designed(classes("Person"), schema=before, findings=[finding])
    assert "- Thing: Any thing." in told(client) and "- SCHEMA_GENERIC Thing: say which" in told(client)
    _, _, plain = await designed(classes("Person"))
    assert "SCHEMA_GENERIC" not in told(plain) and "Thing" not in told(plain)


async def test_small_models_choose_from_the_inventory() -> None:
    _, _, client = await designed(classes("Person"), profile=Profile.COMPACT, takes_grammar=True)
    grammar = str(client.requests[0].grammar)
    for name in inventory():
        assert name in told(client) and name in grammar
    _, _, free = await designed(classes("Person"), takes_grammar=True)
    assert free.requests[0].grammar is None


async def test_classes_of_the_worked_example_are_reported_where_one_was_shown() -> None:
    shown = [spec["name"] for spec in example_for(TEXT)["classes"]]
    said = classes("Person", *shown)
    _, copied, client = await designed(said)
    assert copied == tuple(shown) and all(name in told(client) for name in shown)
    _, none, _ = await designed(said, profile=Profile.COMPACT)
    assert none == ()


# --- whatever is proposed ---

names = st.text(max_size=12) | st.sampled_from(
    ["Person", "person", "Data", "str", "result", "class", "None", "text"]
)


@given(
    st.lists(
        st.tuples(names, st.text(max_size=20), st.lists(st.tuples(names, st.text(max_size=9)), max_size=3)),
        min_size=1,
        max_size=6,
    )
)
def test_a_design_is_refused_or_makes_a_schema(
    proposed: list[tuple[str, str, list[tuple[str, str]]]],
) -> None:
    import asyncio

    said = {
        "domain": "d",
        "classes": [
            {"name": name, "definition": text, "fields": [{"name": n, "description": d} for n, d in more]}
            for name, text, more in proposed
        ],
    }
    try:
        schema, _, _ = asyncio.run(designed(said, said, said))
    except CallFailedError:
        return
    assert 1 <= len(schema.classes) <= len(proposed)
    for spec in schema.classes:
        assert not is_catch_all(spec.name) and spec.fields[0].name == "span"
        assert spec.guideline.definition == " ".join(spec.guideline.definition.split())
