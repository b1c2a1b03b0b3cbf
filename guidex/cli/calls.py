"""A run's calls as a list."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from graph.store.records import CallRow, CallStatus, Found
from guidex.cli.console import console, counted, safe, shortened
from guidex.next_steps import run_argument

_STYLES = {
    CallStatus.ANSWERED: "green",
    CallStatus.REPLAYED: "green",
    CallStatus.OPEN: "cyan",
    CallStatus.CANCELLED: "yellow",
    CallStatus.INTERRUPTED: "yellow",
}
"""All other states are of calls that brought no answer."""

_COLUMNS = ("call", "agent", "rd", "status", "took", "tokens", "document")
_TO_THE_RIGHT = ("rd", "took", "tokens")


def call_style(status: CallStatus) -> str:
    """How the state of a call is printed."""
    return _STYLES.get(status, "red")


def agent_of(call: CallRow) -> str:
    """Who asked; which one, of annotators."""
    return f"{call.agent} {call.sample + 1}" if call.agent == "annotator" else call.agent


def print_calls(found: Found[CallRow], folder: Path, offset: int) -> None:
    """Print a page of calls, and how many there are."""
    out = console()
    if not found.total:
        out.print("There is no such call.")
        return
    whole = counted(found.total, "call")
    if not found.shown:
        out.print(f"There are no more than {whole}; --offset passes over {offset:,}.")
        return
    _print_lines(out, found.shown)
    more = "; --offset and --limit show others" if len(found.shown) < found.total else ""
    out.print(Text(f"{offset + 1:,} to {offset + len(found.shown):,} of {whole}{more}.", style="dim"))
    out.print(
        Text(f"`guidex trace call {safe(run_argument(folder))} ID` shows what was said in one."), style="dim"
    )


def _print_lines(out: Console, calls: Sequence[CallRow]) -> None:
    """One line a call, then what does not fit: ids are not folded, so that they can be copied."""
    cells = [_COLUMNS, *map(_cells, calls)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_COLUMNS) - 1)]
    inset = " " * (widths[0] + 1)
    for line, call in zip(cells, (None, *calls), strict=True):
        text = Text(style="" if call else "dim")
        for name, cell, width in zip(_COLUMNS, line, widths, strict=False):
            padded = cell.rjust(width) if name in _TO_THE_RIGHT else cell.ljust(width)
            text.append(padded, call_style(call.status) if call and name == "status" else None).append(" ")
        if text.cell_len + cell_len(line[-1]) > out.width:
            text.rstrip()
            text.append(f"\n{inset}")
        out.print(text.append(line[-1]), soft_wrap=True)
        if call and call.error:
            why = Text(shortened(safe(call.error)), style="dim", overflow="fold")
            out.print(Padding(why, (0, 0, 0, len(inset)), expand=False))


def _cells(call: CallRow) -> tuple[str, ...]:
    tries = f" {call.attempts}x" if call.attempts > 1 else ""
    return (
        safe(call.id),
        safe(agent_of(call)),
        str(call.round),
        call.status.value + tries,
        f"{call.seconds:,.1f} s" if call.attempts else "",
        f"{call.input_tokens + call.output_tokens:,}" if call.attempts else "",
        safe(call.document_id or "-"),
    )
