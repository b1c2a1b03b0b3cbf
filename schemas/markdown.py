"""Text of others within Markdown."""

from __future__ import annotations


def plain(text: str) -> str:
    """Text on one line that cannot be taken for markup, leave a table's cell or end a code span."""
    printable = "".join(character if character.isprintable() else " " for character in text)
    harmless = printable.replace("`", "'").replace("<", "(").replace(">", ")")
    for mark in "[]|":
        harmless = harmless.replace(mark, " ")
    return " ".join(harmless.split())
