"""A document's text with its mentions marked, so that they can be told without colour too."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.text import Text

from guidex.cli.console import safe
from schemas.annotation import Annotation

_LONGEST = 4000
"""Characters of a document that are shown; beyond them, the list of what was kept must do."""

Marked = tuple[int, int, str]
"""First code point, one past the last one, and the names of what is mentioned there."""


def marked_text(text: str, annotation: Annotation | None) -> Text:
    """The text with each mention as `[text|Class]`, also within others.

    One that begins in another and ends beyond it is told below the text, as is one beyond what is shown of a
    long text.

    Args:
        text: The document's.
        annotation: What is marked; None for nothing.
    """
    nested, others = _nested(_marked(annotation) if annotation is not None else [])
    others += [mark for mark in nested if mark[0] >= _LONGEST]
    nested = [mark for mark in nested if mark[0] < _LONGEST]
    begins = Counter(start for start, _, _ in nested)
    ends: dict[int, list[str]] = {}
    for _, end, names in reversed(nested):  # of those that end together, the inner one first
        ends.setdefault(end, []).append(names)
    last = min(len(text), max([_LONGEST, *ends]))
    made = Text()
    at = depth = 0
    for place in sorted({*begins, *ends, last}):
        made.append(safe(text[at:place], lines=True), style="bold cyan" if depth else "")
        for names in ends.get(place, ()):
            made.append(f"|{safe(names)}]", style="dim")
        made.append("[" * begins[place], style="dim")
        depth += begins[place] - len(ends.get(place, ()))
        at = place
    if len(text) > last:
        made.append(f"\n... {len(text) - last:,} more characters", style="dim")
    for start, end, names in sorted(others):
        made.append(f"\nalso {start}-{end} ", style="dim").append(safe(text[start:end]), style="bold cyan")
        made.append(f"|{safe(names)}", style="dim")
    return made


def _marked(annotation: Annotation) -> list[Marked]:
    """All places of mentions, the outer ones first; of several at one place the names together."""
    names: dict[tuple[int, int], list[str]] = {}
    for top in annotation.instances:
        for instance in top.walk():
            for number, mention in enumerate(instance.mentions):
                name = f"{instance.class_name}.{mention.field}" if number else instance.class_name
                if mention.span is not None and name not in names.setdefault(mention.span, []):
                    names[mention.span].append(name)
    ordered = sorted(names, key=lambda span: (span[0], -span[1]))
    return [(start, end, ", ".join(names[start, end])) for start, end in ordered]


def _nested(marks: Sequence[Marked]) -> tuple[list[Marked], list[Marked]]:
    """Those that are apart or within each other, and those that cross one of these."""
    nested: list[Marked] = []
    crossing: list[Marked] = []
    around: list[int] = []  # ends of the marks that the place in hand lies in
    for mark in marks:
        start, end, _ = mark
        while around and around[-1] <= start:
            around.pop()
        if around and end > around[-1]:
            crossing.append(mark)
        else:
            around.append(end)
            nested.append(mark)
    return nested, crossing
