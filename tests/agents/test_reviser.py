"""The reviser: phrases put to an annotator without a word of what others said."""

from __future__ import annotations

from typing import Any

import pytest
from servers.in_memory import InMemoryClient, Said

from agents.grammar import revision_grammar
from agents.llm.client import CallFailedError, CallFault, Purpose, Sampling
from agents.reviser import Choice, Phrase, revise
from agents.speaker import Speaker
from schemas.job import Profile
from schemas.judgement import Agent
from schemas.locate import TextIndex
from schemas.schema import AnnotationSchema, ClassSpec, Guideline

TEXT = "Ann met Bo in Oslo. Later Ann wrote to Cy in Rome about the Oslo engine."
SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person", guideline=Guideline(definition="A human being.", exclude=("crowds",))),
        ClassSpec(name="PlaceName", guideline=Guideline(definition="A named place.")),
    )
)
PURPOSE = Purpose(agent=Agent.ANNOTATOR, document_id="d", round=2, sample=1)
ENGINE = Phrase("the Oslo engine", (56, 71))
SECOND_ANN = Phrase("Ann", (26, 29))
ZED = Phrase("Zed")


async def asked(
    said: Said, *phrases: Phrase, profile: Profile = Profile.FULL, max_tokens: int = 1000
) -> tuple[tuple[Choice | None, ...], InMemoryClient]:
    client = InMemoryClient(lambda request: said)
    speaker = Speaker(client, profile, Sampling(temperature=0, max_tokens=max_tokens))
    order = ("PlaceName", "Person")
    return await revise(speaker, TextIndex(TEXT), PURPOSE, SCHEMA, order, phrases), client


def point(item: int, name: str | None, quote: str | None = None) -> dict[str, Any]:
    return {"item": item, "class": name, "quote": quote}


def told(client: InMemoryClient) -> str:
    return client.requests[0].messages[-1].parts[-1]


@pytest.mark.parametrize("profile", Profile)
async def test_phrases_are_shown_in_their_context_and_with_nothing_else(profile: Profile) -> None:
    said = {
        "phrases": [
            {**point(1, "Person"), "quote": "Ann"},
            {**point(2, None), "quote": "the Oslo engine"},
            {**point(3, None), "quote": "Zed"},
        ]
    }
    chosen, client = await asked(said, SECOND_ANN, ENGINE, ZED, profile=profile)
    assert chosen == (Choice("Person", (26, 29)), Choice(None), Choice(None))
    lines = [line for line in told(client).splitlines() if line[:1].isdigit()]
    assert lines == [
        '1. "Ann" in "Ann met Bo in Oslo. Later Ann wrote to Cy in Rome about the Oslo"',
        '2. "the Oslo engine" in "Later Ann wrote to Cy in Rome about the Oslo engine."',
        '3. "Zed" (not in the document in these words)',
    ]
    shown = told(client)
    assert shown.index("- PlaceName: A named place.") < shown.index("- Person: A human being.")
    assert ("crowds" in shown) == (profile is Profile.FULL)
    system, document = client.requests[0].messages[0].text, client.requests[0].messages[-1].parts[0]
    assert system and document == f"<document>\n{TEXT}\n</document>"


async def test_an_exact_mention_is_found_at_the_phrase_and_not_elsewhere() -> None:
    said = {"phrases": [point(1, "place name", "Oslo"), point(2, "Person", "Later Ann")]}
    chosen, _ = await asked(said, ENGINE, SECOND_ANN)
    assert chosen == (Choice("PlaceName", (60, 64)), Choice("Person", (20, 29)))


async def test_words_that_stand_nowhere_can_be_quoted_anew() -> None:
    chosen, _ = await asked({"phrases": [point(1, "Person", "Cy")]}, ZED)
    assert chosen == (Choice("Person", (39, 41)),)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (point(1, "Ship"), "unknown class"),
        (point(1, "Person", "Bo"), "elsewhere"),
        (point(1, "Person", "a steam engine"), "nowhere"),
        (point(7, "Person"), "another number"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_an_answer_that_is_no_use_is_asked_for_again_and_then_left_out(answer: Any, why: str) -> None:
    chosen, client = await asked({"phrases": [answer, point(2, "Person")]}, ENGINE, SECOND_ANN)
    assert chosen == (None, Choice("Person", (26, 29)))
    assert len(client.requests) == 1 and client.answered == 0  # one call, answered in vain three times


async def test_a_small_model_that_keeps_words_which_stand_nowhere_is_not_asked_again() -> None:
    said = {"phrases": [{"quote": "Zed", "class": "Person"}]}
    chosen, client = await asked(said, ZED, profile=Profile.COMPACT)
    assert chosen == (Choice("Person", None),) and client.answered == 1


@pytest.mark.parametrize("name", ["Other", "none", "", None])
async def test_no_class_is_said_in_several_ways(name: str | None) -> None:
    said = {"phrases": [{"quote": "the Oslo  Engine", "class": name}]}
    assert (await asked(said, ENGINE, profile=Profile.COMPACT))[0] == (Choice(None),)


async def test_many_phrases_are_put_in_several_calls() -> None:
    phrases = [Phrase(TEXT[n : n + 2], (n, n + 2)) for n in range(30)]
    said = {"phrases": [point(n, "Person") for n in range(1, 31)]}
    chosen, client = await asked(said, *phrases, max_tokens=420)
    assert len(client.requests) == 4
    assert chosen == tuple(Choice("Person", phrase.span) for phrase in phrases)


async def test_no_answer_in_the_form_fails_the_call() -> None:
    with pytest.raises(CallFailedError) as raised:
        await asked("I would rather not.", ENGINE)
    assert raised.value.fault is CallFault.INVALID and raised.value.agent is Agent.ANNOTATOR


def test_a_grammar_has_a_decision_for_each_phrase_and_quotes_only_where_they_are_asked_for() -> None:
    small = revision_grammar(TEXT, ("Person",), 2, ['a "b"', "c"], "Other")
    assert small.count(" decided") == 2 and "QUOTE" not in small and '"\\"Other\\""' in small
    large = revision_grammar(TEXT, ("Person",), 2, None, "Other")
    assert large.count(" decided") == 2 and "QUOTE: SUBSTRING" in large and "Other" not in large
    assert "Person" not in revision_grammar("...", ("Person",), 1, None, "Other")
