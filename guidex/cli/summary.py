"""The summary of a run on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from agents.llm.prices import usd
from graph.store.records import RunStatus
from graph.store.records import RunSummary as RunLine
from guidex.cli.console import console, counted, print_json, safe
from guidex.cli.display import clock
from guidex.run_summary import FailureCause, RunSummary
from schemas.methods import Method

STATUS_STYLES = {
    RunStatus.DONE: "green",
    RunStatus.RUNNING: "cyan",
    RunStatus.FAILED: "red",
    RunStatus.STOPPED: "yellow",
    RunStatus.INTERRUPTED: "yellow",
}
OUTCOME_STYLES = {"accepted": "green", "rejected": "yellow", "failed": "red", "skipped": "cyan"}

FIGURES = {
    "agreement_untyped": ("untyped", "whatever the class"),
    "agreement_overlap": ("overlapping", "whatever the boundaries"),
    "agreement_fields": ("fields", "values of instances that both have"),
    "agreement_alpha": ("alpha", "over tokens; 0 is chance"),
    "both_empty": ("both empty", "share of pairs; they count as agreeing"),
}
"""Scores beside the agreement: what they are called in a table, and what they tell."""

_SHOWN_CAUSES = 10
_SHOWN_IDS = 5
_RUN_COLUMNS: dict[str, Literal["left", "right"]] = {
    "run": "left",
    "status": "left",
    "started (UTC)": "left",
    "documents": "right",
    "accepted": "right",
    "failed": "right",
    "calls": "right",
}


def print_summary(summary: RunSummary, *, as_json: bool) -> None:
    """Print a summary, for people or as JSON."""
    if as_json:
        print_json(summary.model_dump(mode="json"))
        return
    out = console()
    control = "" if summary.method is Method.AGENTS else f", by {summary.method.value}"
    status = _status(summary.status)
    out.print(Text.assemble(("Run ", "bold"), (safe(summary.name), "bold"), ": ", status, control))
    out.print(Text(safe(summary.folder.as_posix()), style="dim"))
    if summary.reason:
        out.print(safe(summary.reason))
    if summary.decision_version > 1:
        out.print(f"decided by version {summary.decision_version} of the thresholds")
    out.print()
    out.print(_sums(summary))
    if summary.price_remedy:
        out.print(Text(f"A price is not known. {safe(summary.price_remedy)}", style="dim"))
    _print_agreement(out, summary)
    _print_vain(out, summary)
    _print_failures(out, summary)
    if summary.rejections:
        out.print()
        out.print(Text("Most frequent reasons for rejection", style="bold"))
        for rejection in summary.rejections:
            out.print(f"  {rejection.count:>5}  {safe(rejection.reason)}")
    if summary.copied:
        names = ", ".join(f"{safe(name)} {count}" for name, count in summary.copied.items())
        out.print()
        out.print(f"Classes copied from the prompt's example, by documents: {names}")
    _print_missing_classes(out, summary)
    if summary.next:
        out.print()
        out.print(Text("What next", style="bold"))
        for command in summary.next:
            out.print(f"  {safe(command)}", soft_wrap=True)


def _print_missing_classes(out: Console, summary: RunSummary) -> None:
    if not summary.missing_classes:
        return
    out.print()
    out.print(Text("Classes that the schema lacks, by documents that say so", style="bold"))
    for missing in summary.missing_classes[:_SHOWN_CAUSES]:
        ids = ", ".join(map(safe, missing.document_ids))
        more = ", ..." if missing.count > len(missing.document_ids) else ""
        out.print(f"  {missing.count:>5}  {safe(missing.name) or '(without a name)'} in {ids}{more}")
        if missing.messages:
            out.print(Padding(safe(missing.messages[0]), (0, 0, 0, 9), expand=False))
    others = len(summary.missing_classes) - _SHOWN_CAUSES
    if others > 0:
        out.print(f"         and {counted(others, 'other class')}; --json has them all")


def _status(status: RunStatus) -> Text:
    return Text(status.value, style=STATUS_STYLES[status])


def _sums(summary: RunSummary) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column()
    total = summary.documents["in"]
    table.add_row("documents in", f"{total:,}")
    for number, (state, count) in enumerate(list(summary.documents.items())[1:]):
        share = f"{count / total:.0%}" if total and count else ""
        style = OUTCOME_STYLES.get(state, "") if count else "dim"
        sign = "=" if number == 0 else "+"
        table.add_row(Text(f"{sign} {state}", style=style), Text(f"{count:,}", style=style), share)
    table.add_row()
    replays = f", {summary.replays:,} more answered from the ledger" if summary.replays else ""
    table.add_row("calls", f"{summary.calls:,}", f"{counted(summary.attempts, 'request')}{replays}")
    table.add_row("tokens in", f"{summary.input_tokens:,}", f"{summary.cached_tokens:,} of them cached")
    table.add_row("tokens out", f"{summary.output_tokens:,}")
    table.add_row("cost", *_cost(summary))
    table.add_row(
        "wall time", clock(summary.wall_seconds), f"{summary.model_seconds:,.1f} s of calls, side by side"
    )
    return table


def _print_agreement(out: Console, summary: RunSummary) -> None:
    if not summary.agreement:
        return
    strict, *beside = summary.agreement
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    table.add_column(justify="right")
    table.add_column(style="dim")
    table.add_row("  strict", f"{strict.mean:.2f}", "same span, same class")
    for figure in beside:
        label, meaning = FIGURES[figure.name]
        of = "" if figure.documents == strict.documents else f", of {counted(figure.documents, 'document')}"
        table.add_row(f"  {label}", f"{figure.mean:.2f}", f"{meaning}{of}")
    out.print()
    documents = counted(strict.documents, "document")
    out.print(Text(f"Agreement between annotators, mean over {documents}", style="bold"))
    out.print(table)


def _cost(summary: RunSummary) -> tuple[str, str]:
    """What a run cost, and what is not in that sum."""
    if summary.cost is None:
        return "unknown", ""
    beside = f"without {counted(summary.unpriced, 'call')} of unknown cost" if summary.unpriced else ""
    return usd(summary.cost), beside


def _print_vain(out: Console, summary: RunSummary) -> None:
    if not summary.vain:
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column()
    for _ in range(3):
        table.add_column(justify="right")
    for kind in summary.vain:
        known = kind.input_tokens is not None and kind.output_tokens is not None
        tokens = (f"{kind.input_tokens:,} in", f"{kind.output_tokens:,} out") if known else ("unknown", "")
        table.add_row(f"  {kind.kind}", f"{kind.requests:,}", *tokens)
    spent = sum((kind.input_tokens or 0) + (kind.output_tokens or 0) for kind in summary.vain)
    everything = summary.input_tokens + summary.output_tokens
    share = f", {spent / everything:.1%} of all tokens" if everything else ""
    out.print()
    out.print(Text(f"Requests without a usable answer{share}", style="bold"))
    out.print(table)


def _print_failures(out: Console, summary: RunSummary) -> None:
    if summary.failures:
        out.print()
        out.print(Text("Failures by cause", style="bold"))
    for failure in summary.failures[:_SHOWN_CAUSES]:
        out.print(Text(f"  {failure.count:>5}  {safe(failure.agent)}: {safe(failure.cause)}", style="red"))
        out.print(Padding(safe(failure.message), (0, 0, 0, 9), expand=False))
        if failure.document_ids:
            out.print(Padding(_ids(failure), (0, 0, 0, 9), expand=False))
    others = summary.failures[_SHOWN_CAUSES:]
    if others:
        rest = sum(failure.count for failure in others)
        out.print(f"  {rest:>5}  of {counted(len(others), 'other cause')}; --json has them all")
    if summary.past_failures:
        past = counted(summary.past_failures, "earlier failure")
        out.print(Text(f"{past} of documents that were taken up again since", style="dim"))


def _ids(failure: FailureCause) -> str:
    shown = ", ".join(safe(each) for each in failure.document_ids[:_SHOWN_IDS])
    more = len(failure.document_ids) - _SHOWN_IDS
    return f"{shown} and {more} more" if more > 0 else shown


def print_runs(runs: Sequence[RunLine], folder: Path) -> None:
    """Print the list of runs."""
    out = console()
    if not runs:
        out.print(f"There are no runs in {safe(folder.as_posix())}; `guidex run` makes one.")
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name, justify in _RUN_COLUMNS.items():
        table.add_column(name, justify=justify, overflow="fold")
    for run in runs:
        status = Text("unreadable", style="red") if run.problem else _status(run.status)
        counts = (
            () if run.problem else (f"{n:,}" for n in (run.documents, run.accepted, run.failed, run.calls))
        )
        started = run.started[:16].replace("T", " ")
        table.add_row(safe(run.name), status, started, *counts)
    out.print(table)
    for run in runs:
        if run.problem:
            out.print(Text(safe(f"{run.name}: {run.problem}"), style="red"))
