"""Label Studio: tasks with the mentions as predictions, and the labelling interface beside them.

Offsets are code points, as Label Studio's page counts them (HumanSignal/label-studio-frontend#308).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final
from xml.etree import ElementTree

from graph.exports.about import Export, Provenance
from graph.exports.documents import ExportedDocument
from graph.exports.rows import LabelStudioTask
from graph.json_lines import json_line

TASKS: Final = "tasks.json"
CONFIG: Final = "labeling_config.xml"
LABELS: Final = "label"
TEXT: Final = "text"


def write_label_studio(documents: Iterable[ExportedDocument], folder: Path, export: Export) -> None:
    """Write `tasks.json`, to be imported, and `labeling_config.xml`, to be pasted as the project's interface.

    The interface has all classes of all documents, each with its definition as a hint.
    """
    hints: dict[str, str] = {}
    with (folder / TASKS).open("wb") as file:
        file.write(b"[")
        for document in documents:
            file.write(b",\n" if export.tally.rows else b"\n")
            file.write(json_line(task(document, export.provenance)).rstrip(b"\n"))
            for spec in document.schema.classes:
                hints.setdefault(spec.name, spec.guideline.definition)
            export.tally.rows += 1
        file.write(b"\n]\n")
    (folder / CONFIG).write_text(labelling_config(hints), "utf-8")


def task(document: ExportedDocument, provenance: Provenance) -> LabelStudioTask:
    """A document as a task."""
    read = document.document
    return {
        "data": {
            "text": read.text,
            "document_id": read.id,
            "source": read.source,
            "unknown_classes": ", ".join(document.unknown),
            "run": provenance.run,
        },
        "predictions": [
            {
                "model_version": f"{provenance.run} (decisions {provenance.decision_version})",
                "score": document.kept.scores.agreement,
                "result": [
                    {
                        "id": f"mention-{number}",
                        "from_name": "label",
                        "to_name": "text",
                        "type": "labels",
                        "value": {
                            "start": start,
                            "end": end,
                            "text": read.text[start:end],
                            "labels": [label],
                        },
                    }
                    for number, (start, end, label) in enumerate(document.spans)
                ],
            }
        ],
    }


def labelling_config(hints: Mapping[str, str]) -> str:
    """The interface: a text whose parts are given labels.

    Args:
        hints: What each class is, by its name.
    """
    view = ElementTree.Element("View")
    labels = ElementTree.SubElement(view, "Labels", name=LABELS, toName=TEXT)
    for name, hint in hints.items():
        ElementTree.SubElement(labels, "Label", {"value": name} | ({"hint": hint} if hint else {}))
    ElementTree.SubElement(view, "Text", name=TEXT, value=f"${TEXT}", granularity="symbol")
    ElementTree.indent(view)
    return ElementTree.tostring(view, encoding="unicode") + "\n"
