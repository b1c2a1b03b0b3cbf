"""Driving a run from a terminal: the display beside it, and what Ctrl-C does."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NamedTuple

from graph.plan import Plan
from graph.runner import Runner, RunResult
from graph.store.records import RunStatus
from guidex.cli.console import counted
from guidex.cli.display import Display
from guidex.event_loop import run_on_loop
from guidex.version import version
from schemas.errors import GuidexError, StoppedError
from schemas.job import Job

DONE, FAILED, STOPPED, INTERRUPTED = 0, 1, 75, 130
"""Exit codes."""

_TICK = 0.2
"""Seconds between two looks at the counters."""


class Driven(NamedTuple):
    """How a session ended."""

    code: int
    """Exit code."""
    result: RunResult | None
    """None if it was interrupted before its end."""


def drive(job: Job, folder: Path, job_toml: str, display: Display, plan: Plan) -> Driven:
    """Run a session to its end, or until it is interrupted.

    Raises:
        GuidexError: The run cannot begin, or cannot go on.
    """
    driver = _Driver(job, folder, job_toml, display, plan)
    try:
        with driver.listening():
            result = run_on_loop(driver.run())
    except (asyncio.CancelledError, KeyboardInterrupt):
        return Driven(INTERRUPTED, None)
    except GuidexError:
        # A child process that Ctrl-C ended, too, or a download that was given up.
        if driver.interrupts:
            return Driven(INTERRUPTED, None)
        raise
    if result.status is RunStatus.STOPPED:
        return Driven(INTERRUPTED if driver.interrupts else STOPPED, result)
    return Driven(FAILED if result.status is RunStatus.FAILED else DONE, result)


class _Driver:
    """One run, its display, and the interrupts it was sent."""

    def __init__(self, job: Job, folder: Path, job_toml: str, display: Display, plan: Plan) -> None:
        self.interrupts = 0
        self._display = display
        self._runner = Runner(
            job, folder, job_toml=job_toml, version=version(), plan=plan, download=self._download
        )
        self._task: asyncio.Task[RunResult] | None = None
        self._notes: list[str] = []

    async def run(self) -> RunResult:
        progress = self._runner.progress
        self._display.start(progress)
        self._task = asyncio.ensure_future(self._runner.run())
        try:
            while not self._task.done():
                self._tick()
                await asyncio.wait([self._task], timeout=_TICK)
            return await self._task
        except asyncio.CancelledError:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
            raise
        finally:
            self._tick()
            self._display.stop()

    def _tick(self) -> None:
        self._display.tick()
        while self._notes:
            self._display.note(self._notes.pop(0))

    def _download(self, done: int, total: int | None, label: str) -> None:
        """Called from the thread that fetches a model; an exception is what ends it."""
        if self.interrupts or self._runner.progress.stopping:
            raise StoppedError("The download was stopped.", "Run the command again to fetch the model.")
        self._display.download(done, total, label)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Ctrl-C drains, then stops; a request to terminate drains as well."""
        try:
            before = {
                signal.SIGINT: signal.signal(signal.SIGINT, self._on_interrupt),
                signal.SIGTERM: signal.signal(signal.SIGTERM, self._on_terminate),
            }
        except ValueError:  # not the main thread: whoever owns that one listens
            yield
            return
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _on_interrupt(self, number: int, frame: FrameType | None) -> None:
        self.interrupts += 1
        begun = self._runner.progress.documents > 0
        if self.interrupts == 1 and begun:
            self._runner.stop()
            self._notes.append(f"{self._finishing()}; Ctrl-C again to stop now.")
            return
        # Nothing to finish, or no more patience; a third one is Python's own.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        if self._task is not None:
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)

    def _on_terminate(self, number: int, frame: FrameType | None) -> None:
        self._runner.stop()
        self._notes.append(f"Asked to terminate. {self._finishing()}.")

    def _finishing(self) -> str:
        working = self._runner.progress.working
        return f"Finishing {counted(working, 'document')} in flight" if working else "Stopping"
