"""How far the annotators of one document agree: by spans, by tokens and by field values.

All measures compare annotators in pairs and take the mean over pairs, except Krippendorff's alpha, which is
made for any number of them. Alpha's few lines are our own: of the libraries that are kept, `krippendorff`
is under the GPL and brings numpy, and `nltk` takes 3 ms for 700 tokens; the tests check against the latter.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import NamedTuple, TypeVar

from schemas.annotation import Annotation, Instance, TypedSpan, Value

_T = TypeVar("_T")
_V = TypeVar("_V", bound=Hashable)

_TOKEN = re.compile(r"\w+|[^\w\s]")
"""A word, or one other character that is no white space."""


class AgreementFigures(NamedTuple):
    """The agreement of a document's annotators; named and defined as in `schemas.judgement.Scores`."""

    agreement: float | None
    agreement_untyped: float | None
    agreement_overlap: float | None
    agreement_fields: float | None
    agreement_alpha: float | None
    both_empty: float | None


def agreement_figures(text: str, annotations: Sequence[Annotation]) -> AgreementFigures:
    """All measures of a document.

    Args:
        text: The document.
        annotations: One of each annotator. For fewer than two there is nothing to measure.
    """
    spans = [typed_spans(annotation) for annotation in annotations]
    return AgreementFigures(
        agreement=_mean_of_pairs(span_f1, spans),
        agreement_untyped=_mean_of_pairs(lambda a, b: span_f1(untyped(a), untyped(b)), spans),
        agreement_overlap=_mean_of_pairs(overlap_f1, spans),
        agreement_fields=_mean_of_pairs(field_f1, annotations),
        agreement_alpha=token_alpha(text, spans) if len(spans) > 1 else None,
        both_empty=_mean_of_pairs(lambda a, b: float(not a and not b), spans),
    )


def agreement(annotations: Sequence[Annotation]) -> float | None:
    """Mean of `span_f1` over all pairs of annotators (SCIENCE: section 2); None for fewer than two.

    For spans, Cohen's kappa tends to F1 as true negatives grow (Hripcsak and Rothschild 2005).
    """
    return _mean_of_pairs(span_f1, [typed_spans(annotation) for annotation in annotations])


def _mean_of_pairs(measure: Callable[[_T, _T], float | None], of: Sequence[_T]) -> float | None:
    """Mean over pairs; those to which the measure does not apply are left out."""
    values = [value for pair in combinations(of, 2) if (value := measure(*pair)) is not None]
    return sum(values) / len(values) if values else None


# --- spans ---


def typed_spans(annotation: Annotation) -> frozenset[TypedSpan]:
    """The mentions of an annotation as typed spans; ungrounded ones have no span and are left out."""
    return frozenset(
        (*mention.span, instance.class_name if number == 0 else f"{instance.class_name}.{mention.field}")
        for top in annotation.instances
        for instance in top.walk()
        for number, mention in enumerate(instance.mentions)
        if mention.span is not None
    )


def span_f1(first: frozenset[TypedSpan], second: frozenset[TypedSpan]) -> float:
    """Strict typed span-F1 of two annotations: 2|A∩B| / (|A|+|B|); two empty ones agree (1)."""
    return _f1(len(first & second), len(first) + len(second))


def _f1(shared: int, total: int) -> float:
    return 2 * shared / total if total else 1.0


def untyped(spans: frozenset[TypedSpan]) -> frozenset[TypedSpan]:
    """Spans without their classes."""
    return frozenset((start, end, "") for start, end, _ in spans)


def overlap_f1(first: frozenset[TypedSpan], second: frozenset[TypedSpan]) -> float:
    """Span-F1 where spans of one class match as soon as they overlap: 2m / (|A|+|B|), m as many as can be."""
    return _f1(len(overlapping(first, second)), len(first) + len(second))


def overlapping(
    first: frozenset[TypedSpan], second: frozenset[TypedSpan]
) -> tuple[tuple[TypedSpan, TypedSpan], ...]:
    """A largest one-to-one matching of spans of one class that share a character.

    It is found greedily: spans are taken by their end, and each gets the partner that ends first. All that
    overlap a span that ends before them hold its last character, so whatever overlaps the first of them
    later on overlaps the others too.
    """
    left, right = _by_class(first), _by_class(second)
    return tuple(pair for name in sorted(left.keys() & right) for pair in _matched(left[name], right[name]))


def _by_class(spans: frozenset[TypedSpan]) -> dict[str, list[TypedSpan]]:
    """Spans of each class, those that end first before others."""
    found: dict[str, list[TypedSpan]] = {}
    for span in sorted(spans, key=_end):
        found.setdefault(span[2], []).append(span)
    return found


def _end(span: TypedSpan) -> tuple[int, int]:
    return span[1], span[0]


def _matched(ours: list[TypedSpan], theirs: list[TypedSpan]) -> list[tuple[TypedSpan, TypedSpan]]:
    pairs = []
    while ours and theirs:
        one, other = (ours, theirs) if _end(ours[0]) <= _end(theirs[0]) else (theirs, ours)
        span = one.pop(0)
        partner = next((each for each in other if each[0] < span[1]), None)
        if partner is not None:
            other.remove(partner)
            pairs.append((span, partner) if one is ours else (partner, span))
    return pairs


