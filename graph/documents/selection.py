"""Choosing some documents from a stream of any length, by a pass of its own before they are read.

A document's rank is a hash of the seed and its id. The sample are the documents of lowest rank: each set of
that size is equally likely, in whatever order the documents come, a larger sample holds the smaller ones, and
only as much is in memory as is chosen.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Final, TypeVar

from graph.diversity import Candidate, candidate, farthest_first
from graph.documents.filters import Objection
from schemas.documents import Document
from schemas.inputs import DocumentsConfig, Selection

_T = TypeVar("_T")

_LEAST_POOL: Final = 1_000
_POOL: Final = 4
"""Documents that are looked at for each that is chosen to differ."""


class Chosen:
    """Which documents were chosen, and why the others were not."""

    def __init__(self, ids: Iterable[str], reason: str) -> None:
        self._ids = frozenset(ids)
        self._reason = reason

    def against(self, document: Document) -> Objection | None:
        """What is against taking a document; None if it was chosen."""
        return None if document.id in self._ids else Objection("sample", self._reason)


def choose(documents: Iterable[Document], config: DocumentsConfig, seed: int) -> Chosen:
    """Choose the job's sample.

    Args:
        documents: All there are; read to their end, and only ids and profiles are kept.
        config: What the job says; it has a sample.
        seed: The job's.
    """
    size = config.sample or 0
    if config.select is Selection.RANDOM:
        drawn, count = _draw(documents, size, seed, lambda document: document.id)
        return Chosen(drawn, f"not among the {size:,} drawn at random from {count:,} documents (seed {seed})")
    pool = max(_LEAST_POOL, _POOL * size)
    looked_at, count = _draw(documents, pool, seed, _candidate)
    of = f"{count:,} documents" if count <= pool else f"{pool:,} drawn from {count:,} documents"
    chosen = farthest_first(looked_at, size, seed)
    return Chosen(chosen, f"not among the {size:,} that differ most of {of} (seed {seed})")


def _candidate(document: Document) -> Candidate:
    return candidate(document.id, document.text)


def _draw(
    documents: Iterable[Document], size: int, seed: int, look: Callable[[Document], _T]
) -> tuple[list[_T], int]:
    """What is seen of the documents of lowest rank, and how many documents there are."""
    drawn: list[tuple[int, str, _T]] = []
    count = 0
    for document in documents:
        count += 1
        # Negative, as the heap has its least element first: the one to give way.
        rank = -int.from_bytes(blake2b(f"{seed}\0{document.id}".encode(), digest_size=16).digest())
        if len(drawn) < size:
            heapq.heappush(drawn, (rank, document.id, look(document)))
        elif rank > drawn[0][0]:
            heapq.heapreplace(drawn, (rank, document.id, look(document)))
    return [seen for _, _, seen in drawn], count
