"""What the annotators of a round say, as a table on the terminal."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from guidex.cli.console import safe
from guidex.side_by_side import SideBySide, given_up, in_words, side_by_side
from schemas.annotation import Instance, MentionStatus
from schemas.judgement import MentionJudgement, Verdict
from schemas.rounds import Round

_PROPAGATED = "p"
"""Marks a mention that an annotator did not quote itself."""

_SHOWN_ANNOTATORS = 4
"""Annotations that get a column each; of more, a count must do."""

_WIDEST_NAME = 24
"""Characters of a class's name that are not folded."""


def print_annotations(out: Console, round_: Round, before: Round | None = None) -> None:
    """Print each distinct instance of a round once, with who found it, and what the critic says of it.

    Args:
        out: Where to.
        round_: The round.
        before: The one before it: what is new since has a `+`, what nobody has any more a `-`.
    """
    out.print(Text("Annotations", style="bold"))
    rows = side_by_side(round_, before)
    gone = given_up(round_, before)
    if not rows and not gone:
        out.print("  none", style="dim")
    else:
        count = len(round_.annotations)
        table = _table(rows, gone, count, is_later=before is not None, is_judged=bool(round_.judgements))
        out.print(Padding(table, (0, 0, 0, 2), expand=False))
        if any(_PROPAGATED in _marks(row, count) for row in rows):
            out.print(f"  {_PROPAGATED}: by code, for the same words as elsewhere in it", style="dim")
    if round_.agreed.unknown_classes:
        names = ", ".join(map(safe, round_.agreed.unknown_classes))
        disputed = Text(f"disputed, so their absence proves nothing: {names}", style="dim")
        out.print(Padding(disputed, (0, 0, 0, 2), expand=False))
    out.print()


def _table(
    rows: tuple[SideBySide, ...], gone: tuple[Instance, ...], count: int, *, is_later: bool, is_judged: bool
) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    if is_later:
        table.add_column(width=1)
    names = [safe(instance.class_name) for instance in (*(row.instance for row in rows), *gone)]
    widest = min(_WIDEST_NAME, max(map(len, names)))
    table.add_column("class", overflow="fold", style="cyan", min_width=widest)
    table.add_column("text", overflow="fold", ratio=1)
    table.add_column("at", no_wrap=True, style="dim", justify="right")
    for name in _annotator_columns(count):
        table.add_column(name, justify="center", no_wrap=True)
    table.add_column("agreed", justify="center", no_wrap=True)
    if is_judged:
        table.add_column("critic", no_wrap=True)
    for row in rows:
        sign = [Text("+", style="green") if row.before == () else Text("")] if is_later else []
        agreed = Text("yes", style="green") if row.agreed else Text("no", style="yellow")
        said = [_judged(row.judgement)] if is_judged else []
        what = (safe(row.instance.class_name), _words(row), _place(row.instance))
        table.add_row(*sign, *what, *_marks(row, count), agreed, *said)
    for instance in gone:
        what = (safe(instance.class_name), _anchor(instance), _place(instance))
        table.add_row(Text("-", style="red"), *what, style="dim")
    return table


def _annotator_columns(count: int) -> list[str]:
    return [f"A{number + 1}" for number in range(count)] if count <= _SHOWN_ANNOTATORS else ["found by"]


def _marks(row: SideBySide, count: int) -> list[str]:
    """Who found an instance: a mark for each annotator, or how many did."""
    if count > _SHOWN_ANNOTATORS:
        return [f"{len(row.versions)} of {count}"]
    by_code = MentionStatus.PROPAGATED
    marks = [_PROPAGATED if row.status(number) is by_code else "x" for number in range(count)]
    return [mark if number in row.versions else "." for number, mark in enumerate(marks)]


def _judged(said: MentionJudgement | None) -> Text:
    """What the critic said of a mention, and how likely it takes it to be correct as annotated."""
    if said is None:
        return Text("")
    chance = "" if said.probability is None else f" ({said.probability:.2f})".replace("0.", ".")
    style = "green" if said.verdict is Verdict.CORRECT else "yellow"
    return Text(f"{said.verdict.value.replace('_', ' ')}{chance}", style=style)


def _words(row: SideBySide) -> str:
    """The text it stands for, and its other values by field; those that not all give, with who does."""
    parts = [_anchor(row.instance)] if row.instance.anchor else []
    for reading in row.readings:
        who = "" if len(reading.annotators) == len(row.versions) else f" ({_who(reading.annotators)})"
        parts.append(f"{safe(reading.field)}={safe(in_words(reading.value))}{who}")
    return "; ".join(parts)


def _who(annotators: tuple[int, ...]) -> str:
    return ", ".join(f"A{number + 1}" for number in annotators)


def _anchor(instance: Instance) -> str:
    anchor = instance.anchor
    return safe(instance.surface or (anchor.quote if anchor else ""))


def _place(instance: Instance) -> Text:
    if instance.anchor is None:
        return Text("")
    span = instance.anchor.span
    return Text(f"{span[0]}-{span[1]}") if span else Text("not found", style="red")
