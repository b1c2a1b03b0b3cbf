"""`guidex critic flip-test`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guidex.cli.gold import GOLD_HELP
from guidex.cli.job_flags import JobFlags, takes_job
from guidex.cli.options import RUNS_DIR, AsJson, DisplayMode, Name, RunsDir
from schemas.errors import UsageError

if TYPE_CHECKING:
    from graph.flip_test import FlipReport, Specimen
    from graph.flip_test.report import Rate
    from schemas.job import Job


@takes_job
def flip_test(
    flags: JobFlags,
    gold: Annotated[
        list[Path] | None,
        typer.Option(
            "--gold", metavar="FILE", help=f"Correct annotations; may be given several times. {GOLD_HELP}"
        ),
    ] = None,
    run: Annotated[
        str | None,
        typer.Option("--run", metavar="RUN", help="Take what this run has accepted as correct instead."),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, metavar="N", help="Chooses where errors are; default: the job's."),
    ] = None,
    name: Name = None,
    runs_dir: RunsDir = RUNS_DIR,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Put one known error at a time into correct annotations, and count how often the critic finds it.

    One error of each code a document, where it has a place for one; and, on the untouched annotation, how
    often the critic objects to what is correct. Without a schema, one of the gold's classes is taken. The
    calls are kept as a run of that name: the same test again goes on where it was and pays for nothing twice.
    """
    from graph.flip_test import FlipTest
    from guidex.cli.console import print_json, say
    from guidex.event_loop import run_on_loop
    from guidex.resuming import Resume
    from guidex.run_folders import run_folder
    from guidex.version import version

    if (gold is None) == (run is None):
        raise UsageError("A flip test takes correct annotations from one place.", "Give --gold or --run.")
    job, specimens, stem = _specimens(flags, gold or [], run, runs_dir, seed)
    if not specimens:
        raise UsageError("There is no document with an annotation to test the critic on.", "Give others.")

    def tell(done: int, documents: int) -> None:
        if display != "none" and (done == documents or done % 10 == 0):
            say(f"{done} of {documents} documents")

    suggestion = f"flip-test-{stem}"
    with run_folder(job, name, suggestion, runs_dir, Resume.IF_POSSIBLE) as (job, folder, toml):
        test = FlipTest(job, specimens, folder, job_toml=toml, version=version(), on_progress=tell)
        try:
            report = run_on_loop(test.run())
        except KeyboardInterrupt:
            say("Interrupted; the same command goes on.")
            raise typer.Exit(130) from None
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        _print(report)


def _specimens(
    flags: JobFlags, gold: list[Path], run: str | None, runs_dir: Path, seed: int | None
) -> tuple[Job, tuple[Specimen, ...], str]:
    """The job whose critic is tested, the documents, and a word for where they come from."""
    from finetune.gold import read_gold
    from graph.flip_test import from_gold, from_run
    from graph.flip_test.specimens import schema_of
    from guidex.job_files import load_job
    from guidex.run_folders import find_run
    from schemas.job import Job, Mode

    if flags.given["documents"]:
        raise UsageError(
            "A flip test has no documents but those of its annotations.", "Give --gold or --run."
        )
    if run is not None:
        with find_run(run, runs_dir) as reader:
            folder, specimens = reader.folder, from_run(reader)
        flags.given["documents"] = [folder]
    else:
        flags.given["documents"] = gold
    job = load_job(flags.job_file, flags.changes())
    schema = job.given_schema
    if run is not None:
        stem = folder.resolve().name
        if specimens:
            schema = specimens[0].schema
    else:
        read = read_gold(gold)
        schema = schema or schema_of(read)
        specimens, stem = from_gold(read, schema), gold[0].stem
    if schema is not None:
        given = job.model_dump() | {"mode": Mode.GIVEN, "given_schema": schema.model_dump()}
        job = Job.model_validate(given | ({} if seed is None else {"seed": seed}))
    return job, specimens[: job.documents.limit], stem


def _print(report: FlipReport) -> None:
    from rich.table import Table
    from rich.text import Text

    from guidex.cli.console import console, counted, safe

    out = console()
    title = f"Flip test of {safe(report.model)} on {counted(report.documents, 'document')}"
    out.print(Text(title, style="bold"))
    out.print(Text(f"{safe(report.run)}, seed {report.seed}, {report.tokens:,} tokens", style="dim"))
    out.print()
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in ("error", "by"):
        table.add_column(column, no_wrap=True)
    for column in ("found", "rate", "95%", "elsewise", "apart"):
        table.add_column(column, justify="right", no_wrap=True)
    for one in report.codes:
        apart = "" if one.separation is None else f"{one.separation:.2f}"
        table.add_row(one.code.value, one.by, *_cells(one.found), str(one.otherwise), apart)
    table.add_row()
    table.add_row("all by the critic", "critic", *_cells(report.decided_by_model))
    table.add_row("all by code", "code", *_cells(report.decided_by_code))
    out.print(table)
    out.print()
    objected, share, between = _cells(report.false_alarms)
    out.print(
        f"False alarms: {objected} untouched mentions objected to, {share} "
        f"({between}); {report.claimed_missing:,} mentions called missing."
    )
    if unanswered := sum(one.unanswered for one in report.codes):
        out.print(f"Left out: {counted(unanswered, 'error')} on which the model brought no usable answer.")
    out.print()
    legend = (
        "found: under this code, on this very mention. elsewise: its place objected to under another code. "
        "apart: how often an untouched mention had a higher probability of being correct than a flipped one."
    )
    out.print(Text(legend, style="dim"))


def _cells(rate: Rate) -> tuple[str, str, str]:
    """Hits of how many, share and interval."""
    found = f"{rate.hits:,} of {rate.of:,}"
    if rate.value is None or rate.low is None or rate.high is None:
        return (found, "-", "-")
    return (found, f"{rate.value:.0%}", f"{rate.low:.0%}-{rate.high:.0%}")
