"""The public Python API; `import guidex` offers the same names."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from graph.plan import Plan
from graph.runner import Runner, RunResult
from graph.store.reading import RunReader
from guidex.event_loop import run_on_loop
from guidex.job_files import job_with_schema, load_job, suggested_name
from guidex.resuming import Resume
from guidex.run_folders import run_folder
from guidex.version import version
from schemas.job import Job, parse_job

__all__ = ["Job", "RunReader", "RunResult", "open_run", "parse_job", "run"]


def run(
    job: Job | str | Path | Mapping[str, Any],
    *,
    name: str | None = None,
    runs_dir: str | Path = "runs",
    resume: Literal["never", "always", "if-possible"] = "if-possible",
    allow_changes: bool = False,
) -> RunResult:
    """Run a job and wait for its end. A run that exists is taken up again; no finished call is sent twice.

    Args:
        job: A job, its mapping, or the path of a job file. Paths are relative to the working directory,
            those of a job file to the file.
        name: The run's name; default: made from the names of the documents or the job file.
        runs_dir: The folder that holds the run's folder.
        resume: Whether to go on with the run of that name, or, without a name, with a run of the same job.
        allow_changes: Go on although the job differs in what can change answers.

    Raises:
        UsageError: The job is none, cannot be done as written, or the name is taken.
        DocumentError: Documents cannot be read.
        ModelUnavailableError: A model cannot be used.
        StoreError: The run cannot be recorded.
    """
    job_file = Path(job) if isinstance(job, str | Path) else None
    if job_file is not None:
        whole = load_job(job_file)
    else:
        whole = job if isinstance(job, Job) else job_with_schema(job)  # type: ignore[arg-type]

    def whole_run() -> RunResult:
        suggestion = suggested_name(whole, job_file)
        with run_folder(whole, name, suggestion, Path(runs_dir), Resume(resume)) as (taken, folder, toml):
            plan = Plan(allow_changes=allow_changes)
            return run_on_loop(Runner(taken, folder, job_toml=toml, version=version(), plan=plan).run())

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return whole_run()
    # In a notebook a loop is running already, and a second one needs a thread of its own.
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(whole_run).result()


def open_run(folder: str | Path) -> RunReader:
    """Open a run for reading; a context manager.

    Raises:
        StoreError: There is no run in the folder, or it cannot be read.
    """
    return RunReader(Path(folder))
