"""The runner: reads documents into the run's store and drives them through the document graph.

Documents are read first, so that the run knows what it has to do; their texts live in the store, not in
memory. Then a bounded number of them is worked on at a time. Whatever happens to one document is recorded
with it and does not touch the others. A stop lets the documents in flight finish; those not begun stay
pending.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from agents.llm.client import CallFailedError, CallFault, Client
from agents.llm.embedded import Progress as DownloadProgress
from agents.llm.factory import ClientPool
from graph.document_graph import DocumentGraph
from graph.documents import read_documents
from graph.ledger import Ledger
from graph.progress import Counted, Progress
from graph.store.records import COPIED_FROM_EXAMPLE, RunStatus, Totals
from graph.store.store import RunStore
from graph.team import assemble
from schemas.documents import Document, Unreadable
from schemas.errors import GuidexError, ModelUnavailableError, StoreError
from schemas.job import Job, ModelConfig
from schemas.judgement import Agent, Decision, Outcome

_READ_AT_ONCE = 200
"""Documents added to the store in one transaction."""


@dataclass(frozen=True)
class RunResult:
    """What a run came to.

    Attributes:
        name: The run's name.
        folder: Its folder.
        status: How it ended.
        totals: Its sums; `totals.balanced` holds.
        seconds: How long it took.
    """

    name: str
    folder: Path
    status: RunStatus
    totals: Totals
    seconds: float


class Runner:
    """One run of a job, from documents to decisions."""

    def __init__(
        self,
        job: Job,
        folder: Path,
        *,
        job_toml: str,
        version: str,
        progress: Progress | None = None,
        download: DownloadProgress | None = None,
    ) -> None:
        """Describe the run; nothing is read or written yet.

        Args:
            job: What to do; relative document paths are taken from the working directory.
            folder: The run's folder; its name is the run's.
            job_toml: The job as the user wrote it, for the record.
            version: GuideX that runs it.
            progress: Counters to keep.
            download: Told about the download of a local model.
        """
        self.progress = progress or Progress()
        self._job = job
        self._folder = folder
        self._job_toml = job_toml
        self._version = version
        self._download = download

    def stop(self) -> None:
        """Begin no further documents; those in flight are finished."""
        self.progress.stopping = True

    async def run(self) -> RunResult:
        """Run the job.

        Returns:
            The result; its status is STOPPED if documents are left because of `stop`.

        Raises:
            UsageError: The job cannot be done as written.
            DocumentError: Documents cannot be read.
            ModelUnavailableError: A model cannot be used.
            StoreError: The run cannot be recorded.
        """
        job = self._job
        documents = _first_read(
            read_documents(
                [Path(path) for path in job.documents.paths],
                text_field=job.documents.text_field,
                id_field=job.documents.id_field,
                limit=job.documents.limit,
                ids=job.documents.ids,
            )
        )
        pool = ClientPool(self._download)
        try:
            # Here rather than with the first call, so that a missing model or key stops the run before it
            # begins; off the event loop, as a local model may have to be fetched.
            clients = await asyncio.to_thread(self._clients, pool)
            store = RunStore.create(
                self._folder,
                name=self._folder.name,
                job=job,
                job_toml=self._job_toml,
                version=self._version,
            )
            with store:
                return await self._recorded(store, documents, clients)
        finally:
            await pool.close()

    def _clients(self, pool: ClientPool) -> dict[ModelConfig, Client]:
        job = self._job
        configs = {job.model_for(agent) for agent in Agent if agent is not Agent.ANNOTATOR}
        configs |= {job.model_for(Agent.ANNOTATOR, number) for number in range(len(job.annotators))}
        limits = {"max_connections": job.run.max_connections, "timeout": job.run.timeout}
        return {config: pool.client_for(config, **limits) for config in configs}  # type: ignore[arg-type]

    async def _recorded(
        self,
        store: RunStore,
        documents: Iterator[Document | Unreadable],
        clients: dict[ModelConfig, Client],
    ) -> RunResult:
        """Run with a store; how it ends is recorded whatever happens."""
        ledgers: dict[int, Client] = {}

        def client_for(config: ModelConfig) -> Client:
            plain = clients[config]
            return ledgers.setdefault(id(plain), Counted(Ledger(plain, store), self.progress))

        status, reason = RunStatus.FAILED, "it was stopped by a fault of the program"
        try:
            self._read(store, documents)
            graph = DocumentGraph(self._job, assemble(self._job, client_for), store.add_round)
            await self._work(store, graph)
            left = self.progress.documents - self.progress.done
            status, reason = (RunStatus.STOPPED, f"{left} documents left") if left else (RunStatus.DONE, "")
        except asyncio.CancelledError:
            status, reason = RunStatus.INTERRUPTED, "interrupted; documents in flight are pending"
            raise
        except GuidexError as error:
            reason = str(error)
            raise
        finally:
            # If the store itself has failed, its error is already on its way; this one would hide it.
            with contextlib.suppress(StoreError):
                store.finish_run(status.value, reason)
                store.flush_now()
        totals = store.reader.totals()
        if not totals.balanced:
            raise StoreError(f"The sums of run {self._folder.name} do not add up: {totals}.", "Report this.")
        return RunResult(self._folder.name, self._folder, status, totals, self.progress.seconds)

    def _read(self, store: RunStore, documents: Iterator[Document | Unreadable]) -> None:
        position = 0
        while batch := list(islice(documents, _READ_AT_ONCE)):
            numbered = list(enumerate(batch, position))
            store.add_documents(
                [(number, store.redacted(item)) for number, item in numbered if isinstance(item, Document)]
            )
            for number, item in numbered:
                if isinstance(item, Unreadable):
                    store.add_unreadable(number, item)
                    self.progress.outcomes[Outcome.FAILED] += 1
            position += len(batch)
            self.progress.documents = position

    async def _work(self, store: RunStore, graph: DocumentGraph) -> None:
        """Work on all pending documents, so many at a time."""
        pending = _pending(store)

        async def worker() -> None:
            while not self.progress.stopping and (document := next(pending, None)) is not None:
                await self._one(store, graph, document)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self._job.run.documents_in_flight):
                    group.create_task(worker())
        except BaseExceptionGroup as several:
            # What stops one worker stops them all, for the same reason; the first one says it.
            raise several.exceptions[0] from several

    async def _one(self, store: RunStore, graph: DocumentGraph, document: Document) -> None:
        """Take one document to its end; only what concerns the whole run is raised."""
        scores = None
        try:
            decision, kept, copied = await graph.run(document)
            scores = kept.scores
            if copied:
                about = {"document_id": document.id, "classes": copied}
                store.add_event(COPIED_FROM_EXAMPLE, ", ".join(copied), about)
        except CallFailedError as error:
            agent = error.agent.value if error.agent else "model"
            if error.fault is CallFault.REFUSED:  # by key or name: no document would fare better
                raise ModelUnavailableError(str(error), error.remedy) from error
            store.add_failure(document.id, agent, error.fault.value, str(error))
            decision = Decision(outcome=Outcome.FAILED, reason=f"{agent}: {error.fault.value}: {error}")
        except GuidexError:
            raise
        except Exception as error:
            # A fault of ours: the document is failed with its trace kept, and the others go on.
            store.add_failure(document.id, "guidex", type(error).__name__, str(error) or repr(error))
            store.add_event("fault", traceback.format_exc(), {"document_id": document.id})
            decision = Decision(outcome=Outcome.FAILED, reason=f"fault of GuideX: {type(error).__name__}")
        store.decide(document.id, decision, scores)
        await store.flush()
        self.progress.outcomes[decision.outcome] += 1


def _pending(store: RunStore) -> Iterator[Document]:
    """Pending documents in order, read as they are wanted; each page starts behind the one before."""
    offset = 0
    while page := store.reader.documents(limit=_READ_AT_ONCE, offset=offset):
        offset += len(page)
        for row in page:
            document = store.reader.document(row.id) if row.outcome is Outcome.PENDING else None
            if document is not None:
                yield document


def _first_read(documents: Iterator[Document | Unreadable]) -> Iterator[Document | Unreadable]:
    """The same documents with the first one read already: a source without any is an error before the run."""
    first = list(islice(documents, 1))
    return chain(first, documents)
