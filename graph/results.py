"""What a run yields: accepted documents, each with its settled round."""

from __future__ import annotations

from collections.abc import Iterator

from graph.deciding import settle
from graph.store.reading import RunReader
from schemas.documents import Document
from schemas.rounds import Round


def accepted(reader: RunReader) -> Iterator[tuple[Document, Round]]:
    """Accepted documents in their order, with the round that was kept.

    The store keeps rounds as they were judged; what was still disputed at the end is dropped here
    (`graph.deciding.settle`), as it was when the decision was taken.
    """
    for document, kept in reader.accepted():
        yield document, settle(kept)
