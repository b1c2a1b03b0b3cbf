"""Work that can be stopped and gone on with: a line of progress, and what Ctrl-C does."""

from __future__ import annotations

import signal
from types import TracebackType
from typing import Self

from guidex.cli.options import DisplayMode
from guidex.cli.progress_line import ProgressLine


class Stopping:
    """The first Ctrl-C asks the work to stop where it can go on from; the second one stops it at once.

    Attributes:
        line: The line of progress.
    """

    def __init__(self, display: DisplayMode, said: str) -> None:
        """Prepare.

        Args:
            display: How progress is shown.
            said: What is told at the first Ctrl-C.
        """
        self.line = ProgressLine(display)
        self._said = said
        self._wanted = False

    def __enter__(self) -> Self:
        self.line.__enter__()
        self._before = signal.signal(signal.SIGINT, self._on_interrupt)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        signal.signal(signal.SIGINT, self._before)
        self.line.__exit__(kind, error, trace)

    def wanted(self) -> bool:
        """Whether to stop."""
        return self._wanted

    def _on_interrupt(self, *_: object) -> None:
        self._wanted = True
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.line.note(self._said)
