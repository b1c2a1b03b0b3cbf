"""The one writer of a run: what is queued is written in short transactions, many writes in each.

Whoever queues a write goes on at once, or waits until it is committed. What is queued within two
milliseconds is committed in one transaction (group commit).

The commit is made in the event loop's own thread, which is unusual and was measured: a commit is some
hundred microseconds of computing, and waits for no disk (docs/adr/0002). In a thread of its own it would
need the interpreter lock back after each statement, and while the loop is busy that takes 5 ms each time.
What does take long, or waits for a disk, is done by `graph.store.upkeep`.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.store.batch import Batch
from graph.store.connection import BUSY_TIMEOUT, explain_stop, is_busy
from graph.store.redaction import Redactor
from schemas.errors import StoreError

Operation = Callable[[Batch], None]
"""Adds the rows of one write to the batch. May be run twice."""

_LARGEST_GROUP: Final = 200
"""Writes in one transaction: some milliseconds, for which the event loop stands still."""
_GROUPING_PAUSE: Final = 0.002
"""Seconds in which writes gather for one transaction. Whoever waits for it holds no connection to a model."""
_BUSY_PAUSE: Final = 0.002
"""Seconds until the next try while another connection writes."""


@dataclass(slots=True)
class _Write:
    operation: Operation | None  # None: nothing to write, only to be told
    future: asyncio.Future[None] | Future[None] | None = None
    committed: Callable[[], object] | None = None


class Writer:
    """Owns the writing connection until `close`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, redact: Redactor) -> None:
        self._connection = connection
        self._path = path
        self._batch = Batch(connection, redact)
        self._queue: deque[_Write] = deque()
        self._turn = threading.Lock()
        self._scheduled: asyncio.AbstractEventLoop | None = None
        self._busy_since: float | None = None
        self._failure: StoreError | None = None
        self._closed = False

    def put(self, operation: Operation, committed: Callable[[], object] | None = None) -> None:
        """Queue a write; `committed` is called once it is.

        Outside an event loop it is written at once.

        Raises:
            StoreError: An earlier write failed, or the store is closed.
        """
        self._enqueue(_Write(operation, committed=committed))
        try:
            self._schedule(asyncio.get_running_loop())
        except RuntimeError:
            self._commit_group()

    async def settle(self, operation: Operation | None = None) -> None:
        """Queue a write and wait until it, and all queued before it, are committed.

        Raises:
            StoreError: It could not be written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        self._enqueue(_Write(operation, future))
        self._schedule(loop)
        await future

    def settle_now(self, operation: Operation | None = None) -> None:
        """The same without an event loop; blocks."""
        future: Future[None] = Future()
        self._enqueue(_Write(operation, future))
        while not future.done():
            if not self._commit_group():
                time.sleep(_BUSY_PAUSE)
        future.result()

    def close(self) -> None:
        """Write what is queued and close the connection.

        Raises:
            StoreError: Something could not be written, now or earlier.
        """
        if not self._closed:
            self._closed = True
            while self._queue:
                if not self._commit_group():
                    time.sleep(_BUSY_PAUSE)
            self._connection.close()
        if self._failure is not None:
            raise _copy(self._failure)

    def _enqueue(self, write: _Write) -> None:
        if self._failure is not None:
            raise _copy(self._failure)
        if self._closed:
            raise StoreError(f"{self._path} is closed.", "Open the run again.")
        self._queue.append(write)

    def _schedule(self, loop: asyncio.AbstractEventLoop) -> None:
        # A loop that ended may have left its turn untaken.
        if self._scheduled is not loop:
            self._scheduled = loop
            loop.call_later(_GROUPING_PAUSE, self._take_turn, loop)

    def _take_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        went_on = self._commit_group()
        if not self._queue:
            self._scheduled = None
        elif went_on:
            loop.call_soon(self._take_turn, loop)
        else:
            loop.call_later(_BUSY_PAUSE, self._take_turn, loop)

    def _commit_group(self) -> bool:
        """Write the next group; False if another connection keeps it from that for now."""
        with self._turn:
            group = [self._queue.popleft() for _ in range(min(len(self._queue), _LARGEST_GROUP))]
            if not group:
                return True
            fault = None if self._failure is not None else self._transact(group)
            if fault is not None and is_busy(fault) and self._may_wait():
                self._queue.extendleft(reversed(group))
                return False
            self._busy_since = None
            self._tell(group, fault)
            return True

    def _may_wait(self) -> bool:
        now = time.monotonic()
        self._busy_since = self._busy_since or now
        return now - self._busy_since < BUSY_TIMEOUT

    def _tell(self, group: Sequence[_Write], fault: Exception | None) -> None:
        """Acknowledge a group, or find out which of its writes is at fault."""
        if fault is not None and not isinstance(fault, sqlite3.OperationalError) and len(group) > 1:
            # One write contradicts the database. It alone shall fail, so each gets its own transaction.
            for write in group:
                self._tell([write], None if self._failure is not None else self._transact([write]))
            return
        error = self._failure
        if error is None and fault is not None:
            error = self._explained(fault)
            if isinstance(fault, sqlite3.OperationalError) or group[0].future is None:
                self._failure = error  # nobody would hear of it otherwise
        here = _running_loop()
        for write in group:
            if error is None and write.committed is not None:
                write.committed()
            if write.future is not None:
                _resolve(write.future, error, here)

    def _explained(self, fault: Exception) -> StoreError:
        if isinstance(fault, sqlite3.Error):
            error = explain_stop(fault, self._path)
        else:
            error = StoreError(f"{self._path}: {fault!r}.", "Report this; the run can be resumed.")
        error.__cause__ = fault
        return error

    def _transact(self, group: Sequence[_Write]) -> Exception | None:
        operations = [write.operation for write in group if write.operation is not None]
        if not operations:
            return None
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for operation in operations:
                operation(self._batch)
            self._batch.write()
            self._connection.execute("COMMIT")
        except Exception as fault:
            self._batch.forget()
            if self._connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            return fault
        return None


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _resolve(
    future: asyncio.Future[None] | Future[None],
    error: StoreError | None,
    here: asyncio.AbstractEventLoop | None,
) -> None:
    if isinstance(future, Future) or (loop := future.get_loop()) is here:
        _set(future, error)
    else:
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_set, future, error)


def _set(future: asyncio.Future[None] | Future[None], error: StoreError | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(_copy(error))


def _copy(error: StoreError) -> StoreError:
    """An exception of its own for each who waits, since a traceback belongs to one."""
    copy = type(error)(str(error), error.remedy)
    copy.__cause__ = error.__cause__
    return copy
