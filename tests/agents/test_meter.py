"""What a request is reserved for: bounds, what is learnt from answers, what is charged for a lost one."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.budget import Budget, Spent
from agents.llm.client import CallStoppedError, Usage
from agents.llm.meter import Meter, Reservation
from agents.llm.prices import FREE, Price, Rates
from schemas.limits import Limits

PRICE = Price((Rates(0, 1e-6, 1e-7, 2e-6, 1e-5),))


def request(text: str, answer: int = 100, **more: Any) -> dict[str, Any]:
    return {"model": "m" * 500, "messages": [{"role": "user", "content": text}], "max_tokens": answer} | more


def metered(context: int | None = None, price: Price | None = PRICE) -> Meter:
    return Meter(price, Budget(Limits(tokens=10**9)), context=context)


async def reserved(meter: Meter, arguments: dict[str, Any]) -> Reservation:
    reservation = await meter.reserve(arguments)
    assert reservation is not None
    return reservation


async def answered(meter: Meter, text: str, tokens: int, times: int) -> None:
    for _ in range(times):
        reservation = await meter.reserve(request(text))
        meter.settle(reservation, Usage(input_tokens=tokens))


@given(st.text())
def test_at_first_a_prompt_has_no_more_tokens_than_bytes(text: str) -> None:
    most = asyncio.run(reserved(metered(), request(text))).most
    size = len(text.encode("utf-8", "replace"))
    assert 100 + size <= most.tokens <= 100 + size + 200
    assert most.cost == pytest.approx((most.tokens - 100) * 2e-6 + 100 * 1e-5)


async def test_schemas_and_tools_are_part_of_the_prompt_and_grammars_are_not() -> None:
    meter = metered()
    bare = (await reserved(meter, request("text"))).most.tokens
    tools = [{"function": {"parameters": {"properties": {"city": {"description": "x" * 1000}}}}}]
    assert (await reserved(meter, request("text", tools=tools))).most.tokens > bare + 1000
    grammar = request("text", extra_body={"grammar": "x" * 1000})
    assert (await reserved(meter, grammar)).most.tokens == bare


async def test_the_tokens_of_a_byte_are_learnt_from_answers_with_a_margin() -> None:
    meter, text = metered(), "a" * 4000
    size = (await reserved(meter, request(text))).size
    await answered(meter, text, tokens=1000, times=9)
    assert (await reserved(meter, request(text))).most.tokens > 4000
    await answered(meter, text, tokens=500, times=1)
    learnt = (await reserved(meter, request(text))).most.tokens
    assert learnt == pytest.approx(100 + 1500, abs=70)
    # One prompt that is cut finer than all before raises the bound for those after it, but never above bytes.
    await answered(meter, text, tokens=2000, times=1)
    assert (await reserved(meter, request(text))).most.tokens == pytest.approx(100 + 3000, abs=70)
    await answered(meter, text, tokens=6000, times=1)
    assert (await reserved(meter, request(text))).most.tokens == pytest.approx(100 + size, abs=70)


async def test_a_model_with_a_bounded_context_takes_no_more_than_that() -> None:
    assert (await reserved(metered(context=2048), request("a" * 9000))).most.tokens == 2048


async def test_either_name_of_the_answers_limit_is_read() -> None:
    arguments = request("text", max_completion_tokens=700)
    del arguments["max_tokens"]
    other = (await reserved(metered(), request("text", answer=700))).most
    assert (await reserved(metered(), arguments)).most == other


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [(Usage(input_tokens=30, output_tokens=5), 35), (Usage(), 0), (None, None)],
    ids=["answered", "refused", "lost"],
)
async def test_what_a_request_took_is_settled(usage: Usage | None, tokens: int | None) -> None:
    budget = Budget(Limits(tokens=1000))
    meter = Meter(PRICE, budget)
    reservation = await reserved(meter, request("a" * 200))
    meter.settle(reservation, usage)
    assert budget.spent.tokens == (reservation.most.tokens if tokens is None else tokens)
    expected = reservation.most.cost if usage is None else PRICE.cost(usage)
    assert budget.spent.cost == pytest.approx(expected)


@pytest.mark.parametrize("price", [PRICE, None])
def test_a_request_that_took_nothing_costs_nothing_whatever_the_price(price: Price | None) -> None:
    assert Meter(price).cost(Usage()) == 0.0


def test_a_lost_request_to_a_free_model_costs_nothing() -> None:
    assert Meter(FREE).cost(None) == 0.0


async def test_without_limits_nothing_is_reserved_and_costs_are_known_all_the_same() -> None:
    meter = Meter(PRICE)
    assert await meter.reserve(request("text")) is None
    meter.settle(None, Usage(input_tokens=1))
    assert meter.cost(Usage(input_tokens=1_000_000)) == pytest.approx(1.0)
    assert meter.cost(None) is None
    assert Meter().cost(Usage(input_tokens=1)) is None


async def test_a_limit_of_time_alone_reserves_no_amounts() -> None:
    now = 0.0
    meter = Meter(PRICE, Budget(Limits(time=5), clock=lambda: now))
    reservation = await reserved(meter, request("text"))
    assert reservation.most == Spent()
    meter.settle(reservation, None)
    now = 5.0
    with pytest.raises(CallStoppedError, match="time limit"):
        await meter.reserve(request("text"))
