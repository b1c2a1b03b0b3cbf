"""TOML files of people: read, or told what is wrong with them."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from schemas.errors import UsageError


def read_toml(path: Path, what: str, remedy: str) -> dict[str, Any]:
    """The content of a TOML file.

    Args:
        path: The file.
        what: It is, in words, for a message: `job file`.
        remedy: What helps where it cannot be opened.

    Raises:
        UsageError: It cannot be read, or is no TOML.
    """
    source = path.as_posix()
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{source} is no TOML: {error}.", "Correct the line it names.") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{source} is no UTF-8 text.", f"Write the {what} as UTF-8.") from error
    except OSError as error:
        raise UsageError(f"The {what} {source} cannot be read: {error.strerror}.", remedy) from error
