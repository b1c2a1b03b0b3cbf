"""What annotators agree on, by vote; how far they agree is measured by `graph.agreement`."""

from __future__ import annotations

from collections.abc import Sequence

from agents.annotation_form import has_only_span
from graph.agreement import content
from schemas.annotation import Annotation, Instance, Mention, Value
from schemas.locate import Span
from schemas.schema import AnnotationSchema, ClassSpec

Held = tuple[str, Span | None]
"""Class and place of an instance; None if it stands nowhere."""


def candidates(annotations: Sequence[Annotation]) -> tuple[Instance, ...]:
    """All grounded instances of all annotators, each once, in document order."""
    seen: dict[tuple[object, ...], Instance] = {}
    for annotation in annotations:
        for instance in annotation.instances:
            if is_grounded(instance) and instance.anchor is not None:
                seen.setdefault(key_of(instance), instance)
    return tuple(sorted(seen.values(), key=lambda instance: instance.anchor.span or (0, 0)))  # type: ignore[union-attr]


def agree(document_id: str, schema: AnnotationSchema, annotations: Sequence[Annotation]) -> Annotation:
    """What more than half of the annotators say; the rest is dropped and its classes marked unknown.

    Instances are the same if class and anchor span are. Of the other fields, values that a majority of those
    who have the instance give are kept; an instance whose required field is disputed is dropped.
    """
    by_key: dict[tuple[object, ...], list[Instance]] = {}
    unknown: set[str] = set()
    for annotation in annotations:
        own: dict[tuple[object, ...], Instance] = {}  # nobody has two votes
        for instance in annotation.instances:
            if is_grounded(instance):
                own.setdefault(key_of(instance), instance)
            else:
                unknown.add(instance.class_name)
        for key, instance in own.items():
            by_key.setdefault(key, []).append(instance)
    kept: list[Instance] = []
    for same in by_key.values():
        spec = schema.get(same[0].class_name)
        merged = _merge(same, spec) if spec and len(same) * 2 > len(annotations) else None
        if merged is None:
            unknown.add(same[0].class_name)
        else:
            kept.append(merged)
    return Annotation(
        document_id=document_id,
        annotator="agreed",
        instances=tuple(sorted(kept, key=lambda item: item.anchor.span or (0, 0) if item.anchor else (0, 0))),
        unknown_classes=tuple(name for name in schema.names if name in unknown),
    )


def key_of(instance: Instance) -> tuple[object, ...]:
    """What makes two annotators' instances the same: class and anchor span; all values without an anchor."""
    if instance.anchor is not None:
        return (instance.class_name, instance.anchor.span)
    return (instance.class_name, instance.model_dump_json())


def held(annotation: Annotation) -> frozenset[Held]:
    """Class and place of an annotation's instances that stand somewhere."""
    return frozenset(
        (instance.class_name, instance.anchor.span)
        for instance in annotation.instances
        if instance.anchor is not None and instance.anchor.span is not None
    )


def differ(annotations: Sequence[Annotation]) -> frozenset[Held]:
    """Class and place of the instances that some annotators have and others do not."""
    all_held = [held(annotation) for annotation in annotations]
    return frozenset[Held]().union(*all_held) - frozenset.intersection(*all_held) if all_held else frozenset()


def can_be_revised(schema: AnnotationSchema) -> bool:
    """Whether an instance is settled by its class and its place; one with further fields is not."""
    return all(has_only_span(spec) for spec in schema.classes)


def is_grounded(instance: Instance) -> bool:
    """Whether all its mentions, nested ones included, stand in the document."""
    return all(mention.span is not None for part in instance.walk() for mention in part.mentions)


def _merge(same: Sequence[Instance], spec: ClassSpec) -> Instance | None:
    """One instance of what a majority says of each field; None if one it cannot do without is disputed."""
    values: dict[str, Value] = {}
    mentions: list[Mention] = []
    for field in spec.fields:
        said = [content(instance.values.get(field.name)) for instance in same]
        number = next(
            (n for n, v in enumerate(said) if v is not None and said.count(v) * 2 > len(said)), None
        )
        if number is not None:
            values[field.name] = same[number].values[field.name]
            mentions += [mention for mention in same[number].mentions if mention.field == field.name]
        elif field is spec.anchor and any(said):
            return None  # a list that stands for its instance; a single anchor is the same for all
        elif field.type.many:
            values[field.name] = ()
        elif not field.type.optional:
            return None
    return Instance(class_name=spec.name, values=values, mentions=tuple(mentions))
