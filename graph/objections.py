"""Objections over the rounds of a document: raised, mended, conceded or dropped, and who gave way.

Worked out by code from what was said in two rounds that follow each other; nobody is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from graph.consensus import candidates
from schemas.annotation import Annotation
from schemas.judgement import Agent, Finding, FindingCode, Severity
from schemas.objections import Objection, Standing
from schemas.rounds import Round

INSTANCE_CODES = frozenset({FindingCode.SPURIOUS, FindingCode.TYPE, FindingCode.BOUNDARY})
"""Objections to a mention that stands in the document: of several, the last one said is meant."""

CRITIC = Agent.CRITIC.value


def track(now: Round, before: Round | None) -> tuple[Objection, ...]:
    """All objections raised up to a round, and how each of them stands after it.

    An objection that was open and does not arise any more is *mended* if the answer that it was about is
    gone or changed, else *conceded*: the answer is still there, so its critic has withdrawn the objection.
    What was settled and is raised once more is a new objection.

    Args:
        now: The round; its own `objections` are not read.
        before: The round before it, with its objections; None for the first one.
    """
    raised: dict[tuple[object, ...], Finding] = {}
    for finding in now.findings:
        known = raised.get(_identity(finding))
        if known is None or known.severity is Severity.MINOR:
            raised[_identity(finding)] = finding
    told: list[Objection] = []
    for objection in before.objections if before is not None else ():
        if before is not None and objection.status is Standing.OPEN:
            again = raised.pop(_identity(objection.finding), None)
            update = _settlement(objection.finding, now, before) if again is None else {"finding": again}
            objection = objection.model_copy(update=update)
        told.append(objection)
    for number, finding in enumerate(raised.values(), len(told) + 1):
        told.append(Objection(number=number, finding=finding, raised_in=now.number))
    return tuple(told)


def dropped(objections: Sequence[Objection], number: int) -> tuple[Objection, ...]:
    """The objections once round `number` is settled: those still open about annotations are dropped."""
    gone = {"status": Standing.DROPPED, "settled_in": number}
    return tuple(
        objection.model_copy(update=gone)
        if objection.status is Standing.OPEN and objection.finding.target is Agent.ANNOTATOR
        else objection
        for objection in objections
    )


def history(rounds: Sequence[Round], kept: Round | None) -> tuple[Objection, ...]:
    """The objections of a document as they stand at its end, or for now.

    Args:
        rounds: All its rounds.
        kept: The one its decision keeps, if there is a decision. What was open in it is dropped with it,
            unless somebody gave way later.
    """
    last = rounds[-1].objections if rounds else ()
    if kept is None:
        return last
    settled = {one.number: one for one in dropped(kept.objections, kept.number)}
    return tuple(
        settled.get(objection.number, objection) if objection.status is Standing.OPEN else objection
        for objection in last
    )


def _identity(finding: Finding) -> tuple[object, ...]:
    """What makes findings of two rounds the same objection; counts in a message may change."""
    kind = "INSTANCE" if finding.code in INSTANCE_CODES else finding.code
    about = finding.span or finding.quote
    if finding.class_name is None and about is None:
        about = finding.message
    return kind, finding.raised_by, finding.class_name, about


def _settlement(finding: Finding, now: Round, before: Round) -> dict[str, object]:
    """How an objection that no longer arises was settled."""
    mended = _who_mended(finding, now, before)
    return {
        "status": Standing.MENDED if mended else Standing.CONCEDED,
        "settled_in": now.number,
        "gave_way": mended or (CRITIC,),
    }


def _who_mended(finding: Finding, now: Round, before: Round) -> tuple[str, ...]:
    """Those whose changed answers make a finding arise no more; nobody if the answer is still the same."""
    name = finding.class_name
    if name in before.annotation_schema.names and name not in now.annotation_schema.names:
        return (Agent.DESIGNER.value,)
    if finding.target is Agent.ANNOTATOR:
        had, have = (holders(finding, made.annotations) for made in (before, now))
        if finding.code is FindingCode.MISSING:
            return tuple(annotator for annotator in have if annotator not in had)
        return had if not have else ()
    old, new = (
        made.annotation_schema.get(name) if name else made.annotation_schema for made in (before, now)
    )
    if old != new:
        return (finding.target.value,)
    if finding.raised_by == CRITIC:
        return ()
    # Code withdraws nothing: annotations have changed, such as those that were found to differ.
    then = {annotation.annotator: annotation for annotation in before.annotations}
    return tuple(one.annotator for one in now.annotations if one != then.get(one.annotator))


def holders(finding: Finding, annotations: Sequence[Annotation]) -> tuple[str, ...]:
    """The annotators who have what a finding is about; a missing mention, if one of its class is there."""
    return tuple(annotation.annotator for annotation in annotations if _holds(finding, annotation))


def _holds(finding: Finding, annotation: Annotation) -> bool:
    if finding.span is None:
        return any(
            part.class_name == finding.class_name and mention.span is None and mention.quote == finding.quote
            for top in annotation.instances
            for part in top.walk()
            for mention in part.mentions
        )
    start, end = finding.span
    spans = [
        one.anchor.span
        for one in candidates([annotation])
        if one.class_name == finding.class_name and one.anchor is not None and one.anchor.span is not None
    ]
    if finding.code is FindingCode.MISSING:
        return any(first < end and start < last for first, last in spans)
    return finding.span in spans
