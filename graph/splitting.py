"""Splitting texts that are too long for one model call."""

from __future__ import annotations

from collections.abc import Iterator

from semantic_text_splitter import TextSplitter

from schemas.documents import Passage

_BLOCK = 16
"""Passages to a block. The splitter's time grows faster than the text where that has no spaces."""


def split(text: str, max_bytes: int) -> tuple[Passage, ...]:
    """Cut a text into passages at the highest boundary that fits: paragraph, line, sentence, word, character.

    The passages are the text in order, nothing left out but white space that would be a passage of its
    own; `text[p.start:p.start + len(p.text)] == p.text`. A text that fits is one passage, a blank one none.

    Args:
        text: The text of a document.
        max_bytes: Most bytes of a passage in UTF-8, at least 4 (a code point is never cut). Bytes, as no
            tokenizer makes more tokens than it was given bytes.

    Raises:
        ValueError: `max_bytes` is less than 4.
    """
    if max_bytes < 4:
        raise ValueError("a code point takes up to 4 bytes")
    return tuple(
        Passage(text=piece, start=start) for start, piece in _pieces(text, max_bytes) if piece.strip()
    )


def _pieces(text: str, max_bytes: int) -> Iterator[tuple[int, str]]:
    size = _bytes(text)
    if size <= max_bytes:
        yield 0, text
    elif size <= 2 * _BLOCK * max_bytes:
        yield from _cut(text, max_bytes)
    else:
        for offset, block in _cut(text, _BLOCK * max_bytes):
            for start, piece in _cut(block, max_bytes):
                yield offset + start, piece


def _cut(text: str, max_bytes: int) -> Iterator[tuple[int, str]]:
    start = 0
    for piece in TextSplitter.from_callback(_bytes, max_bytes, trim=False).chunks(text):
        yield start, piece
        start += len(piece)


def _bytes(text: str) -> int:
    return len(text.encode())
