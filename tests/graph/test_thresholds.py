"""Deciding anew from stored scores: what the run would have decided, as versions that stay."""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import pytest
from adversaries import Adversaries, adversaries
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted_team import TEXT, annotated
from store_samples import decision, documents, make_round, make_store, query
from test_loop_properties import GIVEN, jobs
from test_methods import by, cast_for, differing

from graph.deciding import settle
from graph.document_graph import DocumentGraph
from graph.merits import best, decide, merits_of
from graph.progress import Progress
from graph.results import accepted
from graph.store.reading import RunReader
from graph.store.store import RunStore
from graph.store.versions import (
    decision_versions,
    thresholds_in_force,
    version_in_force,
    versions_of_documents,
)
from graph.thresholds import (
    RunFacts,
    catch_up,
    load,
    set_thresholds,
    try_thresholds,
    use_version,
)
from graph.thresholds.redeciding import decide_again
from graph.work import Work
from schemas.documents import Document
from schemas.errors import StoreError, UsageError
from schemas.job import Job, Mode, Profile
from schemas.judgement import Decision, Ending, Outcome, Thresholds
from schemas.limits import Limits
from schemas.methods import Method
from schemas.rounds import Round
from schemas.schema import AnnotationSchema

anything = st.builds(
    Thresholds,
    agreement=st.sampled_from([0.0, 0.25, 0.5, 0.8, 1.0]),
    faithfulness=st.sampled_from([0.0, 0.5, 1.0]),
    completeness=st.sampled_from([0.0, 0.5, 1.0]),
    guideline=st.sampled_from([0.0, 0.5, 1.0]),
    schema_fit=st.sampled_from([0.0, 1.0]),
    min_instances=st.integers(0, 2),
    block_on_major=st.booleans(),
)


def new_store(folder: Path, job_: Job) -> RunStore:
    return RunStore.create(folder / "trial", name="trial", job=job_, job_toml="# a job\n", version="0.1.0")


async def worked(
    store: RunStore, scripts: Sequence[Adversaries], job_: Job, frozen: AnnotationSchema | None
) -> None:
    """Take documents to their ends, some for each script."""
    for number, script in enumerate(scripts):
        store.add_documents([Document(id=f"{number}-{n}", text=f"{TEXT} {number} {n}") for n in range(2)])
        cast = script.cast(Profile.FULL, len(job_.annotators), 16_000)
        graph = DocumentGraph(job_, cast.team, store.add_round, frozen=frozen)
        await Work(store, graph, Progress(documents=2), Limits()).run(lambda: 2)
    store.flush_now()


def in_force(reader: RunReader) -> dict[str, Decision]:
    return {row.id: found for row in reader.documents() if (found := reader.decision(row.id)) is not None}


scripts = st.lists(adversaries(faulty=True), min_size=1, max_size=3)


@settings(max_examples=25, deadline=None)
@given(scripts, jobs, st.sampled_from([None, GIVEN]), anything)
def test_under_its_own_thresholds_a_run_decides_just_as_it_did_and_under_others_as_if_read_in_full(
    team: list[Adversaries], job_: Job, frozen: AnnotationSchema | None, others: Thresholds
) -> None:
    if frozen is not None:
        job_ = job_.model_copy(update={"mode": Mode.GIVEN, "given_schema": frozen})
    with tempfile.TemporaryDirectory() as folder, new_store(Path(folder), job_) as store:
        asyncio.run(worked(store, team, job_, frozen))
        reader, said = store.reader, in_force(store.reader)
        facts = load(reader)
        judged = {i for i, made in said.items() if made.outcome in (Outcome.ACCEPTED, Outcome.REJECTED)}
        assert {document.id for document in facts.documents} == judged
        for document in facts.documents:
            assert decide_again(document, job_, facts.thresholds) == said[document.id]
        unchanged = try_thresholds(facts, facts.thresholds)
        assert (unchanged.gained, unchanged.lost, unchanged.moved) == ((), (), ())
        _check_trial(reader, facts, others)


