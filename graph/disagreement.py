"""Where annotators differ, over many documents, and how: what a guideline has to say more clearly.

The idea is DiZiNER's (arXiv 2604.15866): revise guidelines where annotators who worked alone disagree. Each
pair of annotators of a document is compared span by span. A span that only one of them has is put to one
account: the other gave the same span another class (a confused pair of classes), or cut a span of the same
class differently (a boundary), or found nothing of the class there (a dispute over whether it is one; the
classes with most of these are the hotspots). Token votes measure the same without pairs.

Labels are `Class` for what stands for an instance, and `Class.field` for its other mentions.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import combinations, product
from typing import NamedTuple, TypeVar

from pydantic import Field

from graph.agreement import overlapping, token_spans, tokens_within, typed_spans
from schemas.annotation import Annotation, TypedSpan
from schemas.base import Model

_V = TypeVar("_V", bound=Hashable)

_CONTEXT = 60
"""Characters of the document on each side of an example, about a line."""


class Example(Model):
    """A place in a document on which annotators differ."""

    document_id: str = Field(description="The document.")
    quote: str = Field(description="The text in dispute, as it stands there.")
    other: str | None = Field(default=None, description="The text as another annotator cut it.")
    context: str = Field(description="The text with what stands around it, on one line.")


class Hotspot(Model):
    """A label of which annotators do not agree what it is given to."""

    label: str = Field(description="`Class` or `Class.field`.")
    disputed: int = Field(
        description="Spans of the label that one of a pair has and the other has nothing of."
    )
    compared: int = Field(description="Spans of the label that either of a pair has.")
    d_bio: float = Field(description="Mean D_bio over the tokens to which anyone gives the label.")
    d_type: float = Field(description="Mean D_type over them.")
    u_bnd: float = Field(description="Mean U_bnd over them, in bits.")
    examples: tuple[Example, ...] = Field(description="The first places, with different texts.")

    @property
    def rate(self) -> float:
        """Disputed / compared."""
        return self.disputed / self.compared


class ConfusionPair(Model):
    """Two labels that annotators give to the same spans."""

    labels: tuple[str, str] = Field(description="In alphabetical order; who gave which does not count.")
    count: int = Field(description="How often, over all pairs of annotators.")
    examples: tuple[Example, ...] = Field(description="The first places, with different texts.")


class BoundaryPair(Model):
    """A label whose spans annotators cut differently."""

    label: str = Field(description="`Class` or `Class.field`.")
    count: int = Field(description="How often, over all pairs of annotators.")
    examples: tuple[Example, ...] = Field(description="The first places: the shorter text, and the longer.")


class Disagreements(Model):
    """All disagreements of a set of documents, the most frequent first; of equals, by label."""

    documents: int = Field(description="Documents with two annotators or more.")
    hotspots: tuple[Hotspot, ...] = Field(description="Labels with disputes over what they are given to.")
    confusions: tuple[ConfusionPair, ...] = Field(description="Confused pairs of labels.")
    boundaries: tuple[BoundaryPair, ...] = Field(description="Labels with disputed boundaries.")


def find_disagreements(
    documents: Iterable[tuple[str, Sequence[Annotation]]], examples: int = 3
) -> Disagreements:
    """Compare the annotators of each document.

    Args:
        documents: Text and annotations of each document.
        examples: Most examples of a finding.

    Returns:
        The same for the same documents in the same order, whichever annotator is named first.
    """
    tally = _Tally(examples)
    count = 0
    for text, made in documents:
        if len(made) > 1:
            count += 1
            tally.add(text, made)
    return tally.closed(count)


def in_words(found: Disagreements) -> dict[str, str]:
    """What annotators differ on about each class, as a request to who writes its guideline; without quotes.

    Returns:
        Class to sentence, the class with the most disagreements first; fields are counted to their class.
    """
    requests: dict[str, Counter[str]] = defaultdict(Counter)
    for hotspot in found.hotspots:
        requests[_class_of(hotspot.label)]["say what belongs to it and what does not"] += hotspot.disputed
    for cut in found.boundaries:
        requests[_class_of(cut.label)]["say where a mention begins and ends"] += cut.count
    for pair in found.confusions:
        one, other = map(_class_of, pair.labels)
        if one != other:
            requests[one][f"say how to tell it from {other}"] += pair.count
            requests[other][f"say how to tell it from {one}"] += pair.count
        else:
            requests[one]["say what belongs into which field"] += pair.count
    order = sorted(requests.items(), key=lambda item: (-item[1].total(), item[0]))
    return {
        name: "annotators differ: "
        + "; ".join(f"{request} ({count}x)" for request, count in counts.most_common())
        for name, counts in order
    }


def _class_of(label: str) -> str:
    return label.partition(".")[0]


# --- votes on tokens ---


@dataclass(frozen=True)
class TokenVotes:
    """How annotators differ on a token; each has one vote.

    Attributes:
        start: First code point.
        end: One past the last.
        labels: All labels that anyone gives the token.
        d_bio: `impurity` of the tags B (a span begins here), I (one goes on) and O (there is none).
        d_type: `impurity` of the labels, among those who give any; several labels of one voter are one vote
            for their set.
        u_bnd: `entropy` of whether a span begins here, in bits.
    """

    start: int
    end: int
    labels: frozenset[str]
    d_bio: float
    d_type: float
    u_bnd: float


def token_votes(text: str, annotations: Sequence[Annotation]) -> tuple[TokenVotes, ...]:
    """The votes on each token that anyone annotates, in order of the text; on others nobody differs.

    As in DiZiNER, with two changes: tags are compared without their labels, so that D_bio tells nothing
    about types, and D_type leaves out who says O, so that it tells nothing about existence.
    """
    tokens = token_spans(text)
    given: dict[int, list[set[str]]] = defaultdict(lambda: [set() for _ in annotations])
    begun: dict[int, set[int]] = defaultdict(set)
    for voter, annotation in enumerate(annotations):
        for start, end, label in typed_spans(annotation):
            touched = tokens_within(tokens, start, end)
            for token in touched:
                given[token][voter].add(label)
            begun[touched.start].add(voter)
    votes = []
    for token, labels in sorted(given.items()):
        tags = Counter(
            "O" if not own else "B" if voter in begun[token] else "I" for voter, own in enumerate(labels)
        )
        votes.append(
            TokenVotes(
                *tokens[token],
                labels=frozenset().union(*labels),
                d_bio=impurity(tags),
                d_type=impurity(Counter(frozenset(own) for own in labels if own)),
                u_bnd=entropy(tags["B"] / len(labels)),
            )
        )
    return tuple(votes)


def impurity(weights: Mapping[_V, float]) -> float:
    """How mixed votes are: 1 - the sum of squared shares (Gini); 0 if all are equal.

    Args:
        weights: Weight of the votes for each value; their sum is above 0.
    """
    total = sum(weights.values())
    return 1 - sum((weight / total) ** 2 for weight in weights.values())


def entropy(share: float) -> float:
    """Entropy of a yes or no of which `share` are yes, in bits: 0 if all are agreed, 1 if half."""
    return -sum(p * math.log2(p) for p in (share, 1 - share) if p)


# --- pairs of annotators ---


class _Account(StrEnum):
    """What a pair of annotators can differ in."""

    EXISTENCE = "existence"
    LABEL = "label"
    BOUNDARY = "boundary"


class _Dispute(NamedTuple):
    """One of the two has `span`; where only its boundaries are in dispute, the other has `other`."""

    span: tuple[int, int]
    labels: tuple[str, ...]
    account: _Account
    other: tuple[int, int] | None = None


def _disputes(first: frozenset[TypedSpan], second: frozenset[TypedSpan]) -> Iterator[_Dispute]:
    """All that two annotators of a document differ in; every span that only one has belongs to some of it."""
    ours, theirs = first - second, second - first
    confused = [(a, b) for a, b in product(ours, theirs) if a[:2] == b[:2]]
    for a, b in confused:
        yield _Dispute(a[:2], (min(a[2], b[2]), max(a[2], b[2])), _Account.LABEL)
    ours -= {a for a, _ in confused}
    theirs -= {b for _, b in confused}
    cut = overlapping(ours, theirs)
    for pair in cut:
        shorter, longer = sorted((span[:2] for span in pair), key=lambda span: (span[1] - span[0], span))
        yield _Dispute(shorter, (pair[0][2],), _Account.BOUNDARY, longer)
    for start, end, label in (ours | theirs) - {span for pair in cut for span in pair}:
        yield _Dispute((start, end), (label,), _Account.EXISTENCE)


@dataclass
class _Entry:
    """What is known of the disputes over one label, or pair of labels."""

    count: int = 0
    examples: dict[tuple[str, str | None], Example] = field(default_factory=dict)


class _Tally:
    """The disagreements found so far."""

    def __init__(self, examples: int) -> None:
        self._most = examples
        self._compared: Counter[str] = Counter()
        self._votes: defaultdict[str, list[TokenVotes]] = defaultdict(list)
        self._entries: dict[_Account, defaultdict[tuple[str, ...], _Entry]] = {
            account: defaultdict(_Entry) for account in _Account
        }

    def add(self, text: str, annotations: Sequence[Annotation]) -> None:
        """Compare the annotators of one document."""
        for vote in token_votes(text, annotations):
            for label in vote.labels:
                self._votes[label].append(vote)
        disputes: list[_Dispute] = []
        for first, second in combinations(map(typed_spans, annotations), 2):
            self._compared.update(label for _, _, label in first & second)
            disputes += _disputes(first, second)
        for dispute in sorted(disputes, key=lambda each: (each.span, each.labels, each.other or ())):
            self._compared.update(dispute.labels)
            self._note(annotations[0].document_id, text, dispute)

    def _note(self, document_id: str, text: str, dispute: _Dispute) -> None:
        entry = self._entries[dispute.account][dispute.labels]
        entry.count += 1
        if len(entry.examples) >= self._most:
            return
        (start, end), other = dispute.span, dispute.other or dispute.span
        quote = text[start:end]
        as_cut = text[other[0] : other[1]] if dispute.other else None
        key = quote.casefold(), as_cut.casefold() if as_cut else None
        if key not in entry.examples:
            context = _context(text, min(start, other[0]), max(end, other[1]))
            entry.examples[key] = Example(document_id=document_id, quote=quote, other=as_cut, context=context)

    def closed(self, documents: int) -> Disagreements:
        """All that was found."""
        return Disagreements(
            documents=documents,
            hotspots=tuple(
                Hotspot(
                    label=labels[0],
                    disputed=entry.count,
                    compared=self._compared[labels[0]],
                    **self._means(labels[0]),
                    examples=tuple(entry.examples.values()),
                )
                for labels, entry in self._ranked(_Account.EXISTENCE)
            ),
            confusions=tuple(
                ConfusionPair(
                    labels=(labels[0], labels[1]), count=entry.count, examples=tuple(entry.examples.values())
                )
                for labels, entry in self._ranked(_Account.LABEL)
            ),
            boundaries=tuple(
                BoundaryPair(label=labels[0], count=entry.count, examples=tuple(entry.examples.values()))
                for labels, entry in self._ranked(_Account.BOUNDARY)
            ),
        )

    def _ranked(self, account: _Account) -> list[tuple[tuple[str, ...], _Entry]]:
        return sorted(self._entries[account].items(), key=lambda item: (-item[1].count, item[0]))

    def _means(self, label: str) -> dict[str, float]:
        votes = self._votes[label]
        names = ("d_bio", "d_type", "u_bnd")
        return {name: math.fsum(getattr(vote, name) for vote in votes) / max(1, len(votes)) for name in names}


def _context(text: str, start: int, end: int) -> str:
    """What stands around a span, on one line; words cut through at its ends are left out."""
    before, after = text[max(0, start - _CONTEXT) : start], text[end : end + _CONTEXT]
    if start > _CONTEXT:
        _, space, rest = before.partition(" ")
        before = rest if space else before
    if end + _CONTEXT < len(text):
        rest, space, _ = after.rpartition(" ")
        after = rest if space else after
    return " ".join((before + text[start:end] + after).split())
