"""What lies in a run's folder, and how large it is. Links are counted as links and never followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Item:
    """An entry of a folder with all that lies below it."""

    name: str
    """Folders end in a slash."""
    files: int
    bytes: int
    """Sum of the files' sizes, not of the blocks they take."""


def contents(folder: Path) -> tuple[Item, ...]:
    """The entries of a folder by name; what vanishes while they are counted is left out.

    Raises:
        OSError: The folder itself cannot be read.
    """
    items = []
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda each: each.name):
            is_folder = entry.is_dir(follow_symlinks=False)
            sizes = list(_sizes(Path(entry.path), is_folder))
            items.append(Item(entry.name + "/" * is_folder, len(sizes), sum(sizes)))
    return tuple(items)


def _sizes(path: Path, is_folder: bool) -> Iterator[int]:
    if not is_folder:
        try:
            status = path.lstat()
        except FileNotFoundError:
            return
        yield status.st_size if stat.S_ISREG(status.st_mode) else 0
        return
    for below, folders, files in os.walk(path):  # does not enter linked folders, but lists them
        links = [name for name in folders if Path(below, name).is_symlink()]
        for name in files + links:
            yield from _sizes(Path(below, name), False)
