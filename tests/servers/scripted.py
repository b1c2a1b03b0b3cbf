"""A real HTTP server on loopback that speaks the OpenAI and Anthropic wire formats by a script.

    with ScriptedServer([{"city": "Oslo"}, Fail(429)]) as server:
        ModelConfig(name="openai/scripted", base_url=server.openai_url)
        ModelConfig(name="anthropic/scripted", base_url=server.anthropic_url)

A script is a list, used up from the front, or a function of the call. What it gives is an answer object,
text, a `Say` with the details, or a fault: `Fail` (a status), `Garble` (HTTP without JSON), `Drop` (a lost
connection).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send


@dataclass(frozen=True)
class Say:
    """An answer with its details; `content` is an object (as the mode wants it) or raw text."""

    content: dict[str, Any] | str
    finish: str | None = None
    input_tokens: int = 100
    output_tokens: int = 20
    cached_tokens: int = 0
    delay: float = 0.0
    refusal: str | None = None


@dataclass(frozen=True)
class Fail:
    """An HTTP error in the provider's form."""

    status: int
    message: str = "scripted failure"
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0


@dataclass(frozen=True)
class Garble:
    """Status 200 with a body that is no JSON."""

    body: str = "<html>not a model</html>"
    content_type: str = "application/json"


@dataclass(frozen=True)
class Drop:
    """The connection is lost in the middle of the answer."""


Turn = dict[str, Any] | str | Say | Fail | Garble | Drop
Script = Callable[["Call"], Turn] | Sequence[Turn]


@dataclass(frozen=True)
class Call:
    """One request as it arrived."""

    provider: str
    body: dict[str, Any]
    headers: dict[str, str]
    at: float

    @property
    def texts(self) -> list[str]:
        """Text of the messages, system first."""
        system = self.body.get("system") or []
        messages = [_text(m["content"]) for m in self.body["messages"]]
        return ([_text(system)] if system else []) + messages

    @property
    def prompt(self) -> str:
        """All text of the request."""
        return "\n\n".join(self.texts)

    @property
    def document(self) -> str:
        """The document in the prompt: what stands between document tags, else the longest message."""
        inside = re.search(r"<document[^>]*>\n?(.*?)\n?</document", self.prompt, re.DOTALL)
        return inside.group(1) if inside else max(self.texts, key=len)

    @property
    def as_tool(self) -> bool:
        """Whether the answer is wanted as a tool call."""
        return bool(self.body.get("tools"))

    @property
    def schema(self) -> dict[str, Any] | None:
        """JSON schema of the answer; None where a grammar or nothing says what is wanted."""
        if self.as_tool:
            tool = self.body["tools"][0]
            return tool["input_schema"] if self.provider == "anthropic" else tool["function"]["parameters"]
        wanted = self.body.get("response_format") or {}
        if wanted.get("type") == "json_schema":
            return wanted["json_schema"]["schema"]
        told = re.search(r"fits this JSON schema, and nothing else:\n(\{.*\})", self.prompt)
        return json.loads(told.group(1)) if told else None


