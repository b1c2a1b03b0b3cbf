"""What a run's database needs besides its rows, done in a thread beside the run.

Texts are brought into the search index, and the write-ahead log is moved into the database. Both are single
long statements, which run without the interpreter lock, on a connection of their own.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from pathlib import Path
from typing import Final

from graph.store.connection import CHECKPOINT_BYTES, connect_writer, explain_stop, is_busy

_PERIOD: Final = 0.25
"""Seconds between rounds of upkeep."""
_BEHIND: Final = 2.0
"""Seconds the search index may be behind."""
_SLICE: Final = 1024
"""Texts indexed in one transaction: some 20 ms, in which no other write can begin.

FTS5 writes a segment at each commit, with every word of it, and merges segments as they add up. So a text
costs a quarter as much among a thousand as among thirty (docs/adr/0002).
"""
_BETWEEN_SLICES: Final = 0.005
"""Seconds left to the writer between two slices."""


class Upkeep:
    """Runs from the moment it is made until `finish`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._log = path.with_name(path.name + "-wal")
        self._stop = threading.Event()
        self._connection = connect_writer(path, timeout=0.0)
        # A daemon: a program that dies of an exception must not hang on a store it never closed.
        self._thread = threading.Thread(target=self._run, name=f"upkeep {path.parent.name}", daemon=True)
        self._thread.start()

    def finish(self) -> None:
        """Stop, index what is left, and empty the log. Call it when nothing is written any more.

        Raises:
            StoreError: The index could not be written; the rows themselves are safe.
        """
        if self._stop.is_set():
            return
        self._stop.set()
        self._thread.join()
        try:
            self._connection.execute("PRAGMA busy_timeout = 2000")
            while self._index_slice():
                pass
            self._connection.execute("PRAGMA optimize")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        except sqlite3.Error as error:
            if not is_busy(error):  # what is left is done when the run is opened again
                raise explain_stop(error, self._path) from error
        finally:
            self._connection.close()

    def _run(self) -> None:
        indexed = time.monotonic()
        while not self._stop.wait(_PERIOD):
            # A full disk or the like is for the writer to report, which meets it too.
            with contextlib.suppress(sqlite3.Error, OSError):
                late = time.monotonic() - indexed > _BEHIND
                while self._index_slice(least=1 if late else _SLICE):
                    indexed, late = time.monotonic(), False
                    if self._stop.wait(_BETWEEN_SLICES):
                        break
                if self._log.stat().st_size > CHECKPOINT_BYTES:
                    self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def _index_slice(self, least: int = 1) -> bool:
        """Index the next texts; False if there are fewer than `least`.

        Ids only grow, so the last one is the mark.
        """
        last, newest = self._connection.execute(
            "SELECT (SELECT coalesce(max(id), 0) FROM texts_fts_docsize),"
            " (SELECT coalesce(max(id), 0) FROM texts)"
        ).fetchone()
        if newest - last < least:
            return False
        self._connection.execute(
            "INSERT INTO texts_fts (rowid, text) SELECT id, text FROM texts WHERE id > ? ORDER BY id LIMIT ?",
            (last, _SLICE),
        )
        return True
