"""The folders of runs: a name for a new one, finding one again, and the job file in it."""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from graph.fingerprint import differences
from graph.store.connection import DATABASE, LOCK
from graph.store.opening import holds_run
from graph.store.reading import RunReader
from graph.store.redaction import REDACTED
from guidex.job_files import Changes, effective_toml, job_of
from guidex.resuming import Resume
from guidex.standard_input import KEPT, CameIn, standard_input
from schemas.errors import StoreError, UsageError
from schemas.job import Job, parse_job

JOB_FILE = "job.toml"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


@contextlib.contextmanager
def run_folder(
    job: Job,
    name: str | None,
    suggestion: str,
    runs_dir: Path,
    resume: Resume = Resume.IF_POSSIBLE,
) -> Iterator[tuple[Job, Path, str]]:
    """The job, the folder of its run, a new one or one that is taken up again, and the job as its job file.

    A new folder is removed again if no run has begun within, unless it keeps what came in on standard input:
    the job that is given back reads it from there.

    Args:
        job: The job.
        name: The run's name; None for the suggestion, numbered if it is taken by a run of another job.
        suggestion: Name to begin with.
        runs_dir: Where the folder is, or is made.
        resume: Whether a run that exists is taken up again.

    Raises:
        UsageError: The name is taken, or there is no such run, against `resume`; or it cannot be a folder's.
        StoreError: The folder cannot be made or written, or the run in it not be read.
        DocumentError: Nothing that can be read came in on standard input.
    """
    with standard_input(job, runs_dir) as came_in:
        folder = _folder(job, name, suggestion, runs_dir, resume, came_in)
        begun = has_run(folder)
        try:
            came_in.keep(folder)
        except OSError as error:
            raise _unwritable(folder, error) from error
        job = came_in.job_in(job, folder)
    toml = effective_toml(job, folder)
    with _job_file_kept(folder):
        if not begun:
            try:
                (folder / JOB_FILE).write_text(toml, "utf-8")
            except OSError as error:
                raise _unwritable(folder, error) from error
        yield job, folder, toml


def _folder(
    job: Job, name: str | None, suggestion: str, runs_dir: Path, resume: Resume, came_in: CameIn
) -> Path:
    """The folder of the run that is taken up again, or one made for a new run."""
    found = None if resume is Resume.NEVER else _found(job, name, suggestion, runs_dir, came_in)
    if found is None and resume is Resume.ALWAYS:
        raise UsageError(
            f"There is no run {f'`{name}`' if name else 'of this job'} in {runs_dir.as_posix()}.",
            "`guidex runs list` shows the runs there are; leave --resume out to begin one.",
        )
    return found or _claim(name, suggestion, runs_dir, came_in)


@contextlib.contextmanager
def existing_run(run: str, runs_dir: Path, changes: Changes) -> Iterator[tuple[Job, Path, str]]:
    """The job of a run with some changes, the run's folder, and the job as its job file.

    Raises:
        UsageError: There is no such run, what comes out is no job, or a part of the job is a secret and hence
            not stored.
        StoreError: It cannot be read.
    """
    with find_run(run, runs_dir) as reader:
        folder, toml = reader.folder, reader.run().job_toml
    if REDACTED in toml:
        raise UsageError(
            f"The job of run {folder.name} has a secret of the environment in it, which is not stored.",
            f"Go on with the job file: guidex run JOB.toml --name {folder.name}.",
        )
    job = job_of(toml, folder, changes)
    with _job_file_kept(folder):
        yield job, folder, effective_toml(job, folder)


@contextlib.contextmanager
def _job_file_kept(folder: Path) -> Iterator[None]:
    """At the end, the job file says what the run has done; without a run, the folder is removed."""
    try:
        yield
    finally:
        if has_run(folder):
            with contextlib.suppress(StoreError), RunReader(folder) as reader:
                _write(folder / JOB_FILE, reader.run().job_toml)
        elif not (folder / KEPT).exists():
            with contextlib.suppress(OSError):
                (folder / JOB_FILE).unlink(missing_ok=True)
                (folder / LOCK).unlink(missing_ok=True)
                folder.rmdir()


