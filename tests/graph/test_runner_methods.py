"""The controls in whole runs: one store, one ledger and one export for all methods."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exported_rows import rows
from runner_jobs import TEXTS, finished, make_job, make_runner, outcomes, write_documents
from servers.scripted import Call, Fail, ScriptedServer, Turn, agreeable

from graph.plan import Plan, Retry
from graph.results import accepted
from graph.store.call_search import CallFilter, find_calls
from graph.store.reading import RunReader
from graph.store.records import CallStatus, RunStatus
from schemas.dialect import parse
from schemas.errors import UsageError
from schemas.job import Job
from schemas.judgement import Outcome
from schemas.limits import Limits
from schemas.methods import Method, SelfConsistencyConfig

Start = Callable[..., ScriptedServer]
CALLS = {Method.LINEAR: 4, Method.SELF_CONSISTENCY: 2 + 3}
CONTROLS = pytest.mark.parametrize("method", CALLS)


def by(method: Method, job: Job, **changes: Any) -> Job:
    samples = SelfConsistencyConfig(samples=3)
    return job.model_copy(update={"method": method, "self_consistency": samples} | changes)


@CONTROLS
async def test_a_run_ends_every_document_and_exports_what_is_grounded(
    scripted_server: Start, documents: Path, folder: Path, method: Method
) -> None:
    server = scripted_server()
    result = await finished(make_runner(by(method, make_job(server, documents)), folder))
    assert result.status is RunStatus.DONE and result.totals.accepted == len(TEXTS)
    assert len(server.calls) == CALLS[method] * len(TEXTS) == result.totals.calls
    with RunReader(folder) as reader:
        for document, kept in accepted(reader):
            assert kept.agreed.instances and len(kept.annotations) == (1 if method is Method.LINEAR else 3)
            for mention in kept.agreed.mentions:
                assert mention.span is not None and document.text[slice(*mention.span)]
        for row in rows(accepted(reader), "guidex"):
            assert parse(row["text"]).text == row["unlabelled_sentence"]


@CONTROLS
async def test_a_run_that_was_broken_off_pays_for_no_answer_twice(
    scripted_server: Start, documents: Path, folder: Path, method: Method
) -> None:
    """The server goes down in the middle of every document, with some of its answers in the ledger."""
    answered: list[Call] = []

    def going_down(call: Call) -> Turn:
        if len(answered) >= 2 * len(TEXTS):
            return Fail(400, "gone")
        answered.append(call)
        return agreeable(call)

    server = scripted_server(going_down)
    job = by(method, make_job(server, documents))
    first = await finished(make_runner(job, folder))
    assert first.totals.failed
    left = CALLS[method] * len(TEXTS) - len(answered)
    server.restart(agreeable, None)
    second = await finished(make_runner(job, folder, Plan(retry=Retry())))
    assert second.totals.accepted == len(TEXTS) and len(server.calls) == left
    with RunReader(folder) as reader:
        calls = [call for name in TEXTS for call in find_calls(reader, CallFilter(name), limit=100).shown]
    statuses = Counter(call.status for call in calls)
    assert statuses[CallStatus.ANSWERED] == CALLS[method] * len(TEXTS)


@CONTROLS
async def test_a_run_goes_on_where_a_limit_stopped_it(
    scripted_server: Start, documents: Path, folder: Path, method: Method
) -> None:
    server = scripted_server()
    job = by(method, make_job(server, documents))
    stopped = await finished(make_runner(by(method, job, limits=Limits(max_candidates=2)), folder))
    assert stopped.totals.pending == len(TEXTS) - 2
    done = await finished(make_runner(job, folder))
    assert done.totals.accepted == len(TEXTS)
    assert len(server.calls) == CALLS[method] * len(TEXTS)


async def test_the_conversation_of_a_linear_run_grows_on_the_wire(
    scripted_server: Start, folder: Path, tmp_path: Path
) -> None:
    server = scripted_server()
    path = write_documents(tmp_path / "one.jsonl", {"d": next(iter(TEXTS.values()))})
    await finished(make_runner(by(Method.LINEAR, make_job(server, path)), folder))
    sent = [call.body["messages"] for call in server.calls]
    for earlier, later in itertools.pairwise(sent):
        assert later[: len(earlier)] == earlier and later[len(earlier)]["role"] == "assistant"


async def test_documents_in_which_nothing_is_found_are_rejected(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    def finds_nothing(call: Call) -> Turn:
        answer = agreeable(call)
        form = call.body["response_format"]["json_schema"]["name"]
        assert isinstance(answer, dict)
        return {key: ["no such words"] for key in answer} if form == "Annotations" else answer

    for method in CALLS:
        server = scripted_server(finds_nothing)
        await finished(make_runner(by(method, make_job(server, documents)), folder / method.value))
        with RunReader(folder / method.value) as reader:
            assert set(outcomes(reader).values()) == {Outcome.REJECTED}


async def test_a_run_does_not_change_its_method_in_silence(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = make_job(scripted_server(), documents)
    await finished(make_runner(by(Method.LINEAR, job), folder))
    with pytest.raises(UsageError, match="method"):
        await make_runner(by(Method.SELF_CONSISTENCY, job), folder).run()
