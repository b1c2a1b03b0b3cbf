"""`guidex trace`."""

from __future__ import annotations

import math
from typing import Annotated, Literal

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

State = Literal["accepted", "rejected", "failed", "skipped", "pending"]


def show(
    run: Run,
    document: Annotated[
        str | None, typer.Argument(metavar="DOCUMENT", help="A document's id; without it, all of them.")
    ] = None,
    outcome: Annotated[
        State | None, typer.Option("--outcome", help="List only documents of this outcome.")
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="List at most so many documents.")
    ] = 100,
    offset: Annotated[
        int, typer.Option("--offset", min=0, metavar="N", help="Pass over so many documents.")
    ] = 0,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """List a run's documents with their scores, or tell the story of one and why it ended so."""
    from guidex.cli.console import print_json
    from guidex.run_folders import find_run
    from schemas.judgement import Outcome

    with find_run(run, runs_dir) as reader:
        if document is not None:
            from guidex.cli.story import print_story
            from guidex.stories import story_of

            story = story_of(reader, document)
            if json:
                print_json(story.model_dump(mode="json"))
            else:
                print_story(story)
            return
        from guidex.cli.document_list import print_documents
        from guidex.stories import document_lines

        wanted = Outcome(outcome) if outcome else None
        found = document_lines(reader, wanted, limit=limit, offset=offset)
        if json:
            print_json([line.model_dump(mode="json") for line in found.shown])
        else:
            print_documents(found, reader.folder, offset)


def _slow(value: str) -> float | None:
    if value == "auto":
        return None
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not seconds > 0:
        raise typer.BadParameter("give a number of seconds, or `auto`.")
    return seconds


def anomalies(
    run: Run,
    slow: Annotated[
        str,
        typer.Option(
            "--slow",
            metavar="SECONDS",
            help="From how many seconds a request is slow; `auto`: far above its agent's and model's median.",
        ),
    ] = "auto",
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="Show at most so many of each kind.")
    ] = 10,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Show what stands out, also while a run goes on.

    Calls entered and never left, slow requests, answers that did not fit, truncated or filtered ones,
    requests that brought no answer, documents that took most rounds, and when fewer connections were used.
    """
    from dataclasses import asdict

    from guidex.anomalies import anomalies_of
    from guidex.cli.console import print_json
    from guidex.run_folders import find_run

    seconds = _slow(slow)
    with find_run(run, runs_dir) as reader:
        found = anomalies_of(reader, limit=limit, slow_seconds=seconds)
    if json:
        print_json(asdict(found))
    else:
        from guidex.cli.anomalies import print_anomalies

        print_anomalies(found)
