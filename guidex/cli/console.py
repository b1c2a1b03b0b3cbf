"""What is printed, and how: nothing that came from a document or a model reaches the terminal as a command.

Such text may hold terminal escapes, characters that turn the direction of writing, or Rich markup. `safe`
shows the first two as escapes; consoles made here interpret no markup at all.
"""

from __future__ import annotations

import json
import os
import sys
import unicodedata
from io import TextIOWrapper
from typing import TYPE_CHECKING, Literal, TextIO

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 100
"""Columns where there is no terminal that says how many it has."""

_JOINERS = "\u200c\u200d"
"""Part of Persian and Indic words and of emoji; they change nothing beyond their neighbours."""


def safe(value: object, *, lines: bool = False) -> str:
    r"""Text with every control, direction and invisible character shown as an escape.

    Args:
        value: What to show.
        lines: Keep line feeds and tabs, for text that is laid out; otherwise they are shown as `\n`, `\t`.
    """
    text = str(value)
    if text.isascii() and text.isprintable():
        return text
    kept = "\n\t" if lines else ""
    return "".join(c if c in kept or _is_harmless(c) else _escape(c) for c in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or unicodedata.category(character) == "Zs"


def _escape(character: str) -> str:
    short = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(character)
    code = ord(character)
    return short or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )


def console(stream: Literal["out", "err"] = "out") -> Console:
    """A console on standard output or standard error that takes all text as it is."""
    from rich.console import Console

    file = sys.stdout if stream == "out" else sys.stderr
    width = None if file.isatty() or os.environ.get("COLUMNS") else WIDTH
    return Console(
        file=file, width=width, markup=False, highlight=False, emoji=False, soft_wrap=False, safe_box=True
    )


def shortened(text: str, longest: int = 160) -> str:
    """A text of so many characters at most; `--json` has the rest."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def counted(number: int, noun: str) -> str:
    """A number with its noun: `1 call`, `1,200 calls`."""
    return f"{number:,} {noun}{'s' * (number != 1)}"


def file_size(size: int) -> str:
    """A number of bytes: `0.4 kB`, `98.4 MB`, `1,204.0 MB`."""
    return f"{size / 1e3:.1f} kB" if size < 100_000 else f"{size / 1e6:,.1f} MB"


def print_json(value: object) -> None:
    """Print a value as JSON in ASCII, which no terminal misreads."""
    sys.stdout.write(json.dumps(value, indent=2, default=str) + "\n")


def say(text: str) -> None:
    """Print a line to standard error: progress, warnings and what is meant for people beside the result."""
    sys.stderr.write(safe(text, lines=True) + "\n")
    sys.stderr.flush()


def tolerate_encodings(*streams: TextIO) -> None:
    """Escape what a terminal's encoding does not have, rather than fail on it."""
    for stream in streams:
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
