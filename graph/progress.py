"""How far a run is: counters that displays read while it works."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass, field

from agents.llm.client import AnswerT, CallFailedError, Client, ModelIdentity, Reply, Request, Usage
from schemas.judgement import Outcome


@dataclass
class Progress:
    """Counters of a run, changed by the runner alone.

    Attributes:
        documents: Documents of the run, once they are read.
        outcomes: Documents that have ended, by outcome.
        calls: Calls that were answered or failed.
        replays: Calls answered from the ledger.
        in_flight: Calls under way.
        usage: Tokens of all attempts.
        started: When the run began, in seconds of `time.monotonic`.
        stopping: Whether no new documents are begun.
    """

    documents: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    calls: int = 0
    replays: int = 0
    in_flight: int = 0
    usage: Usage = field(default_factory=Usage)
    started: float = field(default_factory=time.monotonic)
    stopping: bool = False

    @property
    def done(self) -> int:
        """Documents that have ended."""
        return self.outcomes.total()

    @property
    def seconds(self) -> float:
        """Seconds since the run began."""
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

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        """Ask, and count.

        Raises:
            CallFailedError: No usable answer.
        """
        progress = self._progress
        progress.in_flight += 1
        try:
            reply = await self._client.ask(request)
        except CallFailedError as error:
            progress.calls += 1
            progress.usage += sum((attempt.usage for attempt in error.attempts), Usage())
            raise
        finally:
            progress.in_flight -= 1
        if reply.replayed:
            progress.replays += 1
        else:
            progress.calls += 1
            progress.usage += reply.usage
        return reply

    async def close(self) -> None:
        """Close the client."""
        await self._client.close()
