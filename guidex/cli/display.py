"""Progress on standard error: a few live lines on a terminal, a line now and then elsewhere, or nothing."""

from __future__ import annotations

import contextlib
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Literal

from rich.cells import cell_len
from rich.live import Live
from rich.text import Text

from agents.llm.embedded import Progress as DownloadProgress
from agents.llm.prices import usd
from graph.progress import Progress
from guidex.cli.console import console, counted, safe, say
from schemas.judgement import Outcome

PLAIN_PERIOD = 30.0
"""Most seconds between two lines of the plain display while something goes on."""

_SILENCE = 2.0
"""Seconds without answers, since a request was refused or lost, from which this is worth a line."""

_MEGABYTE = 1_000_000

Mode = Literal["full", "plain", "none"]


class Display(ABC):
    """Shows how far a run is. `tick` is called several times a second, `download` also from other threads."""

    def __init__(self) -> None:
        self._progress: Progress | None = None
        self._download: tuple[int, int | None, str] | None = None
        self._working_since: float | None = None

    def start(self, progress: Progress | None) -> None:
        """Begin to show; None where there will be downloads only."""
        self._progress = progress

    def download(self, done: int, total: int | None, label: str) -> None:
        """Take note of how far a download is, in bytes."""
        self._download = (done, total, label)

    @abstractmethod
    def tick(self) -> None:
        """Show how far it is."""

    def note(self, text: str) -> None:
        """Show a message that stays."""
        say(text)

    @abstractmethod
    def stop(self) -> None:
        """Show the end and let go of the terminal."""

    def _lines(self) -> tuple[str, ...]:
        """What to show now; none before there is anything."""
        progress = self._progress
        if progress is not None and progress.documents:
            self._working_since = self._working_since or time.monotonic()
            return progress_lines(progress, time.monotonic() - self._working_since)
        return (download_line(*self._download),) if self._download is not None else ()


def display_mode(wanted: Mode | None) -> Mode:
    """How progress is shown: as wanted, by default full where standard output and error are a terminal."""
    if wanted is not None:
        return wanted
    return "full" if sys.stdout.isatty() and sys.stderr.isatty() else "plain"


def display_for(wanted: Mode | None) -> Display:
    """The display asked for; by default full where standard output and error are a terminal, else plain."""
    kinds: dict[str, type[Display]] = {"full": FullDisplay, "plain": PlainDisplay, "none": NoDisplay}
    return kinds[display_mode(wanted)]()


@contextlib.contextmanager
def downloads_shown() -> Iterator[DownloadProgress]:
    """Show downloads that are made here and now; gives what is to be told about them."""
    display = display_for(None)

    def told(done: int, total: int | None, label: str) -> None:
        display.download(done, total, label)
        display.tick()

    display.start(None)
    try:
        yield told
    finally:
        display.stop()


class FullDisplay(Display):
    """Lines that are redrawn in place."""

    def start(self, progress: Progress | None) -> None:
        """Take lines of the terminal."""
        super().start(progress)
        self._live = Live(console=console("err"), auto_refresh=False, transient=True)
        self._live.start()

    def tick(self) -> None:
        """Draw the lines anew."""
        width = self._live.console.width
        text = "\n".join(fitting(safe(line), width) for line in self._lines())
        self._live.update(Text(text, no_wrap=True, overflow="ellipsis"), refresh=True)

    def note(self, text: str) -> None:
        """Print above the lines."""
        self._live.console.print(Text(safe(text)))

    def stop(self) -> None:
        """Take the lines away."""
        self._live.stop()


class PlainDisplay(Display):
    """A line with every tenth of the documents or quarter of a download, and at least every half minute."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[object, ...] = ()
        self._done = -1
        self._at = time.monotonic()

    def tick(self) -> None:
        """Print a line if it is time for one."""
        line = ", ".join(self._lines())
        step = self._step()
        late = time.monotonic() - self._at > PLAIN_PERIOD
        if line and (step != self._shown or late):
            self._say(line)
            self._shown = step

    def stop(self) -> None:
        """Show where it ended, unless that was shown already."""
        progress = self._progress
        if progress is not None and progress.documents and progress.done != self._done:
            self._say(", ".join(self._lines()))

    def _step(self) -> tuple[object, ...]:
        progress = self._progress
        if progress is not None and progress.documents:
            return ("documents", progress.stage, 10 * progress.done // progress.documents)
        if self._download is not None:
            done, total, label = self._download
            return ("download", label, 4 * done // total if total else 0)
        return ()

    def _say(self, line: str) -> None:
        say(line)
        self._done = self._progress.done if self._progress else 0
        self._at = time.monotonic()


class NoDisplay(Display):
    """Nothing but what must be said."""

    def tick(self) -> None:
        """Show nothing."""

    def stop(self) -> None:
        """Nothing is to be let go of."""


def progress_lines(progress: Progress, seconds: float) -> tuple[str, ...]:
    """Where a run stands, and what it takes; if a server has brought no answers for a while, that as well.

    What matters least stands last, as a narrow terminal has no room for it.

    Args:
        progress: The counters.
        seconds: Since the first document was begun; the rates are taken over them.
    """
    outcomes = progress.outcomes
    documents = [f"{progress.done:,}/{counted(progress.documents, 'document')}"]
    documents += [
        f"{outcomes[outcome]:,} {outcome.value}"
        for outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.FAILED, Outcome.SKIPPED)
        if outcomes[outcome] or outcome in (Outcome.ACCEPTED, Outcome.REJECTED)
    ]
    documents.append(clock(progress.seconds))
    if progress.stopping:
        documents.append("stopping")
    if progress.stage:
        documents.insert(0, progress.stage)
    rated = seconds >= 1
    per_second = f" ({progress.taken.tokens / seconds:,.0f}/s)" if rated else ""
    takes = [_money(progress)]
    takes.append(f"{progress.earlier.tokens + progress.taken.tokens:,} tokens{per_second}")
    if rated and progress.done_now > 0:
        takes.append(f"{60 * progress.done_now / seconds:,.1f} documents/min")
    takes.append(f"{counted(progress.in_flight, 'call')} in flight")
    lines = [", ".join(documents), ", ".join(filter(None, takes))]
    if progress.silence is not None and progress.silence[0] >= _SILENCE:
        waited, cause = progress.silence
        lines.append(f"no answers for {clock(waited)} ({cause})")
    return tuple(lines)


def _money(progress: Progress) -> str:
    """What was spent and will be; nothing where all is free."""
    unpriced = progress.earlier.unpriced + progress.taken.unpriced
    if unpriced and not progress.earlier.priced + progress.taken.priced:
        return "cost unknown"
    if not progress.cost and not unpriced:
        return ""
    projected = progress.projected_cost
    spent = f"{'at least ' if unpriced else ''}{usd(progress.cost)}"
    return spent if projected is None else f"{spent} of about {usd(projected)}"


def fitting(line: str, width: int) -> str:
    """A line without those of its last parts that a terminal of so many columns has no room for."""
    while cell_len(line) > width and ", " in line:
        line = line.rpartition(", ")[0]
    return line


def download_line(done: int, total: int | None, label: str) -> str:
    """How far a download is, in one line."""
    size = f" of {total / _MEGABYTE:.1f}" if total else ""
    return f"{label}: {done / _MEGABYTE:.1f}{size} MB"


def clock(seconds: float) -> str:
    """Seconds as minutes and seconds, with hours where there are any."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
