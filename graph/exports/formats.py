"""The formats there are, and how one is added.

A format is a function that writes documents to a place. Another package adds one by an entry point of the
group `guidex.exporters` whose name is the format's and whose object is a `Format`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final, Protocol

from graph.exports.about import Export
from graph.exports.documents import ExportedDocument
from graph.exports.tally import Tally
from graph.json_lines import json_line
from schemas.errors import UsageError

GROUP: Final = "guidex.exporters"
"""Entry points of other packages' formats."""


class Writer(Protocol):
    """What writes a format."""

    def __call__(self, documents: Iterable[ExportedDocument], path: Path, export: Export, /) -> None:
        """Write documents to a file, or into an empty folder, taking one at a time.

        Rows, and what the format cannot hold, are counted in `export.tally`; documents are counted already.
        """


RowMaker = Callable[[ExportedDocument, Tally], Mapping[str, Any] | None]
"""Makes a document's row; None, counted, if it has none."""


@dataclass(frozen=True, slots=True)
class Format:
    """How accepted documents are written for a tool.

    Attributes:
        name: As it is asked for.
        tool: What reads it, in a few words.
        suffix: Of its file; empty if it is a folder.
        write: Writes it.
        extra: The extra that has to be installed; empty if none.
        row: Of JSON lines, which can go to standard output: makes a document's row.
    """

    name: str
    tool: str
    suffix: str
    write: Writer
    extra: str = ""
    row: RowMaker | None = None


def json_lines(name: str, tool: str, row: RowMaker) -> Format:
    """A format of one row a document, in JSON lines.

    Args:
        name: Of the format.
        tool: What reads it.
        row: Makes the rows.
    """

    def write(documents: Iterable[ExportedDocument], path: Path, export: Export) -> None:
        with path.open("wb") as file:
            for document in documents:
                made = row(document, export.tally)
                if made is not None:
                    file.write(json_line(made))
                    export.tally.rows += 1

    return Format(name, tool, ".jsonl", write, row=row)


def format_named(name: str) -> Format:
    """A format of GuideX, or of another package that is installed.

    Raises:
        UsageError: There is none of that name, or it cannot be loaded.
    """
    from graph.exports.registry import FORMATS

    if name in FORMATS:
        return FORMATS[name]
    others = {point.name: point for point in entry_points(group=GROUP)}
    if name not in others:
        known = [*FORMATS, *sorted(others)]
        near = get_close_matches(name, known, 1)
        raise UsageError(
            f"There is no export format {name!r}.",
            f"{f'Did you mean {near[0]}? ' if near else ''}There are {', '.join(known)}.",
        )
    try:
        found = others[name].load()
    except Exception as error:
        raise UsageError(
            f"The export format {name!r} cannot be loaded: {type(error).__name__}: {error}",
            "Mend or remove the package that brings it.",
        ) from error
    if not isinstance(found, Format):
        raise UsageError(
            f"The export format {name!r} is a {type(found).__name__}, not a graph.exports.Format.",
            "Mend or remove the package that brings it.",
        )
    return found
