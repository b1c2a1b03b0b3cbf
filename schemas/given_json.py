"""Schemas in JSON: a dump of our own, or what a person writes by hand."""

from __future__ import annotations

import ast
import contextlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import AliasChoices, Field, ValidationError, field_validator

from schemas.base import Model, Prose
from schemas.dialect.types import read_type
from schemas.errors import DialectError
from schemas.lint import class_name_from
from schemas.schema import (
    SPAN,
    AnnotationSchema,
    ClassSpec,
    Contrast,
    FieldSpec,
    FieldType,
    Guideline,
    Kind,
    require_identifier,
)

_IN_OTHER_WORDS = {
    "extra_forbidden": "this key is not known",
    "model_type": "an object or a name should stand here",
    "tuple_type": "a list, or an object with names as keys, should stand here",
    "too_short": "nothing is in it",
}
_KINDS = {
    **{name: Kind.STR for name in ("str", "string", "text")},
    **{name: Kind.INT for name in ("int", "integer")},
    **{name: Kind.FLOAT for name in ("float", "number")},
    **{name: Kind.BOOL for name in ("bool", "boolean")},
}


class _Field(Model):
    """A field as it is written: as in a dump, with its type in words, or its name alone."""

    name: str = Field(description="Any name.")
    type: str | FieldType = Field(default="str", description="As in Python, or as in a dump.")
    choices: tuple[str, ...] = Field(default=(), description="The strings it takes, if not any.")
    description: Prose = Field(default="", description="What it says.")
    verbatim: bool = Field(default=True, description="String values stand in the document.")
    examples: tuple[str, ...] = Field(default=(), description="Some values.")


