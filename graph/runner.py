"""The runner: reads documents into the run's store and drives them through the document graph.

Documents are read first, so that the run knows what it has to do; their texts live in the store, not in
memory. Then a bounded number of them is worked on at a time (`graph.work`). A run that exists already is
taken up again: what was finished stays, and finished calls of unfinished documents answer from the ledger.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple

from agents.llm.budget import Budget
from agents.llm.client import Client
from agents.llm.embedded import Progress as DownloadProgress
from agents.llm.factory import ClientPool
from agents.llm.prices import require_prices
from graph.collector import seldom_collecting
from graph.documents import documents_of, source_state
from graph.fingerprint import differences
from graph.ledger import Ledger
from graph.plan import Plan, Retry
from graph.progress import Counted, Progress
from graph.spending import spent_before
from graph.store.opening import holds_run
from graph.store.reading import RunReader
from graph.store.records import CONNECTIONS, DOCUMENTS_READ, RunStatus, Totals
from graph.store.store import RunStore
from graph.team import assemble
from graph.thresholds.redeciding import catch_up
from schemas.documents import Document, LeftOut, Unreadable
from schemas.errors import (
    DocumentError,
    GuidexError,
    StoppedError,
    StoreError,
    StoreStoppedError,
    UsageError,
)
from schemas.job import Job, ModelConfig, parse_job
from schemas.judgement import Outcome

_READ_AT_ONCE = 200
"""Documents added to the store in one transaction."""


@dataclass(frozen=True)
class RunResult:
    """What a session of a run came to.

    Attributes:
        name: The run's name.
        folder: Its folder.
        status: How it ended; DONE if all that was asked for has ended, even if other documents are pending.
        reason: Why, where that does not go without saying.
        totals: The run's sums over all sessions; `totals.balanced` holds.
        seconds: How long the session took.
        worked_on: Ids of the documents asked for, if not all were.
    """

    name: str
    folder: Path
    status: RunStatus
    reason: str
    totals: Totals
    seconds: float
    worked_on: tuple[str, ...] | None = None


class _Source(NamedTuple):
    """Documents to read."""

    documents: Iterator[Document | Unreadable | LeftOut]
    state: str
    """From before any was read: what is added to the files meanwhile is read the next time."""


class Runner:
    """One session of a run of a job, from documents to decisions."""

    def __init__(
        self,
        job: Job,
        folder: Path,
        *,
        job_toml: str,
        version: str,
        plan: Plan | None = None,
        progress: Progress | None = None,
        download: DownloadProgress | None = None,
    ) -> None:
        """Describe the session; nothing is read or written yet.

        Args:
            job: What to do; relative document paths are taken from the working directory.
            folder: The run's folder; its name is the run's. If there is a run in it, it is taken up again.
            job_toml: The job as a job file that lies in the folder, for the record.
            version: GuideX that runs it.
            plan: What this session is to do of it; default: all that is left.
            progress: Counters to keep.
            download: Told about the download of a local model.
        """
        self.progress = progress or Progress()
        self._job = job
        self._folder = folder
        self._job_toml = job_toml
        self._version = version
        self._plan = plan or Plan()
        self._download = download
        self._budget: Budget | None = None
        self._changed: Mapping[str, tuple[object, object]] = {}

    def stop(self) -> None:
        """Begin no further documents; those in flight are finished."""
        self.progress.stopping = True

    async def run(self) -> RunResult:
        """Run the session.

        Returns:
            The result; its status is STOPPED if documents are left because of `stop` or of a limit, and
            FAILED if more documents failed than the job allows, or all of them.

        Raises:
            UsageError: The job cannot be done as written, or differs from the run's in what changes answers;
                or it has a cost limit, and a price is not known.
            DocumentError: Documents cannot be read.
            ModelUnavailableError: A model cannot be used.
            StoreError: The run cannot be recorded.
        """
        require_prices(self._job)
        if self._job.limits.bound_spending:
            self._budget = Budget(self._job.limits)
        pool = ClientPool(self._job.run, self._download, budget=self._budget, prices=self._job.prices)
        try:
            if holds_run(self._folder):
                self._check()
                about = {"plan": repr(self._plan), "changed": self._changed}
                with RunStore.open(self._folder, self._job, version=self._version, about=about) as store:
                    if self._job_toml != store.reader.run().job_toml:
                        store.set_job(self._job, self._job_toml)
                    return await self._recorded(store, pool)
            source = self._source()
            source = source._replace(documents=_first_read(source.documents))
            # Here rather than with the first call, so that a missing model or key stops the run before it
            # begins; off the event loop, as a local model may have to be fetched.
            clients = await asyncio.to_thread(self._clients, pool)
            store = RunStore.create(
                self._folder,
                name=self._folder.name,
                job=self._job,
                job_toml=self._job_toml,
                version=self._version,
            )
            with store:
                return await self._recorded(store, pool, source, clients)
        finally:
            await pool.close()

    def _check(self) -> None:
        """Refuse what the run cannot do before a session of it begins, so that it stays as it stands."""
        name = self._folder.name
        with RunReader(self._folder) as reader:
            before = parse_job(reader.run().job_toml, f"the job of run {name}")
            retry = self._plan.retry
            unknown = set(retry.ids).difference(reader.document_ids()) if retry and retry.ids else ()
        if unknown:
            raise UsageError(
                f"Run {name} has no readable document {', '.join(sorted(unknown))}.",
                f"`guidex trace show {name}` lists its documents.",
            )
        # As it would be stored: what was taken out of the one as a secret is no difference, and not shown.
        self._changed = differences(before, parse_job(self._job_toml), self._folder)
        if self._changed and not self._plan.allow_changes:
            shown = "; ".join(f"{key} was {old!r}, is {new!r}" for key, (old, new) in self._changed.items())
            raise UsageError(
                f"Run {name} was begun with another job: {shown}.",
                "Give the run another name, take the changes back, or allow them with --allow-changes.",
            )

    def _clients(self, pool: ClientPool) -> dict[ModelConfig, Client]:
        return {config: pool.client_for(config) for config in self._job.models}

    async def _recorded(
        self,
        store: RunStore,
        pool: ClientPool,
        source: _Source | None = None,
        clients: dict[ModelConfig, Client] | None = None,
    ) -> RunResult:
        """Run with a store; how it ends is recorded whatever happens."""
        self.progress.started = time.monotonic()
        status, reason = RunStatus.FAILED, "it was stopped by a fault of the program"
        only: tuple[str, ...] | None = None
        try:
            only = self._selected(store, self._read(store, source))
            self.progress.take_up(store.reader.totals())
            if self._left(store, only):
                if self._budget is not None:
                    self._budget.take_up(*spent_before(store.reader, self._job))
                if clients is None:
                    clients = await asyncio.to_thread(self._clients, pool)
                status, reason = await self._work(store, pool, clients, only)
            else:
                status, reason = RunStatus.DONE, ""
            if status is RunStatus.DONE:
                status, reason = self._as_a_whole(store, reason)
        except (asyncio.CancelledError, KeyboardInterrupt):
            status, reason = RunStatus.INTERRUPTED, "documents in flight are pending"
            raise
        except GuidexError as error:
            if isinstance(error, StoppedError | StoreStoppedError):
                status = RunStatus.STOPPED
            reason = str(error)
            raise
        finally:
            # If the store itself has failed, its error is already on its way; this one would hide it.
            with contextlib.suppress(StoreError):
                try:
                    catch_up(store)
                finally:
                    store.finish_run(status.value, reason)
                    store.flush_now()
        totals = store.reader.totals()
        if not totals.balanced:
            raise StoreError(f"The sums of run {self._folder.name} do not add up: {totals}.", "Report this.")
        return RunResult(self._folder.name, self._folder, status, reason, totals, self.progress.seconds, only)

    def _as_a_whole(self, store: RunStore, reason: str) -> tuple[RunStatus, str]:
        """How the run stands once all that was asked for has ended."""
        failed, documents = self.progress.outcomes[Outcome.FAILED], self.progress.documents
        if too_many := self._job.limits.too_many_failed(failed, documents):
            return RunStatus.FAILED, too_many
        if not documents:
            skipped = self.progress.outcomes[Outcome.SKIPPED]
            return RunStatus.FAILED, f"all documents ({skipped:,}) were left out by the job's filters"
        if failed == documents:
            return RunStatus.FAILED, "all documents failed"
        if not reason and (others := self._left(store, None)):
            reason = f"{others} of {documents} documents were not asked for"
        return RunStatus.DONE, reason

    # --- which documents ---

    def _source(self) -> _Source:
        state = self._source_state()
        return _Source(documents_of(self._job.documents, self._job.seed), state)

    def _read(self, store: RunStore, source: _Source | None) -> tuple[str, ...] | None:
        """Bring the documents into the store, unless the same files were read to their end before.

        Returns:
            The ids of those asked for; None for all that the run has.
        """
        some = self._job.documents.limit is not None or bool(self._job.documents.ids)
        asked: list[str] = []
        if self._plan.retry is None and (some or not self._was_read(store)):
            documents, state = source or self._source()
            while batch := list(islice(documents, _READ_AT_ONCE)):
                records = [store.redacted(item) if isinstance(item, Document) else item for item in batch]
                self.progress.documents += store.add_documents(records, take_in=True)
                asked += [item.id for item in records if some and isinstance(item, Document)]
            if not some:
                store.add_event(DOCUMENTS_READ, "all documents are read", {"state": state})
        counts = store.reader.outcome_counts()
        self.progress.documents = sum(counts.values()) - counts.get(Outcome.SKIPPED, 0)
        self.progress.outcomes.update({o: n for o, n in counts.items() if o is not Outcome.PENDING})
        return tuple(asked) if some else None

    def _was_read(self, store: RunStore) -> bool:
        """Whether the run has all that the source holds. A source that is gone since then is no loss."""
        read = [event.data["state"] for event in store.reader.events(DOCUMENTS_READ) if event.data]
        if not read:
            return False
        try:
            return bool(self._source_state() == read[-1])
        except DocumentError as error:
            if "documents.paths" in self._changed:
                raise
            store.add_event("note", f"documents were not read again: {error}")
            return True

    def _source_state(self) -> str:
        documents = self._job.documents
        settings = [documents.text_field, documents.id_field]
        if documents.leaves_out:
            settings.append(documents.model_dump_json(exclude={"paths", "limit", "ids", "passage_bytes"}))
            settings.append(str(self._job.seed))
        return source_state(documents.paths, *settings)

    def _selected(self, store: RunStore, asked: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """The ids of the documents to work on; None for all."""
        if self._plan.retry is not None:
            return self._take_up_again(store, self._plan.retry)
        sample = self._plan.sample
        if sample is None:
            return None if self._plan.all_pending else asked
        every = store.reader.document_ids() if asked is None else asked
        if sample.seed is None:
            return every[: sample.size]
        return tuple(random.Random(sample.seed).sample(every, min(sample.size, len(every))))

    def _take_up_again(self, store: RunStore, retry: Retry) -> tuple[str, ...]:
        reader = store.reader
        ended = reader.outcomes(
            retry.ids or reader.document_ids(retry.outcomes) + reader.taken_up_again(retry.outcomes)
        )
        failed = [identifier for identifier, outcome in ended.items() if outcome is Outcome.FAILED]
        judged = [i for i, outcome in ended.items() if outcome not in (Outcome.FAILED, Outcome.PENDING)]
        store.take_up_again(failed, draw_anew=False)
        store.take_up_again(judged, draw_anew=True)
        store.flush_now()
        for identifier in (*failed, *judged):
            self.progress.outcomes[ended[identifier]] -= 1
        return tuple(ended)

    def _left(self, store: RunStore, only: tuple[str, ...] | None) -> int:
        """How many of these documents are pending."""
        if only is None:
            return store.reader.outcome_counts().get(Outcome.PENDING, 0)
        return sum(outcome is Outcome.PENDING for outcome in store.reader.outcomes(only).values())

    # --- working on them ---

    async def _work(
        self,
        store: RunStore,
        pool: ClientPool,
        clients: dict[ModelConfig, Client],
        only: tuple[str, ...] | None,
    ) -> tuple[RunStatus, str]:
        """Work on the documents, and say how that ended."""
        # Here, as LangGraph takes half a second to load and a finished run does not need it.
        from graph.document_graph import DocumentGraph
        from graph.freezing import frozen_schema
        from graph.work import Work

        with contextlib.ExitStack() as others:
            reused = [others.enter_context(RunReader(folder)) for folder in self._plan.reuse]
            client_for = self._ledgers(store, clients, reused)
            team = assemble(self._job, client_for)
            pool.listener = partial(store.add_event, CONNECTIONS)
            self.progress.pool = pool
            try:
                shared = await frozen_schema(self._job, store, team, self.progress)
            except StoppedError as error:
                return RunStatus.STOPPED, f"{error} {error.remedy}".strip()
            frozen, examples = shared or (None, None)
            graph = DocumentGraph(self._job, team, store.add_round, frozen=frozen, examples=examples)
            work = Work(
                store,
                graph,
                self.progress,
                self._job.limits,
                None if only is None else set(only),
                retry_on_error=self._job.run.retry_on_error,
            )
            pool.on_growth = work.begin
            with seldom_collecting():
                await work.run(lambda: pool.documents_in_flight)
        if work.too_many_failed:
            return RunStatus.FAILED, work.too_many_failed
        left = self._left(store, only)
        still = f"{left} of {self.progress.documents if only is None else len(only)} documents left"
        if work.stopped is not None:
            return RunStatus.STOPPED, f"{work.stopped} {work.stopped.remedy}".strip()
        if left and not work.enough:
            return RunStatus.STOPPED, still
        return RunStatus.DONE, f"{work.enough}; {still}" if left else ""

    def _ledgers(
        self, store: RunStore, clients: dict[ModelConfig, Client], reused: Sequence[RunReader]
    ) -> Callable[[ModelConfig], Client]:
        ledgers: dict[int, Client] = {}

        def client_for(config: ModelConfig) -> Client:
            plain = clients[config]
            return ledgers.setdefault(id(plain), Counted(Ledger(plain, store, reused), self.progress))

        return client_for


def _first_read(
    documents: Iterator[Document | Unreadable | LeftOut],
) -> Iterator[Document | Unreadable | LeftOut]:
    """The same documents with the first one read already: a source without any is an error before the run."""
    first = list(islice(documents, 1))
    return chain(first, documents)
