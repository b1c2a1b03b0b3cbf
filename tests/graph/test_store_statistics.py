"""Figures over a whole run."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from store_samples import answered, decision, documents, make_round, make_store, opened

from graph.store.document_search import positions
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall
from graph.store.statistics import (
    objection_counts,
    rejection_reasons,
    rounds_taken,
    score_distributions,
    use_by_agent,
)
from graph.store.store import RunStore
from graph.thresholds import set_thresholds
from schemas.judgement import Agent, Decision, Ending, Outcome, Scores, Thresholds


def decided(store: RunStore, scores: list[Scores]) -> None:
    """Documents that are accepted, each with these scores."""
    store.add_documents(documents(len(scores)))
    for at, each in enumerate(scores):
        store.add_round(f"d{at}", make_round(f"d{at}"))
        store.decide(f"d{at}", decision(), each)
    store.flush_now()


def test_use_is_told_by_agent_and_adds_up_to_the_totals(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))

        async def work() -> None:
            for at, agent in enumerate([Agent.CRITIC, Agent.ANNOTATOR, Agent.DESIGNER, Agent.ANNOTATOR]):
                call = await store.open_call(opened(f"{at}", agent=agent))
                store.close_call(call, answered(at, reasks=at % 2))
            call = await store.open_call(opened("never sent", agent=Agent.WRITER))
            store.close_call(call, ClosedCall(CallStatus.CANCELLED))

        asyncio.run(work())
        store.flush_now()
        use, totals = use_by_agent(store.reader), store.reader.totals()
    assert [each.agent for each in use] == list(Agent)
    assert [each.sums.calls for each in use] == [1, 0, 2, 1]
    assert {each.model for each in use} == {"openai/small"}
    for name in ("calls", "attempts", "replays", "input_tokens", "output_tokens", "cached_tokens", "seconds"):
        assert sum(getattr(each.sums, name) for each in use) == getattr(totals, name), name


def test_a_score_stands_in_one_range_and_one_in_the_last(tmp_path: Path) -> None:
    values = (0.0, 0.05, 0.1, 0.149, 0.15, 0.6, 0.999, 1.0, 1.0, None)
    with make_store(tmp_path) as store:
        decided(store, [Scores(grounding=1, agreement=value) for value in values])
        found = score_distributions(store.reader, ("agreement", "grounding", "faithfulness"))
    assert set(found) == {"agreement", "grounding"}
    agreement = {at: count for at, count in enumerate(found["agreement"].counts) if count}
    assert agreement == {0: 1, 1: 1, 2: 2, 3: 1, 12: 1, 19: 3}
    assert found["agreement"].documents == 9
    known = [value for value in values if value is not None]
    assert abs(found["agreement"].mean - sum(known) / 9) < 1e-12


def test_scores_are_those_of_the_decision_in_force(tmp_path: Path) -> None:
    kept = [make_round(number=number) for number in (1, 2)]
    first, second = (
        made.model_copy(
            update={
                "agreed": made.agreed.model_copy(update={"instances": made.annotations[0].instances}),
                "findings": (),
                "scores": Scores(grounding=1, agreement=agreement, faithfulness=faithfulness),
            }
        )
        for made, agreement, faithfulness in zip(kept, (0.7, 0.3), (0.1, 0.9), strict=True)
    )
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        store.add_round("d0", first)
        store.add_round("d0", second)
        rejected = Decision(outcome=Outcome.REJECTED, reason="by test", ending=Ending.CAP, round=2)
        store.decide("d0", rejected, second.scores)
    with RunReader(tmp_path / "trial") as reader:
        set_thresholds(reader, Thresholds(agreement=0.6, faithfulness=0))
        found = score_distributions(reader, ("agreement",), bins=10)
    assert found["agreement"].counts == (0, 0, 0, 0, 0, 0, 0, 1, 0, 0)


def test_rounds_are_all_those_of_the_take_that_was_decided_on(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(4))
        for document_id, rounds in (("d0", 1), ("d1", 3), ("d2", 3)):
            for number in range(1, rounds + 1):
                store.add_round(document_id, make_round(document_id, number))
        store.decide("d0", decision())
        # The first of three rounds was the best, and is kept: three were taken all the same.
        for document_id, outcome in (("d1", Outcome.ACCEPTED), ("d2", Outcome.REJECTED)):
            store.decide(document_id, Decision(outcome=outcome, reason="", ending=Ending.CAP, round=1))
        store.decide("d3", Decision(outcome=Outcome.FAILED, reason="no answer"))
        store.flush_now()
        taken = rounds_taken(store.reader)
    assert [(each.rounds, each.ending, each.documents, each.accepted) for each in taken] == [
        (1, "agreed", 1, 1),
        (3, "round cap", 2, 1),
    ]


def test_an_objection_counts_once_as_it_stands_in_the_last_round(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(2))
        for document_id, rounds in (("d0", 2), ("d1", 1)):
            for number in range(1, rounds + 1):
                store.add_round(document_id, make_round(document_id, number))
        store.flush_now()
        (counts,) = objection_counts(store.reader)
        objections = [each for at in ("d0", "d1") for each in store.reader.rounds(at)[-1].objections]
    standing = Counter(each.status.value for each in objections)
    assert (counts.code, counts.documents, counts.raised) == ("SPURIOUS", 2, len(objections))
    assert (counts.mended, counts.conceded, counts.left) == (
        standing["mended"],
        standing["conceded"],
        standing["open"],
    )
    assert counts.major == 4


def test_reasons_and_places_are_those_of_the_documents(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(4))
        for document_id, reason in (("d0", "too few"), ("d2", "unclear"), ("d3", "too few")):
            store.decide(document_id, Decision(outcome=Outcome.REJECTED, reason=reason))
        store.flush_now()
        assert rejection_reasons(store.reader) == (("too few", 2), ("unclear", 1))
        assert positions(store.reader, ("d3", "d0", "nowhere")) == {"d0": 0, "d3": 3}
