"""One reader a format: each turns a file into records, in order, with a fault where there is none to read."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from typing import Any, NoReturn, TextIO

from graph.documents.data_sets import read_data_set
from graph.documents.html import read_html
from graph.documents.packing import LARGEST_TEXT, LONGEST_LINE, numbered_lines, open_unpacked, read_whole
from graph.documents.pdf import read_pdf
from graph.documents.records import Record, Source, json_compatible, printable
from schemas.errors import DocumentError

DATA_SET = "hf:"
"""What stands for a file ending where a data set is read."""

Reader = Callable[[Source, str], Iterator[Record]]
"""(file, text field) to records. An OSError passes through, and a DamagedFileError at a bad end."""

_BOM = b"\xef\xbb\xbf"
_PARQUET_ROWS = 256
_TOO_LONG = f"the line is longer than {LONGEST_LINE // 2**20} MB"


def read_text(source: Source, text_field: str) -> Iterator[Record]:
    """A file that is one document; its id is its path below the folder that was named."""
    try:
        text = _content(source).decode()
    except UnicodeDecodeError as error:
        yield Record(source.file, None, None, _reason(error))
    else:
        yield Record(source.file, None, text, name=source.name)


def read_jsonl(source: Source, text_field: str) -> Iterator[Record]:
    """JSON Lines: an object a line, or the text alone as a string. Blank lines are passed over."""
    with open_unpacked(source.path, source.packing) as stream:
        for number, line in numbered_lines(stream):
            if line is None:
                yield Record(source.file, number, None, _TOO_LONG)
                continue
            content = line.removeprefix(_BOM) if number == 1 else line
            if not content.strip():
                continue
            try:
                value = _parse(content)
            except (ValueError, RecursionError) as error:
                yield Record(source.file, number, None, _reason(error))
            else:
                yield _record(source, number, value)


def read_json(source: Source, text_field: str) -> Iterator[Record]:
    """A list of objects or of strings, or one object. The whole file is in memory while it is read.

    A file that holds an object a line is read as JSON Lines, whatever its ending.
    """
    try:
        value = _parse(_content(source))
    except (ValueError, RecursionError) as error:
        if isinstance(error, json.JSONDecodeError) and error.msg == "Extra data":
            yield from read_jsonl(source, text_field)
            return
        yield Record(source.file, getattr(error, "lineno", None), None, _reason(error))
        return
    if isinstance(value, list):
        for number, item in enumerate(value, 1):
            yield _record(source, number, item)
    else:
        yield _record(source, None, value)


def read_csv(source: Source, text_field: str) -> Iterator[Record]:
    """Comma-separated values with a header line. A record is placed by its first line."""
    csv.field_size_limit(LONGEST_LINE)
    # Bytes that are no UTF-8 arrive as lone surrogates: one bad record does not end the file.
    stream = open_unpacked(source.path, source.packing)
    with io.TextIOWrapper(stream, "utf-8-sig", errors="surrogateescape", newline="") as lines:
        rows = csv.reader(_CsvLines(lines), strict=True)
        header: list[str] | None = None
        while True:
            line = rows.line_num + 1
            try:
                row = next(rows)
            except StopIteration:
                return
            except csv.Error as error:
                yield Record(source.file, line, None, f"the line is no CSV: {error}")
                continue
            if not row:
                continue
            if header is None:
                header = _require_column(source, text_field, row)
            else:
                yield _csv_record(source, line, header, row)


class _CsvLines:
    """Lines for the CSV reader, which goes on after one that is refused."""

    def __init__(self, lines: TextIO) -> None:
        self._lines = lines

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = self._lines.readline(LONGEST_LINE)
        if not line:
            raise StopIteration
        if len(line) < LONGEST_LINE or line.endswith(("\r", "\n")):
            return line
        while line and not line.endswith(("\r", "\n")):
            line = self._lines.readline(LONGEST_LINE)
        raise csv.Error(_TOO_LONG)


def _csv_record(source: Source, line: int, header: list[str], row: list[str]) -> Record:
    if len(row) > len(header):
        return Record(
            source.file, line, None, f"{len(row)} cells, but the header names {len(header)} columns"
        )
    try:
        "".join(row).encode()
    except UnicodeEncodeError:
        return Record(source.file, line, None, "the line is not UTF-8")
    return Record(source.file, line, dict(zip(header, row, strict=False)))


def read_parquet(source: Source, text_field: str) -> Iterator[Record]:
    """Parquet, a few hundred rows at a time."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(source.path)
    except pa.ArrowException as error:
        raise DocumentError(
            f"{source.file} is no Parquet file that can be read.", "Write it anew."
        ) from error
    with table:
        _require_column(source, text_field, table.schema_arrow.names)
        number = 0
        try:
            for batch in table.iter_batches(batch_size=_PARQUET_ROWS):
                for row in range(batch.num_rows):
                    number += 1
                    yield _parquet_record(source, number, batch, row)
        except (pa.ArrowException, OSError) as error:
            reason = f"from this row on the file cannot be read: {str(error).splitlines()[0]}"
            yield Record(source.file, number + 1, None, reason)


def _parquet_record(source: Source, number: int, batch: Any, row: int) -> Record:
    try:
        fields = {name: batch.column(name)[row].as_py() for name in batch.schema.names}
    except ValueError as error:  # invalid UTF-8, a time out of range
        return Record(source.file, number, None, _reason(error))
    kept = {name: value for name, value in fields.items() if not isinstance(value, bytes)}
    return Record(source.file, number, {name: json_compatible(value) for name, value in kept.items()})


def _require_column(source: Source, text_field: str, names: list[str]) -> list[str]:
    if text_field not in names:
        raise DocumentError(
            f"{source.file} has no column {text_field!r} (columns: {', '.join(map(printable, names[:12]))}).",
            "Name the column of the text as `text_field`.",
        )
    return names


def _content(source: Source) -> bytes:
    if not source.packing:
        return source.path.read_bytes().removeprefix(_BOM)
    return read_whole(source.path, source.packing, LARGEST_TEXT).removeprefix(_BOM)


def _parse(content: bytes) -> Any:
    return json.loads(content.decode(), parse_constant=_refuse)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON number")


def _record(source: Source, number: int | None, value: Any) -> Record:
    if isinstance(value, dict | str):
        return Record(source.file, number, value)
    kind = {list: "a list", bool: "a truth value", type(None): "null"}.get(type(value), "a number")
    return Record(source.file, number, None, f"neither an object nor a text but {kind}")


def _reason(error: Exception) -> str:
    """Why bytes cannot be read, in words; nothing of what stands in them."""
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8: {error.reason} at byte {error.start + 1}"
    if isinstance(error, json.JSONDecodeError):
        return f"no JSON: {error.msg} at column {error.colno}"
    if isinstance(error, RecursionError):
        return "no JSON that can be read: nested too deep"
    return f"no value that can be read: {error}"


READERS: dict[str, Reader] = {
    ".jsonl": read_jsonl,
    ".ndjson": read_jsonl,
    ".json": read_json,
    ".csv": read_csv,
    ".parquet": read_parquet,
    ".txt": read_text,
    ".md": read_text,
    ".html": read_html,
    ".htm": read_html,
    ".pdf": read_pdf,
    DATA_SET: read_data_set,
}
"""File ending, in lower case, to its reader."""

NEVER_PACKED = frozenset({".parquet", ".pdf"})
"""Formats that pack themselves, and are read at many places at once."""

NEEDED_EXTRAS = {".html": "html", ".htm": "html", ".pdf": "pdf", DATA_SET: "datasets"}
"""Formats that are read by what an extra brings."""
