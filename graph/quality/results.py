"""What a run says about the documents of a gold standard."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from finetune.gold import Gold
from graph.agreement import typed_spans
from graph.deciding import settle
from graph.store.reading import RunReader
from graph.store.records import DocumentRow
from graph.store.usage import Taken, answers_from_elsewhere, taken_by_document
from schemas.annotation import Annotation, TypedSpan
from schemas.errors import UsageError
from schemas.judgement import Outcome, Scores

_PAGE = 500


@dataclass(frozen=True, slots=True)
class DocumentResult:
    """What a run made of one document.

    Attributes:
        id: The document.
        outcome: Where it ended.
        found: Mentions of the round that was kept, disputed ones dropped; None without one.
        unknown: Classes whose absence proves nothing.
        scores: Of that round.
        given: Mentions that its annotators gave in that round.
        ungrounded: Of these, those that stand nowhere in the document.
        taken: Tokens and answers.
    """

    id: str
    outcome: Outcome
    found: frozenset[TypedSpan] | None
    unknown: frozenset[str]
    scores: Scores | None
    given: int
    ungrounded: int
    taken: Taken


@dataclass(frozen=True)
class RunResults:
    """What a run made of the documents of a gold standard.

    Attributes:
        name: The run.
        documents: Its results, by the place of the document in the gold.
        classes: Of all schemas.
        without_gold: Ids of its documents that the gold does not have.
        shared: Prompt, uncached prompt and generated tokens of calls on behalf of no single document, shared
            out evenly over the run's documents.
        from_elsewhere: Answers that were taken from other runs, at no tokens.
    """

    name: str
    documents: Mapping[int, DocumentResult]
    classes: tuple[str, ...]
    without_gold: tuple[str, ...]
    shared: tuple[float, float, float]
    from_elsewhere: int


def read_results(reader: RunReader, gold: Gold) -> RunResults:
    """Read a run's results; its documents are found in the gold by id, or else by their text.

    Raises:
        UsageError: Document and gold have one id and different texts.
        StoreError: The run cannot be read.
    """
    places, without = places_in(reader, gold)
    taken = taken_by_document(reader)
    found: dict[int, DocumentResult] = {}
    classes: dict[str, None] = {}
    for at, row in places.items():
        found[at], names = _result(reader, row, taken.get(row.id, Taken()))
        classes |= dict.fromkeys(names)
    shared, count = taken.get(None, Taken()), max(1, len(found) + len(without))
    return RunResults(
        reader.run().name,
        found,
        tuple(classes),
        without,
        (
            shared.input_tokens / count,
            (shared.input_tokens - shared.cached_tokens) / count,
            shared.output_tokens / count,
        ),
        answers_from_elsewhere(reader),
    )


def places_in(reader: RunReader, gold: Gold) -> tuple[dict[int, DocumentRow], tuple[str, ...]]:
    """Find a run's documents in the gold, by id or else by their text.

    Returns:
        Place in the gold to document, and the ids of those that the gold does not have.

    Raises:
        UsageError: Document and gold have one id and different texts.
        StoreError: The run cannot be read.
    """
    by_id = {document.id: at for at, document in enumerate(gold.documents) if document.id is not None}
    by_text = {document.text: at for at, document in enumerate(gold.documents)}
    found: dict[int, DocumentRow] = {}
    without: list[str] = []
    for row, text in _documents(reader):
        at = by_id.get(row.id, by_text.get(text))
        if at is None or at in found:
            without.append(row.id)
            continue
        if gold.documents[at].text != text:
            raise UsageError(
                f"Document {row.id!r} of run {reader.folder.name} has another text than "
                f"{gold.documents[at].place}, which has its id.",
                "Give the gold the texts of the run, or leave its ids out to have texts compared alone.",
            )
        found[at] = row
    return found, tuple(without)


def _documents(reader: RunReader) -> Iterator[tuple[DocumentRow, str]]:
    """The documents that could be read, with their texts."""
    offset = 0
    while page := reader.documents(limit=_PAGE, offset=offset):
        offset += len(page)
        texts = reader.texts_of([row.id for row in page])
        yield from ((row, text) for row in page if (text := texts.get(row.id)) is not None)


def _result(reader: RunReader, row: DocumentRow, taken: Taken) -> tuple[DocumentResult, tuple[str, ...]]:
    kept = reader.kept_round(row.id)
    if kept is None:
        return DocumentResult(row.id, row.outcome, None, frozenset(), None, 0, 0, taken), ()
    agreed = settle(kept).agreed
    given = [mention for annotation in kept.annotations for mention in annotation.mentions]
    result = DocumentResult(
        row.id,
        row.outcome,
        anchors(agreed),
        frozenset(agreed.unknown_classes),
        kept.scores,
        len(given),
        sum(mention.span is None for mention in given),
        taken,
    )
    return result, kept.annotation_schema.names


def anchors(annotation: Annotation) -> frozenset[TypedSpan]:
    """The mentions that stand for an instance; gold of spans knows no other fields."""
    return frozenset(span for span in typed_spans(annotation) if "." not in span[2])
