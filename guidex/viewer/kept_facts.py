"""The facts of the runs whose thresholds are being tried, kept so that a moved slider is answered at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any, Final

from starlette.requests import Request

from graph.store.opening import OpenedRun
from graph.thresholds import RunFacts, load

_MOST_RUNS: Final = 4

_IDS: Final = """SELECT (SELECT id FROM runs), (SELECT max(id) FROM rounds), (SELECT max(id) FROM decisions),
    (SELECT max(id) FROM events), (SELECT max(id) FROM sessions)"""
_HOLDING: Final = "SELECT outcome, count(*), sum(decision_id) FROM documents GROUP BY outcome"


class KeptFacts:
    """Facts of the runs that were last asked about; used by several threads."""

    def __init__(self, most: int = _MOST_RUNS) -> None:
        """Keep nothing yet.

        Args:
            most: Runs whose facts are kept.
        """
        self._most = most
        self._kept: OrderedDict[str, tuple[object, RunFacts]] = OrderedDict()
        self._lock = threading.Lock()

    def of(self, reader: OpenedRun) -> RunFacts:
        """The facts of a run as they are now; read anew once something was judged or decided since.

        Raises:
            StoreError: It cannot be read.
        """
        folder = reader.folder.as_posix()
        with self._lock:  # whoever asks meanwhile would have to read the same
            state = _state(reader)
            known = self._kept.pop(folder, None)
            facts = known[1] if known is not None and known[0] == state else load(reader)
            self._kept[folder] = state, facts
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
        return facts


def _state(run: OpenedRun) -> tuple[list[tuple[Any, ...]], ...]:
    """What differs as soon as a document is judged, decided or taken up again, or the job is another one."""
    return run.rows(_IDS), run.rows(_HOLDING)


def facts_of(request: Request, reader: OpenedRun) -> RunFacts:
    """The facts of a run, kept by the application."""
    kept: KeptFacts = request.app.state.facts
    return kept.of(reader)
