"""What a run yields: accepted documents, each with its settled round."""

from __future__ import annotations

from collections.abc import Iterator

from graph.deciding import settle
from graph.examples import ExampleBank, mentioned, objected_to
from graph.store.reading import RunReader
from schemas.documents import Document
from schemas.job import Job, Mode
from schemas.rounds import Round


def accepted(reader: RunReader) -> Iterator[tuple[Document, Round]]:
    """Accepted documents in their order, with the round that was kept.

    The store keeps rounds as they were judged; what was still disputed at the end is dropped here
    (`graph.deciding.settle`), as it was when the decision was taken.
    """
    for document, kept in reader.accepted():
        yield document, settle(kept)


def shared_examples(reader: RunReader) -> ExampleBank | None:
    """What was accepted, as examples for the guidelines of other documents; None unless they share a schema.

    Negative examples are what the critic found to be no mention at all.
    """
    if Job.model_validate_json(reader.run().job).mode is Mode.PER_DOCUMENT:
        return None
    return ExampleBank(
        example
        for _, kept in accepted(reader)
        for example in (*mentioned(kept.agreed, kept.annotation_schema), *objected_to(kept))
    )
