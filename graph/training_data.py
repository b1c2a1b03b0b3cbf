"""What a run has decided on, as sources of training examples."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from finetune.examples import Origin, Source
from graph.deciding import settle
from graph.store.reading import RunReader
from schemas.documents import Document
from schemas.judgement import Outcome


class Which(StrEnum):
    """Which documents of a run are trained on."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    DECIDED = "decided"


_OUTCOMES = {
    Which.ACCEPTED: (Outcome.ACCEPTED,),
    Which.REJECTED: (Outcome.REJECTED,),
    Which.DECIDED: (Outcome.ACCEPTED, Outcome.REJECTED),
}


def sources_of_run(reader: RunReader, which: Which = Which.ACCEPTED) -> Iterator[Source]:
    """Documents by the decisions in force, with the round that was kept, in the order of the run.

    Of rejected documents, which are of use as a control, it is what was agreed on nevertheless. What was in
    dispute is dropped as it is for an export, and its class marked unknown.

    Args:
        reader: The run.
        which: By outcome.
    """
    for identifier in reader.document_ids(_OUTCOMES[which]):
        document, kept = reader.document(identifier), reader.kept_round(identifier)
        decision = reader.decision(identifier)
        if document is None or kept is None or decision is None:
            continue
        settled = settle(kept)
        accepted = decision.outcome is Outcome.ACCEPTED
        yield Source(
            id=document.id,
            text=document.text,
            annotation_schema=settled.annotation_schema,
            annotation=settled.agreed,
            origin=Origin.ACCEPTED if accepted else Origin.REJECTED,
            licence=_said(document, "license", "licence"),
            credit=_said(document, "source", "url"),
        )


def _said(document: Document, *keys: str) -> str:
    """What the document's record says under one of these keys."""
    said = (document.meta.get(key) for key in keys)
    return next((each for each in said if isinstance(each, str)), "")
