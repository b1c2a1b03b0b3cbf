"""A run's documents as a table."""

from __future__ import annotations

from pathlib import Path

from rich.table import Table
from rich.text import Text

from graph.store.records import Found
from guidex.cli.console import console, safe
from guidex.cli.summary import OUTCOME_STYLES
from guidex.next_steps import run_argument
from guidex.stories import DocumentLine


def print_documents(found: Found[DocumentLine], folder: Path, offset: int) -> None:
    """Print a page of documents of the run in a folder."""
    lines = found.shown
    out = console()
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1))
    table.add_column("document", overflow="fold", ratio=3, min_width=10)
    table.add_column("outcome", no_wrap=True)
    for column in ("round", "agree", "faith", "compl"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("why", overflow="fold", ratio=5)
    for line in lines:
        scores = line.scores
        table.add_row(
            safe(line.id),
            Text(line.outcome.value, style=OUTCOME_STYLES.get(line.outcome.value, "")),
            str(line.round or ""),
            score(scores.agreement if scores else None),
            score(scores.faithfulness if scores else None),
            score(scores.completeness if scores else None),
            safe(line.reason),
        )
    out.print(table)
    if offset + len(lines) < found.total or offset:
        first = min(offset + 1, found.total)
        out.print(f"{first} to {offset + len(lines)} of {found.total}; --offset and --limit show others.")
    out.print(
        f"`guidex trace show {safe(run_argument(folder))} DOCUMENT` tells the story of one.",
        style="dim",
    )


def score(value: float | None) -> str:
    """A score with two decimals; a dash where there was nothing to judge."""
    return "-" if value is None else f"{value:.2f}"
