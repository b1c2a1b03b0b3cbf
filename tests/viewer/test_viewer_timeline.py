"""Calls laid out on a line of time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from guidex.stories import CallLine
from guidex.viewer.timeline import LENGTH, timeline

BEGAN = datetime(2026, 3, 2, 8, tzinfo=UTC)


def call(opened: float, closed: float | None) -> CallLine:
    return CallLine(
        id="c",
        agent="critic",
        round=1,
        sample=0,
        passage=0,
        model="m",
        status="answered",
        error=None,
        attempts=1,
        input_tokens=1,
        cached_tokens=0,
        output_tokens=1,
        seconds=1.0,
        cost=None,
        opened=(BEGAN + timedelta(seconds=opened)).isoformat(),
        closed=None if closed is None else (BEGAN + timedelta(seconds=closed)).isoformat(),
        replay_of=None,
        re_asked=False,
    )


def test_bars_are_as_long_as_calls_took() -> None:
    first, second = timeline([call(0, 10), call(10, 40)])
    assert (first.start, first.length) == (0, LENGTH / 4)
    assert (second.start, second.length, second.after, second.seconds) == (LENGTH / 4, LENGTH * 3 / 4, 10, 30)


def test_a_long_pause_is_shortened_and_told() -> None:
    first, second = timeline([call(0, 10), call(3600, 3610)])
    assert second.pause == 3590
    assert second.after == 3600
    assert first.length > LENGTH / 3 and second.length > LENGTH / 3


def test_calls_that_never_ended_are_there() -> None:
    assert timeline([]) == ()
    (only,) = timeline([call(0, None)])
    assert only.seconds is None and only.length > 0


times = st.floats(0, 1e6, allow_nan=False)


@given(st.lists(st.tuples(times, st.none() | st.floats(0, 1e5)), max_size=12))
def test_every_bar_lies_on_the_line_and_in_order(made: list[tuple[float, float | None]]) -> None:
    calls = [
        call(at, None if took is None else at + took) for at, took in sorted(made, key=lambda each: each[0])
    ]
    bars = timeline(calls)
    assert [bar.call for bar in bars] == calls
    for bar in bars:
        assert 0 <= bar.start <= LENGTH and bar.length > 0 and bar.start + bar.length <= LENGTH + 0.2
    starts = [bar.start for bar in bars]
    assert starts == sorted(starts)
