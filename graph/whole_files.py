"""Files that are there in full or not at all."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from schemas.errors import StoreError


@contextlib.contextmanager
def whole_file(path: Path, what: str) -> Iterator[BinaryIO]:
    """A file to write to, beside `path`; it takes its place when all is on the disk.

    Until then an older file stays as it is, and if something fails within nothing is left behind.

    Args:
        path: Where it ends up; the folder is made.
        what: It, in words, for a message: `export`.

    Raises:
        StoreError: It cannot be written.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        raise StoreError(
            f"The {what} {path} cannot be written: {error.strerror or error}.",
            "Check the folder, its permissions and the free space on the disk, or name another file.",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)
