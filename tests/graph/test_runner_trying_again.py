"""Documents that fail for a reason that may pass are tried again, behind all others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import TEXTS, finished, make_job, make_runner, outcomes
from servers.scripted import Call, Fail, ScriptedServer, Turn, agreeable

from graph.plan import Plan, Retry
from graph.runner import Runner
from graph.store.failures import failures_of
from graph.store.reading import RunReader
from graph.store.records import RunStatus
from schemas.job import Job
from schemas.judgement import Outcome
from schemas.limits import Limits

Start = Callable[..., ScriptedServer]
CALLS = 5
ASKED = 3
"""How often one call asks for an answer that is none."""


def bad_at_first(times: int, document: str = "number1", bad: Turn = "no JSON") -> Callable[[Call], Turn]:
    """A script that gives the critic of one document so many bad answers before it agrees."""
    given: list[str] = []

    def script(call: Call) -> Turn:
        if document not in call.document or "verdicts" not in call.schema["properties"]:
            return agreeable(call)
        given.append(call.document)
        return bad if len(given) <= times else agreeable(call)

    return script


def one_at_a_time(server: ScriptedServer, documents: Path, **limits: Any) -> Job:
    job = make_job(server, documents, retry_on_error=1, documents_in_flight=1)
    return job.model_copy(update={"limits": Limits(**limits)})


@pytest.mark.parametrize(("bad", "passing"), [("no JSON", True), (Fail(400), False)])
async def test_only_a_reason_that_may_pass_is_worth_it(
    bad: Turn, passing: bool, scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(bad_at_first(ASKED, bad=bad))
    result = await finished(make_runner(make_job(server, documents, retry_on_error=1), folder))
    assert (result.totals.accepted, result.totals.failed) == ((5, 0) if passing else (4, 1))
    assert result.totals.replays == (CALLS - 1 if passing else 0)
    with RunReader(folder) as reader:
        assert len(failures_of(reader, "d1")) == 1
        (decision,) = reader.decisions("d1")
        assert decision.decision.outcome is (Outcome.ACCEPTED if passing else Outcome.FAILED)


async def test_a_document_that_goes_on_failing_is_failed(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(lambda call: "no JSON")
    result = await finished(
        make_runner(make_job(server, documents, retry_on_error=2, documents_in_flight=1), folder)
    )
    assert (result.status, result.totals.failed) == (RunStatus.FAILED, len(TEXTS))
    with RunReader(folder) as reader:
        for identifier in TEXTS:
            assert len(failures_of(reader, identifier)) == 3 and len(reader.decisions(identifier)) == 1


@pytest.mark.parametrize("goes_on_failing", [False, True])
async def test_a_run_that_stops_before_tries_it_when_it_is_taken_up(
    goes_on_failing: bool, scripted_server: Start, documents: Path, folder: Path
) -> None:
    """And as often as one that nothing disturbed."""
    stopping: list[Runner] = []
    failing = bad_at_first(2 * ASKED if goes_on_failing else ASKED, "number0")

    def script(call: Call) -> Turn:
        if stopping and "number1" in call.document:
            stopping.pop().stop()
        return failing(call)

    job = one_at_a_time(scripted_server(script), documents)
    stopping.append(make_runner(job, folder))
    result = await finished(stopping[0])
    assert (result.status, result.reason) == (RunStatus.STOPPED, "4 of 5 documents left")
    with RunReader(folder) as reader:
        assert outcomes(reader)["d0"] is Outcome.PENDING and len(failures_of(reader, "d0")) == 1
    result = await finished(make_runner(job, folder))
    assert (result.status, result.totals.pending) == (RunStatus.DONE, 0)
    with RunReader(folder) as reader:
        assert outcomes(reader)["d0"] is (Outcome.FAILED if goes_on_failing else Outcome.ACCEPTED)
        assert len(failures_of(reader, "d0")) == (2 if goes_on_failing else 1)


async def test_failures_before_a_retry_do_not_count(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(bad_at_first(3 * ASKED))
    job = one_at_a_time(server, documents)
    assert (await finished(make_runner(job, folder))).totals.failed == 1
    assert (await finished(make_runner(job, folder, Plan(retry=Retry())))).totals.accepted == len(TEXTS)
    with RunReader(folder) as reader:
        assert len(failures_of(reader, "d1")) == 3


async def test_trying_again_is_no_further_candidate(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = one_at_a_time(scripted_server(bad_at_first(ASKED)), documents, max_candidates=3)
    result = await finished(make_runner(job, folder))
    assert (result.totals.accepted, result.totals.failed, result.totals.pending) == (3, 0, 2)
    assert result.reason == "3 worked on, 3 allowed; 2 of 5 documents left"


async def test_once_enough_are_accepted_it_is_not_tried_again_and_has_failed(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = one_at_a_time(scripted_server(bad_at_first(ASKED)), documents, target_accepted=2)
    result = await finished(make_runner(job, folder))
    assert (result.totals.accepted, result.totals.failed, result.totals.pending) == (2, 1, 2)
    with RunReader(folder) as reader:
        assert outcomes(reader)["d1"] is Outcome.FAILED


async def test_too_many_failures_end_the_run_before_anything_is_tried_again(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server(lambda call: "no JSON")
    result = await finished(make_runner(one_at_a_time(server, documents, fail_on_error=2), folder))
    assert (result.status, result.reason) == (RunStatus.FAILED, "2 of 5 documents failed, the limit is 2")
    assert (result.totals.failed, result.totals.pending, len(server.calls)) == (2, 3, 2 * ASKED)
