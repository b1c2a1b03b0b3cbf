"""`guidex runs`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir


def list_(runs_dir: RunsDir = RUNS_DIR, json: AsJson = False) -> None:
    """List the runs, the newest first."""
    from dataclasses import asdict

    from graph.store.listing import list_runs
    from guidex.cli.console import print_json
    from guidex.cli.summary import print_runs

    found = list_runs(runs_dir)
    if json:
        print_json([asdict(run) for run in found])
    else:
        print_runs(found, runs_dir)


def show(run: Run, runs_dir: RunsDir = RUNS_DIR, json: AsJson = False) -> None:
    """Summarise a run: sums, failures by cause, reasons for rejection, what to do next."""
    from guidex.cli.summary import print_summary
    from guidex.run_folders import find_run
    from guidex.run_summary import summary_of

    with find_run(run, runs_dir) as reader:
        summary = summary_of(reader)
    print_summary(summary, as_json=json)


def compare(
    run: Run,
    other: Annotated[
        str, typer.Argument(metavar="OTHER", help="The run it is compared with, named in the same way.")
    ],
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Compare two runs: settings, figures, documents that ended differently, mentions of both."""
    from guidex.cli.comparing import print_comparison
    from guidex.cli.console import print_json
    from guidex.comparison import compare as compare_runs
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as ours, find_run(other, runs_dir) as theirs:
        comparison = compare_runs(ours, theirs)
    if json:
        print_json(comparison.model_dump(mode="json"))
    else:
        print_comparison(comparison)


def backup(
    run: Run,
    destination: Annotated[
        Path, typer.Argument(metavar="DEST", help="The copy's folder, which must not be there yet.")
    ],
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Copy a run with its job file and exports, also while it goes on; the copy is a run like any other."""
    from graph.store.backup import back_up
    from graph.store.contents import contents
    from guidex.cli.console import counted, file_size, print_json, safe
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as reader:
        folder = reader.folder
    back_up(folder, destination)
    copied = contents(destination)
    size, files = sum(item.bytes for item in copied), sum(item.files for item in copied)
    if json:
        print_json({"run": folder, "backup": destination, "files": files, "bytes": size})
    else:
        place = safe(destination.as_posix())
        typer.echo(
            f"{safe(folder.as_posix())} copied to {place}: {counted(files, 'file')}, {file_size(size)}"
        )


def delete(
    run: Run,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Delete a run's folder with all that is in it, after saying what that is and asking.

    A run that is being written is not deleted. Links are removed, what they point to is not.
    """
    from graph.store.deletion import deletable, delete_run
    from guidex.cli.console import counted, file_size, print_json, safe, say
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as reader:
        folder = reader.folder
    items = deletable(folder)
    size, files = sum(item.bytes for item in items), sum(item.files for item in items)
    what = f"{counted(files, 'file')}, {file_size(size)}"
    if not yes:
        say(f"This deletes {folder.as_posix()} ({what}):")
        for item in items:
            say(f"  {item.name}  {file_size(item.bytes)}")
        # Not `typer.confirm`, which writes to standard output, where the result alone belongs.
        say("Delete it? [y/N]")
        if sys.stdin.readline().strip().lower() not in ("y", "yes"):
            say("Nothing was deleted.")
            raise typer.Exit(1)
    delete_run(folder)
    if json:
        print_json({"deleted": folder, "files": files, "bytes": size})
    else:
        typer.echo(f"{safe(folder.as_posix())} deleted: {what}")
