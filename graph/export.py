"""Accepted data as rows: GuideX and GoLLIE training texts, or plain records with offsets.

This is the last place before data leaves GuideX, so every mention is checked once more: what is not
verbatim at its offsets is not written.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from graph.store.opening import OpenedRun
from graph.store.versions import thresholds_of_version, version_in_force
from graph.whole_files import whole_file
from schemas.annotation import Instance, Value
from schemas.dialect import Flavour, render, split_prompt
from schemas.documents import Document
from schemas.errors import DialectError, StoreError
from schemas.example_bank import SharedSchema, own_phrases
from schemas.grounded import UngroundedError, require_grounded, surface
from schemas.restriction import restricted
from schemas.rounds import Round

Row = dict[str, Any]
"""One line of an export, ready for JSON."""

TASK_ID = "guidex_ie"
"""Data set and task, joined as GoLLIE does."""

SCORER_CLS = "src.tasks.guidex.scorer.GuidexScorer"
"""Where GoLLIE would look for a scorer, by its naming rule. Its trainer reads it for test sets only."""

# str.splitlines breaks lines at these; JSON leaves them as they are, so they are escaped.
_LINE_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class ExportFormat(StrEnum):
    """What an export is written for."""

    GUIDEX = "guidex"
    GOLLIE = "gollie"
    JSONL = "jsonl"


def rows(
    accepted: Iterable[tuple[Document, Round]],
    export_format: ExportFormat,
    shared: SharedSchema | None = None,
    versions: Mapping[str, int] | None = None,
) -> Iterator[Row]:
    """Make one row of every accepted document, lazily.

    `guidex` and `gollie` rows have the keys of the GuideX data set: `ids` (the document's id, in a list),
    `task_id`, `scorer_cls`, `labels` (the result list as code), `text` (prompt and result in the flavour)
    and `unlabelled_sentence` (the document, unchanged). `jsonl` rows have the document, its schema with
    guidelines, the instances with their offsets in code points, the classes whose absence proves nothing
    (`unknown_classes`), the scores, and which version of decisions accepted it (`decision_version`).

    In training rows these classes are left out with their instances: a mention that was dropped in dispute
    would else be learnt as none. One that a field of another class refers to stays, as the other could not be
    written without it. A document that has no other classes gives no row.

    Args:
        accepted: Documents with the round that was kept.
        export_format: Which rows.
        shared: The schema of all documents; each row is shown phrases of other documents in its guidelines.
            None leaves guidelines as they were annotated by.
        versions: Of the decision on each document, by id; those that are missing have none.

    Raises:
        StoreError: A mention is not verbatim at its offsets, or an instance does not fit its schema.
    """
    for document, kept in accepted:
        try:
            for instance in kept.agreed.instances:
                require_grounded(instance, kept.annotation_schema, document.text)
            if shared is not None:
                kept = _with_examples(kept, shared)
            if export_format is ExportFormat.JSONL:
                yield _record(document, kept, (versions or {}).get(document.id))
            elif (settled := _without_unknown(kept)) is not None:
                yield _training_row(document, settled, Flavour(export_format.value))
        except (DialectError, UngroundedError) as error:
            raise StoreError(
                f"Document {document.id!r} cannot be exported: {error}",
                "The run database holds data that does not pass its own checks; run the document again.",
            ) from error


def _without_unknown(kept: Round) -> Round | None:
    """The round without the classes whose absence proves nothing; None if there are no others."""
    unknown = set(kept.agreed.unknown_classes)
    names = [name for name in kept.annotation_schema.names if name not in unknown]
    if not names:
        return None
    schema, agreed = restricted(kept.annotation_schema, kept.agreed, names)
    return kept.model_copy(update={"annotation_schema": schema, "agreed": agreed})


def _with_examples(kept: Round, shared: SharedSchema) -> Round:
    schema = shared.given_to(kept.agreed.document_id, own_phrases(kept), salt=kept.agreed.document_id)
    return kept.model_copy(update={"annotation_schema": schema})


def _training_row(document: Document, kept: Round, flavour: Flavour) -> Row:
    text = render(kept.annotation_schema, kept.agreed, document.text, flavour)
    return {
        "ids": [document.id],
        "task_id": TASK_ID,
        "scorer_cls": SCORER_CLS,
        "labels": split_prompt(text)[1].strip(),
        "text": text,
        "unlabelled_sentence": document.text,
    }


def _record(document: Document, kept: Round, version: int | None) -> Row:
    schema = kept.annotation_schema
    return {
        "id": document.id,
        "text": document.text,
        "source": document.source,
        "meta": document.meta,
        "domain": schema.domain,
        "schema": schema.model_dump(mode="json")["classes"],
        "instances": [_instance_record(instance, document.text) for instance in kept.agreed.instances],
        "unknown_classes": list(kept.agreed.unknown_classes),
        "scores": kept.scores.model_dump(mode="json"),
        "decision_version": version,
    }


def _instance_record(instance: Instance, text: str) -> Row:
    return {
        "class": instance.class_name,
        "values": {name: _value_record(value, text) for name, value in instance.values.items()},
        "mentions": [
            {
                "field": mention.field,
                "start": mention.start,
                "end": mention.end,
                "surface": surface(mention, text),
                "quote": mention.quote,
                "status": mention.status.value,
            }
            for mention in instance.mentions
        ],
    }


def _value_record(value: Value, text: str) -> object:
    if isinstance(value, tuple):
        return [_value_record(item, text) for item in value]
    return _instance_record(value, text) if isinstance(value, Instance) else value


def about(run: OpenedRun, export_format: ExportFormat, count: int) -> Row:
    """What an export holds: of which run, and which version of decisions accepted it, by which thresholds.

    Args:
        run: The run.
        export_format: Of its rows.
        count: How many there are.
    """
    ((identifier, name),) = run.rows("SELECT id, name FROM runs")
    version = version_in_force(run)
    return {
        "run": name,
        "run_id": identifier,
        "format": export_format.value,
        "rows": count,
        "decision_version": version,
        "thresholds": thresholds_of_version(run, version).model_dump(mode="json"),
    }


def about_file(path: Path) -> Path:
    """Where it is told what an export holds."""
    return path.with_name(f"{path.name}.about.json")


def write_export(made: Iterable[Row], path: Path) -> int:
    """Write rows as JSON lines (UTF-8, LF), all or nothing, and return how many.

    Numbers that JSON does not have (NaN, infinity) are written as null.

    Raises:
        StoreError: The file cannot be written, or a row cannot be made; nothing is left behind.
    """
    count = 0
    with whole_file(path, "export") as file:
        for row in made:
            file.write(_line(row))
            count += 1
    return count


def _line(row: Row) -> bytes:
    try:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    except ValueError:
        line = json.dumps(_finite(row), ensure_ascii=False, allow_nan=False)
    # A lone surrogate can only come from a document's metadata; its escape is valid JSON.
    return f"{line.translate(_LINE_BREAKS)}\n".encode("utf-8", "backslashreplace")


def _finite(value: object) -> object:
    """A copy of a row in which numbers that JSON does not have are None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value
