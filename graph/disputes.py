"""Disputes: the places an annotator is asked about once more, and its answers put into its annotation.

Only conflicts are looked at again: what the critic objects to, what it misses, and where annotators differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from agents.reviser import Choice, Phrase
from graph.consensus import Held, differ, held, is_grounded
from graph.objections import INSTANCE_CODES
from graph.propagation import in_document_order
from schemas.annotation import Annotation, Instance
from schemas.judgement import Finding, FindingCode
from schemas.locate import Span, TextIndex, instance_at
from schemas.schema import AnnotationSchema


def phrases_for(
    own: Annotation, annotations: Sequence[Annotation], findings: Sequence[Finding], text: str
) -> tuple[Phrase, ...]:
    """What an annotator has to look at again, in document order; quotes that stand nowhere last.

    Its own mentions that are objected to, what the critic misses, each place where annotators differ, and its
    own quotes that do not stand in the document. An annotator is not asked about a mention that others hold
    and it does not, unless they differ about it.

    Args:
        own: Its annotation.
        annotations: Those of all annotators.
        findings: Objections to annotations.
        text: The document.
    """
    mine = held(own)
    spans = {span for _, span in differ(annotations)}
    for finding in findings:
        objected = finding.code in INSTANCE_CODES and (finding.class_name, finding.span) in mine
        if objected or finding.code is FindingCode.MISSING:
            spans.add(finding.span)
    lost: dict[str, None] = {}
    for instance in own.instances:
        if instance.anchor is not None and not is_grounded(instance):
            spans.add(instance.anchor.span)
            if instance.anchor.span is None:
                lost[instance.anchor.quote] = None
    placed = sorted(span for span in spans if span is not None)
    return (*(Phrase(text[start:end], (start, end)) for start, end in placed), *map(Phrase, lost))


def revised(
    instances: Sequence[Instance],
    choices: Mapping[Phrase, Choice],
    schema: AnnotationSchema,
    index: TextIndex,
) -> tuple[Instance, ...]:
    """One annotator's instances once its choices are put in.

    What it had at a phrase goes and what it has chosen comes, in the words of its choice. Of choices of one
    class that overlap, the longest counts, whoever is asked: phrases in dispute are often the same mention
    with and without a word. A quote that stands nowhere stays as it is if the annotator keeps to it.

    Args:
        instances: What it had; all of classes without further fields.
        choices: Phrases of the document and what was chosen for each; others stay as they are.
        schema: Where classes are looked up.
        index: The document's text.

    Returns:
        Instances in document order, those that were not found last.
    """
    decided = {phrase.span or phrase.quote for phrase, choice in choices.items() if _settles(choice)}
    had = {_key(instance): instance for instance in instances}
    kept = [instance for instance in instances if _place(instance) not in decided]
    taken = {_key(instance) for instance in kept}
    chosen = {(choice.class_name, choice.span) for choice in choices.values() if choice.class_name}
    for name, span in sorted(chosen, key=lambda key: (-_length(key[1]), key[1] or (), key[0] or "")):
        spec = schema.get(name or "")
        if span is None or spec is None or any(_overlaps(spec.name, span, other) for other in taken):
            continue
        taken.add((spec.name, span))
        kept.append(had.get((spec.name, span)) or instance_at(spec, index, span))
    return in_document_order(kept)


def _settles(choice: Choice) -> bool:
    return choice.class_name is None or choice.span is not None


def _place(instance: Instance) -> Span | str | None:
    return None if instance.anchor is None else instance.anchor.span or instance.anchor.quote


def _length(span: Span | None) -> int:
    return span[1] - span[0] if span else 0


def _overlaps(name: str, span: Span, other: Held) -> bool:
    return other[0] == name and other[1] is not None and other[1][0] < span[1] and span[0] < other[1][1]


def _key(instance: Instance) -> Held:
    return instance.class_name, instance.anchor.span if instance.anchor else None
