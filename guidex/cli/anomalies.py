"""What stands out in a run, on the terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from graph.store.anomalies import LongDocument, OddCall
from graph.store.records import CallStatus, Event, Found, RunStatus
from guidex.anomalies import Anomalies
from guidex.cli.calls import call_style
from guidex.cli.console import console, safe, shortened
from guidex.cli.display import clock
from guidex.cli.summary import OUTCOME_STYLES
from guidex.next_steps import run_argument

Columns = dict[str, Callable[[OddCall], str | Text]]


def print_anomalies(found: Anomalies, folder: Path) -> None:
    """Print all sections that have something, or that there is nothing.

    Args:
        found: What stands out.
        folder: The run's, for the commands that show more.
    """
    out = console()
    state = {CallStatus.OPEN: "in flight" if found.status is RunStatus.RUNNING else "never left"}
    _print_calls(
        out,
        "Calls entered and never left",
        found.unfinished,
        {
            "for": lambda call: clock(call.seconds) if call.seconds else "",
            "status": lambda call: state.get(call.status, call.status.value),
            "since (UTC)": lambda call: call.opened[:19].replace("T", " "),
        },
    )
    _print_calls(
        out,
        "Slow requests",
        found.slow,
        {
            "seconds": lambda call: f"{call.seconds:,.2f}",
            "usual": lambda call: "" if call.usual is None else f"{call.usual:,.2f}",
            "model": lambda call: safe(call.model),
        },
    )
    _print_calls(out, "Answers that did not fit", found.re_asked, _counted("answers"))
    _print_calls(out, "Answers that were truncated or filtered", found.cut_off, {"status": _status})
    _print_calls(out, "Requests that brought no answer", found.repeated, _counted("requests"))
    _print_documents(out, found.most_rounds)
    _print_connections(out, found.connections)
    if found.nothing:
        out.print(f"Nothing stands out in {safe(found.run)}.")
    elif any(kind.total for kind in (found.slow, found.re_asked, found.cut_off, found.unfinished)):
        more = f"`guidex trace calls {safe(run_argument(folder))}` with --slow, --re-asked or --status lists"
        out.print(Text(f"{more} such calls with their ids.", style="dim"))


def _counted(noun: str) -> Columns:
    return {
        noun: lambda call: f"{call.count:,}",
        "call": _status,
        "the last one": lambda call: shortened(safe(call.detail or "")),
    }


def _status(call: OddCall) -> Text:
    return Text(call.status.value, style=call_style(call.status))


def _print_calls(out: Console, title: str, found: Found[OddCall], columns: Columns) -> None:
    if not found.total:
        return
    table = _table(out, title, found.total, len(found.shown))
    table.add_column("agent", no_wrap=True)
    table.add_column("document", overflow="fold", ratio=2, min_width=10)
    table.add_column("round", justify="right", no_wrap=True)
    for name in columns:
        wide = name in ("the last one", "model")
        table.add_column(
            name,
            overflow="fold",
            ratio=3 if wide else None,
            no_wrap=not wide,
            justify="left" if wide or name in ("status", "call", "since (UTC)") else "right",
        )
    for call in found.shown:
        cells = [made(call) for made in columns.values()]
        table.add_row(safe(call.agent), safe(call.document_id or "-"), str(call.round), *cells)
    out.print(table)
    out.print()


def _print_documents(out: Console, found: Found[LongDocument]) -> None:
    if not found.total:
        return
    table = _table(out, "Documents that took most rounds", found.total, len(found.shown))
    table.add_column("document", overflow="fold", ratio=2, min_width=10)
    for name in ("rounds", "takes", "calls"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("outcome", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=3)
    for document in found.shown:
        table.add_row(
            safe(document.document_id),
            *(f"{number:,}" for number in (document.rounds, document.takes, document.calls)),
            Text(document.outcome, style=OUTCOME_STYLES.get(document.outcome, "")),
            shortened(safe(document.reason)),
        )
    out.print(table)
    out.print()


def _print_connections(out: Console, found: Found[Event]) -> None:
    if not found.total:
        return
    table = _table(out, "Fewer connections, pauses and stops", found.total, len(found.shown))
    table.add_column("time (UTC)", no_wrap=True)
    table.add_column("what and why", overflow="fold")
    for event in found.shown:
        table.add_row(event.time[:19].replace("T", " "), safe(event.message))
    out.print(table)
    out.print()


def _table(out: Console, title: str, total: int, shown: int) -> Table:
    more = f" (the first {shown:,} of {total:,}; --limit shows more)" if shown < total else f" ({total:,})"
    out.print(Text.assemble((title, "bold"), (more, "dim")))
    return Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
