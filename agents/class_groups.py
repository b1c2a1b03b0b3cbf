"""Classes in groups, for models that lose the thread over many of them.

Small models find more when a prompt asks for few classes with close siblings among them: IEPile (Gui et al.
2024, arXiv 2402.14710) splits schemas so, into groups of four to six.
"""

from __future__ import annotations

from collections.abc import Sequence

from schemas.schema import AnnotationSchema, ClassSpec


def class_groups(
    schema: AnnotationSchema, order: Sequence[str], at_once: int | None
) -> tuple[tuple[str, ...], ...]:
    """The classes in groups whose sizes differ by one at most.

    A group begins with the first class that is left, and takes the classes that are bound to it: those that
    guidelines tell apart from one of it, and those that hold instances of one another. Then come the next in
    order.

    Args:
        schema: The classes.
        order: Their names in the order they are shown; kept within each group.
        at_once: Most classes of a group; None for one group of all.
    """
    if at_once is None or len(order) <= at_once:
        return (tuple(order),)
    left, groups = list(order), []
    for more in range(-(-len(order) // at_once), 0, -1):
        group = [left.pop(0)]
        for _ in range(-(-(len(left) + 1) // more) - 1):
            bound = (name for name in left if any(_bound(schema, name, other) for other in group))
            group.append(next(bound, left[0]))
            left.remove(group[-1])
        groups.append(tuple(name for name in order if name in group))
    return tuple(groups)


def _bound(schema: AnnotationSchema, first: str, second: str) -> bool:
    return second in _named_by(schema.get(first)) or first in _named_by(schema.get(second))


def _named_by(spec: ClassSpec | None) -> frozenset[str | None]:
    """Classes that a class's guideline tells it apart from, or that its fields hold."""
    if spec is None:
        return frozenset()
    siblings = {contrast.sibling for contrast in spec.guideline.contrast}
    return frozenset(siblings | {field.type.class_name for field in spec.fields})
