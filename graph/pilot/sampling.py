"""Choosing the pilot: documents that differ, short and long ones alike.

Farthest-first traversal (Gonzalez 1985): the next document is the one farthest from all chosen so far, which
covers the corpus within twice the best possible radius. Documents are compared by their character 4-grams
(Jaccard distance), hashed into the bits of an integer, so that a thousand of them take a few megabytes and no
library.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from zlib import crc32

POOL = 1000
"""Most documents that are looked at; of more, as many are drawn by the seed."""

_GRAM = 4
_BITS = 1 << 14
_LONGEST = 8_000
"""Characters of a document that are looked at; with more, most bits would be set in all of them."""

_STRATA = 3


def pool(document_ids: Sequence[str], seed: int) -> list[str]:
    """The documents worth looking at, in the order of their ids."""
    every = sorted(document_ids)
    return sorted(random.Random(seed).sample(every, POOL)) if len(every) > POOL else every


def diverse_sample(texts: Iterable[tuple[str, str]], size: int, seed: int) -> tuple[str, ...]:
    """Choose documents that differ in content, as many short as middling and long ones.

    Args:
        texts: Ids and texts.
        size: How many; fewer if there are fewer different texts.
        seed: Decides the first one, and with it the others.

    Returns:
        Ids in the order they were chosen, the same for the same texts in whatever order.
    """
    known: dict[int, tuple[int, str]] = {}
    for identifier, text in sorted(texts):
        if text.strip():
            known.setdefault(profile(text), (len(text), identifier))
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
