"""What a run has decided on, as sources of training examples."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from finetune.examples import Origin, Source
from finetune.examples.reading import CREDIT, LICENCE, said
from graph.consensus import held
from graph.deciding import settle
from graph.objections import INSTANCE_CODES
from graph.store.reading import RunReader
from graph.store.versions import thresholds_of_version
from schemas.annotation import TypedSpan
from schemas.judgement import FindingCode, Outcome
from schemas.rounds import Round


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
            disputes=tuple(sorted(_disputes(kept, settled))),
            origin=Origin.ACCEPTED if outcome is Outcome.ACCEPTED else Origin.REJECTED,
            licence=said(document.meta, *LICENCE),
            credit=said(document.meta, *CREDIT),
        )


def _disputes(kept: Round, settled: Round) -> set[TypedSpan]:
    """Where classes that are unknown in a document were in dispute.

    These are the places that some annotator gave such a class, or that the critic said to have it or not to,
    and that are no mention of it in the end. A class that was objected to without a place has none.
    """
    said = {each for annotation in (*kept.annotations, kept.agreed) for each in held(annotation)}
    objected = [
        (finding.class_name, finding.span)
        for finding in kept.findings
        if finding.code in INSTANCE_CODES or finding.code is FindingCode.MISSING
    ]
    nowhere = {name for name, span in objected if span is None}
    unknown = set(settled.agreed.unknown_classes) - nowhere
    places = (said | set(objected)) - held(settled.agreed)
    return {(*span, name) for name, span in places if name in unknown and span is not None}
