"""Where annotators differ: DiZiNER's measures on tokens, and the three accounts of disputed spans."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from travel_annotations import TEXT, annotation, annotators, instance

from graph.agreement import span_f1, typed_spans
from graph.disagreement import (
    BoundaryPair,
    ConfusionPair,
    Disagreements,
    Example,
    entropy,
    find_disagreements,
    impurity,
    in_words,
    token_votes,
)
from schemas.annotation import Annotation, Instance, Mention, MentionStatus


def spans(text: str, *found: tuple[str, str], document: str = "d") -> Annotation:
    """An annotation by hand: (class, quote), each quote standing once in the text."""
    made = []
    for name, quote in found:
        start = text.index(quote)
        mention = Mention(
            field="span", quote=quote, start=start, end=start + len(quote), status=MentionStatus.EXACT
        )
        made.append(Instance(class_name=name, values={"span": quote}, mentions=(mention,)))
    return Annotation(document_id=document, annotator="annotator-1", instances=tuple(made))


# --- votes on tokens ---


def test_the_published_votes() -> None:
    assert impurity({"B": 2, "O": 2}) == 0.5
    assert impurity({"A": 0.75, "B": 0.25}) == 0.375
    assert entropy(0.5) == 1 and entropy(0) == entropy(1) == 0
    assert entropy(0.25) == pytest.approx(0.811278, abs=1e-6)


def test_four_voters_of_whom_two_begin_a_span() -> None:
    person, nothing = spans(TEXT, ("Person", "Oslo")), spans(TEXT)
    (vote,) = token_votes(TEXT, [person, person, nothing, nothing])
    assert (vote.start, vote.end, vote.labels) == (14, 18, {"Person"})
    assert (vote.d_bio, vote.d_type, vote.u_bnd) == (0.5, 0, 1)


def test_types_are_compared_among_those_who_give_one() -> None:
    a, b = spans(TEXT, ("Place", "Oslo")), spans(TEXT, ("Person", "Oslo"))
    (vote,) = token_votes(TEXT, [a, a, a, b])
    assert (vote.d_bio, vote.d_type, vote.u_bnd) == (0, 0.375, 0)
    (vote,) = token_votes(TEXT, [a, spans(TEXT)])
    assert vote.d_type == 0
    both = spans(TEXT, ("Place", "Oslo"), ("Person", "Oslo"))
    assert token_votes(TEXT, [both, both])[0].d_type == 0
    assert token_votes(TEXT, [both, a])[0].d_type == 0.5


def test_a_span_that_begins_earlier_is_inside_where_another_begins() -> None:
    long, short = spans(TEXT, ("Person", "Ann met Bo")), spans(TEXT, ("Person", "Bo"))
    votes = token_votes(TEXT, [long, short])
    assert [TEXT[vote.start : vote.end] for vote in votes] == ["Ann", "met", "Bo"]
    assert [vote.d_bio for vote in votes] == [0.5, 0.5, 0.5]
    assert [vote.u_bnd for vote in votes] == [1, 0, 1]


@given(annotators(least=1))
def test_votes_are_bounded_and_zero_for_equals(given_: list[Annotation]) -> None:
    for vote in token_votes(TEXT, given_):
        assert 0 <= vote.d_bio < 1 and 0 <= vote.d_type < 1 and 0 <= vote.u_bnd <= 1
    for vote in token_votes(TEXT, [given_[0]] * 3):
        assert (vote.d_bio, vote.d_type, vote.u_bnd) == (0, 0, 0)


# --- accounts ---

FIRST = "The Oslo Opera House opened in spring, and the opera moved in."
SECOND = "Ada Lovelace wrote to the Times."


def found() -> Disagreements:
    return find_disagreements(
        [
            (
                FIRST,
                [
                    spans(FIRST, ("Place", "Oslo"), ("Building", "Opera House"), document="opera"),
                    spans(FIRST, ("Building", "Oslo Opera House"), ("Event", "spring"), document="opera"),
                ],
            ),
            (SECOND, [spans(SECOND, ("Person", "Ada Lovelace"), document="alone")]),
            (
                SECOND,
                [
                    spans(SECOND, ("Person", "Ada Lovelace"), ("Paper", "Times"), document="ada"),
                    spans(SECOND, ("Person", "Ada Lovelace"), ("Company", "Times"), document="ada"),
                    spans(SECOND, ("Person", "Ada Lovelace"), ("Paper", "Times"), document="ada"),
                ],
            ),
        ]
    )


def test_a_disputed_span_is_put_to_one_account() -> None:
    made = found()
    assert made.documents == 2
    assert [(spot.label, spot.disputed, spot.compared) for spot in made.hotspots] == [
        ("Event", 1, 1),
        ("Place", 1, 1),
    ]
    assert made.confusions == (
        ConfusionPair(
            labels=("Company", "Paper"),
            count=2,
            examples=(Example(document_id="ada", quote="Times", context=SECOND),),
        ),
    )
    assert made.boundaries == (
        BoundaryPair(
            label="Building",
            count=1,
            examples=(
                Example(document_id="opera", quote="Opera House", other="Oslo Opera House", context=FIRST),
            ),
        ),
    )


def test_a_hotspot_tells_how_its_tokens_were_voted_on() -> None:
    text = "Ann met Bo and Cy and Al"
    with_bo = spans(text, ("Person", "Ann"), ("Person", "Bo"), ("Person", "Cy"))
    (spot,) = find_disagreements(
        [(text, [with_bo, spans(text, ("Person", "Ann"), ("Place", "Cy"))])]
    ).hotspots
    assert (spot.label, spot.disputed, spot.compared, spot.rate) == ("Person", 1, 3, 1 / 3)
    assert spot.d_bio == pytest.approx(0.5 / 3)
    assert spot.d_type == pytest.approx(0.5 / 3)
    assert spot.u_bnd == pytest.approx(1 / 3)
    assert [example.quote for example in spot.examples] == ["Bo"]


def test_examples_are_the_first_places_with_different_texts_and_whole_words_around() -> None:
    text = "A long way before it and further than any line goes" + " on" * 9
    text = f"{text}, stands Kiel, {text[::-1]}"
    documents = [(text, [spans(text, ("Place", "Kiel"), document=f"d{n}"), spans(text)]) for n in range(5)]
    (spot,) = find_disagreements(documents).hotspots
    assert (spot.disputed, len(spot.examples)) == (5, 1)
    assert spot.examples[0].document_id == "d0"
    context = spot.examples[0].context
    assert "Kiel" in context and context in text and len(context) <= 4 + 2 * 60
    assert f" {context} " in text  # no word is cut through
    others = [
        (other, [spans(other, ("Place", other[:4])), spans(other)])
        for other in ("Rome.", "Oslo.", "Kiel.", "Lund.")
    ]
    (spot,) = find_disagreements(others, examples=2).hotspots
    assert [example.quote for example in spot.examples] == ["Rome", "Oslo"]


@given(st.lists(annotators(least=1, most=3), max_size=3))
def test_all_disputed_spans_are_accounted_for_whoever_is_named_first(given_: list[list[Annotation]]) -> None:
    made = find_disagreements([(TEXT, one) for one in given_])
    assert made == find_disagreements([(TEXT, one[::-1]) for one in given_])
    pairs = [
        (typed_spans(a), typed_spans(b)) for one in given_ for n, a in enumerate(one) for b in one[n + 1 :]
    ]
    nothing = not (made.hotspots or made.confusions or made.boundaries)
    assert nothing == all(span_f1(a, b) == 1 for a, b in pairs)
    disputed = sum(len(a ^ b) for a, b in pairs)
    hot, cut = (
        sum(values) for values in ([s.disputed for s in made.hotspots], [b.count for b in made.boundaries])
    )
    # A confusion takes up a span of each, or part of a span that one of them gave several classes.
    left = disputed - hot - 2 * cut
    assert (left > 0) == bool(made.confusions) and left <= 2 * sum(pair.count for pair in made.confusions)
    for spot in made.hotspots:
        assert 0 < spot.rate <= 1
    ranked = [(-spot.disputed, spot.label) for spot in made.hotspots]
    assert ranked == sorted(ranked)


# --- in words ---


def test_in_words_each_class_is_told_what_to_say_and_no_text_is_quoted() -> None:
    told = in_words(found())
    assert list(told) == ["Company", "Paper", "Building", "Event", "Place"]
    assert told["Paper"] == "annotators differ: say how to tell it from Company (2x)"
    assert told["Building"] == "annotators differ: say where a mention begins and ends (1x)"
    assert "say what belongs to it and what does not (1x)" in told["Event"]
    assert not any(word in " ".join(told.values()) for word in ("Times", "Oslo", "Opera"))


def test_fields_are_counted_to_their_class() -> None:
    place, bare = instance("Place", span="Oslo", visitor="Ann"), instance("Place", span="Oslo")
    made = find_disagreements([(TEXT, [annotation(place), annotation(bare)])])
    assert [spot.label for spot in made.hotspots] == ["Place.visitor"]
    assert list(in_words(made)) == ["Place"]
