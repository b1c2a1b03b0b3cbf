"""`guidex export`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

if TYPE_CHECKING:
    from schemas.documents import Document
    from schemas.rounds import Round

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
    """Write the accepted documents as JSON lines; every mention is checked once more against its text.

    Which version of decisions accepted them stands in the rows of jsonl, and with its thresholds in a record
    beside each file, FILE.about.json: training rows have no room for it.
    """
    from graph.export import ExportFormat, about, about_file, rows, write_export
    from graph.results import accepted, shared_schema
    from graph.store.versions import version_in_force, versions_of_documents
    from guidex.cli.console import counted, print_json, say
    from guidex.cli.lines import to_stdout
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as reader:
        documents = 0

        def taken() -> Iterator[tuple[Document, Round]]:
            nonlocal documents
            for pair in accepted(reader):
                documents += 1
                yield pair

        version, versions = version_in_force(reader), versions_of_documents(reader)
        made = rows(taken(), ExportFormat(format), shared_schema(reader), versions)
        if output == Path("-"):
            count = to_stdout(made)
        else:
            path = output or reader.folder / "exports" / f"{format}.jsonl"
            count = write_export(made, path)
            write_export([about(reader, ExportFormat(format), count)], about_file(path))
    if documents > count:
        left = counted(documents - count, "document")
        say(f"{left} left out, as every class is in dispute there; `--format jsonl` has all.")
    elif count == 0:
        say(f"No document of {run} was accepted, so there is nothing to export: `guidex runs show {run}`.")
    if output == Path("-"):
        return
    if json:
        print_json({"rows": count, "path": path.as_posix(), "format": format, "decision_version": version})
    else:
        typer.echo(f"{counted(count, 'row')} written to {path.as_posix()} (decisions: version {version})")
