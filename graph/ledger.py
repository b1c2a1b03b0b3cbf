"""The ledger: every model call is recorded before it is sent, and an answer once paid for is used again.

`Ledger` stands between the agents and a client and is itself a client. A call is known by a hash of what
determines its answer. Answers come from the run's database where it has one for that hash; all others are
written there before the agent sees them, so that neither Ctrl-C nor SIGKILL loses a finished call.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol
from weakref import WeakKeyDictionary

from pydantic import ValidationError

from agents.llm.client import (
    AnswerT,
    AnyAnswer,
    CallFailedError,
    CallStoppedError,
    Client,
    ModelIdentity,
    Reply,
    Request,
    answer_checks,
    form_of,
)
from graph.store.records import CallStatus, ClosedCall, OpenedCall, StoredAnswer


class CallLog(Protocol):
    """Where calls are recorded; `graph.store.store.RunStore` is one."""

    async def open_call(self, call: OpenedCall) -> str:
        """Record a call, durably, and return its id."""
        ...

    def close_call(self, call_id: str, closed: ClosedCall) -> None:
        """Record what became of it."""
        ...

    def add_replay(self, call: OpenedCall, answer: StoredAnswer) -> str:
        """Record that a stored answer was used."""
        ...

    def find_answer(self, key: str) -> StoredAnswer | None:
        """The stored answer to a call of this key."""
        ...

    def bad_answers(self, key: str) -> int:
        """How often such a call was answered with nothing usable."""
        ...

    async def flush(self) -> None:
        """Return when all that was recorded is durable."""
        ...


class AnswerSource(Protocol):
    """Another run, whose answers may be used; `graph.store.reading.RunReader` is one."""

    folder: Path

    def find_answer(self, key: str) -> StoredAnswer | None:
        """Its answer to a call of this key."""
        ...


class Ledger:
    """A client whose calls are recorded, and which never sends one twice that was answered before.

    Of equal requests at the same time one is sent; the others wait for its answer.
    """

    def __init__(self, client: Client, log: CallLog, others: Sequence[AnswerSource] = ()) -> None:
        """Put a ledger before a client.

        Args:
            client: Sends what has no answer yet.
            log: Where this run's calls are.
            others: Further runs that are looked into, in this order.
        """
        self._client = client
        self._log = log
        self._others = others
        self._in_flight: dict[str, asyncio.Event] = {}

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

    async def close(self) -> None:
        """Close the client; the log stays open, as others write to it."""
        await self._client.close()

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        """Answer from the ledger, or ask the model and record it.

        A replay has no attempts, hence no usage, and `Reply.replayed` is true. A stored answer is
        validated with the checks of this request; one that fails them is asked for anew.

        Raises:
            CallFailedError: No usable answer.
            CallStoppedError: The run has to stop.
            StoreError: The call could not be recorded; it was not sent, or its answer is lost.
        """
        call = self._describe(request)
        while (earlier := self._in_flight.get(call.key)) is not None:
            await earlier.wait()
        done = self._in_flight[call.key] = asyncio.Event()
        try:
            return self._replay(request, call) or await self._send(request, call)
        finally:
            del self._in_flight[call.key]
            done.set()

    def _replay(self, request: Request[AnswerT], call: OpenedCall) -> Reply[AnswerT] | None:
        for stored in self._answers(call.key):
            answer = _validated(request, stored.answer)
            if answer is not None:
                self._log.add_replay(call, stored)
                return Reply(answer, (), replayed=True, read_from=stored.answer, choices=stored.choices)
        return None

    def _answers(self, key: str) -> Iterator[StoredAnswer]:
        if (own := self._log.find_answer(key)) is not None:
            yield own
        for other in self._others:
            if (stored := other.find_answer(key)) is not None:
                yield replace(stored, run=other.folder.name)

    async def _send(self, request: Request[AnswerT], call: OpenedCall) -> Reply[AnswerT]:
        # What was answered with nothing usable is not asked the same way again: with the same seed many
        # servers give the same answer.
        if bad := self._log.bad_answers(call.key):
            request.sampling = request.sampling.drawn_anew(bad)
            call = replace(call, sampling=request.sampling)
        call_id = await self._log.open_call(call)
        try:
            reply = await self._client.ask(request)
        except CallFailedError as error:
            closed = ClosedCall(CallStatus(error.fault.value), attempts=error.attempts, error=str(error))
            self._log.close_call(call_id, closed)
            raise
        except CallStoppedError as error:
            closed = ClosedCall(CallStatus.CANCELLED, attempts=error.attempts, error=str(error))
            self._log.close_call(call_id, closed)
            raise
        except asyncio.CancelledError:
            self._log.close_call(call_id, ClosedCall(CallStatus.CANCELLED, attempts=tuple(request.attempts)))
            raise
        except Exception as error:
            closed = ClosedCall(CallStatus.ERROR, attempts=tuple(request.attempts), error=repr(error))
            self._log.close_call(call_id, closed)
            raise
        # As a replay will say it: what an agent puts into its next question is then the same both times.
        reply.read_from = answer = _replayable(request, reply)
        closed = ClosedCall(CallStatus.ANSWERED, answer, reply.attempts, choices=reply.choices)
        self._log.close_call(call_id, closed)
        await self._log.flush()
        return reply

    def _describe(self, request: Request[AnswerT]) -> OpenedCall:
        schema = schema_hash(request.answer)
        return OpenedCall(
            key=call_key(request, self.identity, schema, with_grammar=self.takes_grammar),
            purpose=request.purpose,
            identity=self.identity,
            messages=request.messages,
            sampling=request.sampling,
            answer_name=request.answer.__name__,
            answer_schema=schema,
        )


def call_key(
    request: Request[AnswerT], identity: ModelIdentity, schema: str, *, with_grammar: bool = True
) -> str:
    """SHA-256 (hex) over all that determines the answer.

    That is the model and how structure is asked of it, sampling, the rendered messages, the answer's JSON
    schema, the grammar, the values whose probabilities are kept with the answer, and which of several equal
    samples it is. Not the document's id nor the round: equal text has equal answers.

    Args:
        request: The question.
        identity: Of the client that will be asked.
        schema: Hash of the answer's JSON schema (`schema_hash`).
        with_grammar: Whether the client takes the request's grammar.
    """
    content = [
        identity.model_dump(),
        request.sampling.model_dump(),
        [[message.role, message.text] for message in request.messages],
        schema,
        request.grammar if with_grammar else None,
        request.purpose.sample,
    ]
    if request.choices:
        content.append([list(request.choices)])
    # ASCII, so that lone surrogates cannot break it; lists and objects, so that no two contents run together.
    return hashlib.sha256(json.dumps(content, separators=(",", ":"), sort_keys=True).encode()).hexdigest()


_schema_hashes: WeakKeyDictionary[type[AnyAnswer], str] = WeakKeyDictionary()


def schema_hash(answer: type[AnyAnswer]) -> str:
    """Hash of a response model's JSON schema; computed once a class, as it takes milliseconds."""
    known = _schema_hashes.get(answer)
    if known is None:
        schema = json.dumps(form_of(answer), sort_keys=True)
        known = _schema_hashes[answer] = hashlib.blake2b(schema.encode(), digest_size=16).hexdigest()
    return known


def _validated(request: Request[AnswerT], answer: str) -> AnswerT | None:
    """The answer read from JSON under the request's checks, or None if it does not pass them."""
    token = answer_checks.set(request.checks)
    try:
        return request.answer.model_validate_json(answer)
    except ValidationError:
        return None
    finally:
        answer_checks.reset(token)


def _replayable(request: Request[AnswerT], reply: Reply[AnswerT]) -> str:
    """JSON from which validation makes this answer again.

    What the model wrote, where that will do: validators may change values on their way in, and are then
    not bound to take their own output. Else the answer as it came out of them.
    """
    if reply.read_from is not None:
        return reply.read_from
    raw = reply.attempts[-1].raw if reply.attempts else ""
    if raw and _validated(request, raw) == reply.answer:
        return raw
    return reply.answer.model_dump_json()
