"""`guidex trace`."""

from __future__ import annotations

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
        lines = document_lines(reader, wanted, limit=limit, offset=offset)
        if json:
            print_json([line.model_dump(mode="json") for line in lines])
        else:
            print_documents(lines, reader, wanted, offset)
