"""`guidex preview`."""

from __future__ import annotations

from typing import Annotated

import typer

from guidex.cli.job_flags import JobFlags, takes_job
from guidex.cli.options import RUNS_DIR, AllowChanges, AsJson, DisplayMode, Name, RunsDir


@takes_job
def preview(
    flags: JobFlags,
    number: Annotated[
        int, typer.Option("--number", "-n", min=1, metavar="N", help="How many documents.")
    ] = 3,
    drawn: Annotated[
        bool, typer.Option("--random", help="Draw the documents by the job's seed; default: the first ones.")
    ] = False,
    name: Name = None,
    runs_dir: RunsDir = RUNS_DIR,
    allow_changes: AllowChanges = False,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Run the job on a few documents and show in full what comes of them.

    The documents are worked on in the job's own run: `guidex run` with the same job goes on from there and
    does not pay for them again. Exit codes as for `guidex run`.
    """
    from graph.plan import Sample
    from guidex.cli.console import console, print_json, safe
    from guidex.cli.sampling import try_documents
    from guidex.cli.story import print_story
    from guidex.next_steps import run_argument
    from guidex.stories import story_of

    job, suggestion = flags.job()
    wanted = Sample(number, job.seed if drawn else None)
    with try_documents(
        job, suggestion, wanted, name, runs_dir, display, allow_changes=allow_changes
    ) as tried:
        stories = [story_of(tried.reader, identifier) for identifier in tried.document_ids]
        run = run_argument(tried.reader.folder)
    if json:
        print_json([story.model_dump(mode="json") for story in stories])
    else:
        for story in stories:
            print_story(story)
            console().print()
        console().print(f"These are kept and not paid for again: `guidex resume {safe(run)}` goes on.")
    raise typer.Exit(tried.code)
