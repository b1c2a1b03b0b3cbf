"""The writing side of a run database."""

from __future__ import annotations

import asyncio
import functools
import itertools
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final, Self

from ulid import ULID

from graph.store import rows
from graph.store.annotations import add_annotation
from graph.store.batch import Batch
from graph.store.beginning import initialise, take_up_again
from graph.store.connection import DATABASE, WriterLock, connect_writer, explained
from graph.store.intake import Intake, Known, Record
from graph.store.known_keys import KnownKeys
from graph.store.migrations import NAMES, migrate, refuse_newer
from graph.store.opening import applied_migrations
from graph.store.pilots import add_pilot
from graph.store.reading import RunReader
from graph.store.records import (
    ACCEPTANCE_OF_THE_RUN,
    JOB_CHANGED,
    CallStatus,
    ClosedCall,
    OpenedCall,
    RunStatus,
    StoredAnswer,
)
from graph.store.redaction import redactor_for
from graph.store.upkeep import Upkeep
from graph.store.writer import Writer
from schemas.documents import Document, Unreadable
from schemas.errors import StoreError
from schemas.example_bank import Example
from schemas.job import Job
from schemas.judgement import Decision, Scores
from schemas.pilot import Pilot
from schemas.rounds import Round

_COUNTED: Final = (
    ("rounds", "id", 0),
    ("annotations", "id", 0),
    ("decisions", "id", 0),
    ("documents", "position", -1),
)
"""Tables whose ids the store gives out, with the last id of an empty one."""


