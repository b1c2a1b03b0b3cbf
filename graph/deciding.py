"""From annotations and critique to scores, and from findings to the agent that has to mend.

Rules (DESIGN section 4): a document is accepted when every mention is grounded, every score reaches its
threshold and no major finding is open. Otherwise the findings are routed to the earliest agent that can
mend one. When the loop has come to its end (round cap, standstill, circle), the best round is settled:
disputed mentions are dropped with their class marked unknown, and what is left is accepted or rejected
(`graph.merits` decides).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from graph.consensus import can_be_revised, differ
from graph.objections import INSTANCE_CODES, dropped
from schemas.annotation import Annotation, Instance
from schemas.judgement import (
    Agent,
    Ending,
    Finding,
    FindingCode,
    MentionJudgement,
    Severity,
    Verdict,
)
from schemas.rounds import Round
from schemas.schema import AnnotationSchema

WORKING_ORDER = (Agent.DESIGNER, Agent.WRITER, Agent.ANNOTATOR)
"""Order of work in a round; re-entering at one redoes those after it."""

_GUIDELINE = frozenset({FindingCode.GUIDELINE_UNDERSPECIFIED, FindingCode.GUIDELINE_CONTRADICTION})
_SCHEMA = frozenset(
    {FindingCode.SCHEMA_GENERIC, FindingCode.SCHEMA_OVERLAP, FindingCode.SCHEMA_MISSING_CLASS}
)


def grounding(annotations: Sequence[Annotation]) -> float:
    """Mentions found in the document / mentions given, over all annotators; 1 if there are none."""
    mentions = [mention for annotation in annotations for mention in annotation.mentions]
    return sum(mention.span is not None for mention in mentions) / len(mentions) if mentions else 1.0


def faithfulness(judged: Sequence[MentionJudgement]) -> float | None:
    """Expected share of correct mentions among those judged: the mean probability of being correct.

    Where the critic's model gives no probability a verdict counts as certain, so that without any it is the
    share found correct. None if nothing was judged.
    """
    chances = [
        float(said.verdict is Verdict.CORRECT) if said.probability is None else said.probability
        for said in judged
    ]
    return sum(chances) / len(chances) if chances else None


def faultless_classes(
    schema: AnnotationSchema, findings: Sequence[Finding], codes: frozenset[FindingCode]
) -> float:
    """Classes without a finding of these codes / classes; one that names no class counts for one class."""
    named = {f.class_name for f in findings if f.code in codes and f.class_name in schema.names}
    unnamed = any(f.code in codes and f.class_name not in schema.names for f in findings)
    return max(0.0, 1 - (len(named) + unnamed) / len(schema.classes))


def guideline_score(schema: AnnotationSchema, findings: Sequence[Finding]) -> float:
    """Share of classes whose guideline nobody objects to."""
    return faultless_classes(schema, findings, _GUIDELINE)


def schema_score(schema: AnnotationSchema, findings: Sequence[Finding]) -> float:
    """Share of classes to which nobody objects as such."""
    return faultless_classes(schema, findings, _SCHEMA)


def route(findings: Sequence[Finding], agents: Sequence[Agent] = WORKING_ORDER) -> Agent | None:
    """The agent at which the next round begins: the earliest that a major finding names, else any finding.

    Args:
        findings: What was objected to.
        agents: Those at whom a round may begin, in the order of work; findings for others are left alone.
    """
    for severities in ({Severity.MAJOR}, {Severity.MINOR}):
        targets = {finding.target for finding in findings if finding.severity in severities}
        for agent in agents:
            if agent in targets:
                return agent
    return None


def entry(round_: Round, agents: Sequence[Agent] = WORKING_ORDER) -> Agent | None:
    """The agent at which the round after this one begins; None if nobody can mend anything.

    Annotators who differ are asked about these places before a guideline is blamed for it, and once for each
    annotation: it takes a few tokens, while new guidelines have the whole document annotated anew.

    Args:
        round_: The round as judged.
        agents: Those at whom a round may begin, in the order of work.
    """
    major = [finding for finding in round_.findings if finding.severity is Severity.MAJOR]
    is_fresh = round_.number == 1 or round_.entered is not Agent.ANNOTATOR
    if route(major, agents) is None and is_fresh and can_be_revised(round_.annotation_schema):
        if differ(round_.annotations):
            return Agent.ANNOTATOR
    return route(round_.findings, agents)


def ending(rounds: Sequence[Round], cap: int) -> Ending | None:
    """Whether the loop has come to its end without agreement, and how."""
    hashes = [round_.state_hash for round_ in rounds]
    if len(hashes) > 1 and hashes[-1] == hashes[-2]:
        return Ending.STALEMATE
    if hashes[-1] in hashes[:-1]:
        return Ending.OSCILLATION
    return Ending.CAP if len(rounds) >= cap else None


def state_hash(
    schema: AnnotationSchema,
    annotations: Sequence[Annotation],
    findings: Sequence[Finding],
    entering: Agent | None = None,
) -> str:
    """Hash of a round's content and of who is asked next; equal hashes mean that nothing would change."""
    parts = [schema.model_dump_json(), *(a.model_dump_json() for a in annotations)]
    parts += sorted(finding.model_dump_json() for finding in findings)
    parts.append(entering or "")
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def undisputed(agreed: Annotation, findings: Iterable[Finding]) -> tuple[Instance, ...]:
    """The agreed instances to which the critic does not object."""
    disputed = {
        (finding.class_name, finding.span or finding.quote)
        for finding in findings
        if finding.code in INSTANCE_CODES and finding.severity is Severity.MAJOR
    }
    return tuple(
        instance
        for instance in agreed.instances
        if instance.anchor is None
        or disputed.isdisjoint(
            (instance.class_name, place) for place in (instance.anchor.span, instance.surface)
        )
    )


def settle(round_: Round) -> Round:
    """Drop what is still disputed: agreed instances the critic objects to, their classes marked unknown.

    A mention the critic misses makes its class unknown too: its absence is then no negative. Findings that
    are dealt with in this way are no longer open and become minor; the scores stay as they were judged.
    Minor ones are about mentions that were not agreed on and are left out already.
    """
    unknown = set(round_.agreed.unknown_classes) | {
        finding.class_name
        for finding in round_.findings
        if finding.code in INSTANCE_CODES or finding.code is FindingCode.MISSING
    }
    agreed = round_.agreed.model_copy(
        update={
            "instances": undisputed(round_.agreed, round_.findings),
            "unknown_classes": tuple(name for name in round_.annotation_schema.names if name in unknown),
        }
    )
    findings = tuple(
        finding.model_copy(update={"severity": Severity.MINOR}) if finding.code in INSTANCE_CODES else finding
        for finding in round_.findings
    )
    objections = dropped(round_.objections, round_.number)
    return round_.model_copy(update={"agreed": agreed, "findings": findings, "objections": objections})
