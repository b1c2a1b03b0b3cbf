"""`guidex graph`."""

from __future__ import annotations

from typing import Annotated

import typer


def graph(
    mermaid: Annotated[
        bool,
        typer.Option("--mermaid", help="As a Mermaid flow chart, which is the default.", show_default=False),
    ] = True,
    annotators: Annotated[
        int,
        typer.Option(
            "--annotators", min=1, max=9, metavar="N", help="How many annotators work side by side."
        ),
    ] = 2,
) -> None:
    """Draw the graph that every document goes through, from the compiled graph itself."""
    from graph.document_graph import mermaid as drawing
    from schemas.job import AnnotatorConfig, DocumentsConfig, Job

    job = Job(documents=DocumentsConfig(paths=("documents",)), annotators=(AnnotatorConfig(),) * annotators)
    typer.echo(drawing(job))
