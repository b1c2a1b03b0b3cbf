"""JSON lines that every reader of lines takes apart alike, written whole or not at all."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from agents.whole_files import whole_file

# str.splitlines breaks lines at these; JSON leaves them as they are, so they are escaped.
_LINE_BREAKS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def write_json_lines(rows: Iterable[Mapping[str, Any]], path: Path, what: str = "export") -> int:
    """Write rows as JSON lines (UTF-8, LF), all or nothing, and return how many.

    Numbers that JSON does not have (NaN, infinity) are written as null.

    Args:
        rows: Made while they are written.
        path: Where they end up; the folder is made.
        what: They are, in words, for a message.

    Raises:
        StoreError: The file cannot be written, or a row cannot be made; nothing is left behind.
    """
    count = 0
    with whole_file(path, what) as file:
        for row in rows:
            file.write(json_line(row))
            count += 1
    return count


def json_line(row: Mapping[str, Any]) -> bytes:
    """A row as one line of JSON, its end included."""
    try:
        line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    except ValueError:
        line = json.dumps(_finite(row), ensure_ascii=False, allow_nan=False)
    # A lone surrogate can only come from a document's metadata; its escape is valid JSON.
    return f"{line.translate(_LINE_BREAKS)}\n".encode("utf-8", "backslashreplace")


def json_text(value: object) -> str:
    """A value as JSON that any UTF-8 file can hold: ASCII, and null for numbers that JSON does not have."""
    try:
        return json.dumps(value, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(value), allow_nan=False)


def _finite(value: object) -> object:
    """A copy of a value in which numbers that JSON does not have are None."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value
