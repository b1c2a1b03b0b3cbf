"""Data sets of Hugging Face, from the hub or a folder, row by row; no code that comes with one is run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from graph.documents.naming import DataSetName
from graph.documents.quiet import quiet
from graph.documents.records import Record, Source, json_compatible, printable
from schemas.errors import DocumentError

_DEFAULT_SPLIT: Final = "train"
_SHOWN: Final = 200
"""Characters of a library's message."""


def is_saved_data_set(folder: Path) -> bool:
    """Whether a folder was written by `save_to_disk` of a data set or of several splits."""
    return (folder / "dataset_dict.json").is_file() or (
        (folder / "state.json").is_file() and (folder / "dataset_info.json").is_file()
    )


def read_data_set(source: Source, text_field: str) -> Iterator[Record]:
    """The rows of a data set; what is read by a library that decodes pictures or sound stays undecoded."""
    rows, features = _opened(source)
    if features is not None and text_field not in features:
        raise DocumentError(
            f"{source.file} has no column {text_field!r} "
            f"(columns: {', '.join(map(printable, list(features)[:12]))}).",
            "Name the column of the text as `text_field`.",
        )
    names = {name: kind.int2str for name, kind in (features or {}).items() if hasattr(kind, "int2str")}
    iterator = iter(rows)
    number = 0
    while True:
        try:
            row = next(iterator, None)
        except Exception as error:  # of the network, a file, a parser
            raise _unreadable(source, error) from error
        if row is None:
            return
        number += 1
        for name, in_words in names.items():  # of classes that are kept as numbers
            if isinstance(row.get(name), int) and row[name] >= 0:
                row[name] = in_words(row[name])
        yield Record(source.file, number, {name: json_compatible(value) for name, value in row.items()})


def count_rows(source: Source) -> int:
    """Rows of a data set in a folder; known without reading them where it was saved by `save_to_disk`."""
    folder = _named(source).folder
    if folder is not None and is_saved_data_set(folder):
        return len(_split_of(_saved(source, folder), source))
    return sum(1 for _ in _opened(source)[0])


def _named(source: Source) -> DataSetName:
    if source.data_set is None:
        raise TypeError(f"{source.file} is no data set")
    return source.data_set


def _opened(source: Source) -> tuple[Any, Any]:
    """Its rows, and its columns with their types; None where they are not known before the first row."""
    name = _named(source)
    folder = name.folder
    if folder is not None and is_saved_data_set(folder):
        rows = _split_of(_saved(source, folder), source).to_iterable_dataset()
    else:
        rows = _split_of(_streamed(source, name), source)
    rows = rows.decode(False)
    return rows, rows.features


def _saved(source: Source, folder: Path) -> Any:
    from datasets import load_from_disk

    try:
        return load_from_disk(str(folder)).with_format(None)
    except Exception as error:
        raise _unreadable(source, error) from error


def _streamed(source: Source, name: DataSetName) -> Any:
    from datasets import load_dataset

    what = name.what if name.folder is None else str(name.folder.resolve())
    try:
        with quiet("datasets", "huggingface_hub"):
            return load_dataset(what, name=name.config, revision=name.revision, streaming=True)
    except Exception as error:
        raise _unreadable(source, error) from error


def _split_of(found: Any, source: Source) -> Any:
    """The split that is meant; a data set that has none is all there is."""
    wanted = _named(source).split
    if not isinstance(found, dict):
        if wanted is None or str(found.split) == wanted:
            return found
        splits = [str(found.split)]
    elif wanted is None and (len(found) == 1 or _DEFAULT_SPLIT in found):
        return found.get(_DEFAULT_SPLIT, next(iter(found.values())))
    elif wanted in found:
        return found[wanted]
    else:
        splits = list(map(str, found))
    what = "needs a split to be named" if wanted is None else f"has no split {wanted!r}"
    raise DocumentError(
        f"The data set {source.file} {what}.",
        f"Add one of its splits after a colon: {', '.join(map(printable, splits))}.",
    )


def _unreadable(source: Source, error: Exception) -> DocumentError:
    said = printable(" ".join(str(error).split()))[:_SHOWN].rstrip(". ") or type(error).__name__
    if _named(source).folder is not None:
        return DocumentError(
            f"The data set {source.file} cannot be read: {said}.",
            "Check the folder; one of several configurations is named hf:./FOLDER:CONFIG/SPLIT.",
        )
    return DocumentError(
        f"The data set {source.file} cannot be read: {said}.",
        "Check its name and the network; one with restricted access needs HF_TOKEN. A copy in a folder "
        "is named hf:./FOLDER.",
    )
