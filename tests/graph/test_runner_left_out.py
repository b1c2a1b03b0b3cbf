"""A run whose filters and sample leave documents out: they are counted, and taken when the job takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import TEXTS, finished, make_job, make_runner, outcomes, write_documents
from servers.scripted import Call, Fail, ScriptedServer

from graph import runner as runner_module
from graph.plan import Plan
from graph.store.reading import RunReader
from graph.store.records import RunStatus
from schemas.documents import Document
from schemas.errors import DocumentError, UsageError
from schemas.job import Job
from schemas.judgement import Outcome
from schemas.limits import Limits

Start = Callable[..., ScriptedServer]
MIXED = TEXTS | {f"short{n}": f"Captain {n}." for n in range(5)}
CALLS = 5


def taking(job: Job, **keys: object) -> Job:
    return job.model_copy(update={"documents": type(job.documents)(paths=job.documents.paths, **keys)})  # type: ignore[arg-type]


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    return write_documents(tmp_path / "mixed.jsonl", MIXED)


async def test_documents_left_out_are_skipped_with_their_reason_and_cost_nothing(
    scripted_server: Start, mixed: Path, folder: Path
) -> None:
    server = scripted_server()
    job = taking(make_job(server, mixed), min_words=4, sample=3)
    runner = make_runner(job, folder)
    result = await finished(runner)
    assert (result.status, result.totals.documents) == (RunStatus.DONE, 10)
    assert (result.totals.accepted, result.totals.skipped, result.totals.admitted) == (3, 7, 3)
    assert len(server.calls) == 3 * CALLS
    assert (runner.progress.done, runner.progress.documents) == (3, 3)
    with RunReader(folder) as reader:
        skipped = reader.documents(Outcome.SKIPPED)
        assert {row.reason for row in skipped if row.id.startswith("short")} == {
            "left out: it has 2 words, fewer than 4"
        }
        assert [row.reason for row in skipped if not row.id.startswith("short")] == [
            "left out: not among the 3 drawn at random from 5 documents (seed 0)"
        ] * 2
        assert skipped[0].source.startswith(str(mixed)) and skipped[0].characters is None
        assert reader.document("short0") is None and len(reader.document_ids()) == 3
    again = await finished(make_runner(job, folder))
    assert (again.totals, len(server.calls)) == (result.totals, 3 * CALLS)


async def test_a_run_taken_up_again_has_the_same_sample_though_its_documents_come_in_another_order(
    scripted_server: Start, mixed: Path, folder: Path
) -> None:
    server = scripted_server()
    job = taking(make_job(server, mixed), sample=4, select="diverse")
    stopped = job.model_copy(update={"limits": Limits(max_candidates=1)})
    await finished(make_runner(stopped, folder))
    with RunReader(folder) as reader:
        first = set(reader.document_ids())
    write_documents(mixed, dict(reversed(MIXED.items())))
    result = await finished(make_runner(job, folder))
    with RunReader(folder) as reader:
        assert set(reader.document_ids()) == first
    assert (result.totals.skipped, result.totals.accepted) == (6, 4)


@pytest.mark.parametrize("read", [1, 4, 9])
async def test_a_run_cut_off_while_it_reads_ends_as_if_it_had_not_been(
    read: int, scripted_server: Start, mixed: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = taking(make_job(scripted_server(), mixed), sample=4)
    plain = runner_module.documents_of

    def cut_off(*arguments: Any) -> Iterator[Any]:
        yield from islice(plain(*arguments), read)
        raise DocumentError("The network is gone.", "Try again.")

    with monkeypatch.context() as patch:
        patch.setattr(runner_module, "documents_of", cut_off)
        patch.setattr(runner_module, "_READ_AT_ONCE", 1)
        with pytest.raises(DocumentError):
            await make_runner(job, folder).run()
    with RunReader(folder) as reader:
        assert reader.totals().documents == read and reader.totals().balanced
    result = await finished(make_runner(job, folder))
    assert (result.totals.accepted, result.totals.skipped) == (4, 6)
    with RunReader(folder) as reader:
        taken = set(reader.document_ids())
    assert taken == {each.id for each in plain(job.documents, job.seed) if isinstance(each, Document)}


async def test_other_filters_are_another_job_and_what_they_take_is_taken_when_allowed(
    scripted_server: Start, mixed: Path, folder: Path
) -> None:
    server = scripted_server()
    job = make_job(server, mixed)
    await finished(make_runner(taking(job, min_words=4, sample=2), folder))
    with RunReader(folder) as reader:
        first = set(reader.document_ids())
    with pytest.raises(UsageError, match=r"documents.min_words was 4, is 2; documents.sample was 2, is 8"):
        await make_runner(taking(job, min_words=2, sample=8), folder).run()
    result = await finished(make_runner(taking(job, min_words=2, sample=8), folder, Plan(allow_changes=True)))
    assert result.totals.documents == 10 and result.totals.skipped + result.totals.accepted == 10
    assert len(server.calls) == result.totals.accepted * CALLS
    with RunReader(folder) as reader:
        assert first <= set(reader.document_ids(frozenset({Outcome.ACCEPTED})))
        taken = next(each for each in reader.document_ids() if each not in first)
        assert reader.document(taken) is not None
        assert [made.decision.outcome for made in reader.decisions(taken)] == [
            Outcome.SKIPPED,
            Outcome.ACCEPTED,
        ]


async def test_a_stricter_filter_leaves_out_what_is_pending_and_nothing_that_has_ended(
    scripted_server: Start, mixed: Path, folder: Path
) -> None:
    job = make_job(scripted_server(), mixed)
    stopped = job.model_copy(update={"limits": Limits(max_candidates=2)})
    await finished(make_runner(stopped, folder))
    result = await finished(make_runner(taking(job, max_words=3), folder, Plan(allow_changes=True)))
    assert (result.totals.accepted, result.totals.skipped, result.totals.pending) == (7, 3, 0)
    back = await finished(make_runner(job, folder, Plan(allow_changes=True)))
    assert (back.totals.accepted, back.totals.skipped) == (10, 0)
    with RunReader(folder) as reader:
        assert outcomes(reader).keys() == MIXED.keys()


async def test_a_run_without_a_document_left_has_failed_and_says_why(
    scripted_server: Start, mixed: Path, folder: Path
) -> None:
    server = scripted_server()
    result = await finished(make_runner(taking(make_job(server, mixed), min_words=50), folder))
    assert (result.status, result.totals.skipped) == (RunStatus.FAILED, 10)
    assert result.reason == "all documents (10) were left out by the job's filters"
    assert server.calls == []


async def test_documents_left_out_hide_no_failure(scripted_server: Start, mixed: Path, folder: Path) -> None:
    def refuse(call: Call) -> Fail:
        return Fail(400)

    job = taking(make_job(scripted_server(refuse), mixed), min_words=4)
    result = await finished(make_runner(job, folder))
    assert (result.status, result.reason) == (RunStatus.FAILED, "all documents failed")
