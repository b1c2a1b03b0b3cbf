"""How many records there are, without making documents of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graph.documents.formats import READERS
from graph.documents.records import Source
from graph.documents.sources import find_sources
from schemas.errors import DocumentError


def count_records(paths: Sequence[Path], text_field: str = "text") -> int:
    """Records in files and folders, readable or not, copies included; see `read_documents`.

    Lines are counted without being parsed, and rows of Parquet are not read at all. CSV and JSON cannot be
    counted without being parsed.

    Raises:
        DocumentError: A path cannot be read.
    """
    return sum(_count(source, text_field) for source in find_sources(paths))


def _count(source: Source, text_field: str) -> int:
    ending = source.path.suffix.lower()
    try:
        if ending in (".jsonl", ".ndjson"):
            with source.path.open("rb") as lines:
                return sum(not line.isspace() for line in lines)
        if ending == ".parquet":
            import pyarrow.parquet as pq

            return int(pq.read_metadata(source.path).num_rows)
        return sum(1 for _ in READERS[ending](source, text_field))
    except OSError as error:
        raise DocumentError(f"{source.file} cannot be read: {error.strerror}.", "Check the file.") from error
