"""A real HTTP server on loopback that speaks the OpenAI and Anthropic wire formats by a script.

    with ScriptedServer([{"city": "Oslo"}, Fail(429)]) as server:
        ModelConfig(name="openai/scripted", base_url=server.openai_url)
        ModelConfig(name="anthropic/scripted", base_url=server.anthropic_url)

A script is a list, used up from the front, or a function of the call. What it gives is an answer object,
text, a `Say` with the details, or a fault: `Fail` (a status), `Garble` (HTTP without JSON), `Drop` (a lost
connection). `servers.faults` makes any script faulty by seed; `python -m servers` is the same server as a
process of its own.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from servers.agreement import agreeable, thorough
from servers.turns import Call, Drop, Fail, Garble, Say, Script, Turn
from servers.wire import FORMATS, Format

__all__ = [
    "Call",
    "Drop",
    "Fail",
    "Garble",
    "Say",
    "Script",
    "ScriptedServer",
    "Turn",
    "agreeable",
    "thorough",
]

Page = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Speaking:
    """The server without a socket: what it answers to a request.

    Attributes:
        script: What it says.
        key: The API key it wants; None for any.
        pages: Further paths it serves.
    """

    def __init__(
        self, script: Script, key: str | None = None, pages: Mapping[str, Page] | None = None
    ) -> None:
        self.script, self.key = script, key
        self.pages = pages or {}
        self._turns = itertools.count()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        spoken = FORMATS.get(request.path) if request.method == "POST" else None
        if spoken is None:
            page = self.pages.get(request.path)
            return web.Response(status=404) if page is None else await page(request)
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(spoken.provider, await request.content.read(), headers, time.perf_counter())
        return await self._respond(request, call, self.turn(call), spoken)

    def turn(self, call: Call) -> Turn:
        """What the script says to a call."""
        if callable(self.script):
            return self.script(call)
        number = next(self._turns)
        return self.script[number] if number < len(self.script) else Fail(400, "the script is used up")

    async def _respond(
        self, request: web.BaseRequest, call: Call, turn: Turn, spoken: Format
    ) -> web.StreamResponse:
        given = call.headers.get("authorization", call.headers.get("x-api-key", "")).removeprefix("Bearer ")
        if self.key is not None and given != self.key:
            turn = Fail(401, f"Incorrect API key provided: {given}")
        if isinstance(turn, dict | str):
            turn = Say(turn)
        if turn.delay:
            await asyncio.sleep(turn.delay)
        if isinstance(turn, Drop):
            return await _dropped(request)
        if isinstance(turn, Garble):
            return web.Response(text=turn.body, content_type=turn.content_type)
        if isinstance(turn, Fail):
            return _json(spoken.error(turn), turn.status, turn.headers)
        return _json(spoken.answer(call, turn))


def _json(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
    return web.Response(body=body, status=status, headers=headers, content_type="application/json")


async def _dropped(request: web.BaseRequest) -> web.StreamResponse:
    response = web.StreamResponse(headers={"content-type": "application/json", "content-length": "1000"})
    await response.prepare(request)
    await response.write(b"{")
    if request.transport is not None:
        request.transport.close()
    return response


@asynccontextmanager
async def serving(speaking: Speaking, listening: socket.socket) -> AsyncIterator[None]:
    """The server on a bound socket, in the running event loop."""
    runner = web.ServerRunner(web.Server(speaking, access_log=None), shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, listening, backlog=2048).start()
        yield
    finally:
        await runner.cleanup()


class ScriptedServer(Speaking):
    """The server in a thread; a context manager. `calls` holds every request in order of arrival."""

    def __init__(self, script: Script, key: str | None = None) -> None:
        super().__init__(script, key)
        self.calls: list[Call] = []
        self._socket = socket.socket()
        self._socket.bind(("127.0.0.1", 0))
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended = asyncio.Event()
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    @property
    def url(self) -> str:
        """Address without a path."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    openai_url = property(lambda self: f"{self.url}/v1")
    anthropic_url = url

    def turn(self, call: Call) -> Turn:
        """What the script says to a call, which is kept."""
        self.calls.append(call)
        return super().turn(call)

    def restart(self, script: Script, key: str | None) -> ScriptedServer:
        """Begin anew with another script; cheaper than another server."""
        self.script, self.key, self.calls, self._turns = script, key, [], itertools.count()
        return self

    @property
    def running(self) -> bool:
        """Whether it takes requests."""
        return self._started.is_set() and self._thread.is_alive()

    def __enter__(self) -> ScriptedServer:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, *_: object) -> None:
        if self._thread.is_alive() and self._loop is not None:
            self._loop.call_soon_threadsafe(self._ended.set)
        self._thread.join(timeout=10)
        self._socket.close()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        async with serving(self, self._socket):
            self._started.set()
            await self._ended.wait()
