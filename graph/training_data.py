"""What a run has decided on, as sources of training examples."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from finetune.examples import Origin, Source
from finetune.examples.reading import CREDIT, LICENCE, said
from graph.deciding import settle
from graph.store.reading import RunReader
from graph.store.versions import thresholds_of_version
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


def sources_of_run(
    reader: RunReader, which: Which = Which.ACCEPTED, version: int | None = None
) -> Iterator[Source]:
    """Documents with the round that was kept, in the order of the run.

    Of rejected documents, which are of use as a control, it is what was agreed on nevertheless. What was in
    dispute is dropped as it is for an export, and its class marked unknown.

    Args:
        reader: The run.
        which: By outcome.
        version: Of the decisions; None takes those in force.

    Raises:
        UsageError: There is no such version.
    """
    if version is not None:
        thresholds_of_version(reader, version)
    for document, outcome, kept in reader.decided(_OUTCOMES[which], version):
        settled = settle(kept)
        yield Source(
            id=document.id,
            text=document.text,
            annotation_schema=settled.annotation_schema,
            annotation=settled.agreed,
            origin=Origin.ACCEPTED if outcome is Outcome.ACCEPTED else Origin.REJECTED,
            licence=said(document.meta, *LICENCE),
            credit=said(document.meta, *CREDIT),
        )
