"""The JSON schema of an annotator's answer: a list per class, or one list of mentions in document order.

Written out directly. Every document can have a schema of its own, and pydantic takes milliseconds to derive
the same from classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, Kind

_TYPES: dict[Kind, str] = {
    Kind.STR: "string",
    Kind.INT: "integer",
    Kind.FLOAT: "number",
    Kind.BOOL: "boolean",
}
_TEXT = {"type": "string"}

MENTIONS_KEY = "mentions"
"""Where a list of mentions in document order stands in an answer."""

CLASS_KEY = "class"
"""Where a mention in such a list has its class; a keyword, so that no field is called so."""


def has_only_span(spec: ClassSpec) -> bool:
    """Whether an instance of the class is one quote and nothing else."""
    field = spec.fields[0]
    return len(spec.fields) == 1 and field.verbatim and not field.type.many


def nested_class(field: FieldSpec, schema: AnnotationSchema, above: Sequence[str]) -> ClassSpec | None:
    """The class whose instances are a field's values; None where values are scalars or given by their quote.

    A class inside itself has no finite answer form: from the second level on it is given by its quote.
    """
    spec = schema.get(field.type.class_name) if field.type.class_name else None
    return None if spec is None or spec.name in above else spec


def annotation_form(schema: AnnotationSchema, order: Sequence[str]) -> dict[str, Any]:
    """The JSON schema, in the words and with the order of keys that pydantic gives it."""
    definitions: dict[str, Any] = {}
    properties: dict[str, Any] = {}
    for name in order:
        spec = schema.get(name)
        if spec is not None:
            item = _TEXT if has_only_span(spec) else _reference(spec, schema, (), definitions)
            described = _described(spec.guideline.definition)
            properties[name] = {
                "default": [],
                **described,
                "items": item,
                "title": _title(name),
                "type": "array",
            }
    form: dict[str, Any] = {"properties": properties, "title": "Annotations", "type": "object"}
    return {"$defs": dict(sorted(definitions.items())), **form} if definitions else form


def mentions_form(schema: AnnotationSchema, order: Sequence[str]) -> dict[str, Any]:
    """The JSON schema of one list of mentions: of each first its anchor, then its class, then the rest."""
    definitions: dict[str, Any] = {}
    quoted: dict[str, list[str]] = {}
    items: list[dict[str, Any]] = []
    for spec in filter(None, map(schema.get, order)):
        if has_only_span(spec):
            quoted.setdefault(spec.fields[0].name, []).append(spec.name)
        else:
            items.append(_mention(spec, schema, definitions))
    plain = [_object({field: _TEXT, CLASS_KEY: _choice(names)}) for field, names in quoted.items()]
    every = [*plain, *items]
    item = every[0] if len(every) == 1 else {"anyOf": every}
    mentions = {"items": item, "title": _title(MENTIONS_KEY), "type": "array"}
    form = {**_object({MENTIONS_KEY: mentions}), "title": "Annotations"}
    return {"$defs": dict(sorted(definitions.items())), **form} if definitions else form


def _mention(spec: ClassSpec, schema: AnnotationSchema, definitions: dict[str, Any]) -> dict[str, Any]:
    within = (spec.name,)
    fields = {field.name: _property(field, spec, schema, within, definitions) for field in spec.fields}
    first = [spec.anchor.name] if spec.anchor else []
    leading = {name: fields.pop(name) for name in first}
    form = _object({**leading, CLASS_KEY: _choice([spec.name]), **fields})
    return {**form, "required": [*first, CLASS_KEY], "title": spec.name}


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"properties": properties, "required": list(properties), "type": "object"}


def _reference(
    spec: ClassSpec, schema: AnnotationSchema, above: tuple[str, ...], definitions: dict[str, Any]
) -> dict[str, Any]:
    """A reference to the form of a class's instances; inside other classes it can have several forms."""
    within = (*above, spec.name)
    properties = {field.name: _property(field, spec, schema, within, definitions) for field in spec.fields}
    required = {"required": [spec.anchor.name]} if spec.anchor else {}
    form = {"properties": properties, **required, "title": spec.name, "type": "object"}
    name, number = spec.name, 1
    while definitions.setdefault(name, form) != form:
        number += 1
        name = f"{spec.name}_{number}"
    return {"$ref": f"#/$defs/{name}"}


def _property(
    field: FieldSpec,
    spec: ClassSpec,
    schema: AnnotationSchema,
    within: tuple[str, ...],
    definitions: dict[str, Any],
) -> dict[str, Any]:
    nested = nested_class(field, schema, within)
    value = _scalar(field) if nested is None else _reference(nested, schema, within, definitions)
    described = _described(field.description)
    required = field is spec.anchor
    if field.type.many:
        default: dict[str, Any] = {} if required else {"default": []}
        return {**default, **described, "items": value, "title": _title(field.name), "type": "array"}
    titled = {"title": _title(field.name)} if nested is None else {}
    if required:
        return {**described, **titled, **value}
    return {"anyOf": [value, {"type": "null"}], "default": None, **described, **titled}


def _scalar(field: FieldSpec) -> dict[str, Any]:
    if field.type.kind is not Kind.LITERAL:
        return {"type": _TYPES.get(field.type.kind, "string")}
    return _choice(list(dict.fromkeys(field.type.choices)))


def _choice(choices: list[str]) -> dict[str, Any]:
    return {"const": choices[0], "type": "string"} if len(choices) == 1 else {"enum": choices, **_TEXT}


def _described(text: str) -> dict[str, str]:
    return {"description": text} if text else {}


def _title(name: str) -> str:
    return name.title().replace("_", " ").strip()
