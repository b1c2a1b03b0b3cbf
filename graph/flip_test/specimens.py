"""Documents with correct annotations: from gold, or from what a run has accepted."""

from __future__ import annotations

from dataclasses import dataclass

from agents.class_names import class_meant
from finetune.gold import Gold, GoldDocument
from graph.results import accepted
from graph.store.reading import RunReader
from schemas.annotation import Annotation, Instance
from schemas.documents import Document
from schemas.errors import UsageError
from schemas.lint import class_name_from
from schemas.locate import TextIndex, instance_at
from schemas.schema import AnnotationSchema, ClassSpec


@dataclass(frozen=True)
class Specimen:
    """A document with its schema and a correct annotation.

    Attributes:
        document: The document.
        schema: Its classes and guidelines.
        annotation: Taken as correct and complete.
    """

    document: Document
    schema: AnnotationSchema
    annotation: Annotation


def schema_of(gold: Gold) -> AnnotationSchema:
    """A schema of the gold's classes, in order of frequency, without guidelines.

    Raises:
        UsageError: The gold has no mention, or a label is no name.
    """
    names = [class_name_from(label) for label, _ in gold.labels.most_common()]
    if not names or None in names or len(set(names)) < len(names):
        raise UsageError("The gold's labels make no classes.", "Give a schema with --schema.")
    return AnnotationSchema(classes=tuple(ClassSpec(name=name) for name in names if name is not None))


def from_gold(gold: Gold, schema: AnnotationSchema) -> tuple[Specimen, ...]:
    """The gold's documents that have mentions; labels are the classes that they name in any form.

    Raises:
        UsageError: A label is none of the schema's classes, or its class has no field for a mention.
    """
    classes: dict[str, ClassSpec] = {}
    for label in gold.labels:
        spec = schema.get(class_meant(label, schema.names) or "")
        if spec is None or spec.anchor is None:
            raise UsageError(
                f"The schema has no class with a mention for the gold's {label!r}.",
                f"It has: {', '.join(schema.names)}.",
            )
        classes[label] = spec
    return tuple(_of_gold(document, schema, classes) for document in gold.documents if document.mentions)


def from_run(reader: RunReader) -> tuple[Specimen, ...]:
    """What a run has accepted, each document under its own schema."""
    return tuple(
        Specimen(document, kept.annotation_schema, kept.agreed)
        for document, kept in accepted(reader)
        if kept.agreed.instances
    )


def _of_gold(gold: GoldDocument, schema: AnnotationSchema, classes: dict[str, ClassSpec]) -> Specimen:
    document = Document(id=gold.id or "", text=gold.text, source=gold.place)
    index = TextIndex(document.text)
    instances: dict[tuple[str, int, int], Instance] = {}
    for mention in gold.mentions:
        spec = classes[mention.label]
        made = instance_at(spec, index, (mention.start, mention.end))
        instances.setdefault((spec.name, mention.start, mention.end), made)
    annotation = Annotation(document_id=document.id, annotator="gold", instances=tuple(instances.values()))
    return Specimen(document, schema, annotation)
