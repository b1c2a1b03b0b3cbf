"""Texts that are nearly equal: MinHash over word n-grams (Broder 1997), by datasketch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from finetune.examples.words import grams, words_of

if TYPE_CHECKING:
    from datasketch import MinHash

_PERMUTATIONS = 128
"""Of MinHash: the standard error of an estimate is at most 0.5 / sqrt(128), or 0.04."""

_WORDS = 5


class NearCopies:
    """Texts by keys, and which of them another one nearly equals."""

    def __init__(self, threshold: float) -> None:
        """Prepare an empty collection.

        Args:
            threshold: Estimated Jaccard similarity of the sets of word 5-grams from which texts are near.
        """
        from datasketch import MinHashLSH  # of the extra `finetune`

        self._threshold = threshold
        self._index = MinHashLSH(threshold=threshold, num_perm=_PERMUTATIONS)
        self._hashes: dict[str, MinHash] = {}

    def near(self, text: str) -> tuple[str, float] | None:
        """The key of the text that this one is likest to, and how alike they are; None if none is near."""
        return self._near(_hashed(text))

    def add(self, key: str, text: str) -> str | None:
        """Remember a text, unless it nearly equals one that is known: then the key of that one."""
        hashed = _hashed(text)
        found = self._near(hashed)
        if found is not None:
            return found[0]
        self._hashes[key] = hashed
        self._index.insert(key, hashed)
        return None

    def _near(self, hashed: MinHash) -> tuple[str, float] | None:
        alike = ((float(hashed.jaccard(self._hashes[key])), key) for key in self._index.query(hashed))
        found = max(alike, default=None)
        return None if found is None or found[0] < self._threshold else (found[1], found[0])


def _hashed(text: str) -> MinHash:
    from datasketch import MinHash

    words = words_of(text)
    made = MinHash(num_perm=_PERMUTATIONS)
    # A text that is shorter than one run is a run of its own.
    made.update_batch([" ".join(run).encode() for run in grams(words, min(_WORDS, len(words)))])
    return made
