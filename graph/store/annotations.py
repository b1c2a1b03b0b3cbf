"""Annotations as rows, and back.

An annotation's values are kept as one JSON list of its instances; its mentions, nested ones included, are
rows of their own, which is where queries look. Neither repeats the other.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Iterator
from typing import Any

from graph.store.batch import Batch
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
        _json([_bare(instance) for instance in annotation.instances]),
        _json(annotation.unknown_classes) if annotation.unknown_classes else None,
    )
    instances = enumerate(instance for top in annotation.instances for instance in top.walk())
    mentions = ((at, instance, *pair) for at, instance in instances for pair in _surfaces(instance))
    batch.extend(
        "mentions",
        [
            (
                annotation_id,
                number,
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
            for number, (at, instance, mention, surface) in enumerate(mentions)
        ],
    )


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


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _bare(instance: Instance) -> dict[str, Any]:
    """An instance without its mentions."""

    def plain(value: Scalar) -> Any:
        return _bare(value) if isinstance(value, Instance) else value

    return {
        "class": instance.class_name,
        "values": {
            field: [plain(item) for item in value] if isinstance(value, tuple) else plain(value)
            for field, value in instance.values.items()
        },
    }


def _surfaces(instance: Instance) -> Iterator[tuple[Mention, str]]:
    """Each mention with what stands in the document: the n-th mention of a field is its n-th string."""
    strings: dict[str, Iterator[str]] = {}
    for mention in instance.mentions:
        if mention.field not in strings:
            value = instance.values.get(mention.field)
            items = value if isinstance(value, tuple) else (value,)
            strings[mention.field] = iter([item for item in items if isinstance(item, str)])
        yield mention, next(strings[mention.field], mention.quote)
