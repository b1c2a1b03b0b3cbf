"""Annotations as rows, and back.

An annotation's values are kept as one JSON list of its instances; its mentions, nested ones included, are
rows of their own, which is where queries look. Neither repeats the other.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable
from typing import Any

from graph.store.batch import Batch, Cell
from schemas.annotation import Annotation, Instance, Mention, Scalar, Value


def add_annotation(
    batch: Batch, annotation_id: int, round_id: int, annotation: Annotation, *, agreed: bool
) -> None:
    """An annotation and one row for each of its mentions."""
    batch.add(
        "annotations",
        annotation_id,
        round_id,
        annotation.document_id,
        annotation.annotator,
        int(agreed),
        _encode(annotation.instances),
        _encode(annotation.unknown_classes) if annotation.unknown_classes else None,
    )
    mentions: list[tuple[Cell, ...]] = []
    instances = (instance for top in annotation.instances for instance in top.walk())
    for at, instance in enumerate(instances):
        before: dict[str, int] = {}
        for mention in instance.mentions:
            nth = before.get(mention.field, 0)
            before[mention.field] = nth + 1
            surface = _surface(instance, mention, nth)
            mentions.append(
                (
                    annotation_id,
                    len(mentions),
                    at,
                    instance.class_name,
                    mention.field,
                    mention.start,
                    mention.end,
                    surface,
                    mention.status.value,
                    mention.occurrence,
                    mention.quote if mention.quote != surface else None,
                )
            )
    batch.extend("mentions", mentions)


def rebuild(
    document_id: str,
    annotator: str,
    instances: str,
    unknown_classes: str | None,
    mentions: Iterable[tuple[Any, ...]],
) -> Annotation:
    """The annotation that was added.

    Args:
        document_id: Of its document.
        annotator: Who made it.
        instances: The JSON list.
        unknown_classes: The JSON list; None if empty.
        mentions: (instance, field, quote, occurrence, start, end, status), in order.
    """
    by_instance: dict[int, list[Mention]] = {}
    for at, *columns in mentions:
        mention = dict(zip(("field", "quote", "occurrence", "start", "end", "status"), columns, strict=True))
        by_instance.setdefault(at, []).append(Mention.model_validate(mention))
    counter = itertools.count()

    def instance(data: dict[str, Any]) -> Instance:
        at = next(counter)  # before those nested in it, as in `Instance.walk`
        values = {field: value_of(value) for field, value in data["values"].items()}
        return Instance(class_name=data["class"], values=values, mentions=tuple(by_instance.get(at, ())))

    def value_of(value: Any) -> Value:
        return tuple(scalar(item) for item in value) if isinstance(value, list) else scalar(value)

    def scalar(value: Any) -> Scalar:
        return instance(value) if isinstance(value, dict) else value

    return Annotation(
        document_id=document_id,
        annotator=annotator,
        instances=tuple(instance(data) for data in json.loads(instances)),
        unknown_classes=tuple(json.loads(unknown_classes)) if unknown_classes else (),
    )


def _bare(instance: Instance) -> dict[str, Any]:
    """An instance without its mentions."""
    return {"class": instance.class_name, "values": instance.values}


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_bare).encode


def _surface(instance: Instance, mention: Mention, nth: int) -> str:
    """What stands in the document: the n-th mention of a field, from 0, is its n-th string."""
    value = instance.values.get(mention.field)
    if isinstance(value, str):
        return value if nth == 0 else mention.quote
    strings = [item for item in value if isinstance(item, str)] if isinstance(value, tuple) else []
    return strings[nth] if nth < len(strings) else mention.quote
