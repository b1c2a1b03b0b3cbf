"""Propagation: what an annotator calls by a class in one place, it calls so wherever the same words stand.

Annotators tend to quote a name once, where it is first read; what is missing are mostly its repetitions
(SCIENCE: sections 1 and 2). Code adds them to each annotator's own work, before agreement.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from agents.annotation_form import has_only_span
from schemas.annotation import Instance, MentionStatus
from schemas.locate import Span, TextIndex, instance_at
from schemas.schema import AnnotationSchema

Form = tuple[str, str]
"""A class, and the words it was given to."""


def forms_of(instances: Sequence[Instance]) -> frozenset[Form]:
    """The forms that an annotator uses: of each grounded instance, its class and the words of its anchor."""
    return frozenset(
        (instance.class_name, instance.surface)
        for instance in instances
        if instance.anchor is not None and instance.anchor.span is not None
    )


def propagate(
    instances: Sequence[Instance],
    schema: AnnotationSchema,
    index: TextIndex,
    *,
    forms: Collection[Form] | None = None,
    refused: Collection[Span] = (),
) -> tuple[Instance, ...]:
    """One annotator's instances, with those at other places of the same words.

    A form is propagated if its words have one class only and that class has no further fields. It goes to the
    occurrences in the same letters that cut no word and overlap none of the annotator's mentions, those of
    longer forms first. What is added has the status `PROPAGATED`.

    Args:
        instances: What the annotator found in the document.
        schema: Where the classes are looked up.
        index: The document's text.
        forms: Propagate only these; None for all.
        refused: Places that the annotator has been asked about, which stay as it decided.

    Returns:
        All of them in document order, those that were not found last.
    """
    used = forms_of(instances)
    words = [surface for _, surface in used]
    taken = [m.span for top in instances for part in top.walk() for m in part.mentions if m.span is not None]
    taken += refused
    added: list[Instance] = []
    for name, surface in sorted(used, key=lambda form: (-len(form[1]), form)):
        spec = schema.get(name)
        if spec is None or not has_only_span(spec) or words.count(surface) > 1:
            continue
        if forms is not None and (name, surface) not in forms:
            continue
        for span in index.whole_words(surface):
            if not any(start < span[1] and span[0] < end for start, end in taken):
                taken.append(span)
                added.append(instance_at(spec, index, span, MentionStatus.PROPAGATED))
    return in_document_order((*instances, *added)) if added else tuple(instances)


def in_document_order(instances: Sequence[Instance]) -> tuple[Instance, ...]:
    """Instances by the places of their anchors; those without a place last, in the order they were in."""

    def place(instance: Instance) -> tuple[bool, Span]:
        span = instance.anchor.span if instance.anchor else None
        return span is None, span or (0, 0)

    return tuple(sorted(instances, key=place))
