"""Guidelines as docstrings, both ways.

A docstring holds the definition, then the sections that are not empty::

    Definition sentence.

    Include:
    - what to annotate
    Exclude:
    - what not to annotate
    Boundary: where a mention starts and ends
    Contrast:
    - Sibling: how to tell them apart
    Not mentions:
    - phrase of another document

A definition that begins like a section gets a backslash before it. A sibling that could not be told from
its explanation is written as a string literal.
"""

from __future__ import annotations

import re

from schemas.base import one_line
from schemas.dialect.literals import read_string, string_literal
from schemas.schema import Contrast, Guideline

_TITLES = "Include|Exclude|Boundary|Contrast|Not mentions"
_SECTION = re.compile(rf"({_TITLES}):(?: |$)", re.IGNORECASE)
_ESCAPED = re.compile(rf"\\+(?:{_TITLES}):", re.IGNORECASE)
_LOOKS_LIKE_SECTION = re.compile(rf"\\*(?:{_TITLES}):", re.IGNORECASE)
_PLAIN_SIBLING = re.compile(r"[^\W\d]\w*(?: \w+)*", re.ASCII)
_SIBLING = re.compile(r'(?P<name>"(?:[^"\\]|\\.)*+"|[^:]*?) ?:(?: (?P<difference>.*))?')


def docstring_lines(guideline: Guideline) -> list[str]:
    """Lines of the docstring, unescaped; none for a guideline without any text."""
    lines: list[str] = []
    for title, items in (("Include:", guideline.include), ("Exclude:", guideline.exclude)):
        if items:
            lines += [title, *(f"- {item}" for item in items)]
    if guideline.boundary:
        lines.append(f"Boundary: {guideline.boundary}")
    if guideline.contrast:
        lines.append("Contrast:")
        lines += [f"- {_sibling(entry.sibling)}: {entry.difference}" for entry in guideline.contrast]
    if guideline.negatives:
        lines += ["Not mentions:", *(f"- {phrase}" for phrase in guideline.negatives)]
    if guideline.definition:
        prefix = "\\" if _LOOKS_LIKE_SECTION.match(guideline.definition) else ""
        lines[:0] = [prefix + guideline.definition, *([""] if lines else [])]
    return [line.rstrip() for line in lines]


def _sibling(name: str) -> str:
    if _PLAIN_SIBLING.fullmatch(name):
        return name
    return string_literal(name).replace("  ", " \\x20")  # white space is folded when the line is read


def docstring_source(guideline: Guideline, indent: str) -> str:
    """The docstring as source, black's way, with the indentation of a class body; empty if there is none."""
    lines = [line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in docstring_lines(guideline)]
    if not lines:
        return ""
    if len(lines) > 1:
        body = "\n".join((lines[0], *(f"{indent}{line}".rstrip() for line in lines[1:])))
        return f'{indent}"""{_pad(body[:1])}{body}\n{indent}"""\n'
    return f'{indent}"""{_pad(lines[0][:1])}{lines[0]}{_pad(lines[0][-1:])}"""\n'


def _pad(character: str) -> str:
    """A quote at either end of a docstring is set off by a space."""
    return " " if character == '"' else ""


class _Reading:
    """A guideline while its docstring is read line by line."""

    def __init__(self) -> None:
        self.definition: list[str] = []
        self.boundary: list[str] = []
        self.items: dict[str, list[list[str]]] = {
            "include": [],
            "exclude": [],
            "contrast": [],
            "not mentions": [],
        }
        self.section = "definition"

    def take(self, line: str) -> None:
        heading = _SECTION.match(line)
        if heading:
            self.section = heading[1].lower()
            line = line[heading.end() :].strip()
            if line and self.section != "boundary":
                self.items[self.section].append([line])
                return
        if not line:
            return
        if self.section == "definition":
            if not self.definition and _ESCAPED.match(line):
                line = line[1:]
            self.definition.append(line)
        elif self.section == "boundary":
            self.boundary.append(line)
        else:
            self._item(self.items[self.section], line)

    @staticmethod
    def _item(items: list[list[str]], line: str) -> None:
        if line == "-" or line.startswith(("- ", "* ")):
            items.append([line[2:]])
        elif items:
            items[-1].append(line)
        else:
            items.append([line])


def read_docstring(docstring: str) -> Guideline:
    """Read a docstring; one without the sections becomes the definition as a whole."""
    reading = _Reading()
    for line in docstring.split("\n"):
        reading.take(str(one_line(line)))
    folded = {name: tuple(" ".join(parts) for parts in items) for name, items in reading.items.items()}
    return Guideline(
        definition=" ".join(reading.definition),
        include=folded["include"],
        exclude=folded["exclude"],
        boundary=" ".join(reading.boundary),
        contrast=tuple(_read_contrast(item) for item in folded["contrast"]),
        negatives=folded["not mentions"],
    )


def _read_contrast(item: str) -> Contrast:
    match = _SIBLING.fullmatch(item)
    if match is None:  # prose without a sibling: keep every word of it
        return Contrast(sibling="", difference=item)
    name = match["name"]
    quoted = read_string(name) if name.startswith('"') else None
    return Contrast(sibling=name if quoted is None else quoted, difference=match["difference"] or "")
