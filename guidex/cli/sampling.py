"""Trying a job on a few of its documents, inside its own run."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from graph.plan import Plan, Sample
from graph.store.reading import RunReader
from guidex.cli.console import say
from guidex.cli.display import display_for
from guidex.cli.driving import drive
from guidex.cli.options import DisplayMode
from guidex.run_folders import has_run, run_folder
from schemas.job import Job


@dataclass(frozen=True)
class Tried:
    """What came of it.

    Attributes:
        code: Exit code of the session.
        document_ids: The documents of the sample, also those that have not ended.
        reader: Of the run.
    """

    code: int
    document_ids: tuple[str, ...]
    reader: RunReader


@contextlib.contextmanager
def try_documents(
    job: Job,
    suggestion: str,
    sample: Sample,
    name: str | None,
    runs_dir: Path,
    display: DisplayMode,
    *,
    allow_changes: bool,
) -> Iterator[Tried]:
    """Work on a sample in the run of the job; documents of it that have ended before stay as they are.

    Args:
        job: The job.
        suggestion: Name for its run, if there is none yet.
        sample: Which documents.
        name: The run's name; None for that of a run of the same job, or the suggestion.
        runs_dir: Where runs are.
        display: How progress is shown.
        allow_changes: Go on although the job differs from the run's in what can change answers.

    Raises:
        GuidexError: The run cannot begin, or cannot go on.
        typer.Exit: It was interrupted before the first document was begun.
    """
    plan = Plan(allow_changes=allow_changes, sample=sample)
    with run_folder(job, name, suggestion, runs_dir) as (job, folder, toml):
        driven = drive(job, folder, toml, display_for(display), plan)
        if driven.result is None or driven.result.worked_on is None or not has_run(folder):
            say("Interrupted; what was finished is kept.")
            raise typer.Exit(driven.code)
        if driven.code != 0 and driven.result.reason:
            say(driven.result.reason)
        with RunReader(folder) as reader:
            yield Tried(driven.code, driven.result.worked_on, reader)
