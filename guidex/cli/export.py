"""`guidex export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

Format = Literal["guidex", "gollie", "jsonl"]


def export(
    run: Run,
    format: Annotated[
        Format,
        typer.Option(
            "--format",
            help="guidex and gollie: training texts in the code dialect; jsonl: documents with schema, "
            "instances and offsets.",
        ),
    ] = "guidex",
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File to write, or - for standard output; default: exports/ in the run.",
        ),
    ] = None,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Write the accepted documents as JSON lines; every mention is checked once more against its text."""
    from graph.export import ExportFormat, rows, write_export
    from graph.results import accepted, shared_schema
    from guidex.cli.console import counted, print_json, say
    from guidex.cli.lines import to_stdout
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as reader:
        made = rows(accepted(reader), ExportFormat(format), shared_schema(reader))
        if output == Path("-"):
            count = to_stdout(made)
        else:
            path = output or reader.folder / "exports" / f"{format}.jsonl"
            count = write_export(made, path)
    if count == 0:
        say(f"No document of {run} was accepted, so there is nothing to export: `guidex runs show {run}`.")
    if output == Path("-"):
        return
    if json:
        print_json({"rows": count, "path": path.as_posix(), "format": format})
    else:
        typer.echo(f"{counted(count, 'row')} written to {path.as_posix()}")
