"""How numbers and times are written on the pages; what is not known is a dash."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from agents.llm.prices import usd
from guidex.cli.display import clock

UNKNOWN: Final = "–"  # noqa: RUF001


def number(value: float | None) -> str:
    """A count: `12,345`."""
    return UNKNOWN if value is None else f"{value:,.0f}"


def score(value: float | None) -> str:
    """A score in 0..1: `0.87`."""
    return UNKNOWN if value is None else f"{value:.2f}"


def percent(part: float | None, whole: float | None = 1.0) -> str:
    """A share: `33%`; of nothing there is none."""
    return UNKNOWN if part is None or not whole else f"{100 * part / whole:.0f}%"


def duration(seconds: float | None) -> str:
    """A time: `0.35 s`, `12.1 s`, `4:26`, `1:02:03`."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.1f} s"
    return clock(seconds)


def dollars(cost: float | None) -> str:
    """USD: `$0.00`, `$0.0042`, `$12.30`."""
    return "unknown" if cost is None else usd(cost)


def moment(time: str | None) -> str:
    """A stored time (ISO 8601, UTC) to the second: `2026-11-25 09:06:19`."""
    if not time:
        return UNKNOWN
    return f"{datetime.fromisoformat(time):%Y-%m-%d %H:%M:%S}"
