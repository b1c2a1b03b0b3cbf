"""Argilla: records as its SDK makes them of JSON, and the settings of a data set for them.

Offsets are code points, as the SDK and the server count; Argilla's own page counts UTF-16 units, so that it
shows marks behind an emoji shifted (argilla-io/argilla#5729).
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from graph.exports.about import Export, Provenance
from graph.exports.documents import ExportedDocument
from graph.exports.rows import ArgillaRecord
from graph.json_lines import json_text

RECORDS: Final = "records.json"
SETTINGS: Final = "settings.json"
FIELD: Final = "text"
QUESTION: Final = "mentions"

_FEWEST_VISIBLE: Final = 3
"""Argilla shows no fewer options of a question than this, or all of them."""


def write_argilla(documents: Iterable[ExportedDocument], folder: Path, export: Export) -> None:
    """Write `records.json`, for `dataset.records.from_json`, and `settings.json`, for `Settings.from_json`.

    The question has all classes of all documents; the guidelines are those of the first schema that has one.
    """
    definitions: dict[str, str] = {}
    with (folder / RECORDS).open("wb") as file:
        file.write(b"[")
        for document in documents:
            file.write(b",\n" if export.tally.rows else b"\n")
            file.write(json_text(record(document, export.provenance)).encode())
            for spec in document.schema.classes:
                definitions.setdefault(spec.name, spec.guideline.definition)
            export.tally.rows += 1
        file.write(b"\n]\n")
    (folder / SETTINGS).write_text(f"{json_text(settings(definitions))}\n", "utf-8")


def record(document: ExportedDocument, provenance: Provenance) -> ArgillaRecord:
    """A document as a record, its mentions as a suggestion."""
    read = document.document
    return {
        "id": read.id,
        "fields": {"text": read.text},
        "metadata": {"source": read.source, "unknown_classes": ", ".join(document.unknown)},
        "suggestions": {
            "mentions": {
                "value": [
                    {"start": start, "end": end, "label": label} for start, end, label in document.spans
                ],
                "score": document.kept.scores.agreement,
                "agent": f"{provenance.run} (decisions {provenance.decision_version})",
            }
        },
        "responses": {},
        "vectors": {},
    }


def settings(definitions: dict[str, str]) -> dict[str, Any]:
    """Settings of a data set with a text and a question for its spans.

    Args:
        definitions: Of each class, by its name.
    """
    said = (f"- **{name}**: {definition}" for name, definition in definitions.items() if definition)
    options = [{"value": name, "text": name, "description": None} for name in definitions]
    return {
        "guidelines": "\n".join(said) or None,
        "allow_extra_metadata": True,
        "distribution": {"strategy": "overlap", "min_submitted": 1},
        "fields": [
            {
                "name": FIELD,
                "title": "Text",
                "required": True,
                "settings": {"type": "text", "use_markdown": False},
            }
        ],
        "questions": [
            {
                "name": QUESTION,
                "title": "Mentions",
                "required": True,
                "settings": {
                    "type": "span",
                    "field": FIELD,
                    "allow_overlapping": True,
                    "visible_options": len(options) if len(options) >= _FEWEST_VISIBLE else None,
                    "options": options,
                },
            }
        ],
        "metadata": [],
        "vectors": [],
    }
