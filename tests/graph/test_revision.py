"""The second look: only what is in dispute is asked again, of those whom it concerns, and judged again."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_team import (
    Cast,
    Script,
    accept,
    annotated,
    decided,
    in_turns,
    instructions,
    items,
    job,
    judged,
    phrases,
    prefix,
    run,
    surfaces,
)

from agents.llm.client import Request
from agents.reviser import Choice, Phrase
from graph.disputes import revised
from schemas.annotation import Instance
from schemas.job import Profile
from schemas.judgement import Agent, Ending, Outcome
from schemas.locate import TextIndex, instance_at
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

BOTH = pytest.mark.parametrize("profile", Profile)


def against(*quotes: str) -> Script:
    """A critic who objects to these quotes, and to no others."""
    return judged(lambda _, quote, name: "spurious" if quote in quotes else "correct")


def by_sample(*found: dict[str, list[str]]) -> Script:
    return lambda request: found[request.purpose.sample]


def asked(cast: Cast, round_: int = 2) -> dict[int, list[str]]:
    """The phrases that each annotator is asked about."""
    return {r.purpose.sample: [q for _, q in phrases(r)] for r in cast.requests(Agent.ANNOTATOR, round_)}


def ends(made: Round) -> list[tuple[str, str | None, str, tuple[str, ...]]]:
    return [(o.finding.code.value, o.finding.quote, o.status.value, o.gave_way) for o in made.objections]


@BOTH
async def test_annotators_are_asked_about_what_is_objected_to_and_nothing_else(profile: Profile) -> None:
    people = {"Person": ["Ann", "Bo", "Cy"], "Place": ["Oslo"]}
    critic = in_turns(against("Bo"), accept)
    if profile is Profile.COMPACT:
        names = {"Ann": "Person", "Cy": "Person", "Oslo": "Place"}
        critic = lambda r: {"classes": [{"quote": q, "class": names.get(q)} for _, q, _ in items(r)]}  # noqa: E731
    cast = Cast(annotator=annotated(people), reviser=decided(lambda *_: None), critic=critic, profile=profile)
    decision, kept, seen, _ = await run(cast)
    assert asked(cast) == {0: ["Bo"], 1: ["Bo"]}
    assert decision.ending is Ending.AGREED and surfaces(kept) == ["Ann", "Oslo", "Cy"]
    assert ends(seen[1]) == [("SPURIOUS", "Bo", "mended", ("annotator-1", "annotator-2"))]
    # Nothing that it has not judged before is left, so the critic is not asked again.
    assert cast.requests(Agent.CRITIC, 2) == []
    assert kept.scores.faithfulness == 1


async def test_an_annotator_that_keeps_its_answer_makes_the_critic_look_again() -> None:
    cast = Cast(reviser=decided(lambda *_: "Person"), critic=in_turns(against("Bo"), accept))
    decision, kept, seen, _ = await run(cast)
    (request,) = cast.requests(Agent.CRITIC, 2)
    assert [(quote, name) for _, quote, name in items(request)] == [("Bo", "Person")]
    assert "missing" not in instructions(request) and "GUIDELINE" not in instructions(request)
    assert decision.outcome is Outcome.ACCEPTED and "Bo" in surfaces(kept)
    assert ends(seen[1]) == [("SPURIOUS", "Bo", "conceded", ("critic",))]


async def test_a_changed_class_is_judged_and_the_rest_is_carried_over() -> None:
    cast = Cast(
        annotator=annotated({"Person": ["Ann", "Oslo"], "Place": ["Rome"]}),
        reviser=decided(lambda *_: "Place"),
        critic=in_turns(judged(lambda _, quote, __: "wrong_class" if quote == "Oslo" else "correct"), accept),
    )
    _, kept, seen, _ = await run(cast)
    (request,) = cast.requests(Agent.CRITIC, 2)
    assert [(quote, name) for _, quote, name in items(request)] == [("Oslo", "Place")]
    assert [(one.class_name, one.surface) for one in kept.agreed.instances] == [
        ("Person", "Ann"),
        ("Place", "Oslo"),
        ("Place", "Rome"),
    ]
    assert ends(seen[1]) == [("TYPE", "Oslo", "mended", ("annotator-1", "annotator-2"))]


async def test_annotators_who_differ_are_asked_about_these_places_alone() -> None:
    differing = by_sample(
        {"Person": ["Ann", "Bo"], "Place": ["Rome", "the Oslo engine"]},
        {"Person": ["Ann"], "Place": ["Bo", "Rome", "Oslo engine"]},
    )
    classes = {"Bo": "Person", "the Oslo engine": "Place", "Oslo engine": "Place"}
    cast = Cast(annotator=differing, reviser=decided(lambda _, quote: classes.get(quote)))
    _, kept, seen, _ = await run(cast)
    both = ["Bo", "the Oslo engine", "Oslo engine"]
    assert asked(cast) == {0: both, 1: both}
    assert seen[1].entered is Agent.ANNOTATOR and seen[1].scores.agreement == 1
    # Both say that either phrase is a place: the longest counts, for both.
    assert surfaces(kept) == ["Ann", "Bo", "Rome", "the Oslo engine"]
    told = [instructions(request) for request in cast.requests(Agent.ANNOTATOR, 2)]
    assert not any(word in text for text in told for word in ("differ", "annotator-", "other annotators"))


async def test_an_annotator_with_nothing_in_dispute_is_not_asked() -> None:
    found = {"Person": ["Ann", "Bo"], "Place": ["Oslo", "Rome"]}
    nowhere = {**found, "Person": ["Ann", "Bo", "Zed"]}
    cast = Cast(annotator=by_sample(nowhere, found), reviser=decided(lambda *_: None))
    decision, _, seen, _ = await run(cast)
    assert asked(cast) == {0: ["Zed"]}
    assert decision.outcome is Outcome.ACCEPTED and seen[1].annotations[1] == seen[0].annotations[1]
    assert ("UNGROUNDED", "Zed", "mended", ("annotator-1",)) in ends(seen[1])


async def test_a_missing_mention_is_put_to_all_and_then_to_the_critic_who_named_it() -> None:
    found = annotated({"Person": ["Ann"], "Place": ["Rome"]})
    misses = judged(lambda *_: "correct", missing=[("Person", "Cy"), ("Place", "engine")])
    classes = {"Cy": "Person"}
    cast = Cast(
        annotator=found,
        reviser=decided(lambda _, q: classes.get(q)),
        critic=in_turns(misses, against("engine")),
    )
    _, kept, seen, _ = await run(cast)
    assert asked(cast) == {0: ["Cy", "engine"], 1: ["Cy", "engine"]}
    (request,) = cast.requests(Agent.CRITIC, 2)
    assert [(quote, name) for _, quote, name in items(request)] == [("Cy", "Person"), ("engine", "Place")]
    assert surfaces(kept) == ["Ann", "Cy", "Rome"] and kept.scores.completeness == 1
    assert ends(seen[1]) == [
        ("MISSING", "Cy", "mended", ("annotator-1", "annotator-2")),
        ("MISSING", "engine", "conceded", ("critic",)),
    ]


async def test_a_missing_mention_that_nobody_adds_stays_missing_while_the_critic_holds_to_it() -> None:
    misses = judged(lambda *_: "correct", missing=[("Person", "Cy"), ("Person", "Bo")])
    cast = Cast(
        annotator=annotated({"Person": ["Ann"], "Place": ["Rome"]}),
        reviser=decided(lambda *_: None),
        critic=misses,
    )
    decision, kept, seen, _ = await run(cast)
    assert decision.ending is Ending.STALEMATE and len(seen) == 2
    assert kept.scores.completeness == 0.5 and kept.agreed.unknown_classes == ("Person",)
    assert {status for _, _, status, _ in ends(kept)} == {"dropped"}


async def test_a_passage_without_a_dispute_is_not_asked_about() -> None:
    sentences = [
        f"On day {number} Ann{number} met Captain{number} at the harbour of Oslo." for number in range(20)
    ]
    text = " ".join(sentences)

    def in_passage(request: Request[Any]) -> Any:
        words = [word.strip(".") for word in prefix(request)[1].split()]
        return {"Person": [w for w in words if w.startswith(("Ann", "Captain"))], "Place": ["Oslo"]}

    cast = Cast(
        annotator=in_passage,
        reviser=decided(lambda *_: None),
        critic=in_turns(against("Captain7"), accept),
        passage_bytes=300,
    )
    _, kept, _, _ = await run(cast, text=text)
    told = cast.requests(Agent.ANNOTATOR, 2)
    assert asked(cast) == {0: ["Captain7"], 1: ["Captain7"]} and len(told) == 2
    assert all("Captain7" in prefix(request)[1] for request in told)
    assert len({request.purpose.passage for request in cast.requests(Agent.ANNOTATOR, 1)}) > 3
    assert "Captain7" not in surfaces(kept) and "Captain8" in surfaces(kept)


async def test_words_that_stand_nowhere_are_asked_about_where_they_fit_best() -> None:
    captains = ("Ahab", "Bligh", "Cook", "Drake", "Hornblower", "Nemo", "Sparrow", "Teach")
    text = " ".join(f"On that day the ship of the old captain {name} sailed north." for name in captains)

    def inexact(request: Request[Any]) -> Any:
        return {"Person": ["old Captain, Hornblower"] if "Hornblower" in prefix(request)[1] else []}

    cast = Cast(annotator=inexact, reviser=decided(lambda *_: None), passage_bytes=200)
    await run(cast, job(rounds=2, min_instances=0), text=text)
    assert asked(cast) == {0: ["old Captain, Hornblower"], 1: ["old Captain, Hornblower"]}
    assert all("Hornblower" in prefix(request)[1] for request in cast.requests(Agent.ANNOTATOR, 2))


async def test_classes_with_further_fields_are_annotated_anew_with_the_objections() -> None:
    def designer(request: Request[Any]) -> Any:
        fields = [{"name": "span", "type": "str"}, {"name": "mood", "type": "str", "verbatim": False}]
        return {
            "domain": "letters",
            "facts": [],
            "classes": [{"name": "Letter", "definition": "A letter.", "fields": fields}],
        }

    found = annotated({"Letter": [{"span": "wrote", "mood": "Rome"}, {"span": "met", "mood": "Oslo"}]})
    cast = Cast(designer=designer, annotator=found, critic=in_turns(against("met"), accept))
    _, _, seen, _ = await run(cast)
    assert len(seen) == 2 and asked(cast) == {0: [], 1: []}
    assert all('- SPURIOUS Letter "met"' in instructions(r) for r in cast.requests(Agent.ANNOTATOR, 2))


# --- choices put into an annotation ---

SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))
INDEX = TextIndex("the University of Oslo and Oslo")
LONG, SHORT, SECOND = (0, 22), (4, 22), (27, 31)


def at(span: tuple[int, int], name: str = "Place") -> Instance:
    spec = SCHEMA.get(name)
    assert spec is not None
    return instance_at(spec, INDEX, span)


def phrase(span: tuple[int, int]) -> Phrase:
    return Phrase(INDEX.text[slice(*span)], span)


def test_what_is_chosen_takes_the_place_of_what_was_there() -> None:
    made = revised([at(LONG), at(SECOND)], {phrase(LONG): Choice("Person", SHORT)}, SCHEMA, INDEX)
    assert made == (at(SHORT, "Person"), at(SECOND))
    assert revised(made, {phrase(SECOND): Choice(None)}, SCHEMA, INDEX) == (at(SHORT, "Person"),)


def test_an_instance_that_is_chosen_again_stays_as_it_is() -> None:
    before = at(LONG).model_copy(
        update={"mentions": (at(LONG).mentions[0].model_copy(update={"quote": "THE Univ"}),)}
    )
    assert revised([before], {phrase(LONG): Choice("Place", LONG)}, SCHEMA, INDEX) == (before,)


def test_of_overlapping_choices_of_one_class_the_longest_counts_and_what_is_not_in_dispute_wins() -> None:
    both = {phrase(SHORT): Choice("Place", SHORT), phrase(LONG): Choice("Place", LONG)}
    assert revised([at(SHORT)], both, SCHEMA, INDEX) == (at(LONG),)
    assert revised([at(LONG)], {phrase(SHORT): Choice("Place", SHORT)}, SCHEMA, INDEX) == (at(LONG),)
    nested = {phrase(SHORT): Choice("Person", SHORT)}
    assert revised([at(LONG)], nested, SCHEMA, INDEX) == (at(LONG), at(SHORT, "Person"))


def test_words_that_stand_nowhere_go_unless_they_are_kept_to() -> None:
    lost = Instance(class_name="Person", values={"span": "Zed"}, mentions=(at(LONG).mentions[0].model_copy(
        update={"quote": "Zed", "start": None, "end": None}),))  # fmt: skip
    zed = Phrase("Zed")
    assert revised([lost], {zed: Choice(None)}, SCHEMA, INDEX) == ()
    assert revised([lost], {zed: Choice("Person", None)}, SCHEMA, INDEX) == (lost,)
    assert revised([lost], {zed: Choice("Place", SECOND)}, SCHEMA, INDEX) == (at(SECOND),)
