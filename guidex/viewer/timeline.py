"""When calls were made, laid out on a line; long pauses between them are shortened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from guidex.stories import CallLine

LENGTH: Final = 1000.0
"""The whole line, in the units of the bars."""

_PAUSE: Final = 0.25
"""Share of the time in which a call was open that a pause is shortened to."""
_LEAST: Final = 3.0
"""Length of the shortest bar, so that it is seen."""


@dataclass(frozen=True, slots=True)
class Bar:
    """A call on the line."""

    call: CallLine
    start: float
    length: float
    after: float
    """Seconds from the first call to this one, pauses included."""
    seconds: float | None
    """From opening to closing; None while it is open."""
    pause: float | None
    """Seconds of the pause before it that is shortened; None if none is."""


def timeline(calls: Sequence[CallLine]) -> tuple[Bar, ...]:
    """Bars of calls, in their order of opening.

    A call that is still open, or was when its process died, is a bar of the least length.
    """
    spans = [(_time(call.opened), _time(call.closed or call.opened)) for call in calls]
    if not spans:
        return ()
    busy = 0.0
    pauses: list[float] = []
    until = spans[0][0]
    for begin, end in spans:
        pauses.append(max(0.0, begin - until))
        busy += max(0.0, end - max(begin, until))
        until = max(until, end)
    longest = _PAUSE * busy
    whole = (busy + sum(min(pause, longest) for pause in pauses)) or 1.0
    cut = 0.0
    bars: list[Bar] = []
    for call, (begin, end), pause in zip(calls, spans, pauses, strict=True):
        is_cut = pause > longest
        cut += pause - longest if is_cut else 0.0
        start = (begin - spans[0][0] - cut) / whole * LENGTH
        length = max(_LEAST, (end - begin) / whole * LENGTH)
        bars.append(
            Bar(
                call=call,
                start=round(min(start, LENGTH - _LEAST), 1),
                length=round(min(length, LENGTH - min(start, LENGTH - _LEAST)), 1),
                after=begin - spans[0][0],
                seconds=None if call.closed is None else end - begin,
                pause=pause if is_cut and pause >= 1 else None,
            )
        )
    return tuple(bars)


def _time(stored: str) -> float:
    return datetime.fromisoformat(stored).timestamp()
