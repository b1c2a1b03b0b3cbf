"""The guideline-writer: whose guidelines are taken, and what is left as it was."""

from __future__ import annotations

from typing import Any

import pytest
from servers.in_memory import InMemoryClient, Said

from agents.guideline_writer import write
from agents.llm.client import CallFailedError, Purpose, Sampling
from agents.speaker import Speaker
from schemas.job import Profile
from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.schema import AnnotationSchema, ClassSpec, Contrast, FieldSpec, Guideline

SCHEMA = AnnotationSchema(
    domain="travel",
    classes=(
        ClassSpec(
            name="Person",
            guideline=Guideline(definition="A human being."),
            fields=(FieldSpec(name="span"), FieldSpec(name="title")),
        ),
        ClassSpec(name="PlaceName", guideline=Guideline(definition="A named place.")),
    ),
)
PURPOSE = Purpose(agent=Agent.WRITER, document_id="d")
BOTH = pytest.mark.parametrize("profile", Profile)


async def written(
    *said: Said,
    profile: Profile = Profile.FULL,
    findings: tuple[Finding, ...] = (),
    takes_grammar: bool = False,
) -> tuple[AnnotationSchema, InMemoryClient]:
    left = list(said)
    client = InMemoryClient(lambda request: left.pop(0), takes_grammar=takes_grammar)
    speaker = Speaker(client, profile, Sampling(temperature=0, max_tokens=1000))
    return await write(speaker, "Ann met Bo in Oslo.", PURPOSE, SCHEMA, findings), client


def guidelines(*items: dict[str, Any]) -> dict[str, Any]:
    return {"guidelines": list(items)}


def rule(name: str, **more: Any) -> dict[str, Any]:
    """A guideline in the forms of both profiles."""
    return {"name": name, "definition": f"{name} as written.", "include": [f"every {name}"]} | more


def definitions(schema: AnnotationSchema) -> list[str]:
    return [spec.guideline.definition for spec in schema.classes]


async def test_a_guideline_is_taken_with_all_its_parts() -> None:
    full = rule(
        "Person",
        include=["names"],
        exclude="nicknames",
        boundary="with titles",
        contrast=[
            {"sibling": "PlaceName", "difference": "people move"},
            {"sibling": "Ship", "difference": "x"},
        ],
    )
    schema, _ = await written(guidelines(full, rule("PlaceName")))
    assert schema.classes[0].guideline == Guideline(
        definition="Person as written.",
        include=("names",),
        exclude=("nicknames",),
        boundary="with titles",
        contrast=(Contrast(sibling="PlaceName", difference="people move"),),
    )
    assert definitions(schema)[1] == "PlaceName as written."


@BOTH
async def test_only_guidelines_change(profile: Profile) -> None:
    schema, _ = await written(guidelines(rule("Person"), rule("PlaceName")), profile=profile)
    assert schema != SCHEMA
    stripped = [spec.model_copy(update={"guideline": Guideline()}) for spec in schema.classes]
    assert stripped == [spec.model_copy(update={"guideline": Guideline()}) for spec in SCHEMA.classes]
    assert schema.domain == SCHEMA.domain


@BOTH
async def test_a_class_that_was_passed_over_keeps_its_guideline(profile: Profile) -> None:
    schema, _ = await written(guidelines(rule("PlaceName"), rule("Ship")), profile=profile)
    assert schema.classes[0] == SCHEMA.classes[0] and schema.classes[1] != SCHEMA.classes[1]
    assert schema.names == SCHEMA.names


@BOTH
async def test_a_definition_is_never_lost(profile: Profile) -> None:
    schema, _ = await written(guidelines(rule("Person", definition="  "), rule("PlaceName")), profile=profile)
    assert definitions(schema)[0] == "A human being." and all(definitions(schema))


@BOTH
@pytest.mark.parametrize("name", ["place name", "placename", "PLACE_NAME", "PlaceName(s)"])
async def test_another_spelling_of_the_class_is_the_class(profile: Profile, name: str) -> None:
    schema, _ = await written(guidelines(rule(name)), profile=profile)
    assert schema.classes[1] != SCHEMA.classes[1]


@BOTH
async def test_of_two_guidelines_of_a_class_the_first_counts(profile: Profile) -> None:
    first, second = rule("Person"), rule("Person", definition="Another.", include=["others"])
    schema, _ = await written(guidelines(first, second), profile=profile)
    alone, _ = await written(guidelines(first), profile=profile)
    assert schema == alone


async def test_a_class_is_not_told_apart_from_itself() -> None:
    said = rule("Person", contrast=[{"sibling": "Person", "difference": "none"}])
    schema, _ = await written(guidelines(said))
    assert schema.classes[0].guideline.contrast == ()


@pytest.mark.parametrize("name", ["place name", "placename"])
async def test_siblings_are_known_by_any_spelling(name: str) -> None:
    said = rule("Person", contrast=[{"sibling": name, "difference": "people move"}])
    schema, _ = await written(guidelines(said))
    assert schema.classes[0].guideline.contrast == (Contrast(sibling="PlaceName", difference="people move"),)


async def test_prose_is_stored_on_one_line_without_the_marker_of_results() -> None:
    schema, _ = await written(
        guidelines(rule("Person", definition='A\n"""human"""\tbeing; result = [] \x1b[31m'))
    )
    (told, _) = definitions(schema)
    assert told == 'A """human""" being; result= [] [31m'


@BOTH
async def test_no_guidelines_are_no_answer(profile: Profile) -> None:
    with pytest.raises(CallFailedError) as raised:
        await written(*[guidelines()] * 3, profile=profile)
    assert raised.value.agent is Agent.WRITER


@BOTH
async def test_it_is_told_the_classes_and_what_was_objected_to(profile: Profile) -> None:
    finding = Finding(
        code=FindingCode.GUIDELINE_UNDERSPECIFIED,
        severity=Severity.MINOR,
        raised_by="agreement",
        class_name="Person",
        message="annotators differ on 3 mentions",
    )
    _, client = await written(guidelines(rule("Person")), profile=profile, findings=(finding,))
    told = client.requests[0].messages[-1].parts[-1]
    assert "- Person: A human being." in told and "- PlaceName: A named place." in told
    assert "- GUIDELINE_UNDERSPECIFIED Person: annotators differ on 3 mentions" in told
    _, plain = await written(guidelines(rule("Person")), profile=profile)
    assert "GUIDELINE_UNDERSPECIFIED" not in plain.requests[0].messages[-1].parts[-1]


async def test_a_grammar_goes_to_small_models_that_take_one() -> None:
    _, small = await written(guidelines(rule("Person")), profile=Profile.COMPACT, takes_grammar=True)
    _, large = await written(guidelines(rule("Person")), takes_grammar=True)
    assert "PlaceName" in str(small.requests[0].grammar) and large.requests[0].grammar is None
