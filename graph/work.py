"""The documents of one session of a run, so many at a time, each to its one recorded end."""

from __future__ import annotations

import asyncio
import traceback
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator

from agents.llm.client import CallFailedError, CallFault
from graph.document_graph import DocumentGraph
from graph.progress import Progress
from graph.store.failures import failures_since_decided
from graph.store.records import COPIED_FROM_EXAMPLE, PendingDocument
from graph.store.store import RunStore
from schemas.errors import GuidexError, ModelUnavailableError, StoppedError
from schemas.judgement import Decision, Outcome, Scores
from schemas.limits import Limits

PASSING = frozenset(
    {
        CallFault.INVALID,
        CallFault.TIMEOUT,
        CallFault.CONNECTION,
        CallFault.RATE_LIMIT,
        CallFault.SERVER,
    }
)
"""Faults of a call that may well not happen again."""

_PAGE = 200
"""Documents read from the store at once."""


class Work:
    """Takes pending documents through the graph until there are none, or something ends it.

    Whatever happens to one document is recorded with it and does not touch the others. A document whose call
    could not be sent because the run has to stop stays pending; others in flight go on to their end.
    """

    def __init__(
        self,
        store: RunStore,
        graph: DocumentGraph,
        progress: Progress,
        limits: Limits,
        only: Collection[str] | None = None,
        *,
        retry_on_error: int = 0,
    ) -> None:
        """Describe the work.

        Args:
            store: Where the documents are, and where what comes of them goes.
            graph: Takes one document to its decision.
            progress: Counters to keep; no document is begun once it says `stopping`.
            limits: When enough is done, or too much has failed.
            only: Ids of the documents to work on; None for all.
            retry_on_error: How often a document is tried again, behind all others, if it failed for a reason
                that may pass. Until then it is pending, so that a run that stops or dies before tries it
                when it is taken up again. Its finished calls answer from the ledger.
        """
        self._store = store
        self._graph = graph
        self._progress = progress
        self._limits = limits
        self._pending = _pending(store, only)
        self._retry_on_error = retry_on_error
        self._failures = Counter(failures_since_decided(store.reader))
        self._again: deque[tuple[PendingDocument, Decision]] = deque()
        """Documents to be tried again, each with the decision if they are not."""
        self._candidates = len(store.reader.document_ids([o for o in Outcome if o is not Outcome.PENDING]))
        self._wanted: Callable[[], int] = lambda: 1
        self._group: asyncio.TaskGroup | None = None
        self.stopped: StoppedError | None = None
        """Why the run had to stop: a limit was reached, a server is down."""

    async def run(self, documents_in_flight: Callable[[], int]) -> None:
        """Work on as many documents at a time as are worth it.

        Args:
            documents_in_flight: Says how many those are at present; asked whenever one has ended, and by
                `begin`.

        Raises:
            ModelUnavailableError: A model refuses the key or the name; no document would fare better.
            StoreError: What comes of the documents cannot be recorded.
        """
        self._wanted = documents_in_flight
        try:
            async with asyncio.TaskGroup() as self._group:
                self.begin()
            if self.enough or self.too_many_failed:
                await self._give_up()
        except BaseExceptionGroup as several:
            # What stops one worker stops them all, for the same reason; the first one says it.
            raise several.exceptions[0] from several
        finally:
            self._group = None

    def begin(self) -> None:
        """Begin more documents if more are worth working on than a moment ago."""
        while self._group is not None and self._progress.working < self._wanted():
            self._progress.working += 1
            self._group.create_task(self._worker())

    @property
    def enough(self) -> str:
        """Why no more documents are wanted; empty while they are."""
        accepted, limits = self._progress.outcomes[Outcome.ACCEPTED], self._limits
        if limits.target_accepted is not None and accepted >= limits.target_accepted:
            return f"{accepted} accepted, {limits.target_accepted} wanted"
        if not self._admits_candidates and not self._again:
            return f"{self._candidates} worked on, {limits.max_candidates} allowed"
        return ""

    @property
    def _admits_candidates(self) -> bool:
        most = self._limits.max_candidates
        return most is None or self._candidates < most

    @property
    def too_many_failed(self) -> str:
        """Why the run has failed as a whole; empty while it has not."""
        failed = self._progress.outcomes[Outcome.FAILED] + len(self._again)
        return self._limits.too_many_failed(failed, self._progress.documents)

    async def _worker(self) -> None:
        progress = self._progress
        try:
            while not (progress.stopping or self.enough or self.too_many_failed):
                following = self._next() if progress.working <= self._wanted() else None
                if following is None:
                    return
                await self._one(following)
        except BaseException:
            self._group = None  # it ends, and takes nobody any more
            raise
        finally:
            progress.working -= 1

    def _next(self) -> PendingDocument | None:
        """The next document; behind the last, one that has failed for a passing reason."""
        following = next(self._pending, None) if self._admits_candidates else None
        if following is not None:
            self._candidates += 1
        elif self._again:
            following, _ = self._again.popleft()
        return following

    async def _give_up(self) -> None:
        """Fail the documents that were to be tried again: nothing is tried any more, now or later."""
        while self._again:
            pending, decision = self._again.popleft()
            await self._end(pending.document.id, decision)

    async def _one(self, pending: PendingDocument) -> None:
        """Take one document to its end; only what concerns the whole run is raised."""
        document, scores = pending.document, None
        try:
            decision, kept, copied = await self._graph.run(document, draw=pending.draw)
            scores = kept.scores
            if copied:
                about = {"document_id": document.id, "classes": copied}
                self._store.add_event(COPIED_FROM_EXAMPLE, ", ".join(copied), about)
        except CallFailedError as error:
            agent = error.agent.value if error.agent else "model"
            if error.fault is CallFault.REFUSED:  # by key or name: no document would fare better
                raise ModelUnavailableError(str(error), error.remedy) from error
            self._store.add_failure(document.id, agent, error.fault.value, str(error))
            decision = Decision(outcome=Outcome.FAILED, reason=f"{agent}: {error.fault.value}: {error}")
            self._failures[document.id] += 1
            if error.fault in PASSING and self._failures[document.id] <= self._retry_on_error:
                await self._store.flush()  # whoever tries again looks up how the calls ended
                self._again.append((pending, decision))
                return
        except StoppedError as error:
            self.stopped = self.stopped or error
            self._progress.stopping = True
            return
        except GuidexError:
            raise
        except Exception as error:
            # A fault of ours: the document is failed with its trace kept, and the others go on.
            self._store.add_failure(document.id, "guidex", type(error).__name__, str(error) or repr(error))
            self._store.add_event("fault", traceback.format_exc(), {"document_id": document.id})
            decision = Decision(outcome=Outcome.FAILED, reason=f"fault of GuideX: {type(error).__name__}")
        await self._end(document.id, decision, scores)

    async def _end(self, document_id: str, decision: Decision, scores: Scores | None = None) -> None:
        self._store.decide(document_id, decision, scores)
        await self._store.flush()
        self._progress.outcomes[decision.outcome] += 1


def _pending(store: RunStore, only: Collection[str] | None) -> Iterator[PendingDocument]:
    """Pending documents in order, read as they are wanted."""
    after = -1
    while page := store.reader.pending(after, _PAGE):
        after = page[-1].position
        yield from (item for item in page if only is None or item.document.id in only)
