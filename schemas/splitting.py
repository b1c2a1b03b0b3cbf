"""Splitting texts that are too long for one model call, or for one training example."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from semantic_text_splitter import TextSplitter

from schemas.documents import Passage

_BLOCK = 16
"""Passages to a block. The splitter's time grows faster than the text where that has no spaces."""

Size = Callable[[str], int]
"""How long a text is, in whatever its length is limited by."""


def utf8_bytes(text: str) -> int:
    """Bytes of a text in UTF-8: no tokenizer makes more tokens than it was given bytes."""
    return len(text.encode())


def split(text: str, most: int, size: Size = utf8_bytes) -> tuple[Passage, ...]:
    """Cut a text into passages at the highest boundary that fits: paragraph, line, sentence, word, character.

    The passages are the text in order, nothing left out but white space that would be a passage of its
    own; `text[p.start:p.start + len(p.text)] == p.text`. A text that fits is one passage, a blank one none.

    Args:
        text: The text of a document.
        most: Greatest size of a passage, at least 4 (a code point is never cut, and takes up to 4 bytes).
        size: What is limited; default: bytes in UTF-8.

    Raises:
        ValueError: `most` is less than 4.
    """
    if most < 4:
        raise ValueError("a code point takes up to 4 bytes")
    return tuple(
        Passage(text=piece, start=start) for start, piece in _pieces(text, most, size) if piece.strip()
    )


def _pieces(text: str, most: int, size: Size) -> Iterator[tuple[int, str]]:
    whole = size(text)
    if whole <= most:
        yield 0, text
    elif whole <= 2 * _BLOCK * most:
        yield from _cut(text, most, size)
    else:
        for offset, block in _cut(text, _BLOCK * most, size):
            for start, piece in _cut(block, most, size):
                yield offset + start, piece


def _cut(text: str, most: int, size: Size) -> Iterator[tuple[int, str]]:
    start = 0
    for piece in TextSplitter.from_callback(size, most, trim=False).chunks(text):
        yield start, piece
        start += len(piece)
