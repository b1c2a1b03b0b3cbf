"""Deleting a run's folder, and nothing else."""

from __future__ import annotations

import secrets
import shutil
from pathlib import Path

from graph.store.connection import DATABASE, WriterLock
from graph.store.contents import Item, contents
from graph.store.reading import RunReader
from schemas.errors import StoreError, UsageError


def deletable(folder: Path) -> tuple[Item, ...]:
    """What deleting a run would remove.

    Raises:
        UsageError: It is no run's folder, or more than one: a link, a folder above the working directory, or
            one with further runs in it.
        StoreError: A process is writing the run, or it cannot be read, and so might be anything.
    """
    database = folder / DATABASE
    if folder.is_symlink() or database.is_symlink():
        raise UsageError(
            f"{folder} is a link to a run elsewhere.", "Delete the link, or name the run's own folder."
        )
    RunReader(folder).close()
    if Path.cwd().is_relative_to(folder.resolve()):
        raise UsageError(f"The working directory is in {folder}.", "Change to another folder first.")
    others = [path for path in folder.rglob(DATABASE) if path != database]
    if others:
        raise UsageError(
            f"{folder} is more than a run: there is another one in {others[0].parent}.",
            "Delete or move that one first.",
        )
    WriterLock(folder).release()
    return contents(folder)


def delete_run(folder: Path) -> None:
    """Delete a run's folder. Links in it are removed, and what they point to is left alone.

    It is renamed first, so that from one moment to the next there is no run of that name any more, whatever
    happens to the removal of its files.

    Raises:
        UsageError: As `deletable`.
        StoreError: A process is writing the run, or something cannot be removed.
    """
    deletable(folder)
    doomed = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.deleted")
    lock = WriterLock(folder)
    try:
        folder.rename(doomed)
    except OSError as error:
        raise StoreError(
            f"{folder} cannot be deleted: {error.strerror}.", "Check the permissions of the folder above it."
        ) from error
    finally:
        lock.release()
    try:
        shutil.rmtree(doomed)
    except OSError as error:
        raise StoreError(
            f"Not all of the run could be removed: {error.strerror}: {error.filename}.",
            f"Check the permissions and delete {doomed} yourself.",
        ) from error
