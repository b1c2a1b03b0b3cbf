"""The command line."""

from guidex.cli.app import main

__all__ = ["main"]
