"""The writing side of a run database."""

from __future__ import annotations

import asyncio
import functools
import itertools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Self

from ulid import ULID

from graph.store import rows
from graph.store.annotations import add_annotation
from graph.store.batch import Batch
from graph.store.connection import DATABASE, WriterLock, connect_writer, explained
from graph.store.migrations import NAMES, migrate, refuse_newer
from graph.store.opening import applied_migrations
from graph.store.reading import RunReader
from graph.store.records import (
    ACCEPTANCE_OF_THE_RUN,
    CallStatus,
    ClosedCall,
    OpenedCall,
    RunStatus,
    StoredAnswer,
)
from graph.store.redaction import Redactor
from graph.store.upkeep import Upkeep
from graph.store.writer import Operation, Writer
from schemas.documents import Document, Unreadable
from schemas.errors import StoreError
from schemas.job import Job
from schemas.judgement import Decision, Scores, Thresholds
from schemas.rounds import Round


class RunStore:
    """One run's database, open for writing by this process alone.

    Writes are queued and return at once, unless it is said that they wait. `flush` waits until all that
    was queued is committed. Once a write has failed, each later one raises the same StoreError: a run must
    stop rather than go on unrecorded. Secrets of the environment never reach the file.
    """

    def __init__(self, folder: Path, lock: WriterLock, connection: sqlite3.Connection, job: Job) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.reader = RunReader(folder)
        self._lock = lock
        self._redact = redactor_for(job)
        self._run_id = self.reader.run().id
        # This is the only writer, so it can give out the ids of rows that others refer to.
        self._ids: dict[str, Iterator[int]] = {
            table: itertools.count(
                1 + connection.execute(f"SELECT coalesce(max(id), 0) FROM {table}").fetchone()[0]
            )
            for table in ("rounds", "annotations", "decisions")
        }
        self._keys: dict[str, str] = {}
        self._unwritten: dict[str, StoredAnswer] = {}
        connection.execute("PRAGMA busy_timeout = 0")  # from here on, the writer waits without blocking
        self._writer = Writer(connection, folder / DATABASE, self._redact)
        self._upkeep = Upkeep(folder / DATABASE)

    @classmethod
    def create(cls, folder: Path, *, name: str, job: Job, job_toml: str, version: str) -> Self:
        """Make `folder/run.db` and open it.

        Args:
            folder: The run's folder; made if it is not there.
            name: The run's name.
            job: What is to be done.
            job_toml: The job file as the user wrote it.
            version: GuideX that starts the run.

        Raises:
            StoreError: There is a run already, another process is making one, or nothing can be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"The folder {folder} cannot be made: {error.strerror}.", "Choose another folder for runs."
            ) from error
        lock = WriterLock(folder)
        path = folder / DATABASE
        try:
            with explained(path):
                connection = connect_writer(path)
                try:
                    if "runs" in _tables(connection):
                        raise StoreError(
                            f"There is a run in {folder} already.", "Resume it, or choose another name."
                        )
                    _initialise(connection, redactor_for(job), name, job, job_toml, version)
                    return cls(folder, lock, connection, job)
                except BaseException:
                    connection.close()
                    raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open an existing run to go on with it; calls left open by a dead process become interrupted.

        Raises:
            StoreError: There is none, it is of a newer version, another process writes it, or it cannot be
                written.
        """
        path = folder / DATABASE
        if not path.is_file():
            raise StoreError(f"There is no run in {folder}.", "`guidex runs list` shows the runs there are.")
        lock = WriterLock(folder)
        try:
            with explained(path):
                connection = connect_writer(path)
                try:
                    if "runs" not in _tables(connection):
                        raise StoreError(f"{path} holds no run.", "Delete the file, or choose another name.")
                    applied = applied_migrations(connection)
                    refuse_newer(applied, str(path))
                    if len(applied) < len(NAMES):
                        _migrate(connection)
                    connection.execute(
                        "UPDATE calls SET status = ? WHERE status = ?",
                        (CallStatus.INTERRUPTED.value, CallStatus.OPEN.value),
                    )
                    connection.execute(
                        "UPDATE runs SET status = ?, reason = '', ended = NULL", (RunStatus.RUNNING.value,)
                    )
                    with RunReader(folder) as reader:
                        job = Job.model_validate_json(reader.run().job)
                    return cls(folder, lock, connection, job)
                except BaseException:
                    connection.close()
                    raise
        except BaseException:
            lock.release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- documents ---

    def redacted(self, document: Document) -> Document:
        """The document as it will be stored. Work on this one, so that its offsets hold in the store."""
        text, identifier = self._redact(document.text), self._redact(document.id)
        if text == document.text and identifier == document.id:
            return document
        return document.model_copy(update={"text": text, "id": identifier})

    def add_documents(self, documents: Sequence[tuple[int, Document]]) -> None:
        """Add documents as pending, each with its position in the source; waits until they are committed.

        Those that are there already, from an earlier session, stay as they are.

        Raises:
            StoreError: A document's id or position is taken by another one; then none of them is added.
        """
        stored = self.reader.texts_of([document.id for _, document in documents])
        new: list[tuple[int, Document]] = []
        for position, document in documents:
            known = stored.get(document.id)
            if known is None:
                new.append((position, document))
            elif known != self._redact(document.text):
                raise StoreError(
                    f"The document {document.id!r} has another text than the run has stored for that id.",
                    "Start a new run for changed documents.",
                )
        if new:
            self._settle_documents(lambda batch: _add_documents(batch, new))

    def add_unreadable(self, position: int, record: Unreadable) -> None:
        """Add a record that is no document as failed, with its reason; waits until it is committed."""
        if not self.reader.texts_of([rows.unreadable_id(position)]):
            decision_id = self._new_id("decisions")
            self._settle_documents(lambda batch: rows.add_unreadable(batch, position, record, decision_id))

    def _settle_documents(self, operation: Operation) -> None:
        try:
            self._writer.settle_now(operation)
        except StoreError as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                raise StoreError(
                    "Two documents have the same id or the same position in the source.",
                    "Give each document an id of its own.",
                ) from error
            raise

    # --- calls ---

    async def open_call(self, call: OpenedCall) -> str:
        """Record a call and return its id (a ULID) once the row is committed: only then send it."""
        call_id = str(ULID())
        self._keys[call_id] = call.key
        try:
            await self._writer.settle(
                lambda batch: rows.add_call(batch, call_id, call, CallStatus.OPEN.value)
            )
        except asyncio.CancelledError:
            self.close_call(call_id, ClosedCall(CallStatus.CANCELLED))
            raise
        return call_id

    def close_call(self, call_id: str, closed: ClosedCall) -> None:
        """Record what became of a call."""
        key = self._keys.pop(call_id, None)
        committed = None
        if key is not None and closed.status is CallStatus.ANSWERED and closed.answer is not None:
            # Until it is committed the reader does not see it, but it can be asked for already.
            self._unwritten[key] = StoredAnswer(call_id, self._redact(closed.answer))
            committed = functools.partial(self._unwritten.pop, key, None)
        self._writer.put(lambda batch: rows.close_call(batch, call_id, closed), committed)

    def add_replay(self, call: OpenedCall, answer: StoredAnswer) -> str:
        """Record that a call was answered from the ledger; it costs nothing."""
        call_id = str(ULID())
        self._writer.put(
            lambda batch: rows.add_call(batch, call_id, call, CallStatus.REPLAYED.value, answer.call_id)
        )
        return call_id

    def find_answer(self, key: str) -> StoredAnswer | None:
        """The answer of a closed call with this key, if there is a usable one."""
        return self._unwritten.get(key) or self.reader.find_answer(key)

    # --- results ---

    def add_round(self, document_id: str, round: Round) -> None:
        """Add a round; round 1 of a document that was worked on before begins a new take."""
        round_id = self._new_id("rounds")
        annotations = [(annotation, False) for annotation in round.annotations] + [(round.agreed, True)]
        numbered = [(self._new_id("annotations"), annotation, agreed) for annotation, agreed in annotations]

        def write(batch: Batch) -> None:
            rows.add_round(batch, round_id, document_id, round)
            for annotation_id, annotation, agreed in numbered:
                add_annotation(batch, annotation_id, round_id, annotation, agreed=agreed)

        self._writer.put(write)

    def decide(
        self,
        document_id: str,
        decision: Decision,
        scores: Scores | None = None,
        *,
        version: int = ACCEPTANCE_OF_THE_RUN,
    ) -> None:
        """Add a decision, which is in force from now on; earlier ones stay."""
        decision_id = self._new_id("decisions")
        self._writer.put(
            lambda batch: rows.add_decision(batch, decision_id, document_id, decision, scores, version)
        )

    def add_decision_version(self, thresholds: Thresholds, note: str) -> int:
        """Begin a new version of decisions, taken anew under other thresholds, and return its number."""
        self._writer.settle_now()
        version = self.reader.decision_versions() + 1
        self._writer.settle_now(
            lambda batch: batch.add(
                "decision_versions", version, rows.now(), note, thresholds.model_dump_json()
            )
        )
        return version

    def add_failure(self, document_id: str | None, agent: str, error_class: str, message: str) -> None:
        """Record that something went wrong with a document, or with none in particular."""
        self._writer.put(lambda batch: rows.add_failure(batch, document_id, agent, error_class, message))

    def add_event(self, kind: str, message: str, data: Mapping[str, object] | None = None) -> None:
        """Record that something happened to the run."""
        self._writer.put(lambda batch: rows.add_event(batch, kind, message, data))

    def finish_run(self, status: str, reason: str = "") -> None:
        """Set how the run ended: done, failed, stopped or interrupted."""
        ended = RunStatus(status)
        self._writer.put(lambda batch: rows.set_status(batch, self._run_id, ended, reason))

    # --- durability ---

    async def flush(self) -> None:
        """Wait until everything queued is committed.

        Raises:
            StoreError: Something could not be written.
        """
        await self._writer.settle()

    def flush_now(self) -> None:
        """The same, blocking."""
        self._writer.settle_now()

    def close(self) -> None:
        """Write what is queued, finish the search index, and let go of the run.

        Raises:
            StoreError: Something could not be written, now or earlier.
        """
        try:
            self.reader.close()
            self._writer.close()
        finally:
            try:
                self._upkeep.finish()
            finally:
                self._lock.release()

    def _new_id(self, table: str) -> int:
        return next(self._ids[table])


