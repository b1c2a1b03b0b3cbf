"""Grounded decoding: a grammar under which a model can only quote what stands in the document.

The grammar is LLGuidance's (https://github.com/guidance-ai/llguidance, `docs/syntax.md`): Lark-like rules and
`%regex {"substring_chunks": [...]}`, an automaton of all runs of consecutive chunks. The document is cut into
words, white space and punctuation, and each chunk is written as it stands inside a JSON string, so that an
escape is one step of the automaton and can never be left half-way.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterator

from schemas.locate import extends

MAX_QUOTE_WORDS = 12
"""Longest quote, in words: a small model left alone copies whole paragraphs."""

MAX_QUOTE_CHARACTERS = 80
"""Longest quote, in characters as written in JSON."""

MAX_GROUNDED_CHARACTERS = 20_000
"""Longest text a grammar is built for; a passage is far shorter."""

BREAK = "\x01"
"""A chunk no quote may contain: a raw control character, which JSON strings do not admit."""

_NO_SPACES = ((0x0E00, 0x0EFF), (0x0F00, 0x109F), (0x1780, 0x17FF), (0x1950, 0x19DF))
"""Scripts written without spaces between words (Thai, Lao, Tibetan, Myanmar, Khmer, Tai Le)."""

_CLOSING = ".,;:!?)]}%"
"""What closes a phrase begins none."""

# First and last character are no white space; no raw control character, hence no break; few words.
_WORD = r"[^\s\x00-\x1F\x7F]"
_FIRST = r"[^\s\x00-\x1F\x7F.,;:!?)\]}%]"
_QUOTE_SHAPE = rf"/{_FIRST}{_WORD}*([ \xA0]+{_WORD}+){{0,{MAX_QUOTE_WORDS - 1}}}/"
_QUOTE_LENGTH = rf"/(?s:.){{1,{MAX_QUOTE_CHARACTERS}}}/"


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
    characters stay with what they modify. Quotes start and end between steps. Blank lines, control characters
    and code points that UTF-8 cannot carry become breaks, which no quote spans.
    """
    for start, end in _boundaries(text):
        piece = text[start:end]
        if piece.isspace():
            yield from (BREAK,) if piece.count("\n") > 1 else map(_in_json, piece)
        else:
            yield BREAK if any(unicodedata.category(c) in ("Cc", "Cs") for c in piece) else _in_json(piece)


def _boundaries(text: str) -> Iterator[tuple[int, int]]:
    start = 0
    for position in range(1, len(text) + 1):
        if position == len(text) or not _joined(text, position):
            yield start, position
            start = position


def _joined(text: str, position: int) -> bool:
    """Whether a step runs across the gap before `position`."""
    before, after = text[position - 1], text[position]
    if extends(after) or before == "\u200d":
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


def _in_json(text: str) -> str:
    """A text as it stands between the quotation marks of a JSON string."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _quotable(piece: str) -> bool:
    """Whether a step can be a quote by itself; a text without such steps has nothing to quote."""
    if piece == BREAK or len(piece) > MAX_QUOTE_CHARACTERS or piece[0] in _CLOSING:
        return False
    return not json.loads(f'"{piece}"').isspace()


def literal(text: str) -> str:
    """A string literal of the grammar."""
    return json.dumps(text)
