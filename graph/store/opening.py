"""A run database opened read-only."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any, Self

from graph.store.connection import DATABASE, connect_reader, explained
from graph.store.migrations import MIGRATION_SET, NAMES, refuse_newer
from schemas.errors import StoreError


def holds_run(folder: Path) -> bool:
    """Whether there is a run in a folder; a database without tables is of one killed before it had begun.

    Raises:
        StoreError: There is a file that cannot be read as a database.
    """
    path = folder / DATABASE
    if not path.is_file():
        return False
    with explained(path):
        connection = connect_reader(path)
        try:
            return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'runs'").fetchall())
        finally:
            connection.close()


class OpenedRun:
    """A connection to a run's database that sees what is committed, also while the run goes on.

    It may be handed from thread to thread, but is used by one at a time.
    """

    def __init__(self, folder: Path) -> None:
        """Open `folder/run.db`.

        Raises:
            StoreError: There is no run, it cannot be read, or it is of a newer version.
        """
        self.folder = folder
        self._path = folder / DATABASE
        if not self._path.is_file():
            raise StoreError(f"There is no run in {folder}.", "`guidex runs list` shows the runs there are.")
        with explained(self._path):
            self._connection = connect_reader(self._path)
            try:
                if not self.rows("SELECT 1 FROM sqlite_master WHERE name = 'runs'"):
                    raise StoreError(
                        f"{self._path} holds no run.", "Delete the file and start the run again."
                    )
                applied = applied_migrations(self._connection)
                refuse_newer(applied, str(self._path))
                if len(applied) < len(NAMES):
                    # What writes a run takes longer to import than most questions to a run take.
                    from graph.store.beginning import bring_up_to_date

                    bring_up_to_date(folder)
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def rows(self, sql: str, *values: str | int | float | None) -> list[tuple[Any, ...]]:
        """All rows of a query at once.

        A cursor left open would keep the log from being moved to the database.

        Raises:
            StoreError: The database cannot be read.
        """
        with explained(self._path):
            return self._connection.execute(sql, values).fetchall()


def applied_migrations(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Names of the migrations that a database has seen."""
    rows = connection.execute(
        "SELECT name FROM _sqlite_migrations WHERE migration_set = ? ORDER BY id", (MIGRATION_SET,)
    )
    return tuple(name for (name,) in rows)


def match_all(words: str) -> str:
    """A query of FTS5 for all the words; what has a meaning in its syntax is taken as text."""
    tokens = ["".join(c if c.isalnum() else " " for c in word).split() for word in words.split()]
    return " ".join(f'"{token}"' for parts in tokens for token in parts) or '""'
