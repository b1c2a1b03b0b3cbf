"""`guidex run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from guidex.cli.console import say
from guidex.cli.options import RUNS_DIR, AsJson, RunsDir

Display = Literal["full", "plain", "none"]


def run(
    job_file: Annotated[
        Path | None, typer.Argument(metavar="JOB.toml", help="The job file; flags take precedence.")
    ] = None,
    documents: Annotated[
        list[Path] | None,
        typer.Option(
            "--documents", metavar="PATH", help="File or folder of documents; may be given several times."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option(
            "--model",
            metavar="NAME",
            help="The agents' model, instead of the job file's with the settings of its server; models that "
            "the file gives to single agents stay.",
        ),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Server that speaks the provider's wire format."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="Name of the run, a new one; default: after the job or the documents.",
        ),
    ] = None,
    runs_dir: RunsDir = RUNS_DIR,
    limit: Annotated[
        int | None, typer.Option("--limit", min=1, metavar="N", help="Take only the first so many documents.")
    ] = None,
    doc_id: Annotated[
        list[str] | None,
        typer.Option("--doc-id", metavar="ID", help="Take only this document; may be given several times."),
    ] = None,
    brief: Annotated[
        str | None, typer.Option("--brief", metavar="TEXT", help="What the data is for.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", min=1, metavar="N", help="Most rounds of a document.")
    ] = None,
    max_connections: Annotated[
        int | None,
        typer.Option("--max-connections", min=1, metavar="N", help="Calls at the same time to one model."),
    ] = None,
    documents_in_flight: Annotated[
        int | None,
        typer.Option(
            "--documents-in-flight", min=1, metavar="N", help="Documents worked on at the same time."
        ),
    ] = None,
    display: Annotated[
        Display | None,
        typer.Option("--display", help="How progress is shown; default: full on a terminal, else plain."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Take documents through the agents; every document ends accepted, rejected, failed or skipped.

    The first Ctrl-C lets the documents in flight finish, the second stops at once. Exit codes: 0 done,
    1 failed, 2 usage, 75 stopped with documents left, 130 interrupted.
    """
    from guidex.cli.display import display_for
    from guidex.cli.driving import drive
    from guidex.cli.summary import print_summary
    from guidex.job_files import Changes, load_job, suggested_name
    from guidex.run_folders import has_run, run_folder
    from guidex.run_summary import summarise
    from schemas.errors import GuidexError

    changes = Changes(
        documents=[str(path) for path in documents or ()],
        limit=limit,
        doc_ids=doc_id or (),
        model=model,
        base_url=base_url,
        brief=brief,
        rounds=rounds,
        max_connections=max_connections,
        documents_in_flight=documents_in_flight,
    )
    job = load_job(job_file, changes)
    suggestion = suggested_name(job, None if documents else job_file)
    with run_folder(job, name, suggestion, runs_dir) as (folder, toml):
        try:
            code = drive(job, folder, toml, display_for(display))
        except GuidexError:
            if has_run(folder):
                say(f"The run has failed; what was done before is kept in {folder.as_posix()}.")
            raise
        summary = summarise(folder) if has_run(folder) else None
    if summary is None:
        say("Interrupted before the first document was begun; nothing was kept.")
    else:
        print_summary(summary, as_json=json)
    raise typer.Exit(code)
