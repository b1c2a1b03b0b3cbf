"""Opening the run database, keeping a second writer out, and saying what went wrong in one sentence."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from schemas.errors import StoreError, StoreStoppedError

DATABASE: Final = "run.db"
LOCK: Final = "run.lock"
BUSY_TIMEOUT: Final = 30.0
"""Seconds to wait for another connection's transaction."""
PAGE_SIZE: Final = 8192
"""Bytes. Prompts are a few thousand characters: smaller pages waste the rest of a page on most of them."""
CHECKPOINT_BYTES: Final = 16 * 2**20
"""Size of the write-ahead log at which it is moved into the database, by the upkeep thread."""
_LAST_RESORT_PAGES: Final = 16 * CHECKPOINT_BYTES // PAGE_SIZE
"""Length of the log at which the writer does it itself, and waits for the disk."""


_MENDABLE: Final = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY")


def explain(error: sqlite3.Error, path: Path) -> StoreError:
    """The sentence and the remedy for an error of SQLite."""
    name = getattr(error, "sqlite_errorname", "") or ""
    if name.startswith("SQLITE_FULL"):
        return StoreError(
            f"The disk that holds {path} is full.",
            "Free some space and resume the run; everything written before is intact.",
        )
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return StoreError(
            f"{path} is locked by another program.",
            "Close what has the database open for writing, then resume the run.",
        )
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM")):
        return StoreError(
            f"{path} cannot be written: it is read-only.",
            "Make the folder and the file writable, or choose another folder for runs.",
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_AUTH")):
        return StoreError(
            f"{path} cannot be opened.", "Check that the folder exists and that you may read and write it."
        )
    if name.startswith(("SQLITE_NOTADB", "SQLITE_CORRUPT")):
        return StoreError(
            f"{path} is no intact SQLite database ({error}).", "Restore it from a backup or start a new run."
        )
    if name.startswith("SQLITE_IOERR"):
        return StoreError(
            f"{path} could not be read or written ({error}).",
            "Check the disk, its free space and your quota, then resume the run.",
        )
    return StoreError(f"{path}: {error}.", "Resume the run; if it happens again, report it.")


def explain_stop(error: sqlite3.Error, path: Path) -> StoreError:
    """The same for a run that was being written: what a user can mend does not end it for good."""
    told = explain(error, path)
    name = getattr(error, "sqlite_errorname", "") or ""
    return StoreStoppedError(str(told), told.remedy) if name.startswith(_MENDABLE) else told


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn errors of SQLite within into StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explain(error, path) from error


def is_busy(fault: Exception) -> bool:
    """Whether an error says no more than that another connection is writing."""
    return getattr(fault, "sqlite_errorname", "").startswith("SQLITE_BUSY")


def connect_writer(path: Path, timeout: float = BUSY_TIMEOUT) -> sqlite3.Connection:
    """A connection that may write; makes the file where there is none.

    Durable against the death of the process with every commit. Against loss of power, the last commits
    before it may be missing (synchronous=NORMAL), but nothing is torn.
    """
    connection = sqlite3.connect(
        path, timeout=timeout, check_same_thread=False, isolation_level=None, cached_statements=256
    )
    try:
        connection.execute(f"PRAGMA page_size = {PAGE_SIZE}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute(f"PRAGMA wal_autocheckpoint = {_LAST_RESORT_PAGES}")
        connection.execute("PRAGMA trusted_schema = OFF")
    except BaseException:
        connection.close()
        raise
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A read-only connection; it sees what is committed, also while a run writes."""
    try:
        return _open_reader(path, "mode=ro")
    except sqlite3.OperationalError:
        # On read-only media the write-ahead log's index cannot be made. A run at rest has no log, and
        # is then read as the immutable file that it is.
        log = path.with_name(path.name + "-wal")
        if log.exists() and log.stat().st_size:
            raise
        return _open_reader(path, "mode=ro&immutable=1")


def _open_reader(path: Path, options: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        timeout=BUSY_TIMEOUT,
        check_same_thread=False,
        isolation_level=None,
    )
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection


class WriterLock:
    """Keeps a second process (or a second store in this one) from writing a run.

    It is SQLite's own exclusive lock on an empty database beside the run's: the same on all systems, and
    gone with the process, however it dies. The run's database itself cannot be locked for long, as readers
    and people with Datasette use it meanwhile. The file stays, since removing it would let two in.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK
        with explained(path):
            self._connection = sqlite3.connect(
                path, timeout=2.0, isolation_level=None, check_same_thread=False
            )
            try:
                self._connection.execute("BEGIN EXCLUSIVE")
            except sqlite3.Error as error:
                self._connection.close()
                if is_busy(error):
                    raise StoreError(
                        f"The run in {folder} is being written by another process.",
                        "Wait for it to end, or stop it.",
                    ) from error
                raise

    def release(self) -> None:
        """Let others write."""
        self._connection.close()


def is_being_written(folder: Path) -> bool:
    """Whether a live process holds the writer's lock."""
    path = folder / LOCK
    if not path.exists():
        return False
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=0)
    except sqlite3.Error:
        return False
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        return is_busy(error)
    finally:
        connection.close()
    return False
