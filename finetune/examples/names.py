"""Names of classes, compared: `MusicalArtist`, `musical_artists` and `musicalartist` are one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

from rapidfuzz import fuzz

from schemas.lint import folded_name

if TYPE_CHECKING:
    from numpy import ndarray

Similarity = Callable[[str, str], float]
"""How alike two names are, from 0 to 1; they come as words in lower case and singular."""

Embed = Callable[[Sequence[str]], "ndarray"]
"""Embeddings of some texts: an array of shape (texts, dimensions)."""

NEAR = 0.85
"""From here on names are taken for near."""


@lru_cache(maxsize=100_000)
def plain(name: str) -> str:
    """A name as words in lower case and singular: `Musical_Artists` is `musical artist`."""
    return folded_name(name)


def is_same(name: str, other: str) -> bool:
    """Whether two names differ at most in case, in number and in how their words are joined."""
    return joined(name) == joined(other) != ""


def joined(name: str) -> str:
    """A name's letters: `musicalartist`."""
    return plain(name).replace(" ", "")


def string_similarity(one: str, other: str) -> float:
    """Normalised indel similarity of two names, whatever the order of their words (`rapidfuzz`)."""
    letters = fuzz.ratio(one.replace(" ", ""), other.replace(" ", ""))
    return max(letters, fuzz.token_sort_ratio(one, other)) / 100


def embedding_similarity(embed: Embed) -> Similarity:
    """Cosine of two names' embeddings, not below 0; each name is embedded once.

    Args:
        embed: For instance the mean of a model's token embeddings.
    """

    @lru_cache(maxsize=100_000)
    def embedded(name: str) -> ndarray:
        vector: ndarray = embed([name])[0]
        norm = float((vector * vector).sum()) ** 0.5
        return vector / norm if norm else vector

    def similarity(one: str, other: str) -> float:
        return max(float(embedded(one) @ embedded(other)), 0.0)

    return similarity


def nearest(
    name: str, others: Collection[str], similarity: Similarity = string_similarity
) -> tuple[str, float] | None:
    """The likest of some names, as given, and how alike they are; None if there are no others.

    Args:
        name: A name.
        others: The names it is compared with; of equally like ones the same name counts, else the first.
        similarity: Of names that differ; those that are the same have 1.
    """
    own = plain(name)

    def likeness(other: str) -> tuple[float, bool]:
        same = is_same(name, other)
        return (1.0 if same else min(similarity(own, plain(other)), 1.0)), same

    found = max(((likeness(other), other) for other in others), key=lambda pair: pair[0], default=None)
    return None if found is None else (found[1], found[0][0])
