"""Schema files on disk."""

from __future__ import annotations

from pathlib import Path

from schemas.errors import UsageError
from schemas.given import MOST_CHARACTERS, GivenSchema, read_schema

_MOST_BYTES = 4 * MOST_CHARACTERS
"""As many as so many characters can take in UTF-8."""


def load_schema(path: Path) -> GivenSchema:
    """Read a schema file; see `read_schema`.

    Raises:
        UsageError: It cannot be read, or holds no schema; the message says where and why.
    """
    shown = path.as_posix()
    try:
        with path.open("rb") as file:
            content = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise UsageError(
            f"The schema file {shown} cannot be read: {error.strerror}.", "Check the path."
        ) from error
    if len(content) > _MOST_BYTES:
        raise UsageError(f"{shown} is larger than any schema.", "Name a file of classes, not of documents.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise UsageError(
            f"{shown}: line {line}: this is no UTF-8 text.", "Write the schema file as UTF-8."
        ) from error
    return read_schema(text, shown)
