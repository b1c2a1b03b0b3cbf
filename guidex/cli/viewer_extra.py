"""What the viewer needs beside GuideX's own requirements."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from schemas.errors import UsageError


@contextlib.contextmanager
def viewer_extra() -> Iterator[None]:
    """Import the viewer within.

    Raises:
        UsageError: What it needs is not installed.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if error.name and error.name.split(".")[0] in ("starlette", "uvicorn"):
            raise UsageError(
                "The viewer needs starlette and uvicorn, which are not installed.",
                "Run `pip install -e '.[view]'` in GuideX's folder.",
            ) from error
        raise