def _write(path: Path, text: str) -> None:
    """Write a file whole, unless it says that already; the run does not depend on it."""
    with contextlib.suppress(OSError, UnicodeDecodeError):
        if path.is_file() and path.read_text("utf-8") == text:
            return
    with contextlib.suppress(OSError):
        path.write_text(text, "utf-8")


def _found(job: Job, name: str | None, suggestion: str, runs_dir: Path, came_in: CameIn) -> Path | None:
    """The run of that name; without one, the newest of the suggested name with the same job."""
    if name is not None:
        folder = runs_dir / name
        if not has_run(folder):
            return None
        if came_in.path is not None and not came_in.is_kept_in(folder):
            raise UsageError(
                f"Run {name} has other documents than those on standard input.",
                f"Give another --name; `guidex resume {name}` goes on with the documents it has.",
            )
        return folder
    same = None
    for folder in _numbered(runs_dir, suggestion):
        if not folder.exists():
            return same
        kept = came_in.path is None or came_in.is_kept_in(folder)
        if kept and has_run(folder) and _is_of(came_in.job_in(job, folder), folder):
            same = folder
    return None


def _is_of(job: Job, folder: Path) -> bool:
    """Whether the run in a folder was begun with this job, or killed before it had begun."""
    if not holds_run(folder):
        return True
    try:
        with RunReader(folder) as reader:
            ours = parse_job(effective_toml(job, folder))
            return not differences(parse_job(reader.run().job_toml), ours, folder)
    except (StoreError, UsageError):
        return False


def _numbered(runs_dir: Path, suggestion: str) -> Iterator[Path]:
    yield runs_dir / suggestion
    yield from (runs_dir / f"{suggestion}-{number}" for number in itertools.count(2))


def find_folders(runs: Sequence[str], runs_dir: Path) -> tuple[Path, ...]:
    """The folders of runs; see `find_run`."""
    folders = []
    for run in runs:
        with find_run(run, runs_dir) as reader:
            folders.append(reader.folder.resolve())  # its name is recorded, and `.` has none
    return tuple(folders)


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


def _claim(name: str | None, suggestion: str, runs_dir: Path, came_in: CameIn) -> Path:
    """Make the folder; making it is what keeps two runs begun at once apart."""
    if name is not None and not _NAME.fullmatch(name):
        raise UsageError(
            f"A run cannot be named {name!r}.",
            "Use letters, digits, dots, dashes and underscores, and begin with a letter or digit.",
        )
    try:
        runs_dir.mkdir(parents=True, exist_ok=True)
        if name is not None:
            folder = runs_dir / name
            return _made(folder) or (folder if _is_left_over(folder, came_in) else _taken(folder))
        return next(made for each in _numbered(runs_dir, suggestion) if (made := _made(each)) is not None)
    except OSError as error:
        raise _unwritable(runs_dir, error) from error


def _made(folder: Path) -> Path | None:
    try:
        folder.mkdir()
    except FileExistsError:
        return None
    return folder


def _is_left_over(folder: Path, came_in: CameIn) -> bool:
    """Whether a folder holds no more than a run that was killed before it had begun."""
    if not folder.is_dir():
        return False
    own = {JOB_FILE, LOCK, KEPT} if came_in.is_kept_in(folder) else {JOB_FILE, LOCK}
    return {path.name for path in folder.iterdir()} <= own


def _taken(folder: Path) -> Path:
    what = "is a run in" if has_run(folder) else "are files in"
    raise UsageError(
        f"There {what} {folder.as_posix()} already.",
        "Choose another --name, or leave it out to have one numbered.",
    )


def _unwritable(folder: Path, error: OSError) -> StoreError:
    return StoreError(
        f"The folder {folder.as_posix()} cannot be written: {error.strerror or error}.",
        "Check its permissions and the free space on the disk, or choose another folder with --runs-dir.",
    )
