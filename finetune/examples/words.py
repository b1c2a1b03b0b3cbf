"""Texts as words, so that copies are found whatever their case, spaces and punctuation."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schemas.locate import normal_form

_WORD = re.compile(r"\w+")

Words = tuple[str, ...]


def words_of(text: str) -> Words:
    """The words of a text in normal form, without punctuation."""
    return tuple(_WORD.findall(normal_form(text)))


def grams(words: Words, length: int) -> Iterator[Words]:
    """Runs of so many words, in order; none where there are fewer."""
    return (words[start : start + length] for start in range(len(words) - length + 1))
