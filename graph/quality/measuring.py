"""Measuring runs against gold, side by side: on the same documents, over the same resamples."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations, product

from finetune.gold import Gold
from finetune.scoring.resampling import Values, difference, figure, samples
from graph.quality.classes import ClassNames
from graph.quality.errors import ABOUT
from graph.quality.figures import FIGURES
from graph.quality.measured import Key, MeasuredRun
from graph.quality.models import MatchedCoverage, QualityReport, RunDifference
from graph.quality.ranking import Confidence
from graph.quality.results import RunResults
from schemas.errors import UsageError


@dataclass(frozen=True)
class Settings:
    """How runs are compared.

    Attributes:
        class_map: Label of the gold to class of the runs, where the names differ.
        ignored: Classes whose mentions are left out on both sides.
        confidence: By which documents are ranked where coverage is matched.
        level: Of the intervals, between 0 and 1.
        samples: Bootstrap resamples; 0 for no intervals.
        seed: Of the bootstrap.
    """

    class_map: Mapping[str, str] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()
    confidence: Confidence = Confidence.AGREEMENT
    level: float = 0.95
    samples: int = 1000
    seed: int = 0


def measure(
    runs: Sequence[RunResults], gold: Gold, files: Sequence[str], settings: Settings
) -> QualityReport:
    """Compare what runs accepted with gold.

    Args:
        runs: The runs; with several, only documents that all of them have are compared.
        gold: The gold.
        files: Its files, as they are reported.
        settings: How.

    Raises:
        UsageError: No document of the gold is in all runs; or a class is mapped or ignored that is nowhere.
    """
    places = sorted(set.intersection(*(set(run.documents) for run in runs)))
    if not places:
        which = f"run {runs[0].name}" if len(runs) == 1 else "all of these runs"
        raise UsageError(
            f"None of the gold's texts is in {which}.",
            "Texts are compared character by character; `guidex gold FILE --output documents.jsonl` writes "
            "those of the gold, for `guidex run --documents`.",
        )
    own = dict.fromkeys(name for run in runs for name in run.classes)
    names = ClassNames(gold.labels, own, settings.class_map, settings.ignored)
    measured = [MeasuredRun(run, gold, places, names, settings.confidence) for run in runs]
    values: list[dict[Key, list[float | None]]] = [defaultdict(list) for _ in measured]
    for drawn in samples(len(places), settings.samples, settings.seed):
        ranked = [run.ranked(drawn) for run in measured]
        for run, made, own_ranking in zip(measured, values, ranked, strict=True):
            for key, value in run.figures(drawn, own_ranking):
                made[key].append(value)
            coverage = made["figure", "coverage"][-1] or 0.0
            for number, other in enumerate(ranked):
                made["matched", str(number)].append(other.f1_at(coverage))
    return QualityReport(
        gold=tuple(files),
        gold_documents=len(gold.documents),
        compared=len(places),
        repeated=gold.repeated,
        repaired=gold.repaired,
        only_gold=names.only_gold,
        only_run=names.only_run,
        ignored=settings.ignored,
        confidence=settings.confidence.value,
        level=settings.level,
        samples=settings.samples,
        seed=settings.seed,
        about={name: definition.about for name, definition in FIGURES.items()}
        | {f"mistakes.{each}": about for each, about in ABOUT.items()},
        runs=tuple(run.report(made, settings.level) for run, made in zip(measured, values, strict=True)),
        differences=_differences(measured, values, settings.level),
        matched=_matched(measured, values, settings.level),
    )


def _differences(
    measured: Sequence[MeasuredRun], values: Sequence[Mapping[Key, Values]], level: float
) -> tuple[RunDifference, ...]:
    return tuple(
        RunDifference(
            run=measured[second].name,
            against=measured[first].name,
            figures={
                name: difference(values[second]["figure", name], values[first]["figure", name], level)
                for name in FIGURES
            },
        )
        for first, second in combinations(range(len(measured)), 2)
    )


def _matched(
    measured: Sequence[MeasuredRun], values: Sequence[Mapping[Key, Values]], level: float
) -> tuple[MatchedCoverage, ...]:
    """Every run's acceptance against every run's ranking, its own included."""
    made = []
    for first, second in product(range(len(measured)), repeat=2):
        accepted = values[first]["figure", "strict.f1"]
        ranked = values[first]["matched", str(second)]
        made.append(
            MatchedCoverage(
                run=measured[first].name,
                ranked=measured[second].name,
                coverage=figure(values[first]["figure", "coverage"], level),
                accepted_f1=figure(accepted, level),
                ranked_f1=figure(ranked, level),
                difference=difference(accepted, ranked, level),
            )
        )
    return tuple(made)
