"""Documents as columns, in Parquet; what has another shape in every schema is JSON in a column."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from finetune.examples.reading import LICENCE, said
from graph.exports.about import Export
from graph.exports.documents import ExportedDocument
from graph.exports.record_rows import instance_records
from graph.json_lines import json_text
from schemas.judgement import Scores
from schemas.schema import AnnotationSchema

if TYPE_CHECKING:
    import pyarrow

_AT_ONCE: Final = 500
"""Rows kept before they are written: a group of rows in the file."""


def write_parquet(documents: Iterable[ExportedDocument], path: Path, export: Export) -> None:
    """Write one row a document, with its schema in it."""
    with table(path, document_columns()) as rows:
        for document in documents:
            rows.add(document_row(document))
            export.tally.rows += 1


def document_columns() -> pyarrow.Schema:
    """Columns of documents, with their types."""
    import pyarrow as pa

    span = pa.struct(
        [("start", pa.int64()), ("end", pa.int64()), ("label", pa.string()), ("surface", pa.string())]
    )
    scores = pa.struct([(name, pa.float64()) for name in Scores.model_fields])
    return pa.schema(
        [
            ("id", pa.string()),
            ("text", pa.string()),
            ("spans", pa.list_(span)),
            ("classes", pa.list_(pa.string())),
            ("unknown_classes", pa.list_(pa.string())),
            ("exhaustive", pa.bool_()),
            ("domain", pa.string()),
            ("schema_id", pa.string()),
            ("schema", pa.string()),
            ("instances", pa.string()),
            ("scores", scores),
            ("decision_version", pa.int64()),
            ("licence", pa.string()),
            ("source", pa.string()),
            ("meta", pa.string()),
        ]
    )


def document_row(document: ExportedDocument) -> dict[str, Any]:
    """A document as values of `document_columns`."""
    read, kept = document.document, document.kept
    return {
        "id": _storable(read.id),
        "text": read.text,
        "spans": [
            {"start": start, "end": end, "label": label, "surface": read.text[start:end]}
            for start, end, label in document.spans
        ],
        "classes": list(document.schema.names),
        "unknown_classes": list(document.unknown),
        "exhaustive": not document.unknown,
        "domain": document.schema.domain,
        "schema_id": schema_id(document.schema),
        "schema": document.schema.model_dump_json(),
        "instances": json_text(instance_records(document)),
        "scores": kept.scores.model_dump(mode="json"),
        "decision_version": document.version,
        "licence": _storable(said(read.meta, *LICENCE)),
        "source": _storable(read.source),
        "meta": json_text(read.meta),
    }


def schema_id(schema: AnnotationSchema) -> str:
    """The first 16 hex digits of the SHA-256 of a schema: equal for equal ones."""
    return hashlib.sha256(schema.model_dump_json().encode()).hexdigest()[:16]


class Rows:
    """Rows on their way into a Parquet file."""

    def __init__(self, writer: Any, columns: Any) -> None:
        self._writer, self._columns = writer, columns
        self._waiting: list[Mapping[str, Any]] = []

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row."""
        self._waiting.append(row)
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write the rows that wait."""
        import pyarrow as pa

        if self._waiting:
            self._writer.write_table(pa.Table.from_pylist(self._waiting, self._columns))
            self._waiting = []


@contextmanager
def table(path: Path, columns: Any) -> Iterator[Rows]:
    """A Parquet file to add rows to."""
    from pyarrow.parquet import ParquetWriter

    with ParquetWriter(path, columns, compression="zstd") as writer:
        rows = Rows(writer, columns)
        yield rows
        rows.flush()


def _storable(text: str) -> str:
    """The text, with lone surrogates, which UTF-8 does not know, replaced."""
    return text.encode("utf-8", "replace").decode()
