"""`Client` on instructor: hosted models and servers, through the providers' own SDKs."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import Any, cast

from agents.llm.answers import Form, answer_in_hand, condensed, object_within, reader, tool_of
from agents.llm.client import (
    GIVEN_UP,
    AnswerT,
    Attempt,
    CallFailedError,
    CallFault,
    CallStoppedError,
    ModelIdentity,
    Reply,
    Request,
    Usage,
    answer_checks,
)
from agents.llm.faults import failure, rejects_sampling
from agents.llm.flow import Flow, Repetition
from agents.llm.meter import Meter, Reservation
from agents.llm.names import ResolvedModel
from agents.llm.setbacks import setback, was_refused
from agents.llm.wire import NOTHING, AnthropicWire, OpenAIWire, Received, Timeouts, Wire

RE_ASKS = 2
"""How often an answer that does not validate is asked for again, with the error."""

# instructor writes every failed call to this logger at level ERROR, with the answer in it; without a handler
# that ends on the user's terminal. Here failures are attempts and exceptions, so nothing is lost.
logging.getLogger("instructor.v2.retry").setLevel(logging.CRITICAL + 1)


class InstructedClient:
    """Speaks to one model of a provider or a server."""

    def __init__(
        self,
        model: ResolvedModel,
        key: str,
        *,
        flow: Flow,
        connections: int = 8,
        timeouts: Timeouts | None = None,
        identity: ModelIdentity | None = None,
        meter: Meter | None = None,
    ) -> None:
        """Prepare the connection; nothing is sent.

        Args:
            model: Which model, and how it is asked.
            key: Its key.
            flow: Decides when a request is sent, and sent again; waiting for it is no part of its latency.
            connections: Size of the connection pool; at least the flow's greatest limit.
            timeouts: Longest times of one request.
            identity: Where it differs from what `model` says (local models).
            meter: Reserves what a request may take, and prices it; default: no limits, an unknown price.
        """
        import instructor.core  # noqa: F401  (takes a while, so here and not with the first question)

        wire = AnthropicWire if model.provider == "anthropic" else OpenAIWire
        self._timeouts = timeouts or Timeouts()
        self._wire: Wire = wire(model, key, connections=connections, timeouts=self._timeouts)
        self._model = model
        self._key = key
        self._flow = flow
        self._meter = meter or Meter()
        self._plain_sampling = False
        self._identity = identity or ModelIdentity(
            provider=model.provider,
            model=model.model,
            base_url=model.base_url,
            structured=model.structured + ("+grammar" if model.grounded else ""),
        )

    @property
    def identity(self) -> ModelIdentity:
        """What determines the answers."""
        return self._identity

    @property
    def takes_grammar(self) -> bool:
        """Whether `Request.grammar` constrains decoding."""
        return self._model.grounded

    @property
    def gives_probabilities(self) -> bool:
        """Whether it is told how likely `Request.choices` were."""
        return self._model.logprobs

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        """Ask, validate, re-ask at most twice with the validation error.

        Raises:
            CallFailedError: No usable answer; its attempts are kept.
            CallStoppedError: The run has to stop.
        """
        from instructor.core import Hooks, InstructorRetryException, retry_async
        from instructor.v2 import Mode, mode_registry

        call = _Call(self, request)
        hooks = Hooks()
        hooks.on("parse:error", call.refuse)

        # What `instructor.patch` does, but for two steps: it looks for pictures in messages, and renders
        # messages, which hold documents, as Jinja templates when it is given a context.
        mode, provider, asked = self._wire.mode(request), self._wire.provider, request.answer
        form: Any = tool_of(asked) if mode is Mode.TOOLS else Form(asked)
        handlers = mode_registry.get_handlers(provider, mode)
        _, arguments = handlers.request_handler(response_model=form, kwargs=self._wire.arguments(request))
        in_hand, checks = answer_in_hand.set(asked), answer_checks.set(request.checks)
        try:
            answer = await retry_async(
                call.create,
                reader(),
                (),
                arguments,
                max_retries=RE_ASKS,
                strict=False,
                mode=mode,
                provider=provider,
                hooks=hooks,
            )
        except InstructorRetryException as error:
            raise self._failed(call, error.__cause__) from None
        finally:
            answer_checks.reset(checks)
            answer_in_hand.reset(in_hand)
        for trace in ("_raw_response", "_total_usage"):  # instructor's marks on the answer
            answer.__dict__.pop(trace, None)
        read_from = str(object_within(call.attempts[-1].raw))
        return Reply(cast(AnswerT, answer), tuple(call.attempts), read_from=read_from)

    async def close(self) -> None:
        """Release connections; the client cannot be used afterwards."""
        await self._wire.close()

    def _failed(self, call: _Call, cause: BaseException | None) -> CallFailedError | CallStoppedError:
        if isinstance(cause, CallFailedError | CallStoppedError):
            return cause
        if isinstance(cause, Exception):  # instructor tells `refuse` only of what it asks again for
            call.refuse(cause)
        reason = condensed(cause) if isinstance(cause, Exception) else "unknown"
        return CallFailedError(
            CallFault.INVALID,
            f"The answer of {self._model.label} did not fit what was asked, {len(call.attempts)} times; "
            f"at last: {reason}",
            tuple(call.attempts),
            "Use a larger model, or a server that enforces JSON schemas.",
        )


class _Call:
    """One question on its way: sends it, and keeps every attempt, good or not."""

    def __init__(self, client: InstructedClient, request: Request[Any]) -> None:
        self.attempts = request.attempts
        self._choices = request.choices
        self._client = client

    async def create(self, **arguments: Any) -> Any:
        """What instructor takes for the SDK's create: sends, and repeats what had a setback."""
        client = self._client
        repetition = Repetition(client._flow)
        plain = client._plain_sampling
        try:
            while True:
                sent = _without_sampling(arguments) if plain else arguments
                ticket, reservation = await self._let_in(repetition, sent)
                try:
                    response = await self._send(sent, ticket, reservation)
                    # Only now is it known that they were the reason, and not what the document says of them.
                    client._plain_sampling = client._plain_sampling or plain
                    return response
                except (CallFailedError, CallStoppedError):
                    raise
                except Exception as error:
                    failed = self._failed(error)
                    if not plain and rejects_sampling(error, client._wire.sdk):
                        plain = True
                        continue
                    following = repetition.after(ticket, setback(error, client._wire.sdk), failed)
                finally:
                    client._flow.leave()
                # Not while the SDK's exception is handled: it holds the request's headers.
                if isinstance(following, Exception):
                    raise following
                await asyncio.sleep(following)
        except CallStoppedError as stop:
            stop.attempts = tuple(self.attempts)
            raise

    async def _let_in(
        self, repetition: Repetition, arguments: dict[str, Any]
    ) -> tuple[int, Reservation | None]:
        """Wait until the request may be sent.

        First for its slot. What may be spent is reserved after that: only requests about to be sent then hold
        a reservation, and those that hold one need nothing more to get to their end and give it back.
        """
        flow, meter = self._client._flow, self._client._meter
        ticket = await flow.enter(again=repetition.begun)
        try:
            reservation = await meter.reserve(arguments)
            if flow.stopped:  # meanwhile
                meter.settle(reservation, Usage())
                raise flow.why_stopped()
        except BaseException:
            flow.leave()
            raise
        return ticket, reservation

    def refuse(self, error: Exception, **_: Any) -> None:
        """Say why the last attempt was not taken."""
        self.attempts[-1] = self.attempts[-1].model_copy(update={"error": condensed(error)})

    async def _send(self, arguments: dict[str, Any], ticket: int, reservation: Reservation | None) -> Any:
        client = self._client
        started = perf_counter()
        received, used = None, None
        try:
            async with asyncio.timeout(client._timeouts.whole):
                response = await client._wire.create(**arguments)
            received = client._wire.read(response, self._choices)
            used = received.usage if received.usage.input_tokens else None  # some servers count nothing
        except Exception as error:
            used = Usage() if was_refused(error, client._wire.sdk) else None
            raise
        finally:
            latency = perf_counter() - started
            client._meter.settle(reservation, used)
            if received is None:
                self._note(NOTHING, used, latency, GIVEN_UP)
        client._flow.answered(ticket, latency, received.usage.output_tokens)
        self._note(received, used, latency, None)
        if received.fault is not None:
            self._raise_unusable(received.fault)
        return response

    def _note(self, received: Received, used: Usage | None, latency: float, error: str | None) -> None:
        self.attempts.append(
            Attempt(
                number=len(self.attempts) + 1,
                raw=received.raw,
                finish_reason=received.finish_reason,
                usage=used or Usage(),
                cost=self._client._meter.cost(used),
                latency=latency,
                error=error,
                choices=received.choices,
            )
        )

    def _raise_unusable(self, fault: CallFault) -> None:
        label = self._client._model.label
        if fault is CallFault.TRUNCATED:
            message = f"The answer of {label} was cut off at its token limit."
            remedy = "Raise max_tokens; for a local model also `context`."
        else:
            message = f"{label} declined to answer."
            remedy = "Leave this document out, or use another model."
        self.attempts[-1] = self.attempts[-1].model_copy(update={"error": fault.value})
        raise CallFailedError(fault, message, tuple(self.attempts), remedy)

    def _failed(self, error: Exception) -> CallFailedError:
        client = self._client
        model = client._model
        told = failure(error, client._wire.sdk, model.label, client._key, model.key_env)
        self.attempts[-1] = self.attempts[-1].model_copy(update={"error": told.message})
        return CallFailedError(told.fault, told.message, tuple(self.attempts), told.remedy)


def _without_sampling(arguments: dict[str, Any]) -> dict[str, Any]:
    settings = ("temperature", "top_p", "seed", "frequency_penalty")
    kept = {name: value for name, value in arguments.items() if name not in settings}
    if "extra_body" in kept:
        body = {k: v for k, v in kept["extra_body"].items() if k not in settings}
        kept["extra_body"] = body
    return kept
