"""JSON lines on standard output."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from graph.json_lines import write_json_lines


def to_stdout(rows: Iterable[Mapping[str, Any]]) -> int:
    """Write all rows to standard output, or none if one of them cannot be made; how many."""
    with tempfile.TemporaryDirectory(prefix="guidex-") as folder:
        path = Path(folder, "rows.jsonl")
        count = write_json_lines(rows, path)
        print_lines(path)
    return count


def print_lines(path: Path) -> None:
    """Write a file of JSON lines to standard output."""
    # What stands in documents could command a terminal; a file or a pipe gets the text as it is.
    terminal = sys.stdout.isatty()
    with path.open(encoding="utf-8", newline="\n") as lines:
        for line in lines:
            sys.stdout.write(json.dumps(json.loads(line)) + "\n" if terminal else line)
