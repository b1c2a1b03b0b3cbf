"""Slots: how many requests may be under way at a time; a fair semaphore whose size may change."""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """Hands out slots in the order they are asked for; a slot that is free is handed on in constant time.

    Shrinking takes no slot away: those above the size are not handed on when they come back. Belongs to one
    event loop.
    """

    def __init__(self, size: int) -> None:
        """Make slots.

        Args:
            size: How many there are, at least 1.
        """
        self.in_use = 0
        self._size = size
        self._held_back = False
        self._closed = False
        # Their results say whether they got a slot. Cancelled ones stay until their turn and are passed over.
        self._waiters: deque[asyncio.Future[bool]] = deque()

    @property
    def size(self) -> int:
        """How many there are."""
        return self._size

    def resize(self, size: int) -> None:
        """Change how many there are; those that are new go to who waits."""
        self._size = size
        self._hand_out()

    async def take(self, *, first: bool = False) -> bool:
        """Wait for a slot; whoever took one gives it back by `give_back`, once.

        Args:
            first: Go before all who wait already: for what was let in before and is repeated.

        Returns:
            Whether there is a slot; none is given any more after `close`.
        """
        if self._closed:
            return False
        if not self._waiters and not self._held_back and self.in_use < self._size:
            self.in_use += 1
            return True
        waiter: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        if first:
            self._waiters.appendleft(waiter)
        else:
            self._waiters.append(waiter)
        self._hand_out()  # all before it may have been cancelled
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.result():
                self.give_back()  # it was handed over in the very moment of the cancellation
            raise

    def give_back(self) -> None:
        """Return a slot."""
        self.in_use -= 1
        self._hand_out()

    def hold_back(self) -> None:
        """Hand out none until `go_on`."""
        self._held_back = True

    def go_on(self) -> None:
        """Hand out slots again."""
        self._held_back = False
        self._hand_out()

    def close(self) -> None:
        """Hand out no slot ever again; whoever waits is told so. Those in use are given back as usual."""
        self._closed = True
        waiters, self._waiters = self._waiters, deque()
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(False)

    def _hand_out(self) -> None:
        waiters = self._waiters
        while waiters and self.in_use < self._size and not self._held_back:
            waiter = waiters.popleft()
            if not waiter.done():
                waiter.set_result(True)
                self.in_use += 1
