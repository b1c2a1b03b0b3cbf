"""Making a run's database, beginning a further session of it, bringing an old one up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ulid import ULID

from graph.store import rows
from graph.store.batch import now
from graph.store.connection import DATABASE, WriterLock, connect_writer, explained
from graph.store.migrations import migrate
from graph.store.records import ACCEPTANCE_OF_THE_RUN, CallStatus, RunStatus
from graph.store.redaction import Redactor
from schemas.job import Job

_BEGIN_SESSION: Final = "INSERT INTO sessions (started, status, version, about) VALUES (?, ?, ?, ?)"


def initialise(
    connection: sqlite3.Connection, redact: Redactor, name: str, job: Job, job_toml: str, version: str
) -> None:
    """Make the tables and the run's row in one transaction: a crash leaves no half-made run."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        migrate(connection)
        connection.execute(
            "INSERT INTO runs (id, name, status, started, version, job, job_toml)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                str(ULID()),
                redact(name),
                RunStatus.RUNNING.value,
                now(),
                redact(version),
                redact(job.model_dump_json()),
                redact(job_toml),
            ),
        )
        connection.execute(_BEGIN_SESSION, (now(), RunStatus.RUNNING.value, redact(version), None))
        connection.execute(
            "INSERT INTO decision_versions VALUES (?, ?, ?, ?)",
            (ACCEPTANCE_OF_THE_RUN, now(), "the run", job.thresholds.model_dump_json()),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def take_up_again(
    connection: sqlite3.Connection, redact: Redactor, version: str, about: Mapping[str, object]
) -> None:
    """Begin another session; calls and a session left open by a dead process become interrupted.

    A session without an end lasted until its last call was closed, as far as is known.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "UPDATE calls SET status = ? WHERE status = ?",
            (CallStatus.INTERRUPTED.value, CallStatus.OPEN.value),
        )
        connection.execute(
            "UPDATE sessions SET status = ?, ended = max(started,"
            " coalesce((SELECT max(closed) FROM calls), started)) WHERE ended IS NULL",
            (RunStatus.INTERRUPTED.value,),
        )
        connection.execute(
            "UPDATE runs SET status = ?, reason = '', ended = NULL", (RunStatus.RUNNING.value,)
        )
        values = (now(), RunStatus.RUNNING.value, redact(version), redact(rows.compact(about)))
        connection.execute(_BEGIN_SESSION, values)
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def bring_up_to_date(folder: Path) -> None:
    """Give a run of an older version the tables of this one; its rows stay as they are.

    Raises:
        StoreError: Another process writes the run, or it cannot be written.
    """
    lock = WriterLock(folder)
    try:
        with explained(folder / DATABASE):
            connection = connect_writer(folder / DATABASE)
            try:
                migrate(connection)
            finally:
                connection.close()
    finally:
        lock.release()
