"""What earlier sessions spent, known or not."""

from __future__ import annotations

from pathlib import Path

import pytest
from store_samples import documents, make_store, opened

from agents.llm.budget import Spent
from agents.llm.client import Attempt, Usage
from graph.spending import spent_before
from graph.store.records import CallStatus, ClosedCall
from graph.store.store import RunStore
from schemas.job import Job, job_from

JOB: Job = job_from(
    {
        "documents": {"paths": ["documents.jsonl"]},
        "model": {"name": "openai/small", "base_url": "http://localhost:1"},
        "prices": {"openai/small": {"input": 1.0, "output": 10.0}},
    }
)


def attempt(tokens: int, cost: float | None, number: int = 1) -> Attempt:
    answer = 10 if tokens else 0
    return Attempt(number=number, raw="", usage=Usage(input_tokens=tokens, output_tokens=answer), cost=cost)


async def record(store: RunStore, key: str, *attempts: Attempt) -> None:
    store.close_call(await store.open_call(opened(key)), ClosedCall(CallStatus.ANSWERED, "{}", attempts))


async def test_nothing_at_first(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        assert spent_before(store.reader, JOB) == (Spent(), Spent())


async def test_all_attempts_count(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await record(store, "a", attempt(100, 0.25), attempt(200, 0.5, 2))
        await record(store, "b", attempt(0, 0.0))  # refused: it took nothing
        await store.flush()
        assert spent_before(store.reader, JOB) == (Spent(320, 0.75), Spent())


async def test_what_had_no_price_is_priced_as_the_job_says_now(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await record(store, "a", attempt(1_000_000, None))
        await store.flush()
        spent, _ = spent_before(store.reader, JOB)
        assert spent.tokens == 1_000_010
        assert spent.cost == pytest.approx(1.0001)


async def test_what_was_lost_or_under_way_at_a_crash_counts_as_the_dearest(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        await record(store, "a", attempt(90, 0.25), attempt(0, None, 2))
        await record(store, "b", attempt(40, 0.125))
        await store.open_call(opened("c"))
    with RunStore.open(tmp_path / "trial") as store:
        assert spent_before(store.reader, JOB) == (Spent(150, 0.375), Spent(2 * 100, 2 * 0.25))


async def test_where_a_server_counts_nothing_its_requests_count_as_the_most_they_can_take(
    tmp_path: Path,
) -> None:
    call = opened("a", prompt="Na\u00efve.")
    prompt = sum(len(part.encode()) for message in call.messages for part in message.parts)
    with make_store(tmp_path) as store:
        store.add_documents(documents(1))
        attempts = attempt(0, None), attempt(0, None, 2)
        store.close_call(await store.open_call(call), ClosedCall(CallStatus.ANSWERED, "{}", attempts))
        await store.flush()
        _, assumed = spent_before(store.reader, JOB)
    assert assumed.tokens == 2 * (prompt + call.sampling.max_tokens)
    assert assumed.cost == pytest.approx(2 * (prompt + 10 * call.sampling.max_tokens) / 1e6)
