"""`guidex doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from guidex.cli.options import RUNS_DIR, AsJson, RunsDir


def doctor(
    job_file: Annotated[
        Path | None,
        typer.Argument(
            metavar="JOB.toml", help="Also look at the documents of this job, and ask its models."
        ),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="NAME", help="Also ask this model, in the way a run would."),
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option("--base-url", metavar="URL", help="Server that speaks the provider's wire format."),
    ] = None,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Check what a run needs: Python, disk, extras, keys, a job's documents, and one tiny call to each model.

    Exits with 1 if something is missing without which a run fails. Without a job and --model, no model is
    asked and nothing is fetched.
    """
    from guidex.checks import machine_checks, model_checks
    from guidex.cli.console import print_json
    from guidex.cli.display import downloads_shown
    from guidex.job_checks import document_checks
    from guidex.job_files import Changes, load_job

    checks = list(machine_checks(runs_dir))
    if job_file is not None or model is not None:
        # A job needs documents; what the models are asked does not depend on them.
        documents = None if job_file is not None else ("-",)
        job = load_job(job_file, Changes(documents=documents, model=model, base_url=base_url))
        if job_file is not None:
            checks += document_checks(job)
        with downloads_shown() as told:
            checks += model_checks(job, told)
    missing = [check for check in checks if check.state == "missing"]
    if json:
        print_json({"ok": not missing, "checks": [check.model_dump() for check in checks]})
    else:
        from guidex.cli.check_list import print_checks

        print_checks(checks, "Everything a run needs is here.")
    raise typer.Exit(1 if missing else 0)
