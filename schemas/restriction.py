"""Some classes of an annotated text, without the others: gone from the schema and the annotation alike."""

from __future__ import annotations

from collections.abc import Collection

from schemas.annotation import Annotation
from schemas.schema import AnnotationSchema


def restricted(
    schema: AnnotationSchema, annotation: Annotation, names: Collection[str]
) -> tuple[AnnotationSchema, Annotation]:
    """Leave out all classes but some, with their instances.

    A class that a field of a kept one refers to stays, with its instances: the other could not be written
    without it. Contrasts to classes that are gone go with them.

    Args:
        schema: Classes and guidelines.
        annotation: The instances.
        names: Classes that are kept; at least one of the schema's.

    Raises:
        ValueError: No class would be left.
    """
    wanted = frozenset[str]().union(*map(schema.reach, names))
    if not wanted:
        raise ValueError("no class would be left")
    if wanted == set(schema.names):
        return schema, annotation
    classes = tuple(
        spec.model_copy(
            update={
                "guideline": spec.guideline.model_copy(
                    update={
                        "contrast": tuple(
                            each
                            for each in spec.guideline.contrast
                            if each.sibling in wanted or each.sibling not in schema.names
                        )
                    }
                )
            }
        )
        for spec in schema.classes
        if spec.name in wanted
    )
    kept = tuple(one for one in annotation.instances if one.class_name in wanted)
    unknown = tuple(name for name in annotation.unknown_classes if name in wanted)
    return (
        schema.model_copy(update={"classes": classes}),
        annotation.model_copy(update={"instances": kept, "unknown_classes": unknown}),
    )
