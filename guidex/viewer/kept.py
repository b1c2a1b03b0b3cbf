"""What takes long to read of a run or to work out, kept until the run has changed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from graph.store.reading import RunReader

Made = TypeVar("Made")
State = tuple[Any, ...]

_MOST_RUNS: Final = 4

_IDS: Final = """SELECT (SELECT id FROM runs), (SELECT max(id) FROM rounds), (SELECT max(id) FROM decisions),
    (SELECT max(id) FROM events), (SELECT max(id) FROM sessions)"""
_HOLDING: Final = "SELECT outcome, count(*), sum(decision_id) FROM documents GROUP BY outcome"


class Kept(Generic[Made]):
    """Something of each of the runs that were last asked about; used by several threads."""

    def __init__(
        self,
        make: Callable[[RunReader], Made],
        state: Callable[[RunReader], State],
        most: int = _MOST_RUNS,
    ) -> None:
        """Keep nothing yet.

        Args:
            make: Reads it or works it out.
            state: Tells by which state of the run it is made: it is made anew once that is another one.
            most: Runs of which it is kept.
        """
        self._make, self._state, self._most = make, state, most
        self._kept: OrderedDict[str, tuple[State, Made]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, reader: RunReader) -> Made:
        """What is kept of a run, or made of it now.

        Raises:
            StoreError: It cannot be read.
        """
        folder = reader.folder.as_posix()
        with self._lock:  # whoever asks meanwhile would have to make the same
            state = self._state(reader)
            known = self._kept.pop(folder, None)
            made = known[1] if known is not None and known[0] == state else self._make(reader)
            self._kept[folder] = state, made
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return made


def decided(run: RunReader) -> State:
    """What differs as soon as a document is judged, decided or taken up again, or the job is another one."""
    return *run.rows(_IDS), *run.rows(_HOLDING)


def decided_and_reviewed(run: RunReader) -> State:
    """The same, and what differs as soon as somebody reviews."""
    return *decided(run), *run.rows("SELECT max(id) FROM reviews")
