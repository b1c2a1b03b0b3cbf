"""The installed version."""

from __future__ import annotations

from importlib import metadata


def version() -> str:
    """Version of the installed distribution; "0+unknown" for a source tree that is not installed."""
    try:
        return metadata.version("guidex")
    except metadata.PackageNotFoundError:
        return "0+unknown"
