"""`guidex estimate`."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from guidex.cli.job_flags import JobFlags, takes_job
from guidex.cli.options import RUNS_DIR, AllowChanges, AsJson, DisplayMode, Name, RunsDir

if TYPE_CHECKING:
    from guidex.estimating import Estimate, Quantity


@takes_job
def estimate(
    flags: JobFlags,
    tried: Annotated[
        int, typer.Option("--try", min=1, metavar="K", help="Documents to try, drawn by the job's seed.")
    ] = 5,
    name: Name = None,
    runs_dir: RunsDir = RUNS_DIR,
    allow_changes: AllowChanges = False,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Run the job on a few documents, and say what all of them will take: calls, tokens, cost and time.

    The documents are worked on in the job's own run: `guidex run` with the same job goes on from there and
    does not pay for them again. Exit codes as for `guidex run`.
    """
    from graph.plan import Sample
    from guidex.cli.console import print_json
    from guidex.cli.sampling import try_documents
    from guidex.estimating import calls_at_once
    from guidex.estimating import estimate as estimated

    job, suggestion = flags.job()
    wanted = Sample(tried, job.seed)
    with try_documents(
        job, suggestion, wanted, name, runs_dir, display, allow_changes=allow_changes
    ) as trial:
        made = estimated(trial.reader, trial.document_ids, calls_at_once(job))
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        _print(made)
    raise typer.Exit(trial.code)


def _print(made: Estimate) -> None:
    from rich.table import Table
    from rich.text import Text

    from agents.llm.prices import usd
    from guidex.cli.console import console, counted, safe
    from guidex.cli.display import clock
    from guidex.estimating import CONFIDENCE
    from guidex.next_steps import run_argument

    out = console()
    title = f"Estimate for {counted(made.documents, 'document')}, from {len(made.sample):,} of them"
    out.print(Text(title, style="bold"))
    out.print(Text(safe(made.folder.as_posix()), style="dim"))
    out.print()
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 3, 0, 0))
    table.add_column("")
    for column in ("sample", "whole run", f"{CONFIDENCE:.0%} range"):
        table.add_column(column, justify="right", no_wrap=True)

    def row(what: str, quantity: Quantity, shown: Callable[[float], str]) -> None:
        low, high = quantity.low, quantity.high
        between = "unknown" if low is None or high is None else f"{shown(low)} to {shown(high)}"
        table.add_row(what, shown(quantity.sample), shown(quantity.expected), between)

    def whole(number: float) -> str:
        return f"{number:,.0f}"

    row("calls", made.calls, whole)
    row("tokens in", made.input_tokens, whole)
    row("tokens out", made.output_tokens, whole)
    if made.cost is None:
        table.add_row("cost", "unknown", "unknown")
    else:
        row("cost", made.cost, usd)
    row("time", made.seconds, clock)
    out.print(table)
    if made.price_remedy:
        out.print(f"A price is not known. {safe(made.price_remedy)}", style="dim")
    if made.pending:
        out.print()
        out.print(
            f"The sample is kept and not paid for again: `guidex resume {safe(run_argument(made.folder))}` "
            f"goes on with the other {counted(made.pending, 'document')}."
        )
