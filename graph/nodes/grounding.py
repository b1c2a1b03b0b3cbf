"""The node of what code can settle: ungrounded mentions, lint of the schema, disagreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import islice

from graph.agreement import agreement
from graph.consensus import key_of
from graph.disagreement import find_disagreements, in_words
from graph.nodes.state import DocumentState, in_order
from schemas.annotation import Annotation
from schemas.job import Job
from schemas.judgement import Finding, FindingCode, Severity
from schemas.lint import lint

_MOST_DISPUTED = 3
"""Most classes that are named for their annotators' disagreement in one round."""


class Grounding:
    """Raises findings that cost no tokens."""

    def __init__(self, job: Job, *, frozen: bool) -> None:
        """Raise findings on annotations, and on the schema too unless it is frozen.

        A frozen schema is linted once, when it is given: what a single document happens not to mention is no
        fault of it.
        """
        self._job = job
        self._frozen = frozen

    async def ground(self, state: DocumentState) -> DocumentState:
        """Let code raise what code can settle: ungrounded mentions, lint of the schema, disagreement."""
        annotations = in_order(state)
        ungrounded = {
            (instance.class_name, mention.quote)
            for annotation in annotations
            for top in annotation.instances
            for instance in top.walk()
            for mention in instance.mentions
            if mention.span is None
        }
        found = [
            Finding(
                code=FindingCode.UNGROUNDED,
                severity=Severity.MAJOR,
                raised_by="grounding",
                class_name=class_name,
                quote=quote,
                message="this text does not stand in the document",
            )
            for class_name, quote in sorted(ungrounded)
        ]
        found += _duplicates(annotations)
        agreed = agreement(annotations)
        if agreed is not None and agreed < self._job.thresholds.agreement:
            # Without quotes: guidelines are not to be written from the document that they are used on.
            differences = in_words(find_disagreements([(state["document"].text, annotations)], examples=0))
            found += [
                Finding(
                    code=FindingCode.GUIDELINE_UNDERSPECIFIED,
                    severity=Severity.MINOR,
                    raised_by="agreement",
                    class_name=class_name,
                    message=message,
                )
                for class_name, message in islice(differences.items(), _MOST_DISPUTED)
            ]
        if self._frozen:
            return {"findings": tuple(found)}
        used = {instance.class_name for a in annotations for top in a.instances for instance in top.walk()}
        return {"findings": (*found, *lint(state["schema"], used))}


def _duplicates(annotations: Sequence[Annotation]) -> list[Finding]:
    """What an annotation has twice; the copy has no vote (`graph.consensus`), so it is no more than noted."""
    twice = {
        key: instance
        for annotation in annotations
        for key, count in Counter(map(key_of, annotation.instances)).items()
        if count > 1
        for instance in annotation.instances
        if key_of(instance) == key and instance.anchor is not None and instance.anchor.span is not None
    }
    return [
        Finding(
            code=FindingCode.DUPLICATE,
            severity=Severity.MINOR,
            raised_by="grounding",
            class_name=instance.class_name,
            quote=instance.surface,
            start=instance.anchor.start if instance.anchor else None,
            end=instance.anchor.end if instance.anchor else None,
            message="the same mention is there twice",
        )
        for instance in twice.values()
    ]
