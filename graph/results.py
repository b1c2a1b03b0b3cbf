"""What a run yields: accepted documents, each with its settled round."""

from __future__ import annotations

from collections.abc import Iterator

from graph.deciding import settle
from graph.store.pilots import stored_pilot
from graph.store.reading import RunReader
from schemas.documents import Document
from schemas.example_bank import ExampleBank, SharedSchema, mentioned, objected_to
from schemas.job import Job
from schemas.rounds import Round


def accepted(reader: RunReader) -> Iterator[tuple[Document, Round]]:
    """Accepted documents in their order, with the round that was kept.

    The store keeps rounds as they were judged; what was still disputed at the end is dropped here
    (`graph.deciding.settle`), as it was when the decision was taken.
    """
    for document, kept in reader.accepted():
        yield document, settle(kept)


def shared_schema(reader: RunReader) -> SharedSchema | None:
    """The schema that a run's documents share, with what was accepted as examples; None if each has its own.

    Negative examples are what the critic found to be no mention at all.
    """
    pilot = stored_pilot(reader)
    schema = Job.model_validate_json(reader.run().job).given_schema
    if pilot is not None:
        schema = pilot[0].frozen.annotation_schema
    if schema is None:
        return None
    examples = (
        example
        for _, kept in accepted(reader)
        for example in (*mentioned(kept.agreed, kept.annotation_schema), *objected_to(kept))
    )
    return SharedSchema(schema, ExampleBank(examples))