class _Class(Model):
    """A class as it is written: as in a dump, or with the parts of its guideline beside its name."""

    name: str = Field(description="Any name.")
    guideline: Guideline | None = Field(default=None, description="As in a dump.")
    definition: Prose = Field(
        default="",
        validation_alias=AliasChoices("definition", "description"),
        description="What a mention of it is.",
    )
    include: tuple[Prose, ...] = Field(default=(), description="What to annotate.")
    exclude: tuple[Prose, ...] = Field(default=(), description="What not to annotate.")
    boundary: Prose = Field(default="", description="Where a mention starts and ends.")
    contrast: tuple[Contrast, ...] = Field(default=(), description="Sibling classes and the difference.")
    fields: tuple[_Field, ...] = Field(default=(), description="Its fields; none for a span alone.")

    @field_validator("fields", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return _listed(value)


class _Schema(Model):
    """A schema as it is written."""

    domain: Prose = Field(default="", description="Subject matter.")
    classes: tuple[_Class, ...] = Field(min_length=1, description="A list, or an object by name.")

    @field_validator("classes", mode="before")
    @classmethod
    def _named(cls, value: object) -> object:
        return _listed(value)


def read_json(text: str) -> tuple[AnnotationSchema, tuple[str, ...]]:
    """The schema that a JSON text describes, and notes on names that had to be changed.

    Raises:
        DialectError: It is no JSON, or describes no schema; the message says where and why.
    """
    data = _loaded(text)
    with contextlib.suppress(ValidationError):
        return AnnotationSchema.model_validate(data), ()
    if isinstance(data, list) or (isinstance(data, dict) and "classes" not in data):
        data = {"classes": data}
    try:
        written = _Schema.model_validate(data)
    except ValidationError as error:
        raise DialectError(_first_fault(error)) from error
    notes: list[str] = []
    renamed = {each.name: _class_name(each.name, notes) for each in written.classes}
    try:
        classes = tuple(_read_class(each, renamed, notes) for each in written.classes)
        return AnnotationSchema(domain=written.domain, classes=classes), tuple(notes)
    except ValidationError as error:
        raise DialectError(_first_fault(error)) from error


def _loaded(text: str) -> Any:
    try:
        data = json.loads(text, object_pairs_hook=_distinct)
        json.dumps(data, ensure_ascii=False).encode()
        return data
    except UnicodeEncodeError as error:
        raise DialectError("a string holds a lone surrogate, which is no Unicode text.") from error
    except json.JSONDecodeError as error:
        raise DialectError(f"line {error.lineno}: this is no JSON: {error.msg}.") from error
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deep" if isinstance(error, RecursionError) else "a number is too long"
        raise DialectError(f"this cannot be read as JSON: {reason}.") from error


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object's keys and values; the second of two equal keys would hide the first."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        raise DialectError(f"{next(name for name in names if names.count(name) > 1)!r} is given twice.")
    return found


def _listed(value: object) -> object:
    """Classes or fields as a list of mappings, also where they are names, or names with a description."""
    if isinstance(value, Mapping):
        return [{"name": name, **_about(item)} for name, item in value.items()]
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [{"name": item} if isinstance(item, str) else item for item in value]
    return value


def _about(item: object) -> dict[str, Any]:
    if isinstance(item, Mapping):
        return dict(item)
    return {} if item is None else {"description": item}


def _class_name(written: str, notes: list[str]) -> str:
    try:
        return require_identifier(written)
    except ValueError:
        name = class_name_from(written)
    if name is None:
        raise DialectError(f"no class can be named {written[:50]!r}; write a name in Latin letters.")
    notes.append(f"The class {written!r} is called {name}.")
    return name


def _field_name(written: str, of: str, notes: list[str]) -> str:
    try:
        return require_identifier(written)
    except ValueError:
        name = "_".join(re.findall(r"[a-z0-9]+", written[:200].lower()))
    try:
        require_identifier(name)
    except ValueError as error:
        raise DialectError(
            f"{of}: no field can be named {written[:50]!r}; write a snake_case name."
        ) from error
    notes.append(f"The field {written!r} of {of} is called {name}.")
    return name


def _read_class(written: _Class, renamed: Mapping[str, str], notes: list[str]) -> ClassSpec:
    name = renamed[written.name]
    parts = written.model_dump(include={"definition", "include", "exclude", "boundary", "contrast"})
    guideline = written.guideline or Guideline.model_validate(parts)
    if written.guideline is not None and any(parts.values()):
        raise DialectError(f"{name}: its definition stands in its guideline or beside it, not both.")
    contrast = tuple(
        each.model_copy(update={"sibling": renamed.get(each.sibling, each.sibling)})
        for each in guideline.contrast
    )
    fields = tuple(_read_field(each, name, renamed, notes) for each in written.fields)
    return ClassSpec(
        name=name,
        guideline=guideline.model_copy(update={"contrast": contrast}),
        fields=fields or (FieldSpec(name=SPAN),),
    )


def _read_field(written: _Field, of: str, renamed: Mapping[str, str], notes: list[str]) -> FieldSpec:
    name = _field_name(written.name, of, notes)
    field_type, verbatim = _read_type(written, f"{of}.{name}", renamed)
    return FieldSpec(
        name=name,
        type=field_type,
        description=written.description,
        verbatim=verbatim and written.verbatim,
        examples=written.examples,
    )


def _read_type(written: _Field, place: str, renamed: Mapping[str, str]) -> tuple[FieldType, bool]:
    """The type, and whether strings of it can stand in the document."""
    if isinstance(written.type, FieldType):
        if written.choices:
            raise DialectError(f"{place}: choices belong into its type.")
        return _with_class(written.type, renamed), True
    if written.choices:
        if _KINDS.get(written.type) is not Kind.STR:
            raise DialectError(f"{place}: choices are strings, and its type is {written.type[:50]!r}.")
        return FieldType(kind=Kind.LITERAL, choices=written.choices), False
    text = written.type.strip()
    if text in _KINDS:
        return FieldType(kind=_KINDS[text]), True
    if text in renamed:
        return FieldType(kind=Kind.CLASS, class_name=renamed[text]), False
    names: dict[str, tuple[str, ...]] = dict.fromkeys((*renamed, *renamed.values()), ())
    # As a type in quotes, which the dialect's reader checks before it is parsed.
    quoted = ast.Constant(text, lineno=1, col_offset=0)
    try:
        field_type, verbatim = read_type(quoted, names)
    except DialectError as error:
        raise DialectError(f"{place}: {str(error).partition(': ')[2]}") from error
    return _with_class(field_type, renamed), verbatim


def _with_class(field_type: FieldType, renamed: Mapping[str, str]) -> FieldType:
    name = field_type.class_name
    return (
        field_type if name is None else field_type.model_copy(update={"class_name": renamed.get(name, name)})
    )


def _first_fault(error: ValidationError) -> str:
    """Where the first fault is and what it is, and how many others there are."""
    fault, others = error.errors()[0], error.error_count() - 1
    message = _IN_OTHER_WORDS.get(fault["type"], fault["msg"].removeprefix("Value error, "))
    steps = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in fault["loc"])
    more = f" (and {others} more)" if others else ""
    return f"{''.join(steps).lstrip('.') or 'it'}: {message[:1].lower()}{message[1:]}{more}."
