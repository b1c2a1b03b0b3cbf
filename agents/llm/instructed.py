"""`Client` on instructor: hosted models and servers, through the providers' own SDKs."""

from __future__ import annotations

import asyncio
import logging
from time import perf_counter
from typing import Any, cast

from agents.llm.answers import condensed, prepared
from agents.llm.client import (
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
from agents.llm.names import ResolvedModel
from agents.llm.wire import AnthropicWire, OpenAIWire, Sent, Wire, sent_requests

RE_ASKS = 2
"""How often an answer that does not validate is asked for again, with the error."""

SDK_RETRIES = 2
"""How often the SDK repeats a request after a lost connection, a 429 or a 5xx."""

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
        limit: asyncio.Semaphore,
        connections: int = 8,
        timeout: float = 600,
        retries: int = SDK_RETRIES,
        identity: ModelIdentity | None = None,
    ) -> None:
        """Prepare the connection; nothing is sent.

        Args:
            model: Which model, and how it is asked.
            key: Its key.
            limit: Bounds the requests at the same time; waiting for it is no part of a call's latency.
            connections: Size of the connection pool.
            timeout: Longest time of one request, in seconds.
            retries: The SDK's own repetitions.
            identity: Where it differs from what `model` says (local models).
        """
        import instructor.core  # noqa: F401  (takes a while, so here and not with the first question)

        wire = AnthropicWire if model.provider == "anthropic" else OpenAIWire
        self._wire: Wire = wire(model, key, connections=connections, timeout=timeout, retries=retries)
        self._model = model
        self._key = key
        self._limit = limit
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

    async def ask(self, request: Request[AnswerT]) -> Reply[AnswerT]:
        """Ask, validate, re-ask at most twice with the validation error.

        Raises:
            CallFailedError: No usable answer; its attempts are kept.
        """
        from instructor.core import Hooks, InstructorRetryException, retry_async
        from instructor.v2 import mode_registry

        call = _Call(self, request.attempts)
        hooks = Hooks()
        hooks.on("parse:error", call.refuse)

        async def create(**arguments: Any) -> Any:
            response = await call.create(**arguments)
            # Attempts have their tokens by now; instructor would sum them up in copies of its own.
            response.usage = None
            return response

        # What `instructor.patch` does, but for two steps: it looks for pictures in messages, and renders
        # messages, which hold documents, as Jinja templates when it is given a context.
        form, mode, provider = prepared(request.answer), self._wire.mode(request), self._wire.provider
        handlers = mode_registry.get_handlers(provider, mode)
        _, arguments = handlers.request_handler(response_model=form, kwargs=self._wire.arguments(request))
        checks = answer_checks.set(request.checks)
        try:
            answer = await retry_async(
                create,
                form,
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
        for trace in ("_raw_response", "_total_usage"):  # instructor's marks on the answer
            answer.__dict__.pop(trace, None)
        return Reply(cast(AnswerT, answer), tuple(call.attempts))

    async def close(self) -> None:
        """Release connections; the client cannot be used afterwards."""
        await self._wire.close()

    def _failed(self, call: _Call, cause: BaseException | None) -> CallFailedError | CallStoppedError:
        if isinstance(cause, CallFailedError | CallStoppedError):
            return cause
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

    def __init__(self, client: InstructedClient, attempts: list[Attempt]) -> None:
        self.attempts = attempts
        self._client = client

    async def create(self, **arguments: Any) -> Any:
        """What instructor takes for the SDK's create."""
        client = self._client
        if client._plain_sampling:
            arguments = _without_sampling(arguments)
        async with client._limit:
            try:
                return await self._send(arguments)
            except (CallFailedError, CallStoppedError):
                raise
            except Exception as error:
                if client._plain_sampling or not rejects_sampling(error, client._wire.sdk):
                    raise self._failed(error) from None
                self._failed(error)  # notes the reason at the attempt
                client._plain_sampling = True
            try:
                return await self._send(_without_sampling(arguments))
            except (CallFailedError, CallStoppedError):
                raise
            except Exception as error:
                raise self._failed(error) from None

    def refuse(self, error: Exception, **_: Any) -> None:
        """Say why the last attempt was not taken."""
        self.attempts[-1] = self.attempts[-1].model_copy(update={"error": condensed(error)})

    async def _send(self, arguments: dict[str, Any]) -> Any:
        sent: list[Sent] = []
        watch = sent_requests.set(sent)
        received = None
        try:
            response = await self._client._wire.create(**arguments)
            received = self._client._wire.read(response)
        finally:
            sent_requests.reset(watch)
            for request in sent if received is None else sent[:-1]:
                self._note("", None, Usage(), request.seconds, _no_answer(request))
        latency = perf_counter() - sent[-1].started
        self._note(received.raw, received.finish_reason, received.usage, latency, None)
        if received.fault is not None:
            self._raise_unusable(received.fault)
        return response

    def _note(
        self, raw: str, finish_reason: str | None, usage: Usage, latency: float, error: str | None
    ) -> None:
        self.attempts.append(
            Attempt(
                number=len(self.attempts) + 1,
                raw=raw,
                finish_reason=finish_reason,
                usage=usage,
                latency=latency,
                error=error,
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
        told = failure(error, client._wire.sdk, client._model.label, client._key)
        if self.attempts and self.attempts[-1].error is not None:
            self.attempts[-1] = self.attempts[-1].model_copy(update={"error": told.message})
        return CallFailedError(told.fault, told.message, tuple(self.attempts), told.remedy)


def _no_answer(request: Sent) -> str:
    return "no answer" if request.status is None else f"the server answered {request.status}"


def _without_sampling(arguments: dict[str, Any]) -> dict[str, Any]:
    settings = ("temperature", "top_p", "seed", "frequency_penalty")
    kept = {name: value for name, value in arguments.items() if name not in settings}
    if "extra_body" in kept:
        body = {k: v for k, v in kept["extra_body"].items() if k not in settings}
        kept["extra_body"] = body
    return kept
