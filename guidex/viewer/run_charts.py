"""The charts of a run's page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from graph.store.statistics import Distribution, RoundsTaken
from guidex.cli.console import counted
from guidex.plots import Axis, Rule, bar_chart, histogram

_WIDTH, _HEIGHT = 400, 200
"""User units; about the pixels of a panel, so that the letters are as large as others."""
_ROOM = 1.2
"""What is left above the highest bar, where the threshold is named."""
_FEW = 5
"""Documents up to which an axis reaches at least, so that it has whole numbers."""

SCORE_NAMES: Mapping[str, str] = {
    "agreement": "Agreement",
    "faithfulness": "Faithfulness",
    "completeness": "Completeness",
    "guideline": "Guideline",
    "schema_fit": "Schema fit",
    "grounding": "Grounding",
}
"""The scores that decide, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class ScoreChart:
    """A score's distribution, drawn and in numbers."""

    key: str
    """Of the score, in a query."""
    name: str
    mean: float
    documents: int
    threshold: float | None
    ranges: tuple[tuple[float, float, int], ...]
    """From, to and number of documents, without the ranges that have none."""
    drawn: Markup


def score_charts(
    distributions: Mapping[str, Distribution], thresholds: Mapping[str, float], height: int = _HEIGHT
) -> tuple[ScoreChart, ...]:
    """A histogram of each score, with the least value that is accepted.

    Args:
        distributions: By the score's name.
        thresholds: Those that count, by the score's name.
        height: In user units, of which a chart is 400 wide.
    """
    return tuple(
        _score_chart(key, name, distributions[key], thresholds.get(key), height)
        for key, name in SCORE_NAMES.items()
        if key in distributions
    )


def _score_chart(
    key: str, name: str, distribution: Distribution, threshold: float | None, height: int
) -> ScoreChart:
    bins = len(distribution.counts)
    edges = [number / bins for number in range(bins + 1)]
    ranges = tuple(
        (low, high, count)
        for low, high, count in zip(edges, edges[1:], distribution.counts, strict=False)
        if count
    )
    told = ", ".join(f"{low:g} to {high:g}: {count:,}" for low, high, count in ranges)
    limit = "" if threshold is None else f" The least that is accepted is {threshold:g}."
    drawn = histogram(
        distribution.counts,
        edges,
        Axis("score", 0, 1),
        Axis("documents", 0, max(_FEW, _ROOM * max(distribution.counts))),
        title=name,
        description=f"{counted(distribution.documents, 'document')}, mean {distribution.mean:.2f}.{limit}"
        f" Documents by range: {told}.",
        rules=() if threshold is None else (Rule(f"least {threshold:g}", x=threshold),),
        width=_WIDTH,
        height=height,
    )
    return ScoreChart(key, name, distribution.mean, distribution.documents, threshold, ranges, Markup(drawn))


def rounds_chart(taken: Sequence[RoundsTaken]) -> Markup | None:
    """Documents by the number of rounds they took and by how these ended; None if none took any."""
    if not taken:
        return None
    bars = [(f"{counted(each.rounds, 'round')}, {each.ending}", each.documents) for each in taken]
    return Markup(bar_chart(bars, Axis("documents"), title="Rounds until the end", width=_WIDTH))
