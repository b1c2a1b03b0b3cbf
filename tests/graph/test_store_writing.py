from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from store_samples import JOB, TEXT, answered, decision, documents, make_round, make_store, opened, query

from graph.store.call_search import find_calls
from graph.store.failures import failure_groups
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall, RunStatus
from graph.store.store import RunStore
from schemas.documents import Document, Unreadable
from schemas.errors import StoreError
from schemas.judgement import Outcome


def test_a_new_run_knows_its_job_and_runs(tmp_path: Path) -> None:
    with make_store(tmp_path), RunReader(tmp_path / "trial") as reader:
        run = reader.run()
        assert (run.name, run.status, run.version) == ("trial", RunStatus.RUNNING, "0.1.0")
        assert run.job_toml == "# a job\n"
        assert JOB.model_validate_json(run.job) == JOB
        assert run.ended is None
        assert reader.totals().balanced


def test_a_run_that_was_closed_without_an_end_is_interrupted(tmp_path: Path) -> None:
    make_store(tmp_path).close()
    with RunReader(tmp_path / "trial") as reader:
        assert reader.run().status is RunStatus.INTERRUPTED


def test_the_end_of_a_run_is_kept_and_opening_it_again_sets_it_running(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.finish_run("stopped", "Ctrl-C")
    store.close()
    with RunReader(tmp_path / "trial") as reader:
        run = reader.run()
        assert (run.status, run.reason) == (RunStatus.STOPPED, "Ctrl-C")
        assert run.ended is not None
        with RunStore.open(tmp_path / "trial"):
            assert reader.run().status is RunStatus.RUNNING
            assert reader.run().ended is None


def test_a_run_is_not_made_twice(tmp_path: Path) -> None:
    make_store(tmp_path).close()
    with pytest.raises(StoreError, match="already") as caught:
        make_store(tmp_path)
    assert "another name" in caught.value.remedy
    RunStore.open(tmp_path / "trial").close()  # the refusal left no lock behind


def test_documents_come_back_as_they_were(tmp_path: Path) -> None:
    awkward = Document(
        id="x'; DROP TABLE documents; --",
        text="a\x00b \x1b[31m \N{CUNEIFORM SIGN A} é e\u0301 ☃\r\n\t'\"\\ result =",
        source="file.jsonl:3",
        meta={"nested": {"list": [1, 2.5, None, True, "ü"]}, "big": 2**70},
    )
    with make_store(tmp_path) as store:
        store.add_documents([awkward, *documents(2)])
        assert store.reader.document(awkward.id) == awkward
        assert [row.id for row in store.reader.documents()] == [awkward.id, "d0", "d1"]
        assert store.reader.documents()[0].characters == len(awkward.text)
        assert store.reader.document("nobody") is None


def test_equal_texts_are_stored_once(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents([Document(id=f"d{n}", text="the same") for n in range(5)])
        assert query(tmp_path / "trial", "SELECT count(*) FROM texts") == [(1,)]
        assert store.reader.document("d4") == Document(id="d4", text="the same")


def test_documents_that_are_there_stay_as_they_are(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(3))
        store.decide("d1", decision())
        store.flush_now()
        store.add_documents(documents(4))
        assert store.reader.outcomes(["d0", "d1", "d3", "d9"]) == {
            "d0": Outcome.PENDING,
            "d1": Outcome.ACCEPTED,
            "d3": Outcome.PENDING,
        }


def test_an_id_with_another_text_is_refused_and_nothing_is_added(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        with pytest.raises(StoreError, match="another text"):
            store.add_documents([Document(id="new", text="new"), Document(id="d0", text="other")])
        assert store.reader.totals().documents == 1


def test_two_documents_of_one_id_are_refused_and_the_store_lives_on(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        with pytest.raises(StoreError, match="same id"):
            store.add_documents([Document(id="a", text="x"), Document(id="a", text="y")])
        store.add_documents(documents(2))
        assert store.reader.totals().documents == 2


def test_an_unreadable_record_is_a_failed_document_with_its_reason(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        for _ in range(2):  # a second session reads the same file again
            store.add_documents([Unreadable(source="bad.jsonl", line=8, reason="It is no JSON.")])
        (row,) = store.reader.documents(outcome=Outcome.FAILED)
        assert (row.position, row.source, row.reason, row.characters) == (
            0,
            "bad.jsonl:8",
            "It is no JSON.",
            None,
        )
        assert store.reader.document(row.id) is None
        (group,) = failure_groups(store.reader)
        assert (group.agent, group.error_class, group.count, group.document_ids) == (
            "reader",
            "Unreadable",
            1,
            (row.id,),
        )
        assert store.reader.totals().failed == 1


async def test_a_call_is_committed_before_it_may_be_sent(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.add_documents(documents(1))
    call_id = await store.open_call(opened("k"))
    assert query(tmp_path / "trial", "SELECT id, status FROM calls") == [(call_id, "open")]
    store.close_call(call_id, answered(1, reasks=2))
    await store.flush()
    ((status, attempts, tokens, seconds),) = query(
        tmp_path / "trial", "SELECT status, attempts, input_tokens, seconds FROM calls"
    )
    assert (status, attempts, tokens, seconds) == ("answered", 3, 30, 1.25)
    store.close()


async def test_a_call_comes_back_with_all_that_was_said(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        call, closed = opened("k"), answered({"x": "y"}, reasks=1)
        call_id = await store.open_call(call)
        store.close_call(call_id, closed)
        await store.flush()
        detail = store.reader.call(call_id)
        assert detail is not None
        assert detail.messages == call.messages
        assert detail.attempts == closed.attempts
        assert detail.answer == closed.answer
        assert detail.sampling == call.sampling
        assert detail.call.status is CallStatus.ANSWERED
        assert (detail.call.document_id, detail.call.model) == ("d0", "small")
        stored = store.find_answer("k")
        assert stored is not None
        replay_id = store.add_replay(call, stored)
        await store.flush()
        replay = store.reader.call(replay_id)
        assert replay is not None
        assert (replay.call.status, replay.call.replay_of) == (CallStatus.REPLAYED, call_id)
        assert (replay.messages, replay.answer) == (call.messages, closed.answer)
        assert store.reader.call("nobody") is None


async def test_parts_that_calls_share_are_stored_once(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        for number in range(20):
            call_id = await store.open_call(opened(f"k{number}", prompt=f"Part {number}."))
            store.close_call(call_id, answered("the same"))
        await store.flush()
        texts = [text for (text,) in query(tmp_path / "trial", "SELECT text FROM texts")]
        assert (
            len(texts) == len(set(texts)) == 1 + 1 + 1 + 20 + 1
        )  # document, system, quoted text, parts, answer


async def test_an_answer_is_found_at_once_and_after_reopening(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.add_documents(documents(1))
    call_id = await store.open_call(opened("k"))
    assert store.find_answer("k") is None
    store.close_call(call_id, answered(5))
    found = store.find_answer("k")  # not yet committed
    assert found is not None
    assert (found.call_id, found.answer) == (call_id, '{"value": 5}')
    await store.flush()
    assert store.find_answer("k") == found
    store.close()
    with RunStore.open(tmp_path / "trial") as again:
        assert again.find_answer("k") == found


@pytest.mark.parametrize(
    "status", [status for status in CallStatus if status not in (CallStatus.ANSWERED, CallStatus.REPLAYED)]
)
async def test_only_answers_are_answers(tmp_path: Path, status: CallStatus) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        call_id = await store.open_call(opened("k"))
        store.close_call(call_id, ClosedCall(status, attempts=answered().attempts, error="no"))
        await store.flush()
        assert store.find_answer("k") is None
        assert store.reader.totals().attempts == 1  # kept and counted all the same
        assert (await store.open_call(opened("k"))) != call_id
        assert [call.retry for call in find_calls(store.reader).shown] == [0, 1]


async def test_calls_left_open_are_interrupted_when_the_run_is_opened_again(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.add_documents(documents(1))
    await store.open_call(opened("k"))
    store.close()
    with RunStore.open(tmp_path / "trial") as again:
        assert [call.status for call in find_calls(again.reader).shown] == [CallStatus.INTERRUPTED]


async def test_a_cancelled_opening_does_not_stay_open(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        task = asyncio.create_task(store.open_call(opened("k")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await store.flush()
        assert [call.status for call in find_calls(store.reader).shown] == [CallStatus.CANCELLED]


def test_rounds_come_back_as_they_were_and_their_mentions_can_be_queried(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents([Document(id="d0", text=TEXT)])
        made = [make_round(number=1), make_round(number=2)]
        for one in made:
            store.add_round("d0", one)
        store.decide("d0", decision(round=2), made[1].scores)
        store.flush_now()
        assert store.reader.rounds("d0") == tuple(made)
        assert store.reader.kept_round("d0") == made[1]
        assert store.reader.decision("d0") == decision(round=2)
        rows = query(
            tmp_path / "trial",
            """SELECT class, field, start, "end", surface, status FROM mention_list
            WHERE document_id = 'd0' AND round = 1 AND annotator = 'annotator-2'""",
        )
        assert rows == [
            ("Meeting", "people", 0, 12, "Ada Lovelace", "exact"),
            ("Meeting", "people", 17, 32, "Charles Babbage", "exact"),
            ("Meeting", "place", None, None, "Paris", "not_found"),
            ("Person", "span", 0, 12, "Ada Lovelace", "normalised"),
        ]
        assert query(tmp_path / "trial", "SELECT DISTINCT grounding FROM decisions") == [(0.75,)]


def test_a_document_taken_up_again_begins_a_new_take_and_loses_nothing(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.add_documents(documents(1))
    for number in (1, 2, 3):
        store.add_round("d0", make_round(number=number))
    store.decide("d0", decision(Outcome.REJECTED, round=3))
    store.close()
    with RunStore.open(tmp_path / "trial") as again:
        again.add_round("d0", make_round(number=1))
        again.flush_now()
        kept = again.reader.kept_round("d0")
        assert kept is not None and kept.number == 3  # the decision in force is still about the first take
        again.decide("d0", decision(round=1))
        again.flush_now()
        assert [one.number for one in again.reader.rounds("d0")] == [1]
        made = [(one.decision.outcome, one.in_force) for one in again.reader.decisions("d0")]
        assert made == [(Outcome.REJECTED, False), (Outcome.ACCEPTED, True)]
        assert query(tmp_path / "trial", "SELECT take, number FROM rounds ORDER BY id") == [
            (1, 1),
            (1, 2),
            (1, 3),
            (2, 1),
        ]


def test_without_an_event_loop_writes_are_committed_at_once(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_event("note", "hello", {"n": 1})
        assert query(tmp_path / "trial", "SELECT kind, message, data FROM events") == [
            ("note", "hello", '{"n":1}')
        ]


def test_writes_queued_in_a_loop_that_ended_are_not_lost(tmp_path: Path) -> None:
    store = make_store(tmp_path)

    async def leave_it_queued() -> None:
        store.add_event("first", "queued")

    asyncio.run(leave_it_queued())
    asyncio.run(leave_it_queued())
    store.close()
    with RunReader(tmp_path / "trial") as reader:
        assert [event.kind for event in reader.events()] == ["first", "first"]


def test_a_closed_store_refuses_writes(tmp_path: Path) -> None:
    store = make_store(tmp_path)
    store.close()
    store.close()  # again is fine
    with pytest.raises(StoreError, match="closed"):
        store.add_event("late", "too late")
