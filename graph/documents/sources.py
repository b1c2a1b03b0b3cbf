"""Which files a list of paths stands for."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from graph.documents.data_sets import is_saved_data_set
from graph.documents.formats import DATA_SET, NEEDED_EXTRAS, NEVER_PACKED, READERS
from graph.documents.naming import STANDARD_INPUT, DataSetName, data_set_named
from graph.documents.packing import PACKINGS
from graph.documents.records import Source
from graph.extras import EXTRAS, install_command, is_installed
from schemas.errors import DocumentError, UsageError

SUPPORTED = tuple(ending for ending in READERS if ending != DATA_SET)
"""File endings that can be read."""

_REMEDY = (
    f"Give files that end in {' '.join(SUPPORTED)} (also {' '.join(PACKINGS)} after the text formats), or "
    "folders of them."
)


def find_sources(paths: Sequence[Path | str]) -> list[Source]:
    """The files to read: those named, and those in folders at any depth, sorted; none is given twice.

    In folders, hidden files and folders and files of other endings are passed over, and links to folders
    are not followed. A folder that holds a data set saved by `save_to_disk` is one source, and so is what is
    named as a data set (`graph.documents.naming`); whether the hub has it is seen when it is read.

    Raises:
        DocumentError: A path does not exist or may not be read, a named file has another ending, or a
            folder has no file that can be read.
        UsageError: A format needs a library that is not installed.
    """
    sources: dict[str, Source] = {}
    for named in map(str, paths):
        for source in _sources(named):
            on_hub = source.data_set is not None and source.data_set.folder is None
            if not on_hub and not os.access(source.path, os.R_OK):
                raise DocumentError(f"{source.file} may not be read.", "Check its permissions.")
            sources.setdefault(str(source.data_set or source.path.resolve()), source)
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


def source_state(paths: Sequence[Path | str], *settings: str) -> str:
    """Hash (hex) of which files these are, of which size and age, and of the settings they are read with.

    Raises:
        DocumentError: As `find_sources`.
    """
    digest = hashlib.sha256(repr(settings).encode())
    for source in find_sources(paths):
        digest.update(f"\0{source.data_set or ''}".encode("utf-8", "surrogateescape"))
        for path in _files_of(source):
            state = path.stat()
            digest.update(
                f"\0{os.path.abspath(path)}\0{state.st_size}\0{state.st_mtime_ns}".encode(
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


def _sources(named: str) -> Iterable[Source]:
    if named == STANDARD_INPUT:
        raise DocumentError("Standard input is taken in by the command `guidex run` alone.", _REMEDY)
    data_set, path = data_set_named(named), Path(named)
    if data_set is None and path.is_dir() and is_saved_data_set(path):
        data_set = DataSetName(str(path.resolve()))
    if data_set is None:
        return _below(path) if path.is_dir() else (_named(path),)
    folder = data_set.folder
    if folder is None:
        return (Source(path, _shown(path), named, DATA_SET, data_set=data_set),)
    if not folder.is_dir():
        raise DocumentError(
            f"{_shown(folder)} is no folder of a data set.", "Check the path; it is relative to the job file."
        )
    shown = _shown(folder if path == folder else Path(named.removeprefix(DATA_SET)))
    return (Source(folder, shown, shown, DATA_SET, data_set=data_set),)


def _files_of(source: Source) -> Iterable[Path]:
    """What changes where a source does; of a data set of the hub it is not known."""
    if source.data_set is None:
        return (source.path,)
    if source.data_set.folder is None:
        return ()
    return sorted(path for path in source.path.rglob("*") if path.is_file())


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
