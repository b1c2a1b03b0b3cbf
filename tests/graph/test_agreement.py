"""Measures of agreement: the formulas' oracles, and what must hold of each for any annotations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nltk.metrics.agreement import AnnotationTask
from travel_annotations import INDEX, TEXT, annotation, annotators, instance

from graph.agreement import (
    AgreementFigures,
    agreement,
    agreement_figures,
    field_f1,
    nominal_alpha,
    overlap_f1,
    span_f1,
    token_alpha,
    token_spans,
    tokens_within,
    typed_spans,
)
from schemas.annotation import Annotation, Instance, TypedSpan, Value
from schemas.judgement import AGREEMENT_FIGURES, Scores
from schemas.locate import ground
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType, Kind


def figures(*annotations: Annotation) -> AgreementFigures:
    return agreement_figures(TEXT, annotations)


def letter(*readers: str, kind: str = "long", sender: str | None = "Cy") -> Annotation:
    values: dict[str, Value] = {"kind": kind, "readers": readers}
    if sender is not None:
        values["sender"] = Instance(class_name="Person", values={"span": sender})
    return annotation(instance("Letter", span="wrote", **values))


def test_the_figures_are_scores() -> None:
    assert set(get_type_hints(AgreementFigures)) == {"agreement", *AGREEMENT_FIGURES}
    made = figures(letter("Ann"), letter("Bo"))
    assert Scores(grounding=1, **made._asdict()).agreement == made.agreement


# --- spans ---

FIRST = frozenset({(0, 5, "PER"), (10, 15, "ORG")})
SECOND = frozenset({(0, 5, "PER"), (10, 16, "ORG")})


def test_span_f1_of_the_published_example() -> None:
    assert span_f1(FIRST, SECOND) == 0.5
    assert overlap_f1(FIRST, SECOND) == 1.0


def test_untyped_agreement_separates_class_from_boundary() -> None:
    person, place = (annotation(instance(name, span="Ann")) for name in ("Person", "Place"))
    assert figures(person, place)[:3] == (0, 1, 0)
    longer = annotation(instance("Person", span="Ann met Bo"))
    assert figures(person, longer)[:3] == (0, 0, 1)


def test_two_empty_annotations_agree_but_are_counted_apart_and_one_empty_one_does_not() -> None:
    ann = annotation(instance("Person", span="Ann"))
    assert figures(annotation(), annotation()) == (1, 1, 1, None, None, 1)
    for pair in ((ann, annotation()), (annotation(), ann)):
        made = figures(*pair)
        assert made[:3] == (0, 0, 0) and made.both_empty == 0
    assert figures(annotation(), annotation(), ann).both_empty == pytest.approx(1 / 3)


@pytest.mark.parametrize("count", [0, 1])
def test_nobody_to_agree_with_is_no_agreement(count: int) -> None:
    assert figures(*[annotation(instance("Person", span="Ann"))] * count) == (None,) * 6
    assert agreement([annotation()] * count) is None


def test_agreement_of_three_is_the_mean_over_pairs() -> None:
    ann, bo = instance("Person", span="Ann"), instance("Person", span="Bo")
    # (ann, bo) with (ann): 2/3; with nothing: 0; (ann) with nothing: 0
    assert agreement([annotation(ann, bo), annotation(ann), annotation()]) == pytest.approx(2 / 9)


def test_fields_and_nested_mentions_are_typed_by_their_field() -> None:
    assert typed_spans(letter("Bo")) == {
        (27, 32, "Letter"),
        (8, 10, "Letter.readers"),
        (24, 26, "Person"),
    }


def test_overlapping_spans_are_matched_one_to_one() -> None:
    whole = frozenset({(0, 30, "PER")})
    parts = frozenset({(0, 5, "PER"), (6, 10, "PER"), (20, 30, "PER")})
    assert overlap_f1(whole, parts) == overlap_f1(parts, whole) == 2 * 1 / 4
    assert overlap_f1(whole, frozenset({(30, 31, "PER")})) == 0  # they only touch
    # The long span overlaps both others; taken first, by its start, it would cost a match.
    assert (
        overlap_f1(frozenset({(0, 20, "PER"), (1, 3, "PER")}), frozenset({(2, 4, "PER"), (9, 12, "PER")}))
        == 1
    )


def drawn_spans() -> st.SearchStrategy[frozenset[TypedSpan]]:
    span = st.tuples(st.integers(0, 12), st.integers(1, 6), st.sampled_from("AB"))
    return st.frozensets(span.map(lambda s: (s[0], s[0] + s[1], s[2])), max_size=6)


@given(drawn_spans(), drawn_spans())
def test_no_matching_of_overlapping_spans_is_larger(
    first: frozenset[TypedSpan], second: frozenset[TypedSpan]
) -> None:
    ours, theirs = sorted(first), sorted(second)
    edges = [[n for n, b in enumerate(theirs) if a[2] == b[2] and a[0] < b[1] and b[0] < a[1]] for a in ours]
    matched = largest_matching(edges)
    total = len(ours) + len(theirs)
    assert overlap_f1(first, second) == (2 * matched / total if total else 1)
    assert overlap_f1(first, second) >= span_f1(first, second)


def largest_matching(edges: Sequence[Sequence[int]]) -> int:
    """Size of the largest matching of a bipartite graph, by augmenting paths (Kuhn)."""
    partner: dict[int, int] = {}

    def augmented(node: int, seen: set[int]) -> bool:
        for other in edges[node]:
            if other not in seen:
                seen.add(other)
                if other not in partner or augmented(partner[other], seen):
                    partner[other] = node
                    return True
        return False

    return sum(augmented(node, set()) for node in range(len(edges)))


@given(annotators())
def test_agreement_is_symmetric_bounded_and_one_for_equals(given_: list[Annotation]) -> None:
    made, turned = figures(*given_), figures(*given_[::-1])
    for name, value in made._asdict().items():
        assert value == pytest.approx(getattr(turned, name)), name
        assert value is None or (-1 if name == "agreement_alpha" else 0) <= value <= 1, name
    assert made.agreement == agreement(given_)
    assert made.agreement_untyped is not None and made.agreement is not None
    assert made.agreement_overlap is not None and made.agreement_overlap >= made.agreement
    same = figures(*[given_[0]] * len(given_))
    assert same[:3] == (1, 1, 1)
    assert same.agreement_fields in (1, None) and same.agreement_alpha in (1, None)


# --- tokens ---


def test_alpha_of_the_published_example_with_four_coders_and_missing_values() -> None:
    coders = ("123321412...", "1233224125.3", ".3332342251.", "1233244125 1.".replace(" ", ""))
    units = Counter(tuple(v for v in values if v != ".") for values in zip(*coders, strict=True))
    assert nominal_alpha(units) == pytest.approx(0.743, abs=0.0005)


def test_alpha_is_one_for_perfect_agreement_and_not_defined_where_nothing_varies() -> None:
    assert nominal_alpha({("A", "A"): 3, ("B", "B"): 1}) == 1
    assert nominal_alpha({("A", "B"): 1, ("B", "A"): 1}) == pytest.approx(-0.5)
    assert nominal_alpha({("A", "A"): 5}) is None
    assert nominal_alpha({("A",): 5, ("B",): 2, (): 1}) is None
    assert nominal_alpha({}) is None


@given(
    st.lists(st.lists(st.sampled_from([None, "A", "B", "C"]), min_size=3, max_size=3), min_size=1, max_size=8)
)
def test_alpha_is_that_of_nltk(rows: list[list[str | None]]) -> None:
    ours = nominal_alpha(Counter(tuple(v for v in row if v is not None) for row in rows))
    pairable = [row for row in rows if sum(v is not None for v in row) > 1]
    if ours is None:
        assert len({v for row in pairable for v in row if v is not None}) <= 1
        return
    told = [(str(c), u, v) for u, row in enumerate(rows) for c, v in enumerate(row) if v is not None]
    assert ours == pytest.approx(AnnotationTask(told).alpha())


def test_alpha_over_tokens_counts_the_tokens_that_nobody_annotates() -> None:
    text = "Ann met Bo in Oslo ."  # six tokens
    first = frozenset({(0, 3, "Person"), (14, 18, "Place")})
    second = frozenset({(0, 3, "Person"), (14, 18, "Person")})
    expected = AnnotationTask(
        [
            (coder, unit, value)
            for coder, values in (("a", "P...L."), ("b", "P...P."))
            for unit, value in enumerate(values)
        ]
    ).alpha()
    assert token_alpha(text, [first, second]) == pytest.approx(expected)
    assert token_alpha(text, [first, first]) == 1
    assert token_alpha(text, [frozenset(), frozenset()]) is None


def test_a_token_with_two_classes_is_another_value_than_with_one() -> None:
    both = frozenset({(0, 3, "Person"), (0, 3, "Place")})
    one = frozenset({(0, 3, "Person")})
    assert token_alpha("Ann met", [both, both]) == 1
    assert token_alpha("Ann met", [both, one]) == pytest.approx(1 - 3 * 2 / 10)


@given(st.text(alphabet="aé1_ .,\n\u4e2d", max_size=30), st.integers(0, 30), st.integers(1, 10))
def test_a_span_touches_the_tokens_it_shares_a_character_with(text: str, start: int, length: int) -> None:
    tokens = token_spans(text)
    assert "".join(text[a:b] for a, b in tokens) == "".join(text.split())
    touched = [n for n, (a, b) in enumerate(tokens) if a < start + length and start < b]
    assert list(tokens_within(tokens, start, start + length)) == touched


# --- field values ---


def test_fields_agree_by_their_values_whatever_the_order_of_lists() -> None:
    assert field_f1(letter("Ann", "Bo"), letter("Bo", "Ann")) == 1
    # kind, sender and one of two readers are equal, each with four values
    assert field_f1(letter("Ann", "Bo"), letter("Ann", "Oslo")) == 2 * 3 / 8
    # a list item twice is two values
    assert field_f1(letter("Ann", "Ann"), letter("Ann")) == 2 * 3 / 7
    assert field_f1(letter(kind="short", sender=None), letter(kind="long", sender=None)) == 0


def test_a_field_that_only_one_fills_disagrees_and_one_that_both_leave_empty_says_nothing() -> None:
    assert field_f1(letter(sender=None), letter(sender="Cy")) == 2 * 1 / 3
    bare = annotation(instance("Place", span="Oslo"))
    assert field_f1(bare, bare) is None
    assert field_f1(bare, annotation(instance("Place", span="Oslo", visitor="Ann"))) == 0


def test_only_instances_that_both_have_are_compared() -> None:
    first = annotation(instance("Place", span="Oslo", year=1), instance("Place", span="Rome", year=2))
    second = annotation(instance("Place", span="Oslo", year=1), instance("Place", span="Rome", visitor="Cy"))
    third = annotation(instance("Place", 2, span="Ann", year=1))
    assert field_f1(first, second) == 2 * 1 / 4
    assert field_f1(first, third) is None


SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(
            name="Person",
            fields=(FieldSpec(name="span"), FieldSpec(name="role", type=FieldType(optional=True))),
        ),
        ClassSpec(
            name="Meeting",
            fields=(
                FieldSpec(name="people", type=FieldType(many=True)),
                FieldSpec(name="hosts", type=FieldType(kind=Kind.CLASS, class_name="Person", many=True)),
            ),
        ),
    )
)


def meeting(people: tuple[str, ...], *hosts: tuple[str, str]) -> Annotation:
    nested = tuple(Instance(class_name="Person", values={"span": a, "role": b}) for a, b in hosts)
    made = Instance(class_name="Meeting", values={"people": people, "hosts": nested})
    return annotation(ground(made, SCHEMA, INDEX))


def test_nested_instances_count_with_their_own_values() -> None:
    assert field_f1(meeting(("Ann",), ("Bo", "Rome")), meeting(("Ann",), ("Bo", "Rome"))) == 1
    # the host is the same, its role is not
    assert field_f1(meeting(("Ann",), ("Bo", "Rome")), meeting(("Ann",), ("Bo", "Oslo"))) == 2 * 1 / 4
    # roles belong to their hosts: changed over, neither is equal
    crossed = (
        meeting(("Ann",), ("Bo", "Rome"), ("Cy", "Oslo")),
        meeting(("Ann",), ("Bo", "Oslo"), ("Cy", "Rome")),
    )
    assert field_f1(*crossed) == 2 * 2 / 8


def test_a_list_that_stands_for_its_instance_is_compared_beyond_its_first_item() -> None:
    assert field_f1(meeting(("Ann", "Bo")), meeting(("Ann", "Bo"))) == 1
    assert field_f1(meeting(("Ann", "Bo")), meeting(("Ann", "Cy"))) == 0
    assert field_f1(meeting(("Ann", "Bo")), meeting(("Bo", "Ann"))) is None  # another anchor


def test_an_instance_without_an_anchor_is_one_value_of_the_document() -> None:
    one, two = (annotation(instance("Count", size=size)) for size in (1, 2))
    assert field_f1(one, one) == 1
    assert field_f1(one, two) == 0
    assert figures(one, two).agreement == 1  # it has no span to differ in
