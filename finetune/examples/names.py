"""Names of classes, compared: `MusicalArtist`, `musical_artists` and `Musical artist` are one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from rapidfuzz import fuzz

Similarity = Callable[[str, str], float]
"""How alike two names in plain words are, from 0 to 1."""

NEAR = 0.85
"""From here on names are taken for near."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_A-Za-z]+")


def plain(name: str) -> str:
    """A name in lower-case words, the last one in the singular."""
    words = [word.lower() for word in _WORD.findall(name)]
    if words:
        words[-1] = _singular(words[-1])
    return " ".join(words)


def _singular(word: str) -> str:
    if word.endswith("ies") and len(word) > 4:
        return f"{word[:-3]}y"
    if word.endswith(("ss", "us", "is")) or len(word) < 4:
        return word
    return word.removesuffix("s")


def string_similarity(one: str, other: str) -> float:
    """Normalised indel similarity of the letters (`rapidfuzz.fuzz.ratio`)."""
    return fuzz.ratio(one, other) / 100


def nearest(
    name: str, others: Iterable[str], similarity: Similarity = string_similarity
) -> tuple[str, float] | None:
    """The likest of some names, as given, and how alike they are; the same name in plain words is 1.

    Args:
        name: A name.
        others: The names it is compared with.
        similarity: Of names that differ in plain words.
    """
    own = plain(name)
    found = (
        (other, 1.0 if plain(other) == own else min(similarity(own, plain(other)), 1.0)) for other in others
    )
    return max(found, key=lambda pair: pair[1], default=None)
