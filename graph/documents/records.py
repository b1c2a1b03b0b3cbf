"""From a record, as a format's reader found it, to a document or the reason why it is none."""

from __future__ import annotations

import json
import math
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import JsonValue, ValidationError

from graph.documents.naming import DataSetName
from schemas.documents import Document, Unreadable

MAX_ID = 512
"""Longest id, in characters, as `Document.id` allows."""


@dataclass(frozen=True)
class Source:
    """A file to read, or a data set.

    Attributes:
        path: Where it is.
        file: The same as messages and documents name it; always valid Unicode.
        name: Its path below the folder that was named, with its ending but without that of its packing; id of
            a file that is one document.
        format: Key of its format's reader: a file's ending, in lower case.
        packing: Ending of its packing, in lower case; empty if it is not packed.
        data_set: What it is, if it is no file but a data set of Hugging Face.
    """

    path: Path
    file: str
    name: str
    format: str
    packing: str = ""
    data_set: DataSetName | None = None


@dataclass(frozen=True)
class Record:
    """One record of a file.

    Attributes:
        file: The file, as messages name it.
        line: Line, row or place in the list, from 1; None where the file is one record.
        value: What stands there: fields, or the text alone.
        fault: Why nothing could be read there; `value` is None then.
        name: Id of a record that is a whole file.
    """

    file: str
    line: int | None
    value: Mapping[str, Any] | str | None
    fault: str = ""
    name: str | None = None

    @property
    def place(self) -> str:
        """File and line, for people."""
        return self.file if self.line is None else f"{self.file}:{self.line}"

    def has_id(self, id_field: str) -> bool:
        """Whether the record names its document, so that no hash of the text is needed."""
        given = self.value.get(id_field) if isinstance(self.value, Mapping) else None
        return (self.name if given is None else given) not in (None, "")

    def unreadable(self, reason: str) -> Unreadable:
        """This record, which is no document."""
        return Unreadable(source=self.file, line=self.line, reason=reason)


def document_from(record: Record, text_field: str, id_field: str) -> Document | Unreadable:
    """The document that a record holds. Its other fields go to `meta`."""
    if record.value is None:
        return record.unreadable(record.fault)
    fields = {text_field: record.value} if isinstance(record.value, str) else dict(record.value)
    if text_field not in fields:
        return record.unreadable(f"there is no field {text_field!r} ({_known(fields)})")
    text, given = fields.pop(text_field), fields.pop(id_field, record.name)
    fault = _text_fault(text, text_field) or _id_fault(given, id_field) or _meta_fault(fields)
    if fault:
        return record.unreadable(fault)
    identity = "" if given is None else str(given)
    try:
        return Document(id=identity, text=text, source=record.place, meta=fields)
    except ValidationError as error:  # what the checks above have no words for
        return record.unreadable(f"it is no document: {printable(error.errors()[0]['msg'])}")


def json_compatible(value: Any) -> JsonValue:
    """A value of a typed format as JSON has it: dates in ISO form, bytes and what is no number as None."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, bytes):
        return None
    if isinstance(value, Mapping):
        return {str(key): json_compatible(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_compatible(item) for item in value]
    isoformat = getattr(value, "isoformat", None)  # date, time, datetime and their kin
    return str(isoformat() if isoformat is not None else value)


def _text_fault(text: object, field: str) -> str:
    if text is None:
        return f"the field {field!r} is null"
    if not isinstance(text, str):
        return f"the field {field!r} is no text but {type(text).__name__}"
    if not text.strip():
        return "the text is empty"
    surrogate = _lone_surrogate(text)
    if surrogate is not None:
        return f"the text is no valid Unicode: a lone surrogate at character {surrogate + 1}"
    return ""


def _id_fault(given: object, field: str) -> str:
    if given is None:
        return ""
    if isinstance(given, bool) or not isinstance(given, str | int):
        return f"the id in field {field!r} is neither text nor a whole number"
    if isinstance(given, int) and abs(given) >= 10**MAX_ID:
        return f"the id is longer than {MAX_ID} characters"
    if len(str(given)) > MAX_ID:
        return f"the id is longer than {MAX_ID} characters"
    # Ids are printed and stand in tables; a terminal must find nothing to act on in them.
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in str(given)):
        return "the id holds control characters"
    if given != "" and not str(given).strip():
        return "the id is blank"
    return ""


def _meta_fault(fields: Mapping[str, Any]) -> str:
    for name, value in fields.items():
        try:
            json.dumps({name: value}, ensure_ascii=False, allow_nan=False).encode()
        except (TypeError, ValueError, RecursionError):
            return f"the field {printable(name[:40])!r} is no JSON value, or not valid Unicode"
    return ""


def _lone_surrogate(text: str) -> int | None:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _known(fields: Mapping[str, Any]) -> str:
    names = ", ".join(printable(str(name)[:40]) for name in list(fields)[:8])
    return f"fields: {names}" if names else "it has no fields"


def printable(text: str) -> str:
    """Text for messages: what a terminal would act on becomes '?'."""
    return "".join(character if character.isprintable() else "?" for character in text)
