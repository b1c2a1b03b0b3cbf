"""Files that are there in full or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from schemas.errors import StoreError


@contextlib.contextmanager
def whole_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """A file to write to, beside `path`; it takes its place when all is on the disk.

    Until then an older file stays as it is, and if something fails within nothing is left behind.

    Args:
        path: Where it ends up; the folder is made.
        what: It, in words, for a message: `export`.

    Raises:
        StoreError: It cannot be written.
    """
    with whole_path(path, what) as partial, partial.open("xb") as file:
        yield file


@contextlib.contextmanager
def whole_path(path: Path, what: str) -> Iterator[Path]:
    """Where to write a file that takes the place of `path`; see `whole_file`."""
    partial = _beside(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield partial
        _to_disk(partial)
        os.replace(partial, path)
    except OSError as error:
        raise _unwritable(path, what, error) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def whole_folder(path: Path, what: str, mark: str) -> Iterator[Path]:
    """A folder to fill, beside `path`; it takes its place when all is on the disk.

    Until then an older folder stays as it is, and if something fails within nothing is left behind.

    Args:
        path: Where it ends up; the folder above it is made.
        what: It, in words, for a message: `export`.
        mark: Name of a file that each such folder has. One without it, and not empty, is not replaced.

    Raises:
        StoreError: It cannot be written, or something else is in its place.
    """
    if path.exists() and not (path.is_dir() and ((path / mark).is_file() or not any(path.iterdir()))):
        raise StoreError(
            f"{path} is there already, and is no {what} that could be replaced.",
            "Name another folder, or move this one away.",
        )
    partial, before = _beside(path), _beside(path)
    try:
        partial.mkdir(parents=True)
        yield partial
        for file in partial.rglob("*"):
            if file.is_file():
                _to_disk(file)
        # A folder cannot take the place of one that has something in it.
        if path.exists():
            os.replace(path, before)
        os.replace(partial, path)
    except OSError as error:
        if before.exists() and not path.exists():
            os.replace(before, path)
        raise _unwritable(path, what, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        shutil.rmtree(before, ignore_errors=True)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")


def _to_disk(file: Path) -> None:
    with file.open("rb+") as written:
        os.fsync(written.fileno())


def _unwritable(path: Path, what: str, error: OSError) -> StoreError:
    return StoreError(
        f"The {what} {path} cannot be written: {error.strerror or error}.",
        "Check the folder, its permissions and the free space on the disk, or name another file.",
    )
