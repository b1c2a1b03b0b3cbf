"""One transaction on a run that is not being worked on, or beside the process that works on it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from graph.store.batch import Batch
from graph.store.connection import DATABASE, WriterLock, connect_writer, explained
from graph.store.redaction import redactor_for
from schemas.job import Job


@contextmanager
def editing(folder: Path, *, alone: bool) -> Iterator[Batch]:
    """Add rows to a run; all of them are committed at the end, or none if an error leaves the block.

    The run must have been opened before (`RunReader`), which brings tables of an older version up to date.

    Args:
        folder: The run's.
        alone: Whether no other process may be working on the run, as its own decisions would be overtaken.
            Otherwise the transaction must be short: a run that goes on waits for its end.

    Raises:
        StoreError: Another process works on the run, or it cannot be written.
    """
    path = folder / DATABASE
    with ExitStack() as held:
        if alone:
            held.callback(WriterLock(folder).release)
        with explained(path):
            connection = connect_writer(path)
            held.callback(connection.close)
            ((job,),) = connection.execute("SELECT job FROM runs LIMIT 1").fetchall()
            batch = Batch(connection, redactor_for(Job.model_validate_json(job)))
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield batch
                batch.write()
                connection.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
                raise


def next_id(batch: Batch, table: str) -> int:
    """The id that a new row of a table gets; `table` is no input."""
    return int(batch.connection.execute(f"SELECT coalesce(max(id), 0) + 1 FROM {table}").fetchone()[0])
