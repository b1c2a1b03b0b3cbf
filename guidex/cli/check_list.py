"""The result of `guidex doctor` as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from guidex.checks import Check
from guidex.cli.console import console, safe

_STYLES = {"ok": "green", "note": "dim", "missing": "bold red"}


def print_checks(checks: Sequence[Check], fine: str) -> None:
    """Print what was found, and what to do about what is missing.

    Args:
        checks: What was looked at.
        fine: What is said at the end if nothing is missing.
    """
    table = Table(box=None, show_header=False, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_column(overflow="fold", ratio=1)
    for check in checks:
        found = Text(safe(check.found))
        if check.remedy:
            found.append(f"\n{safe(check.remedy)}", style="dim")
        table.add_row(Text(check.state, style=_STYLES[check.state]), safe(check.what), found)
    out = console()
    out.print(table)
    missing = sum(check.state == "missing" for check in checks)
    out.print(fine if not missing else f"{missing} missing.")
