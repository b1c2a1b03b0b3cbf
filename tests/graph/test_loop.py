"""The loop of a document: it ends, whatever the critic says, and never against the grounding."""

from __future__ import annotations

import pytest
from scripted_team import TEXT, Cast, Script, accept, annotated, in_turns, job, judged, reject

from graph.document_graph import DocumentGraph
from schemas.documents import Document
from schemas.judgement import Decision, Ending, Outcome
from schemas.rounds import Round


async def loop(cast: Cast, rounds: int, **thresholds: float | bool) -> tuple[Decision, Round, list[Round]]:
    seen: list[Round] = []
    graph = DocumentGraph(job(rounds, **thresholds), cast.team, lambda _, made: seen.append(made))
    decision, kept, _ = await graph.run(Document(id="d", text=TEXT))
    return decision, kept, seen


other_person = judged(lambda number, quote, name: "wrong_class" if number % 2 else "correct")


@pytest.mark.parametrize("rounds", [1, 2, 3, 6])
@pytest.mark.parametrize(
    "critic",
    [accept, reject, in_turns(*[accept, reject] * 3), in_turns(*[reject, other_person] * 3)],
    ids=["accepts", "rejects", "accepts first", "alternates"],
)
async def test_the_loop_ends_within_its_cap(critic: Script, rounds: int) -> None:
    decision, kept, seen = await loop(Cast(critic=critic), rounds)
    assert 1 <= len(seen) <= rounds
    assert [made.number for made in seen] == list(range(1, len(seen) + 1))
    assert decision.round == kept.number <= len(seen)
    assert decision.outcome in (Outcome.ACCEPTED, Outcome.REJECTED)


async def test_a_critic_who_always_accepts_ends_it_in_the_first_round() -> None:
    decision, kept, seen = await loop(Cast(critic=accept), 5)
    assert (decision.outcome, decision.ending, len(seen)) == (Outcome.ACCEPTED, Ending.AGREED, 1)
    assert [instance.surface for instance in kept.agreed.instances] == [
        "Ann",
        "Bo",
        "Oslo",
        "Ann",
        "Cy",
        "Rome",
    ]


async def test_a_critic_who_always_says_the_same_ends_it_in_a_stalemate() -> None:
    decision, kept, seen = await loop(Cast(critic=reject), 5)
    assert decision.ending is Ending.STALEMATE and len(seen) == 2
    assert decision.outcome is Outcome.REJECTED and decision.reason.startswith("stalemate, round 1 kept: ")
    assert kept.agreed.instances == () and kept.agreed.unknown_classes == ("Person", "Place")


async def test_a_critic_who_goes_round_in_circles_is_named() -> None:
    retype = judged(lambda *_: "wrong_class")
    critic = in_turns(reject, retype, reject, retype)
    decision, _, seen = await loop(Cast(critic=critic), 9)
    assert decision.ending is Ending.OSCILLATION and len(seen) == 3


async def test_a_loop_that_always_changes_ends_at_the_cap() -> None:
    verdicts = ("spurious", "wrong_class", "wrong_boundary")
    critic = in_turns(*(judged(lambda *_, said=said: said) for said in verdicts))
    decision, _, seen = await loop(Cast(critic=critic), 3)
    assert decision.ending is Ending.CAP and len(seen) == 3
    assert decision.outcome is Outcome.REJECTED


async def test_a_critic_who_accepts_everything_cannot_override_grounding() -> None:
    invented = annotated({"Person": ["Ann", "Bo", "Cy", "Zed"], "Place": ["Oslo"]})
    decision, kept, _ = await loop(Cast(annotator=invented, critic=accept), 3, agreement=0.0)
    assert decision.outcome is Outcome.REJECTED
    assert kept.scores.grounding == pytest.approx(4 / 5)
    assert "grounding 0.80 < 1" in decision.reason and "UNGROUNDED" in decision.reason
    assert "Zed" not in [instance.surface for instance in kept.agreed.instances]
    lenient, _, _ = await loop(Cast(annotator=invented), 1, agreement=0.0, block_on_major=False)
    assert lenient.outcome is Outcome.REJECTED


async def test_what_is_still_disputed_at_the_end_is_dropped_and_the_rest_accepted() -> None:
    critic = judged(lambda _, quote, name: "spurious" if quote == "Cy" else "correct")
    decision, kept, seen = await loop(Cast(critic=critic), 3)
    assert decision.outcome is Outcome.ACCEPTED and decision.ending is Ending.STALEMATE
    assert [instance.surface for instance in kept.agreed.instances] == ["Ann", "Bo", "Oslo", "Ann", "Rome"]
    assert kept.agreed.unknown_classes == ("Person",)
    assert "Cy" in [instance.surface for instance in seen[0].agreed.instances]


@pytest.mark.parametrize("lowest", [0.0, 1.0])
async def test_what_ends_in_agreement_is_accepted(lowest: float) -> None:
    decision, kept, _ = await loop(
        Cast(critic=reject), 1, faithfulness=lowest, completeness=0.0, block_on_major=False
    )
    # Every mention is dropped, so nothing was agreed on, however little the thresholds ask for.
    assert decision.outcome is Outcome.REJECTED and decision.ending is not Ending.AGREED
    assert kept.agreed.instances == ()


async def test_faithfulness_and_completeness_are_shares_of_single_judgements() -> None:
    critic = judged(
        lambda _, quote, name: "correct" if quote != "Bo" else "wrong_class",
        missing=[("Person", "engine"), ("Place", "Later"), ("Person", "Nowhere"), ("Nobody", "met")],
    )
    _, _, (made,) = await loop(Cast(critic=critic), 1)
    assert made.scores.faithfulness == pytest.approx(5 / 6)
    assert made.scores.completeness == pytest.approx(5 / 7)  # two of the four stand somewhere, as a class
    assert made.scores.grounding == made.scores.agreement == 1
