"""Phrases in guidelines, `Such as`: those of other documents, and none that stands in the text itself.

GoLLIE loses 5.4 F1 without them (2310.03668); a phrase of the text would be an answer in its own question.
"""

from __future__ import annotations

from collections.abc import Callable

from finetune.examples.models import Source
from finetune.examples.regularisers import Annotated
from schemas.example_bank import ExampleBank, mentioned
from schemas.locate import normal_form
from schemas.schema import AnnotationSchema

_SPARE = 3
"""Phrases drawn for one that is shown, as some of them may stand in the text without being annotated."""


def without_own_phrases(document: Source) -> Source:
    """A document whose guidelines show no phrase that stands in its text."""
    schema = _filtered(document.annotation_schema, _elsewhere(document.text), None)
    return document.model_copy(update={"annotation_schema": schema})


def with_candidates(given: Annotated, bank: ExampleBank, document: Source, most: int, salt: str) -> Annotated:
    """The schema with phrases that other documents mention, and without those that its document has.

    Args:
        given: An annotated text.
        bank: What documents mention.
        document: The whole document, of which the text may be a passage.
        most: Most phrases of a field; with 0 only those that a schema has already are left, where they do
            not stand in the document.
        salt: Decides which.
    """
    is_elsewhere = _elsewhere(document.text)
    if not most:
        return given._replace(schema=_filtered(given.schema, is_elsewhere, None))
    own = [each.phrase for each in mentioned(document.annotation, document.annotation_schema)]
    drawn = bank.given_to(given.schema, document.id, own, most=_SPARE * most, salt=salt)
    return given._replace(schema=_filtered(drawn, is_elsewhere, most))


def _elsewhere(text: str) -> Callable[[str], bool]:
    folded = normal_form(text)
    return lambda phrase: normal_form(phrase) not in folded


def _filtered(
    schema: AnnotationSchema, is_elsewhere: Callable[[str], bool], most: int | None
) -> AnnotationSchema:
    """The schema with only those phrases, of mentions and of what is none, that stand elsewhere."""

    def left(phrases: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(filter(is_elsewhere, phrases))[:most]

    classes = tuple(
        spec.model_copy(
            update={
                "guideline": spec.guideline.model_copy(update={"negatives": left(spec.guideline.negatives)}),
                "fields": tuple(
                    field.model_copy(update={"examples": left(field.examples)}) for field in spec.fields
                ),
            }
        )
        for spec in schema.classes
    )
    return schema.model_copy(update={"classes": classes})
