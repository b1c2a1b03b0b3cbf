"""The loop of a run: what it gives back, and that it leaves the caller's collector as it was."""

from __future__ import annotations

import asyncio
import gc
import sys

import pytest

from guidex.event_loop import run_on_loop


async def collector() -> tuple[str, tuple[int, int, int], int]:
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__module__, gc.get_threshold(), gc.get_freeze_count()


def test_a_run_has_a_fast_loop_and_a_patient_collector_and_both_end_with_it() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    loop, thresholds, frozen = run_on_loop(collector())
    assert loop == ("uvloop" if sys.platform != "win32" else "asyncio.windows_events")
    assert thresholds > before[0] and frozen > 10_000
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_what_the_caller_has_frozen_stays_frozen() -> None:
    gc.freeze()
    try:
        run_on_loop(collector())
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


def test_a_failure_comes_through_and_the_collector_is_put_back() -> None:
    async def fails() -> None:
        raise OSError("disk full")

    before = gc.get_threshold()
    with pytest.raises(OSError, match="disk full"):
        run_on_loop(fails())
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0
