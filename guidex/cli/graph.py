"""`guidex graph`."""

from __future__ import annotations

from typing import Annotated

import typer

from guidex.cli.options import MethodName, ModeName


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
    method: Annotated[
        MethodName,
        typer.Option("--method", help="The agents, or one of the controls they are measured against."),
    ] = "agents",
    samples: Annotated[
        int,
        typer.Option(
            "--samples", min=1, max=50, metavar="N", help="How often self-consistency asks its annotator."
        ),
    ] = 5,
    mode: Annotated[ModeName, typer.Option("--mode", help="Where the schema comes from.")] = "per-document",
    job_stages: Annotated[
        bool, typer.Option("--job", help="The stages of a job instead, from documents to an evaluation.")
    ] = False,
) -> None:
    """Draw the graph that every document goes through, from the compiled graph itself.

    For mode corpus it is the graph of the pilot; after it, documents go through that of mode given.
    """
    from graph.document_graph import mermaid as documents
    from graph.job_graph import mermaid as stages
    from graph.pilot_graph import mermaid as pilot
    from schemas.inputs import DocumentsConfig
    from schemas.job import AnnotatorConfig, Job, Mode
    from schemas.methods import Method, SelfConsistencyConfig

    if job_stages:
        typer.echo(stages())
        return
    job = Job(
        documents=DocumentsConfig(paths=("documents",)),
        annotators=(AnnotatorConfig(),) * annotators,
        method=Method(method),
        self_consistency=SelfConsistencyConfig(samples=samples),
    )
    # A copy, as a job of mode given would have to have a schema, of which the drawing shows nothing.
    drawn = job.model_copy(update={"mode": Mode(mode)})
    typer.echo(pilot(drawn) if drawn.mode is Mode.CORPUS else documents(drawn))
