"""Gold annotations as sources of training examples."""

from __future__ import annotations

from collections.abc import Iterator

from finetune.examples.models import Origin, Source
from finetune.examples.names import is_same
from finetune.gold import Gold, class_of
from schemas.annotation import Annotation
from schemas.documents import text_id
from schemas.errors import UsageError
from schemas.lint import class_name_from
from schemas.locate import TextIndex, instance_at
from schemas.schema import AnnotationSchema, ClassSpec

_ANNOTATOR = "gold"


def gold_sources(gold: Gold, schema: AnnotationSchema | None = None) -> Iterator[Source]:
    """Gold of one label set as sources; each text is shown all classes, as their absence is known.

    Args:
        gold: Texts with all their mentions.
        schema: Classes with guidelines for the labels, matched by name in whatever form; None takes the bare
            labels as names of classes.

    Raises:
        UsageError: A label has no class.
    """
    labels = sorted(gold.labels)
    if schema is None:
        names = {label: class_of(label) for label in labels}
        specs = {
            label: ClassSpec(name=name) for label, name in names.items() if class_name_from(name) == name
        }
        remedy = "Give each label a name of letters and digits, or its class by a schema file."
    else:
        found = {
            label: [
                spec for spec in schema.classes if is_same(spec.name, label) or spec.name == class_of(label)
            ]
            for label in labels
        }
        specs = {label: each[0] for label, each in found.items() if each and each[0].anchor is not None}
        remedy = "Add a class of that name, with a field for its mention, to the schema file."
    for label in labels:
        if label not in specs:
            raise UsageError(f"There is no class for the label {label!r} of the gold.", remedy)
    shown = schema or AnnotationSchema(classes=tuple({spec.name: spec for spec in specs.values()}.values()))
    for document in gold.documents:
        identifier, index = document.id or text_id(document.text), TextIndex(document.text)
        instances = tuple(
            instance_at(specs[mention.label], index, (mention.start, mention.end))
            for mention in document.mentions
        )
        yield Source(
            id=identifier,
            text=document.text,
            annotation_schema=shown,
            annotation=Annotation(document_id=identifier, annotator=_ANNOTATOR, instances=instances),
            origin=Origin.GOLD,
        )
