"""One session of a run from the terminal: driven with its display, summed up at the end."""

from __future__ import annotations

from pathlib import Path

import typer

from graph.plan import Plan
from graph.store.opening import holds_run
from guidex.cli.console import safe, say
from guidex.cli.display import Display
from guidex.cli.driving import STOPPED, drive
from guidex.cli.summary import print_summary
from guidex.run_folders import JOB_FILE, has_run
from guidex.run_summary import summarise
from guidex.standard_input import KEPT
from schemas.errors import GuidexError
from schemas.job import Job


def carry_out(job: Job, folder: Path, toml: str, plan: Plan, display: Display, *, as_json: bool) -> None:
    """Run the session, print the run's summary, and end the command with the exit code.

    Raises:
        GuidexError: The run cannot begin, or cannot go on.
        typer.Exit: Always, otherwise.
    """
    code = conduct(job, folder, toml, plan, display)
    if holds_run(folder):
        print_summary(summarise(folder), as_json=as_json)
    raise typer.Exit(code)


def conduct(job: Job, folder: Path, toml: str, plan: Plan, display: Display) -> int:
    """Run the session; the exit code. The summary is left to the caller, where there is a run.

    Raises:
        GuidexError: The run cannot begin, or cannot go on.
    """
    begun_before = has_run(folder)
    try:
        code = drive(job, folder, toml, display, plan).code
    except GuidexError as error:
        if has_run(folder) and not begun_before:
            ended = "has stopped" if error.exit_code == STOPPED else "has failed"
            say(f"The run {ended}; what was done before is kept in {folder.as_posix()}.")
        _say_what_is_kept(folder)
        raise
    if not holds_run(folder):
        say("Interrupted before the first document was begun; nothing was kept.")
        _say_what_is_kept(folder)
    return code


def _say_what_is_kept(folder: Path) -> None:
    """What came in on standard input is not lost, though no run has begun."""
    if not has_run(folder) and (folder / KEPT).is_file():
        say(f"What came in is kept: `guidex run {safe((folder / JOB_FILE).as_posix())}` begins with it.")
