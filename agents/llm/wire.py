"""The two wire formats: how a question is written for each, and how its answer is read.

Messages become requests so that what several agents share stays byte-identical and first: nothing is added
to the system message, and what differs by answer (the schema, where a server has to be told it in words) goes
last.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple, Protocol

from pydantic import Field, ValidationError
from pydantic_core import to_json

from agents.llm.choices import ALTERNATIVES, Choice, choices_in, tokens_of
from agents.llm.client import AnyAnswer, CallFault, Message, Request, Usage, form_of
from agents.llm.names import ResolvedModel
from schemas.base import Model

CACHE_MARKS = 3
"""Anthropic takes four cache marks a request; one is kept for the system text."""

LONG_SYSTEM = 4000
"""Characters from which marking a system text is worth it: Anthropic caches from about 1,024 tokens."""


class Timeouts(NamedTuple):
    """Longest times of a request, in seconds. Waiting until it may be sent is no part of any."""

    connect: float = 30.0
    """Until there is a connection."""
    read: float = 600.0
    """Of silence; a server is silent until its answer is complete."""
    whole: float = 600.0
    """From sending to the whole answer; kept by whoever sends."""


class Received(Model):
    """An answer before validation."""

    raw: str = Field(description="Its text, or JSON of the tool call.")
    finish_reason: str | None = Field(description="As the provider names it.")
    usage: Usage = Field(description="Its tokens; none if the server counts nothing.")
    fault: CallFault | None = Field(default=None, description="Why nobody can use it, whatever it says.")
    choices: tuple[Choice, ...] = Field(default=(), description="How likely the values asked about were.")


NOTHING = Received(raw="", finish_reason=None, usage=Usage())
"""Of a request that was given up."""


class Wire(Protocol):
    """A provider's format over its SDK, which instructor knows as `provider`."""

    sdk: ModuleType
    provider: Any

    def mode(self, request: Request[Any]) -> Any:
        """How instructor asks for the structure of a question's answer."""

    def arguments(self, request: Request[Any]) -> dict[str, Any]:
        """Keyword arguments of the SDK's create, without the answer's structure."""

    async def create(self, **arguments: Any) -> Any:
        """Send one request."""

    def read(self, response: Any, permitted: Sequence[str] = ()) -> Received:
        """What came back, with the probabilities of the permitted values where the server says them."""

    async def close(self) -> None:
        """Close the connections."""


