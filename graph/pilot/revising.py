"""Revising guidelines within a change budget: what worked stays as it is.

A rule is a definition, a boundary, or one entry of include, exclude or contrast. Changing, adding or removing
one is one change.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from math import floor
from typing import TypeVar

from schemas.schema import AnnotationSchema, ClassSpec, Contrast, Guideline

_R = TypeVar("_R", bound=Hashable)

_SINGLE = ("definition", "boundary")
_LISTS = ("exclude", "include", "contrast")


def rules(guideline: Guideline) -> tuple[tuple[str, str | Contrast], ...]:
    """The rules of a class, each with the part of the guideline it belongs to."""
    return tuple((part, rule) for part in (*_SINGLE, *_LISTS) for rule in _of(guideline, part))


def changes(old: AnnotationSchema, new: AnnotationSchema) -> int:
    """How many rules differ between two versions of a schema of the same classes."""
    return sum(
        _differing(_of(before.guideline, part), _of(after.guideline, part))
        for before, after in zip(old.classes, new.classes, strict=True)
        for part in (*_SINGLE, *_LISTS)
    )


def allowance(schema: AnnotationSchema, budget: float) -> int:
    """How many rules of a schema one revision may change: the budget's fraction of them, at least one."""
    return max(1, floor(budget * sum(len(rules(spec.guideline)) for spec in schema.classes)))


def revised(
    old: AnnotationSchema, new: AnnotationSchema, classes: Collection[str], most: int
) -> AnnotationSchema:
    """Take over as many changes as allowed, to these classes in the order given; the rest stays as it was.

    Args:
        old: The schema so far.
        new: The same classes with other guidelines.
        classes: Whose rules may change.
        most: Most changes.
    """
    made: dict[str, ClassSpec] = {}
    left = most
    for name in classes:
        before, after = old.get(name), new.get(name)
        if before is None or after is None:
            continue
        update: dict[str, object] = {}
        for part in (*_LISTS, *_SINGLE):
            taken, count = _taken_over(_of(before.guideline, part), _of(after.guideline, part), left)
            left -= count
            update[part] = taken if part in _LISTS else "".join(map(str, taken))
        made[name] = before.model_copy(update={"guideline": before.guideline.model_copy(update=update)})
    return old.model_copy(update={"classes": tuple(made.get(spec.name, spec) for spec in old.classes)})


def _of(guideline: Guideline, part: str) -> tuple[str | Contrast, ...]:
    value = getattr(guideline, part)
    if part in _LISTS:
        return tuple(value)
    return (value,) if value else ()


def _differing(old: Sequence[Hashable], new: Sequence[Hashable]) -> int:
    before, after = Counter(old), Counter(new)
    return max((before - after).total(), (after - before).total())


def _taken_over(old: tuple[_R, ...], new: tuple[_R, ...], most: int) -> tuple[tuple[_R, ...], int]:
    """The old rules with at most so many of the changes to the new ones, and how many those were."""
    before, after = Counter(old), Counter(new)
    gone, come = list((before - after).elements()), list((after - before).elements())
    count = min(most, max(len(gone), len(come)))
    result = list(old)
    for number in range(count):
        if number < len(gone) and number < len(come):
            result[result.index(gone[number])] = come[number]
        elif number < len(gone):
            result.remove(gone[number])
        else:
            result.append(come[number])
    return tuple(result), count
