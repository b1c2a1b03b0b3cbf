"""Schemas that people write: Python classes or JSON, read without executing anything."""

from __future__ import annotations

from typing import NamedTuple

from schemas.dialect import Limits, parse
from schemas.errors import DialectError, UsageError
from schemas.given_json import read_json
from schemas.schema import AnnotationSchema, ClassSpec

MOST_CHARACTERS = 1_000_000
"""Longest schema that is read; those of people have some thousand characters."""

_MOST_CLASSES = 200
_DEEPEST = 12
"""Classes within classes, as deep as instances can be written in the code dialect."""
_MOST_PLACES = 1_000
"""Places of nested classes in an annotator's answer."""

_REMEDIES = {
    "py": "Keep only dataclasses or Pydantic models with docstrings and typed fields, enumerations of "
    "strings and imports in the file; nothing in it is executed.",
    "json": 'Write {"classes": [{"name": "Drug", "definition": "A medicine.", "fields": ["span", "dose"]}]}, '
    "a list of names, or names with their definitions.",
}


class GivenSchema(NamedTuple):
    """A schema as it was read.

    Attributes:
        annotation_schema: Its classes.
        notes: What was taken otherwise than it was written, in sentences.
    """

    annotation_schema: AnnotationSchema
    notes: tuple[str, ...]


def read_schema(text: str, file: str) -> GivenSchema:
    """Read the text of a schema file.

    Python (`.py`) is read by the code dialect's reader: dataclasses, Pydantic models and GoLLIE's entities,
    with docstrings as guidelines. JSON (`.json`) may be a dump of an `AnnotationSchema`, the same with
    definitions for guidelines and types in words, a list of names, or names with their definitions.

    Args:
        text: What stands in the file.
        file: Its name, whose ending says what it is; for messages, too.

    Raises:
        UsageError: It is none of these; the message says where and why.
    """
    ending = file.rpartition(".")[2].lower()
    if ending not in _REMEDIES:
        raise UsageError(f"{file} is neither Python nor JSON by its name.", "Name it .py or .json.")
    try:
        if len(text) > MOST_CHARACTERS:
            raise DialectError(f"more than {MOST_CHARACTERS:,} characters.")
        given = _read_python(text) if ending == "py" else GivenSchema(*read_json(text))
        _check(given.annotation_schema)
    except DialectError as error:
        raise UsageError(f"{file}: {error}", _REMEDIES[ending]) from error
    return given


def _read_python(text: str) -> GivenSchema:
    parsed = parse(text, limits=Limits(characters=MOST_CHARACTERS, classes=_MOST_CLASSES))
    if parsed.schema is None:
        raise DialectError("there is no class in it.")
    extra = parsed.text is not None or parsed.instances is not None
    return GivenSchema(parsed.schema, ("Its text and its result were left out.",) if extra else ())


def _check(schema: AnnotationSchema) -> None:
    """Refuse what no annotator's answer has room for."""
    if len(schema.classes) > _MOST_CLASSES:
        raise DialectError(f"more than {_MOST_CLASSES} classes.")
    places = 0
    waiting: list[tuple[ClassSpec, tuple[str, ...]]] = [(spec, ()) for spec in schema.classes]
    while waiting:
        spec, above = waiting.pop()
        within = (*above, spec.name)
        if len(within) > _DEEPEST:
            raise DialectError(f"classes are nested more than {_DEEPEST} deep: {', '.join(within[:3])}, ...")
        nested = (field.type.class_name for field in spec.fields if field.type.class_name not in within)
        for inner in filter(None, map(schema.get, filter(None, nested))):
            places += 1
            if places > _MOST_PLACES:
                raise DialectError(f"classes refer to each other in more than {_MOST_PLACES:,} ways.")
            waiting.append((inner, within))
