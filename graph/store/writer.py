"""The one writer of a run: a thread that gathers what is queued into short transactions.

Whoever queues a write goes on at once, or waits until it is committed. One commit serves all that was
queued while the one before it ran (group commit), so waiting costs about a millisecond under load.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.store.batch import Batch
from graph.store.connection import explain
from graph.store.redaction import Redactor
from schemas.errors import StoreError

Operation = Callable[[Batch], None]
"""Adds the rows of one write to the batch. Runs in the writer's thread; may be run twice."""

_LARGEST_GROUP: Final = 1000
_IDLE: Final = 0.05
"""Seconds without a write after which texts are indexed for search."""
_INDEX_SLICE: Final = 256
"""Texts indexed in one transaction; bounds how long a write can wait for it."""


@dataclass(slots=True)
class _Write:
    operation: Operation | None  # None: nothing to write, only to be told
    asynchronous: asyncio.Future[None] | None = None
    blocking: Future[None] | None = None
    committed: Callable[[], object] | None = None

    @property
    def awaited(self) -> bool:
        """Whether somebody hears of a failure."""
        return self.asynchronous is not None or self.blocking is not None


class Writer:
    """Owns the writing connection from `start` to `close`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, redact: Redactor) -> None:
        self._connection = connection
        self._path = path
        self._batch = Batch(connection, redact)
        self._queue: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._failure: StoreError | None = None
        self._closed = False
        self._entrance = threading.Lock()
        self._unindexed = True
        # A daemon: a program that dies of an exception must not hang on a store it never closed.
        self._thread = threading.Thread(target=self._run, name=f"store {path.parent.name}", daemon=True)
        self._thread.start()

    def put(self, operation: Operation, committed: Callable[[], object] | None = None) -> None:
        """Queue a write; `committed` is called in the writer's thread once it is.

        Raises:
            StoreError: An earlier write failed, or the store is closed.
        """
        self._enqueue(_Write(operation, committed=committed))

    async def settle(self, operation: Operation | None = None) -> None:
        """Queue a write and wait until it, and all queued before it, are committed.

        Raises:
            StoreError: It could not be written.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._enqueue(_Write(operation, asynchronous=future))
        await future

    def settle_now(self, operation: Operation | None = None) -> None:
        """The same for callers without an event loop; blocks."""
        future: Future[None] = Future()
        self._enqueue(_Write(operation, blocking=future))
        future.result()

    def close(self) -> None:
        """Write what is queued, index it for search, and close the connection.

        Raises:
            StoreError: Something could not be written, now or earlier.
        """
        with self._entrance:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        if self._failure is not None:
            raise _copy(self._failure)

    def _enqueue(self, write: _Write) -> None:
        with self._entrance:  # nothing may be queued behind the end
            if self._failure is not None:
                raise _copy(self._failure)
            if self._closed:
                raise StoreError(f"{self._path} is closed.", "Open the run again.")
            self._queue.put(write)

    # --- in the thread ---

    def _run(self) -> None:
        try:
            open_for_more = True
            while open_for_more:
                group, open_for_more = self._gather()
                if group:
                    self._commit(group)
                elif open_for_more:
                    self._index_slice()
            while self._failure is None and self._unindexed:
                self._index_slice()
            if self._failure is None:
                with contextlib.suppress(sqlite3.Error):  # readers may hold the log; it is read all the same
                    self._connection.execute("PRAGMA optimize")
                    self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._connection.close()

    def _gather(self) -> tuple[list[_Write], bool]:
        """Everything queued, at least one; nothing after a while without writes if texts wait."""
        group: list[_Write] = []
        try:
            first = self._queue.get(timeout=_IDLE if self._unindexed and self._failure is None else None)
            while first is not None:
                group.append(first)
                if len(group) == _LARGEST_GROUP:
                    return group, True
                first = self._queue.get_nowait()
        except queue.Empty:
            return group, True
        return group, False

    def _commit(self, group: Sequence[_Write]) -> None:
        error = self._failure
        if error is None:
            fault = self._transact(group)
            self._unindexed = self._unindexed or fault is None
            if fault is not None and not isinstance(fault, sqlite3.OperationalError) and len(group) > 1:
                # One write contradicts the database. It alone shall fail, so each gets its own transaction.
                for write in group:
                    self._commit([write])
                return
            if fault is not None:
                error = self._explained(fault)
                if isinstance(fault, sqlite3.OperationalError) or not group[0].awaited:
                    self._failure = error  # nobody would hear of it otherwise
        _acknowledge(group, error)

    def _explained(self, fault: Exception) -> StoreError:
        if isinstance(fault, sqlite3.Error):
            error = explain(fault, self._path)
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
        except Exception as error:
            self._batch.forget()
            if self._connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            return error
        return None

    def _index_slice(self) -> None:
        """Bring the next texts into the search index. Ids only grow, so the last indexed one is the mark."""
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            indexed = self._connection.execute(
                "INSERT INTO texts_fts (rowid, text) SELECT id, text FROM texts"
                " WHERE id > (SELECT coalesce(max(id), 0) FROM texts_fts_docsize) ORDER BY id LIMIT ?",
                (_INDEX_SLICE,),
            ).rowcount
            self._connection.execute("COMMIT")
            self._unindexed = indexed == _INDEX_SLICE
        except sqlite3.Error as error:
            if self._connection.in_transaction:
                with contextlib.suppress(sqlite3.Error):
                    self._connection.execute("ROLLBACK")
            self._failure = explain(error, self._path)


def _acknowledge(group: Sequence[_Write], error: StoreError | None) -> None:
    by_loop: dict[asyncio.AbstractEventLoop, list[asyncio.Future[None]]] = {}
    for write in group:
        if write.committed is not None and error is None:
            write.committed()
        if write.blocking is not None:
            if error is None:
                write.blocking.set_result(None)
            else:
                write.blocking.set_exception(_copy(error))
        elif write.asynchronous is not None:
            by_loop.setdefault(write.asynchronous.get_loop(), []).append(write.asynchronous)
    for loop, futures in by_loop.items():
        with contextlib.suppress(RuntimeError):  # the loop ended meanwhile: nobody waits any more
            loop.call_soon_threadsafe(_resolve, futures, error)


def _resolve(futures: Sequence[asyncio.Future[None]], error: StoreError | None) -> None:
    for future in futures:
        if future.done():
            continue
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(_copy(error))


def _copy(error: StoreError) -> StoreError:
    """An exception of its own for each who waits, since a traceback belongs to one."""
    copy = StoreError(str(error), error.remedy)
    copy.__cause__ = error.__cause__
    return copy
