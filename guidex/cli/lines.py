"""JSON lines on standard output."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from graph.export import Row, write_export


def to_stdout(made: Iterator[Row]) -> int:
    """Write all rows to standard output, or none if one of them cannot be made."""
    with tempfile.TemporaryDirectory(prefix="guidex-") as folder:
        path = Path(folder, "rows.jsonl")
        count = write_export(made, path)
        # What stands in documents could command a terminal; a file or a pipe gets the text as it is.
        terminal = sys.stdout.isatty()
        with path.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                sys.stdout.write(json.dumps(json.loads(line)) + "\n" if terminal else line)
    return count
