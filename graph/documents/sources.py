"""Which files a list of paths stands for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from graph.documents.formats import READERS
from graph.documents.records import Source
from schemas.errors import DocumentError

SUPPORTED = tuple(READERS)
"""File endings that can be read."""

_REMEDY = f"Give files that end in {' '.join(SUPPORTED)}, or folders of them."


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """The files to read: those named, and those in folders at any depth, sorted; none is given twice.

    In folders, hidden files and folders and files of other endings are passed over, and links to folders
    are not followed.

    Raises:
        DocumentError: A path does not exist or may not be read, a named file has another ending, or a
            folder has no file that can be read.
    """
    sources: dict[Path, Source] = {}
    for path in paths:
        for source in _below(path) if path.is_dir() else (_named(path),):
            if not os.access(source.path, os.R_OK):
                raise DocumentError(f"{source.file} may not be read.", "Check its permissions.")
            sources.setdefault(source.path.resolve(), source)
    if not sources:
        raise DocumentError("No documents were named.", _REMEDY)
    return list(sources.values())


def source_state(paths: Sequence[Path], *settings: str) -> str:
    """Hash (hex) of which files these are, of which size and age, and of the settings they are read with.

    Raises:
        DocumentError: As `find_sources`.
    """
    digest = hashlib.sha256(repr(settings).encode())
    for source in find_sources(paths):
        state = source.path.stat()
        digest.update(
            f"\0{os.path.abspath(source.path)}\0{state.st_size}\0{state.st_mtime_ns}".encode(
                "utf-8", "surrogateescape"
            )
        )
    return digest.hexdigest()


def seen_from(folder: Path, path: str) -> str:
    """A path, relative to the working directory, as one relative to a folder; absolute if on another drive.

    A folder that is a link is taken for what it points to, as the system does with `..` in it.
    """
    try:
        return Path(os.path.relpath(path, folder.resolve())).as_posix()
    except ValueError:
        return os.path.abspath(path)


def _named(path: Path) -> Source:
    if not path.exists():
        raise DocumentError(
            f"{_shown(path)} does not exist.", "Check the path; it is relative to the job file."
        )
    if path.suffix.lower() not in READERS or not path.is_file():
        raise DocumentError(f"{_shown(path)} is no file of documents.", _REMEDY)
    return Source(path, _shown(path), _shown(Path(path.name)))


def _below(folder: Path) -> list[Source]:
    found = sorted(_walk(folder), key=lambda path: path.relative_to(folder).parts)
    if not found:
        raise DocumentError(f"The folder {_shown(folder)} has no documents in it.", _REMEDY)
    return [Source(path, _shown(path), _shown(path.relative_to(folder))) for path in found]


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        name = _shown(Path(error.filename or folder))
        raise DocumentError(f"The folder {name} may not be read.", "Check its permissions.") from error

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(root, name)
            if not name.startswith(".") and path.suffix.lower() in READERS and path.is_file():
                yield path


def _shown(path: Path) -> str:
    """A path as valid Unicode without control characters; the system allows names that are neither."""
    name = os.fsencode(path.as_posix()).decode(errors="replace")
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name
    )
