"""Evaluation texts that stand in training documents, in whole or in part, found by runs of words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping

from finetune.examples.words import Words, grams, words_of

LONGEST = 13
"""Words of a run; equal runs of so many are copies (GPT-3's measure of contamination, 2005.14165)."""

_SHORTEST = 5
"""A shorter text may stand anywhere by chance."""


class CopiedTexts:
    """Runs of words of evaluation texts, and which of them stand in documents.

    Of a text that is shorter than a run, all of it is one run.
    """

    def __init__(self, texts: Mapping[str, str]) -> None:
        """Prepare to look for texts.

        Args:
            texts: Evaluation texts by any key.
        """
        self._keys: defaultdict[Words, list[str]] = defaultdict(list)
        self._runs: dict[str, int] = {}
        self._found: defaultdict[str, set[Words]] = defaultdict(set)
        self._documents: dict[str, str] = {}
        for key, text in texts.items():
            words = words_of(text)
            if len(words) < _SHORTEST:
                continue
            runs = set(grams(words, min(LONGEST, len(words))))
            self._runs[key] = len(runs)
            for run in runs:
                self._keys[run].append(key)
        self._lengths = sorted({len(run) for run in self._keys})

    def look_in(self, identifier: str, text: str) -> None:
        """Look for the texts in a document.

        Args:
            identifier: Of the document.
            text: Its text.
        """
        words = words_of(text)
        for length in self._lengths:
            for run in grams(words, length):
                for key in self._keys.get(run, ()):
                    self._found[key].add(run)
                    self._documents.setdefault(key, identifier)

    @property
    def looked_for(self) -> Collection[str]:
        """Keys of the texts that are long enough to tell."""
        return self._runs.keys()

    def share(self, key: str) -> float:
        """Share of a text's runs that stand in documents."""
        return len(self._found[key]) / self._runs[key] if key in self._found else 0.0

    def document(self, key: str) -> str | None:
        """The first document that a run of a text stands in."""
        return self._documents.get(key)
