"""One line of progress on standard error: redrawn on a terminal, printed now and then elsewhere, or none."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.text import Text

from guidex.cli.console import console, safe, say
from guidex.cli.display import PLAIN_PERIOD, display_mode, fitting
from guidex.cli.options import DisplayMode


class ProgressLine:
    """Shows the last line it was told, as `--display` says."""

    def __init__(self, mode: DisplayMode) -> None:
        """Choose how it is shown; None: redrawn on a terminal, else printed."""
        self._mode = display_mode(mode)
        self._live: Live | None = None
        self._tenth: object = None
        self._at = time.monotonic()

    def __enter__(self) -> Self:
        if self._mode == "full":
            self._live = Live(console=console("err"), auto_refresh=False, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, line: str, done: int, total: int) -> None:
        """Show a line.

        Args:
            line: The line; what matters least stands last.
            done: How much is done; printed lines come with every tenth of all, or after half a minute.
            total: Of how much.
        """
        if self._live is not None:
            fitted = fitting(safe(line), self._live.console.width)
            self._live.update(Text(fitted, no_wrap=True, overflow="ellipsis"), refresh=True)
        elif self._mode == "plain":
            tenth = 10 * done // max(total, 1)
            if tenth != self._tenth or time.monotonic() - self._at > PLAIN_PERIOD:
                self._tenth, self._at = tenth, time.monotonic()
                say(line)

    def note(self, text: str) -> None:
        """Show a message that stays."""
        if self._live is None:
            say(text)
        else:
            self._live.console.print(Text(safe(text)))