def _check_trial(reader: RunReader, facts: RunFacts, others: Thresholds) -> None:
    """A trial of other thresholds, against rounds that are read in full."""
    trial = try_thresholds(facts, others)
    now: dict[str, Decision] = {}
    instances = 0
    for document in facts.documents:
        rounds = reader.rounds(document.id)
        assert tuple(map(merits_of, rounds)) == document.rounds
        now[document.id] = made = decide(list(map(merits_of, rounds)), others, Ending.CAP)
        if made.outcome is Outcome.ACCEPTED:
            kept = next(each for each in rounds if each.number == made.round)
            instances += len(settle(kept).agreed.instances)
    was = {document.id: document.outcome for document in facts.documents}
    is_accepted = {i for i, made in now.items() if made.outcome is Outcome.ACCEPTED}
    was_accepted = {i for i, outcome in was.items() if outcome is Outcome.ACCEPTED}
    assert (trial.documents, trial.accepted, trial.instances) == (len(now), len(is_accepted), instances)
    assert set(trial.gained) == is_accepted - was_accepted
    assert set(trial.lost) == was_accepted - is_accepted
    kept_before = {document.id: document.kept for document in facts.documents}
    assert set(trial.moved) == {i for i in is_accepted & was_accepted if now[i].round != kept_before[i]}
    flips = trial.flips(facts, limit=1000)
    assert [flip.id for flip in flips] == [
        document.id for document in facts.documents if document.id in {*trial.gained, *trial.lost}
    ]
    assert all(flip.decision.outcome is now[flip.id].outcome is not flip.was for flip in flips)
    assert trial.flips(facts, limit=1, offset=1) == flips[1:2]


@pytest.mark.parametrize("method", [Method.LINEAR, Method.SELF_CONSISTENCY])
@pytest.mark.parametrize("least", [0.0, 0.7])
def test_controls_are_decided_again_as_they_were(tmp_path: Path, method: Method, least: float) -> None:
    job_ = by(method, agreement=least, given_schema=GIVEN)
    said = {
        "whole": annotated({"Person": ["Ann"]}),
        "zed": annotated({"Person": ["Zed", "Ann"], "Place": []}),  # one is not grounded, and dropped
        "none": annotated({"Person": ["Zed"]}),
    }
    if method is Method.SELF_CONSISTENCY:
        said["torn"] = differing
    with new_store(tmp_path, job_) as store:
        for name, script in said.items():
            store.add_documents([Document(id=name, text=f"{TEXT} {name}")])
            graph = DocumentGraph(job_, cast_for(job_, script).team, store.add_round, frozen=GIVEN)
            asyncio.run(Work(store, graph, Progress(documents=1), Limits()).run(lambda: 1))
        store.flush_now()
        before, facts = in_force(store.reader), load(store.reader)
        assert {
            i: decide_again(each, job_, facts.thresholds) for each in facts.documents for i in [each.id]
        } == (before)
        assert before["zed"].outcome is Outcome.ACCEPTED and before["none"].outcome is Outcome.REJECTED
        if method is Method.SELF_CONSISTENCY:
            assert (before["torn"].outcome is Outcome.REJECTED) == (least == 0.7)
        strict = facts.thresholds.model_copy(update={"agreement": 1.0})
        assert ("torn" in try_thresholds(facts, strict).lost) == (least == 0.0 and "torn" in before)


@given(st.lists(st.sampled_from([0.1, 0.5, 0.9]), min_size=1, max_size=4), anything)
def test_the_order_of_sound_rounds_is_that_of_the_best_one(faithful: list[float], limits: Thresholds) -> None:
    rounds = [
        merits_of(
            made.model_copy(
                update={
                    "scores": made.scores.model_copy(update={"grounding": 1, "faithfulness": value}),
                    "findings": made.findings[2:] if value < 0.9 else (),
                }
            )
        )
        for number, value in enumerate(faithful, 1)
        for made in [make_round(number=number)]
    ]
    made = best(rounds, limits)
    decided = decide(rounds, limits, Ending.CAP)
    assert decided.round == made.number


