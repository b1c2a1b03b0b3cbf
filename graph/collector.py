"""Python's garbage collector while documents are worked on."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

_THRESHOLDS = (50_000, 2, 2)
"""Objects made before the youngest are looked through, and such looks before the next older are."""


@contextlib.contextmanager
def seldom_collecting() -> Iterator[None]:
    """Leave out what is loaded by now, and look through the rest seldom.

    A run keeps some hundred thousand objects that never die (the SDKs' types, compiled graphs). Python's own
    thresholds would look through them again at every few calls, for little: what a call leaves behind is
    hardly ever in circles. Response models are, so that a collection now and then is needed.
    """
    before, kept_out = gc.get_threshold(), gc.get_freeze_count()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        if not kept_out:  # else the caller has frozen objects too, and they cannot be told apart
            gc.unfreeze()
