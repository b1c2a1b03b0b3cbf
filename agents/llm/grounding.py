"""Grounded decoding: a grammar under which a model can only quote what stands in the document.

The grammar is LLGuidance's (https://github.com/guidance-ai/llguidance, `docs/syntax.md`): Lark-like rules and
`%regex {"substring_chunks": [...]}`, an automaton of all runs of consecutive chunks. The document is cut into
words, white space and punctuation, and each chunk is written as it stands inside a JSON string, so that an
escape is one step of the automaton and can never be left half-way.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Protocol

MAX_QUOTE_WORDS = 12
"""Longest quote, in words: a small model left alone copies whole paragraphs."""

MAX_QUOTE_CHARACTERS = 160
"""Longest quote, in characters as written in JSON."""

MAX_GROUNDED_CHARACTERS = 20_000
"""Longest text a grammar is built for; a passage is far shorter."""

_BREAK = "\x01"
"""A chunk no quote may contain: a raw control character, which JSON strings do not admit."""

_NO_SPACES = ((0x0E00, 0x0EFF), (0x0F00, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF))
"""Scripts written without spaces between words (Thai, Lao, Tibetan, Myanmar, Khmer, Tai Le)."""

# First and last character are no white space; no raw control character, hence no break; few words.
_WORD = r"[^\s\x00-\x1F\x7F]"
_QUOTE_SHAPE = rf"/{_WORD}+([ \xA0]+{_WORD}+){{0,{MAX_QUOTE_WORDS - 1}}}/"
_QUOTE_LENGTH = rf"/(?s:.){{1,{MAX_QUOTE_CHARACTERS}}}/"


class Named(Protocol):
    """Anything with a class name."""

    @property
    def name(self) -> str:
        """The class's name."""
        ...


def annotation_grammar(document_text: str, classes: Sequence[Named], max_items: int) -> str:
    """Grammar of `{"mentions": [{"class": ..., "quote": ...}, ...]}` for one text.

    Args:
        document_text: The text quotes are taken from, at most `MAX_GROUNDED_CHARACTERS` code points.
        classes: Classes a mention may have, at least one.
        max_items: Most mentions; an empty list is always admitted.

    Raises:
        ValueError: No classes, `max_items` below 1, or a text that is too long.
    """
    if not classes or max_items < 1:
        raise ValueError("a grammar needs at least one class and room for one mention")
    rules = quote_rules(document_text)
    if not rules:
        return '%llguidance {}\nstart: "{\\"mentions\\": []}"\n'
    names = " | ".join(literal(json.dumps(spec.name, ensure_ascii=False)) for spec in classes)
    return "\n".join(
        (
            "%llguidance {}",
            r'start: "{\"mentions\": [" (mention (", " mention){0,' + str(max_items - 1) + r"})? " + r'"]}"',
            r'mention: "{\"class\": " class ", \"quote\": \"" QUOTE "\"}"',
            f"class: {names}",
            *rules,
            "",
        )
    )


def quote_rules(text: str) -> tuple[str, ...]:
    """The rules of the terminal `QUOTE`, a quote from the text as it stands inside a JSON string.

    No rules if the text has nothing to quote: the terminal would be empty, and a grammar that ends nowhere
    is an error while decoding.

    Raises:
        ValueError: The text is longer than `MAX_GROUNDED_CHARACTERS`.
    """
    if len(text) > MAX_GROUNDED_CHARACTERS:
        raise ValueError(f"text of {len(text)} characters is too long for a grammar")
    pieces = tuple(chunks(text))
    if not any(_quotable(piece) for piece in pieces):
        return ()
    return (
        f"QUOTE: SUBSTRING & {_QUOTE_SHAPE} & {_QUOTE_LENGTH}",
        "SUBSTRING: %regex " + json.dumps({"substring_chunks": pieces}),
    )


def chunks(text: str) -> Iterator[str]:
    """Cut a text into the steps of a quote, each as it is written inside a JSON string.

    A step is a word, a number with its separators, or one other character; combining marks and joined
    characters stay with what they modify. Quotes start and end between steps. Blank lines and code points
    that UTF-8 cannot carry become breaks, which no quote spans.
    """
    for start, end in _boundaries(text):
        piece = text[start:end]
        if (piece.isspace() and piece.count("\n") > 1) or any(0xD800 <= ord(c) <= 0xDFFF for c in piece):
            yield _BREAK
        elif piece.isspace():
            yield from (json.dumps(character, ensure_ascii=False)[1:-1] for character in piece)
        else:
            yield json.dumps(piece, ensure_ascii=False)[1:-1]


def _boundaries(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or not _joined(text, position):
            yield start, position
            start = position


def _joined(text: str, position: int) -> bool:
    """Whether a step runs across the gap before `position`."""
    before, after = text[position - 1], text[position]
    if after == "\u200d" or before == "\u200d" or unicodedata.category(after)[0] == "M":
        return not before.isspace()
    if before.isspace() or after.isspace():
        return before.isspace() and after.isspace()
    if _continues_word(before) and _continues_word(after):
        return True
    if before.isdigit() or after.isdigit():  # 3.5 and 1,200 are one number
        mark = position if before.isdigit() else position - 1
        inside = 0 < mark < len(text) - 1 and text[mark] in ".,:/"
        return inside and text[mark - 1].isdigit() and text[mark + 1].isdigit()
    return False


def _continues_word(character: str) -> bool:
    if unicodedata.category(character)[0] == "M":
        return True
    if not (character.isalnum() or character == "_") or unicodedata.east_asian_width(character) in "WF":
        return False
    return not any(first <= ord(character) <= last for first, last in _NO_SPACES)


def _quotable(piece: str) -> bool:
    return (
        piece != _BREAK
        and len(piece) <= MAX_QUOTE_CHARACTERS
        and not any(c.isspace() or unicodedata.category(c) == "Cc" for c in piece)
        and piece not in {r"\n", r"\r", r"\t", r"\f", r"\b"}
    )


def literal(text: str) -> str:
    """A string literal of the grammar."""
    return json.dumps(text)
