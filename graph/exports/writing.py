"""Exports written whole or not at all, each with a record of what it holds."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from agents.whole_files import whole_folder, whole_path
from graph.exports.about import About, Export
from graph.exports.documents import ExportedDocument
from graph.exports.formats import Format
from graph.json_lines import write_json_lines

ABOUT: Final = "about.json"
"""The record in an exported folder."""


def write_export(
    documents: Iterable[ExportedDocument], export_format: Format, path: Path, export: Export
) -> About:
    """Write documents, and what is said of them.

    Args:
        documents: The documents; read once, one at a time.
        export_format: Which format.
        path: The file or folder; what was exported there before is replaced when all is written.
        export: Of which run it is.

    Raises:
        StoreError: It cannot be written, or a document does not pass the checks; nothing is left behind.
    """
    watched = export.tally.watched(documents)
    if export_format.suffix:
        with whole_path(path, "export") as partial:
            export_format.write(watched, partial, export)
        about = export.about(export_format.name)
        write_json_lines([about.model_dump(mode="json")], about_file(path))
    else:
        with whole_folder(path, "export", ABOUT) as partial:
            export_format.write(watched, partial, export)
            about = export.about(export_format.name)
            write_json_lines([about.model_dump(mode="json")], partial / ABOUT)
    return about


def about_file(path: Path) -> Path:
    """Where it is told what an exported file holds."""
    return path.with_name(f"{path.name}.{ABOUT}")
