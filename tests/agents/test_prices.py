"""What models cost: public lists, prices of one's own, free models, and what is not known."""

from __future__ import annotations

import pytest
from genai_prices import Usage as ListedUsage
from genai_prices import calc_price
from hypothesis import given
from hypothesis import strategies as st

from agents.llm.client import Usage
from agents.llm.names import resolve
from agents.llm.prices import FREE, Price, price_of, usd
from schemas.job import ModelConfig
from schemas.limits import PriceConfig

LISTED = (
    ("openai/gpt-4o-mini", None, "openai"),
    ("openai/gpt-5.2", "https://api.openai.com/v1", "openai"),
    ("anthropic/claude-sonnet-4-5", None, "anthropic"),  # dearer above 200,000 prompt tokens
    ("openai/deepseek-chat", "https://api.deepseek.com/v1", "deepseek"),
    ("openai/openai/gpt-4o", "https://openrouter.ai/api/v1", "openrouter"),
    ("openai/sonar", "https://api.perplexity.ai", "perplexity"),
)
TOKENS = st.integers(0, 500_000)


@pytest.fixture(autouse=True)
def no_servers_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


def price(name: str, base_url: str | None = None, **own: PriceConfig) -> Price | None:
    return price_of(resolve(ModelConfig(name=name, base_url=base_url)), own)


@pytest.mark.parametrize(("name", "base_url", "provider"), LISTED)
@given(plain=TOKENS, cached=TOKENS, output=TOKENS)
def test_listed_models_cost_what_the_list_says(
    name: str, base_url: str | None, provider: str, plain: int, cached: int, output: int
) -> None:
    found = price(name, base_url)
    assert found is not None
    usage = Usage(input_tokens=plain + cached, cached_tokens=cached, output_tokens=output)
    listed = ListedUsage(input_tokens=plain + cached, cache_read_tokens=cached, output_tokens=output)
    expected = calc_price(listed, name.partition("/")[2], provider_id=provider).total_price
    assert found.cost(usage) == pytest.approx(float(expected))
    assert found.cost(usage) <= found.bound(usage.input_tokens, output) * (1 + 1e-9)


def test_writing_to_the_prefix_cache_costs_what_the_provider_takes_for_it() -> None:
    found = price("anthropic/claude-sonnet-4-5")
    assert found is not None
    written = Usage(input_tokens=1000, written_tokens=1000)
    expected = calc_price(
        ListedUsage(input_tokens=1000, cache_write_tokens=1000),
        "claude-sonnet-4-5",
        provider_id="anthropic",
    ).total_price
    assert found.cost(written) == pytest.approx(float(expected))
    assert found.cost(written) > found.cost(Usage(input_tokens=1000))
    assert found.bound(1000, 0) == pytest.approx(found.cost(written))


@pytest.mark.parametrize(
    ("name", "base_url"),
    [
        ("openai/no-such-model", None),
        ("openai/gpt-4o-mini", "http://127.0.0.1:8000/v1"),  # a name says nothing about who serves it
        ("openai/no-such-model", "https://openrouter.ai/api/v1"),
    ],
)
def test_what_is_in_no_list_is_not_known(name: str, base_url: str | None) -> None:
    assert price(name, base_url) is None


def test_a_server_named_by_the_environment_is_not_the_providers_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:8000/v1")
    assert price("openai/gpt-4o-mini") is None


def test_a_price_of_ones_own_takes_precedence() -> None:
    own = {"openai/gpt-4o-mini": PriceConfig(input=1, output=10, cached_input=0.1)}
    found = price("openai/gpt-4o-mini", "http://127.0.0.1:8000/v1", **own)
    assert found is not None and not found.is_free
    usage = Usage(input_tokens=1_000_000, cached_tokens=400_000, output_tokens=100_000)
    assert found.cost(usage) == pytest.approx(0.6 + 0.04 + 1.0)
    uncached = price("openai/x", **{"openai/x": PriceConfig(input=1, output=10)})
    assert uncached is not None
    assert uncached.cost(usage) == pytest.approx(2.0)


def test_models_in_this_process_are_free_unless_the_job_says_otherwise() -> None:
    assert price("local/smollm2-135m") is FREE
    assert FREE.is_free
    assert FREE.cost(Usage(input_tokens=10**6, output_tokens=10**6)) == FREE.bound(10**6, 10**6) == 0
    paid = price("local/smollm2-135m", **{"local/smollm2-135m": PriceConfig(input=1, output=1)})
    assert paid is not None and not paid.is_free


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0, "$0.00"),
        (0.00000042, "$0.00000042"),
        (0.0042, "$0.0042"),
        (0.0996, "$0.100"),
        (0.42, "$0.42"),
        (0.999, "$1.00"),
        (1.239, "$1.24"),
        (12345.6, "$12,345.60"),
    ],
)
def test_money_is_shown_with_two_digits_that_count(amount: float, shown: str) -> None:
    assert usd(amount) == shown
