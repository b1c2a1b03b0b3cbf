"""One session of a run from the terminal: driven with its display, summed up at the end."""

from __future__ import annotations

from pathlib import Path

import typer

from graph.plan import Plan
from graph.store.opening import holds_run
from guidex.cli.console import say
from guidex.cli.display import Display
from guidex.cli.driving import STOPPED, drive
from guidex.cli.summary import print_summary
from guidex.run_folders import has_run
from guidex.run_summary import summarise
from schemas.errors import GuidexError
from schemas.job import Job


def carry_out(job: Job, folder: Path, toml: str, plan: Plan, display: Display, *, as_json: bool) -> None:
    """Run the session, print the run's summary, and end the command with the exit code.

    Raises:
        GuidexError: The run cannot begin, or cannot go on.
        typer.Exit: Always, otherwise.
    """
    begun_before = has_run(folder)
    try:
        code = drive(job, folder, toml, display, plan).code
    except GuidexError as error:
        if has_run(folder) and not begun_before:
            ended = "has stopped" if error.exit_code == STOPPED else "has failed"
            say(f"The run {ended}; what was done before is kept in {folder.as_posix()}.")
        raise
    if holds_run(folder):
        print_summary(summarise(folder), as_json=as_json)
    else:
        say("Interrupted before the first document was begun; nothing was kept.")
    raise typer.Exit(code)
