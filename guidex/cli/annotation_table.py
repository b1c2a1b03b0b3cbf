"""What the annotators of a round say, as a table on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from guidex.cli.console import safe
from guidex.side_by_side import SideBySide, in_words, side_by_side
from schemas.annotation import Instance, MentionStatus
from schemas.judgement import MentionJudgement, Verdict
from schemas.rounds import Round

_PROPAGATED = "p"
"""Marks a mention that an annotator did not quote itself."""

_SHOWN_ANNOTATORS = 4
"""Annotations that get a column each; of more, a count must do."""

_WIDEST_NAME = 24
"""Characters of a class's name that are not folded."""


def print_annotations(out: Console, round_: Round) -> None:
    """Print each distinct instance of a round once, with who found it, and what the critic says of it."""
    out.print(Text("Annotations", style="bold"))
    rows = side_by_side(round_)
    if not rows:
        out.print("  none", style="dim")
    else:
        table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
        widest = max(len(safe(row.instance.class_name)) for row in rows)
        table.add_column("class", overflow="fold", style="cyan", min_width=min(widest, _WIDEST_NAME))
        table.add_column("text", overflow="fold", ratio=1)
        table.add_column("at", no_wrap=True, style="dim", justify="right")
        count = len(round_.annotations)
        single = count <= _SHOWN_ANNOTATORS
        for name in [f"A{number + 1}" for number in range(count)] if single else ["found by"]:
            table.add_column(name, justify="center", no_wrap=True)
        table.add_column("agreed", justify="center", no_wrap=True)
        if round_.judgements:
            table.add_column("critic", no_wrap=True)
        for row in rows:
            marks = [f"{len(row.versions)} of {count}"]
            if single:
                marks = [_mark(row, number) for number in range(count)]
            mark = Text("yes", style="green") if row.agreed else Text("no", style="yellow")
            said = [_judged(row.judgement)] if round_.judgements else []
            name = safe(row.instance.class_name)
            table.add_row(name, _values(row), _place(row.instance), *marks, mark, *said)
        out.print(Padding(table, (0, 0, 0, 2), expand=False))
        if any(_mark(row, number) == _PROPAGATED for row in rows for number in row.versions):
            out.print(f"  {_PROPAGATED}: by code, for the same words as elsewhere in it", style="dim")
    if round_.agreed.unknown_classes:
        names = ", ".join(map(safe, round_.agreed.unknown_classes))
        disputed = Text(f"disputed, so their absence proves nothing: {names}", style="dim")
        out.print(Padding(disputed, (0, 0, 0, 2), expand=False))
    out.print()


def _judged(said: MentionJudgement | None) -> Text:
    """What the critic said of a mention, and how likely it takes it to be correct as annotated."""
    if said is None:
        return Text("")
    chance = "" if said.probability is None else f" ({said.probability:.2f})".replace("0.", ".")
    style = "green" if said.verdict is Verdict.CORRECT else "yellow"
    return Text(f"{said.verdict.value.replace('_', ' ')}{chance}", style=style)


def _mark(row: SideBySide, annotator: int) -> str:
    """Whether an annotator has an instance."""
    if annotator not in row.versions:
        return "."
    return _PROPAGATED if row.status(annotator) is MentionStatus.PROPAGATED else "x"


def _values(row: SideBySide) -> str:
    """The anchor's text; other values with their field's name, and who gives them where others differ."""
    anchor = row.instance.anchor
    parts = [safe(row.instance.surface or anchor.quote)] if anchor else []
    for reading in row.readings:
        who = ", ".join(f"A{number + 1}" for number in reading.annotators)
        differs = f" ({who})" if len(reading.annotators) < len(row.versions) else ""
        parts.append(f"{safe(reading.field)}={safe(in_words(reading.value))}{differs}")
    return "; ".join(parts)


def _place(instance: Instance) -> Text:
    if instance.anchor is None:
        return Text("")
    span = instance.anchor.span
    return Text(f"{span[0]}-{span[1]}") if span else Text("not found", style="red")
