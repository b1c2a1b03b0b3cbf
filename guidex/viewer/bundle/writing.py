"""Writing a bundle to a file, and no other file over."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from agents.whole_files import whole_file
from guidex.viewer.bundle.making import GENERATOR
from schemas.errors import UsageError

_HEAD: Final = 2048
"""Bytes at a file's beginning in which a bundle says what it is."""


def refuse_other_file(path: Path) -> None:
    """Make sure that a file to be written is none, or a bundle.

    Raises:
        UsageError: It is something else.
    """
    if path.is_dir():
        raise UsageError(f"{path.as_posix()} is a folder.", "Name a file: -o report.html.")
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        return
    except OSError as error:
        raise UsageError(
            f"{path.as_posix()} cannot be read: {error.strerror or error}.", "Name another file."
        ) from error
    if f'content="{GENERATOR}"'.encode() not in head:
        raise UsageError(
            f"{path.as_posix()} is there already and is no bundle.",
            "Name another file, or give --force to write over it.",
        )


def write_bundle(html: str, path: Path) -> int:
    """Write a bundle, all or nothing, and return its size in bytes.

    Raises:
        StoreError: The file cannot be written; an older one stays as it is.
    """
    content = html.encode("utf-8", "replace")
    with whole_file(path, "bundle") as file:
        file.write(content)
    return len(content)
