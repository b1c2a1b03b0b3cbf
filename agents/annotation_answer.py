"""The annotator's answer: a response model made from the schema at run time.

The answer has one list per class, so that a class cannot be misspelt and every class is swept; or, for an
annotator that is asked so, one list of mentions that name their class. A class with nothing but a span takes
a list of quotes; one with further fields a list of objects. What models write instead (the other form, other
letter case, null) is coerced first, and only where it does not already have the right form.

Where every document has a schema of its own, a model is made for each of them. So what it validates is given
to pydantic's validator as such, without a pydantic class made for the purpose: that takes ten times as long,
and is costly to get rid of.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache, partial
from types import new_class
from typing import Any, ClassVar, Self

from pydantic import ValidationInfo
from pydantic_core import SchemaValidator, core_schema
from pydantic_core.core_schema import CoreSchema

from agents.annotation_form import (
    CLASS_KEY,
    MENTIONS_KEY,
    annotation_form,
    has_only_span,
    mentions_form,
    nested_class,
)
from agents.class_names import class_meant
from agents.llm.client import answer_checks
from schemas.annotation import Instance, MentionStatus, Scalar, Value
from schemas.asking import AnswerForm
from schemas.locate import TextIndex, ground_all
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, Kind

_QUOTE_KEYS = ("span", "quote", "text", "mention", "name", "value")
_CLASS_KEYS = (CLASS_KEY, "class_name", "type", "label")
_SHOWN_FAULTS = 5


class AnnotationAnswer:
    """All instances an annotator found; a subclass for each schema knows the classes there are.

    Attributes:
        found: What was found of each class: quotes, or mappings with the values of the class's fields.
    """

    schema_of: ClassVar[AnnotationSchema]
    order: ClassVar[tuple[str, ...]]
    form: ClassVar[AnswerForm]
    validator: ClassVar[SchemaValidator]

    def __init_subclass__(cls, *, schema: AnnotationSchema, order: tuple[str, ...], form: AnswerForm) -> None:
        cls.schema_of, cls.order, cls.form = schema, order, form
        lists = {
            spec.name: core_schema.typed_dict_field(
                core_schema.list_schema(_item(spec, schema)), required=False
            )
            for spec in schema.classes
        }
        coerced = core_schema.no_info_before_validator_function(
            cls._coerce, core_schema.typed_dict_schema(lists)
        )
        cls.validator = SchemaValidator(core_schema.with_info_after_validator_function(cls._checked, coerced))

    def __init__(self, found: Mapping[str, list[Any]]) -> None:
        self.found = found
        self._located: tuple[TextIndex, tuple[Instance, ...]] | None = None

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.found == other.found

    @classmethod
    def model_json_schema(cls) -> dict[str, Any]:
        """See `AnyAnswer`."""
        make = mentions_form if cls.form is AnswerForm.IN_ORDER else annotation_form
        return make(cls.schema_of, cls.order)

    @classmethod
    def model_validate_json(cls, json_data: str | bytes, *, context: Any | None = None) -> Self:
        """See `AnyAnswer`; quotes are checked if the checks hold the document's `index`."""
        checks = context if context is not None else answer_checks.get()
        answer: Self = cls.validator.validate_json(json_data, strict=False, context=checks)
        return answer

    def model_dump_json(self) -> str:
        """See `AnyAnswer`."""
        return json.dumps(self.found, ensure_ascii=False)

    @classmethod
    def _coerce(cls, value: object) -> object:
        if isinstance(value, Mapping):
            lists = cls._lists(value)
            flat = _first(value, (MENTIONS_KEY, "annotations", "instances", "entities"))
            # Where mentions are asked for, their list is meant and not that of a class called `Mention`.
            asked = cls.form is AnswerForm.IN_ORDER and MENTIONS_KEY in value
            if not isinstance(flat, list) or (any(lists.values()) and not asked):
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

    @classmethod
    def _checked(cls, found: dict[str, list[Any]], info: ValidationInfo) -> Self:
        answer = cls(found)
        checks = info.context
        if checks and "index" in checks:
            faults = [
                f"{instance.class_name}: {json.dumps(mention.quote, ensure_ascii=False)}"
                for top in answer._in(checks["index"])
                for instance in top.walk()
                for mention in instance.mentions
                if mention.status is MentionStatus.NOT_FOUND
            ]
            if faults:
                shown = "; ".join(faults[:_SHOWN_FAULTS])
                raise ValueError(
                    f"not in the document as quoted: {shown}. Copy quotes character for character."
                )
        return answer

    def instances(self) -> tuple[Instance, ...]:
        """What was found, class by class, not grounded yet."""
        return tuple(
            _instance(spec, item, self.schema_of)
            for spec in self.schema_of.classes
            for item in self.found.get(spec.name, ())
        )

    def grounded(self, index: TextIndex) -> tuple[Instance, ...]:
        """What was found, with offsets, in document order; the same mention of a class is kept once."""
        kept: dict[tuple[object, ...], Instance] = {}
        for instance in self._in(index):
            anchor = instance.anchor
            place = anchor.span or anchor.quote if anchor else instance.model_dump_json()
            kept.setdefault((instance.class_name, place), instance)
        return tuple(kept.values())

    def _in(self, index: TextIndex) -> tuple[Instance, ...]:
        """All that was found, with offsets; worked out once, as quotes are checked before they are used."""
        if self._located is None or self._located[0] is not index:
            self._located = index, ground_all(self.instances(), self.schema_of, index)
        return self._located[1]