# --- tokens ---


def token_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Start and end of a text's tokens in code points: words, and other characters that are no space."""
    return tuple(match.span() for match in _TOKEN.finditer(text))


def tokens_within(tokens: Sequence[tuple[int, int]], start: int, end: int) -> range:
    """Which tokens a span touches."""
    return range(
        bisect_right(tokens, start, key=lambda token: token[1]),
        bisect_left(tokens, end, key=lambda token: token[0]),
    )


def token_alpha(text: str, spans: Sequence[frozenset[TypedSpan]]) -> float | None:
    """Krippendorff's alpha over tokens; what an annotator says of one is the set of its classes, or none.

    Args:
        text: The document.
        spans: Typed spans of each annotator.

    Returns:
        Alpha, see `nominal_alpha`.
    """
    tokens = token_spans(text)
    said: dict[int, list[set[str]]] = {}
    for annotator, own in enumerate(spans):
        for start, end, name in own:
            for token in tokens_within(tokens, start, end):
                said.setdefault(token, [set() for _ in spans])[annotator].add(name)
    units = Counter(tuple(map(frozenset, values)) for values in said.values())
    nothing: frozenset[str] = frozenset()
    units[(nothing,) * len(spans)] += len(tokens) - len(said)
    return nominal_alpha(units)


def nominal_alpha(units: Mapping[tuple[_V, ...], int]) -> float | None:
    """Krippendorff's alpha for nominal data: 1 - observed / expected disagreement.

    With n_uc coders who give unit u the value c, m_u values of unit u, n_c of value c and n in all, units
    of fewer than two values left out (Krippendorff 2011, "Computing Krippendorff's Alpha-Reliability", C):

        alpha = 1 - (n - 1) * sum_u (sum_{c≠k} n_uc n_uk) / (m_u - 1) / sum_{c≠k} n_c n_k

    Args:
        units: How often each combination of values occurs; missing values are left out of it.

    Returns:
        From -1 to 1, 0 for chance; None where all values are equal, or no unit has two: then alpha is not
        defined.
    """
    observed = 0.0
    totals: Counter[_V] = Counter()
    for values, times in units.items():
        if len(values) > 1:
            counts = Counter(values)
            observed += times * _unequal(counts) / (len(values) - 1)
            for value, count in counts.items():
                totals[value] += count * times
    expected = _unequal(totals)
    return 1 - (totals.total() - 1) * observed / expected if expected else None


def _unequal(counts: Counter[_V]) -> int:
    """Ordered pairs of unequal values."""
    return counts.total() ** 2 - sum(count * count for count in counts.values())


# --- field values ---


def field_f1(first: Annotation, second: Annotation) -> float | None:
    """Share of equal field values among the instances that two annotators both have.

    Instances are matched by class and anchor span. Every other value of an instance is taken by its field
    and by what it says: 2|A∩B| / (|A|+|B|) over the multisets of the values of all matched instances, so
    that the order of a list does not count but each of its items does, and a field that both leave empty
    says nothing. A nested instance counts by its class and anchor's text, and its own values in the same
    way. An instance without an anchor stands nowhere, and is one value of the document.

    Returns:
        0 to 1; None if no matched instance has values to compare.
    """
    ours, theirs = _by_place(first), _by_place(second)
    shared = total = 0
    for place in ours.keys() & theirs.keys():
        left, right = Counter(ours[place]), Counter(theirs[place])
        shared += (left & right).total()
        total += left.total() + right.total()
    return _f1(shared, total) if total else None


def _by_place(annotation: Annotation) -> dict[Hashable, list[Hashable]]:
    """What is said of each place; of two instances of one place the first counts, as in voting."""
    found: dict[Hashable, list[Hashable]] = {None: []}
    for instance in annotation.instances:
        if instance.anchor is None:
            found[None].append((instance.class_name, content(instance)))
        elif instance.anchor.span is not None:
            found.setdefault((instance.class_name, instance.anchor.span), list(_values(instance, ())))
    return found


def _values(instance: Instance, path: tuple[Hashable, ...]) -> Iterator[Hashable]:
    """What an instance says beside its anchor (in a list the first item), each value with the way to it."""
    for name, value in instance.values.items():
        items = value if isinstance(value, tuple) else (value,)
        is_anchor = instance.anchor is not None and instance.anchor.field == name
        for item in items[is_anchor:]:
            if isinstance(item, Instance):
                known = (item.class_name, item.surface if item.anchor else content(item))
                yield (*path, name, known)
                if item.anchor:
                    yield from _values(item, (*path, name, known))
            elif item is not None:
                yield (*path, name, item)


def content(value: Value) -> Hashable:
    """What a value says, without how its quotes were written."""
    if isinstance(value, Instance):
        return value.class_name, tuple((name, content(part)) for name, part in sorted(value.values.items()))
    return tuple(content(part) for part in value) if isinstance(value, tuple) else value
