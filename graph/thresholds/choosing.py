"""Choosing a setting for a wanted precision or yield, and what such a choice is worth on other documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from graph.thresholds.facts import DocumentFacts
from graph.thresholds.grid import Cells, Grid, mean_of
from graph.thresholds.models import HeldOut
from graph.thresholds.truth import PRECISION, Truth
from schemas.judgement import Thresholds

FOLDS = 5
SCORED_BY = ("agreement", "faithfulness")
"""What stands for precision where nothing is known of the documents."""
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Target:
    """What is wanted.

    Attributes:
        precision: Least precision; the setting of the largest yield is chosen among those that reach it.
        share: Least share of accepted documents; the setting of the best precision is chosen, or where
            nothing is known of the documents, that of the best product of mean agreement and faithfulness.
    """

    precision: float | None = None
    share: float | None = None


@dataclass(frozen=True, slots=True)
class Tried:
    """A setting of the grid: documents that it accepts, and how good these are; None if nobody knows."""

    accepted: int
    quality: float | None


@dataclass(frozen=True, slots=True)
class Choice:
    """The setting that was chosen, by its cell, and whether it reaches the target."""

    cell: int
    reached: bool


def tried(cells: Cells, truth: Truth | None) -> list[Tried]:
    """What each setting comes to."""
    known: dict[int, Tried] = {}
    made = []
    for cell in range(len(cells)):
        total = cells.total(cell)
        if total not in known:  # many settings accept the same
            sums = cells[cell]
            known[total] = Tried(sums.get("documents", 0), _quality(sums, truth))
        made.append(known[total])
    return made


def _quality(sums: dict[str, int], truth: Truth | None) -> float | None:
    if truth is not None:
        return truth.figures[PRECISION].of(Counter(sums))
    means = [mean for name in SCORED_BY if (mean := mean_of(sums, name)) is not None]
    if not means:
        return None
    product = 1.0
    for mean in means:
        product *= mean
    return product


def choose(settings: Sequence[Tried], documents: int, target: Target, near: Sequence[float]) -> Choice:
    """Choose the setting for a target.

    Args:
        settings: What each comes to.
        documents: Judged documents, accepted or not.
        target: What is wanted.
        near: How far each setting is from what is in force; of equal ones the nearest is taken.
    """

    def quality(cell: int) -> float:
        known = settings[cell].quality
        return -1.0 if known is None else known

    def by_quality(cell: int) -> tuple[float, float, float]:
        return quality(cell), settings[cell].accepted, -near[cell]

    def by_yield(cell: int) -> tuple[float, float, float]:
        return settings[cell].accepted, quality(cell), -near[cell]

    every = range(len(settings))
    if target.precision is not None:
        least = target.precision - _TOLERANCE
        reaching = [cell for cell in every if settings[cell].accepted and quality(cell) >= least]
        best, otherwise = by_yield, by_quality
    else:
        wanted = (target.share or 0.0) * documents - _TOLERANCE
        reaching = [cell for cell in every if settings[cell].accepted >= wanted]
        best, otherwise = by_quality, by_yield
    return Choice(max(reaching, key=best), True) if reaching else Choice(max(every, key=otherwise), False)


def front(settings: Sequence[Tried]) -> list[int]:
    """Cells that no other one beats in both yield and quality, falling in yield."""
    order = sorted(
        (-one.accepted, -one.quality, cell)
        for cell, one in enumerate(settings)
        if one.quality is not None and one.accepted
    )
    made: list[int] = []
    best = -1.0
    for _, lacking, cell in order:
        if -lacking > best:
            made.append(cell)
            best = -lacking
    return made


def distances(grid: Grid, in_force: Thresholds) -> list[float]:
    """How far each setting is from what is in force: the sum over thresholds."""
    now = [getattr(in_force, axis.name) for axis in grid.axes]
    return [
        sum(abs(value - held) for value, held in zip(values, now, strict=True)) for values in grid.values()
    ]


def held_out(
    grid: Grid,
    documents: Sequence[DocumentFacts],
    truth: Truth,
    target: Target,
    near: Sequence[float],
    seed: int,
) -> HeldOut | None:
    """Choose on all parts of the known documents but one, and measure on that one; each in turn.

    A setting that is chosen and measured on the same documents looks better than it is. None if too few
    documents are known.
    """
    known = [number for number, document in enumerate(documents) if document.id in truth.documents]
    if len(known) < 2 * FOLDS:
        return None
    Random(seed).shuffle(known)
    whole = grid.over(range(len(documents)))
    sums: Counter[str] = Counter()
    reached = 0
    for fold in range(FOLDS):
        part = known[fold::FOLDS]
        cells = grid.over(part)
        choice = choose(tried(whole - cells, truth), len(documents) - len(part), target, near)
        reached += choice.reached
        sums.update(cells[choice.cell])
    totals = truth.totals_of(documents[number].id for number in known)
    return HeldOut(
        folds=FOLDS,
        reached=reached,
        share=sums["documents"] / len(known),
        figures=truth.measure(sums, totals),
    )