def redactor_for(job: Job) -> Redactor:
    """What takes out the secrets of the environment and those the job names."""
    configs = [job.model, *(config for _, config in job.agents if config is not None)]
    configs += [annotator.model for annotator in job.annotators if annotator.model is not None]
    return Redactor.from_environment(config.api_key_env for config in configs if config.api_key_env)


def _add_documents(batch: Batch, documents: Sequence[tuple[int, Document]]) -> None:
    for position, document in documents:
        rows.add_document(batch, position, document)


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _migrate(connection: sqlite3.Connection) -> None:
    from sqlite_utils import Database

    migrate(Database(connection, recursive_triggers=False, execute_plugins=False))


def _initialise(
    connection: sqlite3.Connection, redact: Redactor, name: str, job: Job, job_toml: str, version: str
) -> None:
    """Make the tables and the run's row in one transaction: a crash leaves no half-made run."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        _migrate(connection)
        connection.execute(
            "INSERT INTO runs (id, name, status, started, version, job, job_toml)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                str(ULID()),
                redact(name),
                RunStatus.RUNNING.value,
                rows.now(),
                redact(version),
                redact(job.model_dump_json()),
                redact(job_toml),
            ),
        )
        connection.execute(
            "INSERT INTO decision_versions VALUES (?, ?, ?, ?)",
            (ACCEPTANCE_OF_THE_RUN, rows.now(), "the run", job.thresholds.model_dump_json()),
        )
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
