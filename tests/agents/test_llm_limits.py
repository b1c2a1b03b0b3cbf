"""Limits on real requests: they hold at any concurrency, and every attempt counts."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest
from asking import BOTH, City, question
from servers.scripted import Call, Drop, Fail, Say, ScriptedServer, Turn

from agents.llm.budget import Budget
from agents.llm.client import CallFailedError, CallStoppedError, Client, Reply
from agents.llm.factory import ClientPool
from schemas.job import ModelConfig
from schemas.limits import Limits, PriceConfig
from schemas.machine import RunConfig

PRICES = {
    f"{provider}/scripted": PriceConfig(input=1000, output=10_000, cached_input=100)
    for provider in ("openai", "anthropic")
}
"""A tenth of a cent for a token of the prompt, a cent for one of the answer."""


class Limited:
    """A client under limits."""

    def __init__(self, provider: str, server: ScriptedServer, at_once: int = 64, **limits: float) -> None:
        self.budget = Budget(Limits(**limits))  # type: ignore[arg-type]
        run = RunConfig(timeout=20, max_connections=at_once, retries=2)
        self.pool = ClientPool(run, budget=self.budget, prices=PRICES)
        url = server.openai_url if provider == "openai" else server.anthropic_url
        self.client: Client = self.pool.client_for(
            ModelConfig(name=f"{provider}/scripted", base_url=url, api_key_env="TEST_KEY")
        )


@pytest.fixture
async def made() -> AsyncIterator[list[Limited]]:
    several: list[Limited] = []
    yield several
    for each in several:
        await each.pool.close()


def honest(call: Call) -> Say:
    """Usage as a model would have it, different for every question."""
    chance = random.Random(call.prompt)
    used = int(len(call.prompt) * chance.uniform(0.2, 0.3))
    return Say({"city": "Oslo"}, input_tokens=used, output_tokens=chance.randint(1, 200), delay=0.002)


async def ask_many(client: Client, count: int) -> list[Reply[City] | BaseException]:
    asked = (client.ask(question(f"Name city {number}.")) for number in range(count))
    return list(await asyncio.gather(*asked, return_exceptions=True))


@BOTH
@pytest.mark.parametrize("limits", [{"tokens": 9000}, {"cost": 30.0}])
async def test_no_number_of_requests_at_once_passes_a_limit(
    provider: str, limits: dict[str, float], made: list[Limited]
) -> None:
    with ScriptedServer(honest) as server:
        made.append(limited := Limited(provider, server, **limits))
        results = await ask_many(limited.client, 300)
        served = len(server.calls)
    replies = [each for each in results if isinstance(each, Reply)]
    stopped = [each for each in results if isinstance(each, CallStoppedError)]
    assert len(replies) + len(stopped) == 300
    assert len(replies) == served > 10  # nothing was sent that was not allowed, and what was sent is kept
    tokens = sum(reply.usage.input_tokens + reply.usage.output_tokens for reply in replies)
    cost = sum(attempt.cost or 0.0 for reply in replies for attempt in reply.attempts)
    assert (limited.budget.spent.tokens, limited.budget.spent.cost) == (tokens, pytest.approx(cost))
    spent, limit = (tokens, 9000) if "tokens" in limits else (cost, 30.0)
    assert 0.75 * limit < spent <= limit  # and not much of it is left unused


@BOTH
async def test_re_asks_and_repetitions_count(provider: str, made: list[Limited]) -> None:
    turns: list[Turn] = [
        Fail(500),
        {"town": "Oslo"},
        Fail(429, headers={"retry-after": "0"}),
        {"city": "Oslo"},
    ]
    with ScriptedServer(turns) as server:
        made.append(limited := Limited(provider, server, tokens=10**6))
        reply = await limited.client.ask(question())
    assert [attempt.cost for attempt in reply.attempts] == pytest.approx([0.0, 0.3, 0.0, 0.3])
    assert limited.budget.spent == (240, pytest.approx(0.6))


async def test_a_call_that_is_stopped_between_its_attempts_keeps_those_it_had(made: list[Limited]) -> None:
    with ScriptedServer([Say({"town": "x"}, input_tokens=900, output_tokens=99)] * 3) as server:
        made.append(limited := Limited("openai", server, tokens=1500))
        with pytest.raises(CallStoppedError, match="999 are spent") as caught:
            await limited.client.ask(question())
        assert len(server.calls) == len(caught.value.attempts) == 1


async def test_what_a_lost_connection_took_is_unknown_and_charged_at_its_bound(made: list[Limited]) -> None:
    with ScriptedServer([Drop(), {"city": "Oslo"}]) as server:
        made.append(limited := Limited("openai", server, tokens=10**6))
        reply = await limited.client.ask(question())
    assert [attempt.cost for attempt in reply.attempts] == [None, pytest.approx(0.3)]
    assert limited.budget.spent.tokens > 120 + 200  # the most of the lost answer, and its prompt


async def test_a_server_that_is_not_there_takes_nothing(made: list[Limited]) -> None:
    with ScriptedServer([]) as server:
        made.append(limited := Limited("openai", server, tokens=10**6))
    with pytest.raises((CallFailedError, CallStoppedError)) as caught:
        await limited.client.ask(question())
    assert {attempt.cost for attempt in caught.value.attempts} == {0.0}
    assert limited.budget.spent == (0, 0.0)


async def test_an_answer_without_usage_is_unknown_and_charged_at_its_bound(made: list[Limited]) -> None:
    with ScriptedServer([Say({"city": "Oslo"}, input_tokens=0, output_tokens=0)]) as server:
        made.append(limited := Limited("openai", server, tokens=10**6))
        reply = await limited.client.ask(question())
    assert reply.attempts[0].cost is None
    assert limited.budget.spent.tokens > 200


async def test_cached_tokens_are_priced_as_such(made: list[Limited]) -> None:
    with ScriptedServer(
        [Say({"city": "Oslo"}, input_tokens=100, cached_tokens=60, output_tokens=2)]
    ) as server:
        made.append(limited := Limited("openai", server, cost=100))
        reply = await limited.client.ask(question())
    assert reply.attempts[0].cost == pytest.approx(40 * 0.001 + 60 * 0.0001 + 2 * 0.01)


async def test_who_waits_for_a_reservation_is_not_sent_after_the_stop(made: list[Limited]) -> None:
    out_of_credit = Fail(429, "You exceeded your current quota (insufficient_quota)", delay=0.1)
    with ScriptedServer(lambda call: out_of_credit) as server:
        made.append(limited := Limited("openai", server, tokens=1_000))  # one request fits at a time
        results = await ask_many(limited.client, 4)
        assert len(server.calls) == 1
    assert all(isinstance(each, CallStoppedError) and "credit" in each.remedy for each in results)
    assert limited.budget.spent == (0, 0.0)
