"""Reviews: kept all of them, the newest of a reviewer counts, and a run that goes on is not in the way."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from store_samples import answered, documents, make_store, opened, query
from test_thresholds import judged, sample_run

from graph.reviews import add_review, newest_reviews, reviews_of
from graph.store.reading import RunReader
from graph.store.store import RunStore
from graph.thresholds import load, set_thresholds
from graph.thresholds.facts import RunFacts
from graph.thresholds.truth import Truth, truth_of_reviews
from schemas.errors import UsageError
from schemas.judgement import Decision, Ending, Outcome
from schemas.reviews import Review, ReviewVerdict, WrongMention

MEETING = WrongMention(class_name="Meeting", start=0, end=12)
"""What stands for the instance of a sample's round; a Person is nested in it at the same place."""
HOST = WrongMention(class_name="Person", start=0, end=12)


def review(
    document_id: str = "d0",
    verdict: ReviewVerdict = ReviewVerdict.ACCEPTED,
    reviewer: str = "eva",
    wrong: tuple[WrongMention, ...] = (),
    **more: str,
) -> Review:
    return Review(document_id=document_id, round=1, reviewer=reviewer, verdict=verdict, wrong=wrong, **more)


def truth_in(folder: Path) -> tuple[Truth, RunFacts]:
    with RunReader(folder) as reader:
        facts = load(reader)
        return truth_of_reviews(reader, facts), facts


def test_nothing_is_overwritten_and_the_newest_of_a_reviewer_counts(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        add_review(reader, review(wrong=(MEETING,), note="wrong place"))
        add_review(reader, review(reviewer="max"))
        add_review(reader, review(verdict=ReviewVerdict.REJECTED))
        kept = reviews_of(reader, "d0")
        assert [(each.reviewer, each.verdict, each.wrong, each.note) for each in kept] == [
            ("eva", "accepted", (MEETING,), "wrong place"),
            ("max", "accepted", (), ""),
            ("eva", "rejected", (), ""),
        ]
        assert all(each.created.endswith("Z") for each in kept)
        assert [each.review for each in newest_reviews(reader)] == [kept[1], kept[2]]
        assert reviews_of(reader, "d1") == ()


def test_a_review_is_added_while_the_run_goes_on(tmp_path: Path) -> None:
    async def go_on(store: RunStore, reader: RunReader) -> None:
        for number in range(5):
            call = await store.open_call(opened(f"k{number}"))
            await asyncio.to_thread(add_review, reader, review(note=str(number)))
            store.close_call(call, answered(number))
        await store.flush()

    folder = sample_run(tmp_path)
    with RunStore.open(folder) as store, RunReader(folder) as reader:
        asyncio.run(go_on(store, reader))
        assert [each.note for each in reviews_of(reader, "d0")] == ["0", "1", "2", "3", "4"]
    assert query(folder, "SELECT count(*) FROM calls WHERE status = 'answered'") == [(5,)]


def test_secrets_are_taken_out_of_what_reviewers_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = sample_run(tmp_path)
    monkeypatch.setenv("SOME_API_KEY", "sk-canary-12345")
    with RunReader(folder) as reader:
        add_review(reader, review(note="my key is sk-canary-12345", reviewer="sk-canary-12345"))
        (kept,) = reviews_of(reader, "d0")
    assert (kept.note, kept.reviewer) == ("my key is [redacted]", "[redacted]")
    assert b"canary" not in (folder / "run.db").read_bytes()


@pytest.mark.parametrize(
    "wrong",
    [
        review("d9"),
        review("d4"),
        review().model_copy(update={"round": 2}),
        review(wrong=(WrongMention(class_name="Person", start=1, end=12),)),
        review(wrong=(WrongMention(class_name="Ship", start=0, end=12),)),
    ],
)
def test_what_is_no_round_or_no_mention_is_refused(tmp_path: Path, wrong: Review) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader, pytest.raises(UsageError, match="has no"):
        add_review(reader, wrong)
    assert query(folder, "SELECT count(*) FROM reviews") == [(0,)]


# --- as truth ---


def test_marks_are_wrong_mentions_and_the_others_right(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        add_review(reader, review("d0", wrong=(MEETING,)))
        add_review(reader, review("d1", verdict=ReviewVerdict.REJECTED))
    truth, facts = truth_in(folder)
    assert truth.documents == {"d0", "d1"}
    first, second, third = (truth.of(document, 0) for document in facts.documents)
    assert first == {"accepted": 1, "correct": 1, "wrong": 1, "usable": 1}
    assert second == {"accepted": 1, "wrong": 2, "unusable": 1}  # rejected without a mark: all are wrong
    assert third == {}
    sums = {name: first.get(name, 0) + second.get(name, 0) for name in {*first, *second}}
    figures = truth.measure(sums, truth.totals_of(["d0", "d1"]))
    assert figures == {
        "precision": pytest.approx(1 / 4),
        "document_precision": 0.5,
        "document_recall": 1.0,
    }
    assert truth.measure({}, truth.totals_of(["d0", "d1"])) == {
        "precision": None,
        "document_precision": None,
        "document_recall": 0.0,
    }


def test_reviewers_who_differ_are_counted_and_a_tie_is_against_the_run(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        add_review(reader, review(reviewer="eva", wrong=(MEETING,)))
        add_review(reader, review(reviewer="max", wrong=(MEETING, HOST), verdict=ReviewVerdict.REJECTED))
    truth, facts = truth_in(folder)
    assert truth.of(facts.documents[0], 0) == {"accepted": 1, "wrong": 2, "unusable": 1}
    with RunReader(folder) as reader:
        add_review(reader, review(reviewer="ida"))
    truth, facts = truth_in(folder)
    assert truth.of(facts.documents[0], 0) == {"accepted": 1, "correct": 1, "wrong": 1, "usable": 1}


def test_a_round_that_nobody_looked_at_is_known_as_far_as_its_mentions_were_seen(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        whole = judged("d0", 1.0)
        store.add_round("d0", whole)
        none = whole.agreed.model_copy(update={"instances": ()})
        store.add_round("d0", judged("d0", 0.5, 2).model_copy(update={"agreed": none}))
        store.add_round("d0", judged("d0", 0.5, 3))
        store.decide("d0", Decision(outcome=Outcome.ACCEPTED, reason="r", ending=Ending.CAP, round=1))
    folder = tmp_path / "trial"
    with RunReader(folder) as reader:
        add_review(reader, review(wrong=(HOST,)).model_copy(update={"round": 3}))
        set_thresholds(reader, load(reader).thresholds.model_copy(update={"agreement": 0.5}))
    truth, facts = truth_in(folder)
    (document,) = facts.documents
    assert [truth.of(document, place) for place in range(3)] == [
        {"accepted": 1, "correct": 1, "wrong": 1},
        {"accepted": 1},
        {"accepted": 1, "correct": 1, "wrong": 1, "usable": 1},
    ]


def test_without_a_review_nothing_is_known(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="has a review"):
        truth_in(sample_run(tmp_path))
