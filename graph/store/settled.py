"""What annotators agree on in many rounds at once, with what the critic holds against it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from graph.deciding import undisputed
from graph.objections import INSTANCE_CODES
from graph.store.annotations import rebuild
from graph.store.opening import OpenedRun
from schemas.annotation import Annotation
from schemas.judgement import Finding, FindingCode, Severity

_PAGE = 500
"""Rounds read at once, so that many of them take few statements and little memory."""


def settled_annotations(run: OpenedRun, round_ids: Sequence[int]) -> Iterator[tuple[int, Annotation, int]]:
    """The agreed annotations of rounds, settled.

    Args:
        run: The run.
        round_ids: Rows of rounds.

    Yields:
        The round, its agreed annotation without disputed instances, and how many instances it had before.
    """
    for start in range(0, len(round_ids), _PAGE):
        yield from _page(run, json.dumps(list(round_ids[start : start + _PAGE])))


def _page(run: OpenedRun, round_ids: str) -> Iterator[tuple[int, Annotation, int]]:
    annotations = run.rows(
        """SELECT id, round_id, document_id, annotator, instances, unknown_classes FROM annotations
        WHERE round_id IN (SELECT value FROM json_each(?)) AND agreed = 1 ORDER BY round_id""",
        round_ids,
    )
    mentions: dict[int, list[tuple[object, ...]]] = {}
    for annotation_id, *mention in run.rows(
        """SELECT annotation_id, instance, field, coalesce(quote, surface), occurrence, start, "end", status
        FROM mentions WHERE annotation_id IN (SELECT value FROM json_each(?))
        ORDER BY annotation_id, number""",
        json.dumps([row[0] for row in annotations]),
    ):
        mentions.setdefault(annotation_id, []).append(tuple(mention))
    disputed = _disputed(run, round_ids)
    for annotation_id, round_id, document_id, annotator, instances, unknown in annotations:
        of_annotation = mentions.get(annotation_id, ())
        agreed = rebuild(document_id, annotator, instances, unknown, of_annotation)
        left = undisputed(agreed, disputed.get(round_id, ()))
        yield round_id, agreed.model_copy(update={"instances": left}), len(agreed.instances)


def _disputed(run: OpenedRun, round_ids: str) -> dict[int, list[Finding]]:
    """The major findings about instances, by round."""
    found: dict[int, list[Finding]] = {}
    for round_id, code, raised_by, class_name, quote, start, end in run.rows(
        """SELECT round_id, code, raised_by, class_name, quote, start, "end" FROM findings
        WHERE round_id IN (SELECT value FROM json_each(?1)) AND severity = ?2
            AND code IN (SELECT value FROM json_each(?3))""",
        round_ids,
        Severity.MAJOR.value,
        json.dumps([code.value for code in INSTANCE_CODES]),
    ):
        found.setdefault(round_id, []).append(
            Finding(
                code=FindingCode(code),
                severity=Severity.MAJOR,
                raised_by=raised_by,
                class_name=class_name,
                quote=quote,
                start=start,
                end=end,
            )
        )
    return found
