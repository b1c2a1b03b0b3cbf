"""Tokens whose boundaries are those of all mentions, for formats that know no other offsets."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

from graph.agreement import token_spans
from graph.exports.documents import Span

Token = tuple[int, int]
"""Start and end in code points."""


def tokens_of(text: str, spans: Iterable[Span]) -> tuple[Token, ...]:
    """Words, and other characters that are no space, cut wherever a mention starts or ends.

    Args:
        text: The document.
        spans: Its mentions.
    """
    cuts = sorted({cut for span in spans for cut in (span.start, span.end)})
    made: list[Token] = []
    for start, end in token_spans(text):
        within = cuts[bisect_left(cuts, start + 1) : bisect_left(cuts, end)]
        made.extend(pairwise((start, *within, end)))
    return tuple(made)


def tokens_in(span: Span, tokens: Sequence[Token]) -> range | None:
    """Which tokens a mention consists of; None if it is white space alone.

    White space at its ends belongs to no token.

    Args:
        span: The mention.
        tokens: Of `tokens_of`, with this mention among its spans.
    """
    first = bisect_left(tokens, span.start, key=lambda token: token[0])
    beyond = bisect_left(tokens, span.end, key=lambda token: token[0])
    return range(first, beyond) if first < beyond else None


def outermost(spans: Sequence[Span]) -> tuple[Span, ...]:
    """Mentions that do not overlap: the first to start, of these the longest, of equal ones the first class.

    Args:
        spans: By start, longer ones first.
    """
    kept: list[Span] = []
    for span in spans:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return tuple(kept)


def words(text: str, tokens: Iterable[Token]) -> list[str]:
    """The tokens as text."""
    return [text[start:end] for start, end in tokens]
