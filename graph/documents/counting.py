"""How many records there are, without making documents of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graph.documents.data_sets import count_rows
from graph.documents.formats import DATA_SET, READERS
from graph.documents.packing import DamagedFileError, numbered_lines, open_unpacked
from graph.documents.records import Source
from graph.documents.sources import find_sources
from schemas.errors import DocumentError


def count_records(paths: Sequence[Path | str], text_field: str = "text") -> int:
    """Records in files and folders, readable or not, copies included; see `read_documents`.

    Lines are counted without being parsed, and rows of Parquet are not read at all. CSV and JSON cannot be
    counted without being parsed.

    Raises:
        DocumentError: A path cannot be read.
    """
    return sum(_count(source, text_field) for source in find_sources(paths))


def _count(source: Source, text_field: str) -> int:
    try:
        if source.format in (".jsonl", ".ndjson"):
            with open_unpacked(source.path, source.packing) as stream:
                return sum(line is None or not line.isspace() for _, line in numbered_lines(stream))
        if source.format == DATA_SET:
            return count_rows(source)
        if source.format == ".parquet":
            import pyarrow.parquet as pq

            return int(pq.read_metadata(source.path).num_rows)
        return sum(1 for _ in READERS[source.format](source, text_field))
    except DamagedFileError as error:
        raise DocumentError(f"{source.file} cannot be read: {error}.", "Pack the file anew.") from error
    except OSError as error:
        raise DocumentError(f"{source.file} cannot be read: {error.strerror}.", "Check the file.") from error
