"""Which files a list of paths stands for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from graph.documents.formats import NEEDED_EXTRAS, NEVER_PACKED, READERS
from graph.documents.packing import PACKINGS
from graph.documents.records import Source
from graph.extras import EXTRAS, install_command, is_installed
from schemas.errors import DocumentError, UsageError

SUPPORTED = tuple(READERS)
"""File endings that can be read."""

_REMEDY = (
    f"Give files that end in {' '.join(SUPPORTED)} (also {' '.join(PACKINGS)} after the text formats), or "
    "folders of them."
)


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """The files to read: those named, and those in folders at any depth, sorted; none is given twice.

    In folders, hidden files and folders and files of other endings are passed over, and links to folders
    are not followed.

    Raises:
        DocumentError: A path does not exist or may not be read, a named file has another ending, or a
            folder has no file that can be read.
        UsageError: A format needs a library that is not installed.
    """
    sources: dict[Path, Source] = {}
    for path in paths:
        for source in _below(path) if path.is_dir() else (_named(path),):
            if not os.access(source.path, os.R_OK):
                raise DocumentError(f"{source.file} may not be read.", "Check its permissions.")
            sources.setdefault(source.path.resolve(), source)
    if not sources:
        raise DocumentError("No documents were named.", _REMEDY)
    for extra in {NEEDED_EXTRAS[each.format] for each in sources.values() if each.format in NEEDED_EXTRAS}:
        require_extra(extra)
    return list(sources.values())


def require_extra(name: str) -> None:
    """Check that an extra is installed, before a run begins that needs it.

    Raises:
        UsageError: It is not.
    """
    if not is_installed(name):
        raise UsageError(
            f"For {EXTRAS[name].purpose}, {EXTRAS[name].modules[0]} has to be installed.",
            f"Run `{install_command(name)}` in GuideX's folder.",
        )


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


def stem_of(named: str) -> str:
    """A name without the endings of its format and packing, to call a run after."""
    path = Path(named).resolve()
    return path.with_suffix("").stem if path.suffix.lower() in PACKINGS else path.stem


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
    if _format(path) is None or not path.is_file():
        raise DocumentError(f"{_shown(path)} is no file of documents.", _REMEDY)
    return _source(path, Path(path.name))


def _below(folder: Path) -> list[Source]:
    found = sorted(_walk(folder), key=lambda path: path.relative_to(folder).parts)
    if not found:
        raise DocumentError(f"The folder {_shown(folder)} has no documents in it.", _REMEDY)
    return [_source(path, path.relative_to(folder)) for path in found]


def _walk(folder: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> None:
        name = _shown(Path(error.filename or folder))
        raise DocumentError(f"The folder {name} may not be read.", "Check its permissions.") from error

    for root, folders, files in os.walk(folder, onerror=refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            path = Path(root, name)
            if not name.startswith(".") and _format(path) is not None and path.is_file():
                yield path


def _source(path: Path, name: Path) -> Source:
    ending, packing = _format(path) or ("", "")
    return Source(path, _shown(path), _shown(name.with_suffix("") if packing else name), ending, packing)


def _format(path: Path) -> tuple[str, str] | None:
    """The endings of a file's format and of its packing; None for one that cannot be read."""
    packing = path.suffix.lower()
    if packing not in PACKINGS:
        return (packing, "") if packing in READERS else None
    ending = path.with_suffix("").suffix.lower()
    return (ending, packing) if ending in READERS and ending not in NEVER_PACKED else None


def _shown(path: Path) -> str:
    """A path as valid Unicode without control characters; the system allows names that are neither."""
    name = os.fsencode(path.as_posix()).decode(errors="replace")
    return "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in name
    )
