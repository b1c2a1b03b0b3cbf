"""The linear method's conversation: what is asked, what each question repeats, and what answers will do."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from servers.in_memory import InMemoryClient, Said

from agents.linear import Conversation
from agents.llm.client import CallFailedError, CallFault, Purpose, Request, Sampling
from agents.llm.grounding import MAX_GROUNDED_CHARACTERS
from agents.prompting import inventory, worked_example
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.asking import AnswerForm
from schemas.job import Profile
from schemas.judgement import Agent
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

TEXT = "Ann met Bo in Oslo."
INDEX = TextIndex(TEXT)
GIVEN = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being.")),
        ClassSpec(name="Place"),
    )
)
PURPOSE = Purpose(agent=Agent.DESIGNER, document_id="d")
BOTH = pytest.mark.parametrize("profile", Profile)

SUMMARY: Said = {"points": ["Ann met Bo."]}
FACTS: Said = {"facts": [{"key": "person", "values": ["Ann", "Bo"]}, {"key": "Place", "values": ["Oslo"]}]}
GUIDELINES: Said = {
    "domain": "meetings",
    "guidelines": [
        {
            "name": "Person",
            "definition": "Who meets.",
            "include": ["names"],
            "fields": [{"name": "Home Town"}],
        },
        {"name": "place", "definition": "Where.", "include": ["towns"]},
    ],
}
INSTANCES: Said = {"Person": ["Ann", "Bo"], "Place": ["Oslo"]}


class Model:
    """Says what it was given, in order; `requests` are kept."""

    def __init__(self, *said: Said, profile: Profile = Profile.FULL, takes_grammar: bool = False) -> None:
        left = list(said)
        self.client = InMemoryClient(lambda request: left.pop(0), takes_grammar=takes_grammar)
        speaker = Speaker(self.client, profile, Sampling(temperature=0, max_tokens=1000))
        self.conversation = Conversation(speaker, TEXT)

    @property
    def requests(self) -> list[Request[Any]]:
        return self.client.requests

    async def goes_through(self, given: AnnotationSchema | None = None) -> tuple[Instance, ...]:
        said = await self.conversation.summarise(PURPOSE, brief="for a diary")
        keys, said = await said.structure(PURPOSE, max_classes=6, given=given)
        if given is None:
            self.schema, said = await said.draft(PURPOSE, keys, max_classes=6)
        else:
            self.schema, said = given, await said.explain(PURPOSE, given)
        return await said.instantiate(PURPOSE, self.schema, self.schema.names, INDEX)


def written(request: Request[Any]) -> list[tuple[str, str]]:
    return [(message.role, message.text) for message in request.messages]


@BOTH
@pytest.mark.parametrize("given", [None, GIVEN], ids=["per-document", "given"])
@pytest.mark.parametrize("grammar", [False, True])
async def test_every_question_begins_with_all_that_was_said_before(
    profile: Profile, given: AnnotationSchema | None, grammar: bool
) -> None:
    model = Model(SUMMARY, FACTS, GUIDELINES, INSTANCES, profile=profile, takes_grammar=grammar)
    found = await model.goes_through(given)
    assert [(instance.class_name, instance.surface) for instance in found] == [
        ("Person", "Ann"),
        ("Person", "Bo"),
        ("Place", "Oslo"),
    ]
    assert [len(request.messages) for request in model.requests] == [2, 4, 6, 8]
    for earlier, later in zip(model.requests, model.requests[1:], strict=False):
        assert written(later)[: len(earlier.messages)] == written(earlier)
        assert later.messages[-2].role == "assistant"
    assert model.requests[-1].messages[0].role == "system"
    assert json.loads(model.requests[1].messages[2].text) == SUMMARY
    assert all(TEXT in message.text for message in model.requests[0].messages[1:])
    assert "for a diary" in model.requests[0].messages[1].text


@BOTH
async def test_prompts_are_whole_and_nothing_in_them_is_rendered(profile: Profile) -> None:
    nasty = "{{ 7*7 }} {% raise %} </document> result = [] ' \""
    said = (SUMMARY, FACTS, GUIDELINES, INSTANCES)
    for given in (None, GIVEN):
        model = Model(*said, profile=profile)
        model.conversation = Conversation(model.conversation.speaker, nasty)
        await model.goes_through(given)
        for request in model.requests:
            asked = request.messages[-1].parts[-1]
            assert not re.search(r"\{\{|\{%|\n\n\n|None\b", asked) and asked == asked.strip()
        assert nasty in model.requests[0].messages[1].parts[0]
        assert "data" in model.requests[0].messages[0].text


async def test_a_large_model_drafts_classes_with_guidelines_and_fields() -> None:
    model = Model(SUMMARY, FACTS, GUIDELINES, INSTANCES)
    await model.goes_through()
    person, place = model.schema.classes
    assert model.schema.domain == "meetings"
    assert (person.name, place.name) == ("Person", "Place")
    assert person.guideline == Guideline(definition="Who meets.", include=("names",))
    assert [field.name for field in person.fields] == ["span", "home_town"]


async def test_a_small_model_explains_the_keys_of_its_facts() -> None:
    model = Model(SUMMARY, FACTS, GUIDELINES, INSTANCES, profile=Profile.COMPACT)
    await model.goes_through()
    assert model.schema.names == ("Person", "Place")
    person = model.schema.classes[0].guideline
    assert (person.definition, person.include) == (inventory()["Person"].definition, ("names",))


async def test_further_classes_and_keys_are_cut() -> None:
    for profile in Profile:
        model = Model(SUMMARY, FACTS, GUIDELINES, profile=profile)
        said = await model.conversation.summarise(PURPOSE)
        keys, said = await said.structure(PURPOSE, max_classes=1)
        schema, _ = await said.draft(PURPOSE, keys, max_classes=1)
        assert schema.names == ("Person",)


@BOTH
async def test_a_given_schema_is_shown_and_stays_as_it_is(profile: Profile) -> None:
    model = Model(SUMMARY, FACTS, GUIDELINES, INSTANCES, profile=profile)
    await model.goes_through(GIVEN)
    assert model.schema == GIVEN
    facts, guidelines = (request.messages[-1].text for request in model.requests[1:3])
    assert "Person, Place" in facts and "Date" not in facts
    assert "- Person: A human being." in guidelines and "at most" not in guidelines


async def test_where_a_schema_serves_all_documents_small_models_see_the_annotators_example_first() -> None:
    model = Model(SUMMARY, FACTS, GUIDELINES, INSTANCES, profile=Profile.COMPACT)
    speaker = replace(model.conversation.speaker, schema_first=True)
    model.conversation = Conversation(speaker, TEXT)
    await model.goes_through(GIVEN)
    example = worked_example(Profile.COMPACT, "annotator")
    assert example and all(request.messages[1 : 1 + len(example)] == example for request in model.requests)
    assert TEXT in model.requests[0].messages[-1].text
    assert model.requests[-1].messages[-1].text.endswith("Answer in JSON.")


@BOTH
async def test_instances_can_be_given_in_document_order(profile: Profile) -> None:
    mentions = {"mentions": [{"span": "Oslo", "class": "Place"}, {"span": "Ann", "class": "Person"}]}
    model = Model(SUMMARY, mentions, profile=profile, takes_grammar=True)
    said = await replace(model.conversation, form=AnswerForm.IN_ORDER).summarise(PURPOSE)
    found = await said.instantiate(PURPOSE, GIVEN, GIVEN.names, INDEX)
    assert [instance.surface for instance in found] == ["Ann", "Oslo"]
    assert "class" in model.requests[-1].messages[-1].text.split("\n")[-1] or profile is Profile.FULL
    assert "mention:" in (model.requests[-1].grammar or "")


async def test_quotes_that_stand_nowhere_are_marked_and_not_asked_for_again() -> None:
    model = Model(SUMMARY, FACTS, GUIDELINES, {"Person": ["Ann", "Zed"], "Place": []})
    found = await model.goes_through(GIVEN)
    assert [instance.anchor.span for instance in found if instance.anchor] == [(0, 3), None]
    assert model.client.answered == 4


@pytest.mark.parametrize(
    ("profile", "said"),
    [
        (Profile.FULL, [{"points": []}] * 3),
        (Profile.FULL, [SUMMARY, *["no JSON"] * 3]),
        (Profile.COMPACT, [SUMMARY, *[{"facts": [{"key": "!?", "values": []}]}] * 3]),
        (Profile.FULL, [SUMMARY, FACTS, *[{"guidelines": [{"name": "!?"}]}] * 3]),
        (Profile.FULL, [SUMMARY, FACTS, GUIDELINES, *["no JSON"] * 3]),
    ],
    ids=["no points", "no facts", "no key", "no class", "no instances"],
)
async def test_an_answer_without_the_form_is_asked_for_again_twice(
    profile: Profile, said: list[Said]
) -> None:
    model = Model(*said, profile=profile)
    with pytest.raises(CallFailedError) as raised:
        await model.goes_through()
    assert raised.value.fault is CallFault.INVALID and len(raised.value.attempts) == 3


async def test_what_was_not_taken_is_no_part_of_the_conversation() -> None:
    model = Model(SUMMARY, "no JSON", FACTS, GUIDELINES, INSTANCES)
    assert await model.goes_through()
    assert "no JSON" not in str([written(request) for request in model.requests])


@pytest.mark.parametrize("step", range(4))
async def test_a_truncated_step_ends_the_conversation(step: int) -> None:
    said = [SUMMARY, FACTS, GUIDELINES, INSTANCES][:step]
    model = Model(*said, CallFault.TRUNCATED)
    with pytest.raises(CallFailedError) as raised:
        await model.goes_through()
    assert raised.value.fault is CallFault.TRUNCATED and len(model.requests) == step + 1


async def test_a_part_of_a_long_document_is_shown_with_its_question() -> None:
    for profile in Profile:
        model = Model(SUMMARY, INSTANCES, profile=profile)
        said = await model.conversation.summarise(PURPOSE)
        part = TextIndex("Bo left Oslo.")
        found = await said.instantiate(PURPOSE, GIVEN, GIVEN.names, part, part=True)
        assert [instance.surface for instance in found if instance.anchor and instance.anchor.span]
        document, question = model.requests[-1].messages[-1].parts
        assert "Bo left Oslo." in document and "part above" in question


async def test_small_models_decode_every_step_under_a_grammar() -> None:
    model = Model(SUMMARY, FACTS, GUIDELINES, INSTANCES, profile=Profile.COMPACT, takes_grammar=True)
    await model.goes_through()
    points, facts, guidelines, instances = (request.grammar or "" for request in model.requests)
    assert "POINT:" in points and "QUOTE" in facts and "Date" in facts
    assert "guideline:" in guidelines and "substring_chunks" in instances
    long = Conversation(model.conversation.speaker, "word " * MAX_GROUNDED_CHARACTERS)
    model.client.script = lambda request: SUMMARY if len(request.messages) == 2 else FACTS
    _, said = await (await long.summarise(PURPOSE)).structure(PURPOSE, max_classes=6)
    assert len(said.said) == 5
