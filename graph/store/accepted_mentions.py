"""The mentions that a run yields, without the rounds they stand in.

They are what `graph.deciding.settle` leaves of the rounds that were kept, in a small part of the time that it
takes to build the rounds: to count classes and to compare runs, all of them are needed at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, Final, NamedTuple

from graph.objections import INSTANCE_CODES
from graph.store.opening import OpenedRun
from schemas.judgement import Outcome, Severity

_KEPT: Final = """FROM documents d JOIN decisions e ON e.id = d.decision_id
    JOIN annotations a ON a.round_id = e.round_id AND a.agreed = 1"""
_DISPUTING: Final = f"""f.severity = '{Severity.MAJOR.value}'
    AND f.code IN ({", ".join(f"'{code.value}'" for code in sorted(INSTANCE_CODES))})"""

_IS_DISPUTED: Final = f"EXISTS (SELECT 1 FROM findings f WHERE f.round_id = e.round_id AND {_DISPUTING})"


class AcceptedMention(NamedTuple):
    """A mention of an accepted document."""

    class_name: str
    """Of its instance."""
    field: str
    span: tuple[int, int] | None
    """Code points; None where it was not found."""
    is_anchor: bool
    """Whether it stands for its instance."""


_Mention = tuple[str, int, str, str, int | None, int | None, str]
"""Document, instance, class, field, start, end and surface."""


def accepted_mentions(
    run: OpenedRun, *, disputed_only: bool = False
) -> dict[str, tuple[AcceptedMention, ...]]:
    """The mentions of each accepted document by its id, those of dropped instances left out.

    Args:
        run: The run.
        disputed_only: Leave out the documents in whose round nothing is disputed: most of them.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        f"""SELECT d.id, m.instance, m.class, m.field, m.start, m."end", m.surface {_KEPT}
        LEFT JOIN mentions m ON m.annotation_id = a.id
        WHERE d.outcome = ? {f"AND {_IS_DISPUTED}" if disputed_only else ""}
        ORDER BY d.position, m.number""",
        Outcome.ACCEPTED.value,
    )
    disputes = _disputes(run)
    trees = _trees(run) if disputes else {}
    found = {}
    for document_id, own in groupby(rows, key=itemgetter(0)):
        mentions = [row for row in own if row[1] is not None]
        if document_id in disputes:
            mentions = _undisputed(mentions, disputes[document_id], trees[document_id])
        found[document_id] = tuple(_in_order(mentions))
    return found


def undisputed_classes(run: OpenedRun) -> tuple[tuple[str, int, int], ...]:
    """Classes, instances and documents with such, of accepted documents in which nothing is disputed.

    Instances count that have a mention which stands for them, nested ones included.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        f"""SELECT m.class, count(*), count(DISTINCT a.id) {_KEPT} JOIN mentions m ON m.annotation_id = a.id
        WHERE d.outcome = ? AND NOT {_IS_DISPUTED} AND NOT EXISTS (SELECT 1 FROM mentions p
            WHERE p.annotation_id = m.annotation_id AND p.number = m.number - 1 AND p.instance = m.instance)
        GROUP BY m.class ORDER BY min(d.position), m.class""",
        Outcome.ACCEPTED.value,
    )
    return tuple(rows)


def _in_order(mentions: list[_Mention]) -> Iterator[AcceptedMention]:
    last = -1
    for _, instance, name, field, start, end, _ in mentions:
        yield AcceptedMention(name, field, _span(start, end), instance != last)
        last = instance


def _undisputed(mentions: list[_Mention], disputed: set[object], tops: list[int]) -> list[_Mention]:
    """The mentions without those of instances that are objected to, and of those nested in these."""
    dropped, last = set(), -1
    for _, instance, name, _, start, end, surface in mentions:
        is_top_anchor = instance != last and tops[instance] == instance
        if is_top_anchor and not disputed.isdisjoint({(name, _span(start, end)), (name, surface)}):
            dropped.add(instance)
        last = instance
    return [mention for mention in mentions if tops[mention[1]] not in dropped]


def _span(start: int | None, end: int | None) -> tuple[int, int] | None:
    return None if start is None or end is None else (start, end)


def _disputes(run: OpenedRun) -> dict[str, set[object]]:
    """What is objected to in accepted documents: classes, each with a place or else with words."""
    found: dict[str, set[object]] = {}
    for document_id, name, start, end, quote in run.rows(
        f"""SELECT d.id, f.class_name, f.start, f."end", f.quote
        FROM documents d JOIN decisions e ON e.id = d.decision_id JOIN findings f ON f.round_id = e.round_id
        WHERE d.outcome = ? AND {_DISPUTING}""",
        Outcome.ACCEPTED.value,
    ):
        found.setdefault(document_id, set()).add((name, _span(start, end) or quote))
    return found


def _trees(run: OpenedRun) -> dict[str, list[int]]:
    """Of the accepted documents with disputes: for each instance, nested ones included, the one it is in."""
    rows = run.rows(
        f"SELECT d.id, a.instances {_KEPT} WHERE d.outcome = ? AND {_IS_DISPUTED}",
        Outcome.ACCEPTED.value,
    )
    found: dict[str, list[int]] = {}
    for document_id, instances in rows:
        tops = found.setdefault(document_id, [])
        for instance in json.loads(instances):
            tops.extend([len(tops)] * _size(instance))
    return found


def _size(instance: dict[str, Any]) -> int:
    """How many instances one is, those nested in it counted."""
    values = instance["values"].values()
    items = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return 1 + sum(_size(item) for item in items if isinstance(item, dict))
