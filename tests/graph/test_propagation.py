"""Propagation: the same words get the same class, for each annotator by itself and never against its word."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_team import (
    TEXT,
    Cast,
    accept,
    annotated,
    decided,
    in_turns,
    job,
    judged,
    phrases,
    run,
    surfaces,
)

from graph.agreement import typed_spans
from graph.propagation import forms_of, propagate
from schemas.annotation import Instance, MentionStatus
from schemas.judgement import Agent
from schemas.locate import TextIndex, ground
from schemas.schema import AnnotationSchema, ClassSpec, FieldSpec, FieldType

SCHEMA = AnnotationSchema(
    classes=(
        ClassSpec(name="Person"),
        ClassSpec(name="Place"),
        ClassSpec(
            name="Letter",
            fields=(FieldSpec(name="span"), FieldSpec(name="to", type=FieldType(optional=True))),
        ),
    )
)
ANNS = "Ann saw Anna and ann; Ann Lee and Ann wrote. Lee, too, Ann!"
INDEX = TextIndex(ANNS)


def mention(quote: str, name: str = "Person", occurrence: int = 1, index: TextIndex = INDEX) -> Instance:
    return ground(Instance(class_name=name, values={"span": quote}), SCHEMA, index, {"span": occurrence})


def placed(instances: tuple[Instance, ...]) -> list[tuple[str, str, int]]:
    """Class, words, start of what was added."""
    return [
        (one.class_name, one.surface, one.anchor.start or 0)
        for one in instances
        if one.anchor is not None and one.anchor.status is MentionStatus.PROPAGATED
    ]


def test_whole_words_in_the_same_letters_get_the_class() -> None:
    made = propagate([mention("Ann")], SCHEMA, INDEX)
    assert placed(made) == [("Person", "Ann", 22), ("Person", "Ann", 34), ("Person", "Ann", 55)]
    assert [one.anchor.occurrence for one in made if one.anchor] == [1, 2, 3, 4]


def test_longer_words_go_first_and_nothing_overlaps() -> None:
    made = propagate([mention("Ann Lee"), mention("Lee", occurrence=2), mention("Ann")], SCHEMA, INDEX)
    assert placed(made) == [("Person", "Ann", 34), ("Person", "Ann", 55)]


def test_words_of_two_classes_are_left_alone() -> None:
    both = [mention("Ann"), mention("Ann", "Place", 2), mention("Lee")]
    assert placed(propagate(both, SCHEMA, INDEX)) == [("Person", "Lee", 45)]
    with_field = [mention("Ann"), mention("Ann", "Letter", 2)]
    assert placed(propagate(with_field, SCHEMA, INDEX)) == []


def test_classes_with_further_fields_and_what_stands_nowhere_are_left_alone() -> None:
    given_ = (mention("Ann", "Letter"), mention("Zed"))
    assert propagate(given_, SCHEMA, INDEX) == given_


def test_words_that_stand_inside_others_only_are_left_alone() -> None:
    index = TextIndex("Anna and Annabel")
    given_ = (mention("Ann", index=index),)
    assert propagate(given_, SCHEMA, index) == given_


def test_only_the_forms_that_are_named_and_no_place_that_is_decided() -> None:
    given_ = [mention("Ann"), mention("Lee", occurrence=2)]
    made = propagate(given_, SCHEMA, INDEX, forms={("Person", "Ann")}, refused=[(34, 37)])
    assert placed(made) == [("Person", "Ann", 22), ("Person", "Ann", 55)]


NAMES = st.sampled_from(["Person", "Place", "Letter"])
QUOTES = st.text(st.sampled_from("ab A\u00e9"), min_size=1, max_size=4)


@given(st.text(st.sampled_from("ab \u00e9e\u0301.Aa"), max_size=40), st.lists(st.tuples(NAMES, QUOTES)))
def test_what_is_added_is_verbatim_of_a_known_form_and_overlaps_nothing(
    text: str, said: list[tuple[str, str]]
) -> None:
    index = TextIndex(text)
    before = tuple(mention(quote, name, index=index) for name, quote in said)
    after = propagate(before, SCHEMA, index)
    added = [one for one in after if one.anchor and one.anchor.status is MentionStatus.PROPAGATED]
    assert all(one in after for one in before) and len(after) == len(before) + len(added)
    spans = [one.anchor.span for one in before if one.anchor and one.anchor.span]
    for one in added:
        assert one.anchor is not None and one.anchor.span is not None
        start, end = one.anchor.span
        assert text[start:end] == one.surface and (one.class_name, one.surface) in forms_of(before)
        assert all(end <= first or last <= start for first, last in spans)
        spans.append((start, end))
    assert propagate(after, SCHEMA, index) == after


# --- in the loop ---


async def test_annotators_agree_on_a_name_that_each_quoted_once() -> None:
    cast = Cast(annotator=annotated({"Person": ["Ann", "Cy"], "Place": ["Rome"]}))
    _, kept, _, _ = await run(cast, job(propagate=True))
    assert surfaces(kept) == ["Ann", "Ann", "Cy", "Rome"]
    statuses = [one.anchor.status.value for one in kept.agreed.instances if one.anchor]
    assert statuses == ["exact", "propagated", "exact", "exact"]
    _, plain, _, _ = await run(cast, job(propagate=False))
    assert surfaces(plain) == ["Ann", "Cy", "Rome"]


async def test_each_annotators_own_words_are_propagated() -> None:
    def own(request: object) -> dict[str, list[str]]:
        return [{"Person": ["Ann"]}, {"Person": ["Cy"]}][request.purpose.sample]  # type: ignore[attr-defined]

    _, _, seen, _ = await run(Cast(annotator=own), job(rounds=1, propagate=True))
    found = [[TEXT[start:end] for start, end, _ in sorted(typed_spans(one))] for one in seen[0].annotations]
    assert found == [["Ann", "Ann"], ["Cy"]]


@pytest.mark.parametrize("annotators", [1, 2])
async def test_a_propagated_mention_that_an_annotator_takes_back_does_not_return(annotators: int) -> None:
    """The critic objects to the second Oslo; asked about it, the annotators say that it is none."""
    critic = in_turns(
        judged(lambda number, quote, _: "spurious" if quote == "Oslo" and number == 3 else "correct"), accept
    )
    cast = Cast(
        annotator=annotated({"Place": ["Oslo"], "Person": ["Bo"]}),
        reviser=decided(lambda *_: None),
        critic=critic,
        annotators=annotators,
    )
    _, kept, seen, _ = await run(cast, job(annotators=annotators, propagate=True))
    assert [phrases(request) for request in cast.requests(Agent.ANNOTATOR, 2)] == [[(1, "Oslo")]] * annotators
    assert surfaces(seen[0]) == ["Bo", "Oslo", "Oslo"] and surfaces(kept) == ["Bo", "Oslo"]
    (objection,) = kept.objections
    assert objection.status.value == "mended" and len(objection.gave_way) == annotators


async def test_a_mention_that_was_missing_is_propagated_when_an_annotator_adds_it() -> None:
    critic = in_turns(judged(lambda *_: "correct", missing=[("Person", "Ann")]), accept)
    cast = Cast(
        annotator=annotated({"Place": ["Rome"], "Person": ["Bo"]}),
        reviser=decided(lambda *_: "Person"),
        critic=critic,
    )
    _, kept, seen, _ = await run(cast, job(propagate=True))
    assert len(seen) == 2 and surfaces(kept) == ["Ann", "Bo", "Ann", "Rome"]
