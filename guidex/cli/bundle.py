"""`guidex view bundle`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

_LIMIT = 50
_LARGEST = 25.0
"""Megabytes; what mail servers take at most, as a rule."""


def bundle(
    run: Run,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="File to write; default: RUN.html."),
    ] = None,
    document: Annotated[
        list[str] | None,
        typer.Option(
            "--document",
            metavar="ID",
            help="A document to put in; may be given several times. Default: those with the most rounds.",
        ),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, metavar="N", help="The most documents, where none are named.")
    ] = _LIMIT,
    max_size: Annotated[
        float,
        typer.Option(
            "--max-size",
            min=0.1,
            metavar="MB",
            help="Leave further documents out once the file is this large.",
        ),
    ] = _LARGEST,
    calls: Annotated[
        bool, typer.Option("--calls/--no-calls", help="Put in each document's prompts and answers.")
    ] = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a file that is no bundle, too.")] = False,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Write a run as one HTML file, to be read in a browser without GuideX, a server or a network."""
    import asyncio

    from guidex.cli.console import counted, print_json, safe
    from guidex.cli.extras import viewer_extra
    from guidex.run_folders import find_folders

    with viewer_extra():
        from guidex.viewer.bundle import make_bundle, refuse_other_file, write_bundle

    (folder,) = find_folders([run], runs_dir)
    path = output or Path(f"{folder.name}.html")
    if not force:
        refuse_other_file(path)
    largest = round(max_size * 1_000_000)
    made = asyncio.run(make_bundle(folder, document or (), limit=limit, largest=largest, with_calls=calls))
    size = write_bundle(made.html, path)
    if json:
        print_json(
            {
                "path": path.as_posix(),
                "bytes": size,
                "documents": len(made.documents),
                "of": made.of,
                "calls": made.calls,
                "too_large": made.too_large,
            }
        )
        return
    typer.echo(
        f"{safe(path.as_posix())}: {size / 1_000_000:.1f} MB, {len(made.documents):,} of "
        f"{counted(made.of, 'document')}, {counted(made.calls, 'call')}"
    )
    if made.too_large:
        typer.echo(
            f"{counted(made.too_large, 'document')} left out, as the file would be larger than "
            f"{max_size:g} MB: --max-size allows more, --no-calls takes less, --document chooses."
        )
    elif not document and len(made.documents) < made.of:
        typer.echo("Those with the most rounds were chosen; --limit takes more, --document others.")
