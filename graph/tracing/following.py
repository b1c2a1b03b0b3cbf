"""Live traces: a thread beside a run that sends what was decided since it last looked.

It reads the store as any reader does, and all that it holds is the id of the last decision that the collector
has. So it never holds the run up, and a collector that does not answer loses nothing: the same is sent once
it does, or by `guidex trace export` afterwards, under the same ids.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from graph.store.opening import holds_run
from graph.store.reading import RunReader
from graph.tracing.exporting import document_batches, session_batches
from graph.tracing.reading import decided_since, last_decision
from graph.tracing.sending import SpanSender
from schemas.errors import GuidexError

_PERIOD: Final = 2.0
"""Seconds between two looks."""
_MOMENT: Final = 1.0
"""Seconds that the end may take without a word."""
_LONGEST_PAUSE: Final = 60.0
"""Seconds between two tries of a collector that does not answer."""


@dataclass(frozen=True, slots=True)
class Followed:
    """How the export of a session ended."""

    documents: int
    """Sent."""
    left: int
    """Decided, but not sent."""
    rejected: int
    """Spans that the collector took but did not keep."""
    problem: GuidexError | None
    """Why some are left, or the session itself."""


class TraceFollower:
    """Sends the traces of a session of a run while it goes on.

    Documents that were decided before it began are left alone: an earlier session sent them, or was not
    asked to.
    """

    def __init__(
        self,
        folder: Path,
        sender: SpanSender,
        *,
        content: bool = False,
        told: Callable[[str], None] = lambda problem: None,
    ) -> None:
        """Note where the run stands.

        Args:
            folder: The run's folder; there need be no run in it yet.
            sender: The collector; closed at the end.
            content: With what was said.
            told: Called once, from another thread, when the collector first does not take something.

        Raises:
            StoreError: There is a run that cannot be read.
        """
        self._folder, self._sender, self._content, self._told = folder, sender, content, told
        self._sent = self._after = 0
        self._first_session = 1
        self._problem: GuidexError | None = None
        self._warned = False
        if holds_run(folder):
            with RunReader(folder) as run:
                self._after, self._first_session = last_decision(run), len(run.sessions()) + 1
        self._over = threading.Event()
        # Daemonic: a collector that hangs must not keep a process alive that was told to stop.
        self._thread = threading.Thread(target=self._follow, name="guidex traces", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def finish(self, waiting: Callable[[], None] = lambda: None) -> Followed:
        """Send what is left, with the session itself; waits, but gives a collector that fails up at once.

        An interrupt ends the wait.

        Args:
            waiting: Called once if it takes longer than a moment.
        """
        self._over.set()
        try:
            self._thread.join(_MOMENT)
            if self._thread.is_alive():
                waiting()
                self._thread.join()
        except KeyboardInterrupt:
            self._problem = self._problem or GuidexError("The export was interrupted.")
        left = 0
        if holds_run(self._folder):
            with RunReader(self._folder) as run:
                left = decided_since(run, self._after)
        return Followed(self._sent, left, self._sender.rejected, self._problem)

    def _follow(self) -> None:
        pause, over = _PERIOD, False
        while not over:
            over = self._over.wait(pause)
            fine = self._look(last=over)
            pause = _PERIOD if fine else min(2 * pause, _LONGEST_PAUSE)
            # Whoever failed while the run ended had its chance; the command is not to wait for it twice.
            over = over or (not fine and self._over.is_set())
        self._sender.close()

    def _look(self, *, last: bool = False) -> bool:
        """Send what is new; false if that failed."""
        if not holds_run(self._folder):
            return True
        try:
            with RunReader(self._folder) as run:
                self._send(run, last=last)
        except GuidexError as error:
            if not self._warned and not self._over.is_set():
                self._warned = True
                self._told(f"{error} The run goes on; its traces are sent once they can be.")
            self._problem = error
            return False
        self._problem = None
        return True

    def _send(self, run: RunReader, *, last: bool) -> None:
        for batch in document_batches(run, self._after, content=self._content):
            self._sender.send(batch.spans)
            self._after = batch.decision_id
            self._sent += batch.documents
            if self._over.is_set() and not last:
                return
        if last:
            for batch in session_batches(run, self._first_session, content=self._content):
                self._sender.send(batch.spans)
