"""The chart of an evaluation."""

from __future__ import annotations

from finetune.evaluation.results import AVERAGE, Evaluation
from finetune.evaluation.scoring import ABOUT, Measure
from guidex.plots import Axis, bar_chart


def evaluation_chart(
    made: Evaluation,
    measure: Measure = Measure.GOLLIE_FILTERED,
    *,
    width: int = 640,
    standalone: bool = False,
) -> str:
    """F1 of every model, on average and by domain, as bars with their intervals.

    Args:
        made: The evaluation.
        measure: When a prediction is correct.
        width: In user units.
        standalone: A file of its own.
    """
    domains = list(made.sentences)
    shown = [AVERAGE, *domains] if len(domains) > 1 else [AVERAGE]
    bars: list[tuple[str, float | None]] = []
    intervals: list[tuple[float, float] | None] = []
    for name in shown:
        if len(shown) > 1:
            bars.append((name.upper(), None))
            intervals.append(None)
        for model in made.models:
            f1 = model.scores[name][measure].f1
            bars.append((model.model, round(f1.value or 0.0, 3)))
            known = f1.low is not None and f1.high is not None
            intervals.append((round(f1.low or 0.0, 3), round(f1.high or 0.0, 3)) if known else None)
    return bar_chart(
        bars,
        Axis(f"F1, {measure}; {made.level:.0%} intervals over sentences", percent=True),
        intervals=intervals,
        title=f"{made.benchmark}: F1 of {len(made.models)} models"
        if len(made.models) > 1
        else made.benchmark,
        description=f"{measure}: {ABOUT[measure]}. "
        + ", ".join(f"{key} {value}" for key, value in made.about.items()),
        width=width,
        standalone=standalone,
    )
