"""Probabilities of permitted values from the log-probabilities of tokens; asked for, kept and replayed."""

from __future__ import annotations

import json
import math
from types import SimpleNamespace
from typing import Any, Literal

import pytest
from asking import Asker, question
from hypothesis import given
from hypothesis import strategies as st
from servers.scripted import Say

from agents.llm.choices import ALTERNATIVES, Choice, Token, choices_in, tokens_of
from agents.llm.client import Answer, Request
from agents.llm.names import resolve
from schemas.errors import UsageError
from schemas.job import ModelConfig

PERMITTED = ("Person", "Personage", "Place", "Other")


def tokens(*said: str | tuple[str, dict[str, float]]) -> tuple[Token, ...]:
    """Tokens as they were generated; those alone were certain."""
    made = [(one, {one: 1.0}) if isinstance(one, str) else one for one in said]
    return tuple(
        Token(text.encode(), {other.encode(): p for other, p in others.items()}) for text, others in made
    )


def chosen(*said: str | tuple[str, dict[str, float]]) -> tuple[Choice, ...]:
    made = tokens(*said)
    return choices_in(b"".join(token.text for token in made).decode(), made, PERMITTED)


def test_values_that_differ_in_their_first_token_share_by_it() -> None:
    (choice,) = chosen('{"1": "', ("Place", {"Place": 0.6, "Other": 0.2, "the": 0.2}), '"}')
    assert (choice.path, choice.value) == ("1", "Place")
    assert choice.probabilities == {"Place": 0.75, "Other": 0.25}


def test_what_values_have_in_common_is_divided_by_how_the_answer_goes_on() -> None:
    (choice,) = chosen(
        '{"1": "', ("P", {"P": 0.8, "Other": 0.2}), ("erson", {"erson": 0.5, "lace": 0.5}),
        ('"', {'"': 0.25, "age": 0.75}), "}",
    )  # fmt: skip
    assert choice.probabilities == {"Person": 0.1, "Personage": 0.3, "Place": 0.4, "Other": 0.2}


def test_what_nobody_knows_how_it_goes_on_is_divided_equally() -> None:
    (choice,) = chosen('{"1": "', ("Other", {"Other": 0.4, "P": 0.6}), '"}')
    assert choice.probabilities == {"Other": 0.4, "Person": 0.2, "Personage": 0.2, "Place": 0.2}


def test_other_ways_to_divide_a_value_count_for_it() -> None:
    (choice,) = chosen('{"1": "', ("Pl", {"Pl": 0.3, "Place": 0.3, "Pla": 0.2, "Other": 0.2}), "ace", '"}')
    assert choice.probabilities == {"Place": 0.8, "Other": 0.2}


@pytest.mark.parametrize("start", ['"', ' "', '": "'])
def test_a_quotation_mark_may_be_of_one_token_with_the_value(start: str) -> None:
    before = '{"1": "'.removesuffix(start)
    (choice,) = chosen(
        before, (f"{start}Place", {f"{start}Place": 0.5, f"{start}Other": 0.3, start: 0.2}), '"}'
    )
    assert choice.probabilities["Place"] == 0.55 and math.isclose(sum(choice.probabilities.values()), 1)


def test_only_strings_that_are_permitted_values_count_and_keys_do_not() -> None:
    said = {"Place": "Person", "list": ["x", {"class": "Other"}], "note": 'a "Place"', "n": 1, "Other": None}
    raw = json.dumps(said)
    made = choices_in(raw, tokens(*raw), PERMITTED)
    assert [(choice.path, choice.value) for choice in made] == [
        ("Place", "Person"),
        ("list.1.class", "Other"),
    ]


def test_a_character_in_two_tokens_moves_nothing() -> None:
    raw = '{"\u00e9\U0001f600": "Place"}'
    made = [Token(bytes([byte]), {bytes([byte]): 1.0}) for byte in raw.encode()]
    assert choices_in(raw, made, PERMITTED)[0].probabilities == {"Place": 1.0}


@pytest.mark.parametrize("said", [(), ("{", "}"), ('{"1": "Other"', "}")])
def test_tokens_of_another_text_say_nothing(said: tuple[str, ...]) -> None:
    assert choices_in('{"1": "Place"}', tokens(*said), PERMITTED) == ()


