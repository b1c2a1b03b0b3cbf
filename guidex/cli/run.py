"""`guidex run`, `guidex resume` and `guidex retry`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from guidex.cli.job_flags import JobFlags, takes_job, takes_settings
from guidex.cli.options import RUNS_DIR, AllowChanges, AsJson, DisplayMode, Name, Reuse, Run, RunsDir
from guidex.cli.trace_export import LiveTraces, Otlp, OtlpContent, live_traces
from guidex.resuming import Resume
from schemas.errors import UsageError

if TYPE_CHECKING:
    from graph.plan import Plan
    from guidex.cli.job_stages import TerminalStages
    from schemas.job import Job


@takes_job
def run(
    flags: JobFlags,
    name: Name = None,
    runs_dir: RunsDir = RUNS_DIR,
    resume: Annotated[
        Resume,
        typer.Option(
            "--resume",
            help="Whether to go on with the run of that name; without --name, with a run of the same job.",
        ),
    ] = Resume.IF_POSSIBLE,
    allow_changes: AllowChanges = False,
    reuse: Reuse = None,
    through: Annotated[
        Literal["generate", "curate", "fine-tune", "evaluate"],
        typer.Option(
            "--through",
            help="Go on with the result: make training examples of it, train a model on them, measure it, "
            "by the tables [examples], [training] and [evaluation] of the job file.",
        ),
    ] = "generate",
    otlp: Otlp = None,
    otlp_content: OtlpContent = False,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Take documents through the agents; every document ends accepted, rejected, failed or skipped.

    A run that exists already is taken up again: what was finished stays as it is, and no finished call is
    sent twice. The first Ctrl-C lets the documents in flight finish, the second stops at once. Exit codes: 0
    done, 1 failed, 2 usage, 75 stopped with documents left, 130 interrupted.
    """
    from graph.plan import Plan
    from guidex.cli.console import say
    from guidex.cli.display import display_for
    from guidex.cli.job_stages import TerminalStages
    from guidex.cli.session import carry_out
    from guidex.given_schemas import load_schema
    from guidex.run_folders import find_folders, run_folder

    job, suggestion = flags.job()
    if display != "none" and job.schema_file is not None:
        for note in load_schema(Path(job.schema_file)).notes:
            say(note)
    plan = Plan(allow_changes=allow_changes, reuse=find_folders(reuse or (), runs_dir))
    if through != "generate":
        _check_stages(job, through)
    with run_folder(job, name, suggestion, runs_dir, resume) as (job, folder, toml):
        shown = display_for(display)
        with live_traces(folder, LiveTraces(otlp, otlp_content), shown):
            if through == "generate":
                carry_out(job, folder, toml, plan, shown, as_json=json)
            else:
                _go_through(TerminalStages(job, folder, toml, plan, display, as_json=json), through)


def _check_stages(job: Job, through: str) -> None:
    """Look for what would end a job at a late stage before its first one begins."""
    from finetune.evaluation.benchmarks import read_benchmark
    from guidex.cli.extras import training_extra
    from guidex.recipes import load_recipe

    with training_extra():
        from finetune.training import training  # noqa: F401
    load_recipe(None, job)
    if through == "evaluate":
        read_benchmark(job.evaluation, job.seed)


def _go_through(stages: TerminalStages, through: str) -> None:
    from graph.job_graph import Stage, run_job
    from guidex.cli.console import print_json

    run_job(stages, Stage(through))
    if stages.as_json:
        print_json(stages.told)
    raise typer.Exit(stages.code)


@takes_settings
def resume(
    flags: JobFlags,
    run: Run,
    runs_dir: RunsDir = RUNS_DIR,
    reuse: Reuse = None,
    otlp: Otlp = None,
    otlp_content: OtlpContent = False,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Go on with a run that was stopped, interrupted or killed; the job is the run's own.

    No finished call is sent twice. Exit codes as for `guidex run`.
    """
    from graph.plan import Plan
    from guidex.run_folders import find_folders

    plan = Plan(reuse=find_folders(reuse or (), runs_dir), all_pending=True)
    _go_on(flags, run, runs_dir, plan, LiveTraces(otlp, otlp_content), display, as_json=json)


@takes_settings
def retry(
    flags: JobFlags,
    run: Run,
    failed: Annotated[
        bool, typer.Option("--failed", help="Documents that failed; the default if nothing else is named.")
    ] = False,
    rejected: Annotated[
        bool,
        typer.Option("--rejected", help="Documents that were rejected; all their answers are drawn anew."),
    ] = False,
    doc_id: Annotated[
        list[str] | None,
        typer.Option("--doc-id", metavar="ID", help="Only this document; may be given several times."),
    ] = None,
    runs_dir: RunsDir = RUNS_DIR,
    otlp: Otlp = None,
    otlp_content: OtlpContent = False,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Take documents up again that have ended; their earlier decisions stay in the record.

    Of failed documents, finished calls are answered from the run, and what failed is asked anew. Documents
    that were rejected or accepted are drawn anew with other seeds, and paid for again. Exit codes as for
    `guidex run`.
    """
    from graph.plan import Plan, Retry
    from schemas.judgement import Outcome

    if doc_id and (failed or rejected):
        raise UsageError("Documents were named both by id and by outcome.", "Give --doc-id alone.")
    outcomes = {Outcome.REJECTED} if rejected else set()
    if failed or not rejected:
        outcomes.add(Outcome.FAILED)
    plan = Plan(retry=Retry(outcomes=frozenset(outcomes), ids=tuple(doc_id or ())))
    _go_on(flags, run, runs_dir, plan, LiveTraces(otlp, otlp_content), display, as_json=json)


def _go_on(
    flags: JobFlags,
    run: str,
    runs_dir: Path,
    plan: Plan,
    traces: LiveTraces,
    display: DisplayMode,
    *,
    as_json: bool,
) -> None:
    from guidex.cli.display import display_for
    from guidex.cli.session import carry_out
    from guidex.run_folders import existing_run

    with existing_run(run, runs_dir, flags.changes()) as (job, folder, toml):
        shown = display_for(display)
        with live_traces(folder, traces, shown):
            carry_out(job, folder, toml, plan, shown, as_json=as_json)
