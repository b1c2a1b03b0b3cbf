"""Grammars of the agents' answers: whatever the document, what the embedded model decodes is an answer."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from agents.annotator import annotate
from agents.class_names import NO_CLASS
from agents.critic import criticise
from agents.critique_answer import CompactCritique
from agents.grammar import (
    CritiqueForm,
    Sweep,
    annotation_grammar,
    critique_grammar,
    design_grammar,
    facts_grammar,
    guidelines_grammar,
)
from agents.guideline_writer import write
from agents.linear import Conversation
from agents.llm.client import AnswerT, Client, ModelIdentity, Purpose, Reply, Request, Sampling
from agents.llm.factory import ClientPool
from agents.llm.grounding import MAX_GROUNDED_CHARACTERS
from agents.llm.local import LocalServer
from agents.prompting import inventory
from agents.reviser import Phrase, revise
from agents.schema_designer import design
from agents.speaker import Speaker
from schemas.annotation import Instance
from schemas.asking import AnswerForm
from schemas.job import ModelConfig, Profile
from schemas.judgement import Agent
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Guideline, Kind

NASTY = {
    "plain": "Ada Lovelace wrote to Charles Babbage from London in 1843 about the engine.",
    "dots": "...",
    "one word": "Lisbon",
    "emoji": "\U0001f469\u200d\U0001f467 \U0001f1f3\U0001f1f4 \U0001f44d\U0001f3fd \u2764\ufe0f \U0001f600",
    "right-to-left": "\u05e9\u05dc\u05d5\u05dd \u05e2\u05dc \u0645\u0631\u062d\u0628\u0627 \u202eabc\u202c",
    "no spaces": "\u4eca\u5929\u5929\u6c14\u5f88\u597d\u3002\u6771\u4eac\u306b\u884c\u304f\u3002",
    "quotes": 'He said "Hello" and """triple""" and \\"escaped\\" C:\\new\\table to "Ada".',
    "control": "Bell\x07 here, nul\x00there, escape\x1b[31m red, delete\x7f now.\r\n\r\nEnd.",
    "grammar": '%llguidance {} start: /.*/ {"Person": ["x"]} result = [] </document> {{ 7*7 }}',
}
QUOTELESS = ("", "...", " \n", "\x00\x07")

PLAIN = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being.")),
        ClassSpec(name="Place", guideline=Guideline(definition="A named place.")),
    )
)
RICH = AnnotationSchema(
    classes=(
        ClassSpec(name="Person"),
        ClassSpec(
            name="Letter",
            fields=(
                FieldSpec(name="span"),
                FieldSpec(name="reader", type=FieldType(optional=True)),
                FieldSpec(name="year", type=FieldType(kind=Kind.INT, optional=True)),
                FieldSpec(name="weight", type=FieldType(kind=Kind.FLOAT, optional=True)),
                FieldSpec(name="sent", type=FieldType(kind=Kind.BOOL)),
                FieldSpec(
                    name="mood", type=FieldType(kind=Kind.LITERAL, choices=("warm", 'c"old', "\u00e9t\u00e9"))
                ),
                FieldSpec(name="note", type=FieldType(), verbatim=False),
                FieldSpec(name="copies", type=FieldType(many=True)),
                FieldSpec(name="writer", type=FieldType(kind=Kind.CLASS, class_name="Person", optional=True)),
                FieldSpec(
                    name="answers", type=FieldType(kind=Kind.CLASS, class_name="Letter", optional=True)
                ),
            ),
        ),
    )
)
SAMPLING = Sampling(temperature=0.8, max_tokens=400, seed=5)


class Watched:
    """A client that keeps what was answered."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.replies: list[Reply[Any]] = []

    @property
    def identity(self) -> ModelIdentity:
        return self.client.identity

    @property
    def takes_grammar(self) -> bool:
        return self.client.takes_grammar

    @property
    def gives_probabilities(self) -> bool:
        return self.client.gives_probabilities

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        assert request.grammar is not None
        reply = await self.client.ask(request)
        self.replies.append(reply)
        return reply

    async def close(self) -> None:
        await self.client.close()


@pytest.fixture(scope="module", autouse=True)
def _servers_end_with_the_module() -> Iterator[None]:
    yield
    LocalServer.close_all()


@pytest.fixture
async def watched() -> AsyncIterator[Watched]:
    pool = ClientPool()
    yield Watched(pool.client_for(ModelConfig()))
    await pool.close()


@pytest.fixture
def speaker(watched: Watched) -> Speaker:
    return Speaker(watched, Profile.COMPACT, SAMPLING)


def purpose(agent: Agent) -> Purpose:
    return Purpose(agent=agent, document_id="d")