def test_what_stands_around_the_object_is_passed_over() -> None:
    assert [choice.path for choice in chosen("```json\n", '{"a": "Place"}', "\n```")] == ["a"]


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.floats(0.01, 1), min_size=1),
    st.sampled_from("abcdefgh"),
    st.text(st.characters(codec="utf-8"), max_size=5),
)
def test_a_distribution_over_first_letters_is_the_models_own(
    weights: dict[str, float], written: str, key: str
) -> None:
    weights = {written: 0.5} | weights
    values = {letter: f"{letter}{number}" for number, letter in enumerate("abcdefgh")}
    raw = json.dumps({key: values[written]}, ensure_ascii=False)
    at = raw.rindex(values[written])
    made = tokens(*raw[:at], (written, weights | {"?": 0.3}), *raw[at + 1 :])
    (choice,) = choices_in(raw, made, tuple(values.values()))
    whole = sum(weights.values())
    for letter, value in values.items():
        assert abs(choice.probabilities.get(value, 0.0) - weights.get(letter, 0.0) / whole) < 1e-4


def test_a_token_without_bytes_is_read_by_its_text() -> None:
    said = SimpleNamespace(token="Place", bytes=None, logprob=0.0, top_logprobs=None)
    assert tokens_of(SimpleNamespace(content=[said])) == (Token(b"Place", {b"Place": 1.0}),)
    assert tokens_of(None) == tokens_of(SimpleNamespace(content=None)) == ()


# --- on the wire ---


class Kind(Answer):
    """What it is."""

    kind: Literal["Person", "Place"]


def asked(choices: tuple[str, ...] = ("Person", "Place"), grammar: str | None = None) -> Request[Kind]:
    plain = question()
    return Request(plain.messages, Kind, plain.sampling, plain.purpose, grammar=grammar, choices=choices)


LIKELY = Say({"kind": "Place"}, likely={"Place": {"Place": 0.75, "Person": 0.25}})


@pytest.mark.parametrize("grounded", [True, False])
async def test_a_server_is_asked_for_what_is_wanted_and_its_answer_read(
    grounded: bool, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([LIKELY, LIKELY])
    client = asker.client("openai", server, logprobs=True, grounded=grounded)
    assert client.gives_probabilities
    grammar = "%llguidance {}\nstart: /.*/" if grounded else None
    reply = await client.ask(asked(grammar=grammar))
    (choice,) = reply.choices
    assert choice == Choice(path="kind", value="Place", probabilities={"Place": 0.75, "Person": 0.25})
    assert server.calls[0].body["logprobs"] is True
    assert server.calls[0].body["top_logprobs"] == ALTERNATIVES
    unwanted = await client.ask(asked(choices=()))
    assert unwanted.choices == () and "logprobs" not in server.calls[1].body


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
async def test_a_model_that_gives_none_is_not_asked(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([LIKELY])
    client = asker.client(provider, server)
    assert not client.gives_probabilities
    assert (await client.ask(asked())).choices == ()
    assert "logprobs" not in server.calls[0].body


async def test_a_server_that_gives_none_after_all_is_no_fault(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server([{"kind": "Place"}])
    reply = await asker.client("openai", server, logprobs=True).ask(asked())
    assert reply.answer.kind == "Place" and reply.choices == ()


async def test_probabilities_are_those_of_the_answer_that_was_taken(
    asker: Asker, scripted_server: Any
) -> None:
    refused = Say({"kind": "Ship"}, likely={"Ship": {"Ship": 1.0}})
    reply = await asker.client("openai", scripted_server([refused, LIKELY]), logprobs=True).ask(asked())
    assert [len(attempt.choices) for attempt in reply.attempts] == [0, 1]
    assert reply.choices == reply.attempts[1].choices


def test_local_models_give_probabilities_unless_told_otherwise() -> None:
    assert resolve(ModelConfig()).logprobs and not resolve(ModelConfig(logprobs=False)).logprobs
    assert not resolve(ModelConfig(name="openai/x")).logprobs
    for config in (
        ModelConfig(name="anthropic/x", logprobs=True),
        ModelConfig(name="openai/x", logprobs=True, structured="tools"),
    ):
        with pytest.raises(UsageError, match="gives no log-probabilities"):
            resolve(config)
