"""How well annotators agree on the pilot under a version of the guidelines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

from graph.agreement import agreement, typed_spans
from graph.consensus import agree
from schemas.annotation import Annotation
from schemas.example_bank import Example, mentioned
from schemas.schema import AnnotationSchema

Annotations = Mapping[str, tuple[Annotation, ...]]
"""The annotations of each document of the pilot, one of each annotator, by document id."""

MENTIONS_KEPT = 0.9
"""Least share of undisputed mentions that a revision leaves."""


@dataclass(frozen=True)
class Trial:
    """A version of the schema, and what the annotators made of it, each from the guidelines alone.

    Attributes:
        version: Its number, from 1.
        schema: Classes and guidelines.
        annotations: Of the documents that could be annotated.
    """

    version: int
    schema: AnnotationSchema
    annotations: Annotations

    def agreement(self, document_ids: Collection[str] | None = None) -> float | None:
        """Mean agreement over these documents, or all; None with one annotator, or without any mention.

        Documents in which nobody found anything count for nothing: guidelines under which nobody annotates
        would else be perfect.
        """
        values = [
            value
            for document_id, made in self.annotations.items()
            if (document_ids is None or document_id in document_ids)
            and any(annotation.instances for annotation in made)
            and (value := agreement(made)) is not None
        ]
        return sum(values) / len(values) if values else None

    def agreed_mentions(self, document_ids: Collection[str]) -> int:
        """Mentions in these documents that are not disputed."""
        return sum(
            len(frozenset.intersection(*map(typed_spans, made)))
            for document_id, made in self.annotations.items()
            if document_id in document_ids and made
        )

    def by_class(self) -> dict[str, float]:
        """Strict span-F1 on each class, over the pairs of annotators of all documents together.

        Classes that nobody found are left out.
        """
        shared: Counter[str] = Counter()
        given: Counter[str] = Counter()
        for made in self.annotations.values():
            for first, second in combinations(map(typed_spans, made), 2):
                given.update(_class_of(label) for spans in (first, second) for _, _, label in spans)
                shared.update(_class_of(label) for _, _, label in first & second)
        return {name: 2 * shared[name] / given[name] for name in self.schema.names if given[name]}

    def stands_against(self, best: Trial) -> bool:
        """Whether a revision may take the place of the best version so far.

        On the documents that both were tried on agreement must not fall, and at least `MENTIONS_KEPT` of the
        undisputed mentions must be left: a guideline that has annotators find less makes them agree, too.
        """
        both = self.annotations.keys() & best.annotations.keys()
        ours, theirs = self.agreement(both), best.agreement(both)
        if ours is None or (theirs is not None and ours < theirs):
            return False
        return self.agreed_mentions(both) >= MENTIONS_KEPT * best.agreed_mentions(both)

    def examples(self) -> tuple[Example, ...]:
        """What the annotators agree on, and what a majority of them says is no mention of a class.

        The latter are phrases that some give to a class and more than half do not, in any of the documents,
        or that all others agree to be of another class.
        """
        found: dict[Example, None] = {}
        for document_id, made in self.annotations.items():
            agreed = agree(document_id, self.schema, made)
            found |= dict.fromkeys(mentioned(agreed, self.schema))
            found |= dict.fromkeys(self._outvoted(document_id, made, agreed))
        return tuple(found)

    def _outvoted(self, document_id: str, made: Sequence[Annotation], agreed: Annotation) -> list[Example]:
        decided = {
            instance.anchor.span: instance.class_name for instance in agreed.instances if instance.anchor
        }
        votes: Counter[tuple[str, str, tuple[int, int] | None]] = Counter(
            key
            for annotation in made
            for key in {
                (instance.class_name, instance.surface, instance.anchor.span)
                for instance in annotation.instances
                if instance.anchor is not None and instance.anchor.span is not None
            }
        )
        return [
            Example(name, "", surface, document_id)
            for (name, surface, span), count in votes.items()
            if 2 * count < len(made) or decided.get(span, name) != name
        ]


def _class_of(label: str) -> str:
    return label.partition(".")[0]
