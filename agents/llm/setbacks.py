"""Setbacks: requests that brought no answer, told apart by what is to be done about them."""

from __future__ import annotations

import math
import re
import socket
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from types import ModuleType
from typing import NamedTuple

REPEATED = frozenset({408, 409, 429})
"""Statuses of a request that may succeed as it is, beside those from 500 on."""

OVERLOADED = frozenset({503, 529})
"""Statuses of a server that has too much to do, beside 429."""

UNREACHED = frozenset({502, 503, 504, 529})
"""Statuses of a proxy or a load balancer that has no server, and of a server that takes nobody."""

# OpenAI; Anthropic. Waiting does not help.
_OUT_OF_CREDIT = re.compile(r"insufficient_quota|credit balance is too low|billing_hard_limit", re.IGNORECASE)

# OpenAI: requests and tokens; Anthropic: also input-tokens and output-tokens.
_BUDGETS = ("requests", "tokens", "input-tokens", "output-tokens")
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m(?!s))?(?:(\d+(?:\.\d+)?)s)?(?:(\d+(?:\.\d+)?)ms)?")

# By name, as each transport has classes of its own: no connection came about.
_NEVER_CONNECTED = frozenset(
    {"ClientConnectorError", "ClientConnectorDNSError", "ConnectionTimeoutError", "ConnectError"}
)


class Kind(Enum):
    """What is to be done."""

    FINAL = auto()
    """Nothing: the same request would end in the same way."""
    WAIT = auto()
    """Repeat later; the server has too much to do and says so (429)."""
    REPEAT = auto()
    """Repeat; perhaps it is this request's fault."""
    DOWN = auto()
    """Repeat; it is no request's fault, as no server was reached."""
    NO_CREDIT = auto()
    """Stop: the account has run out."""


class Setback(NamedTuple):
    """A request that brought no answer."""

    kind: Kind
    cause: str
    """In a word or two: `429`, `timeout`, `no connection`."""
    overload: bool = False
    """Whether the server had too much to do."""
    wait: float | None = None
    """Seconds the server wants to be left alone."""


def setback(error: Exception, sdk: ModuleType) -> Setback:
    """Judge what was raised for a request.

    Args:
        error: What the SDK raised, or a `TimeoutError` of our own.
        sdk: `openai` or `anthropic`; their exceptions have the same names.
    """
    if isinstance(error, sdk.APIStatusError):
        return _of_status(int(error.status_code), error, error.response.headers)
    if isinstance(error, sdk.APIConnectionError):
        if never_connected(error):
            return Setback(Kind.DOWN, "no connection")
        if isinstance(error, sdk.APITimeoutError) and not lost(error):
            return Setback(Kind.REPEAT, "timeout", overload=True)
        return Setback(Kind.REPEAT, "lost connection")
    if isinstance(error, TimeoutError):
        return Setback(Kind.REPEAT, "timeout", overload=True)
    return Setback(Kind.FINAL, type(error).__name__)


def never_connected(error: BaseException) -> bool:
    """Whether no connection came about at all."""
    return any(
        isinstance(cause, ConnectionRefusedError | socket.gaierror)
        or type(cause).__name__ in _NEVER_CONNECTED
        for cause in _causes(error)
    )


def lost(error: BaseException) -> bool:
    """Whether a 'timeout' is a refused or lost connection: the aiohttp transport reports those as one."""
    return any(
        type(cause).__name__ == "ConnectTimeout" or isinstance(cause, ConnectionError)
        for cause in _causes(error)
    )


def was_refused(error: Exception, sdk: ModuleType) -> bool:
    """Whether a request that brought no answer took nothing either.

    Providers charge nothing for an error status, nor where no connection came about. After a lost connection
    or a timeout nobody knows.
    """
    if isinstance(error, sdk.APIStatusError):
        return True
    return isinstance(error, sdk.APIConnectionError) and never_connected(error)


def seconds_to_wait(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """How long a server wants to be left alone, by the headers of its answer; None if it does not say.

    Read are `retry-after-ms` and `retry-after` (seconds, or a date: RFC 9110, 10.2.3), and where there is
    neither, when a budget that is used up is filled again: `x-ratelimit-reset-*` of OpenAI (durations) and
    `anthropic-ratelimit-*-reset` of Anthropic (times, RFC 3339).

    Args:
        headers: By lower-case name.
        now: Seconds since 1970; default: the clock's.
    """
    now = time.time() if now is None else now
    told = _number(headers.get("retry-after-ms"), 0.001)
    if told is None:
        told = _number(headers.get("retry-after"), 1.0)
    if told is None:
        told = _until(headers.get("retry-after"), now)
    if told is None:
        resets = [reset for budget in _BUDGETS if (reset := _reset(headers, budget, now)) is not None]
        told = max(resets, default=None)
    return None if told is None else max(0.0, told)


def _of_status(status: int, error: Exception, headers: Mapping[str, str]) -> Setback:
    cause = str(status)
    if status in (400, 402, 403, 429) and _OUT_OF_CREDIT.search(str(error)):
        return Setback(Kind.NO_CREDIT, cause)
    if status not in REPEATED and status < 500:
        return Setback(Kind.FINAL, cause)
    if headers.get("x-should-retry") == "false":  # said by both providers where it is of no use
        return Setback(Kind.FINAL, cause)
    wait = seconds_to_wait(headers)
    if status == 429:
        return Setback(Kind.WAIT, cause, overload=True, wait=wait)
    kind = Kind.DOWN if status in UNREACHED else Kind.REPEAT
    return Setback(kind, cause, overload=status in OVERLOADED, wait=wait)


def _causes(error: BaseException) -> list[BaseException]:
    causes = [error]
    while (cause := causes[-1].__cause__) is not None:
        causes.append(cause)
    return causes


def _number(text: str | None, unit: float) -> float | None:
    try:
        value = float(text) * unit if text is not None else math.nan
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def _until(date: str | None, now: float) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - now if date else None
    except (ValueError, OverflowError):
        return None


def _reset(headers: Mapping[str, str], budget: str, now: float) -> float | None:
    if headers.get(f"x-ratelimit-remaining-{budget}") == "0":
        found = _DURATION.fullmatch(headers.get(f"x-ratelimit-reset-{budget}", ""))
        if found and found.group():
            hours, minutes, seconds, thousandths = (float(part or 0) for part in found.groups())
            return hours * 3600 + minutes * 60 + seconds + thousandths / 1000
    if headers.get(f"anthropic-ratelimit-{budget}-remaining") == "0":
        try:
            moment = datetime.fromisoformat(headers.get(f"anthropic-ratelimit-{budget}-reset", ""))
        except ValueError:
            return None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    return None
