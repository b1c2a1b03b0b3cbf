"""A sweep of thresholds on the terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from finetune.scoring.models import Figure
from graph.thresholds.models import AxisSweep, CalibrationReport, Point, Recommendation, SweepReport
from graph.thresholds.truth import PRECISION
from guidex.cli.console import console, counted, safe
from guidex.next_steps import run_argument
from guidex.threshold_charts import called, quality_of
from schemas.judgement import Thresholds

_BAR = 10
_ROWS = 12
"""Most rows of a table; equal ones are one already."""
_WIDE, _HIGH = 60, 12
"""Columns and lines of the curve."""
_COLUMNS = {
    "gold": {"precision": "precision", "recall_all": "recall, all", "f1_all": "F1, all"},
    "reviews": {"precision": "precision", "document_precision": "documents", "document_recall": "found"},
}
"""Figures of a table, by what is known; all figures stand with the setting in force."""


def print_sweep(report: SweepReport, folder: Path) -> None:
    """Print what thresholds come to.

    Args:
        report: The sweep.
        folder: The run's.
    """
    out = console()
    others = ", ".join(f"{count:,} {state}" for state, count in report.others.items())
    out.print(Text(f"Thresholds of {safe(report.run)}", style="bold"))
    out.print(
        f"{counted(report.documents, 'judged document')}{f'; beside them {others}' if others else ''}. "
        f"Version {report.version} of the decisions is in force."
    )
    if report.truth:
        out.print(f"Measured by {report.truth}: {counted(report.known, 'document')} known.")
    _print_point(out, report, "In force", report.in_force)
    without: list[str] = []
    for axis in report.axes:
        ranges = list(_ranges(axis))
        if len(ranges) > 1:
            _print_axis(out, report, axis, ranges)
        else:
            without.append(axis.name)
    if without:
        out.print(f"\nNo value of these makes a difference alone: {', '.join(without)}.")
    _print_curve(out, report)
    if report.recommendation is not None:
        _print_recommendation(out, report, report.recommendation, folder)
    if report.calibration is not None:
        _print_calibration(out, report.calibration)
    out.print()
    for note in _notes(report):
        out.print(Text(note, style="dim"))


def _print_point(out: Console, report: SweepReport, title: str, point: Point) -> None:
    """A setting with all that is known of it."""
    out.print()
    out.print(Text(title, style="bold"))
    table = _table()
    table.add_column()
    table.add_column()
    table.add_row(
        "accepted", f"{point.accepted:,} ({point.share:.0%}), {counted(point.instances, 'instance')}"
    )
    means = ", ".join(f"{name} {mean:.2f}" for name, mean in point.means.items() if mean is not None)
    table.add_row("mean scores", means or "-")
    if point.counts:
        table.add_row("counted", ", ".join(f"{count:,} {name}" for name, count in point.counts.items()))
    for name, figure in point.figures.items():
        table.add_row(called(name), _percent(figure))
    out.print(table)


def _print_axis(
    out: Console, report: SweepReport, axis: AxisSweep, ranges: Sequence[tuple[float, float, Point]]
) -> None:
    """One threshold: a row for each range of values that makes no difference; precision with its interval."""
    out.print()
    out.print(Text(f"{axis.name} alone, {axis.in_force:g} in force", style="bold"))
    table = _table()
    table.add_column("at least", no_wrap=True)
    table.add_column("accepted", no_wrap=True)
    table.add_column("", no_wrap=True)
    columns = _COLUMNS.get(report.truth or "", {})
    names = [name for name in ("agreement", "faithfulness") if not columns and name in report.joint]
    for title in (*columns.values(), *(f"mean {name}" for name in names)):
        table.add_column(title, justify="right", no_wrap=True)
    digits = max(len(f"{point.accepted:,}") for *_, point in ranges)
    for low, high, point in _thinned(ranges, axis.in_force):
        held = low <= axis.in_force <= high
        span = f"{low:.2f}" if low == high else f"{low:.2f}-{high:.2f}"
        if axis.name == "min_instances":
            span = f"{low:g}" if low == high else f"{low:g}-{high:g}"
        table.add_row(
            f"{span}{' *' if held else ''}",
            f"{point.accepted:>{digits},} {point.share:4.0%}",
            "#" * round(_BAR * point.share),
            *((_percent if name == PRECISION else _plain)(point.figures[name]) for name in columns),
            *("-" if (mean := point.means[name]) is None else f"{mean:.2f}" for name in names),
        )
    out.print(table)


def _ranges(axis: AxisSweep) -> Iterator[tuple[float, float, Point]]:
    """Values that accept the same, as one: from, to, and what they come to."""
    low = high = None
    before: Point | None = None
    for point in axis.points:
        value = point.settings[axis.name]
        same = {"settings": before.settings} if before is not None else {}
        if before is None or point.model_copy(update=same) != before:
            if before is not None and low is not None and high is not None:
                yield low, high, before
            low, before = value, point
        high = value
    if before is not None and low is not None and high is not None:
        yield low, high, before


def _thinned(rows: Sequence[tuple[float, float, Point]], in_force: float) -> list[tuple[float, float, Point]]:
    """No more rows than fit: first and last, what is in force, and others evenly between."""
    if len(rows) <= _ROWS:
        return list(rows)
    wanted = {round(number * (len(rows) - 1) / (_ROWS - 2)) for number in range(_ROWS - 1)}
    return [row for number, row in enumerate(rows) if number in wanted or row[0] <= in_force <= row[1]]


def _print_curve(out: Console, report: SweepReport) -> None:
    """Quality over yield for the best settings, as characters."""
    marks = [(point, "o") for point in report.front] + [(report.in_force, "X")]
    if report.recommendation is not None:
        marks.append((report.recommendation.point, "R"))
    known = [(point.share, value, mark) for point, mark in marks if (value := quality_of(point)) is not None]
    if not known:
        return
    low = min(value for _, value, _ in known)
    high = max(max(value for _, value, _ in known), low + 0.01)
    paper = [[" "] * (_WIDE + 1) for _ in range(_HIGH + 1)]
    for share, value, mark in known:
        paper[round((high - value) / (high - low) * _HIGH)][round(share * _WIDE)] = mark
    out.print()
    joint = ", ".join(report.joint) or "nothing"
    out.print(Text(f"{report.front_by} over yield, {joint} together ({report.settings:,} settings)", "bold"))
    for number, line in enumerate(paper):
        value = high - number / _HIGH * (high - low)
        label = f"{100 * value:6.1f}% |" if number % 3 == 0 else "        |"
        out.print(label + "".join(line).rstrip())
    out.print("        +" + "-" * _WIDE)
    out.print("         0%" + "accepted documents".center(_WIDE - 6) + "100%")
    out.print("o the best settings, X in force" + (", R recommended" if report.recommendation else ""))


def _print_recommendation(out: Console, report: SweepReport, made: Recommendation, folder: Path) -> None:
    wanted = f"a {made.target} of {100 * made.wanted:.4g}%"
    title = (
        f"For {wanted}: {made.criterion}" if made.reached else f"No setting reaches {wanted}; the nearest is"
    )
    _print_point(out, report, title, made.point)
    if made.held_out is not None:
        held = made.held_out
        figures = ", ".join(f"{called(name)} {_share(value)}" for name, value in held.figures.items())
        out.print(
            f"On documents that a setting was not chosen on ({held.folds} parts, in {held.reached} of which "
            f"the others reached it): accepted {held.share:.0%}, {figures}. This is what to expect elsewhere."
        )
    flags = _flags(report.thresholds, made.thresholds)
    if flags:
        out.print(Text(f"guidex threshold set {run_argument(folder)} {flags}", style="bold"), soft_wrap=True)
    else:
        out.print("It is in force already.")


def _flags(before: Thresholds, after: Thresholds) -> str:
    old, new = before.model_dump(), after.model_dump()
    return " ".join(
        f"--{name.replace('_', '-')} {value:g}" for name, value in new.items() if value != old[name]
    )


def _print_calibration(out: Console, report: CalibrationReport) -> None:
    out.print()
    out.print(Text("Chance that a mention is correct", style="bold"))
    out.print(
        f"{counted(report.mentions, 'mention')} of {counted(report.documents, 'document')}, "
        f"{report.correct:.1%} of them correct."
    )
    table = _table()
    for name in ("", "confidence", "calibrated"):
        table.add_column(name, justify="right" if name else "left", no_wrap=True)
    table.add_row("calibration error (ECE)", f"{report.ece_before:.3f}", f"{report.ece_after:.3f}")
    table.add_row("squared error (Brier)", f"{report.brier_before:.3f}", f"{report.brier_after:.3f}")
    out.print(table)
    table = _table()
    for name in ("confidence", "mentions", "mean", "correct", "calibrated", "mentions", "mean", "correct"):
        table.add_column(name, justify="right", no_wrap=True)
    before = {each.low: each for each in report.before}
    after = {each.low: each for each in report.after}
    for low in sorted({*before, *after}):
        cells = []
        for bins in (before, after):
            each = bins.get(low)
            cells += [f"{low:.1f}-{low + 0.1:.1f}"]
            cells += (
                [f"{each.mentions:,}", f"{each.confidence:.2f}", f"{each.correct:.2f}"] if each else ["-"] * 3
            )
        table.add_row(*cells)
    out.print(table)


def _notes(report: SweepReport) -> Iterator[str]:
    yield from report.notes
    for name, about in report.about.items():
        yield f"{called(name)}: {about}."
    if report.truth and report.samples:
        yield (
            f"In parentheses: {100 * report.level:g}% intervals, from "
            f"{counted(report.samples, 'bootstrap resample')} of the known documents (seed {report.seed})."
        )
    yield "* is what is in force. `thresholds.correct` acts while the agents work, and is not tried."


def _share(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def _plain(figure: Figure) -> str:
    return _share(figure.value)


def _percent(figure: Figure) -> str:
    if figure.value is None or figure.low is None or figure.high is None:
        return _share(figure.value)
    return f"{100 * figure.value:.1f} ({100 * figure.low:.1f}-{100 * figure.high:.1f})"


def _table() -> Table:
    return Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
