"""When nothing is answered any more, the run stops so that it can be taken up again; else one call fails."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from asking import BOTH, Asker, City, failed, question
from servers.scripted import Call, Drop, Fail, Say

from agents.llm.client import CallFailedError, CallFault, CallStoppedError, Reply
from agents.llm.factory import ClientPool
from schemas.job import ModelConfig
from schemas.machine import RunConfig


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.llm.flow.FIRST_DELAY", 0.01)


async def stopped(client: Any) -> CallStoppedError:
    with pytest.raises(CallStoppedError) as caught:
        await client.ask(question())
    return caught.value


async def outcomes(client: Any, documents: list[str]) -> list[Reply[City] | BaseException]:
    asked = (client.ask(question(document=document)) for document in documents)
    return await asyncio.gather(*asked, return_exceptions=True)


@BOTH
async def test_a_server_that_is_not_there_stops_the_run(
    provider: str, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([])
    client = asker.client(provider, server, RunConfig(retries=2))
    server.__exit__()
    error = await stopped(client)
    assert error.exit_code == 75 and len(error.attempts) == 3
    assert "No connection" in str(error) and "base_url" in error.remedy and "take the run up" in error.remedy
    assert (await stopped(client)).attempts == ()  # from then on nothing is sent


async def test_silence_is_told_until_something_is_answered(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server([Fail(429), Fail(500, headers={"retry-after": "0.3"}), {"city": "Oslo"}])
    client = asker.client("openai", server)
    (pool,) = asker.pools
    assert (pool.silence, pool.requests_in_flight) == (None, 0)
    asked = asyncio.create_task(client.ask(question()))
    while pool.silence is None or pool.silence[1] != "500":
        await asyncio.sleep(0.01)
    assert pool.silence[0] > 0 and not asked.done()
    assert (await asked).answer.city == "Oslo"
    assert (pool.silence, pool.requests_in_flight) == (None, 0)


@BOTH
@pytest.mark.parametrize("status", [502, 503, 504, 529])
async def test_a_proxy_without_a_server_stops_the_run(
    provider: str, status: int, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([Fail(status)] * 9)
    error = await stopped(asker.client(provider, server, RunConfig(retries=2)))
    assert len(server.calls) == len(error.attempts) == 3 and str(status) in str(error)


@pytest.mark.parametrize("turn", [Fail(500), Drop()])
async def test_requests_given_up_in_a_row_stop_the_run(turn: Any, asker: Asker, scripted_server: Any) -> None:
    server = scripted_server(lambda call: turn)
    client = asker.client("openai", server, RunConfig(retries=1, max_connections=1))
    assert (await failed(client, question())).attempts
    assert (await failed(client, question())).attempts
    error = await stopped(client)
    assert len(error.attempts) == 2 and len(server.calls) == 6


async def test_one_poisonous_document_does_not_stop_the_others(asker: Asker, scripted_server: Any) -> None:
    def script(call: Call) -> Any:
        return Fail(503, delay=0.05) if "poison" in call.prompt else Say({"city": "Oslo"}, delay=0.01)

    server = scripted_server(script)
    client = asker.client("openai", server, RunConfig(retries=2, max_connections=4))
    ended = await outcomes(client, ["poison"] * 3 + ["Oslo"] * 60)
    faults = [end.fault for end in ended if isinstance(end, CallFailedError)]
    assert faults == [CallFault.SERVER] * 3
    assert sum(isinstance(end, Reply) for end in ended) == 60


@pytest.mark.parametrize(
    ("turn", "fault"),
    [
        (Fail(400, "unknown field foo"), CallFault.BAD_REQUEST),
        (Fail(400, "prompt is too long"), CallFault.TOO_LONG),
        ({"town": 1}, CallFault.INVALID),
        (Say({"city": "Oslo"}, finish="length"), CallFault.TRUNCATED),
        (Fail(500, headers={"x-should-retry": "false"}), CallFault.SERVER),
    ],
)
async def test_answers_nobody_can_use_never_stop_the_run(
    turn: Any, fault: CallFault, asker: Asker, scripted_server: Any
) -> None:
    client = asker.client("openai", scripted_server(lambda call: turn), RunConfig(retries=0))
    for _ in range(8):
        assert (await failed(client, question())).fault is fault


@pytest.mark.parametrize("status", [403, 429])
async def test_an_account_without_credit_stops_the_run_at_once(
    status: int, asker: Asker, scripted_server: Any
) -> None:
    server = scripted_server([Fail(status, "You exceeded your current quota (insufficient_quota)")])
    error = await stopped(asker.client("openai", server))
    assert len(server.calls) == 1 and "credit" in error.remedy


async def test_a_server_that_wants_an_hour_stops_the_run(asker: Asker, scripted_server: Any) -> None:
    server = scripted_server([Fail(429, headers={"retry-after": "3600"})])
    error = await stopped(asker.client("openai", server))
    assert "60 minutes" in str(error) and len(error.attempts) == 1


async def test_who_waits_is_told_and_who_is_under_way_gets_its_answer(
    asker: Asker, scripted_server: Any
) -> None:
    def script(call: Call) -> Any:
        quota = Fail(429, "insufficient_quota", delay=0.05)
        return Say({"city": "Oslo"}, delay=0.3) if "slow" in call.prompt else quota

    server = scripted_server(script)
    client = asker.client("openai", server, RunConfig(max_connections=2))
    ended = await outcomes(client, ["slow", "fails", "waits", "waits"])
    assert [type(end).__name__ for end in ended] == ["Reply", *["CallStoppedError"] * 3]
    assert len(server.calls) == 2


async def test_nobody_sends_before_the_time_a_server_has_named(asker: Asker, scripted_server: Any) -> None:
    busy = Fail(429, headers={"retry-after": "0.4"})
    turns = iter([busy])
    server = scripted_server(lambda call: next(turns, {"city": "Oslo"}))
    pool = ClientPool(RunConfig(max_connections=4))
    asker.pools.append(pool)
    told: list[Any] = []
    pool.listener = lambda message, data: told.append((message, dict(data)))
    client = pool.client_for(ModelConfig(name="openai/scripted", base_url=server.openai_url))
    first = asyncio.create_task(client.ask(question()))
    while len(server.calls) < 1:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.1)
    begun = time.perf_counter()
    replies = [*await asyncio.gather(*(client.ask(question()) for _ in range(6))), await first]
    at = sorted(call.at for call in server.calls)
    assert all(later - at[0] >= 0.4 for later in at[1:])
    # Waiting is no part of the latency, nor is it an attempt.
    assert time.perf_counter() - begun >= 0.25
    assert all(reply.latency < 0.25 for reply in replies)
    assert [len(reply.attempts) for reply in replies] == [1] * 6 + [2]


async def test_the_slot_is_free_while_a_request_waits_to_be_repeated(
    asker: Asker, scripted_server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agents.llm.flow.FIRST_DELAY", 1e6)
    turns = iter([Fail(500)])
    server = scripted_server(lambda call: next(turns, {"city": "Oslo"}))
    client = asker.client("openai", server, RunConfig(max_connections=1))
    waiting = asyncio.create_task(client.ask(question()))
    while not server.calls:
        await asyncio.sleep(0.005)
    assert (await client.ask(question())).answer.city == "Oslo"
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert (await client.ask(question())).answer.city == "Oslo"
