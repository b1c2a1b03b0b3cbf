"""Two runs side by side on the terminal."""

from __future__ import annotations

import json
from typing import Final

from rich.console import Console
from rich.table import Table
from rich.text import Text

from agents.llm.prices import usd
from guidex.cli.console import console, counted, safe
from guidex.cli.display import clock
from guidex.cli.summary import OUTCOME_STYLES
from guidex.comparison import FIGURES, Comparison
from schemas.judgement import Outcome

_SHOWN: Final = 20
"""Documents and classes that are listed."""
_UNKNOWN: Final = "-"


def print_comparison(found: Comparison) -> None:
    """Print a comparison for people."""
    out = console()
    for letter, run in (("A", found.first), ("B", found.second)):
        out.print(Text.assemble((f"{letter}  ", "bold"), safe(run.name), (f"  {safe(run.folder)}", "dim")))
    _print_settings(out, found)
    _print_figures(out, found)
    _print_documents(out, found)
    _print_mentions(out, found)


def _table(*columns: str) -> Table:
    """The first column is text, the others are numbers."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left", overflow="fold")
    return table


def _heading(out: Console, text: str) -> None:
    out.print()
    out.print(Text(text, style="bold"))


def _print_settings(out: Console, found: Comparison) -> None:
    _heading(out, "Settings that differ" if found.settings else "No setting differs that can change answers")
    table = _table("", "A", "B")
    for column in table.columns[1:]:
        column.justify = "left"
    for setting in found.settings:
        values = (safe(json.dumps(value, ensure_ascii=False)) for value in (setting.first, setting.second))
        table.add_row(safe(setting.key), *values)
    if found.settings:
        out.print(table)


def _print_figures(out: Console, found: Comparison) -> None:
    _heading(out, "Figures")
    table = _table("", "A", "B", "difference")
    for figure in found.figures:
        if figure.first is None and figure.second is None:
            continue
        label, kind = FIGURES[figure.name]
        table.add_row(
            label, _value(kind, figure.first), _value(kind, figure.second), _signed(kind, figure.difference)
        )
    out.print(table)


def _value(kind: str, value: float | None) -> str:
    if value is None:
        return _UNKNOWN
    match kind:
        case "share":
            return f"{value:.0%}"
        case "score":
            return f"{value:.2f}"
        case "dollars":
            return usd(value)
        case "seconds":
            return clock(value)
    return f"{value:,.0f}"


def _signed(kind: str, difference: float | None) -> str:
    if not difference:
        return _UNKNOWN if difference is None else "0"
    size = f"{100 * abs(difference):.0f} points" if kind == "share" else _value(kind, abs(difference))
    return f"{'+' if difference > 0 else '-'}{size}"


def _print_documents(out: Console, found: Comparison) -> None:
    documents = found.documents
    beside = [
        f"{count:,} {where}"
        for count, where in (
            (documents.only_first, "in A alone"),
            (documents.only_second, "in B alone"),
            (documents.other_text, "of the same id with another text"),
        )
        if count
    ]
    _heading(out, "; ".join([f"{counted(documents.both, 'document')} in both", *beside]))
    if not documents.both:
        return
    columns, rows = documents.crossed()
    table = _table("A, down; B, across", *(state.value for state in columns))
    for row, counts in rows:
        table.add_row(_state(row), *(f"{count:,}" for count in counts))
    out.print(table)
    if documents.differing:
        _heading(out, f"{counted(len(documents.differing), 'document')} ended differently")
        listed = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
        for each in documents.differing[:_SHOWN]:
            listed.add_row(f"  {safe(each.id)}", _state(each.first), _state(each.second))
        out.print(listed)
        _print_rest(out, len(documents.differing))


def _state(outcome: Outcome) -> Text:
    return Text(outcome.value, style=OUTCOME_STYLES.get(outcome.value, ""))


def _print_mentions(out: Console, found: Comparison) -> None:
    said = found.mentions
    _heading(out, f"Mentions in {counted(said.documents, 'document')} that both accepted")
    if said.agreement is None or said.untyped is None or said.overlap is None:
        return
    out.print(f"  {said.both:,} in both, {said.only_first:,} in A alone, {said.only_second:,} in B alone")
    out.print(
        f"  agreement {said.agreement:.2f} (mean span-F1), {said.untyped:.2f} whatever the class, "
        f"{said.overlap:.2f} whatever the boundaries"
    )
    table = _table("class", "A", "B", "in both")
    for each in found.classes[:_SHOWN]:
        table.add_row(safe(each.name), f"{each.first:,}", f"{each.second:,}", f"{each.both:,}")
    out.print(table)
    _print_rest(out, len(found.classes))


def _print_rest(out: Console, total: int) -> None:
    if total > _SHOWN:
        out.print(Text(f"  and {total - _SHOWN:,} more; --json has them all", style="dim"))
