"""A folder that Hugging Face's `datasets.load_dataset` reads: Parquet files and a data card.

Three tables, as configurations of one data set: `documents`; `spans`, one row a mention; `classes`, with the
guidelines, one row a class of each schema.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from graph.exports.about import Export
from graph.exports.card import data_card
from graph.exports.documents import ExportedDocument
from graph.exports.parquet import document_columns, document_row, schema_id, table
from graph.json_lines import json_text
from schemas.annotation import Instance
from schemas.dialect.guidelines import docstring_lines

FILES = {"documents": "documents.parquet", "spans": "spans.parquet", "classes": "classes.parquet"}
"""Of each configuration; the first is the default one."""

_IN_CLASSES = ("schema",)
"""Columns of documents that are in the table of classes instead."""


def write_data_set(documents: Iterable[ExportedDocument], folder: Path, export: Export) -> None:
    """Write the tables and the card."""
    columns = document_columns()
    for name in _IN_CLASSES:
        columns = columns.remove(columns.get_field_index(name))
    schemas: set[str] = set()
    with (
        table(folder / FILES["documents"], columns) as rows,
        table(folder / FILES["spans"], _span_columns()) as spans,
        table(folder / FILES["classes"], _class_columns()) as classes,
    ):
        for document in documents:
            row = document_row(document)
            rows.add({name: value for name, value in row.items() if name not in _IN_CLASSES})
            for span in _span_rows(document):
                spans.add(span)
            if row["schema_id"] not in schemas:
                schemas.add(row["schema_id"])
                for spec in _class_rows(document):
                    classes.add(spec)
            export.tally.rows += 1
    (folder / "README.md").write_text(data_card(export, FILES), "utf-8")


def _span_columns() -> Any:
    import pyarrow as pa

    texts = ("document_id", "label", "field", "surface", "quote", "status")
    numbers = ("instance", "start", "end")
    return pa.schema([*((name, pa.string()) for name in texts), *((name, pa.int64()) for name in numbers)])


def _span_rows(document: ExportedDocument) -> Iterator[Mapping[str, Any]]:
    """All mentions of all instances, numbered over the document, nested ones behind what they are in."""
    text = document.document.text
    for number, instance in enumerate(_walk(document)):
        for mention in instance.mentions:
            if mention.span is not None:
                start, end = mention.span
                yield {
                    "document_id": document.document.id,
                    "instance": number,
                    "label": instance.class_name,
                    "field": mention.field,
                    "start": start,
                    "end": end,
                    "surface": text[start:end],
                    "quote": mention.quote,
                    "status": mention.status.value,
                }


def _walk(document: ExportedDocument) -> Iterator[Instance]:
    for top in document.kept.agreed.instances:
        yield from top.walk()


def _class_columns() -> Any:
    import pyarrow as pa

    texts = ("schema_id", "domain", "name", "definition", "guideline", "specification")
    return pa.schema([*((name, pa.string()) for name in texts), ("position", pa.int64())])


def _class_rows(document: ExportedDocument) -> Iterator[Mapping[str, Any]]:
    schema = document.schema
    for position, spec in enumerate(schema.classes):
        yield {
            "schema_id": schema_id(schema),
            "domain": schema.domain,
            "position": position,
            "name": spec.name,
            "definition": spec.guideline.definition,
            "guideline": "\n".join(docstring_lines(spec.guideline)),
            "specification": json_text(spec.model_dump(mode="json")),
        }
