"""Files of labels: names, one a line, or a schema."""

from __future__ import annotations

from pathlib import Path

from guidex.given_schemas import load_schema
from schemas.errors import UsageError

_SCHEMAS = (".json", ".py")
_MOST = 100_000
"""Most labels; a larger file holds something else."""


def read_labels(path: Path) -> tuple[str, ...]:
    """The labels of a file, each once, in their order.

    A `.json` or `.py` file is read as a schema, any other as one label a line; blank lines are passed over.

    Raises:
        UsageError: It cannot be read, or has no labels in it.
    """
    if path.suffix.lower() in _SCHEMAS:
        return load_schema(path).annotation_schema.names
    labels: dict[str, None] = {}
    try:
        with path.open(encoding="utf-8-sig") as lines:
            for line in lines:
                labels.update({line.strip(): None} if line.strip() else {})
                if len(line) > 1000 or len(labels) > _MOST:
                    raise UsageError(f"{path.as_posix()} is no file of labels.", _REMEDY)
    except OSError as error:
        raise UsageError(f"{path.as_posix()} cannot be read: {error.strerror}.", "Check the path.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path.as_posix()} is no UTF-8 text.", _REMEDY) from error
    if not labels:
        raise UsageError(f"There are no labels in {path.as_posix()}.", _REMEDY)
    return tuple(labels)


_REMEDY = "Write one label a line, or name a schema that ends in .json or .py."
