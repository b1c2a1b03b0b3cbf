"""A run that is taken up again: what is finished stays, and no finished call is sent twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runner_jobs import TEXTS, finished, make_job, make_runner, outcomes, write_documents
from servers.scripted import Call, Fail, ScriptedServer, Turn, agreeable

from agents.llm.client import CallStoppedError
from graph.plan import Plan, Retry, Sample
from graph.store.call_search import CallFilter, find_calls
from graph.store.reading import RunReader
from graph.store.records import CallStatus, RunStatus
from schemas.errors import StoreError, UsageError
from schemas.job import Job
from schemas.judgement import Outcome
from schemas.limits import Limits, PriceConfig

Start = Callable[..., ScriptedServer]
CALLS = 5
"""Of a document: designer, writer, two annotators, critic."""


def with_limits(job: Job, **limits: Any) -> Job:
    return job.model_copy(update={"limits": Limits(**limits)})


def seeds(reader: RunReader, document_id: str) -> list[int | None]:
    """The seed of each call that was sent for a document."""
    calls = find_calls(reader, CallFilter(document_id), limit=1000).shown
    sent = (call for call in calls if call.status is not CallStatus.REPLAYED)
    return [detail.sampling.seed for call in sent if (detail := reader.call(call.id)) is not None]


async def stopped_after(documents_done: int, job: Job, folder: Path) -> None:
    """Run a job until so many documents have ended."""
    limited = make_runner(with_limits(job, max_candidates=documents_done), folder)
    result = await finished(limited)
    assert result.totals.pending == len(TEXTS) - documents_done


# --- going on ---


async def test_a_finished_run_that_is_run_again_sends_nothing(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server()
    job = make_job(server, documents)
    first = await finished(make_runner(job, folder))
    second = await finished(make_runner(job, folder))
    assert len(server.calls) == CALLS * len(TEXTS)
    assert (second.status, second.totals) == (RunStatus.DONE, first.totals)


async def test_a_finished_run_needs_neither_source_nor_server(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = make_job(scripted_server(), documents)
    first = await finished(make_runner(job, folder))
    documents.unlink()
    nowhere = job.model.model_copy(update={"base_url": None, "api_key_env": "NO_SUCH_KEY"})
    again = job.model_copy(update={"model": nowhere})
    second = await finished(make_runner(again, folder, Plan(allow_changes=True)))
    assert second.totals == first.totals
    with RunReader(folder) as reader:
        assert any("not read again" in event.message for event in reader.events("note"))


async def test_what_is_left_is_done_and_what_was_done_stays(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server()
    job = make_job(server, documents)
    await stopped_after(2, job, folder)
    asked = len(server.calls)
    result = await finished(make_runner(job, folder))
    assert (result.status, result.totals.accepted) == (RunStatus.DONE, len(TEXTS))
    assert len(server.calls) - asked == CALLS * (len(TEXTS) - 2) and result.totals.replays == 0


async def test_a_document_that_was_under_way_goes_on_from_its_last_finished_call(
    scripted_server: Start, tmp_path: Path, folder: Path
) -> None:
    """Its calls answer from the ledger, and it ends as in a run that nothing disturbed."""
    path = write_documents(tmp_path / "one.jsonl", {"d": TEXTS["d0"]})
    undisturbed = make_job(scripted_server(), path)
    await finished(make_runner(undisturbed, tmp_path / "runs" / "whole"))
    stop = True

    def until_the_critic(call: Call) -> Turn:
        return Fail(401, "no more") if stop and "verdicts" in call.schema["properties"] else agreeable(call)

    server = scripted_server(until_the_critic)
    job = make_job(server, path)
    with pytest.raises(Exception, match="refused the key"):
        await make_runner(job, folder).run()
    stop, asked = False, len(server.calls)
    result = await finished(make_runner(job, folder))
    assert len(server.calls) - asked == 1 and result.totals.replays == CALLS - 1
    with RunReader(folder) as reader, RunReader(tmp_path / "runs" / "whole") as whole:
        (ours,), (theirs,) = reader.rounds("d"), whole.rounds("d")
        assert ours == theirs and reader.decision("d") == whole.decision("d")


async def test_documents_added_to_the_source_are_added_to_the_run(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server()
    job = make_job(server, documents)
    await finished(make_runner(job, folder))
    with documents.open("a") as more:
        more.write('no JSON\n{"id": "late", "text": "Captain Nobody came late to Lisbon."}\n')
    for _ in range(2):
        result = await finished(make_runner(job, folder))
        assert (result.totals.documents, result.totals.accepted) == (len(TEXTS) + 2, len(TEXTS) + 1)
        assert (result.totals.failed, len(server.calls)) == (1, CALLS * (len(TEXTS) + 1))


async def test_a_changed_document_is_refused(scripted_server: Start, documents: Path, folder: Path) -> None:
    job = make_job(scripted_server(), documents)
    await finished(make_runner(job, folder))
    write_documents(documents, {**TEXTS, "d0": "Another text altogether, of another length."})
    with pytest.raises(StoreError, match="'d0' has another text"):
        await make_runner(job, folder).run()


async def test_a_limit_is_widened_by_running_again(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = make_job(scripted_server(), documents)
    some = job.model_copy(update={"documents": job.documents.model_copy(update={"limit": 2})})
    first = await finished(make_runner(some, folder))
    assert (first.totals.documents, first.status) == (2, RunStatus.DONE)
    only = job.model_copy(update={"documents": job.documents.model_copy(update={"ids": ("d4",)})})
    second = await finished(make_runner(only, folder))
    assert (second.totals.documents, second.totals.accepted) == (3, 3)
    third = await finished(make_runner(job, folder))
    assert (third.totals.documents, third.totals.accepted) == (len(TEXTS), len(TEXTS))


async def test_a_job_that_would_answer_otherwise_is_refused_with_the_differing_keys(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = make_job(scripted_server(), documents)
    await finished(make_runner(job, folder))
    changed = job.model_copy(
        update={"brief": "ships", "model": job.model.model_copy(update={"temperature": 0.7})}
    )
    with pytest.raises(UsageError, match=r"brief was '', is 'ships'; model.temperature was 0.2") as caught:
        await make_runner(changed, folder).run()
    assert "--allow-changes" in caught.value.remedy
    result = await finished(make_runner(changed, folder, Plan(allow_changes=True)))
    assert result.status is RunStatus.DONE
    with RunReader(folder) as reader:
        begun, changed = reader.sessions()
        assert begun.about == {} and changed.about["changed"]["brief"] == ["", "ships"]
        assert 'brief = "ships"' in reader.run().job_toml
        (before,) = reader.events("job changed")
        assert before.data is not None and 'brief = ""' in before.data["job_toml"]


async def test_what_changes_no_answer_may_change(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server()
    await finished(make_runner(make_job(server, documents), folder))
    machine = {
        "max_connections": 2,
        "retries": 0,
        "connect_timeout": 3,
        "read_timeout": 4,
        "retry_on_error": 2,
    }
    other = with_limits(
        make_job(server, documents, documents_in_flight=1, timeout=5, **machine), tokens=10**9
    )
    other = other.model_copy(update={"prices": {"openai/scripted": PriceConfig(input=1, output=1)}})
    assert (await finished(make_runner(other, folder))).status is RunStatus.DONE
    assert len(server.calls) == CALLS * len(TEXTS)


# --- a stop that can be taken up again ---


async def test_a_run_that_has_to_stop_leaves_its_documents_pending(
    scripted_server: Start, documents: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agents.llm.instructed import InstructedClient

    server = scripted_server()
    job = make_job(server, documents, documents_in_flight=1)
    plain, sent = InstructedClient.ask, Counter[str]()

    async def limited(self: InstructedClient, request: Any) -> Any:
        sent["calls"] += 1
        if sent["calls"] > 7:
            raise CallStoppedError("The limit of 7 calls is reached.", "Raise it.")
        return await plain(self, request)

    with monkeypatch.context() as patch:
        patch.setattr(InstructedClient, "ask", limited)
        result = await finished(make_runner(job, folder))
    assert result.status is RunStatus.STOPPED
    assert result.reason == "The limit of 7 calls is reached. Raise it."
    assert (result.totals.accepted, result.totals.pending, result.totals.failed) == (1, 4, 0)
    result = await finished(make_runner(job, folder))
    assert (result.status, result.totals.accepted) == (RunStatus.DONE, len(TEXTS))
    assert len(server.calls) == CALLS * len(TEXTS)  # none twice


# --- enough, and too much ---


async def test_a_run_ends_once_enough_documents_are_accepted(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = with_limits(
        make_job(scripted_server(), documents, documents_in_flight=1), target_accepted=2, max_candidates=4
    )
    result = await finished(make_runner(job, folder))
    assert (result.status, result.totals.accepted, result.totals.pending) == (RunStatus.DONE, 2, 3)
    assert result.reason == "2 accepted, 2 wanted; 3 of 5 documents left"


@pytest.mark.parametrize(("limit", "failed"), [(2, 2), (0.3, 2), (1, 1)])
async def test_a_run_in_which_too_many_documents_fail_is_stopped_as_failed(
    limit: float, failed: int, scripted_server: Start, documents: Path, folder: Path
) -> None:
    job = with_limits(
        make_job(scripted_server(lambda call: Fail(400)), documents, documents_in_flight=1),
        fail_on_error=limit,
    )
    result = await finished(make_runner(job, folder))
    assert (result.status, result.totals.failed) == (RunStatus.FAILED, failed)
    assert str(failed) in result.reason and result.totals.pending == len(TEXTS) - failed


# --- taking up again what has ended ---


async def test_failed_documents_are_retried_and_only_what_failed_is_sent(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    broken = True

    def script(call: Call) -> Turn:
        bad = broken and "number3" in call.document and "verdicts" in call.schema["properties"]
        return "no JSON" if bad else agreeable(call)

    server = scripted_server(script)
    job = make_job(server, documents)
    result = await finished(make_runner(job, folder))
    assert (result.totals.accepted, result.totals.failed) == (4, 1)
    broken, asked = False, len(server.calls)
    result = await finished(make_runner(job, folder, Plan(retry=Retry())))
    assert (result.status, result.totals.accepted, result.worked_on) == (RunStatus.DONE, 5, ("d3",))
    assert len(server.calls) - asked == 1 and result.totals.replays == CALLS - 1
    with RunReader(folder) as reader:
        *_, first, second = find_calls(reader, CallFilter("d3", agent="critic")).shown
        assert (first.status, second.status) == (CallStatus.INVALID, CallStatus.ANSWERED)
        # The same call, bumped: with the same seed a server might well say the same again.
        assert first.key == second.key and (first.retry, second.retry) == (0, 1)
        assert len(set(seeds(reader, "d3")[-2:])) == 2
        assert [d.decision.outcome for d in reader.decisions("d3")] == [Outcome.FAILED, Outcome.ACCEPTED]


async def test_rejected_documents_are_drawn_anew(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    harsh = True

    def script(call: Call) -> Turn:
        answer = agreeable(call)
        if harsh and "number1" in call.document and isinstance(answer, dict) and "verdicts" in answer:
            return {**answer, "verdicts": [{**v, "verdict": "spurious"} for v in answer["verdicts"]]}
        return answer

    server = scripted_server(script)
    job = make_job(server, documents)
    first = await finished(make_runner(job, folder))
    assert first.totals.rejected == 1
    harsh, asked = False, len(server.calls)
    plan = Plan(retry=Retry(outcomes=frozenset({Outcome.REJECTED})))
    result = await finished(make_runner(job, folder, plan))
    assert (result.totals.rejected, result.totals.accepted) == (0, 5)
    assert len(server.calls) - asked == CALLS and result.totals.replays == first.totals.replays
    with RunReader(folder) as reader:
        sent = seeds(reader, "d1")
        assert set(sent[:CALLS]).isdisjoint(sent[-CALLS:])


async def test_single_documents_are_retried_by_id(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server()
    job = make_job(server, documents)
    await finished(make_runner(job, folder))
    asked = len(server.calls)
    await finished(make_runner(job, folder, Plan(retry=Retry(ids=("d1", "d2")))))
    assert {call.document for call in server.calls[asked:]} == {TEXTS["d1"], TEXTS["d2"]}
    with pytest.raises(UsageError, match="no readable document d9"):
        await make_runner(job, folder, Plan(retry=Retry(ids=("d9",)))).run()


# --- a few documents; other runs' answers ---


async def test_a_sample_is_worked_on_and_the_rest_stays_pending(
    scripted_server: Start, documents: Path, folder: Path
) -> None:
    server = scripted_server()
    job = make_job(server, documents)
    drawn = await finished(make_runner(job, folder, Plan(sample=Sample(2, seed=1))))
    again = await finished(make_runner(job, folder, Plan(sample=Sample(2, seed=1))))
    assert drawn.worked_on == again.worked_on and len(drawn.worked_on or ()) == 2
    assert (again.status, again.totals.accepted, again.totals.pending) == (RunStatus.DONE, 2, 3)
    assert again.reason == "3 of 5 documents were not asked for"
    first = await finished(make_runner(job, folder, Plan(sample=Sample(3))))
    assert first.worked_on == ("d0", "d1", "d2")
    await finished(make_runner(job, folder))
    assert len(server.calls) == CALLS * len(TEXTS)
    with RunReader(folder) as reader:
        assert set(outcomes(reader).values()) == {Outcome.ACCEPTED}


async def test_answers_of_another_run_are_used_and_kept(
    scripted_server: Start, documents: Path, folder: Path, tmp_path: Path
) -> None:
    server = scripted_server()
    job = make_job(server, documents)
    await finished(make_runner(job, folder))
    asked = len(server.calls)
    other = tmp_path / "runs" / "other"
    result = await finished(make_runner(job, other, Plan(reuse=(folder,))))
    assert len(server.calls) == asked
    assert (result.totals.accepted, result.totals.calls, result.totals.replays) == (5, 0, CALLS * 5)
    assert result.totals.input_tokens == 0
    with RunReader(other) as reader:
        (call,) = find_calls(reader, CallFilter("d0", agent="critic")).shown
        detail = reader.call(call.id)
        assert detail is not None and detail.answer and detail.messages and not detail.attempts
    # Without the other run, the answers are this run's own.
    await finished(make_runner(job, other, Plan(retry=Retry(ids=("d0",)))))
    assert len(server.calls) - asked == CALLS  # drawn anew: with other seeds, hence sent
    await finished(make_runner(job, tmp_path / "runs" / "third", Plan(reuse=(other,))))
    assert len(server.calls) - asked == CALLS
