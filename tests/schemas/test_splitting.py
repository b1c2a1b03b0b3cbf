"""Splitting long texts into passages."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.splitting import split

RICH = st.text(
    st.one_of(st.sampled_from("ab. \n\t!?é北👩\u200d\u0301\r"), st.characters(exclude_categories=["Cs"]))
)


@given(RICH, st.integers(4, 40), st.integers(1, 30))
def test_passages_are_the_text_in_order_and_fit(piece: str, max_bytes: int, times: int) -> None:
    text = piece * times
    passages = split(text, max_bytes)
    end = 0
    for passage in passages:
        assert text[passage.start : passage.start + len(passage.text)] == passage.text
        assert passage.text.strip()
        assert len(passage.text.encode()) <= max_bytes
        assert passage.start >= end
        assert not text[end : passage.start].strip()
        end = passage.start + len(passage.text)
    assert not text[end:].strip()


@given(RICH.filter(str.strip))
def test_a_text_that_fits_is_one_passage(text: str) -> None:
    (passage,) = split(text, max(4, len(text.encode())))
    assert (passage.text, passage.start) == (text, 0)


@pytest.mark.parametrize("text", ["", " ", "\n" * 500])
def test_a_blank_text_has_no_passage(text: str) -> None:
    assert split(text, 10) == ()


def test_paragraphs_come_before_sentences_and_sentences_before_words() -> None:
    text = "The first one is short.\n\nThe second has two sentences. Here is the other one."
    assert [p.text.strip() for p in split(text, 60)] == [
        "The first one is short.",
        "The second has two sentences. Here is the other one.",
    ]
    assert [p.text.strip() for p in split(text, 40)] == [
        "The first one is short.",
        "The second has two sentences.",
        "Here is the other one.",
    ]
    words = re.findall(r"\w+", text)
    assert [word for passage in split(text, 12) for word in re.findall(r"\w+", passage.text)] == words


def test_a_code_point_is_never_cut_and_needs_room() -> None:
    assert [p.text for p in split("👩👩", 4)] == ["👩", "👩"]
    with pytest.raises(ValueError, match="4 bytes"):
        split("a", 3)


@pytest.mark.parametrize(
    "text",
    [
        "The quick brown fox. It jumps over naïve dogs!\n\n" * 4_000,
        "x" * 100_000,
        "é" * 100_000,
        "北京大学" * 25_000,
        " " * 100_000 + "a",
        "e" + "\u0301" * 100_000,
        "👩\u200d💻" * 30_000,
    ],
    ids=["prose", "x", "é", "Han", "spaces", "marks", "emoji"],
)
@pytest.mark.parametrize("max_bytes", [500, 6_000])
def test_long_texts_are_split_in_no_time(text: str, max_bytes: int) -> None:
    began = time.perf_counter()
    passages = split(text, max_bytes)
    assert time.perf_counter() - began < 4
    assert sum(len("".join(p.text.split())) for p in passages) == len("".join(text.split()))
    assert len(passages) <= 2 + 2 * len(text.encode()) // max_bytes
