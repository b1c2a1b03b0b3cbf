"""What a model costs: from the job file, else from the public price lists that genai-prices carries.

Nothing is fetched: the lists are those of the installed version. A model that runs in this process costs
nothing, which is known; the price of a server of one's own is not known unless the job file says it, and an
unknown price is never taken for 0.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from rapidfuzz import process

from agents.llm.client import Usage
from agents.llm.names import ResolvedModel, resolve
from schemas.errors import UsageError
from schemas.job import Job
from schemas.limits import PriceConfig

_MILLION = 1_000_000


def usd(amount: float) -> str:
    """An amount of money: cents from a dollar on, below it two digits that count (`$0.0042`)."""
    if amount <= 0 or amount >= 0.995:
        return f"${amount:,.2f}"
    digits = max(2, 1 - math.floor(math.log10(amount)))
    return f"${amount:.{min(digits, 8)}f}"


class Rates(NamedTuple):
    """USD per token, for requests with more prompt tokens than `above`."""

    above: int
    input: float
    cached: float
    """Read from the prefix cache."""
    written: float
    """Written to it."""
    output: float


class Price:
    """What requests to one model cost."""

    __slots__ = ("_per_request", "_tiers")

    def __init__(self, tiers: tuple[Rates, ...], per_request: float = 0.0) -> None:
        """Put a price together.

        Args:
            tiers: By rising `above`, the first from 0. A tier is for all tokens of a request, not only for
                those above its bound.
            per_request: USD for each request, beside its tokens.
        """
        self._tiers = tiers
        self._per_request = per_request

    def cost(self, usage: Usage) -> float:
        """USD of one request."""
        rates = self._rates(usage.input_tokens)
        plain = max(0, usage.input_tokens - usage.cached_tokens - usage.written_tokens)
        return (
            self._per_request
            + plain * rates.input
            + usage.cached_tokens * rates.cached
            + usage.written_tokens * rates.written
            + usage.output_tokens * rates.output
        )

    def bound(self, input_tokens: int, output_tokens: int) -> float:
        """USD that one request costs at most, whatever of its prompt a cache holds or is to hold."""
        rates = self._rates(input_tokens)
        dearest = max(rates.input, rates.cached, rates.written)
        return self._per_request + input_tokens * dearest + output_tokens * rates.output

    def __str__(self) -> str:
        """In USD per million tokens: `$3.00 in, $0.30 cached, $15.00 out`."""
        if self.is_free:
            return "free"
        rates = self._tiers[0]
        named = {"in": rates.input, "cached": rates.cached, "out": rates.output}
        shown = ", ".join(f"{usd(rate * _MILLION)} {name}" for name, rate in named.items())
        more = f", more above {self._tiers[1].above:,} prompt tokens" if len(self._tiers) > 1 else ""
        each = f", and {usd(self._per_request)} a request" if self._per_request else ""
        return f"{shown} per million tokens{each}{more}"

    @property
    def is_free(self) -> bool:
        """Whether nothing is ever charged."""
        return not self._per_request and not any(any(rates[1:]) for rates in self._tiers)

    def _rates(self, input_tokens: int) -> Rates:
        if len(self._tiers) == 1:
            return self._tiers[0]
        return next((tier for tier in reversed(self._tiers) if input_tokens > tier.above), self._tiers[0])


FREE = Price((Rates(0, 0.0, 0.0, 0.0, 0.0),))
"""Of models in this process."""


def price_of(model: ResolvedModel, own: Mapping[str, PriceConfig]) -> Price | None:
    """The price of a model as of now; None if it is not known.

    Args:
        model: The model.
        own: Prices by `provider/name`, which take precedence over the public lists.
    """
    config = own.get(f"{model.provider}/{model.model}")
    if config is not None:
        cached = config.input if config.cached_input is None else config.cached_input
        rates = (config.input, cached, config.input, config.output)
        return Price((Rates(0, *(each / _MILLION for each in rates)),))
    return FREE if model.provider == "local" else _listed(model)


def require_prices(job: Job) -> None:
    """Refuse a cost limit that could not be held.

    Raises:
        UsageError: The job has a cost limit, and the price of one of its models is not known.
    """
    if job.limits.cost is not None and (unknown := without_price(job)):
        labels = ", ".join(dict.fromkeys(model.label for model in unknown))
        raise UsageError(
            f"A cost limit needs the price of every model, and that of {labels} is not known.",
            price_remedy(unknown[0], job.prices),
        )


def without_price(job: Job) -> tuple[ResolvedModel, ...]:
    """The models of a job whose price is not known."""
    models = dict.fromkeys(map(resolve, job.models))
    return tuple(model for model in models if price_of(model, job.prices) is None)


def price_remedy(model: ResolvedModel, own: Mapping[str, PriceConfig]) -> str:
    """How a job file says what a model costs."""
    name = f"{model.provider}/{model.model}"
    nearest = process.extractOne(name, list(own), score_cutoff=80)
    if nearest:
        return f"The job file has a price of `{nearest[0]}`; write it as `{name}`."
    return f'Give it in the job file: [prices."{name}"] with input and output, in USD per million tokens.'


def _listed(model: ResolvedModel) -> Price | None:
    """The public price; of a server, only where its address is that of a service in the lists."""
    if model.base_url and _is_at_home(model.base_url):
        return None  # of no service, and the lists take a tenth of a second and some megabytes
    from genai_prices.data_snapshot import get_snapshot

    provider = None if model.base_url else model.provider
    try:
        _, found = get_snapshot().find_provider_model(model.model, None, provider, model.base_url)
    except LookupError:
        return None
    listed = found.get_prices(datetime.now(UTC))
    if listed.input_mtok is None or listed.output_mtok is None:
        return None
    charges = (
        listed.input_mtok,
        listed.cache_read_mtok if listed.cache_read_mtok is not None else listed.input_mtok,
        listed.cache_write_mtok if listed.cache_write_mtok is not None else listed.input_mtok,
        listed.output_mtok,
    )
    bounds = sorted({0, *(tier.start for charge in charges for tier in getattr(charge, "tiers", ()))})
    tiers = tuple(Rates(bound, *(_per_token(charge, bound) for charge in charges)) for bound in bounds)
    return Price(tiers, _per_token(listed.requests_kcount or 0, 0) * _MILLION / 1000)


def _is_at_home(url: str) -> bool:
    """Whether an address is of this machine or a private network."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_private
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local"))


def _per_token(charge: Any, bound: int) -> float:
    """A listed price, a number or one with tiers, in the tier that begins at a bound."""
    if not hasattr(charge, "tiers"):
        return float(charge) / _MILLION
    begun = [tier.price for tier in charge.tiers if tier.start <= bound and bound > 0]
    return float(begun[-1] if begun else charge.base) / _MILLION
