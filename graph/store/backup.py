"""A copy of a run that is a run itself, taken while the run goes on or at rest.

The database is copied by SQLite's online backup API (https://www.sqlite.org/backup.html) in one read
transaction: the copy is of one moment, and in WAL mode neither waits for the writer nor holds it up.
`VACUUM INTO` would make a smaller file, but may renumber the rows of `calls`, whose order is that of time.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import sqlite3
from pathlib import Path
from typing import Final

from graph.store.connection import DATABASE, LOCK, connect_reader, explained
from schemas.errors import StoreError, UsageError

_OF_THE_WRITER: Final = (DATABASE, f"{DATABASE}-*", LOCK)
"""Not copied as files: the log and the lock belong to the process that writes."""


def back_up(folder: Path, destination: Path) -> None:
    """Copy a run's folder: its database as of now, then all other files in it.

    The copy is made beside `destination` and takes its name when it is whole. Calls in flight are `open` in
    it, as after a crash, and the run can be read and resumed there. Symbolic links are copied as links.

    Args:
        folder: The run's folder.
        destination: The copy's folder, which must not be there; folders above it are made.

    Raises:
        UsageError: There is something at the destination, or it lies within the run's folder.
        StoreError: The run cannot be read, or the copy cannot be written; nothing is left behind.
    """
    if os.path.lexists(destination):
        raise UsageError(
            f"There is something at {destination} already.", "Name a folder that is not there yet."
        )
    if destination.resolve().is_relative_to(folder.resolve()):
        raise UsageError(f"{destination} lies within the run itself.", "Name a folder outside it.")
    partial = destination.with_name(f".{destination.name}.{secrets.token_hex(4)}.partial")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        _copy_database(folder / DATABASE, partial / DATABASE)
        shutil.copytree(
            folder,
            partial,
            symlinks=True,
            ignore=shutil.ignore_patterns(*_OF_THE_WRITER, "*.partial"),
            copy_function=_copy_file,
            dirs_exist_ok=True,
        )
        partial.rename(destination)
    except (OSError, shutil.Error) as error:
        raise StoreError(
            f"The backup {destination} cannot be written: {_reason(error)}.",
            "Check the folder, its permissions and the free space on the disk, or name another folder.",
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _copy_database(source: Path, target: Path) -> None:
    with (
        explained(source),
        contextlib.closing(connect_reader(source)) as reading,
        explained(target),
        contextlib.closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)
        # Not by a reader: one that may not write leaves an empty log beside the file.
        (found,) = writing.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise StoreError(
                f"{source} is damaged: {found}.", "Restore an earlier backup, or start a new run."
            )


def _copy_file(source: str, target: str) -> None:
    with contextlib.suppress(FileNotFoundError):  # a file that was replaced or removed meanwhile
        shutil.copy2(source, target, follow_symlinks=False)


def _reason(error: OSError | shutil.Error) -> str:
    if isinstance(error, shutil.Error):  # (source, target, reason) of each file
        return str(error.args[0][0][2])
    return error.strerror or str(error)
