"""The loop of a run: what it gives back, and how it ends."""

from __future__ import annotations

import asyncio
import sys

import pytest

from guidex.event_loop import run_on_loop


async def loop_in_use() -> str:
    await asyncio.sleep(0)
    return type(asyncio.get_running_loop()).__module__


def test_a_run_has_a_fast_loop_of_its_own() -> None:
    assert run_on_loop(loop_in_use()) == ("uvloop" if sys.platform != "win32" else "asyncio.windows_events")
    with pytest.raises(RuntimeError):
        asyncio.get_running_loop()


def test_a_failure_comes_through() -> None:
    async def fails() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        run_on_loop(fails())