class OpenAIWire:
    """The format of `/v1/chat/completions`."""

    def __init__(self, model: ResolvedModel, key: str, *, connections: int, timeouts: Timeouts) -> None:
        import httpx2
        import openai
        from instructor import Provider
        from openai.types.chat import ChatCompletion

        self.sdk: ModuleType = openai
        self.provider = Provider.OPENAI
        self._response = httpx2.Response
        self._completion = ChatCompletion
        self._model = model
        self._client = openai.AsyncOpenAI(
            api_key=key,
            base_url=model.base_url,
            max_retries=0,  # repeating is `agents.llm.flow`'s
            http_client=_http_client(openai, connections, timeouts, model.provider == "local"),
        )

    def mode(self, request: Request[Any]) -> Any:
        """See `Wire`: tools or a JSON schema."""
        from instructor import Mode

        as_tools = self._model.structured == "tools" and not self._grammar(request)
        return Mode.TOOLS if as_tools else Mode.JSON_SCHEMA

    def arguments(self, request: Request[Any]) -> dict[str, Any]:
        """See `Wire`."""
        messages = [{"role": m.role, "content": sendable(m.text)} for m in request.messages]
        grammar = self._grammar(request)
        if self._model.structured == "json" and not grammar:
            messages[-1]["content"] += _schema_in_words(request.answer)
        # The provider's own service has renamed the limit; servers of the same format know the old name.
        limit = "max_tokens" if self._model.base_url else "max_completion_tokens"
        arguments: dict[str, Any] = {
            "model": self._model.model,
            "messages": messages,
            "temperature": request.sampling.temperature,
            limit: request.sampling.max_tokens,
        }
        if request.sampling.top_p is not None:
            arguments["top_p"] = request.sampling.top_p
        if request.sampling.frequency_penalty is not None:
            arguments["frequency_penalty"] = request.sampling.frequency_penalty
        if request.sampling.seed is not None:
            arguments["seed"] = request.sampling.seed
        if request.choices and self._model.logprobs:
            arguments |= {"logprobs": True, "top_logprobs": ALTERNATIVES}
        if grammar:
            arguments["extra_body"] = {"grammar": grammar}
        return arguments

    async def create(self, **arguments: Any) -> Any:
        """See `Wire`."""
        beside = arguments.pop("extra_body", None)
        if beside is not None:
            # A server holds an answer to one constraint; the grammar is the stricter.
            arguments.pop("response_format", None)
            arguments |= beside
        elif self._model.structured == "json":
            arguments["response_format"] = {"type": "json_object"}
        # `chat.completions.create` walks the whole request, the answer's schema included, for values to
        # convert, and `post` copies and writes it in Python. Here all are JSON already, and that would cost
        # as much as sending.
        try:
            content = to_json(arguments)
        except ValueError:  # an answer that is sent back with what was wrong with it may hold anything
            content = to_json(_all_sendable(arguments))
        response = await self._client.post(
            "/chat/completions",
            cast_to=self._response,
            content=content,
            options={"security": {"bearer_auth": True}},
        )
        try:
            completion = self._completion.model_validate_json(response.content)
        except ValidationError:  # the SDK's own way takes longer, and takes what is not quite of the format
            completion = self._completion.construct(**response.json())
        message = completion.choices[0].message
        message.refusal = message.refusal or None  # to instructor, an empty one is a refusal
        return completion

    def read(self, response: Any, permitted: Sequence[str] = ()) -> Received:
        """See `Wire`."""
        choice = response.choices[0]
        message = choice.message
        calls = message.tool_calls or []
        raw = _written(calls[0].function.arguments if calls else message.content or message.refusal)
        details = response.usage.prompt_tokens_details if response.usage else None
        usage = (
            Usage(
                input_tokens=response.usage.prompt_tokens or 0,
                output_tokens=response.usage.completion_tokens or 0,
                cached_tokens=(details.cached_tokens or 0) if details else 0,
            )
            if response.usage
            else Usage()
        )
        fault = None
        if choice.finish_reason == "content_filter" or message.refusal:
            fault = CallFault.FILTERED
        elif choice.finish_reason == "length":
            fault = CallFault.TRUNCATED
        choices = choices_in(raw, tokens_of(choice.logprobs), permitted) if permitted else ()
        return Received(
            raw=raw, finish_reason=choice.finish_reason, usage=usage, fault=fault, choices=choices
        )

    async def close(self) -> None:
        """See `Wire`."""
        await self._client.close()

    def _grammar(self, request: Request[Any]) -> str | None:
        return request.grammar if self._model.grounded else None


