"""What a run yields: accepted documents, each with its settled round."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from graph.agreement import TypedSpan
from graph.deciding import settle
from graph.examples import ExampleBank, SharedSchema, mentioned, objected_to
from graph.store.accepted_mentions import accepted_mentions, undisputed_classes
from graph.store.pilots import stored_pilot
from graph.store.reading import RunReader
from schemas.documents import Document
from schemas.job import Job
from schemas.rounds import Round


def accepted(reader: RunReader) -> Iterator[tuple[Document, Round]]:
    """Accepted documents in their order, with the round that was kept.

    The store keeps rounds as they were judged; what was still disputed at the end is dropped here
    (`graph.deciding.settle`), as it was when the decision was taken.
    """
    for document, kept in reader.accepted():
        yield document, settle(kept)


def accepted_spans(reader: RunReader) -> dict[str, frozenset[TypedSpan]]:
    """The mentions of each accepted document as typed spans, by its id, in the documents' order.

    The same as `typed_spans` of what `accepted` yields, without building the rounds.
    """
    return {
        document_id: frozenset(
            (
                *mention.span,
                mention.class_name if mention.is_anchor else f"{mention.class_name}.{mention.field}",
            )
            for mention in mentions
            if mention.span is not None
        )
        for document_id, mentions in accepted_mentions(reader).items()
    }


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How often a class occurs in accepted documents."""

    name: str
    mentions: int
    """Instances that have a mention which stands for them; nested ones count."""
    documents: int


def class_counts(reader: RunReader) -> tuple[ClassCount, ...]:
    """The classes of the accepted documents, the most frequent first.

    Those of undisputed documents are counted by the database, in a quarter of the time.
    """
    mentions: Counter[str] = Counter()
    documents: Counter[str] = Counter()
    for name, instances, holders in undisputed_classes(reader):
        mentions[name], documents[name] = instances, holders
    for said in accepted_mentions(reader, disputed_only=True).values():
        names = [mention.class_name for mention in said if mention.is_anchor]
        mentions.update(names)
        documents.update(set(names))
    return tuple(ClassCount(name, count, documents[name]) for name, count in mentions.most_common())


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
