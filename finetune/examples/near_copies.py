"""Texts that are nearly equal: MinHash over word n-grams (Broder 1997), by datasketch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from schemas.locate import normal_form

if TYPE_CHECKING:
    from datasketch import MinHash

_PERMUTATIONS = 128
_WORDS = 5


class NearCopies:
    """Texts that were seen, and which of them another one nearly equals."""

    def __init__(self, threshold: float, permutations: int = _PERMUTATIONS) -> None:
        """Prepare an empty collection.

        Args:
            threshold: Estimated Jaccard similarity of the sets of word 5-grams from which texts are near.
            permutations: Of MinHash; the standard error of the estimate is at most 0.5 / sqrt(permutations).
        """
        from datasketch import MinHashLSH  # of the extra `finetune`

        self._permutations = permutations
        self._threshold = threshold
        self._index = MinHashLSH(threshold=threshold, num_perm=permutations)
        self._hashes: dict[str, MinHash] = {}

    def near(self, text: str) -> str | None:
        """The key of a text that this one nearly equals; None if there is none."""
        hashed = self._hash(text)
        likeness = ((hashed.jaccard(self._hashes[key]), key) for key in self._index.query(hashed))
        found = max(likeness, default=(0.0, None))
        return found[1] if found[0] >= self._threshold else None

    def add(self, key: str, text: str) -> str | None:
        """Remember a text, unless it nearly equals one that is known: then the key of that one."""
        found = self.near(text)
        if found is None:
            self._hashes[key] = hashed = self._hash(text)
            self._index.insert(key, hashed)
        return found

    def _hash(self, text: str) -> MinHash:
        from datasketch import MinHash

        made = MinHash(num_perm=self._permutations)
        made.update_batch([gram.encode() for gram in word_grams(text, _WORDS)])
        return made


def word_grams(text: str, length: int) -> Iterator[str]:
    """Runs of so many words, lower-cased and folded; a shorter text is one run."""
    words = normal_form(text).split()
    if len(words) < length:
        yield " ".join(words)
    for start in range(len(words) - length + 1):
        yield " ".join(words[start : start + length])
