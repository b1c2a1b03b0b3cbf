"""Choosing texts that differ, short and long ones alike.

Farthest-first traversal (Gonzalez 1985): the next text is the one farthest from all chosen so far, which
covers all of them within twice the best possible radius. Texts are compared by their character 4-grams
(Jaccard distance), hashed into the bits of an integer, so that a thousand of them take a few megabytes and no
library.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from typing import NamedTuple
from zlib import crc32

_GRAM = 4
_BITS = 1 << 14
_LONGEST = 8_000
"""Characters of a text that are looked at; with more, most bits would be set in all of them."""

_STRATA = 3


class Candidate(NamedTuple):
    """A text that can be chosen, without the text.

    Attributes:
        identifier: Its id.
        length: In characters.
        profile: See `profile`.
    """

    identifier: str
    length: int
    profile: int


def candidate(identifier: str, text: str) -> Candidate:
    """A text as one that can be chosen."""
    return Candidate(identifier, len(text), profile(text))


def farthest_first(candidates: Iterable[Candidate], size: int, seed: int) -> tuple[str, ...]:
    """Choose texts that differ in content, as many short as middling and long ones.

    Takes time in proportion to the number of candidates times that of the chosen.

    Args:
        candidates: Of texts that are the same, one is looked at.
        size: How many; fewer if there are fewer different texts.
        seed: Decides the first one, and with it the others.

    Returns:
        Ids in the order they were chosen, the same for the same candidates in whatever order.
    """
    known: dict[int, tuple[int, str]] = {}
    for identifier, length, bits in sorted(candidates):
        known.setdefault(bits, (length, identifier))
    by_length = sorted((length, identifier, bits) for bits, (length, identifier) in known.items())
    strata = [
        by_length[len(by_length) * n // _STRATA : len(by_length) * (n + 1) // _STRATA] for n in range(_STRATA)
    ]
    left = [{identifier: bits for _, identifier, bits in stratum} for stratum in strata]
    nearest: dict[str, float] = {identifier: 1.0 for _, identifier, _ in by_length}
    chosen: list[str] = []
    turn = 0
    while len(chosen) < size and any(left):
        stratum, turn = left[turn % _STRATA], turn + 1
        if not stratum:
            continue
        if chosen:
            following = max(sorted(stratum), key=nearest.__getitem__)
        else:
            following = random.Random(seed).choice(sorted(stratum))
        bits = stratum.pop(following)
        chosen.append(following)
        for others in left:
            for identifier, other in others.items():
                nearest[identifier] = min(nearest[identifier], distance(bits, other))
    return tuple(chosen)


def profile(text: str) -> int:
    """The character 4-grams of a text as set bits of an integer; white space and case do not matter."""
    folded = f" {' '.join(text[:_LONGEST].casefold().split())} "
    bits = 0
    for gram in {folded[start : start + _GRAM] for start in range(max(1, len(folded) - _GRAM + 1))}:
        bits |= 1 << crc32(gram.encode("utf-8", "surrogatepass")) % _BITS
    return bits


def distance(first: int, second: int) -> float:
    """Jaccard distance of two profiles: 0 alike, 1 nothing shared."""
    return 1 - (first & second).bit_count() / max(1, (first | second).bit_count())
