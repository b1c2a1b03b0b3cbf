"""Annotations as one list of mentions in document order: how it is asked for, and how it is read."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError
from schemas_to_annotate import PLAIN, RICH
from servers.in_memory import InMemoryClient
from servers.scripted import Fail, ScriptedServer

from agents.annotation_answer import answer_model
from agents.annotator import annotate, example_form
from agents.grammar import annotation_grammar
from agents.llm.client import Purpose, Sampling
from agents.llm.factory import ClientPool
from agents.prompting import worked_example
from agents.speaker import Speaker
from schemas.asking import AnswerForm
from schemas.job import ModelConfig, Profile
from schemas.judgement import Agent
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema, ClassSpec

TEXT = "Ann met Bo in Oslo, and Cy wrote to Ann from Rome in 1843."
PURPOSE = Purpose(agent=Agent.ANNOTATOR, document_id="d")

MENTIONS: list[dict[str, Any]] = [
    {"people": ["Ann", "Bo"], "class": "Meeting", "size": 2},
    {"span": "Cy", "class": "Person"},
    {"span": "wrote", "class": "Letter", "readers": ["Ann"], "mood": "warm", "sender": {"span": "Cy"}},
    {"span": "Ann", "class": "Person"},
]
BY_CLASS = {
    "Person": ["Cy", "Ann"],
    "Letter": [{"span": "wrote", "readers": ["Ann"], "mood": "warm", "sender": {"span": "Cy"}}],
    "Meeting": [{"people": ["Ann", "Bo"], "size": 2}],
}


def read(value: object, schema: AnnotationSchema = RICH, form: AnswerForm = AnswerForm.IN_ORDER) -> Any:
    return answer_model(schema, schema.names, form).model_validate_json(json.dumps(value), context={})


def form_of(schema: AnnotationSchema) -> dict[str, Any]:
    return answer_model(schema, schema.names, AnswerForm.IN_ORDER).model_json_schema()


# --- the form ---


def test_the_form_is_one_list_whose_entries_say_first_the_text_and_then_the_class() -> None:
    form = form_of(PLAIN)
    assert form["required"] == ["mentions"]
    item = form["properties"]["mentions"]["items"]
    assert list(item["properties"]) == item["required"] == ["span", "class"]
    assert item["properties"]["class"]["enum"] == ["Person", "PlaceName"]


def test_each_class_with_fields_has_an_entry_of_its_own() -> None:
    form = form_of(RICH)
    person, letter, meeting = form["properties"]["mentions"]["items"]["anyOf"]
    assert person["properties"]["class"] == {"const": "Person", "type": "string"}
    assert list(letter["properties"])[:3] == ["span", "class", "readers"]
    assert letter["properties"]["class"]["const"] == "Letter" and letter["required"] == ["span", "class"]
    assert list(meeting["properties"]) == ["people", "class", "size"]
    # What is nested keeps its own form, and has no class to name.
    nested = letter["properties"]["sender"]["anyOf"][0]["$ref"].removeprefix("#/$defs/")
    assert list(form["$defs"][nested]["properties"]) == ["span"]


@pytest.mark.parametrize("schema", [PLAIN, RICH])
def test_the_example_has_the_form_that_is_asked_for(schema: AnnotationSchema) -> None:
    shown = json.loads(example_form(schema, schema.names, AnswerForm.IN_ORDER))
    items = form_of(schema)["properties"]["mentions"]["items"]
    forms = items.get("anyOf", [items])
    assert [mention["class"] for mention in shown["mentions"]] == list(schema.names)
    for mention in shown["mentions"]:
        assert any(list(form["properties"]) == list(mention) for form in forms)


# --- reading ---


def test_both_forms_of_an_annotation_say_the_same() -> None:
    index = TextIndex(TEXT)
    in_order = read({"mentions": MENTIONS})
    assert in_order.grounded(index) == read(BY_CLASS, form=AnswerForm.BY_CLASS).grounded(index)
    # Either is understood from either annotator, and so is what the ledger keeps.
    for value in (MENTIONS, BY_CLASS, json.loads(in_order.model_dump_json())):
        for form in AnswerForm:
            assert read(value, form=form).grounded(index) == in_order.grounded(index)


def test_nothing_found_is_an_answer() -> None:
    assert read({"mentions": []}).instances() == ()


def test_a_class_that_is_called_mention_does_not_take_the_list() -> None:
    schema = AnnotationSchema(classes=(ClassSpec(name="Mention"), ClassSpec(name="Person")))
    answer = read(
        {"mentions": [{"span": "Ann", "class": "Person"}, {"span": "Bo", "class": "Mention"}]}, schema
    )
    assert [(i.class_name, i.surface) for i in answer.grounded(TextIndex(TEXT))] == [
        ("Person", "Ann"),
        ("Mention", "Bo"),
    ]


def test_fields_of_the_wrong_kind_are_refused() -> None:
    with pytest.raises(ValidationError):
        read({"mentions": [{"people": ["Ann"], "class": "Meeting", "size": "many"}]})


# --- the question ---


@pytest.mark.parametrize("profile", list(Profile))
async def test_the_same_model_is_asked_another_question(profile: Profile) -> None:
    client = InMemoryClient(
        lambda request: {"mentions": MENTIONS} if request.answer.form is AnswerForm.IN_ORDER else BY_CLASS,  # type: ignore[attr-defined]
        takes_grammar=profile is Profile.COMPACT,
    )
    speaker = Speaker(client, profile, Sampling(temperature=0, max_tokens=500))
    found = [
        await annotate(speaker, TextIndex(TEXT), PURPOSE, RICH, RICH.names, (), form) for form in AnswerForm
    ]
    assert found[0] == found[1] != ()
    by_class, in_order = client.requests
    assert by_class.messages[0] == in_order.messages[0]  # what prefix caches share stays the same
    assert by_class.messages[-1].parts[:-1] == in_order.messages[-1].parts[:-1]
    asked = [request.messages[-1].parts[-1] for request in (by_class, in_order)]
    assert "with its class" in asked[1] or "then its class" in asked[1]
    assert (asked[0] != asked[1] and by_class.grammar != in_order.grammar) or profile is Profile.FULL


def test_the_worked_example_is_that_of_the_other_form_answered_in_order() -> None:
    asked, told = worked_example(Profile.COMPACT, "annotator_in_order")
    by_class = worked_example(Profile.COMPACT, "annotator")
    assert asked.parts[0] == by_class[0].parts[0]
    mentions = json.loads(told.text)["mentions"]
    found = {name: quotes for name, quotes in json.loads(by_class[1].text).items() if quotes}
    assert {mention["class"]: [mention["span"]] for mention in mentions} == found
    places = [asked.parts[0].index(mention["span"]) for mention in mentions]
    assert places == sorted(places)


def test_the_grammar_lets_every_mention_be_followed_by_any_class() -> None:
    grammar = annotation_grammar(TEXT, RICH, RICH.names, 500, AnswerForm.IN_ORDER).splitlines()
    start, mention = grammar[1], grammar[2]
    assert start.startswith(r'start: "{" "\"mentions\": " "[" (mention')
    assert mention.startswith("mention: ") and mention.count(r"\"class\": ") == len(RICH.names)
    for name in RICH.names:
        assert rf"\"class\": \"{name}\"" in mention


def test_longer_answers_may_have_more_mentions() -> None:
    lengths = [
        annotation_grammar(TEXT, PLAIN, PLAIN.names, tokens, AnswerForm.IN_ORDER)
        for tokens in (16, 500, 4000)
    ]
    assert "{0," not in lengths[0].splitlines()[1]
    assert "{0,11}" in lengths[1] and "{0,99}" in lengths[2]


# --- over the wire ---


@pytest.mark.parametrize(
    ("provider", "structured"),
    [("openai", "json_schema"), ("openai", "tools"), ("openai", "json"), ("anthropic", "tools")],
)
async def test_the_form_reaches_the_model_and_a_wrong_quote_is_objected_to(
    provider: str, structured: Any, scripted_server: Callable[..., ScriptedServer]
) -> None:
    lost = {"mentions": [{"span": "Zed", "class": "Person"}]}
    server = scripted_server([lost, {"mentions": MENTIONS}, Fail(400)])
    url = server.openai_url if provider == "openai" else server.anthropic_url
    pool = ClientPool()
    try:
        config = ModelConfig(name=f"{provider}/scripted", base_url=url, structured=structured)
        speaker = Speaker(pool.client_for(config), Profile.FULL, Sampling(temperature=0, max_tokens=500))
        found = await annotate(speaker, TextIndex(TEXT), PURPOSE, RICH, RICH.names, (), AnswerForm.IN_ORDER)
    finally:
        await pool.close()
    assert found == read({"mentions": MENTIONS}).grounded(TextIndex(TEXT)) != ()
    sent = [json.dumps(call.body, ensure_ascii=False).replace('\\"', '"') for call in server.calls]
    assert len(sent) == 2 and '"mentions"' in sent[0] and 'Person: "Zed"' in sent[1]