def unasked(watched: Watched) -> bool:
    """Whether every answer was taken as it first came."""
    return all(len(reply.attempts) == 1 for reply in watched.replies)


# --- with the embedded model ---


@pytest.mark.model
@pytest.mark.parametrize("kind", NASTY)
async def test_annotations_and_critiques_validate_and_are_verbatim(
    kind: str, speaker: Speaker, watched: Watched
) -> None:
    text = NASTY[kind]
    index = TextIndex(text)
    plain, rich = await asyncio.gather(
        annotate(speaker, index, purpose(Agent.ANNOTATOR), PLAIN, ("Place", "Person")),
        annotate(speaker, index, purpose(Agent.ANNOTATOR), RICH, RICH.names),
    )
    for instance in (*plain, *rich):
        for part in instance.walk():
            for mention in part.mentions:
                assert mention.span is not None and mention.quote in text
    listed = [
        *plain,
        *ground_all([Instance(class_name="Person", values={"span": text.split()[0]})], PLAIN, index),
    ]
    judged = [instance for instance in listed if instance.mentions[0].span is not None]
    critique = await criticise(speaker, index, purpose(Agent.CRITIC), PLAIN, judged)
    assert len(critique.judged) == len(judged) and None not in critique.judged
    assert all(one is not None and one.probability is not None for one in critique.judged)
    assert unasked(watched) and len(watched.replies) == 3


@pytest.mark.model
@pytest.mark.parametrize("kind", ["plain", "no spaces", "quotes", "dots"])
async def test_mentions_in_document_order_validate_and_are_verbatim(
    kind: str, speaker: Speaker, watched: Watched
) -> None:
    index, asking = TextIndex(NASTY[kind]), purpose(Agent.ANNOTATOR)
    for schema in (PLAIN, RICH):
        found = await annotate(speaker, index, asking, schema, schema.names, (), AnswerForm.IN_ORDER)
        assert all(
            mention.span is not None and mention.quote in NASTY[kind]
            for instance in found
            for part in instance.walk()
            for mention in part.mentions
        )
    assert unasked(watched) and len(watched.replies) == 2


@pytest.mark.model
@pytest.mark.parametrize(
    ("kind", "profile"),
    [
        ("plain", Profile.FULL),
        ("dots", Profile.FULL),
        ("quotes", Profile.COMPACT),
        ("no spaces", Profile.COMPACT),
    ],
)
async def test_second_looks_decide_on_every_phrase(kind: str, profile: Profile, watched: Watched) -> None:
    text = NASTY[kind]
    phrases = [Phrase(text), Phrase(text[:6], (0, min(6, len(text)))), Phrase("nowhere")]
    asking = purpose(Agent.ANNOTATOR)
    speaker = Speaker(watched, profile, SAMPLING)
    chosen = await revise(speaker, TextIndex(text), asking, PLAIN, ("Place", "Person"), phrases)
    assert len(chosen) == 3 and {choice.class_name for choice in chosen if choice} <= {None, *PLAIN.names}
    if profile is Profile.COMPACT:
        assert None not in chosen and unasked(watched)


@pytest.mark.model
@pytest.mark.parametrize("most", [1, 50])
async def test_designs_and_guidelines_validate(most: int, speaker: Speaker, watched: Watched) -> None:
    texts = [NASTY["plain"], NASTY["emoji"]]
    designed = await asyncio.gather(
        *(design(speaker, text, purpose(Agent.DESIGNER), max_classes=most) for text in texts)
    )
    for (schema, _), text in zip(designed, texts, strict=True):
        assert 1 <= len(schema.classes) <= most and set(schema.names) <= set(inventory())
        small = schema.model_copy(update={"classes": schema.classes[:3]})
        revised = await write(speaker, text, purpose(Agent.WRITER), small)
        assert revised.names == small.names
        assert all(spec.guideline.definition or spec.guideline.include for spec in revised.classes)
    assert unasked(watched)


@pytest.mark.model
async def test_a_critique_in_the_full_form_validates_too(watched: Watched) -> None:
    speaker = Speaker(watched, Profile.FULL, SAMPLING)
    text = NASTY["quotes"]
    listed = ground_all(
        [Instance(class_name="Person", values={"span": quote}) for quote in ('"Ada"', "\\new", "He")],
        PLAIN,
        TextIndex(text),
    )
    critique = await criticise(speaker, TextIndex(text), purpose(Agent.CRITIC), PLAIN, listed)
    assert len(critique.judged) == 3 and None not in critique.judged and unasked(watched)


