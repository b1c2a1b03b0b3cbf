"""Taking up a run that was cut off in an awkward moment, or from another place; what it says of itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import TEXTS, finished, make_job, make_runner, outcomes, write_documents
from servers.scripted import Call, Fail, ScriptedServer, Turn, agreeable

from graph import runner as runner_module
from graph.plan import Plan, Retry
from graph.runner import Runner
from graph.store.reading import RunReader
from graph.store.records import RunStatus
from schemas.errors import DocumentError, StoppedError, UsageError
from schemas.judgement import Outcome
from schemas.limits import Limits

Start = Callable[..., ScriptedServer]
CALLS = 5


def spurious(call: Call) -> Turn:
    """Reject everything."""
    answer = agreeable(call)
    assert isinstance(answer, dict)
    return {**answer, "verdicts": [{**v, "verdict": "spurious"} for v in answer.get("verdicts", ())]}


@pytest.mark.parametrize("outcome", [Outcome.REJECTED, Outcome.FAILED])
async def test_a_retry_that_was_stopped_goes_on_with_the_same_command(
    outcome: Outcome, scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(spurious if outcome is Outcome.REJECTED else lambda call: Fail(400))
    job = make_job(server, documents, documents_in_flight=1)
    await finished(make_runner(job, folder))
    retry = Plan(retry=Retry(outcomes=frozenset({outcome})))
    stopping: list[Runner] = [make_runner(job, folder, retry)]

    def stop_in_the_first(call: Call) -> Turn:
        if stopping:
            stopping.pop().stop()
        return agreeable(call)

    server.script = stop_in_the_first
    first = await finished(stopping[0])
    assert (first.status, first.totals.accepted, first.totals.pending) == (RunStatus.STOPPED, 1, 4)
    asked = len(server.calls)
    second = await finished(make_runner(job, folder, retry))
    assert (second.status, second.totals.accepted) == (RunStatus.DONE, len(TEXTS))
    assert len(server.calls) - asked == 4 * CALLS
    with RunReader(folder) as reader:  # drawn anew once, not once more for the stop
        draws = {draw for (draw,) in reader.rows("SELECT draw FROM documents")}
    assert draws == {1 if outcome is Outcome.REJECTED else 0}


async def test_what_cannot_be_retried_leaves_the_run_as_it_stands(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = make_job(scripted_server(), documents)
    await finished(make_runner(job, folder))
    with pytest.raises(UsageError, match="no readable document d9"):
        await make_runner(job, folder, Plan(retry=Retry(ids=("d9",)))).run()
    with RunReader(folder) as reader:
        assert reader.run().status is RunStatus.DONE and len(reader.sessions()) == 1


@pytest.mark.parametrize(
    ("failing", "limit", "reason"),
    [("number", None, "all documents failed"), ("number4", 1, "1 of 5 documents failed, the limit is 1")],
)
async def test_a_run_that_failed_as_a_whole_has_failed_when_it_is_run_again(
    failing: str,
    limit: float | None,
    reason: str,
    scripted_server: Start,
    documents: Path,
    folder: Path,
) -> None:
    server = scripted_server(lambda call: Fail(400) if failing in call.document else agreeable(call))
    job = make_job(server, documents, documents_in_flight=5)
    strict = job.model_copy(update={"limits": Limits(fail_on_error=limit)})
    for _ in range(2):
        result = await finished(make_runner(strict, folder))
        assert (result.status, result.reason) == (RunStatus.FAILED, reason)
        assert result.totals.pending == 0
    lenient = await finished(make_runner(job, folder))
    assert lenient.status is (RunStatus.DONE if limit else RunStatus.FAILED)


async def test_a_record_that_cannot_be_read_is_the_same_one_from_anywhere(
    scripted_server: Start, tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A part of the documents is read each time, so each time it is met."""
    path = write_documents(tmp_path / "documents.jsonl")
    path.write_text("no JSON\n" + path.read_text())
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "linked.jsonl").symlink_to(path)
    server = scripted_server()
    for place, name in (
        (".", "documents.jsonl"),
        ("elsewhere", "../documents.jsonl"),
        (".", str(path)),
        ("elsewhere", "linked.jsonl"),
    ):
        monkeypatch.chdir(tmp_path / place)
        job = make_job(server, Path(name))
        some = job.model_copy(update={"documents": job.documents.model_copy(update={"limit": 2})})
        result = await finished(make_runner(some, folder))
        assert (result.totals.documents, result.totals.failed) == (3, 1)


async def test_what_is_added_to_the_files_while_they_are_read_is_read_the_next_time(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = runner_module.documents_of

    def growing(*arguments: Any, **options: Any) -> Iterator[Any]:
        yield from plain(*arguments, **options)
        write_documents(documents, {**TEXTS, "late": "Captain Nobody came late to Lisbon."})

    job = make_job(scripted_server(), documents)
    with monkeypatch.context() as patch:
        patch.setattr(runner_module, "documents_of", growing)
        assert (await finished(make_runner(job, folder))).totals.documents == len(TEXTS)
    assert (await finished(make_runner(job, folder))).totals.accepted == len(TEXTS) + 1


async def test_another_source_that_is_not_there_is_an_error(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    """Unlike the run's own, which is done with."""
    server = scripted_server()
    await finished(make_runner(make_job(server, documents), folder))
    with pytest.raises(DocumentError, match="does not exist"):
        other = make_job(server, documents.with_name("typo.jsonl"))
        await make_runner(other, folder, Plan(allow_changes=True)).run()


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoppedError("The download was stopped."), RunStatus.STOPPED),
        (KeyboardInterrupt(), RunStatus.INTERRUPTED),
        (asyncio.CancelledError(), RunStatus.INTERRUPTED),
        (RuntimeError("ours"), RunStatus.FAILED),
    ],
)
async def test_how_a_session_was_cut_off_is_recorded(
    error: BaseException,
    status: RunStatus,
    scripted_server: Start,
    documents: Path,
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job = make_job(scripted_server(), documents)
    limited = job.model_copy(update={"limits": Limits(max_candidates=1)})
    await finished(make_runner(limited, folder))

    def cut_off(self: Runner, pool: object) -> Any:
        raise error

    async def at_once(function: Callable[..., Any], *arguments: Any) -> Any:
        return function(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Runner, "_clients", cut_off)
        patch.setattr(asyncio, "to_thread", at_once)
        with pytest.raises(type(error)):
            await make_runner(job, folder).run()
    with RunReader(folder) as reader:
        assert reader.run().status is status
        assert outcomes(reader)["d4"] is Outcome.PENDING


async def test_a_secret_in_the_job_is_neither_a_difference_nor_shown(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PROJECT_TOKEN", "canary-8d1f0c")
    job = make_job(scripted_server(), documents)
    job = job.model_copy(update={"brief": "for project canary-8d1f0c"})
    await finished(make_runner(job, folder))
    assert (await finished(make_runner(job, folder))).status is RunStatus.DONE
    other = job.model_copy(update={"brief": "ships of canary-8d1f0c"})
    with pytest.raises(UsageError, match="brief was") as caught:
        await make_runner(other, folder).run()
    assert "canary" not in str(caught.value)
