"""The mentions that a run yields, without the rounds they stand in.

To count classes and to compare runs, those of all accepted documents are needed at once. Where nothing of a
round was dropped when it was settled, which is most of them, the spans are read as they are stored; no
annotation is built.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Final

from graph.agreement import typed_spans
from graph.objections import INSTANCE_CODES
from graph.store.opening import OpenedRun
from graph.store.settled import settled_annotations
from schemas.annotation import Annotation, TypedSpan
from schemas.judgement import Outcome, Severity

_KEPT: Final = "FROM documents d JOIN decisions e ON e.id = d.decision_id"
_AGREED: Final = f"{_KEPT} JOIN annotations a ON a.round_id = e.round_id AND a.agreed = 1"
_DISPUTED: Final = f"""e.round_id IN (SELECT round_id FROM findings WHERE severity = '{Severity.MAJOR.value}'
    AND code IN ({", ".join(f"'{code.value}'" for code in sorted(INSTANCE_CODES))}))"""


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How often a class occurs in accepted documents."""

    name: str
    mentions: int
    """Instances that have a mention which stands for them; nested ones count."""
    documents: int


def accepted_spans(run: OpenedRun) -> dict[str, frozenset[TypedSpan]]:
    """The mentions of each accepted document as typed spans, by its id.

    The same as `typed_spans` of what `graph.results.accepted` yields.

    Raises:
        StoreError: The run cannot be read.
    """
    rows = run.rows(
        f"""SELECT d.id, m.instance, m.class, m.field, m.start, m."end" {_AGREED}
        LEFT JOIN mentions m ON m.annotation_id = a.id
        WHERE d.outcome = ? AND NOT {_DISPUTED} ORDER BY d.position, m.number""",
        Outcome.ACCEPTED.value,
    )
    found = {document_id: _spans(list(own)) for document_id, own in groupby(rows, key=itemgetter(0))}
    for annotation in _disputed_annotations(run):
        found[annotation.document_id] = typed_spans(annotation)
    return found


def _spans(mentions: list[tuple[str, int, str, str, int | None, int | None]]) -> frozenset[TypedSpan]:
    """Typed spans of an annotation's mentions; the first one of an instance is its anchor."""
    made, last = [], -1
    for _, instance, name, field, start, end in mentions:
        if start is not None and end is not None:
            made.append((start, end, name if instance != last else f"{name}.{field}"))
        last = instance
    return frozenset(made)


def class_counts(run: OpenedRun) -> tuple[ClassCount, ...]:
    """The classes of the accepted documents, the most frequent first.

    Those of undisputed documents are counted by the database, in a quarter of the time.

    Raises:
        StoreError: The run cannot be read.
    """
    mentions: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for name, instances, holders in run.rows(
        f"""SELECT m.class, count(*), count(DISTINCT a.id) {_AGREED} JOIN mentions m ON m.annotation_id = a.id
        WHERE d.outcome = ? AND NOT {_DISPUTED} AND NOT EXISTS (SELECT 1 FROM mentions p
            WHERE p.annotation_id = m.annotation_id AND p.number = m.number - 1 AND p.instance = m.instance)
        GROUP BY m.class""",
        Outcome.ACCEPTED.value,
    ):
        mentions[name], documents[name] = instances, holders
    for annotation in _disputed_annotations(run):
        names = [one.class_name for top in annotation.instances for one in top.walk() if one.anchor]
        mentions.update(names)
        documents.update(set(names))
    made = (ClassCount(name, count, documents[name]) for name, count in mentions.items())
    return tuple(sorted(made, key=lambda each: (-each.mentions, each.name)))


def _disputed_annotations(run: OpenedRun) -> Iterator[Annotation]:
    """What is left of the annotations of accepted documents of which something was dropped."""
    rows = run.rows(f"SELECT e.round_id {_KEPT} WHERE d.outcome = ? AND {_DISPUTED}", Outcome.ACCEPTED.value)
    for _, annotation, _ in settled_annotations(run, [round_id for (round_id,) in rows]):
        yield annotation
