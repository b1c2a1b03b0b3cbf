"""GoLLIE's regularisers (2310.03668, section 3.1): what is taken from one side leaves the other too.

Each is a function of an annotated text, the schema and its annotation, and of a random generator. None of
them changes what stands in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from random import Random
from typing import NamedTuple

from schemas.annotation import Annotation, Instance, Scalar, Value
from schemas.restriction import restricted
from schemas.schema import AnnotationSchema, ClassSpec, Guideline


class Annotated(NamedTuple):
    """A schema, and what was found in a text by it."""

    schema: AnnotationSchema
    annotation: Annotation


def shuffled(given: Annotated, rng: Random) -> Annotated:
    """The classes in a random order; the result is what it was."""
    classes = list(given.schema.classes)
    rng.shuffle(classes)
    return given._replace(schema=given.schema.model_copy(update={"classes": tuple(classes)}))


def with_dropped_classes(given: Annotated, rng: Random, chance: float) -> Annotated:
    """Each class left out with a chance, and its instances with it; one class always stays.

    A class that a field of another refers to stays as long as that one does.
    """
    names = [name for name in given.schema.names if rng.random() >= chance]
    kept = names or [rng.choice(given.schema.names)]
    return Annotated(*restricted(given.schema, given.annotation, kept))


def with_masked_names(given: Annotated) -> Annotated:
    """Every class called LABEL_1, LABEL_2 and so on, by its place: in schema, guidelines and result alike.

    Only the guideline then says what a class is. (The reference gives all classes of an example one name.)
    """
    masks = {name: f"LABEL_{number}" for number, name in enumerate(given.schema.names, 1)}
    word = re.compile(rf"\b(?:{'|'.join(map(re.escape, sorted(masks, key=len, reverse=True)))})\b")

    def prose(text: str) -> str:
        return word.sub(lambda found: masks[found[0]], text)

    classes = tuple(_masked_class(spec, masks, prose) for spec in given.schema.classes)
    instances = tuple(_masked_instance(one, masks) for one in given.annotation.instances)
    return Annotated(
        given.schema.model_copy(update={"classes": classes, "domain": prose(given.schema.domain)}),
        given.annotation.model_copy(update={"instances": instances}),
    )


def _masked_class(spec: ClassSpec, masks: Mapping[str, str], prose: Callable[[str], str]) -> ClassSpec:
    guideline = spec.guideline
    fields = tuple(
        field.model_copy(
            update={
                "description": prose(field.description),
                "type": field.type.model_copy(
                    update={"class_name": masks.get(field.type.class_name or "", field.type.class_name)}
                ),
            }
        )
        for field in spec.fields
    )
    masked = Guideline(
        definition=prose(guideline.definition),
        include=tuple(map(prose, guideline.include)),
        exclude=tuple(map(prose, guideline.exclude)),
        boundary=prose(guideline.boundary),
        contrast=tuple(
            each.model_copy(
                update={
                    "sibling": masks.get(each.sibling, each.sibling),
                    "difference": prose(each.difference),
                }
            )
            for each in guideline.contrast
        ),
        negatives=guideline.negatives,
    )
    return spec.model_copy(update={"name": masks[spec.name], "guideline": masked, "fields": fields})


def _masked_instance(instance: Instance, masks: Mapping[str, str]) -> Instance:
    def one(value: Scalar) -> Scalar:
        return _masked_instance(value, masks) if isinstance(value, Instance) else value

    def any_of(value: Value) -> Value:
        return tuple(map(one, value)) if isinstance(value, tuple) else one(value)

    values = {name: any_of(value) for name, value in instance.values.items()}
    return instance.model_copy(update={"class_name": masks[instance.class_name], "values": values})


def with_paraphrases(given: Annotated, rng: Random, known: Mapping[str, Collection[Guideline]]) -> Annotated:
    """Each class with one of the guidelines that it has in different documents, its own among them.

    Args:
        given: The annotated text.
        rng: Draws them.
        known: Guidelines by the class's name. What they say of siblings that are not in this schema is left
            out.
    """

    def drawn(spec: ClassSpec) -> ClassSpec:
        choices = [spec.guideline, *(each for each in known.get(spec.name, ()) if each != spec.guideline)]
        taken = rng.choice(choices)
        siblings = tuple(each for each in taken.contrast if each.sibling in given.schema.names)
        if taken is not spec.guideline:
            taken = taken.model_copy(update={"contrast": siblings})
        return spec.model_copy(update={"guideline": taken})

    classes = tuple(map(drawn, given.schema.classes))
    return given._replace(schema=given.schema.model_copy(update={"classes": classes}))


def with_further_classes(given: Annotated, further: Sequence[ClassSpec], rng: Random) -> Annotated:
    """The schema with classes of which the text has no mention, each in a random place among the others.

    Args:
        given: The annotated text.
        further: Classes of other names, without fields of other classes' kinds.
        rng: Draws the places.
    """
    classes = list(given.schema.classes)
    for spec in further:
        classes.insert(rng.randrange(len(classes) + 1), spec)
    return given._replace(schema=given.schema.model_copy(update={"classes": tuple(classes)}))
