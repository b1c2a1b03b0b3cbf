"""Counting mentions against gold, under two measures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum

from schemas.annotation import TypedSpan


class Measure(StrEnum):
    """When a mention is correct."""

    STRICT = "strict"
    GOLLIE = "gollie"


ABOUT: Mapping[Measure, str] = {
    Measure.STRICT: "exact offsets and class",
    Measure.GOLLIE: "class and surface, lower-cased and stripped, one to one in each document",
}
"""The measures (SCIENCE: section 5)."""


Found = Counter[tuple[str, object]]
"""How often a class has something: a surface, or a place."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Mentions of a document by class.

    Attributes:
        correct: In the annotation and in the gold.
        wrong: In the annotation only.
        missed: In the gold only.
    """

    correct: Counter[str]
    wrong: Counter[str]
    missed: Counter[str]


def count(found: Collection[TypedSpan], gold: Collection[TypedSpan], text: str, measure: Measure) -> Counts:
    """Count what is correct, wrong and missed in a document; a mention of the gold is found at most once.

    Args:
        found: Mentions of the annotation; what stands nowhere in the document is none.
        gold: Mentions of the gold.
        text: The document.
        measure: When a mention is correct.
    """
    key = _key(measure, text)
    return compared(Counter(map(key, set(found))), Counter(map(key, set(gold))))


def compared(found: Found, gold: Found) -> Counts:
    """Count two multisets against each other; what is in the gold once is found at most once.

    Args:
        found: What was found.
        gold: What there is to find.
    """
    return Counts(_by_class(found & gold), _by_class(found - gold), _by_class(gold - found))


def _by_class(mentions: Found) -> Counter[str]:
    counts: Counter[str] = Counter()
    for (name, _), number in mentions.items():
        counts[name] += number
    return counts


def _key(measure: Measure, text: str) -> Callable[[TypedSpan], tuple[str, object]]:
    if measure is Measure.STRICT:
        return lambda span: (span[2], span[:2])
    return lambda span: (span[2], text[span[0] : span[1]].lower().strip())


def share(part: float, whole: float) -> float | None:
    """How much of the whole a part is; None where there is nothing to divide by."""
    return part / whole if whole > 0 else None


def f1(correct: float, faults: float) -> float:
    """2 correct / (2 correct + wrong + missed); 1 if there was nothing to find and nothing was found."""
    total = 2 * correct + faults
    return 2 * correct / total if total > 0 else 1.0
