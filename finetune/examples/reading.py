"""Exported files as sources: `guidex export` in the formats guidex, gollie and jsonl.

A file may have been changed by anyone: code in it is read by the closed parser of the dialect, and each
mention is looked up in its text again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from finetune.examples.models import Source
from schemas.annotation import Annotation, Instance, Mention
from schemas.dialect import parse
from schemas.documents import text_id
from schemas.errors import DialectError, DocumentError
from schemas.grounded import UngroundedError, require_grounded
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema

_REMEDY = "Give a file that `guidex export` has written, in format guidex, gollie or jsonl."


_ANNOTATOR = "agreed"

LICENCE = ("license", "licence")
"""Keys of a document's record that may say its licence."""

CREDIT = ("source", "url")
"""Keys of a document's record that may say where it is from."""


def said(record: Mapping[str, Any], *keys: str) -> str:
    """What a document's record says, as text, under the first of some keys that says anything; else empty."""
    return next((each for each in map(record.get, keys) if isinstance(each, str) and each), "")


class _Fault(Exception):
    """What is wrong with a line, in words."""


def read_sources(path: Path) -> Iterator[Source]:
    """The rows of an exported file as sources, in their order.

    Raises:
        DocumentError: The file cannot be read, or a line is no such row, or a mention does not stand where it
            says; the message names the line.
    """
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read(line, f"{path.as_posix()}:{number}")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DocumentError(f"{path} cannot be read: {reason}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path} is not UTF-8.", _REMEDY) from error


def _read(line: str, place: str) -> Source:
    try:
        row = json.loads(line)
        if not isinstance(row, Mapping):
            raise _Fault("the line is no JSON object")
        if "schema" in row:
            return _of_record(row)
        if "ids" in row:
            return _of_training_row(row)
        raise _Fault("the line is no row of an export")
    except (_Fault, DialectError) as fault:
        raise DocumentError(f"{place}: {str(fault).rstrip('.')}.", _REMEDY) from fault
    except ValidationError as error:
        what = error.errors()[0]
        where = ".".join(map(str, what["loc"]))
        raise DocumentError(f"{place}: {where}: {what['msg']}", _REMEDY) from error
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"{place} is no JSON that can be read.", _REMEDY) from error


def _of_training_row(row: Mapping[str, Any]) -> Source:
    code, ids = row.get("text"), row["ids"]
    if not isinstance(code, str) or not isinstance(ids, list) or len(ids) != 1:
        raise _Fault("a training row has one id and its text")
    parsed = parse(code)
    if parsed.schema is None or parsed.text is None or parsed.instances is None:
        raise _Fault("the text has no classes, no `text` or no `result`")
    found = ground_all(parsed.instances, parsed.schema, TextIndex(parsed.text))
    annotation = Annotation(document_id=str(ids[0]), annotator=_ANNOTATOR, instances=found)
    return _grounded(
        Source(id=str(ids[0]), text=parsed.text, annotation_schema=parsed.schema, annotation=annotation)
    )


def _of_record(row: Mapping[str, Any]) -> Source:
    text, instances, unknown = row.get("text"), row.get("instances"), row.get("unknown_classes") or []
    if not isinstance(text, str) or not isinstance(instances, list) or not isinstance(unknown, list):
        raise _Fault("a record has a text, a list of instances and one of unknown classes")
    schema = AnnotationSchema.model_validate({"domain": row.get("domain", ""), "classes": row["schema"]})
    identifier = str(row.get("id", "")) or text_id(text)
    annotation = Annotation(
        document_id=identifier,
        annotator=_ANNOTATOR,
        instances=tuple(_instance(one) for one in instances),
        unknown_classes=tuple(unknown),
    )
    meta = row.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    return _grounded(
        Source(
            id=identifier,
            text=text,
            annotation_schema=schema,
            annotation=annotation,
            licence=said(meta, *LICENCE),
            credit=said(meta, *CREDIT),
        )
    )


def _grounded(source: Source) -> Source:
    """The source, if everything in it stands in its text."""
    try:
        for instance in source.annotation.instances:
            require_grounded(instance, source.annotation_schema, source.text)
    except UngroundedError as error:
        raise _Fault(str(error)) from error
    return source


def _instance(data: object) -> Instance:
    if not isinstance(data, Mapping) or not isinstance(data.get("values"), Mapping):
        raise _Fault("an instance has a class and values")
    mentions = data.get("mentions") or []
    if not isinstance(mentions, list):
        raise _Fault("the mentions of an instance are no list")
    return Instance(
        class_name=data.get("class"),
        values={str(key): _value(value) for key, value in data["values"].items()},
        mentions=tuple(map(_mention, mentions)),
    )


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return tuple(map(_value, value))
    return _instance(value) if isinstance(value, Mapping) else value


def _mention(data: object) -> Mention:
    if not isinstance(data, Mapping):
        raise _Fault("a mention is no JSON object")
    return Mention.model_validate({key: value for key, value in data.items() if key != "surface"})