class ScriptedServer:
    """The server; a context manager. `calls` holds every request in order of arrival."""

    def __init__(self, script: Script, key: str | None = None) -> None:
        self.script = script
        self.key = key
        self.calls: list[Call] = []
        self._turns = itertools.count()
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        routes = [
            Route("/v1/chat/completions", self._openai, methods=["POST"]),
            Route("/v1/messages", self._anthropic, methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes),
            log_level="critical",
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._server.serve(sockets=[self._socket])), daemon=True
        )

    @property
    def url(self) -> str:
        """Address without a path."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    openai_url = property(lambda self: f"{self.url}/v1")
    anthropic_url = url

    def restart(self, script: Script, key: str | None) -> ScriptedServer:
        """Begin anew with another script; cheaper than another server."""
        self.script, self.key, self.calls, self._turns = script, key, [], itertools.count()
        return self

    @property
    def running(self) -> bool:
        """Whether it takes requests."""
        return self._server.started and not self._server.should_exit

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        while not self._server.started:
            time.sleep(0.005)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=10)
        self._socket.close()

    async def _openai(self, request: Request) -> Response:
        call, turn = await self._take("openai", request)
        return await self._respond(call, turn, _openai_answer, _openai_error)

    async def _anthropic(self, request: Request) -> Response:
        call, turn = await self._take("anthropic", request)
        return await self._respond(call, turn, _anthropic_answer, _anthropic_error)

    async def _take(self, provider: str, request: Request) -> tuple[Call, Turn]:
        call = Call(provider, await request.json(), dict(request.headers), time.perf_counter())
        self.calls.append(call)
        if callable(self.script):
            return call, self.script(call)
        number = next(self._turns)
        return call, self.script[number] if number < len(self.script) else Fail(400, "the script is used up")

    async def _respond(
        self,
        call: Call,
        turn: Turn,
        answer: Callable[[Call, Say], dict[str, Any]],
        error: Callable[[Fail], dict[str, Any]],
    ) -> Response:
        given = call.headers.get("authorization", call.headers.get("x-api-key", "")).removeprefix("Bearer ")
        if self.key is not None and given != self.key:
            turn = Fail(401, f"Incorrect API key provided: {given}")
        if isinstance(turn, Drop):
            return _Dropped()
        if isinstance(turn, Garble):
            return Response(turn.body, media_type=turn.content_type)
        if isinstance(turn, Fail):
            await asyncio.sleep(turn.delay)
            return JSONResponse(error(turn), turn.status, headers=turn.headers)
        say = turn if isinstance(turn, Say) else Say(turn)
        await asyncio.sleep(say.delay)
        return JSONResponse(answer(call, say))


class _Dropped(Response):
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"application/json"), (b"content-length", b"1000")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": False})


def _text(content: str | list[dict[str, Any]] | None) -> str:
    if isinstance(content, list):
        return "\n\n".join(part["text"] for part in content if part.get("type") == "text")
    return content or ""


def _as_json(content: dict[str, Any] | str) -> str:
    return content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)


def _openai_answer(call: Call, say: Say) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": None, "refusal": say.refusal}
    finish = "stop"
    if say.refusal is None and call.as_tool:
        function = {"name": call.body["tools"][0]["function"]["name"], "arguments": _as_json(say.content)}
        message["tool_calls"] = [{"id": "call_1", "type": "function", "function": function}]
        finish = "tool_calls"
    elif say.refusal is None:
        message["content"] = _as_json(say.content)
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": call.body["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": say.finish or finish}],
        "usage": {
            "prompt_tokens": say.input_tokens,
            "completion_tokens": say.output_tokens,
            "total_tokens": say.input_tokens + say.output_tokens,
            "prompt_tokens_details": {"cached_tokens": say.cached_tokens},
        },
    }


def _anthropic_answer(call: Call, say: Say) -> dict[str, Any]:
    if call.as_tool and isinstance(say.content, dict):
        block = {
            "type": "tool_use",
            "id": "toolu_1",
            "name": call.body["tools"][0]["name"],
            "input": say.content,
        }
    else:
        block = {"type": "text", "text": _as_json(say.content)}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": call.body["model"],
        "content": [block],
        "stop_reason": say.finish or ("tool_use" if block["type"] == "tool_use" else "end_turn"),
        "stop_sequence": None,
        "usage": {
            "input_tokens": say.input_tokens - say.cached_tokens,
            "output_tokens": say.output_tokens,
            "cache_read_input_tokens": say.cached_tokens,
            "cache_creation_input_tokens": 0,
        },
    }


def _openai_error(fail: Fail) -> dict[str, Any]:
    return {"error": {"message": fail.message, "type": "scripted_error", "param": None, "code": None}}


def _anthropic_error(fail: Fail) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "scripted_error", "message": fail.message}}


# --- a script that drives whole runs ---

_LEFT_EMPTY = ("remarks", "findings", "missing", "exclude", "contrast", "fields")
"""Lists that stay empty: an agreeable model objects to nothing and keeps things simple."""


def agreeable(call: Call) -> Turn:
    """Answer what is asked, validly and always alike: by its schema, with the document's words."""
    if "grammar" in call.body:  # of the forms grammars take, only that of `probe` is known here
        return {"quote": _words(call)[0]}
    schema = call.schema
    return "nothing was asked for" if schema is None else _Filler(call, schema).fill(schema, "")


def _words(call: Call) -> list[str]:
    return list(dict.fromkeys(re.findall(r"[^\W\d_]{4,}", call.document))) or ["Nothing"]


class _Filler:
    """Walks a JSON schema and makes a value that fits it and the task."""

    def __init__(self, call: Call, root: dict[str, Any]) -> None:
        task = call.texts[-1].rsplit("</document", 1)[-1]
        self._definitions = root.get("$defs", {})
        self._words = itertools.cycle(_words(call))
        self._numbered = re.findall(r'^(\d+)\. "', task, re.MULTILINE)
        self._classes = re.findall(r"^- ([A-Z]\w*):", task, re.MULTILINE)

    def fill(self, schema: dict[str, Any], name: str, index: int = 0) -> Any:
        if "$ref" in schema:
            return self.fill(self._definitions[schema["$ref"].rsplit("/", 1)[-1]], name, index)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return schema["enum"][0]
        for choice in ("anyOf", "oneOf", "allOf"):
            if choice in schema:
                options = [option for option in schema[choice] if option.get("type") != "null"]
                return self.fill(options[0], name, index)
        return getattr(self, f"_{schema.get('type', 'string')}")(schema, name, index)

    def _object(self, schema: dict[str, Any], name: str, index: int) -> dict[str, Any]:
        # In the order of the names: annotators see the classes in different orders and shall agree.
        properties = schema.get("properties", {})
        return {key: self.fill(properties[key], key, index) for key in sorted(properties)}

    def _array(self, schema: dict[str, Any], name: str, index: int) -> list[Any]:
        if name == "verdicts":
            count = len(self._numbered)
        elif name == "guidelines":
            count = len(self._classes)
        else:
            count = max(schema.get("minItems", 0), 0 if name in _LEFT_EMPTY else 2)
        count = min(count, schema.get("maxItems", count))
        return [self.fill(schema.get("items", {}), name, number) for number in range(count)]

    def _string(self, schema: dict[str, Any], name: str, index: int) -> str:
        if name == "name" and self._classes:
            return self._classes[index]
        word = next(self._words)
        text = word.title() if name == "name" else word
        return text[: schema.get("maxLength", len(text))]

    def _integer(self, schema: dict[str, Any], name: str, index: int) -> int:
        return index + 1

    def _number(self, schema: dict[str, Any], name: str, index: int) -> float:
        return float(schema.get("maximum", 1.0))

    def _boolean(self, schema: dict[str, Any], name: str, index: int) -> bool:
        return True

    def _null(self, schema: dict[str, Any], name: str, index: int) -> None:
        return None
