"""A schema and its guidelines on the terminal, whole or as what has changed in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from graph.schema_changes import Change, ClassChange, TextChange, schema_changes
from guidex.cli.console import safe
from schemas.schema import AnnotationSchema

_SIGNS = {Change.ADDED: "+", Change.REMOVED: "-", Change.CHANGED: "~", Change.SAME: " "}
_STYLES = {Change.ADDED: "green", Change.REMOVED: "red", Change.CHANGED: "yellow", Change.SAME: ""}
_LABELS = {
    "definition": "is",
    "include": "annotate",
    "exclude": "not",
    "boundary": "boundary",
    "negatives": "no mention",
    "field": "field",
}


def print_schema(out: Console, schema: AnnotationSchema, before: AnnotationSchema | None = None) -> None:
    """Print classes and guidelines; of a schema that was shown before, what has become of it.

    What is new has a `+`, what is gone a `-`; what was changed a `~`, its words `[-before-]` and `{+after+}`.
    """
    changes = schema_changes(before, schema)
    title = Text("Schema", style="bold")
    if before is not None:
        title.append(f": {_counts(changes.classes)}")
    elif schema.domain:
        title.append(f": {safe(schema.domain)}")
    out.print(title)
    if before is not None and changes.domain is not None and changes.domain.change is not Change.SAME:
        out.print(Padding(_text(changes.domain, "domain", signed=True), (0, 0, 0, 2), expand=False))
    for spec in changes.classes:
        if before is None or spec.change is not Change.SAME:
            _print_class(out, spec, signed=before is not None)
    out.print()


def _counts(classes: Sequence[ClassChange]) -> str:
    """How many classes were added, removed and changed, and how many are as they were."""
    counts = Counter(spec.change for spec in classes)
    told = [f"{counts[change]} {change.value}" for change in (Change.ADDED, Change.REMOVED, Change.CHANGED)]
    return ", ".join([each for each in told if each[0] != "0"] + [f"{counts[Change.SAME]} as before"])


def _print_class(out: Console, spec: ClassChange, *, signed: bool) -> None:
    """Print a class; of one that has changed, what has, and how much is as before."""
    partly = signed and spec.change is Change.CHANGED
    fields = [field for field in spec.fields if not partly or field.change is not Change.SAME]
    rules = [rule for rule in spec.rules if not partly or rule.change is not Change.SAME]
    plain = not partly and not any("#" in field.after + field.before for field in fields)
    head = Text()
    if signed:
        head.append(f"{_SIGNS[spec.change]} ", style=_STYLES[spec.change])
    head.append(safe(spec.name), style="cyan")
    if plain:
        declared = ", ".join(safe(field.after or field.before) for field in fields)
        head.append(f" ({declared})", style="dim")
        fields = []
    same = len(spec.fields) + len(spec.rules) - len(fields) - len(rules)
    if partly and same:
        head.append(f"  {same} as before", style="dim")
    out.print(Padding(head, (0, 0, 0, 2), expand=False))
    for change in (*fields, *rules):
        label = f"unlike {safe(change.sibling)}" if change.part == "contrast" else _LABELS[change.part]
        out.print(Padding(_text(change, label, signed=partly), (0, 0, 0, 6), expand=False))


def _text(change: TextChange, label: str, *, signed: bool) -> Text:
    text = Text()
    if signed:
        text.append(f"{_SIGNS[change.change]} ", style=_STYLES[change.change])
    text.append(f"{label}: ", style="dim")
    for piece in change.pieces:
        said = safe(piece.text)
        if change.change is Change.CHANGED and piece.change is not Change.SAME:
            begin, end = ("[-", "-]") if piece.change is Change.REMOVED else ("{+", "+}")
            said = f"{begin}{said}{end}"
        text.append(said, style=_STYLES[piece.change] if signed else "")
    return text
