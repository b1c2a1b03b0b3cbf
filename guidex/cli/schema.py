"""`guidex schema`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir
from schemas.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

    from guidex.shared_schemas import SharedSchemaReport
    from schemas.pilot import Pilot


def show(
    run: Run,
    version: Annotated[
        int | None,
        typer.Option("--version", min=1, metavar="N", help="This version; default: the frozen one."),
    ] = None,
    python: Annotated[
        bool,
        typer.Option("--python", help="As a file of Python classes, which `guidex run --schema` takes."),
    ] = False,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Show the schema that a run's documents share: its guidelines, its versions, the classes proposed."""
    from guidex.cli.console import console, print_json
    from guidex.run_folders import find_run
    from guidex.shared_schemas import shared_schema_of

    if python and json:
        raise UsageError("The schema cannot be printed in two forms at once.", "Give --python or --json.")
    with find_run(run, runs_dir) as reader:
        report = shared_schema_of(reader, version)
    if json:
        print_json(report.model_dump(mode="json"))
    elif python:
        from schemas.dialect import render_schema

        typer.echo(render_schema(report.annotation_schema), nl=False)
    else:
        _print_report(console(), report)


def _print_report(out: Console, report: SharedSchemaReport) -> None:
    from guidex.cli.console import safe
    from guidex.cli.schema_text import print_schema

    frozen = report.pilot is not None and report.pilot.frozen.version == report.version
    which = (
        "as given" if report.version is None else f"version {report.version}{', frozen' if frozen else ''}"
    )
    out.print(f"Run {safe(report.run)}: schema {which}")
    out.print()
    print_schema(out, report.annotation_schema)
    if report.pilot is not None:
        _print_pilot(out, report.pilot)


def _print_pilot(out: Console, pilot: Pilot) -> None:
    from rich.table import Table
    from rich.text import Text

    from guidex.cli.console import counted, safe

    ids = ", ".join(map(safe, pilot.documents))
    out.print(Text("Pilot", style="bold"))
    out.print(f"  {counted(len(pilot.documents), 'document')}: {ids}")
    out.print(f"  ended: {safe(pilot.ending)}")
    versions = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for name in ("version", "agreement", "how it came about", ""):
        versions.add_column(name, overflow="fold")
    for each in pilot.versions:
        agreed = "" if each.agreement is None else f"{each.agreement:.2f}"
        versions.add_row(str(each.version), agreed, safe(each.note), "frozen" if each.frozen else "")
    out.print()
    out.print(versions)
    if pilot.registry:
        classes = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
        for name in ("proposed class", "documents", "kept as"):
            classes.add_column(name, overflow="fold")
        for entry in sorted(pilot.registry, key=lambda entry: -len(entry.documents)):
            classes.add_row(safe(entry.name), str(len(entry.documents)), safe(entry.kept_as or "-"))
        out.print()
        out.print(classes)
    if pilot.merges:
        out.print()
        out.print(Text("Classes that look alike", style="bold"))
    for merge in pilot.merges:
        pair = f"{safe(merge.merged)} into {safe(merge.kept)}"
        said = f"{merge.ruling.value} by {safe(merge.ruled_by)}"
        out.print(f"  {pair}: {safe(merge.reason)} ({merge.similarity:.2f}), {said}")