@pytest.mark.model
@pytest.mark.parametrize(("kind", "given"), [("quotes", None), ("dots", PLAIN)])
async def test_every_step_of_a_linear_conversation_validates(
    kind: str, given: AnnotationSchema | None, speaker: Speaker, watched: Watched
) -> None:
    index, asking = TextIndex(NASTY[kind]), purpose(Agent.DESIGNER)
    said = await Conversation(speaker, index.text).summarise(asking)
    keys, said = await said.structure(asking, max_classes=3, given=given)
    if given is None:
        assert 1 <= len(keys) <= 3 and set(keys) <= set(inventory())
        schema, said = await said.draft(asking, keys, max_classes=3)
    else:
        schema, said = given, await said.explain(asking, given)
    found = await said.instantiate(asking, schema, schema.names, index)
    assert all(mention.span is not None for instance in found for mention in instance.mentions)
    assert unasked(watched) and len(watched.replies) == 4


# --- without ---


@pytest.mark.parametrize("text", QUOTELESS)
def test_where_nothing_can_be_quoted_lists_are_empty(text: str) -> None:
    grammar = annotation_grammar(text, PLAIN, PLAIN.names, 500)
    assert "QUOTE" not in grammar and grammar.count("[]") == 2
    assert annotation_grammar(text, PLAIN, PLAIN.names, 500, AnswerForm.IN_ORDER).count("[]") == 1
    for sweep in Sweep:
        form = CritiqueForm("classes", "{}", [], "", (*PLAIN.names, NO_CLASS), sweep)
        critique = critique_grammar(text, PLAIN, form)
        assert "QUOTE" not in critique and "missing" not in critique
    assert CompactCritique.model_validate_json('{"classes": {}, "missing": {}}').classes == []


def test_facts_of_every_key_fit_the_answer() -> None:
    keys = list(inventory())
    short, long = (facts_grammar("Ann met Bo.", keys, 1, 6, tokens) for tokens in (16, 4000))
    assert "{0,3}" in long and "{0,3}" not in short and long.count("\nitem_") == len(keys)
    assert "QUOTE" not in facts_grammar("...", keys, 1, 6, 500)
    with pytest.raises(ValueError, match="too long for a grammar"):
        facts_grammar("a " * MAX_GROUNDED_CHARACTERS, keys, 1, 6, 500)


@pytest.mark.parametrize("schema", [PLAIN, RICH])
def test_every_class_is_named_once_in_the_order_given(schema: AnnotationSchema) -> None:
    order = schema.names[::-1]
    start = annotation_grammar("Ann met Bo.", schema, order, 500).splitlines()[1]
    places = [start.index(json.dumps(json.dumps(name))[1:-1] + ": ") for name in order]
    assert places == sorted(places) and start.startswith("start: ")


def test_shorter_answers_have_shorter_lists() -> None:
    lengths = [annotation_grammar("Ann met Bo.", PLAIN, PLAIN.names, tokens) for tokens in (16, 500, 4000)]
    assert len(set(lengths)) == 3 and '(", "' not in lengths[0]


@pytest.mark.parametrize("size", [MAX_GROUNDED_CHARACTERS + 1, 10 * MAX_GROUNDED_CHARACTERS])
def test_a_text_that_is_too_long_for_a_grammar_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="too long for a grammar"):
        annotation_grammar("a " * (size // 2 + 1), PLAIN, PLAIN.names, 500)
    with pytest.raises(ValueError, match="too long for a grammar"):
        critique_grammar(
            "a " * (size // 2 + 1), PLAIN, CritiqueForm("classes", "{}", [], "", (), Sweep.BRIEF)
        )


@pytest.mark.parametrize(("least", "most"), [(1, 1), (3, 6), (3, 50)])
def test_a_design_has_rules_for_every_way_on_and_none_to_nowhere(least: int, most: int) -> None:
    names = list(inventory())
    lines = design_grammar(names, least, most).splitlines()
    rules = {line.partition(":")[0] for line in lines if ": " in line}
    used = {
        word
        for line in lines
        for word in line.replace("|", " ").split()
        if word.startswith(("after_", "item_"))
    }
    assert {word.rstrip(":") for word in used} <= rules
    assert len(lines) < 60 + (most + 1) * len(names)


def test_guidelines_are_written_for_every_class_in_order() -> None:
    start = guidelines_grammar(("Person", "Place"), 600).splitlines()[1]
    assert start.index("Person") < start.index("Place") and start.count("guideline") >= 2


def test_guidelines_of_many_classes_are_shorter_so_that_all_fit_the_answer() -> None:
    names = [f"Class{number}" for number in range(17)]
    longest = [
        int(re.findall(r"\{2,(\d+)\}", guidelines_grammar(names[:count], 600))[-1])
        for count in (1, 6, 12, 17)
    ]
    assert longest == sorted(longest, reverse=True) and longest[0] == 8 and longest[-1] < 4
