"""The runner against a scripted server: failing servers, faults of our own, stops and interrupts."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import TEXTS, finished, make_job, make_runner, outcomes, slowly, write_documents
from servers.scripted import Call, Drop, Fail, Say, ScriptedServer, Turn, agreeable

from graph.document_graph import DocumentGraph
from graph.store.call_search import find_calls
from graph.store.failures import failure_groups
from graph.store.reading import RunReader
from graph.store.records import RunStatus, Totals
from schemas.annotation import Annotation
from schemas.documents import Document
from schemas.errors import ModelUnavailableError, StoreError
from schemas.inputs import DocumentsConfig
from schemas.job import Job, ModelConfig
from schemas.judgement import Outcome

Start = Callable[..., ScriptedServer]
BOTH = pytest.mark.parametrize("provider", ["openai", "anthropic"])


# --- faults of the server ---


def failing_for(identifier: str, turn: Turn) -> Callable[[Call], Turn]:
    words = TEXTS[identifier].split()[-1]
    return lambda call: turn if words in call.document else agreeable(call)


async def test_what_was_taken_by_a_call_that_was_cancelled_is_counted(
    scripted_server: Start, tmp_path: Path, folder: Path
) -> None:
    """Once one annotator has failed, nobody wants the other's answer; its first request was paid for."""
    number = itertools.count()

    def script(call: Call) -> Turn:
        answer = agreeable(call)
        assert isinstance(answer, dict)
        annotators: dict[int, Turn] = {2: Fail(400, delay=0.3), 3: "no JSON", 4: Say(answer, delay=1)}
        return annotators.get(next(number), answer)

    documents = write_documents(tmp_path / "one.jsonl", {"d": TEXTS["d0"]})
    runner = make_runner(make_job(scripted_server(script), documents), folder)
    totals = (await finished(runner)).totals
    assert totals.failed == 1 and totals.input_tokens == 300
    assert runner.progress.taken.tokens == totals.input_tokens + totals.output_tokens


