"""The flow of requests to one model: how many at a time, when to pause, when to repeat, when to give up.

All clients of a model at one address share a `Flow`. A request enters it, is sent, and leaves it. What came
of it is told to the flow, which adapts the limit, pauses everybody when the server asks for it, and stops the
run when nothing is answered any more. `Repetition` is one request's memory of its setbacks.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping

from agents.llm.client import CallFailedError, CallStoppedError
from agents.llm.concurrency import GROWN, Change, Concurrency
from agents.llm.setbacks import Kind, Setback
from agents.llm.slots import Slots
from schemas.machine import ConnectionBounds

Listener = Callable[[str, Mapping[str, object]], None]
"""Told what happens to the connections: a sentence, and its numbers."""

FIRST_DELAY, LONGEST_DELAY = 0.5, 60.0
"""Seconds; the longest a first repetition waits, and any."""

LONGEST_PAUSE = 600.0
"""Seconds a server may ask to be left alone, or a request may be refused for, before it is given up."""

GIVEN_UP = 3
"""Requests given up in a row, with none answered in between, after which the run stops."""

TOLD_GROWTH = 1.25
"""Growth of the limit that is worth telling, after slow start."""


class Flow:
    """Requests to one model; belongs to one event loop."""

    def __init__(
        self,
        label: str,
        bounds: ConnectionBounds,
        *,
        retries: int = 5,
        listener: Listener | None = None,
        on_growth: Callable[[], None] | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        """Describe a flow.

        Args:
            label: The model, for messages.
            bounds: Of the number of requests at the same time.
            retries: Most repetitions of a request after failures; 0: nothing is repeated.
            listener: Told about pauses, the stop, and changes of the limit, but for single small steps up.
            on_growth: Called each time the limit has grown.
            draw: Random numbers between 0 and 1.
        """
        self.retries = retries
        self.answers = 0
        """Requests that were answered in any way; a refusal for having too much to do is no answer."""
        self.draw = draw
        self._label = label
        self._listener = listener
        self._on_growth = on_growth
        self._concurrency = Concurrency(bounds)
        self._slots = Slots(bounds.start)
        self._stop: tuple[str, str] | None = None
        self._given_up = 0
        self._refusals = 0
        self._fruitless = 0
        self._answers_before = -1
        self._told_limit = bounds.start
        self._told_at = (0, 0)
        self._paused_until = 0.0
        self._hindrance: tuple[float, str] | None = None

    @property
    def limit(self) -> int:
        """Requests at the same time, at present."""
        return self._concurrency.limit

    @property
    def in_use(self) -> int:
        """Requests under way."""
        return self._slots.in_use

    @property
    def stopped(self) -> bool:
        """Whether no request is let in any more."""
        return self._stop is not None

    @property
    def paused(self) -> bool:
        """Whether nobody sends for a while."""
        return asyncio.get_running_loop().time() < self._paused_until

    @property
    def silence(self) -> tuple[float, str] | None:
        """Seconds since the first setback after the last answer, and the cause of the last; else None."""
        if self._hindrance is None:
            return None
        since, cause = self._hindrance
        return asyncio.get_running_loop().time() - since, cause

    async def enter(self, *, again: bool = False) -> int:
        """Wait until a request may be sent; it must `leave` afterwards.

        Args:
            again: It is a repetition, and goes before those that were not sent yet.

        Returns:
            A ticket to report by.

        Raises:
            CallStoppedError: The run has to stop.
        """
        if not await self._slots.take(first=again):
            raise self.why_stopped()
        return self._concurrency.changes

    def leave(self) -> None:
        """Make room for the next."""
        self._slots.give_back()

    def answered(self, ticket: int, seconds: float, tokens: int) -> None:
        """Take note of an answer, while its request is still in.

        Args:
            ticket: Of its request.
            seconds: From sending to the whole answer.
            tokens: Length of the answer.
        """
        self.declined()
        change = self._concurrency.answered(ticket, seconds, tokens, self._slots.in_use)
        if change is not None:
            self._changed(change)

    def declined(self) -> None:
        """Take note that the server is there, though it did not do what it was asked."""
        self.answers += 1
        self._given_up = 0
        self._hindrance = None

    def hindered(self, ticket: int, setback: Setback) -> None:
        """Take note of a setback, while its request is still in: cut the limit, pause."""
        since = self._hindrance[0] if self._hindrance else asyncio.get_running_loop().time()
        self._hindrance = since, setback.cause
        if not setback.overload:
            return
        self._refusals += 1
        change = self._concurrency.refused(ticket, setback.cause)
        # One of many answers may be a refusal by chance; then it alone has to wait as long as it was told.
        if setback.wait is not None and self._concurrency.refusing:
            self._pause(setback.wait, f"{setback.cause}, Retry-After")
        if change is None:
            return
        self._changed(change)
        # Where fewer requests at a time do not help, fewer in a time may: the quota of a minute is used up.
        self._fruitless = self._fruitless + 1 if self.answers == self._answers_before else 0
        self._answers_before = self.answers
        if self._fruitless and setback.kind is Kind.WAIT and setback.wait is None:
            self._pause(min(LONGEST_DELAY, 2.0 ** (self._fruitless - 1)), f"{setback.cause} again and again")

    def give_up(self, setback: Setback, reason: CallFailedError, answers_before: int) -> None:
        """Take note of a request that is not repeated any more.

        The run stops if no server was reached, or if several requests in a row were given up, and nothing was
        answered meanwhile; else it is that request's own failure.

        Args:
            setback: Its last one.
            reason: What is to be said of it.
            answers_before: `answers` at its first setback.
        """
        if self.answers != answers_before:
            return
        self._given_up += 1
        if setback.kind is Kind.DOWN or self._given_up >= GIVEN_UP:
            self.stop(f"{str(reason).rstrip('.')}. Nothing else was answered meanwhile.", reason.remedy)

    def too_long(self, setback: Setback) -> None:
        """Stop, as a server asks for a longer pause than a run should wait."""
        minutes = (setback.wait or 0) / 60
        self.stop(
            f"{self._label} asks not to be called for {minutes:.0f} minutes ({setback.cause}, Retry-After).",
            "Wait, or check the quota.",
        )

    def stop(self, reason: str, remedy: str) -> None:
        """Let no request in any more; those under way are not touched."""
        if self._stop is None:
            self._stop = reason, remedy
            self._tell(f"Stopped: {reason}", {})
            self._slots.close()

    def why_stopped(self) -> CallStoppedError:
        """The error for a request that is not let in."""
        reason, remedy = self._stop or ("", "")
        return CallStoppedError(reason, f"{remedy} Then take the run up again; what is finished is kept.")

    def _pause(self, seconds: float, cause: str) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        if seconds <= 0 or end <= self._paused_until:
            return
        if seconds >= 1:
            self._tell(f"Pause of {seconds:.0f} s: {cause}.", {"seconds": round(seconds, 3), "cause": cause})
        self._paused_until = end
        self._slots.hold_back()
        loop.call_at(end, self._go_on, end)

    def _go_on(self, end: float) -> None:
        if end == self._paused_until:  # else a longer pause has begun meanwhile
            self._slots.go_on()

    def _changed(self, change: Change) -> None:
        old, new, cause, slow_start = change
        if old == new:
            return
        self._slots.resize(new)
        if new > old and self._on_growth is not None:
            self._on_growth()
        grown = cause == GROWN and not slow_start
        if grown and new < self._told_limit * TOLD_GROWTH:
            return
        answers, refusals = self.answers - self._told_at[0], self._refusals - self._told_at[1]
        self._tell(
            f"{self._told_limit if grown else old} -> {new} connections: {cause}.",
            {"old": old, "new": new, "cause": cause, "answers": answers, "refusals": refusals},
        )
        self._told_limit, self._told_at = new, (self.answers, self._refusals)

    def _tell(self, message: str, data: Mapping[str, object]) -> None:
        if self._listener is not None:
            self._listener(f"{self._label}: {message}", {"model": self._label, **data})


class Repetition:
    """The setbacks of one request, and whether it is sent once more."""

    def __init__(self, flow: Flow) -> None:
        self.begun = False
        """Whether the request was sent before."""
        self._flow = flow
        self._answers_before = flow.answers
        self._failures = 0
        self._refusals = 0
        self._refused_since: float | None = None

    def after(
        self, ticket: int, setback: Setback, reason: CallFailedError
    ) -> float | CallFailedError | CallStoppedError:
        """Take note of a setback, while the request is still in: what follows for others follows at once.

        Waits are drawn between 0 and a bound that doubles each time ("full jitter", Brooker 2015), so that
        requests which failed together do not return together.

        Args:
            ticket: Of the request.
            setback: What has happened to it.
            reason: What is to be said if it is not repeated.

        Returns:
            Seconds after which it may try to enter again, or why it may not.
        """
        flow = self._flow
        if not self.begun:
            self.begun, self._answers_before = True, flow.answers
        if setback.kind is Kind.FINAL:
            flow.declined()
            return reason
        if setback.kind is Kind.NO_CREDIT:
            flow.stop(str(reason), "Check the account's quota and credit.")
        elif (setback.wait or 0) > LONGEST_PAUSE:
            flow.too_long(setback)
        else:
            flow.hindered(ticket, setback)
        times = self._count(setback)
        if times is None:
            flow.give_up(setback, reason, self._answers_before)
        if flow.stopped:
            return flow.why_stopped()
        if times is None:
            return reason
        if flow.paused:
            return 0.0  # it waits at the head of the queue
        drawn = flow.draw() * min(LONGEST_DELAY, FIRST_DELAY * 2.0 ** min(times - 1, 20))
        return max(drawn, setback.wait or 0.0)

    def _count(self, setback: Setback) -> int | None:
        """How often this has happened; None if it was once too often."""
        if setback.kind is not Kind.WAIT:
            self._failures += 1
            return self._failures if self._failures <= self._flow.retries else None
        # To be told to wait is no failure: under a quota a minute, any number of times may be too few.
        now = asyncio.get_running_loop().time()
        if self._refused_since is None:
            self._refused_since = now
        self._refusals += 1
        waited = now - self._refused_since
        return self._refusals if self._flow.retries and waited < LONGEST_PAUSE else None
