"""Figures of an evaluation, with bootstrap intervals, all of them from the scores of single sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import NamedTuple

from pydantic import Field

from finetune.evaluation.benchmarks import Benchmark
from finetune.evaluation.scoring import Measure, Scored
from finetune.examples.names import NEAR, is_same, nearest
from finetune.scoring.counting import f1, share
from finetune.scoring.models import Difference, Figure
from finetune.scoring.resampling import Sums, difference, figure
from finetune.scoring.resampling import samples as resamples
from schemas.base import Model

AVERAGE = "average"
"""Name of the figures over all domains, each with the same weight."""


class Scores(Model):
    """Precision, recall and F1, micro-averaged over the mentions of a domain."""

    precision: Figure = Field(description="Correct / predicted.")
    recall: Figure = Field(description="Correct / in the gold.")
    f1: Figure = Field(
        description="Harmonic mean of the two; 1 where there is nothing and nothing was found."
    )


class ClassScores(Model):
    """A class of a domain, GoLLIE-compatible with the filter."""

    correct: int = Field(description="Mentions found.")
    wrong: int = Field(description="Predictions that are no such mention.")
    missed: int = Field(description="Mentions not found.")
    seen: str = Field(
        description="Whether training knew it: exact, near or unseen; empty where nothing is known."
    )


class ModelResult(Model):
    """One model on the benchmark."""

    model: str = Field(description="Name of the model.")
    adapter: str | None = Field(default=None, description="Name of its adapter.")
    scores: dict[str, dict[Measure, Scores]] = Field(
        description="By domain and measure; `average` is over domains, each with the same weight."
    )
    unparsable: float = Field(description="Share of answers that could not be read.")
    truncated: float = Field(description="Share of answers that were cut at the most tokens.")
    hallucinated: float | None = Field(
        description="Share of readable instances that stand nowhere in their sentence, or are of no class "
        "that was asked for, before any is removed."
    )
    repeated: float | None = Field(
        default=None,
        description="Share of readable instances that are named oftener than they stand in their sentence.",
    )
    by_seen: dict[str, Figure] = Field(
        default_factory=dict,
        description="F1 (gollie-filtered) over the mentions of classes that training knew by name, by a near "
        "name, or not at all, all domains together.",
    )
    classes: dict[str, dict[str, ClassScores]] = Field(description="By domain and class.")


class PairedDifference(Model):
    """How much better one model is than another, over the same resamples."""

    model: str = Field(description="The one.")
    against: str = Field(description="The other.")
    f1: dict[Measure, Difference] = Field(description="Difference in the average F1, by measure.")


class Evaluation(Model):
    """What an evaluation came to."""

    benchmark: str = Field(description="Its name.")
    about: dict[str, str] = Field(description="Settings that figures depend on, in words.")
    sentences: dict[str, int] = Field(description="By domain.")
    mentions: dict[str, int] = Field(description="Of the gold, by domain.")
    level: float = Field(description="Level of the intervals.")
    samples: int = Field(description="Bootstrap resamples: of the sentences within each domain.")
    seed: int = Field(description="Of the bootstrap.")
    models: tuple[ModelResult, ...] = Field(description="In the order given.")
    differences: tuple[PairedDifference, ...] = Field(description="Of each two models.")


class ScoredModel(NamedTuple):
    """A model with the scores of its answers.

    Attributes:
        name: Of the model, among those that are compared.
        scores: By domain, in the order of the sentences.
        trained_on: Names of classes that training knew; None where nothing is known of it.
        adapter: Name of its adapter.
    """

    name: str
    scores: Mapping[str, Sequence[Scored]]
    trained_on: tuple[str, ...] | None = None
    adapter: str | None = None


def evaluate_scores(
    benchmark: Benchmark,
    models: Sequence[ScoredModel],
    *,
    about: Mapping[str, str] | None = None,
    level: float = 0.95,
    samples: int = 1000,
    seed: int = 0,
) -> Evaluation:
    """Work out all figures.

    Intervals are those of percentiles over resamples of the sentences within each domain; models share their
    resamples, so that differences are paired (Efron 1979).

    Args:
        benchmark: What was asked.
        models: What was answered.
        about: Settings, in words.
        level: Of the intervals.
        samples: Resamples; 0 gives no intervals.
        seed: Of the resamples.
    """
    drawn = {
        domain.name: list(resamples(len(domain.sentences), samples, f"{seed} {domain.name}"))
        for domain in benchmark.domains
    }
    measured = [_Measured(benchmark, model, drawn, level) for model in models]
    return Evaluation(
        benchmark=benchmark.name,
        about=dict(about or {}),
        sentences={domain.name: len(domain.sentences) for domain in benchmark.domains},
        mentions={
            domain.name: sum(len(one.mentions) for one in domain.sentences) for domain in benchmark.domains
        },
        level=level,
        samples=samples,
        seed=seed,
        models=tuple(each.result() for each in measured),
        differences=tuple(
            PairedDifference(
                model=second.model.name,
                against=first.model.name,
                f1={
                    measure: difference(second.average(measure), first.average(measure), level)
                    for measure in Measure
                },
            )
            for first, second in combinations(measured, 2)
        ),
    )


class _Measured:
    """One model, its sums over all resamples worked out once."""

    def __init__(
        self,
        benchmark: Benchmark,
        model: ScoredModel,
        drawn: Mapping[str, Sequence[Sequence[int]]],
        level: float,
    ) -> None:
        self.model = model
        self._level = level
        self._seen = {
            domain.name: {name: _seen(name, model.trained_on) for name in domain.annotation_schema.names}
            for domain in benchmark.domains
        }
        self._sums: dict[str, list[dict[str, int]]] = {}
        for domain in benchmark.domains:
            seen = self._seen[domain.name]
            sums = Sums([_quantities(one, seen) for one in model.scores[domain.name]])
            self._sums[domain.name] = [sums.over(each) for each in drawn[domain.name]]
        self._values = {
            measure: {name: _values(sums, measure) for name, sums in self._sums.items()}
            for measure in Measure
        }

    def average(self, measure: Measure) -> list[float]:
        """F1 averaged over domains: of all sentences, then of each resample."""
        domains = self._values[measure].values()
        return [sum(one[2] for one in each) / len(each) for each in zip(*domains, strict=True)]

    def result(self) -> ModelResult:
        """All figures of the model."""
        scored = [one for each in self.model.scores.values() for one in each]
        predicted = sum(one.predicted for one in scored)
        scores = {
            name: {measure: self._scores([self._values[measure][name]]) for measure in Measure}
            for name in self._sums
        }
        scores[AVERAGE] = {measure: self._scores(list(self._values[measure].values())) for measure in Measure}
        return ModelResult(
            model=self.model.name,
            adapter=self.model.adapter,
            scores=scores,
            unparsable=sum(not one.parsed for one in scored) / len(scored),
            truncated=sum(one.truncated for one in scored) / len(scored),
            hallucinated=share(sum(one.hallucinated for one in scored), predicted),
            repeated=share(sum(one.repeated for one in scored), predicted),
            by_seen=self._by_seen(),
            classes={name: _class_scores(self.model.scores[name], seen) for name, seen in self._seen.items()},
        )

    def _scores(self, domains: Sequence[Sequence[_Ratios]]) -> Scores:
        def mean_of(part: int) -> Figure:
            values = [
                None
                if any(one[part] is None for one in each)
                else sum(one[part] or 0 for one in each) / len(each)
                for each in zip(*domains, strict=True)
            ]
            return figure(values, self._level)

        return Scores(precision=mean_of(0), recall=mean_of(1), f1=mean_of(2))

    def _by_seen(self) -> dict[str, Figure]:
        if self.model.trained_on is None:
            return {}
        made = {}
        for seen in _SEEN:
            values: list[float | None] = []
            for each in zip(*self._sums.values(), strict=True):
                correct, wrong, missed = (sum(sums.get(key, 0) for sums in each) for key in _keys(seen))
                values.append(f1(correct, wrong + missed) if correct + missed else None)
            if values[0] is not None:
                made[seen] = figure(values, self._level)
        return made


_KINDS = ("correct", "wrong", "missed")
_Ratios = tuple[float | None, float | None, float]
"""Precision, recall and F1."""


def _keys(of: str) -> list[str]:
    """Under which names correct, wrong and missed mentions are summed."""
    return [f"{of} {kind}" for kind in _KINDS]


def _values(samples: Sequence[Mapping[str, int]], measure: Measure) -> list[_Ratios]:
    """From the sums over all sentences, then over each resample."""
    keys, made = _keys(measure), list[_Ratios]()
    for sums in samples:
        correct, wrong, missed = (sums.get(key, 0) for key in keys)
        made.append(
            (share(correct, correct + wrong), share(correct, correct + missed), f1(correct, wrong + missed))
        )
    return made


_SEEN = ("exact", "near", "unseen")


def _quantities(scored: Scored, seen: Mapping[str, str]) -> dict[str, int]:
    """What is summed over sentences: counts by measure, and by what training knew of the class."""
    made = Counter[str]()
    for measure, classes in scored.counts.items():
        for counts in classes.values():
            made.update({f"{measure} {kind}": getattr(counts, kind) for kind in _KINDS})
    for name, counts in scored.counts[Measure.GOLLIE_FILTERED].items():
        if seen.get(name):
            made.update({f"{seen[name]} {kind}": getattr(counts, kind) for kind in _KINDS})
    return dict(made)


def _seen(name: str, trained_on: tuple[str, ...] | None) -> str:
    """Whether training knew a class: by its name in plain words, by a near one, or not."""
    if trained_on is None:
        return ""
    found = nearest(name, trained_on)
    if found is not None and is_same(found[0], name):
        return "exact"
    return "near" if found is not None and found[1] >= NEAR else "unseen"


def _class_scores(scored: Sequence[Scored], seen: Mapping[str, str]) -> dict[str, ClassScores]:
    """The classes of a domain, each with what training knew of it."""
    totals = {name: Counter[str]() for name in seen}
    for one in scored:
        for name, counts in one.counts[Measure.GOLLIE_FILTERED].items():
            if name in totals:
                totals[name].update({kind: getattr(counts, kind) for kind in _KINDS})
    return {
        name: ClassScores(
            correct=total["correct"], wrong=total["wrong"], missed=total["missed"], seen=seen[name]
        )
        for name, total in totals.items()
    }
