"""How far a run is: counters that displays read while it works."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from agents.llm.client import (
    AnswerT,
    Attempt,
    CallFailedError,
    CallStoppedError,
    Client,
    ModelIdentity,
    Reply,
    Request,
)
from agents.llm.factory import ClientPool
from graph.store.records import Totals
from schemas.judgement import Outcome


@dataclass
class Taken:
    """What calls took.

    Attributes:
        calls: That were answered, failed or given up.
        tokens: Of prompts and answers, all attempts.
        cost: USD of all attempts whose cost is known.
        unpriced: Calls whose cost is not known, or not all of it.
        priced: Answered calls whose cost is known.
    """

    calls: int = 0
    tokens: int = 0
    cost: float = 0.0
    unpriced: int = 0
    priced: int = 0

    def add(self, attempts: Sequence[Attempt]) -> None:
        """Count a call, if it was sent."""
        self.calls += bool(attempts)
        unpriced = priced = 0
        for attempt in attempts:
            tokens = attempt.usage.input_tokens + attempt.usage.output_tokens
            self.tokens += tokens
            if attempt.cost is None:
                unpriced = 1
            else:
                self.cost += attempt.cost
                priced |= tokens > 0
        self.unpriced += unpriced
        self.priced += priced


@dataclass
class Progress:
    """Counters of a run, changed by the runner alone.

    Attributes:
        documents: Documents of the run, once they are read, without those left out.
        outcomes: Documents that have ended, by outcome.
        taken: What this session's calls took.
        earlier: What those of earlier sessions took.
        done_earlier: Documents that had ended when this session began.
        replays: Calls answered from the ledger.
        working: Documents under way.
        stage: What is done before the first document is begun; empty from then on.
        started: When the session began, in seconds of `time.monotonic`.
        stopping: Whether no new documents are begun.
        pool: The clients, once the run has any.
    """

    documents: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    taken: Taken = field(default_factory=Taken)
    earlier: Taken = field(default_factory=Taken)
    done_earlier: int = 0
    replays: int = 0
    working: int = 0
    stage: str = ""
    started: float = field(default_factory=time.monotonic)
    stopping: bool = False
    pool: ClientPool | None = None

    def take_up(self, totals: Totals) -> None:
        """Go on from where earlier sessions of the run ended."""
        self.earlier = Taken(
            totals.calls,
            totals.input_tokens + totals.output_tokens,
            totals.cost,
            totals.unpriced,
            totals.priced,
        )
        self.done_earlier = self.done

    @property
    def in_flight(self) -> int:
        """Requests under way; calls that wait for a connection are not among them."""
        return self.pool.requests_in_flight if self.pool else 0

    @property
    def silence(self) -> tuple[float, str] | None:
        """For how many seconds a model has brought no answer, and what came instead; None if they answer."""
        return self.pool.silence if self.pool else None

    @property
    def done(self) -> int:
        """Documents that have ended; not those left out."""
        return self.outcomes.total() - self.outcomes[Outcome.SKIPPED]

    @property
    def done_now(self) -> int:
        """Documents that have ended in this session."""
        return self.done - self.done_earlier

    @property
    def cost(self) -> float:
        """USD of the run, as far as it is known."""
        return self.earlier.cost + self.taken.cost

    @property
    def projected_cost(self) -> float | None:
        """USD of the run once all its documents have ended, if they go on like those of this session.

        None before the first one has ended. Those under way count as half done, which they are on average.
        """
        if self.done_now <= 0:
            return None
        documents = self.done_now + self.working / 2
        left = self.documents - self.done - self.working / 2
        return self.cost + self.taken.cost / documents * max(0.0, left)

    @property
    def seconds(self) -> float:
        """Seconds since the session began."""
        return time.monotonic() - self.started


class Counted:
    """A client whose calls are counted."""

    def __init__(self, client: Client, progress: Progress) -> None:
        self._client = client
        self._progress = progress

    @property
    def identity(self) -> ModelIdentity:
        """What determines the answers."""
        return self._client.identity

    @property
    def takes_grammar(self) -> bool:
        """Whether `Request.grammar` constrains decoding."""
        return self._client.takes_grammar

    @property
    def gives_probabilities(self) -> bool:
        """Whether it is told how likely `Request.choices` were."""
        return self._client.gives_probabilities

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        """Ask, and count.

        Raises:
            CallFailedError: No usable answer.
        """
        progress = self._progress
        try:
            reply = await self._client.ask(request)
        except (CallFailedError, CallStoppedError) as error:
            progress.taken.add(error.attempts)
            raise
        except asyncio.CancelledError:
            progress.taken.add(request.attempts)
            raise
        if reply.replayed:
            progress.replays += 1
        else:
            progress.taken.add(reply.attempts)
        return reply

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()
