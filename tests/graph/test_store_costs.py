"""What calls cost: summed where it is known, counted where it is not, never taken for 0."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from store_samples import answered, documents, make_store, opened, query

from agents.llm.client import Attempt, Usage
from graph.store.call_search import find_calls
from graph.store.reading import RunReader
from graph.store.records import CallStatus, ClosedCall, StoredAnswer
from graph.store.store import RunStore
from guidex.run_summary import summarise


def closed(*costs: float | None, status: CallStatus = CallStatus.ANSWERED) -> ClosedCall:
    attempts = tuple(
        Attempt(number=number, raw="{}", usage=Usage(input_tokens=10), cost=cost)
        for number, cost in enumerate(costs, 1)
    )
    return ClosedCall(status, "{}" if status is CallStatus.ANSWERED else None, attempts)


async def record(store: RunStore, *calls: ClosedCall) -> None:
    for number, call in enumerate(calls):
        store.close_call(await store.open_call(opened(f"key-{number}")), call)
    await store.flush()


async def test_every_attempt_counts_and_replays_cost_nothing(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await record(store, closed(0.25, 0.5), closed(1.0, status=CallStatus.TRUNCATED))
        first = find_calls(store.reader).shown[0]
        store.add_replay(opened("key-0"), StoredAnswer(first.id, "{}"))
        await store.flush()
        totals = store.reader.totals()
        assert (totals.cost, totals.unpriced) == (1.75, 0)
        assert [call.cost for call in find_calls(store.reader).shown] == [0.75, 1.0, 0.0]
        detail = store.reader.call(first.id)
        assert detail is not None
        assert [attempt.cost for attempt in detail.attempts] == [0.25, 0.5]


@pytest.mark.parametrize(
    ("calls", "cost", "unpriced"),
    [
        ([closed(None)], None, 1),
        ([closed(None), closed(None, None)], None, 2),
        ([closed(0.5), closed(None)], 0.5, 1),
        ([closed(None, 0.5)], 0.5, 1),  # one request of it was lost
        ([closed(0.0)], 0.0, 0),
        ([closed(status=CallStatus.CANCELLED)], 0.0, 0),  # before it was sent
        ([closed(status=CallStatus.CANCELLED), closed(None)], None, 1),
        ([], 0.0, 0),
    ],
)
async def test_what_is_not_known_is_counted_apart(
    tmp_path: Path, calls: list[ClosedCall], cost: float | None, unpriced: int
) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await record(store, *calls)
    summary = summarise(tmp_path / "trial")
    assert (summary.cost, summary.unpriced) == (cost, unpriced)


async def test_the_cost_of_a_call_that_was_under_way_at_a_crash_is_not_known(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await store.open_call(opened("key"))
        assert store.reader.totals().unpriced == 0  # it is still under way
    with RunStore.open(tmp_path / "trial") as store:
        assert find_calls(store.reader).shown[0].status is CallStatus.INTERRUPTED
        assert (store.reader.totals().cost, store.reader.totals().unpriced) == (0.0, 1)


async def test_a_run_from_before_costs_were_kept_has_calls_of_unknown_cost(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await record(store, answered())
    connection = sqlite3.connect(tmp_path / "trial" / "run.db")
    connection.executescript("""
        DELETE FROM _sqlite_migrations WHERE name = 'm008_costs';
        DROP VIEW agent_list;  -- it shows these columns
        ALTER TABLE calls DROP COLUMN cost;
        ALTER TABLE calls DROP COLUMN unpriced;
        ALTER TABLE attempts DROP COLUMN cost;
    """)
    connection.close()
    RunStore.open(tmp_path / "trial").close()
    with RunReader(tmp_path / "trial") as reader:
        assert (reader.totals().cost, reader.totals().unpriced) == (0.0, 1)
    assert query(tmp_path / "trial", "SELECT cost, unpriced FROM calls") == [(None, 0)]
