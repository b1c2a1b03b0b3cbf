"""What stands out among a run's calls: found whole, ordered by gravity, quick on long runs."""

from __future__ import annotations

import sqlite3
import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_samples import answered, decision, documents, make_round, make_store, opened

from agents.llm.client import Attempt, Usage
from graph.store import anomalies
from graph.store.attempts import spent_in_vain
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall
from graph.store.store import RunStore
from schemas.judgement import Agent, Outcome


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunStore]:
    with make_store(tmp_path) as made:
        made.add_documents(documents(6))
        yield made


def took(seconds: float, error: str | None = None) -> Attempt:
    usage = Usage(input_tokens=10, output_tokens=5)
    return Attempt(number=1, raw="{}", finish_reason="stop", usage=usage, latency=seconds, error=error)


async def answer_in(store: RunStore, times: Sequence[float], agent: Agent = Agent.CRITIC) -> None:
    for number, seconds in enumerate(times):
        call_id = await store.open_call(opened(f"{agent}-{number}", "d0", agent))
        store.close_call(call_id, ClosedCall(CallStatus.ANSWERED, "{}", (took(seconds),)))
    await store.flush()


async def test_calls_never_left_are_those_in_flight_and_those_whose_process_died(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        first = await store.open_call(opened("a"))
        store.close_call(await store.open_call(opened("b")), answered())
        second = await store.open_call(opened("c"))
        await store.flush()
        found = anomalies.unfinished(store.reader, 10)
        assert [(call.call_id, call.status) for call in found.shown] == [(first, "open"), (second, "open")]
        assert all(0 <= call.seconds < 60 for call in found.shown)
        assert anomalies.unfinished(store.reader, 1).total == 2
        assert len(anomalies.unfinished(store.reader, 1).shown) == 1
    with RunStore.open(tmp_path / "trial") as store:
        found = anomalies.unfinished(store.reader, 10)
        assert {call.status for call in found.shown} == {CallStatus.INTERRUPTED} and found.total == 2


async def test_slow_requests_are_judged_by_their_own_agent(store: RunStore) -> None:
    await answer_in(store, [1.0, 1.1, 0.9, 1.0, 1.2, 0.8, 1.0, 9.0, 5.0], Agent.CRITIC)
    await answer_in(store, [8.0, 9.0, 10.0, 9.0, 8.5, 9.5, 9.0, 10.5], Agent.ANNOTATOR)
    found = anomalies.slow(store.reader, 10)
    assert [(call.agent, call.seconds, call.usual) for call in found.shown] == [
        ("critic", 9.0, 1.0),
        ("critic", 5.0, 1.0),
    ]
    assert anomalies.slow(store.reader, 1).total == 2
    fixed = anomalies.slow(store.reader, 20, 9.2)
    assert [call.seconds for call in fixed.shown] == [10.5, 10.0, 9.5]
    assert {call.usual for call in fixed.shown} == {9.0}


async def test_a_steady_server_and_a_few_requests_have_no_slow_ones(store: RunStore) -> None:
    await answer_in(store, [1.0] * 20 + [1.01, 1.9], Agent.CRITIC)
    await answer_in(store, [0.1] * 6 + [60.0], Agent.ANNOTATOR)
    assert anomalies.slow(store.reader, 10).total == 0
    assert [call.seconds for call in anomalies.slow(store.reader, 10, 30.0).shown] == [60.0]


async def test_a_slow_request_without_an_answer_is_judged_by_those_with_one(store: RunStore) -> None:
    await answer_in(store, [1.0, 1.1, 0.9] * 4)
    lost = ClosedCall(CallStatus.TIMEOUT, attempts=(took(60.0, "did not answer in time"),))
    store.close_call(await store.open_call(opened("lost", agent=Agent.CRITIC)), lost)
    await store.flush()
    (call,) = anomalies.slow(store.reader, 10).shown
    assert (call.seconds, call.status, call.detail) == (60.0, "timeout", "did not answer in time")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(times=st.lists(st.floats(0, 100).map(lambda value: round(value, 3)), min_size=8, max_size=30))
async def test_slow_is_what_the_formula_says(
    tmp_path_factory: pytest.TempPathFactory, times: list[float]
) -> None:
    with make_store(tmp_path_factory.mktemp("slow")) as store:
        store.add_documents(documents(1))
        await answer_in(store, times)
        found = anomalies.slow(store.reader, 100)
    median = statistics.median_low(times)
    mad = statistics.median_low(abs(each - median) for each in times)
    bound = max(median + 3.5 * mad / 0.6745, 2 * median)
    assert [call.seconds for call in found.shown] == sorted((t for t in times if t > bound), reverse=True)
    assert found.total == len(found.shown)


async def test_misfits_and_lost_requests_are_counted_apart(store: RunStore) -> None:
    lost = Attempt(number=1, raw="", error="the server answered 503", latency=0.1)
    misfit = took(0.1, "classes: missing").model_copy(update={"number": 2})
    final = took(0.1).model_copy(update={"number": 3})
    mixed = await store.open_call(opened("mixed", "d1"))
    store.close_call(mixed, ClosedCall(CallStatus.ANSWERED, "{}", (lost, misfit, final)))
    worst = await store.open_call(opened("worst", "d2", Agent.WRITER))
    store.close_call(worst, answered(reasks=2))
    cut = await store.open_call(opened("cut", "d3"))
    store.close_call(
        cut, ClosedCall(CallStatus.TRUNCATED, attempts=(took(1.0, "truncated"),), error="cut off")
    )
    await store.flush()
    misfits = anomalies.re_asked(store.reader, 10)
    assert [(call.call_id, call.count, call.detail) for call in misfits.shown] == [
        (worst, 2, "no JSON"),
        (mixed, 1, "classes: missing"),
    ]
    assert anomalies.re_asked(store.reader, 1).total == 2
    repeated = anomalies.repeated(store.reader, 10)
    assert [(call.call_id, call.count, call.detail) for call in repeated.shown] == [
        (mixed, 1, "the server answered 503")
    ]
    cut_off = anomalies.cut_off(store.reader, 10)
    assert [(call.call_id, call.document_id, call.detail) for call in cut_off.shown] == [
        (cut, "d3", "cut off")
    ]


async def test_documents_with_most_rounds_come_first(store: RunStore) -> None:
    for name, rounds in (("d1", 3), ("d2", 1), ("d3", 2)):
        store.close_call(await store.open_call(opened(name, name)), answered())
        for number in range(1, rounds + 1):
            store.add_round(name, make_round(name, number))
    store.decide("d1", decision(Outcome.REJECTED, round=2))
    for number in (1, 2):  # taken up again
        store.add_round("d3", make_round("d3", number))
    await store.flush()
    found = anomalies.most_rounds(store.reader, 10)
    assert [(d.document_id, d.rounds, d.takes, d.calls, d.outcome) for d in found.shown] == [
        ("d3", 4, 2, 1, "pending"),
        ("d1", 3, 1, 1, "rejected"),
    ]
    assert anomalies.most_rounds(store.reader, 1).total == 2


async def test_100_000_calls_are_searched_at_once(tmp_path: Path) -> None:
    """A scan inside a scan would take hours, and end with the time the test has."""
    with make_store(tmp_path) as store:
        store.add_documents(documents(5000))
        store.close_call(await store.open_call(opened("k")), answered(reasks=1))
        await store.flush()
    connection = sqlite3.connect(tmp_path / "trial" / "run.db")
    for table, changed in (
        ("calls", {"id": "'call-' || n", "key": "'key-' || n", "document_id": "'d' || (n % 5000)"}),
        ("attempts", {"call_id": "'call-' || n", "seconds": "1.0 + (n % 7) / 10.0 + (n % 1000 = 0) * 50"}),
    ):
        columns = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
        copied = ", ".join(changed.get(name, name) for name in columns)
        connection.execute(
            f"""INSERT INTO {table} WITH RECURSIVE
            numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers LIMIT 99999)
            SELECT {copied} FROM {table}, numbers"""
        )
    connection.commit()
    connection.close()
    with RunReader(tmp_path / "trial") as reader:
        assert anomalies.slow(reader, 3).total == 2 * 99
        assert anomalies.re_asked(reader, 3).total == 100_000
        assert anomalies.repeated(reader, 3).total == anomalies.unfinished(reader, 3).total == 0
        assert anomalies.cut_off(reader, 3).total == anomalies.most_rounds(reader, 3).total == 0
        assert [kind.requests for kind in spent_in_vain(reader)] == [100_000]
