"""Phrases in guidelines, `Such as`: those of other documents, and none that stands in the text itself.

GoLLIE loses 5.4 F1 without them (2310.03668); a phrase of the text would be an answer in its own question.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from finetune.examples.models import Source
from finetune.examples.regularisers import Annotated
from schemas.example_bank import ExampleBank, mentioned
from schemas.locate import normal_form
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec

_SPARE = 3
"""Phrases drawn for one that is shown, as some of them may stand in the text without being annotated."""


def without_own_phrases(document: Source) -> Source:
    """A document whose guidelines show no phrase that stands in its text."""
    schema = _elsewhere(document.annotation_schema, document.text)
    return document.model_copy(update={"annotation_schema": schema})


def with_candidates(
    given: Annotated, bank: ExampleBank, document: Source, most: int, rng: Random
) -> Annotated:
    """The schema with phrases that other documents mention, and without those that its document has.

    Those that a schema has already are drawn like others, so that passes differ.

    Args:
        given: An annotated text.
        bank: What documents mention.
        document: The whole document, of which the text may be a passage.
        most: Most phrases of a field; with 0 those that a schema has already are left as they are, where they
            do not stand in the document.
        rng: Draws them.
    """
    if not most:
        return given._replace(schema=_elsewhere(given.schema, document.text))
    own = [each.phrase for each in mentioned(document.annotation, document.annotation_schema)]
    offered = bank.given_to(given.schema, document.id, own, most=_SPARE * most, salt=str(rng.random()))

    def drawn(phrases: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(rng.sample(phrases, min(most, len(phrases))))

    return given._replace(schema=_with_examples(_elsewhere(offered, document.text), drawn))


def _elsewhere(schema: AnnotationSchema, text: str) -> AnnotationSchema:
    """The schema with only those phrases, of mentions and of what is none, that do not stand in a text."""
    folded = normal_form(text)

    def elsewhere(phrases: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(phrase for phrase in phrases if normal_form(phrase) not in folded)

    classes = []
    for spec in schema.classes:
        negatives = elsewhere(spec.guideline.negatives)
        guideline = spec.guideline.model_copy(update={"negatives": negatives})
        classes.append(spec.model_copy(update={"guideline": guideline}))
    return _with_examples(schema.model_copy(update={"classes": tuple(classes)}), elsewhere)


def _with_examples(
    schema: AnnotationSchema, changed: Callable[[tuple[str, ...]], tuple[str, ...]]
) -> AnnotationSchema:
    """The schema with other phrases of its fields."""

    def fields(spec: ClassSpec) -> tuple[FieldSpec, ...]:
        return tuple(field.model_copy(update={"examples": changed(field.examples)}) for field in spec.fields)

    classes = tuple(spec.model_copy(update={"fields": fields(spec)}) for spec in schema.classes)
    return schema.model_copy(update={"classes": classes})
