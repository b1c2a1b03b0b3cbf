"""Accepted documents as exports see them, each checked once more: what is not verbatim does not leave."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from graph.quality.results import anchors
from graph.results import accepted, shared_schema
from graph.store.reading import RunReader
from graph.store.versions import versions_of_documents
from schemas.documents import Document
from schemas.errors import StoreError
from schemas.example_bank import SharedSchema, own_phrases
from schemas.grounded import UngroundedError, require_grounded
from schemas.restriction import restricted
from schemas.rounds import Round
from schemas.schema import AnnotationSchema


class Span(NamedTuple):
    """The mention that stands for an instance.

    Attributes:
        start: First code point of the document's text.
        end: One past the last.
        label: The class.
    """

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class ExportedDocument:
    """An accepted document.

    Attributes:
        document: As read.
        kept: The round that was kept, without what was disputed.
        shared: The schema of all documents, with phrases for examples; None if each has its own.
        version: Of the decisions that accepted it; None if it is not known.
    """

    document: Document
    kept: Round
    shared: SharedSchema | None = None
    version: int | None = None

    @property
    def schema(self) -> AnnotationSchema:
        """Classes and guidelines, without examples of other documents where it is shared."""
        return self.shared.schema if self.shared else self.kept.annotation_schema

    @property
    def unknown(self) -> tuple[str, ...]:
        """Classes whose absence proves nothing."""
        return self.kept.agreed.unknown_classes

    @property
    def spans(self) -> tuple[Span, ...]:
        """The mentions that stand for instances, nested ones too, each once: by start, longer ones first."""
        found = (Span(*anchor) for anchor in anchors(self.kept.agreed))
        return tuple(sorted(found, key=lambda span: (span.start, -span.end, span.label)))

    @property
    def known_spans(self) -> tuple[Span, ...]:
        """Those of classes whose absence proves something."""
        return tuple(span for span in self.spans if span.label not in self.unknown)

    @property
    def known_classes(self) -> tuple[str, ...]:
        """Classes whose absence proves something: those without a mention are negatives."""
        return tuple(name for name in self.schema.names if name not in self.unknown)

    def with_examples(self) -> Round:
        """The round with phrases of other documents in the guidelines of a shared schema."""
        if self.shared is None:
            return self.kept
        identifier = self.kept.agreed.document_id
        schema = self.shared.given_to(identifier, own_phrases(self.kept), salt=identifier)
        return self.kept.model_copy(update={"annotation_schema": schema})

    def to_learn_from(self) -> Round | None:
        """The round as `with_examples`, without classes whose absence proves nothing; None if that is all.

        A mention that was dropped in dispute would else be learnt as none. A class that a field of another
        one refers to stays, as the other could not be written without it.
        """
        names = self.known_classes
        if not names:
            return None
        kept = self.with_examples()
        schema, agreed = restricted(kept.annotation_schema, kept.agreed, names)
        return kept.model_copy(update={"annotation_schema": schema, "agreed": agreed})


def exported(
    pairs: Iterable[tuple[Document, Round]],
    shared: SharedSchema | None = None,
    versions: Mapping[str, int] | None = None,
) -> Iterator[ExportedDocument]:
    """Check documents one by one.

    Args:
        pairs: Documents, each with the round that was kept.
        shared: The schema of all documents, with phrases for examples.
        versions: Of the decision on each document, by id; those that are missing have none.

    Raises:
        StoreError: A mention is not verbatim at its offsets, or an instance does not fit its schema.
    """
    for document, kept in pairs:
        try:
            for instance in kept.agreed.instances:
                require_grounded(instance, kept.annotation_schema, document.text)
        except UngroundedError as error:
            raise cannot_export(document, error) from error
        yield ExportedDocument(document, kept, shared, (versions or {}).get(document.id))


def accepted_documents(reader: RunReader, *, only_exhaustive: bool = False) -> Iterator[ExportedDocument]:
    """A run's accepted documents, in their order; one is read at a time.

    Args:
        reader: The run.
        only_exhaustive: Leave out documents in which the absence of a class proves nothing.

    Raises:
        StoreError: As `exported` says, or the run cannot be read.
    """
    for document in exported(accepted(reader), shared_schema(reader), versions_of_documents(reader)):
        if not (only_exhaustive and document.unknown):
            yield document


def cannot_export(document: Document, error: Exception) -> StoreError:
    """What is said when a document cannot be written."""
    return StoreError(
        f"Document {document.id!r} cannot be exported: {error}",
        "The run database holds data that does not pass its own checks; run the document again.",
    )