class RunStore:
    """One run's database, open for writing by this process alone.

    Writes are queued and return at once, unless it is said that they wait. `flush` waits until all that
    was queued is committed. Once a write has failed, each later one raises the same StoreError: a run must
    stop rather than go on unrecorded. Secrets of the environment never reach the file.
    """

    def __init__(
        self,
        folder: Path,
        lock: WriterLock,
        connection: sqlite3.Connection,
        job: Job,
    ) -> None:
        """Use `create` or `open`."""
        self.folder = folder
        self.reader = RunReader(folder)
        self._lock = lock
        self._redact = redactor_for(job)
        self._run_id = self.reader.run().id
        self._session_id = connection.execute("SELECT max(id) FROM sessions").fetchone()[0]
        # This is the only writer, so it can give out the ids of rows that others refer to.
        self._ids: dict[str, Iterator[int]] = {
            table: itertools.count(
                1 + connection.execute(f"SELECT coalesce(max({column}), {last}) FROM {table}").fetchone()[0]
            )
            for table, column, last in _COUNTED
        }
        self._keys: dict[str, str] = {}
        self._unwritten: dict[str, StoredAnswer] = {}
        # Keys of calls that were closed, or left open by an earlier session.
        self._known = KnownKeys(key for (key,) in connection.execute("SELECT key FROM calls"))
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
            job_toml: The job as a job file that lies in the folder.
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
                    initialise(connection, redactor_for(job), name, job, job_toml, version)
                    return cls(folder, lock, connection, job)
                except BaseException:
                    connection.close()
                    raise
        except BaseException:
            lock.release()
            raise

    @classmethod
    def open(
        cls,
        folder: Path,
        job: Job | None = None,
        *,
        version: str = "",
        about: Mapping[str, object] | None = None,
    ) -> Self:
        """Open an existing run for another session; calls left open by a dead process become interrupted.

        Args:
            folder: The run's folder.
            job: The job it goes on with, whose secrets are kept out; default: the run's own.
            version: GuideX that goes on with it.
            about: What the session is to do, for the record.

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
                        migrate(connection)
                    if job is None:
                        with RunReader(folder) as reader:
                            job = Job.model_validate_json(reader.run().job)
                    take_up_again(connection, redactor_for(job), version, about or {})
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

    def add_documents(self, records: Sequence[Record], *, take_in: bool = False) -> int:
        """Add documents as pending, what is none as failed, what is left out as skipped; committed then.

        Those that are there already, from an earlier session, stay as they are: documents are known by
        their id, other records by their place in the source. What is pending and now left out is skipped.

        Args:
            records: What was read.
            take_in: Make documents pending that were left out by an earlier session.

        Returns:
            How many were new, without those left out.

        Raises:
            StoreError: A document's id is taken by another one; then none of them is added.
        """
        ids = [self._record_id(record) for record in records]
        known = Known(self.reader.texts_of(ids), self.reader.outcomes(ids))
        intake = Intake(known, self._new_id, self._redact, take_in=take_in)
        for identifier, record in zip(ids, records, strict=True):
            intake.add(identifier, record)
        if not intake.steps:
            return 0
        try:
            self._writer.settle_now(intake.write)
        except StoreError as error:
            if isinstance(error.__cause__, sqlite3.IntegrityError):
                raise StoreError(
                    "Two documents have the same id.", "Give each document an id of its own."
                ) from error
            raise
        return intake.added

    def take_up_again(self, document_ids: Sequence[str], *, draw_anew: bool) -> None:
        """Make documents that have ended pending; what was decided on them stays in the record.

        Args:
            document_ids: Of readable documents.
            draw_anew: Whether their answers are drawn with other seeds than before.
        """
        identifiers = [self._redact(identifier) for identifier in document_ids]
        self._writer.put(lambda batch: rows.take_up_again(batch, identifiers, draw_anew=draw_anew))

    def _record_id(self, record: Record) -> str:
        own = rows.unreadable_id(record, self.folder) if isinstance(record, Unreadable) else record.id
        return self._redact(own)

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
            self._unwritten[key] = StoredAnswer(call_id, self._redact(closed.answer), choices=closed.choices)
            committed = functools.partial(self._unwritten.pop, key, None)
        if key is not None:
            self._known.add(key)
        self._writer.put(lambda batch: rows.close_call(batch, call_id, closed), committed)

    def add_replay(self, call: OpenedCall, answer: StoredAnswer) -> str:
        """Record that a call was answered from the ledger, of this run or another; it costs nothing."""
        call_id = str(ULID())
        if answer.run is not None:
            self._known.add(call.key)
            self._writer.put(lambda batch: rows.add_reuse(batch, call_id, call, answer))
        else:
            self._writer.put(
                lambda batch: rows.add_call(batch, call_id, call, CallStatus.REPLAYED.value, answer.call_id)
            )
        return call_id

    def find_answer(self, key: str) -> StoredAnswer | None:
        """The answer of a closed call with this key, if there is a usable one."""
        if key not in self._known:
            return None
        return self._unwritten.get(key) or self.reader.find_answer(key)

    def bad_answers(self, key: str) -> int:
        """How often a model answered a call of this key with nothing usable."""
        return self.reader.bad_answers(key) if key in self._known else 0

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

    async def freeze(self, pilot: Pilot, examples: Sequence[Example]) -> None:
        """Record what a pilot came to; returns once it is committed."""
        await self._writer.settle(lambda batch: add_pilot(batch, pilot, examples))

    def add_failure(self, document_id: str | None, agent: str, error_class: str, message: str) -> None:
        """Record that something went wrong with a document, or with none in particular."""
        self._writer.put(lambda batch: rows.add_failure(batch, document_id, agent, error_class, message))

    def add_event(self, kind: str, message: str, data: Mapping[str, object] | None = None) -> None:
        """Record that something happened to the run."""
        self._writer.put(lambda batch: rows.add_event(batch, kind, message, data))

    def set_job(self, job: Job, job_toml: str) -> None:
        """Go on with another job; the one before is kept as an event."""
        before = self.reader.run()
        self.add_event(JOB_CHANGED, "the job as it was before", {"job_toml": before.job_toml})
        self._writer.put(lambda batch: batch.add("run_job", self._run_id, job.model_dump_json(), job_toml))

    def finish_run(self, status: str, reason: str = "") -> None:
        """Set how the run, and this session of it, ended: done, failed, stopped or interrupted."""
        ended = RunStatus(status)
        self._writer.put(lambda batch: rows.finish(batch, self._run_id, self._session_id, ended, reason))

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


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
