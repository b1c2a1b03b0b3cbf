"""The annotator's answer: a response model made from the schema at run time.

The answer has one list per class, so that a class cannot be misspelt and every class is swept. A class with
nothing but a span takes a list of quotes; one with further fields a list of objects. What models write
instead (a flat list of mentions, other letter case, null) is coerced first, and only where it does not
already have the right form.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, ValidationInfo, create_model, model_validator

from agents.class_names import class_meant
from agents.llm.client import Answer
from schemas.annotation import Instance, MentionStatus, Scalar, Value
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, Kind

_QUOTE_KEYS = ("span", "quote", "text", "mention", "name", "value")
_CLASS_KEYS = ("class", "class_name", "type", "label")
_SHOWN_FAULTS = 5


class Entry(Answer):
    """One instance of a class with several fields; subclasses carry the fields."""

    anchor: ClassVar[str | None]

    @model_validator(mode="before")
    @classmethod
    def _from_quote(cls, value: object) -> object:
        if isinstance(value, str) and cls.anchor is not None:
            return {cls.anchor: value}
        if isinstance(value, Mapping) and cls.anchor is not None and cls.anchor not in value:
            quote = _first(value, _QUOTE_KEYS)
            return {**value, cls.anchor: quote} if quote is not None else value
        return value


class AnnotationAnswer(Answer):
    """All instances an annotator found; subclasses carry one list per class."""

    schema_of: ClassVar[AnnotationSchema]

    @model_validator(mode="before")
    @classmethod
    def _coerce(cls, value: object) -> object:
        if isinstance(value, Mapping):
            lists = cls._lists(value)
            flat = _first(value, ("mentions", "annotations", "instances", "entities"))
            if any(lists.values()) or not isinstance(flat, list):
                return lists
            value = flat
        return cls._lists(_by_class(value)) if isinstance(value, list) else value

    @classmethod
    def _lists(cls, value: Mapping[Any, object]) -> dict[str, list[object]]:
        """The items of each class that is named, in whatever form."""
        lists: dict[str, list[object]] = {}
        for key, items in value.items():
            known = class_meant(str(key), cls.schema_of.names)
            if known is not None:
                lists.setdefault(known, []).extend(_items(items, cls.schema_of.get(known)))
        return lists

    @model_validator(mode="after")
    def _quotes_stand_in_the_document(self, info: ValidationInfo) -> Self:
        checks = info.context
        if checks and "index" in checks:
            faults = [
                f"{instance.class_name}: {json.dumps(mention.quote, ensure_ascii=False)}"
                for top in ground_all(self.instances(), self.schema_of, checks["index"])
                for instance in top.walk()
                for mention in instance.mentions
                if mention.status is MentionStatus.NOT_FOUND
            ]
            if faults:
                shown = "; ".join(faults[:_SHOWN_FAULTS])
                raise ValueError(
                    f"not in the document as quoted: {shown}. Copy quotes character for character."
                )
        return self

    def instances(self) -> tuple[Instance, ...]:
        """What was found, class by class, not grounded yet."""
        return tuple(
            _instance(spec, item, self.schema_of)
            for number, spec in enumerate(self.schema_of.classes)
            for item in getattr(self, f"class_{number}")
        )

    def grounded(self, index: TextIndex) -> tuple[Instance, ...]:
        """What was found, with offsets, in document order; the same mention of a class is kept once."""
        kept: dict[tuple[object, ...], Instance] = {}
        for instance in ground_all(self.instances(), self.schema_of, index):
            anchor = instance.anchor
            place = anchor.span or anchor.quote if anchor else instance.model_dump_json()
            kept.setdefault((instance.class_name, place), instance)
        return tuple(kept.values())


@lru_cache(maxsize=1024)
def answer_model(schema: AnnotationSchema, order: tuple[str, ...]) -> type[AnnotationAnswer]:
    """The response model for a schema, its classes in the given order; made once and kept."""
    positions = {spec.name: number for number, spec in enumerate(schema.classes)}
    fields: dict[str, Any] = {}
    for name in order:
        spec = schema.classes[positions[name]]
        entry: Any = str if has_only_span(spec) else _entry_model(spec, schema, ())
        fields[f"class_{positions[name]}"] = (
            list[entry],
            Field(default=[], alias=name, description=spec.guideline.definition or None),
        )
    model: type[AnnotationAnswer] = create_model("Annotations", __base__=AnnotationAnswer, **fields)
    model.schema_of = schema
    return model


def has_only_span(spec: ClassSpec) -> bool:
    """Whether an instance of the class is one quote and nothing else."""
    field = spec.fields[0]
    return len(spec.fields) == 1 and field.verbatim and not field.type.many


def _entry_model(spec: ClassSpec, schema: AnnotationSchema, above: tuple[str, ...]) -> type[Entry]:
    fields: dict[str, Any] = {}
    for number, field in enumerate(spec.fields):
        annotation = _annotation(field, schema, (*above, spec.name))
        required = field is spec.anchor
        default: Any = ... if required else ([] if field.type.many else None)
        fields[f"field_{number}"] = (
            annotation if required or field.type.many else annotation | None,
            Field(default=default, alias=field.name, description=field.description or None),
        )
    model: type[Entry] = create_model(spec.name, __base__=Entry, **fields)
    model.anchor = spec.anchor.name if spec.anchor else None
    return model


def _annotation(field: FieldSpec, schema: AnnotationSchema, above: tuple[str, ...]) -> Any:
    kinds: dict[Kind, Any] = {Kind.STR: str, Kind.INT: int, Kind.FLOAT: float, Kind.BOOL: bool}
    base = kinds.get(field.type.kind)
    if field.type.kind is Kind.LITERAL:
        base = Literal[field.type.choices]
    elif field.type.kind is Kind.CLASS:
        nested = schema.get(field.type.class_name or "")
        # A class inside itself has no finite answer form: from the second level on it is given by its quote.
        within = nested is None or nested.name in above
        base = str if within or nested is None else _entry_model(nested, schema, above)
    return Annotated[list[base], BeforeValidator(_listed)] if field.type.many else base  # type: ignore[valid-type]


def _listed(value: object) -> object:
    """Coerce what models give for a list of few values: the value alone, or null."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _instance(spec: ClassSpec, item: object, schema: AnnotationSchema) -> Instance:
    if isinstance(item, str):
        field = spec.anchor or spec.fields[0]
        return Instance(class_name=spec.name, values={field.name: item})
    values: dict[str, Value] = {}
    for number, field in enumerate(spec.fields):
        value = getattr(item, f"field_{number}")
        if isinstance(value, list):
            values[field.name] = tuple(_scalar(field, part, schema) for part in value)
        elif value is not None:
            values[field.name] = _scalar(field, value, schema)
    return Instance(class_name=spec.name, values=values)


def _scalar(field: FieldSpec, value: Any, schema: AnnotationSchema) -> Scalar:
    nested = schema.get(field.type.class_name) if field.type.class_name else None
    scalar: Scalar = _instance(nested, value, schema) if nested is not None else value
    return scalar


def _first(value: Mapping[str, Any], keys: Sequence[str]) -> Any:
    return next((value[key] for key in keys if value.get(key) is not None), None)


def _by_class(items: list[object]) -> dict[str, list[object]]:
    """A flat list of mentions that name their class, sorted into lists."""
    lists: dict[str, list[object]] = {}
    for item in items:
        if isinstance(item, Mapping) and isinstance(name := _first(item, _CLASS_KEYS), str):
            lists.setdefault(name, []).append(item)
    return lists


def _items(items: object, spec: ClassSpec | None) -> Iterator[object]:
    """The items of one class; blank quotes are dropped, objects become quotes where only a span is wanted."""
    for item in items if isinstance(items, list) else () if items is None else (items,):
        if spec is not None and has_only_span(spec) and isinstance(item, Mapping):
            item = _first(item, (spec.fields[0].name, *_QUOTE_KEYS))
        if item is not None and not (isinstance(item, str) and not item.strip()):
            yield item
