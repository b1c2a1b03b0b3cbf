"""Quality against gold, on the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from finetune.scoring.models import Difference, Figure
from graph.quality.errors import Mistake
from graph.quality.models import QualityReport, RunQuality
from guidex.cli.console import console, counted, safe
from guidex.cli.gold import reading_notes

_RUNS = 3
"""Runs side by side, so that a table has room in 80 columns."""
_SHOWN = 12

Shown = Callable[[float], str]


def _percent(value: float) -> str:
    return f"{100 * value:z.1f}"


def _whole(value: float) -> str:
    return f"{value:z,.0f}"


_MEASURED = {
    "precision": "precision",
    "recall": "recall",
    "recall_known": "recall, known classes",
    "f1": "F1",
    "f1_all": "F1, all documents",
}
_SECTIONS: tuple[tuple[str, dict[str, tuple[str, Shown]]], ...] = (
    (
        "Accepted, strict, %",
        {f"strict.{name}": (label, _percent) for name, label in _MEASURED.items()},
    ),
    (
        "Accepted, as GoLLIE, %",
        {f"gollie.{name}": (label, _percent) for name, label in _MEASURED.items()},
    ),
    ("", {"exact": ("exact documents", _percent)}),
    (
        "Before filtering, %",
        {"hallucinated": ("hallucinated mentions", _percent), "unusable": ("unusable answers", _percent)},
    ),
    (
        "Tokens a document",
        {
            "generated": ("generated", _whole),
            "prompt": ("prompt", _whole),
            "uncached": ("prompt, uncached", _whole),
        },
    ),
    ("", {"generated_per_correct": ("generated per correct", _whole)}),
)
_COMPARED: dict[str, tuple[str, Shown]] = {
    "coverage": ("coverage, %", _percent),
    "strict.f1": ("F1 strict, %", _percent),
    "gollie.f1": ("F1 as GoLLIE, %", _percent),
    "strict.f1_all": ("F1 strict, all documents, %", _percent),
    "generated_per_correct": ("tokens per correct", _whole),
}


def print_quality(report: QualityReport, *, per_class: bool) -> None:
    """Print a report; each class of each run only if it is asked for."""
    out = console()
    out.print(Text(f"Quality against {', '.join(safe(file) for file in report.gold)}", style="bold"))
    where = "the run" if len(report.runs) == 1 else "all runs"
    out.print(
        f"{counted(report.gold_documents, 'gold document')}; {report.compared:,} of them in {where} and "
        "measured here."
    )
    for start in range(0, len(report.runs), _RUNS):
        _print_figures(out, report, report.runs[start : start + _RUNS])
    if per_class:
        for run in report.runs:
            _print_classes(out, run)
    _print_differences(out, report)
    _print_matched(out, report)
    out.print()
    for note in _notes(report):
        out.print(Text(safe(note), style="dim"))


def _print_figures(out: Console, report: QualityReport, runs: Sequence[RunQuality]) -> None:
    out.print()
    table = _table("")
    for run in runs:
        table.add_column(safe(run.run), justify="right", overflow="fold")
    table.add_row("documents accepted", *(f"{run.outcomes.get('accepted', 0):,}" for run in runs))
    _row(table, "coverage, %", [run.figures["coverage"] for run in runs], _percent)
    for title, rows in _SECTIONS:
        if title:
            table.add_row(Text(title, style="bold"))
        for name, (label, shown) in rows.items():
            _row(table, f"  {label}" if title else label, [run.figures[name] for run in runs], shown)
    table.add_row(Text("Mistakes in the accepted, mentions", style="bold"))
    for mistake in Mistake:
        table.add_row(f"  {mistake.value}", *(f"{run.mistakes.get(mistake, 0):,}" for run in runs))
    table.add_row(Text(f"All, by {report.confidence}, strict, %", style="bold"))
    ranked = [run.rankings[report.confidence] for run in runs]
    for coverage in ranked[0].f1_at:
        _row(table, f"  F1 of the first {coverage}%", [each.f1_at[coverage] for each in ranked], _percent)
    _row(table, "  area under risk (AURC)", [each.aurc for each in ranked], _percent)
    _row(table, "  calibration error", [each.calibration_error for each in ranked], _percent)
    out.print(table)


def _print_classes(out: Console, run: RunQuality) -> None:
    out.print()
    out.print(Text(f"Classes of {safe(run.run)}, accepted, strict, %", style="bold"))
    table = _table("class")
    for name in ("gold", "found", "precision", "recall", "F1"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, each in sorted(run.classes.items(), key=lambda item: -(item[1].correct + item[1].missed)):
        table.add_row(
            safe(name),
            f"{each.correct + each.missed:,}",
            f"{each.correct + each.wrong:,}",
            _value(each.precision, _percent),
            _value(each.recall, _percent),
            _with_interval(each.f1, _percent),
        )
    out.print(table)


def _print_differences(out: Console, report: QualityReport) -> None:
    for pair in report.differences:
        out.print()
        out.print(Text(f"{safe(pair.run)} less {safe(pair.against)}", style="bold"))
        table = _table("")
        table.add_column("difference", justify="right", no_wrap=True)
        table.add_column("same sign", justify="right", no_wrap=True)
        for name, (label, shown) in _COMPARED.items():
            table.add_row(label, *_differing(pair.figures[name], shown))
        out.print(table)


def _print_matched(out: Console, report: QualityReport) -> None:
    """Acceptance against ranking; a run that accepted all or nothing has nothing to compare with itself."""
    shown = [
        each
        for each in report.matched
        if each.coverage.value and (each.run != each.ranked or each.coverage.value < 1)
    ]
    if not shown:
        return
    out.print()
    out.print(
        Text(f"At equal coverage: accepted, and the first ones by {report.confidence}; F1 strict, %", "bold")
    )
    table = _table("accepted")
    table.add_column("by " + report.confidence, overflow="fold")
    for name in ("coverage", "F1", "F1", "difference", "same sign"):
        table.add_column(name, justify="right", no_wrap=True)
    for each in shown:
        table.add_row(
            safe(each.run),
            safe(each.ranked),
            *(_value(one, _percent) for one in (each.coverage, each.accepted_f1, each.ranked_f1)),
            *_differing(each.difference, _percent),
        )
    out.print(table)


def _table(first: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column(first, overflow="fold")
    return table


def _row(table: Table, label: str, figures: Sequence[Figure], shown: Shown) -> None:
    table.add_row(label, *(_with_interval(each, shown) for each in figures))


def _value(figure: Figure, shown: Shown) -> str:
    return "-" if figure.value is None else shown(figure.value)


def _with_interval(figure: Figure, shown: Shown) -> str:
    if figure.low is None or figure.high is None:
        return _value(figure, shown)
    return f"{_value(figure, shown)} ({shown(figure.low)}-{shown(figure.high)})"


def _differing(gap: Difference, shown: Shown) -> tuple[str, str]:
    if gap.value is None:
        return "-", ""

    def signed(value: float) -> str:
        return ("+" if value > 0 else "") + shown(value)

    between = "" if gap.low is None or gap.high is None else f" ({signed(gap.low)} to {signed(gap.high)})"
    return signed(gap.value) + between, "" if gap.same_sign is None else f"{gap.same_sign:.1%}"


def _notes(report: QualityReport) -> list[str]:
    """How the figures were made, and what is not in them."""
    notes = [
        "Strict: exact offsets and class. As GoLLIE: class and surface in lower case, one to one in each "
        "document. A mention is the anchor of an instance; other fields are not compared.",
        "Tokens are those of all documents compared, accepted or not.",
    ]
    if report.samples:
        notes.append(
            f"In parentheses: {100 * report.level:g}% intervals, from "
            f"{counted(report.samples, 'bootstrap resample')} of the documents (seed {report.seed})."
        )
    if report.ignored:
        notes.append(f"Left out on both sides: {', '.join(report.ignored)}.")
    if report.only_gold:
        notes.append(f"No schema has {_listed(report.only_gold)}: the gold's mentions count as missed.")
    if report.only_run:
        notes.append(f"The gold has no {_listed(report.only_run)}: mentions of these count as wrong.")
    notes += reading_notes(report.repeated, report.repaired)
    for run in report.runs:
        for number, what in (
            (run.without_gold, "has {} without gold, which are not in these figures"),
            (run.not_compared, "has {} with gold that another run does not have"),
            (run.outcomes.get("pending", 0), "is not finished: {} are pending and count as not accepted"),
        ):
            if number:
                notes.append(f"{run.run} {what.format(counted(number, 'document'))}.")
        if run.from_elsewhere:
            notes.append(
                f"{run.run} took {counted(run.from_elsewhere, 'answer')} from other runs, whose tokens are "
                "not counted."
            )
        if not run.rankings[report.confidence].scored:
            notes.append(
                f"{run.run} has no {report.confidence}: its documents are in no order, and F1 at a coverage "
                "is that of any of them."
            )
    return notes


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
