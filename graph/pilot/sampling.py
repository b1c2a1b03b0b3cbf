"""Choosing the pilot: documents that differ, short and long ones alike (`graph.diversity`)."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence

from graph.diversity import candidate, farthest_first

POOL = 1000
"""Most documents that are looked at; of more, as many are drawn by the seed."""


def pool(document_ids: Sequence[str], seed: int) -> list[str]:
    """The documents worth looking at, in the order of their ids."""
    every = sorted(document_ids)
    return sorted(random.Random(seed).sample(every, POOL)) if len(every) > POOL else every


def diverse_sample(texts: Iterable[tuple[str, str]], size: int, seed: int) -> tuple[str, ...]:
    """Ids of documents that differ in content; see `farthest_first`.

    Args:
        texts: Ids and texts.
        size: How many; fewer if there are fewer different texts.
        seed: Decides the first one, and with it the others.
    """
    known = (candidate(identifier, text) for identifier, text in texts if text.strip())
    return farthest_first(known, size, seed)