# --- versions ---


def sample_run(folder: Path, agreement: Sequence[float] = (1.0, 0.6, 0.3)) -> Path:
    """Documents that agree as far as told, two more that failed and wait; accepted from 0.9 on."""
    with make_store(folder) as store:
        store.add_documents(documents(len(agreement) + 2))
        for number, value in enumerate(agreement):
            store.add_round(f"d{number}", judged(f"d{number}", value))
            outcome = Outcome.ACCEPTED if value >= 0.9 else Outcome.REJECTED
            made = Decision(outcome=outcome, reason="by test", ending=Ending.CAP, round=1)
            store.decide(f"d{number}", made, judged(f"d{number}", value).scores)
        store.decide(f"d{len(agreement)}", decision(Outcome.FAILED, None))
    return folder / "trial"


def judged(document_id: str, agreement: float, number: int = 1) -> Round:
    made = make_round(document_id, number)
    instance = made.annotations[0].instances[0]
    return made.model_copy(
        update={
            "agreed": made.agreed.model_copy(update={"instances": (instance,)}),
            "findings": (),
            "objections": (),
            "scores": made.scores.model_copy(update={"grounding": 1.0, "agreement": agreement}),
        }
    )


def lower(reader: RunReader, agreement: float) -> Thresholds:
    return thresholds_in_force(reader).model_copy(update={"agreement": agreement})


def standing(reader: RunReader) -> dict[str, str]:
    return {row.id: row.outcome.value for row in reader.documents()}


