"""Charts of thresholds that were tried."""

from __future__ import annotations

from collections.abc import Mapping

from graph.thresholds.models import Point, SweepReport
from graph.thresholds.truth import PRECISION
from guidex.plots import Axis, Rule, Series, line_chart


def quality_of(point: Point) -> float | None:
    """What is set against yield: precision where it is known, else mean agreement x mean faithfulness."""
    if PRECISION in point.figures:
        return point.figures[PRECISION].value
    known = [mean for name in ("agreement", "faithfulness") if (mean := point.means.get(name)) is not None]
    product = 1.0
    for mean in known:
        product *= mean
    return product if known else None


_CALLED: Mapping[str, str] = {
    "recall_all": "recall, all",
    "recall_accepted": "recall, accepted",
    "f1_all": "F1, all",
    "f1_accepted": "F1, accepted",
}


def called(figure: str) -> str:
    """The name of a figure, in words."""
    return _CALLED.get(figure, figure.replace("_", " "))


def sweep_chart(
    report: SweepReport, *, tried: Point | None = None, standalone: bool = False, width: int = 640
) -> str:
    """Quality over yield: along each threshold alone, and along the best settings of several together.

    Args:
        report: The sweep.
        tried: A setting to mark, beside what is in force.
        standalone: A file of its own.
        width: In user units.
    """
    series = [
        Series(
            f"{axis.name} alone",
            [(point.share, known) for point in axis.points if (known := quality_of(point)) is not None],
        )
        for axis in report.axes
        if axis.name in report.joint
    ]
    together = [(point.share, known) for point in report.front if (known := quality_of(point)) is not None]
    series.append(Series("together, the best", together))
    what = "precision" if report.truth else "mean agreement x faithfulness"
    rules = [Rule("in force", x=report.in_force.share)]
    if tried is not None and (at := quality_of(tried)) is not None:
        rules += [Rule("tried", x=tried.share), Rule("", y=at)]
    if report.recommendation is not None:
        rules.append(Rule("recommended", x=report.recommendation.point.share))
    return line_chart(
        series,
        Axis("accepted documents / judged documents", 0, 1, percent=True),
        Axis(what, None, 1, percent=True),
        title=f"{report.run}: {what} over yield",
        description=f"What {report.run} would accept under other thresholds, and how good it would be.",
        rules=rules,
        width=width,
        standalone=standalone,
    )
