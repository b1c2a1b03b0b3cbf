"""Documents from standard input: kept in the run's folder before the run begins, so that nothing is lost.

What came in is read once and cannot be read again. From the run's folder on, it is a file like any other: its
job file names it, and the run can be taken up again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from graph.documents import STANDARD_INPUT
from graph.documents.packing import LARGEST_TEXT, LONGEST_LINE
from schemas.errors import DocumentError, StoreError
from schemas.job import Job

KEPT: Final = "documents.jsonl"
"""Where it is kept, in the run's folder."""

_BEGINNINGS_OF_JSON: Final = frozenset({b"[", b"{", b"[{"})
"""First lines of JSON that is laid out for people."""


@dataclass(frozen=True)
class CameIn:
    """What came in on standard input.

    Attributes:
        path: Where it lies until it has a run; None if the job does not read standard input.
    """

    path: Path | None = None

    def job_in(self, job: Job, folder: Path) -> Job:
        """The job as it reads what is kept in the folder."""
        if self.path is None:
            return job
        paths = (str(folder / KEPT) if path == STANDARD_INPUT else path for path in job.documents.paths)
        documents = job.documents.model_copy(update={"paths": tuple(paths), "format": None})
        return job.model_copy(update={"documents": documents})

    def is_kept_in(self, folder: Path) -> bool:
        """Whether the same came in before, for the run in that folder."""
        kept = folder / KEPT
        return self.path is not None and kept.is_file() and _digest(kept) == _digest(self.path)

    def keep(self, folder: Path) -> None:
        """Put it into a folder that does not have it yet."""
        if self.path is not None and not (folder / KEPT).exists():
            os.replace(self.path, folder / KEPT)


@contextlib.contextmanager
def standard_input(job: Job, runs_dir: Path) -> Iterator[CameIn]:
    """Take in what comes on standard input, to its end, if the job reads it.

    Raises:
        DocumentError: Nothing came in, or what came is no text.
        StoreError: It cannot be kept.
    """
    if STANDARD_INPUT not in job.documents.paths:
        yield CameIn()
        return
    try:
        # Beside the runs, so that it can be moved into the folder of one.
        runs_dir.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(".jsonl", ".stdin-", runs_dir)
    except OSError as error:
        raise _not_kept(runs_dir, error) from error
    path = Path(name)
    try:
        with os.fdopen(handle, "wb") as out:
            try:
                _receive(sys.stdin.buffer, out, job)
                out.flush()
                os.fsync(out.fileno())
            except OSError as error:
                raise _not_kept(runs_dir, error) from error
        yield CameIn(path)
    finally:
        path.unlink(missing_ok=True)


def _receive(stream: BinaryIO, out: BinaryIO, job: Job) -> None:
    """Copy JSON Lines as they come; text becomes one document."""
    lines = []
    while line := stream.readline(LONGEST_LINE):
        lines.append(line)
        if not line.isspace():
            break
    head = b"".join(lines)
    if not line:
        raise DocumentError(
            "Nothing came in on standard input.", "Pipe documents in: COMMAND | guidex run --documents -"
        )
    if (job.documents.format or _sniffed(head)) == "jsonl":
        out.write(head)
        shutil.copyfileobj(stream, out)
        return
    content = head + stream.read(max(0, LARGEST_TEXT + 1 - len(head)))
    if len(content) > LARGEST_TEXT:
        raise DocumentError(
            f"The text on standard input is longer than {LARGEST_TEXT // 2**20} MB: too long for a document.",
            "Pipe documents in as JSON Lines, one a line.",
        )
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise DocumentError(
            f"What came in on standard input is neither JSON Lines nor text in UTF-8: {error.reason} at byte "
            f"{error.start + 1}.",
            "Pipe in JSON Lines or text; packed documents are unpacked before, as by zcat.",
        ) from error
    out.write(json.dumps({job.documents.text_field: text}, ensure_ascii=False).encode() + b"\n")


def _sniffed(head: bytes) -> str:
    """The format that the first line that is not blank speaks for.

    Raises:
        DocumentError: It is JSON of several lines, which is neither.
    """
    try:
        value = json.loads(head.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        value = None
    if isinstance(value, list) or head.strip() in _BEGINNINGS_OF_JSON:
        raise DocumentError(
            "What came in on standard input is JSON, but not an object a line.",
            "Pipe in JSON Lines, as `jq -c '.[]'` makes them of a list, or say --format text.",
        )
    return "jsonl" if isinstance(value, dict | str) else "text"


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _not_kept(runs_dir: Path, error: OSError) -> StoreError:
    return StoreError(
        f"What comes on standard input cannot be kept in {runs_dir.as_posix()}: {error.strerror or error}.",
        "Check its permissions and the free space on the disk, or choose another folder with --runs-dir.",
    )
