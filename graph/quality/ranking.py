"""Ranking documents by a stored confidence: risk at each coverage, and how far confidence can be trusted.

Documents of equal confidence are in no order among themselves: where only a part of them is retained, each
counts with the mean of them all, which is what a random order gives on average.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from graph.quality.counting import f1, share
from graph.quality.models import CurvePoint
from graph.quality.resampling import Drawn
from graph.quality.results import DocumentResult

_BINS = 10
_UNJUDGED = -1.0
_NO_ANNOTATION = -2.0
_LANE = 40
_MASK = (1 << _LANE) - 1


class Confidence(StrEnum):
    """What documents are ranked by: scores of the round that was kept."""

    AGREEMENT = "agreement"
    FAITHFULNESS = "faithfulness"
    MEAN = "mean"
    MIN = "min"

    def of(self, document: DocumentResult) -> float:
        """Confidence in a document's annotation; negative where no such score is stored.

        Mean and minimum are of agreement and faithfulness, or of the one that is stored.
        """
        if document.found is None or document.scores is None:
            return _NO_ANNOTATION
        agreement, faithfulness = document.scores.agreement, document.scores.faithfulness
        wanted = {
            Confidence.AGREEMENT: (agreement,),
            Confidence.FAITHFULNESS: (faithfulness,),
        }.get(self, (agreement, faithfulness))
        known = [score for score in wanted if score is not None]
        if not known:
            return _UNJUDGED
        return min(known) if self is Confidence.MIN else sum(known) / len(known)


@dataclass(frozen=True, slots=True)
class Mentions:
    """How many mentions of a document's annotation are correct and wrong, and how many it lacks."""

    correct: int
    wrong: int
    missed: int


@dataclass(frozen=True, slots=True)
class _Group:
    """Documents of one confidence in a sample."""

    confidence: float
    documents: int
    correct: int
    wrong: int
    missed: int


class Ranking:
    """Documents in the order of a confidence, the highest first."""

    def __init__(self, confidence: Sequence[float], mentions: Sequence[Mentions]) -> None:
        """Rank documents.

        Args:
            confidence: Of each document; negative where there is none.
            mentions: Of each document.
        """
        self._confidence = sorted(set(confidence), reverse=True)
        place = {value: number for number, value in enumerate(self._confidence)}
        self._group = [place[value] for value in confidence]
        self._packed = [
            1 | each.correct << _LANE | each.wrong << 2 * _LANE | each.missed << 3 * _LANE
            for each in mentions
        ]

    def over(self, drawn: Drawn) -> RankedSample:
        """The ranking of a sample of the documents."""
        sums = [0] * len(self._confidence)
        group, packed = self._group, self._packed
        for number in drawn:
            sums[group[number]] += packed[number]
        groups = (
            _Group(confidence, *(total >> lane * _LANE & _MASK for lane in range(4)))
            for confidence, total in zip(self._confidence, sums, strict=True)
            if total
        )
        return RankedSample(tuple(groups))


class RankedSample:
    """A sample of documents, grouped by their confidence, the highest first."""

    def __init__(self, groups: Sequence[_Group]) -> None:
        self._groups = groups
        self._retained = [(0, 0, 0)]
        for group in groups:
            documents, correct, faults = self._retained[-1]
            self._retained.append(
                (
                    documents + group.documents,
                    correct + group.correct,
                    faults + group.wrong + group.missed,
                )
            )
        self._documents = self._retained[-1][0]

    def aurc(self) -> float:
        """Area under the risk-coverage curve: the mean over documents of the risk once each is retained.

        Risk is 1 - F1 of all documents that are retained. Of n documents in n different places this is
        the sum over i of the risk at coverage i/n, divided by n (Geifman, Uziel and El-Yaniv 2019);
        documents of one confidence are retained at once.
        """
        steps = zip(self._groups, self._retained[1:], strict=True)
        return sum(group.documents * (1 - f1(*sums)) for group, (_, *sums) in steps) / self._documents

    def f1_at(self, coverage: float) -> float | None:
        """F1 of the most confident documents at a coverage; None for none of them."""
        wanted = coverage * self._documents
        if wanted <= 0:
            return None
        # A hair less, as 0.7 * 10 is a hair more than 7.
        last = bisect_left(self._retained, wanted - 1e-9, key=lambda sums: sums[0])
        before, after = self._retained[last - 1], self._retained[last]
        part = min(1.0, (wanted - before[0]) / (after[0] - before[0]))
        correct, faults = (low + part * (high - low) for low, high in zip(before[1:], after[1:], strict=True))
        return f1(correct, faults)

    def calibration_error(self) -> float | None:
        """Expected calibration error: confidence taken for the chance that a mention is correct.

        Over ten bins of equal width, the mean of |share of correct mentions - mean confidence|, weighted by
        their mentions (Naeini, Cooper and Hauskrecht 2015). Documents without a confidence are left out.
        """
        gaps, total = [0.0] * _BINS, 0
        for group in self._groups:
            if group.confidence >= 0:
                mentions = group.correct + group.wrong
                total += mentions
                gaps[min(int(group.confidence * _BINS), _BINS - 1)] += (
                    group.correct - group.confidence * mentions
                )
        return share(sum(map(abs, gaps)), total)

    def curve(self) -> Iterator[CurvePoint]:
        """A point for each confidence that occurs: all documents of at least that are retained."""
        for group, (documents, *sums) in zip(self._groups, self._retained[1:], strict=True):
            reached = f1(*sums)
            yield CurvePoint(
                least=group.confidence if group.confidence >= 0 else None,
                coverage=documents / self._documents,
                f1=reached,
                risk=1 - reached,
            )
