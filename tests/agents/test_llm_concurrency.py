"""The number of connections settles near what a server can do, in simulated time; and how it gets there."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from statistics import mean
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated import Server, load, simulate

from agents.llm.concurrency import CUT, FEWEST, GROWN, Concurrency, Level
from agents.llm.flow import Flow
from schemas.machine import ConnectionBounds


class Observed:
    """What a load did: the limit at every second, what was told, and how long it took."""

    def __init__(self) -> None:
        self.limits: list[int] = []
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.seconds = 0.0

    @property
    def settled(self) -> float:
        """The limit on average, over the second half."""
        return mean(self.limits[len(self.limits) // 2 :])


def observe(
    server: Server,
    requests: int = 4000,
    bounds: tuple[int, int, int] = (1, 8, 200),
    at_a_time: int = 400,
    meanwhile: Callable[[float], None] = lambda now: None,
) -> Observed:
    seen = Observed()

    async def main() -> None:
        flow = Flow(
            "model",
            ConnectionBounds(*bounds),
            listener=lambda message, data: seen.told.append((message, dict(data))),
            draw=random.Random(1).random,
        )
        loop = asyncio.get_running_loop()

        async def watch() -> None:
            while True:
                seen.limits.append(flow.limit)
                assert bounds[0] <= flow.limit <= bounds[2]
                meanwhile(loop.time())
                await asyncio.sleep(1)

        watching = asyncio.create_task(watch())
        await load(flow, server, requests, at_a_time)
        watching.cancel()
        seen.seconds = loop.time()
        assert flow.in_use == 0 and server.served == requests and server.highest <= bounds[2]

    simulate(main())
    return seen


# --- servers that never say 429 ---


@pytest.mark.parametrize("capacity", [1, 4, 20, 60])
def test_a_server_that_only_gets_slower_is_not_overrun(capacity: int) -> None:
    server = Server(capacity)
    seen = observe(server)
    assert 0.7 * capacity <= seen.settled <= 2 * capacity, seen.settled
    best = capacity / (server.seconds + server.seconds_a_token * 110)
    assert server.served / seen.seconds > 0.85 * best
    assert any("no more throughput" in message for message, _ in seen.told)


def test_a_server_that_batches_is_used_though_each_answer_takes_longer() -> None:
    seen = observe(Server(60, batching=0.4))
    assert 0.7 * 60 <= seen.settled <= 2 * 60


def test_a_server_with_room_is_given_all_that_is_allowed() -> None:
    seen = observe(Server(1000))
    assert seen.settled == 200
    doublings = [(data["old"], data["new"]) for _, data in seen.told]
    assert doublings == [(8, 16), (16, 32), (32, 64), (64, 128), (128, 200)]


@pytest.mark.parametrize("cost", [(3.0, 0.0), (0.0, 0.03), (1.0, 0.02)])
@pytest.mark.parametrize(
    "lengths",
    [
        lambda draw, number: draw.choice([10, 1000]),
        lambda draw, number: (20, 400, 100, 800)[number // 100 % 4],  # all documents in the same step
        lambda draw, number: 20 + number // 4,  # longer and longer
        lambda draw, number: max(20, 800 - number // 2),  # shorter and shorter
    ],
)
def test_answers_of_other_lengths_do_not_look_like_a_slow_server(
    cost: tuple[float, float], lengths: Callable[[random.Random, int], int]
) -> None:
    server = Server(1000, seconds=cost[0], seconds_a_token=cost[1], lengths=lengths)
    seen = observe(server, bounds=(1, 8, 64), requests=1500)
    assert seen.limits[-1] == 64
    assert [data["cause"] for _, data in seen.told] == [GROWN] * 3


def test_a_server_that_becomes_slower_whatever_it_has_to_do_keeps_its_connections() -> None:
    server = Server(1000)

    def slow_down(now: float) -> None:
        server.slower = 3.0 if now > 100 else 1.0

    seen = observe(server, bounds=(1, 8, 64), meanwhile=slow_down)
    assert seen.limits[-1] == 64 and mean(seen.limits[100:]) > 58  # tried lower once, and came back


def test_a_server_that_loses_capacity_is_left_room() -> None:
    server = Server(64)

    def shrink(now: float) -> None:
        server.capacity = 12 if now > 150 else 64

    assert observe(server, bounds=(1, 8, 64), meanwhile=shrink).limits[-1] <= 30


# --- servers that say so ---


@pytest.mark.parametrize("retry_after", [None, 2.0])
@pytest.mark.parametrize("capacity", [5, 40, 90])
def test_a_server_that_refuses_above_its_capacity_is_seldom_asked_for_more(
    capacity: int, retry_after: float | None
) -> None:
    server = Server(capacity, refuses=True, retry_after=retry_after)
    seen = observe(server, 3000)
    assert 0.75 * capacity <= seen.settled <= 1.1 * capacity
    assert server.refused < 0.05 * server.served
    assert server.served / seen.seconds > 0.75 * capacity / (server.seconds + server.seconds_a_token * 110)


@pytest.mark.parametrize("retry_after", [None, 1.0])
def test_refusals_by_chance_do_not_hold_everybody_up(retry_after: float | None) -> None:
    server = Server(1000, refuses_by_chance=0.05, retry_after=retry_after)
    seen = observe(server, 4000, bounds=(4, 16, 32))
    assert seen.settled == 32
    assert any("whatever the connections" in message for message, _ in seen.told)
    undisturbed = observe(Server(1000), 4000, bounds=(4, 16, 32))
    assert seen.seconds < 1.3 * undisturbed.seconds


def test_what_few_documents_cannot_use_is_not_given() -> None:
    assert observe(Server(1000), requests=400, at_a_time=5).settled == 8


def test_a_fixed_number_stays_fixed() -> None:
    seen = observe(Server(5, refuses=True), requests=300, bounds=(8, 8, 8))
    assert set(seen.limits) == {8}
    assert all("connections" not in message for message, _ in seen.told)


# --- step by step ---


def answer(limits: Concurrency, seconds: float = 1.0, tokens: int = 100, used: int | None = None) -> None:
    for _ in range(max(limits.limit, FEWEST)):
        limits.answered(limits.changes, seconds, tokens, limits.limit if used is None else used)


def test_the_limit_is_cut_once_a_round_trip() -> None:
    limits = Concurrency(ConnectionBounds(1, 100, 200))
    sent = limits.changes
    changes = [limits.refused(sent, "429") for _ in range(30)]
    assert changes[0] == (100, int(100 * CUT), "429", False) and set(changes[1:]) == {None}
    assert limits.refused(limits.changes, "429") == (80, 64, "429", False)


def test_growth_is_gentle_after_a_cut_and_needs_the_slots_to_be_used() -> None:
    limits = Concurrency(ConnectionBounds(1, 100, 200))
    limits.refused(0, "429")
    answer(limits, used=60)
    assert limits.limit == 80
    grown = []
    for _ in range(4):
        answer(limits)
        grown.append(limits.limit)
    assert grown == [84, 88, 92, 96]
    small = Concurrency(ConnectionBounds(1, 4, 200))
    small.refused(0, "429")
    answer(small)
    assert small.limit == 4  # 3, and at least one more


def test_answers_to_requests_from_before_a_change_say_nothing_about_it() -> None:
    limits = Concurrency(ConnectionBounds(1, 16, 200))
    for _ in range(16):
        limits.answered(0, 1.0, 100, 16)
    assert (limits.limit, limits.changes) == (32, 1)
    for _ in range(200):
        limits.answered(0, 60.0, 100, 32)
    assert limits.limit == 32


@given(
    st.floats(0, 100),
    st.floats(0, 1),
    st.floats(1, 1e4),
    st.floats(1, 1e4),
    st.floats(0.1, 20),
    st.floats(1, 99),
)
def test_the_slowdown_is_never_overestimated(
    a: float, b: float, here: float, there: float, slower: float, used: float
) -> None:
    one, other = (a + b * tokens + 1e-3 for tokens in (here, there))
    told = Level(used, slower * one, here).slowdown(Level(used, other, there))
    assert told <= slower * (1 + 1e-9)


EVENTS = st.lists(
    st.tuples(st.sampled_from(["answer", "refuse", "old refusal"]), st.floats(0, 100), st.integers(0, 5000)),
    max_size=400,
)


@given(EVENTS, st.tuples(st.integers(1, 20), st.integers(1, 20), st.integers(1, 20)).map(sorted))
@settings(max_examples=200, deadline=None)
def test_the_limit_stays_between_its_bounds(events: list[tuple[str, float, int]], bounds: list[int]) -> None:
    limits = Concurrency(ConnectionBounds(*bounds))
    for kind, seconds, tokens in events:
        before = limits.limit
        if kind == "answer":
            change = limits.answered(limits.changes, seconds, tokens, limits.limit)
        else:
            change = limits.refused(limits.changes - (kind == "old refusal"), "429")
        assert bounds[0] <= limits.limit <= bounds[2]
        assert (before, limits.limit) == (change[:2] if change else (before, before))
