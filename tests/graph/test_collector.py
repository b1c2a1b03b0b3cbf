"""The garbage collector of a run: patient while it lasts, as the caller had it afterwards."""

from __future__ import annotations

import gc
import weakref

import pytest

from graph.collector import seldom_collecting


class Circle:
    def __init__(self) -> None:
        self.itself = self


def test_what_is_loaded_is_left_out_and_what_a_run_leaves_in_circles_is_still_found() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    with seldom_collecting():
        assert gc.get_threshold() > before[0] and gc.get_freeze_count() > 10_000
        lost = weakref.ref(Circle())
        kept = [[] for _ in range(2 * gc.get_threshold()[0])]
        assert lost() is None and len(kept) == 2 * gc.get_threshold()[0]
    assert (gc.get_threshold(), gc.get_freeze_count()) == before


def test_what_the_caller_has_frozen_stays_frozen() -> None:
    gc.freeze()
    try:
        with seldom_collecting():
            pass
        assert gc.get_freeze_count() > 10_000
    finally:
        gc.unfreeze()


def test_a_failure_leaves_the_collector_as_it_was() -> None:
    before = gc.get_threshold()
    with pytest.raises(OSError, match="disk full"), seldom_collecting():
        raise OSError("disk full")
    assert gc.get_threshold() == before and gc.get_freeze_count() == 0