class AnthropicWire:
    """The format of `/v1/messages`."""

    def __init__(self, model: ResolvedModel, key: str, *, connections: int, timeouts: Timeouts) -> None:
        import anthropic
        from instructor import Provider

        self.sdk: ModuleType = anthropic
        self.provider = Provider.ANTHROPIC
        self._model = model
        self._client = anthropic.AsyncAnthropic(
            api_key=key,
            base_url=model.base_url,
            max_retries=0,  # repeating is `agents.llm.flow`'s
            http_client=_http_client(anthropic, connections, timeouts, False),
        )

    def mode(self, request: Request[Any]) -> Any:
        """See `Wire`: tools or a JSON schema."""
        from instructor import Mode

        return Mode.TOOLS

    def arguments(self, request: Request[Any]) -> dict[str, Any]:
        """See `Wire`."""
        system = [sendable(m.text) for m in request.messages if m.role == "system"]
        others = [m for m in request.messages if m.role != "system"]
        first = next((m for m in others if m.role == "user"), None)
        # What was said up to the last answer of a conversation stands in its next question too.
        answer = next((m for m in reversed(others) if m.role == "assistant"), None)
        marks = {id(first): CACHE_MARKS if answer is None else CACHE_MARKS - 1}
        # The SDK has dropped sampling settings, which its newest models refuse; older ones and compatible
        # servers still take them.
        sampling: dict[str, Any] = {"temperature": min(request.sampling.temperature, 1.0)}
        if request.sampling.top_p is not None:
            sampling["top_p"] = request.sampling.top_p
        arguments: dict[str, Any] = {
            "model": self._model.model,
            "max_tokens": request.sampling.max_tokens,
            "messages": [
                {"role": m.role, "content": _blocks(m, marks.get(id(m), 0), to_its_end=m is answer)}
                for m in others
            ],
            "extra_body": sampling,
        }
        if system:
            text = "\n\n".join(system)
            arguments["system"] = [_block(text, cached=len(text) >= LONG_SYSTEM)]
        return arguments

    async def create(self, **arguments: Any) -> Any:
        """See `Wire`."""
        try:
            return await self._client.messages.create(**arguments)
        except UnicodeEncodeError:  # see `OpenAIWire.create`; nothing was sent
            return await self._client.messages.create(**_all_sendable(arguments))

    def read(self, response: Any, permitted: Sequence[str] = ()) -> Received:
        """See `Wire`; this format has no probabilities."""
        tools = [block.input for block in response.content if block.type == "tool_use"]
        texts = [block.text for block in response.content if block.type == "text"]
        raw = _written(tools[0]) if tools else "".join(texts)
        used, usage = response.usage, Usage()
        if used is not None:
            cached = used.cache_read_input_tokens or 0
            written = used.cache_creation_input_tokens or 0
            usage = Usage(
                input_tokens=(used.input_tokens or 0) + cached + written,
                output_tokens=used.output_tokens or 0,
                cached_tokens=cached,
                written_tokens=written,
            )
        fault = None
        if response.stop_reason == "refusal":
            fault = CallFault.FILTERED
        elif response.stop_reason in ("max_tokens", "model_context_window_exceeded"):
            fault = CallFault.TRUNCATED
        return Received(raw=raw, finish_reason=response.stop_reason, usage=usage, fault=fault)

    async def close(self) -> None:
        """See `Wire`."""
        await self._client.close()


def sendable(text: str) -> str:
    """A text as UTF-8 can carry it: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _all_sendable(arguments: dict[str, Any]) -> dict[str, Any]:
    sent: dict[str, Any] = json.loads(sendable(json.dumps(arguments, ensure_ascii=False)))
    return sent


def _written(answer: Any) -> Any:
    """An answer as text; some servers give the arguments of a tool as an object."""
    return json.dumps(answer, ensure_ascii=False) if isinstance(answer, Mapping) else answer or ""


def _block(text: str, cached: bool) -> dict[str, Any]:
    block: dict[str, Any] = {"type": "text", "text": text}
    return block | {"cache_control": {"type": "ephemeral"}} if cached else block


def _blocks(message: Message, marks: int, *, to_its_end: bool) -> list[dict[str, Any]]:
    """A message's parts; what is cached ends with so many before the role's own text, or with the last."""
    last = len(message.parts) - 1
    return [
        _block(sendable(part), cached=last - marks <= number < last or (to_its_end and number == last))
        for number, part in enumerate(message.parts)
    ]


def _schema_in_words(answer: type[AnyAnswer]) -> str:
    schema = json.dumps(form_of(answer), ensure_ascii=False)
    return f"\n\nAnswer with one JSON object that fits this JSON schema, and nothing else:\n{schema}"


def _http_client(sdk: ModuleType, connections: int, timeouts: Timeouts, loopback: bool) -> Any:
    """A pooled client; over aiohttp where it is installed, which is faster with many connections."""
    import httpx2

    settings: dict[str, Any] = {
        "timeout": httpx2.Timeout(timeouts.read, connect=timeouts.connect, pool=timeouts.connect),
        "limits": httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
        # A proxy of the environment has no business between this process and itself.
        "trust_env": not loopback,
    }
    try:
        return sdk.DefaultAioHttpClient(**settings)
    except RuntimeError:  # aiohttp is not installed
        return sdk.DefaultAsyncHttpxClient(**settings)
