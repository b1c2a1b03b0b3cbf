"""The grammar's text, for any document; what it does in decoding is tested with the model."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.grounding import BREAK, MAX_GROUNDED_CHARACTERS, chunks, literal, quote_rules


def _decoded(text: str) -> list[str]:
    return [BREAK if chunk == BREAK else json.loads(f'"{chunk}"') for chunk in chunks(text)]


@given(st.text())
def test_steps_are_whole_json_and_make_up_the_document(text: str) -> None:
    at = 0
    for piece in _decoded(text):
        if piece != BREAK:
            found = text.index(piece, at)
            assert not any(character.isalnum() for character in text[at:found])  # nothing one would quote
            at = found + len(piece)
    assert not any(character.isalnum() for character in text[at:])


@given(st.text(alphabet=st.characters(codec=None), max_size=40))
def test_rules_are_two_clean_lines_whatever_the_document(text: str) -> None:
    rules = quote_rules(text)
    assert len(rules) in (0, 2)
    for rule, name in zip(rules, ("QUOTE", "SUBSTRING"), strict=False):
        assert rule.startswith(f"{name}: ")
        assert "\n" not in rule and rule.isascii()  # nothing in the document can add a rule


@pytest.mark.parametrize(
    ("text", "steps"),
    [
        (
            "Ada's 3.5 km, 1,200 m.",
            ["Ada", "'", "s", " ", "3.5", " ", "km", ",", " ", "1,200", " ", "m", "."],
        ),
        ("one\n\n two", ["one", BREAK, "two"]),
        ("one\ntwo\r\n", ["one", "\n", "two", "\r", "\n"]),
        ('say "hi"\\n', ["say", " ", '"', "hi", '"', "\\", "n"]),
        (
            "e\u0301t\u00e9 \U0001f469\u200d\U0001f467!",
            ["e\u0301t\u00e9", " ", "\U0001f469\u200d\U0001f467", "!"],
        ),
        ("\u4f60\u597d \u0e01\u0e02", ["\u4f60", "\u597d", " ", "\u0e01", "\u0e02"]),
        ("a\ud800b", ["a", BREAK, "b"]),
        ("snake_case x2", ["snake_case", " ", "x2"]),
        ("\u0301", ["\u0301"]),
        ("v1.2.", ["v1.2", "."]),
        ("nul\x00there\x1b[0m", ["nul", BREAK, "there", BREAK, "[", "0m"]),
    ],
)
def test_steps_are_words_numbers_and_single_marks(text: str, steps: list[str]) -> None:
    assert _decoded(text) == steps


def test_there_are_no_rules_where_nothing_can_be_quoted() -> None:
    for text in ("", "  \n\t", "\x00\x07", "\ud800", "x" * 1000, "?"):
        assert quote_rules(text) == ()
    assert quote_rules("a")


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="too long for a grammar"):
        quote_rules("a" * (MAX_GROUNDED_CHARACTERS + 1))


def test_literals_are_quoted_for_the_grammar() -> None:
    assert literal('{"a": "') == r'"{\"a\": \""'


def test_an_emoji_is_not_cut_from_its_skin_tone() -> None:
    assert list(chunks("\U0001f44d\U0001f3fd ok")) == ["\U0001f44d\U0001f3fd", " ", "ok"]
