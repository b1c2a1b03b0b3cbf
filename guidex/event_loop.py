"""The event loop a run works on, and the garbage collector beside it."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, TypeVar

_T = TypeVar("_T")

_THRESHOLDS = (20_000, 20, 50)
"""Objects made before the youngest are collected, and collections before the next older are."""


def run_on_loop(main: Coroutine[Any, Any, _T]) -> _T:
    """`asyncio.run` on libuv's event loop where there is one, with a collector that seldom looks.

    A run keeps some hundred thousand objects that never die (the SDKs' types, compiled graphs) and leaves
    little garbage in circles. Python's own thresholds would walk through the former at every few calls.
    """
    with _seldom_collecting(), asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """A loop on libuv serves sockets with less Python in between; it is not made for Windows."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


@contextlib.contextmanager
def _seldom_collecting() -> Iterator[None]:
    before, kept_out = gc.get_threshold(), gc.get_freeze_count()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not kept_out:  # else the caller has frozen objects too, and they cannot be told apart
            gc.unfreeze()
