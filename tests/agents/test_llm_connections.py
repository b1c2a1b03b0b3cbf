"""Connections to models: shared by who asks the same one, apart from others; pooled; timed for themselves."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import openai
import pytest
from asking import BOTH, KEY, Asker, question
from servers.scripted import Call, Fail, Say, ScriptedServer, Turn

from agents.llm.client import CallStoppedError, Client
from agents.llm.factory import ClientPool
from schemas.job import ModelConfig
from schemas.machine import RunConfig

CITY = {"city": "Oslo"}


@pytest.fixture
async def pool(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[ClientPool]:
    monkeypatch.setenv("TEST_KEY", KEY)
    made = ClientPool(RunConfig(max_connections=1, timeout=20))
    yield made
    await made.close()


def client_of(pool: ClientPool, server: ScriptedServer, name: str = "openai/one", **settings: Any) -> Client:
    return pool.client_for(
        ModelConfig(name=name, base_url=server.openai_url, api_key_env="TEST_KEY", **settings)
    )


async def arrived(server: ScriptedServer, count: int) -> None:
    while len(server.calls) < count:
        await asyncio.sleep(0.005)


async def given_up(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        assert not task.done()
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


# --- one limit for each server and model ---


async def test_a_slot_is_one_of_the_model_however_it_is_asked(pool: ClientPool, scripted_server: Any) -> None:
    server = scripted_server(lambda call: Say(CITY, delay=5 if "slow" in call.prompt else 0))
    free, tools = client_of(pool, server), client_of(pool, server, structured="tools")
    assert free is not tools
    slow = asyncio.create_task(free.ask(question(document="slow")))
    await arrived(server, 1)
    waiting = asyncio.create_task(tools.ask(question()))
    other = client_of(pool, server, "openai/another")
    assert (await other.ask(question())).answer.city == "Oslo"
    assert len(server.calls) == 2  # the other model's, and the slow one
    await given_up(slow, waiting)
    assert (await tools.ask(question())).answer.city == "Oslo"


async def test_a_model_that_wants_a_pause_holds_up_no_other(pool: ClientPool, scripted_server: Any) -> None:
    def script(call: Call) -> Turn:
        return Fail(429, headers={"retry-after": "60"}) if call.body["model"] == "one" else CITY

    server = scripted_server(script)
    told: list[str] = []
    pool.listener = lambda message, data: told.append(message)
    refused = asyncio.create_task(client_of(pool, server).ask(question()))
    while not told:
        await asyncio.sleep(0.005)
    also = asyncio.create_task(client_of(pool, server, structured="tools").ask(question()))
    other = client_of(pool, server, "openai/another")
    for _ in range(3):
        assert (await other.ask(question())).answer.city == "Oslo"
    assert [call.body["model"] for call in server.calls] == ["one"] + ["another"] * 3
    await given_up(refused, also)


# --- timeouts ---


@BOTH
async def test_waiting_for_a_slot_may_take_longer_than_any_timeout(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server(lambda call: Say(CITY, delay=0.25))
    run = RunConfig(max_connections=1, timeout=1, read_timeout=1, connect_timeout=1)
    client = asker.client(provider, server, run)
    replies = await asyncio.gather(*(client.ask(question()) for _ in range(6)))
    assert [len(reply.attempts) for reply in replies] == [1] * 6


@pytest.fixture
def deaf() -> Iterator[int]:
    """The port of a server that takes no connection: its queue is full, and nobody looks into it."""
    with contextlib.ExitStack() as held:
        listening = held.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            caller = held.enter_context(socket.socket())
            caller.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                caller.connect(listening.getsockname())
        yield listening.getsockname()[1]


@BOTH
async def test_a_connection_that_does_not_come_about_has_a_timeout_of_its_own(
    provider: str, asker: Asker, deaf: int
) -> None:
    class Deaf:
        anthropic_url = f"http://127.0.0.1:{deaf}"
        openai_url = f"{anthropic_url}/v1"

    client = asker.client(provider, Deaf, RunConfig(connect_timeout=0.2, timeout=60, retries=0))
    with pytest.raises(CallStoppedError, match="No connection") as caught:
        await client.ask(question())
    (attempt,) = caught.value.attempts
    assert 0.15 < attempt.latency < 30


# --- the pool ---


class Counting(ScriptedServer):
    """Knows from how many connections its requests came."""

    def __init__(self) -> None:
        super().__init__(lambda call: Say(CITY, delay=0.01))
        self.peers: set[object] = set()

    async def __call__(self, request: Any) -> Any:
        self.peers.add(request.transport.get_extra_info("peername"))
        return await super().__call__(request)


@BOTH
@pytest.mark.parametrize("installed", [True, False])
async def test_connections_are_kept_and_fast_where_aiohttp_is_installed(
    provider: str, installed: bool, asker: Asker, monkeypatch: pytest.MonkeyPatch
) -> None:
    sdk, made = {"openai": openai, "anthropic": anthropic}[provider], []
    fast = sdk.DefaultAioHttpClient

    def transport(**settings: Any) -> Any:
        if not installed:
            raise RuntimeError("aiohttp is not installed")
        made.append(fast(**settings))
        return made[-1]

    monkeypatch.setattr(sdk, "DefaultAioHttpClient", transport)
    with Counting() as server:
        client = asker.client(provider, server, RunConfig(max_connections=3, timeout=20))
        for _ in range(4):
            await client.ask(question())
        assert len(server.peers) == 1
        await asyncio.gather(*(client.ask(question()) for _ in range(12)))
        assert len(server.peers) <= 3
        for pool in asker.pools:
            await pool.close()
    assert len(made) == installed
