"""What is highlighted in a document's text: mentions of instances, and quotes that are objected to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from guidex.side_by_side import SideBySide
from guidex.viewer.highlights import Highlight
from schemas.annotation import Instance
from schemas.objections import Objection

LOOKS: Final = 8
"""Looks of mentions, as the style sheet has them; of more classes some share one, but no label."""

EVERYTHING: Final = "all"
AGREED: Final = "agreed"


@dataclass(frozen=True, slots=True)
class Mark:
    """A highlight: of an instance's anchor, of another of its mentions, or of a quote that is objected to."""

    id: str
    """Of the element, unique on the page."""
    label: str
    """The class, or `Class.field`; empty for a quote."""
    class_name: str
    look: int
    """From 0 to below `LOOKS`."""
    row: SideBySide | None
    """The instance; None for a quote."""
    is_anchor: bool = False
    """Whether the mention stands for its instance."""
    objection: Objection | None = None
    """The objection; None for an instance."""


def looks_of(names: Sequence[str]) -> Mapping[str, int]:
    """A look for each class, in their order."""
    return {name: number % LOOKS for number, name in enumerate(names)}


def shown(row: SideBySide, what: str) -> bool:
    """Whether an instance is to be shown.

    Args:
        row: The instance.
        what: `EVERYTHING`, `AGREED`, or the number of an annotator, from 1.
    """
    if what == EVERYTHING:
        return True
    return row.agreed if what == AGREED else int(what) - 1 in row.versions


def marks(
    rows: Sequence[SideBySide], objections: Sequence[Objection], looks: Mapping[str, int], what: str
) -> tuple[Highlight[Mark], ...]:
    """All highlights of a round.

    An objection to a mention that is highlighted needs no highlight of its own.

    Args:
        rows: The round's instances.
        objections: All that were raised up to the round.
        looks: Of each class.
        what: Which instances to show, as for `shown`.
    """
    visible = [row for row in rows if shown(row, what)]
    made = [mark for row in visible for mark in _of_instance(row, looks)]
    told = {one.number for row in visible if row.span for one in row.objections}
    made += [
        Highlight(
            *objection.finding.span,
            Mark(
                id=f"q{objection.number}",
                label="",
                class_name=objection.finding.class_name or "",
                look=0,
                row=None,
                objection=objection,
            ),
        )
        for objection in objections
        if objection.finding.span is not None and objection.number not in told
    ]
    return tuple(made)


def places(highlights: Sequence[Highlight[Mark]]) -> Mapping[int, str]:
    """Where each objection is highlighted: its number and the id of the element."""
    found: dict[int, str] = {}
    for each in highlights:
        mark = each.about
        if mark.objection is not None:
            found[mark.objection.number] = mark.id
        elif mark.is_anchor and mark.row is not None:
            found |= {objection.number: mark.id for objection in mark.row.objections}
    return found


def _of_instance(row: SideBySide, looks: Mapping[str, int]) -> Iterator[Highlight[Mark]]:
    anchor = row.instance.anchor
    known: set[tuple[str, tuple[int, int]]] = set()
    for label, span in _spans(row):
        if (label, span) in known:
            continue
        is_anchor = not known and anchor is not None and span == anchor.span
        known.add((label, span))
        yield Highlight(
            *span,
            Mark(
                id=f"m{row.number}" if is_anchor else f"m{row.number}-{len(known)}",
                label=label,
                class_name=row.instance.class_name,
                look=looks.get(row.instance.class_name, 0),
                row=row,
                is_anchor=is_anchor,
            ),
        )


def _spans(row: SideBySide) -> Iterator[tuple[str, tuple[int, int]]]:
    """Labels and spans of all its mentions in all its versions; what stands for the instance comes first."""
    for version in row.versions.values():
        for part in version.walk():
            for number, mention in enumerate(part.mentions):
                if mention.span is not None:
                    yield _label(part, number), mention.span


def _label(part: Instance, number: int) -> str:
    return part.class_name if number == 0 else f"{part.class_name}.{part.mentions[number].field}"
