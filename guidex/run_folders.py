"""The folders of runs: a name for a new one, its job file, and finding one again."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator
from pathlib import Path

from graph.store.connection import DATABASE, LOCK
from graph.store.reading import RunReader
from guidex.job_files import effective_toml
from schemas.errors import StoreError, UsageError
from schemas.job import Job

JOB_FILE = "job.toml"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@contextlib.contextmanager
def run_folder(job: Job, name: str | None, suggestion: str, runs_dir: Path) -> Iterator[tuple[Path, str]]:
    """A new folder for a run, with the job file in it; removed again if no run has begun within.

    Args:
        job: The job; written to the folder as it will be run.
        name: The run's name, which must be new; None for the suggestion, numbered if it is taken.
        suggestion: Name to begin with.
        runs_dir: Where the folder is made.

    Raises:
        UsageError: The name is taken or cannot be a folder's.
        StoreError: The folder cannot be made or written.
    """
    folder = _claim(name, suggestion, runs_dir)
    toml = effective_toml(job, folder)
    try:
        try:
            (folder / JOB_FILE).write_text(toml, "utf-8")
        except OSError as error:
            raise _unwritable(folder, error) from error
        yield folder, toml
    finally:
        if not has_run(folder):
            with contextlib.suppress(OSError):
                (folder / JOB_FILE).unlink(missing_ok=True)
                (folder / LOCK).unlink(missing_ok=True)
                folder.rmdir()


def has_run(folder: Path) -> bool:
    """Whether a run has begun in the folder."""
    return (folder / DATABASE).is_file()


def find_run(run: str, runs_dir: Path) -> RunReader:
    """Open a run by its name under `runs_dir`, or by the path of its folder.

    Raises:
        UsageError: There is no such run.
        StoreError: It cannot be read.
    """
    for folder in (runs_dir / run, Path(run)):
        if has_run(folder):
            return RunReader(folder)
    names = sorted(path.parent.name for path in runs_dir.glob(f"*/{DATABASE}"))
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    raise UsageError(
        f"There is no run `{run}` in {runs_dir.as_posix()}.",
        f"Runs there: {shown}." if names else "`guidex run` makes one; --runs-dir names another folder.",
    )


def _claim(name: str | None, suggestion: str, runs_dir: Path) -> Path:
    """Make the folder; making it is what keeps two runs begun at once apart."""
    if name is not None and not _NAME.fullmatch(name):
        raise UsageError(
            f"A run cannot be named {name!r}.",
            "Use letters, digits, dots, dashes and underscores, and begin with a letter or digit.",
        )
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        if name is not None:
            return _made(runs_dir / name) or _taken(runs_dir / name)
        numbered = itertools.chain((suggestion,), (f"{suggestion}-{n}" for n in itertools.count(2)))
        return next(folder for each in numbered if (folder := _made(runs_dir / each)) is not None)
    except OSError as error:
        raise _unwritable(runs_dir, error) from error


def _made(folder: Path) -> Path | None:
    try:
        folder.mkdir()
    except FileExistsError:
        return None
    return folder


def _taken(folder: Path) -> Path:
    raise UsageError(
        f"There is a run in {folder.as_posix()} already.",
        "Choose another --name, or leave it out to have one numbered.",
    )


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The folder {folder.as_posix()} cannot be written: {error.strerror or error}.",
        "Check its permissions and the free space on the disk, or choose another folder with --runs-dir.",
    )
