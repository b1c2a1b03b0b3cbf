"""Examples in guidelines: what annotators agreed on in other documents, never in the document at hand.

'Such as' candidates carry much of what a guideline is worth (GoLLIE loses 5.4 F1 without them), but an
example from the same document would be an answer that stands in its own question.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import NamedTuple

from schemas.annotation import Annotation
from schemas.judgement import FindingCode
from schemas.locate import normal_form
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

MOST = 4
"""Most examples of a field, and most phrases that are none of a class."""

_LONGEST = 60
"""Characters. A longer phrase shows little that others would share."""

_KEPT = 500
"""Most phrases kept of a field."""


@dataclass(frozen=True, slots=True)
class Example:
    """A phrase that is a value of a field, or that is no mention of a class.

    Attributes:
        class_name: The class.
        field: Name of the field; empty for a phrase that is no mention of the class.
        phrase: As it stands in the document.
        document_id: Where it stands.
    """

    class_name: str
    field: str
    phrase: str
    document_id: str


class ExampleBank:
    """Phrases by class and field, each with the documents it was found in."""

    def __init__(self, examples: Iterable[Example] = ()) -> None:
        self._origins: dict[tuple[str, str], dict[str, tuple[str, set[str]]]] = {}
        for example in examples:
            self._add(example)

    def _add(self, example: Example) -> None:
        phrase = " ".join(example.phrase.split())
        phrases = self._origins.setdefault((example.class_name, example.field), {})
        key = normal_form(phrase)
        if key in phrases:
            phrases[key][1].add(example.document_id)
        elif key and len(phrase) <= _LONGEST and len(phrases) < _KEPT:
            phrases[key] = (phrase, {example.document_id})

    def given_to(
        self,
        schema: AnnotationSchema,
        document_id: str,
        own: Collection[str] = (),
        *,
        most: int = MOST,
        salt: str | None = None,
    ) -> AnnotationSchema:
        """The schema with examples of other documents.

        What the document itself was found to mention is left out, whoever else mentions it. Examples that the
        schema has already, from its author, come first under the same rule.

        Args:
            schema: Classes and guidelines.
            document_id: The document it is for.
            own: Further phrases the document mentions.
            most: Most examples of a field, and most negative ones of a class, unless its author gave more.
            salt: Draw in an order that it decides, so that examples differ from row to row of a training
                set. Without it the most widespread ones, the same for all documents that mention none of
                them: prompts then share their beginning.
        """
        mine = frozenset(normal_form(phrase) for phrase in own)

        def chosen(spec: ClassSpec, field: str, first: tuple[str, ...], but: Set[str]) -> tuple[str, ...]:
            phrases = self._origins.get((spec.name, field), {})
            candidates = {normal_form(phrase): phrase for phrase in first}
            for key, phrase in _ranked(phrases, salt):
                candidates.setdefault(key, phrase)
            here = {key for key, (_, origins) in phrases.items() if document_id in origins}
            left = (phrase for key, phrase in candidates.items() if key not in mine | but | here)
            return tuple(left)[: max(most, len(first))]

        def with_examples(spec: ClassSpec) -> ClassSpec:
            fields = tuple(
                field.model_copy(update={"examples": chosen(spec, field.name, field.examples, frozenset())})
                if field.verbatim
                else field
                for field in spec.fields
            )
            negatives = chosen(spec, "", spec.guideline.negatives, frozenset(self._mentions(spec)))
            guideline = spec.guideline.model_copy(update={"negatives": negatives})
            return spec.model_copy(update={"fields": fields, "guideline": guideline})

        return schema.model_copy(update={"classes": tuple(map(with_examples, schema.classes))})

    def _mentions(self, spec: ClassSpec) -> Iterator[str]:
        """Phrases that are mentions of a class in some document, and so never examples of what is none."""
        anchor = spec.anchor
        if anchor is not None:
            yield from map(normal_form, anchor.examples)
            yield from self._origins.get((spec.name, anchor.name), {})


class SharedSchema(NamedTuple):
    """A schema that documents share, and phrases from which each of them is shown those of the others."""

    schema: AnnotationSchema
    examples: ExampleBank

    def given_to(
        self, document_id: str, own: Collection[str] = (), *, salt: str | None = None
    ) -> AnnotationSchema:
        """The schema with examples for one document; see `ExampleBank.given_to`."""
        return self.examples.given_to(self.schema, document_id, own, salt=salt)


def _ranked(phrases: dict[str, tuple[str, set[str]]], salt: str | None) -> list[tuple[str, str]]:
    """Normal forms and phrases: the most widespread first, or in an order that the salt decides."""
    if salt is None:
        keys = sorted(phrases, key=lambda key: (-len(phrases[key][1]), key))
    else:
        keys = sorted(phrases, key=lambda key: hashlib.sha256(f"{salt}\0{key}".encode()).digest())
    return [(key, phrases[key][0]) for key in keys]


def mentioned(annotation: Annotation, schema: AnnotationSchema) -> Iterator[Example]:
    """What an annotation says stands in its document, as examples."""
    for top in annotation.instances:
        for instance in top.walk():
            spec = schema.get(instance.class_name)
            for field in spec.fields if spec else ():
                value = instance.values.get(field.name) if field.verbatim else None
                for item in value if isinstance(value, tuple) else (value,):
                    if isinstance(item, str):
                        yield Example(instance.class_name, field.name, item, annotation.document_id)


def objected_to(kept: Round) -> Iterator[Example]:
    """What the critic said is no mention at all, and was not kept."""
    for finding in kept.findings:
        if finding.code is FindingCode.SPURIOUS and finding.class_name and finding.quote:
            yield Example(finding.class_name, "", finding.quote, kept.agreed.document_id)


def own_phrases(kept: Round) -> tuple[str, ...]:
    """All that anyone found in a document, agreed on or not."""
    return tuple(
        example.phrase
        for annotation in (*kept.annotations, kept.agreed)
        for example in mentioned(annotation, kept.annotation_schema)
    )
