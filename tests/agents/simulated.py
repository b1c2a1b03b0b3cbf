"""Simulated time: an event loop that never sleeps, and model servers that take time in it alone."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from agents.llm.flow import Flow, Repetition
from agents.llm.setbacks import Kind, Setback

T = TypeVar("T")


class _Selector(selectors.SelectSelector):
    """Instead of waiting for its files, moves the clock on."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "everything waits for something that never comes"
        self.now += max(0.0, timeout)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes at once."""

    def __init__(self) -> None:
        self._clock = _Selector()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now


def simulate(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end, in no time."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)


class Server:
    """A server with a capacity.

    Up to it, requests do not slow each other down, or little (`batching`, the power of their number by which
    they do). Above it they share it equally. With `refuses` it answers 429 at once instead; with
    `refuses_by_chance` it does so to a part of the requests, whatever it has to do.
    """

    def __init__(
        self,
        capacity: float,
        *,
        seconds: float = 1.0,
        seconds_a_token: float = 0.02,
        refuses: bool = False,
        batching: float = 0.0,
        retry_after: float | None = None,
        refuses_by_chance: float = 0.0,
        seed: int = 0,
        lengths: Callable[[random.Random, int], int] = lambda draw, _: draw.randint(20, 200),
    ) -> None:
        self.capacity = capacity
        self.seconds, self.seconds_a_token = seconds, seconds_a_token
        self.refuses, self.batching, self.retry_after = refuses, batching, retry_after
        self.lengths, self.refuses_by_chance = lengths, refuses_by_chance
        self.draw = random.Random(seed)
        self.under_way = self.served = self.refused = self.highest = 0
        self.slower = 1.0

    async def answer(self) -> int | Setback:
        """Take a request; the tokens of the answer, or what was said instead."""
        by_chance = self.draw.random() < self.refuses_by_chance
        if by_chance or (self.refuses and self.under_way >= self.capacity):
            self.refused += 1
            await asyncio.sleep(0.02)
            return Setback(Kind.WAIT, "429", overload=True, wait=self.retry_after)
        self.under_way += 1
        self.highest = max(self.highest, self.under_way)
        tokens = self.lengths(self.draw, self.served)
        work = self.seconds + self.seconds_a_token * tokens
        try:
            while work > 0:  # in small steps, as the speed depends on the others
                step = min(work, 0.5)
                await asyncio.sleep(step * self._slowdown())
                work -= step
        finally:
            self.under_way -= 1
        self.served += 1
        return tokens

    def _slowdown(self) -> float:
        batch = min(self.under_way, self.capacity) ** self.batching
        return self.slower * batch * max(1.0, self.under_way / self.capacity)


async def ask(flow: Flow, server: Server) -> None:
    """One request through a flow, repeated as long as the server refuses it."""
    repetition = Repetition(flow)
    while True:
        ticket = await flow.enter(again=repetition.begun)
        started = asyncio.get_running_loop().time()
        try:
            said = await server.answer()
            if isinstance(said, int):
                flow.answered(ticket, asyncio.get_running_loop().time() - started, said)
                return
            following = repetition.after(ticket, said, NotImplemented)
        finally:
            flow.leave()
        assert not isinstance(following, Exception), following
        await asyncio.sleep(following)


async def load(flow: Flow, server: Server, requests: int, at_a_time: int = 1000) -> None:
    """Many requests, so many of them wanting to be sent at any time."""
    left = iter(range(requests))

    async def one_after_another() -> None:
        for _ in left:
            await ask(flow, server)

    await asyncio.gather(*(one_after_another() for _ in range(at_a_time)))
