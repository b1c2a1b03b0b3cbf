"""A run under other thresholds: each of them alone, and those of the mentions together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from finetune.scoring.models import Figure
from finetune.scoring.resampling import Drawn, Sums, figure, samples
from graph.thresholds.choosing import (
    SCORED_BY,
    Target,
    Tried,
    choose,
    distances,
    front,
    held_out,
    tried,
)
from graph.thresholds.facts import DocumentFacts, RunFacts
from graph.thresholds.grid import JOINT, SWEPT, Axis, Cells, Grid, Summands, axes_of, mean_of, yields
from graph.thresholds.models import AxisSweep, Point, Recommendation, SweepReport
from graph.thresholds.truth import COUNTED, PRECISION, Truth
from schemas.errors import UsageError
from schemas.judgement import Thresholds

_UNCALIBRATED = (
    "Nothing is known of these documents: agreement x faithfulness stands for precision. It is what "
    "annotators and critic say of themselves, not the chance that a mention is correct."
)
_NO_SCORES = "No round of this run has a score that thresholds could be tried on."
_TOO_FEW = "Too few documents are known for an estimate on documents that a setting was not chosen on."
_CHOSEN_BY = {
    True: "the best precision",
    False: "the best product of mean agreement and mean faithfulness",
}


@dataclass(frozen=True, slots=True)
class _Joint:
    """Several thresholds together: their grid, the sums over all documents, and what settings come to."""

    grid: Grid
    cells: Cells
    tried: list[Tried]
    near: list[float]


@dataclass(frozen=True)
class SweepSettings:
    """How thresholds are tried.

    Attributes:
        target: What a setting is recommended for; None for no recommendation.
        level: Of the intervals, between 0 and 1.
        samples: Bootstrap resamples of the documents of which something is known; 0 for no intervals.
        seed: Of the bootstrap, and of the parts that estimates are made on.
    """

    target: Target | None = None
    level: float = 0.95
    samples: int = 200
    seed: int = 0


def sweep(facts: RunFacts, truth: Truth | None = None, settings: SweepSettings | None = None) -> SweepReport:
    """Try thresholds on a run.

    Args:
        facts: The run.
        truth: What is known of its documents.
        settings: How.

    Raises:
        UsageError: No document was judged, or a precision is wanted and nothing is known.
    """
    return Sweep(facts, truth, settings or SweepSettings()).report()


class Sweep:
    """A sweep that can be asked again: for the figures of one setting, and for other targets."""

    def __init__(self, facts: RunFacts, truth: Truth | None, settings: SweepSettings) -> None:
        """Take the documents; arguments and errors as for `sweep`."""
        if not facts.documents:
            raise UsageError(
                f"Run {facts.name} has no judged document.", "Thresholds decide once a document was judged."
            )
        _refuse_unknown(settings.target, truth)
        self._facts, self._truth, self._settings = facts, truth, settings
        self._documents = facts.documents
        self._known = [
            number
            for number, each in enumerate(self._documents)
            if truth is not None and each.id in truth.documents
        ]
        self._totals = Sums([truth.totals[self._documents[n].id] for n in self._known] if truth else [])
        self._drawn = list(samples(len(self._known), settings.samples, settings.seed)) if truth else []

    def _quantify(self, document: DocumentFacts, place: int) -> Mapping[str, int]:
        made = yields(document, place)
        return made if self._truth is None else {**made, **self._truth.of(document, place)}

    @cached_property
    def _summands(self) -> Summands:
        return Summands(self._documents, self._facts.thresholds, self._quantify)

    @cached_property
    def _joint(self) -> _Joint:
        """The thresholds that are tried together."""
        grid = Grid(self._summands, axes_of(self._facts, JOINT))
        cells = grid.over(range(len(self._documents)))
        return _Joint(grid, cells, tried(cells, self._truth), distances(grid, self._facts.thresholds))

    def report(self) -> SweepReport:
        """All of it."""
        facts, truth, target = self._facts, self._truth, self._settings.target
        grid, whole, made = self._joint.grid, self._joint.cells, self._joint.tried
        recommended = None if target is None else self.recommend(target)
        notes = list(truth.notes) if truth is not None else [_UNCALIBRATED]
        if not grid.axes:
            notes = [_NO_SCORES, *notes]
        if recommended is not None and truth is not None and recommended.held_out is None:
            notes.append(_TOO_FEW)
        return SweepReport(
            run=facts.name,
            version=facts.version,
            thresholds=facts.thresholds,
            documents=len(self._documents),
            others={state.value: count for state, count in facts.others.items()},
            truth=None if truth is None else truth.source,
            known=len(self._known),
            about={} if truth is None else {n: each.about for n, each in truth.figures.items()},
            level=self._settings.level,
            samples=self._settings.samples,
            seed=self._settings.seed,
            in_force=self.at(facts.thresholds),
            axes=tuple(map(self._axis, axes_of(facts, SWEPT))),
            joint=tuple(axis.name for axis in grid.axes),
            settings=len(whole),
            front_by=PRECISION if truth is not None else " x ".join(SCORED_BY),
            front=tuple(
                self._point(whole[cell], _chosen(grid.setting(cell), grid.axes), self._plain(whole[cell]))
                for cell in front(made)
            ),
            recommendation=recommended,
            notes=tuple(notes),
        )

    def recommend(self, target: Target) -> Recommendation:
        """The setting for a target.

        Raises:
            UsageError: A precision is wanted and nothing is known.
        """
        truth = self._truth
        _refuse_unknown(target, truth)
        grid, near = self._joint.grid, self._joint.near
        choice = choose(self._joint.tried, len(self._documents), target, near)
        thresholds, precise = grid.setting(choice.cell), target.precision is not None
        out = None
        if truth is not None:
            out = held_out(grid, self._documents, truth, target, near, self._settings.seed)
        return Recommendation(
            target="precision" if precise else "yield",
            wanted=(target.precision if precise else target.share) or 0.0,
            reached=choice.reached,
            criterion="the largest yield" if precise else _CHOSEN_BY[truth is not None],
            point=self.at(thresholds, _chosen(thresholds, grid.axes)),
            thresholds=thresholds,
            held_out=out,
        )

    # --- points ---

    def _axis(self, axis: Axis) -> AxisSweep:
        """One threshold alone, with intervals."""
        grid = Grid(self._summands, [axis])
        whole = grid.over(range(len(self._documents)))
        intervals: list[dict[str, Figure]] = [{} for _ in axis.values]
        if self._truth is not None:
            values: list[dict[str, list[float | None]]] = [{} for _ in axis.values]
            for drawn in self._drawn:
                cells = grid.over(map(self._known.__getitem__, drawn))
                for cell, measured in enumerate(self._measured(cells, drawn)):
                    for name, value in measured.items():
                        values[cell].setdefault(name, []).append(value)
            intervals = [
                {name: figure(made, self._settings.level) for name, made in each.items()} for each in values
            ]
        return AxisSweep(
            name=axis.name,
            in_force=getattr(self._facts.thresholds, axis.name),
            points=tuple(
                self._point(whole[cell], {axis.name: value}, intervals[cell])
                for cell, value in enumerate(axis.values)
            ),
        )

    def _measured(self, cells: Cells, drawn: Drawn) -> Iterator[dict[str, float | None]]:
        """The figures at each setting, of a sample of the known documents."""
        totals = self._totals.over(drawn)
        known: dict[int, dict[str, float | None]] = {}
        for cell in range(len(cells)):
            total = cells.total(cell)
            if total not in known and self._truth is not None:
                known[total] = self._truth.measure(cells[cell], totals)
            yield known[total]

    def at(self, thresholds: Thresholds, settings: Mapping[str, float] | None = None) -> Point:
        """One setting, with intervals.

        Args:
            thresholds: The setting.
            settings: Those of them that are said to be tried; none for what is in force.
        """
        kept = [document.sound(thresholds) for document in self._documents]
        sums: Counter[str] = Counter()
        added: list[Mapping[str, int]] = []
        for document, places in zip(self._documents, kept, strict=True):
            added.append(self._quantify(document, places[0]) if places else {})
            sums.update(added[-1])
        figures: dict[str, list[float | None]] = {}
        if self._truth is not None:
            of_known = Sums([added[number] for number in self._known])
            for drawn in self._drawn:
                measured = self._truth.measure(of_known.over(drawn), self._totals.over(drawn))
                for name, value in measured.items():
                    figures.setdefault(name, []).append(value)
        intervals = {name: figure(values, self._settings.level) for name, values in figures.items()}
        return self._point(sums, settings or {}, intervals)

    def _plain(self, sums: Mapping[str, int]) -> dict[str, Figure]:
        """The figures of all known documents, without intervals."""
        if self._truth is None:
            return {}
        totals = self._totals.over(range(len(self._known)))
        return {name: Figure(value=value) for name, value in self._truth.measure(sums, totals).items()}

    def _point(
        self, sums: Mapping[str, int], settings: Mapping[str, float], figures: dict[str, Figure]
    ) -> Point:
        return Point(
            settings=dict(settings),
            accepted=sums.get("documents", 0),
            share=sums.get("documents", 0) / len(self._documents),
            instances=sums.get("instances", 0),
            means={name: mean_of(sums, name) for name in JOINT},
            counts={name: sums[name] for name in COUNTED if name in sums} if self._truth else {},
            figures=figures,
        )


def _refuse_unknown(target: Target | None, truth: Truth | None) -> None:
    if target is not None and target.precision is not None and truth is None:
        raise UsageError("Precision is only known against gold or reviews.", "Give --gold FILE or --reviews.")


def _chosen(thresholds: Thresholds, axes: Sequence[Axis]) -> dict[str, float]:
    return {axis.name: getattr(thresholds, axis.name) for axis in axes}