@lru_cache(maxsize=128)
def answer_model(
    schema: AnnotationSchema, order: tuple[str, ...], form: AnswerForm = AnswerForm.BY_CLASS
) -> type[AnnotationAnswer]:
    """The response model for a schema, its classes in the given order; made once while it is in use."""
    return new_class("Annotations", (AnnotationAnswer,), {"schema": schema, "order": order, "form": form})


def _item(spec: ClassSpec, schema: AnnotationSchema, above: tuple[str, ...] = ()) -> CoreSchema:
    """What an instance of a class is read from: its quote, or an object with its fields."""
    if not above and has_only_span(spec):
        return core_schema.str_schema()
    anchor = spec.anchor
    fields = {
        field.name: core_schema.typed_dict_field(
            _value(field, schema, (*above, spec.name), required=field is anchor), required=field is anchor
        )
        for field in spec.fields
    }
    item = core_schema.typed_dict_schema(fields)
    if anchor is None:
        return item
    return core_schema.no_info_before_validator_function(partial(_from_quote, anchor.name), item)


def _value(
    field: FieldSpec, schema: AnnotationSchema, above: tuple[str, ...], *, required: bool
) -> CoreSchema:
    nested = nested_class(field, schema, above)
    one: CoreSchema
    if nested is not None:
        one = _item(nested, schema, above)
    elif field.type.kind is Kind.LITERAL:
        one = core_schema.literal_schema(list(field.type.choices))
    else:
        one = _SCALARS.get(field.type.kind, core_schema.str_schema())
    if field.type.many:
        return core_schema.no_info_before_validator_function(_listed, core_schema.list_schema(one))
    return one if required else core_schema.nullable_schema(one)


_SCALARS: dict[Kind, CoreSchema] = {
    Kind.INT: core_schema.int_schema(),
    Kind.FLOAT: core_schema.float_schema(),
    Kind.BOOL: core_schema.bool_schema(),
}


def _from_quote(anchor: str, value: object) -> object:
    """Coerce a quote alone, or one under another name, to an object with the anchor's field."""
    if isinstance(value, str):
        return {anchor: value}
    if isinstance(value, Mapping) and anchor not in value:
        quote = _first(value, _QUOTE_KEYS)
        return {**value, anchor: quote} if quote is not None else value
    return value


def _listed(value: object) -> object:
    """Coerce what models give for a list of few values: the value alone, or null."""
    return [] if value is None else value if isinstance(value, list) else [value]


def _instance(spec: ClassSpec, item: str | Mapping[str, Any], schema: AnnotationSchema) -> Instance:
    if isinstance(item, str):
        field = spec.anchor or spec.fields[0]
        return Instance(class_name=spec.name, values={field.name: item})
    values: dict[str, Value] = {}
    for field in spec.fields:
        value = item.get(field.name, [] if field.type.many else None)
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
