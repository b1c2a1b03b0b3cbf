"""A text laid out with highlights that may nest and overlap, as the marks of a page must nest.

A highlight that another one cuts across is laid out in several marks: the inner one is closed where the outer
one ends, and opened again behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Generic, TypeVar

About = TypeVar("About")


@dataclass(frozen=True, slots=True)
class Highlight(Generic[About]):
    """A span of the text."""

    start: int
    """First code point."""
    end: int
    """One past the last code point."""
    about: About
    """What is shown there."""


@dataclass(frozen=True, slots=True)
class Opening(Generic[About]):
    """A mark begins."""

    about: About
    first: bool
    """Whether the highlight begins here; if not, it goes on behind another one's end."""


@dataclass(frozen=True, slots=True)
class Closing(Generic[About]):
    """The mark that was opened last, and is not closed yet, ends."""

    about: About
    last: bool
    """Whether the highlight ends here; if not, it goes on in the mark after this one."""


def lay_out(
    text: str, highlights: Sequence[Highlight[About]]
) -> tuple[str | Opening[About] | Closing[About], ...]:
    """The text in pieces, with marks that nest between them.

    Joined, the pieces are the text. Of highlights that begin together the longer one is outside; of equal
    ones, the first one. Those that are empty or beyond the text are left out.

    Args:
        text: The whole text.
        highlights: In any order.
    """
    inside = sorted(
        (each for each in highlights if 0 <= each.start < each.end <= len(text)),
        key=lambda each: each.start,
    )
    starting = {start: list(group) for start, group in groupby(inside, key=lambda each: each.start)}
    cuts = sorted({*starting, *(each.end for each in inside)})
    laid: list[str | Opening[About] | Closing[About]] = []
    opened: list[Highlight[About]] = []
    at = 0
    for cut in cuts:
        if cut > at:
            laid.append(text[at:cut])
            at = cut
        kept: list[Highlight[About]] = []
        while any(each.end == cut for each in opened):
            innermost = opened.pop()
            laid.append(Closing(innermost.about, last=innermost.end == cut))
            if innermost.end > cut:
                kept.insert(0, innermost)
        for each in sorted([*kept, *starting.get(cut, ())], key=lambda each: -each.end):
            opened.append(each)
            laid.append(Opening(each.about, first=each.start == cut))
    if at < len(text):
        laid.append(text[at:])
    return tuple(laid)
