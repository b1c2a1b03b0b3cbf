"""One run on the documents that are compared: its counts, its rankings, and what is reported of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

from finetune.gold import Gold
from finetune.scoring.counting import Counts, Measure, count, share
from finetune.scoring.models import Figure
from finetune.scoring.resampling import Drawn, Sums, Values, figure
from graph.quality.classes import ClassNames, named
from graph.quality.errors import mistakes
from graph.quality.figures import FIGURES, figures_of, quantities
from graph.quality.models import ClassQuality, RankingQuality, RunQuality
from graph.quality.ranking import Confidence, Mentions, RankedSample, Ranking
from graph.quality.results import RunResults
from schemas.judgement import Outcome

Key = tuple[str, ...]
"""Names a figure of a run: its kind, then its name."""

COVERAGES = {"50": 0.5, "60": 0.6, "70": 0.7, "80": 0.8, "90": 0.9, "100": 1.0}
"""At which coverages F1 is told, by their name in percent."""

_PARTS = ("correct", "wrong", "missed")
_SHARED = ("prompt", "uncached", "generated")


class MeasuredRun:
    """A run on the documents that are compared.

    Attributes:
        name: The run.
    """

    def __init__(
        self,
        run: RunResults,
        gold: Gold,
        places: Sequence[int],
        names: ClassNames,
        confidence: Confidence,
    ) -> None:
        """Count a run's mentions.

        Args:
            run: The run.
            gold: The gold.
            places: Places in the gold of the documents that are compared.
            names: The classes.
            confidence: By which the documents are ranked in resamples.
        """
        self.name, self._run, self._chosen = run.name, run, confidence
        self._documents = [run.documents[place] for place in places]
        counts = []
        self._mistakes: Counter[str] = Counter()
        for place, document in zip(places, self._documents, strict=True):
            theirs = named(gold.documents[place].mentions, names.of_gold)
            ours = named(document.found or (), names.of_run)
            text = gold.documents[place].text
            if document.outcome is Outcome.ACCEPTED:
                self._mistakes.update({each.value: n for each, n in mistakes(ours, theirs).items()})
            counts.append({measure: count(ours, theirs, text, measure) for measure in Measure})
        made = [
            quantities(document, each, {names.of_run(name) or "" for name in document.unknown})
            for document, each in zip(self._documents, counts, strict=True)
        ]
        self._sums = Sums(made)
        strict = [each[Measure.STRICT] for each in counts]
        accepted = [each.outcome is Outcome.ACCEPTED for each in self._documents]
        self._of_classes = Sums(
            [_by_class(each) if kept else {} for each, kept in zip(strict, accepted, strict=True)]
        )
        self._classes = sorted({name for each in strict for part in _PARTS for name in getattr(each, part)})
        mentions = [Mentions(*(getattr(each, part).total() for part in _PARTS)) for each in strict]
        self._confidence = {
            confidence: [confidence.of(document) for document in self._documents] for confidence in Confidence
        }
        self._rankings = {each: Ranking(values, mentions) for each, values in self._confidence.items()}

    def ranked(self, drawn: Drawn) -> RankedSample:
        """The chosen ranking of a sample of the documents."""
        return self._rankings[self._chosen].over(drawn)

    def figures(self, drawn: Drawn, ranked: RankedSample) -> Iterator[tuple[Key, float | None]]:
        """All figures of a sample of the documents, each with its key."""
        sums: dict[str, float] = dict(self._sums.over(drawn))
        for name, tokens in zip(_SHARED, self._run.shared, strict=True):
            sums[name] += tokens * len(drawn)
        for name, value in figures_of(sums).items():
            yield ("figure", name), value
        of_classes = self._of_classes.over(drawn)
        for name in self._classes:
            correct, wrong, missed = (of_classes.get(f"{part}.{name}", 0) for part in _PARTS)
            yield ("precision", name), share(correct, correct + wrong)
            yield ("recall", name), share(correct, correct + missed)
            yield ("f1", name), share(2 * correct, 2 * correct + wrong + missed)
        for key, value in _of_ranking(ranked):
            yield ("ranking", *key), value

    def report(self, values: Mapping[Key, Values], level: float) -> RunQuality:
        """What is reported of the run.

        Args:
            values: The figures, of all documents and of every resample.
            level: Of the intervals.
        """
        everything = range(len(self._documents))
        sums, of_classes = self._sums.over(everything), self._of_classes.over(everything)

        def told(*key: str) -> Figure:
            return figure(values[key], level)

        return RunQuality(
            run=self.name,
            outcomes=dict(Counter(each.outcome.value for each in self._documents)),
            counts={each.value: {part: sums[f"{each}.{part}"] for part in _PARTS} for each in Measure},
            mistakes=dict(self._mistakes.most_common()),
            figures={name: told("figure", name) for name in FIGURES},
            classes={
                name: ClassQuality(
                    **{part: of_classes.get(f"{part}.{name}", 0) for part in _PARTS},
                    **{what: told(what, name) for what in ("precision", "recall", "f1")},
                )
                for name in self._classes
            },
            rankings={each.value: self._ranking(each, told) for each in Confidence},
            without_gold=len(self._run.without_gold),
            not_compared=len(self._run.documents) - len(self._documents),
            from_elsewhere=self._run.from_elsewhere,
        )

    def _ranking(self, confidence: Confidence, told: Callable[..., Figure]) -> RankingQuality:
        """What is reported of a ranking; the others than the chosen one have no intervals."""
        sample = self._rankings[confidence].over(range(len(self._documents)))
        made = {
            key: told("ranking", *key) if confidence is self._chosen else Figure(value=value)
            for key, value in _of_ranking(sample)
        }
        return RankingQuality(
            scored=sum(value >= 0 for value in self._confidence[confidence]),
            aurc=made["aurc",],
            calibration_error=made["calibration",],
            f1_at={name: made["f1_at", name] for name in COVERAGES},
            curve=tuple(sample.curve()),
        )


def _of_ranking(sample: RankedSample) -> Iterator[tuple[Key, float | None]]:
    yield ("aurc",), sample.aurc()
    yield ("calibration",), sample.calibration_error()
    for name, coverage in COVERAGES.items():
        yield ("f1_at", name), sample.f1_at(coverage)


def _by_class(counts: Counts) -> dict[str, int]:
    return {f"{part}.{name}": number for part in _PARTS for name, number in getattr(counts, part).items()}