@pytest.mark.parametrize(
    ("provider", "turn", "cause"),
    [
        ("openai", Fail(500, headers={"retry-after-ms": "1"}), "server"),
        ("anthropic", Fail(500, headers={"retry-after-ms": "1"}), "server"),
        ("openai", Fail(400, "no such setting"), "bad request"),
        ("openai", Drop(), "connection"),
        ("openai", Say("", refusal="I'd rather not"), "filtered"),
        ("anthropic", Say('{"dom', finish="max_tokens"), "truncated"),
    ],
)
async def test_a_fault_with_one_document_fails_that_one_alone(
    provider: str, turn: Turn, cause: str, scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(failing_for("d3", turn))
    result = await finished(make_runner(make_job(server, documents, provider), folder))
    assert result.status is RunStatus.DONE
    assert (result.totals.accepted, result.totals.failed) == (len(TEXTS) - 1, 1)
    with RunReader(folder) as reader:
        assert outcomes(reader)["d3"] is Outcome.FAILED
        (group,) = failure_groups(reader)
        assert (group.agent, group.error_class, group.document_ids) == ("schema-designer", cause, ("d3",))
        (row,) = reader.documents(Outcome.FAILED)
        assert row.reason.startswith(f"schema-designer: {cause}: ")


@BOTH
async def test_a_wrong_key_stops_the_run_and_leaves_the_rest(
    provider: str, scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(key="sk-the-right-one")
    with pytest.raises(ModelUnavailableError) as raised:
        await make_runner(make_job(server, documents, provider), folder).run()
    assert "key" in raised.value.remedy.lower()
    assert len(server.calls) <= 3
    with RunReader(folder) as reader:
        assert set(outcomes(reader).values()) == {Outcome.PENDING}
        assert reader.run().status is RunStatus.FAILED and reader.run().reason == str(raised.value)
        totals = reader.totals()
        assert totals.balanced and totals.pending == len(TEXTS)


async def test_a_model_the_server_does_not_have_stops_the_run(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(lambda call: Fail(404, "no such model"))
    with pytest.raises(ModelUnavailableError):
        await make_runner(make_job(server, documents), folder).run()
    with RunReader(folder) as reader:
        assert set(outcomes(reader).values()) == {Outcome.PENDING}


async def test_a_server_that_is_not_there_stops_the_run_and_loses_no_document(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.llm.flow.FIRST_DELAY", 0.01)
    job = make_job(scripted_server(), documents)
    nowhere = job.model.model_copy(update={"base_url": "http://127.0.0.1:9/v1"})
    result = await finished(make_runner(job.model_copy(update={"model": nowhere}), folder))
    assert result.status is RunStatus.STOPPED and result.reason.startswith("No connection to openai/scripted")
    with RunReader(folder) as reader:
        assert set(outcomes(reader).values()) == {Outcome.PENDING}
        (event,) = reader.events("connections")
        assert "Stopped: No connection" in event.message


async def test_a_missing_key_is_an_error_before_the_run(
    documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY", raising=False)
    monkeypatch.delenv("ANTHROPIC_BASE_URL", raising=False)
    job = Job(
        documents=DocumentsConfig(paths=(str(documents),)), model=ModelConfig(name="anthropic/some-model")
    )
    with pytest.raises(ModelUnavailableError, match="ANTHROPIC_API_KEY"):
        await make_runner(job, folder).run()
    assert not folder.exists()


# --- faults of ours ---


async def test_a_fault_of_ours_fails_its_document_and_keeps_the_trace(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = DocumentGraph.run

    async def faulty(self: DocumentGraph, document: Document, draw: int) -> Any:
        if document.id == "d2":
            raise ZeroDivisionError("divided by nothing")
        return await plain(self, document, draw)

    monkeypatch.setattr(DocumentGraph, "run", faulty)
    result = await finished(make_runner(make_job(scripted_server(), documents), folder))
    assert (result.status, result.totals.accepted, result.totals.failed) == (RunStatus.DONE, 4, 1)
    with RunReader(folder) as reader:
        (row,) = reader.documents(Outcome.FAILED)
        assert (row.id, row.reason) == ("d2", "fault of GuideX: ZeroDivisionError")
        (event,) = [event for event in reader.events() if event.kind == "fault"]
        assert "in faulty" in event.message and event.data == {"document_id": "d2"}
        (group,) = failure_groups(reader)
        assert (group.agent, group.message) == ("guidex", "divided by nothing")


async def test_a_fault_inside_a_node_is_one_of_its_document_alone(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import graph.nodes.critiquing as module

    plain = module.agree

    def faulty(document_id: str, *rest: Any) -> Annotation:
        if document_id == "d4":
            raise KeyError("d4")
        return plain(document_id, *rest)

    monkeypatch.setattr(module, "agree", faulty)
    result = await finished(make_runner(make_job(scripted_server(), documents), folder))
    assert (result.totals.accepted, result.totals.failed) == (4, 1)


async def test_a_store_that_cannot_be_written_stops_the_run(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from graph.store.store import RunStore

    def full(self: RunStore, *_: object) -> None:
        raise StoreError("The disk is full.", "Make room.")

    monkeypatch.setattr(RunStore, "add_round", full)
    with pytest.raises(StoreError, match="disk is full"):
        await make_runner(make_job(scripted_server(), documents), folder).run()
    with RunReader(folder) as reader:
        assert (reader.run().status, reader.run().reason) == (RunStatus.FAILED, "The disk is full.")
        assert set(outcomes(reader).values()) == {Outcome.PENDING}


# --- stopping ---


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.005)


@BOTH
async def test_a_stop_finishes_what_is_in_flight_and_leaves_the_rest(
    provider: str, scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(slowly)
    runner = make_runner(make_job(server, documents, provider, documents_in_flight=2), folder)
    task = asyncio.create_task(runner.run())
    await until(lambda: runner.progress.in_flight > 0)
    runner.stop()
    result = await task
    assert result.status is RunStatus.STOPPED and result.totals.balanced
    assert (result.totals.accepted, result.totals.pending) == (2, 3)
    with RunReader(folder) as reader:
        assert (reader.run().status, reader.run().reason) == (RunStatus.STOPPED, "3 of 5 documents left")
        assert [i for i, outcome in outcomes(reader).items() if outcome is Outcome.PENDING] == [
            "d2",
            "d3",
            "d4",
        ]


async def test_a_stop_before_the_first_document_does_nothing(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server()
    runner = make_runner(make_job(server, documents), folder)
    runner.stop()
    result = await finished(runner)
    assert (result.status, result.totals.pending) == (RunStatus.STOPPED, len(TEXTS)) and server.calls == []


async def test_an_interrupt_leaves_a_run_that_can_be_read_and_opened(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    from graph.store.store import RunStore

    server = scripted_server(slowly)
    runner = make_runner(make_job(server, documents, documents_in_flight=2), folder)
    before = asyncio.all_tasks()
    task = asyncio.create_task(runner.run())
    await until(lambda: runner.progress.done > 0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.all_tasks() <= before
    sent = len(server.calls)
    with RunReader(folder) as reader:
        run, totals = reader.run(), reader.totals()
        assert run.status is RunStatus.INTERRUPTED and run.reason == "documents in flight are pending"
        assert totals.balanced and totals.accepted >= 1 and totals.pending >= 2
        calls = find_calls(reader, limit=1000).shown
        assert {call.status.value for call in calls} <= {"answered", "cancelled"}
    with RunStore.open(folder) as store:
        assert store.reader.totals().documents == len(TEXTS)
    await asyncio.sleep(0.05)
    assert len(server.calls) == sent


async def test_sums_that_do_not_add_up_are_a_fault_of_the_run(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Totals, "balanced", False)
    with pytest.raises(StoreError, match="do not add up"):
        await make_runner(make_job(scripted_server(), documents), folder).run()
