"""Limits hold whatever happens at the same time, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.budget import Budget, Spent
from agents.llm.client import CallStoppedError
from schemas.limits import Limits


async def turns() -> None:
    """Let everyone who can go on do so."""
    for _ in range(3):
        await asyncio.sleep(0)


def waiting(budget: Budget, tokens: int) -> asyncio.Task[None]:
    return asyncio.ensure_future(budget.reserve(Spent(tokens)))


async def refused(budget: Budget, most: Spent) -> str:
    with pytest.raises(CallStoppedError) as caught:
        await budget.reserve(most)
    assert caught.value.remedy
    assert caught.value.exit_code == 75
    return str(caught.value)


async def test_a_request_waits_for_those_under_way_and_takes_what_they_give_back() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(80))
    second = waiting(budget, 50)
    await turns()
    assert not second.done()
    budget.settle(Spent(80), Spent(30))
    await second
    assert budget.spent == Spent(30)


async def test_who_came_first_is_served_first_even_if_a_smaller_one_would_fit() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(60))
    large, small = waiting(budget, 70), waiting(budget, 1)
    await turns()
    assert not large.done() and not small.done()
    budget.settle(Spent(60), Spent(10))
    await asyncio.gather(large, small)


async def test_the_run_stops_when_nothing_under_way_can_give_anything_back() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(80))
    both = [waiting(budget, 90), waiting(budget, 5)]
    await turns()
    budget.settle(Spent(80), Spent(70))
    results = await asyncio.gather(*both, return_exceptions=True)
    assert [str(each) for each in results] == [
        "The token limit of 100 is reached: 70 are spent, and the next request may take up to 90."
    ] * 2
    assert await refused(budget, Spent(1)) == str(results[0])  # it stays stopped
    assert budget.spent == Spent(70)


async def test_a_limit_too_small_for_one_request_stops_before_it_is_sent() -> None:
    assert "may take up to 50" in await refused(Budget(Limits(tokens=49)), Spent(50))
    said = await refused(Budget(Limits(cost=0.01)), Spent(cost=0.0125))
    assert said.startswith("The cost limit of $0.010 is reached: $0.00 are spent") and "$0.013" in said


async def test_what_earlier_sessions_spent_counts() -> None:
    budget = Budget(Limits(tokens=100, cost=1))
    budget.take_up(Spent(90, 0.5), Spent(5))
    await budget.reserve(Spent(5, 0.5))
    budget.settle(Spent(5, 0.5), Spent(5, 0.5))
    assert budget.spent == Spent(100, 1.0)
    said = await refused(budget, Spent(1))
    assert "100 are spent (5 of them put down for lost requests), and" in said


async def test_what_a_lost_request_took_is_not_known_and_counts_in_full() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(60))
    budget.settle(Spent(60), None)
    assert budget.spent == Spent(60)
    assert "60 are spent (60 of them put down for lost requests), and" in await refused(budget, Spent(41))


async def test_a_request_that_takes_more_than_it_reserved_is_charged_in_full() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(60))
    budget.settle(Spent(60), Spent(99))
    assert "99 are spent" in await refused(budget, Spent(2))


async def test_after_its_time_a_session_sends_nothing_and_keeps_what_is_under_way() -> None:
    now = 0.0
    budget = Budget(Limits(time=60, tokens=100), clock=lambda: now)
    await budget.reserve(Spent(90))
    behind = waiting(budget, 90)
    await turns()
    now = 60.0
    assert "time limit of 60 s" in await refused(budget, Spent())
    budget.settle(Spent(90), Spent(10))
    with pytest.raises(CallStoppedError, match="time limit"):
        await behind
    assert budget.spent == Spent(10)


async def test_who_gives_up_waiting_lets_the_next_one_pass() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(60))
    large, small = waiting(budget, 70), waiting(budget, 40)
    await turns()
    large.cancel()
    await small
    assert large.cancelled()


async def test_a_turn_that_comes_in_the_moment_of_giving_up_is_passed_on() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(100))
    first, second = waiting(budget, 100), waiting(budget, 100)
    await turns()
    budget.settle(Spent(100), Spent())
    first.cancel()  # it has its turn, but has not run since
    await second
    assert first.cancelled() and budget.spent == Spent()


async def test_giving_up_after_the_stop_leaves_no_error_behind() -> None:
    budget = Budget(Limits(tokens=100))
    await budget.reserve(Spent(100))
    only = waiting(budget, 50)
    await turns()
    budget.settle(Spent(100), Spent(100))
    only.cancel()
    with pytest.raises(asyncio.CancelledError):
        await only


REQUESTS = st.lists(
    st.tuples(
        st.integers(0, 60),  # tokens at most
        st.integers(0, 100),  # per cent of them that it takes
        st.sampled_from(["answered", "answered", "lost", "cancelled", "cancelled while waiting"]),
    ),
    max_size=40,
)


@given(REQUESTS, st.integers(1, 200), st.integers(1, 12), st.randoms(use_true_random=False))
def test_no_interleaving_spends_more_than_the_limit_and_everyone_ends(
    requests: list[tuple[int, int, str]], limit: int, at_once: int, chance: random.Random
) -> None:
    limits = Limits(tokens=limit, cost=limit / 1000)
    budget, sums, ends = Budget(limits), [0, 0.0], []

    async def request(tokens: int, share: int, fate: str) -> None:
        most = Spent(tokens, tokens / 1000)
        took = Spent(tokens * share // 100, tokens * share / 100_000)
        await budget.reserve(most)
        known: Spent | None = Spent() if fate == "cancelled" else None
        try:
            for _ in range(chance.randrange(4)):
                await asyncio.sleep(0)
            if fate == "cancelled":
                raise asyncio.CancelledError
            known = took if fate == "answered" else None
        finally:
            budget.settle(most, known)
            if fate != "cancelled":
                real = took if fate == "answered" else most
                sums[0] += real.tokens
                sums[1] += real.cost
        ends.append(fate)

    async def worker(mine: list[tuple[int, int, str]]) -> None:
        for tokens, share, fate in mine:
            task = asyncio.ensure_future(request(tokens, share, fate))
            await asyncio.sleep(0)
            if fate == "cancelled while waiting" and chance.random() < 0.7:
                task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def all_of_them() -> None:
        shares = [requests[first::at_once] for first in range(at_once)]
        await asyncio.wait_for(asyncio.gather(*map(worker, shares)), timeout=30)

    asyncio.run(all_of_them())
    assert sums[0] <= limit
    assert sums[1] <= limit / 1000 * (1 + 1e-9)
    assert budget.spent.tokens == sums[0]
    assert budget.spent.cost == pytest.approx(sums[1])
