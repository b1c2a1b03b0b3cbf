"""What kind of mistake wrong and missed mentions are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from enum import StrEnum

from schemas.annotation import TypedSpan


class Mistake(StrEnum):
    """Kinds of mistakes; each wrong mention is of one, and so is each one missed that nothing overlaps."""

    CLASS = "class"
    BOUNDARY = "boundary"
    BOTH = "class and boundary"
    SPURIOUS = "spurious"
    MISSING = "missing"


ABOUT = {
    Mistake.CLASS: "the offsets of a gold mention, of another class",
    Mistake.BOUNDARY: "overlaps a gold mention of its class",
    Mistake.BOTH: "overlaps gold mentions of other classes only",
    Mistake.SPURIOUS: "overlaps no gold mention",
    Mistake.MISSING: "a gold mention that nothing overlaps",
}
"""What the kinds are."""


def mistakes(found: Collection[TypedSpan], gold: Collection[TypedSpan]) -> Counter[Mistake]:
    """Count the mistakes of an annotation, by strict matching.

    Args:
        found: Its mentions.
        gold: Mentions of the gold.
    """
    kinds = Counter(_kind(span, gold) for span in set(found) - set(gold))
    kinds[Mistake.MISSING] = sum(not any(_overlap(span, other) for other in found) for span in set(gold))
    return +kinds


def _kind(span: TypedSpan, gold: Collection[TypedSpan]) -> Mistake:
    met = [other for other in gold if _overlap(span, other)]
    if any(other[:2] == span[:2] for other in met):
        return Mistake.CLASS
    if any(other[2] == span[2] for other in met):
        return Mistake.BOUNDARY
    return Mistake.BOTH if met else Mistake.SPURIOUS


def _overlap(first: TypedSpan, second: TypedSpan) -> bool:
    return first[0] < second[1] and second[0] < first[1]
