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
from schemas.annotation import Annotation, Instance, Mention, MentionStatus, Value
from schemas.dialect import parse
from schemas.errors import DialectError, DocumentError
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema

_REMEDY = "Give a file that `guidex export` has written, in format guidex, gollie or jsonl."


class _Fault(Exception):
    """What is wrong with a line, in words."""


def read_sources(path: Path) -> Iterator[Source]:
    """The rows of an exported file as sources, in their order.

    Raises:
        DocumentError: The file cannot be read, or a line is no such row, or a mention does not stand where it
            says; the message names the line.
    """
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield _read(line, number, path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise DocumentError(f"{path} cannot be read: {reason}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"{path} is not UTF-8.", _REMEDY) from error


def _read(line: str, number: int, path: Path) -> Source:
    place = f"{path.as_posix()}:{number}"
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
        raise DocumentError(f"{place}: {fault}", _REMEDY) from fault
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
    for one in (each for top in found for each in top.walk()):
        for mention in one.mentions:
            if mention.status is MentionStatus.NOT_FOUND:
                raise _Fault(f"{one.class_name} {mention.quote[:60]!r} does not stand in its text")
    annotation = Annotation(document_id=str(ids[0]), annotator="agreed", instances=found)
    return Source(id=str(ids[0]), text=parsed.text, annotation_schema=parsed.schema, annotation=annotation)


def _of_record(row: Mapping[str, Any]) -> Source:
    schema = AnnotationSchema.model_validate({"domain": row.get("domain", ""), "classes": row["schema"]})
    text = row.get("text")
    if not isinstance(text, str) or not isinstance(row.get("instances"), list):
        raise _Fault("a record has a text and a list of instances")
    annotation = Annotation(
        document_id=str(row.get("id", "")),
        annotator="agreed",
        instances=tuple(_instance(one, schema, text) for one in row["instances"]),
        unknown_classes=tuple(row.get("unknown_classes") or ()),
    )
    meta = row.get("meta")
    meta = meta if isinstance(meta, Mapping) else {}
    return Source(
        id=annotation.document_id,
        text=text,
        annotation_schema=schema,
        annotation=annotation,
        licence=str(meta.get("license") or meta.get("licence") or ""),
        credit=str(meta.get("source") or meta.get("url") or ""),
    )


def _instance(data: object, schema: AnnotationSchema, text: str) -> Instance:
    if not isinstance(data, Mapping) or not isinstance(data.get("values"), Mapping):
        raise _Fault("an instance has a class and values")
    name = data.get("class")
    if not isinstance(name, str) or schema.get(name) is None:
        raise _Fault(f"the schema has no class {str(name)[:60]!r}")
    values = {str(key): _value(value, schema, text) for key, value in data["values"].items()}
    mentions = tuple(_mention(one, text) for one in data.get("mentions") or ())
    return Instance(class_name=name, values=values, mentions=mentions)


def _value(value: Any, schema: AnnotationSchema, text: str) -> Value:
    if isinstance(value, list):
        return tuple(_value(item, schema, text) for item in value)  # type: ignore[misc]
    return _instance(value, schema, text) if isinstance(value, Mapping) else value


def _mention(data: object, text: str) -> Mention:
    if not isinstance(data, Mapping):
        raise _Fault("a mention is no JSON object")
    mention = Mention.model_validate({key: value for key, value in data.items() if key != "surface"})
    if mention.span is None or text[slice(*mention.span)] != data.get("surface"):
        raise _Fault(f"{str(data.get('surface'))[:60]!r} does not stand at {mention.start}")
    return mention