def test_a_new_version_is_in_force_everywhere_and_the_old_one_stays(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        before = query(folder, "SELECT * FROM decisions ORDER BY id")
        made = set_thresholds(reader, lower(reader, 0.5), "too strict")
        assert (made.version, made.trial.gained, made.trial.lost) == (2, ("d1",), ())
        assert standing(reader) == {
            "d0": "accepted",
            "d1": "accepted",
            "d2": "rejected",
            "d3": "failed",
            "d4": "pending",
        }
        assert query(folder, "SELECT * FROM decisions WHERE version = 1 ORDER BY id") == before
        assert version_in_force(reader) == 2 and thresholds_in_force(reader).agreement == 0.5
        assert versions_of_documents(reader) == {"d0": 2, "d1": 2, "d2": 2, "d3": 1}
        first, second = decision_versions(reader)
        assert (first.accepted, first.rejected, first.holds_for, first.in_force) == (1, 2, 0, False)
        assert (second.accepted, second.rejected, second.holds_for, second.in_force) == (2, 1, 3, True)
        assert second.note == "too strict" and second.thresholds.agreement == 0.5
        assert [document.id for document, _ in accepted(reader)] == ["d0", "d1"]
        said = reader.decision("d2")
        assert said is not None and "agreement 0.30 < 0.5" in said.reason
        assert reader.mean_scores(["agreement"])["agreement"] == (pytest.approx(1.9 / 3), 3)


def test_an_earlier_version_comes_back_without_deciding_again(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        first = in_force(reader)
        set_thresholds(reader, lower(reader, 0.5))
        second = in_force(reader)
        count = query(folder, "SELECT count(*) FROM decisions")
        back = use_version(reader, 1)
        assert in_force(reader) == first and back.trial.lost == ("d1",)
        use_version(reader, 2)
        assert in_force(reader) == second and query(folder, "SELECT count(*) FROM decisions") == count
        with pytest.raises(UsageError, match="in force already"):
            use_version(reader, 2)
        with pytest.raises(UsageError, match="no version 7"):
            use_version(reader, 7)
        with pytest.raises(UsageError, match="in force already"):
            set_thresholds(reader, lower(reader, 0.5))


def test_what_is_judged_after_a_new_version_is_decided_by_it(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        set_thresholds(reader, lower(reader, 0.5))
    with RunStore.open(folder) as store:
        store.take_up_again(["d0"], draw_anew=True)
        for name, value in (("d0", 0.2), ("d4", 0.55)):
            store.add_round(name, judged(name, value))
            store.decide(name, Decision(outcome=Outcome.REJECTED, reason="r", ending=Ending.CAP, round=1))
        store.flush_now()
        assert [each.holds_for for each in decision_versions(store.reader)] == [2, 2]
        catch_up(store)
        store.flush_now()
        reader = store.reader
        assert standing(reader) == {
            "d0": "rejected",
            "d1": "accepted",
            "d2": "rejected",
            "d3": "failed",
            "d4": "accepted",
        }
        assert set(versions_of_documents(reader).values()) == {1, 2}
        assert [each.holds_for for each in decision_versions(reader)] == [0, 4]


def test_a_version_that_is_put_in_force_takes_in_what_was_judged_since(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        set_thresholds(reader, lower(reader, 0.5))
        set_thresholds(reader, lower(reader, 0.1))
    with RunStore.open(folder) as store:
        store.take_up_again(["d1"], draw_anew=True)
        store.add_round("d1", judged("d1", 0.2))
        store.decide("d1", Decision(outcome=Outcome.REJECTED, reason="r", ending=Ending.CAP, round=1))
    with RunReader(folder) as reader:
        use_version(reader, 2)
        said = reader.decision("d1")
        assert said is not None and said.outcome is Outcome.REJECTED and "agreement 0.20 < 0.5" in said.reason
        assert versions_of_documents(reader)["d1"] == 2
        assert (
            len(reader.decisions("d1")) == 5
        )  # the run's, versions 2 and 3, the run's again, version 2 again


def test_a_run_that_is_being_written_is_left_alone(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunStore.open(folder) as store, RunReader(folder) as reader:
        with pytest.raises(StoreError, match="being written"):
            set_thresholds(reader, lower(reader, 0.5))
        with pytest.raises(StoreError, match="being written"):
            use_version(reader, 1)
        store.flush_now()
    assert query(folder, "SELECT count(*) FROM decision_versions") == [(1,)]


def test_a_version_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with closing(sqlite3.connect(folder / "run.db")) as connection:
        connection.executescript(
            "CREATE TRIGGER refuse BEFORE INSERT ON decisions WHEN new.document_id = 'd2'"
            " BEGIN SELECT raise(ABORT, 'no'); END;"
        )
    before = query(folder, "SELECT id, outcome, decision_id FROM documents")
    with RunReader(folder) as reader:
        with pytest.raises(StoreError):
            set_thresholds(reader, lower(reader, 0.5))
        assert query(folder, "SELECT id, outcome, decision_id FROM documents") == before
        assert version_in_force(reader) == 1 and len(decision_versions(reader)) == 1


def test_how_probable_mentions_must_be_cannot_be_changed_afterwards(tmp_path: Path) -> None:
    with RunReader(sample_run(tmp_path)) as reader:
        other = thresholds_in_force(reader).model_copy(update={"correct": 0.5})
        with pytest.raises(UsageError, match="while the agents work"):
            set_thresholds(reader, other)


def test_rounds_of_older_versions_are_counted_when_they_are_read(tmp_path: Path) -> None:
    folder = sample_run(tmp_path)
    with RunReader(folder) as reader:
        facts = load(reader)
    with closing(sqlite3.connect(folder / "run.db")) as connection, connection:
        connection.execute("UPDATE rounds SET agreed_instances = NULL, settled_instances = NULL")
    with RunReader(folder) as reader:
        assert load(reader) == facts
        assert [merits.left for document in facts.documents for merits in document.rounds] == [1, 1, 1]
