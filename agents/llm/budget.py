"""Hard limits on what a run spends: every request is paid for before it is sent.

A request is sent only when the most it can take is still there, beside all that is under way; what it did
not take is given back when it has ended. So no number of requests at the same time can spend more than the
limit, as long as none takes more than it reserved.

All of it runs in one event loop and takes constant time a request: those that must wait stand in a queue,
and whoever gives something back serves it from the front.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from agents.llm.client import CallStoppedError
from agents.llm.prices import usd
from schemas.limits import Limits

_ENDLESS = 2**63
_REMEDY = "What is finished is kept: {how}run the command again to go on."


class Spent(NamedTuple):
    """What requests took, or may take at most."""

    tokens: int = 0
    """Of prompts and answers."""
    cost: float = 0.0
    """USD."""


_NOTHING = Spent()


class Budget:
    """What a run may still spend."""

    def __init__(self, limits: Limits, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin a session; its time runs from now.

        Args:
            limits: Of the run; what is None is not limited.
            clock: Seconds.
        """
        self._limits = limits
        self._most = Spent(limits.tokens or _ENDLESS, limits.cost or math.inf)
        self._clock = clock
        self._ends = clock() + limits.time if limits.time is not None else math.inf
        self._spent = _NOTHING
        self._assumed = _NOTHING
        self._held = _NOTHING
        self._under_way = 0
        self._waiting: deque[tuple[Spent, asyncio.Future[None]]] = deque()
        self._stop: tuple[str, str] | None = None

    def take_up(self, known: Spent, assumed: Spent) -> None:
        """Count what earlier sessions of the run spent.

        Args:
            known: What their requests took.
            assumed: What is put down for requests of which nobody knows.
        """
        self._assumed = assumed
        self._spent = _sum(known, assumed)

    @property
    def spent(self) -> Spent:
        """What has been spent, or is put down for lost requests; earlier sessions included."""
        return self._spent

    @property
    def limits_amounts(self) -> bool:
        """Whether it matters how much a request takes; false where only the time is limited."""
        return self._limits.tokens is not None or self._limits.cost is not None

    async def reserve(self, most: Spent) -> None:
        """Return when a request that takes so much at most may be sent; `settle` it when it has ended.

        Raises:
            CallStoppedError: The limit is reached: what is left does not hold the request, and nothing is
                under way that could give something back. From then on no request may be sent.
        """
        self._refuse_if_stopped()
        if not self._waiting and self._fits(most):
            self._take(most)
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((most, turn))
        self._serve()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.settle(most, _NOTHING)  # its turn came in the very moment in which it was given up
            else:
                self._serve()  # who stood behind it may fit
            raise

    def settle(self, most: Spent, took: Spent | None) -> None:
        """Note that a request has ended.

        Args:
            most: What was reserved for it.
            took: What it really took; None if that is not known, and all of it counts as spent.
        """
        self._under_way -= 1
        held = self._held
        # Sums of fractions drift; when nothing is held, that is known exactly.
        self._held = Spent(held.tokens - most.tokens, held.cost - most.cost) if self._under_way else _NOTHING
        if took is None:
            self._assumed = _sum(self._assumed, most)
        self._spent = _sum(self._spent, most if took is None else took)
        self._serve()

    def _fits(self, most: Spent) -> bool:
        spent, held, limit = self._spent, self._held, self._most
        return (
            spent.tokens + held.tokens + most.tokens <= limit.tokens
            and spent.cost + held.cost + most.cost <= limit.cost
        )

    def _take(self, most: Spent) -> None:
        self._under_way += 1
        self._held = _sum(self._held, most)

    def _serve(self) -> None:
        """Let those in front of the queue go as far as what is left reaches, or send all of them home."""
        while self._waiting:
            most, turn = self._waiting[0]
            if turn.done():  # given up
                self._waiting.popleft()
            elif self._stop is not None or self._is_over():
                self._waiting.popleft()
                turn.set_exception(self._stopped())
            elif self._fits(most):
                self._waiting.popleft()
                self._take(most)
                turn.set_result(None)
            elif self._under_way:
                return
            else:
                self._stop = self._used_up(most)

    def _refuse_if_stopped(self) -> None:
        if self._stop is not None or self._is_over():
            raise self._stopped()

    def _is_over(self) -> bool:
        if self._clock() < self._ends:
            return False
        self._stop = self._stop or (
            f"The time limit of {self._limits.time:g} s is reached.",
            _REMEDY.format(how=""),  # the next session has as much time again
        )
        return True

    def _stopped(self) -> CallStoppedError:
        message, remedy = self._stop or ("", "")
        return CallStoppedError(message, remedy)

    def _used_up(self, most: Spent) -> tuple[str, str]:
        limits, spent, assumed = self._limits, self._spent, self._assumed
        if spent.tokens + most.tokens > self._most.tokens:
            kind, flag, limit = "token", "--token-limit", f"{limits.tokens:,}"
            lost = f" ({assumed.tokens:,} of them put down for lost requests)" if assumed.tokens else ""
            left = f"{spent.tokens:,} are spent{lost}, and the next request may take up to {most.tokens:,}"
        else:
            kind, flag, limit = "cost", "--cost-limit", usd(limits.cost or 0.0)
            lost = f" ({usd(assumed.cost)} of them put down for lost requests)" if assumed.cost else ""
            left = f"{usd(spent.cost)} are spent{lost}, and the next request may cost up to {usd(most.cost)}"
        return f"The {kind} limit of {limit} is reached: {left}.", _REMEDY.format(how=f"raise {flag} and ")


def _sum(one: Spent, other: Spent) -> Spent:
    return Spent(one.tokens + other.tokens, one.cost + other.cost)
