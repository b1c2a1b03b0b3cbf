"""Traces of a run in requests of a size that collectors take, as they are sent or written."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from opentelemetry.sdk.trace import ReadableSpan

from graph.store.reading import RunReader
from graph.tracing.reading import decided_since, traced_documents, traced_sessions
from graph.tracing.sending import SpanSender
from graph.tracing.spans import SpanMaker
from schemas.errors import TraceExportError

_MOST_SPANS: Final = 512
"""In a request: the batch of OpenTelemetry's own processor."""
_MOST_CHARACTERS: Final = 2_000_000
"""Of text in a request: the collector refuses one of more than 20 MiB."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Spans for one request."""

    spans: tuple[ReadableSpan, ...]
    documents: int
    """How many documents end in it."""
    decision_id: int
    """Of the last document that ends in it or before it; an export may go on from there."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was sent or written."""

    documents: int
    spans: int


def document_batches(
    run: RunReader, after: int = 0, document_id: str | None = None, *, content: bool = False
) -> Iterator[Batch]:
    """The traces of documents decided after the decision of that id; streamed.

    Raises:
        StoreError: The run cannot be read.
    """
    maker = SpanMaker(run, content=content)
    waiting: list[ReadableSpan] = []
    size = documents = 0
    for document in traced_documents(run, after, document_id, content=content):
        for span in maker.document(document):
            more = _characters(span)
            if waiting and (len(waiting) == _MOST_SPANS or size + more > _MOST_CHARACTERS):
                yield Batch(tuple(waiting), documents, after)
                waiting, size, documents = [], 0, 0
            waiting.append(span)
            size += more
        documents += 1
        after = document.decision_id
    if waiting:
        yield Batch(tuple(waiting), documents, after)


def session_batches(run: RunReader, first: int = 1, *, content: bool = False) -> Iterator[Batch]:
    """The traces of the run's sessions that have ended, from that one on.

    Raises:
        StoreError: The run cannot be read.
    """
    maker = SpanMaker(run, content=content)
    for session in traced_sessions(run, first, content=content):
        spans = maker.session(session)
        for begin in range(0, len(spans), _MOST_SPANS):
            yield Batch(tuple(spans[begin : begin + _MOST_SPANS]), 0, 0)


def all_batches(run: RunReader, document_id: str | None = None, *, content: bool = False) -> Iterator[Batch]:
    """The traces of a run: its sessions, then its documents; or of one document alone.

    Raises:
        StoreError: The run cannot be read.
    """
    if document_id is None:
        yield from session_batches(run, content=content)
    yield from document_batches(run, document_id=document_id, content=content)


def send_run(
    run: RunReader, sender: SpanSender, document_id: str | None = None, *, content: bool = False
) -> Exported:
    """Send the traces of a run, or of one document.

    Raises:
        StoreError: The run cannot be read.
        TraceExportError: The collector does not take them; says how many documents it has.
    """
    documents = spans = 0
    for batch in all_batches(run, document_id, content=content):
        try:
            sender.send(batch.spans)
        except TraceExportError as error:
            total = decided_since(run, 0, document_id)
            sent = f" It has {documents:,} of {total:,} documents; sent again, nothing is doubled."
            raise TraceExportError(str(error) + sent, error.remedy) from error
        documents += batch.documents
        spans += len(batch.spans)
    return Exported(documents, spans)


def _characters(span: ReadableSpan) -> int:
    return sum(len(value) for value in (span.attributes or {}).values() if isinstance(value, str))
