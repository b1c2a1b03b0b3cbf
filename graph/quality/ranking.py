"""Ranking documents by a stored confidence: risk at each coverage, and how far confidence can be trusted.

Documents of equal confidence are in no order among themselves: where only a part of them is retained, each
counts with the mean of them all, which is what a random order gives on average.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, pairwise
from math import ceil

from finetune.scoring.counting import f1, share
from finetune.scoring.resampling import Drawn
from graph.quality.models import CurvePoint
from graph.quality.results import DocumentResult

_BINS = 10
_UNJUDGED = -1.0
_NO_ANNOTATION = -2.0

_LANE = 64
_EXPECTED, _FOUND, _FAULTS, _CORRECT, _DOCUMENTS = range(0, 5 * _LANE, _LANE)
"""Lanes of the large integer that a document is, as in `finetune.scoring.resampling`, by their lowest bit.

Documents are the highest, so that sums over the first documents are in the order of how many these are.
"""
_MASK = (1 << _LANE) - 1
_UNIT = 1 << 24
"""Expected correct mentions are counted in parts of one."""


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
        self._packed = [_packed(*each) for each in zip(confidence, mentions, strict=True)]
        self._bins = [
            sum(_bin(value) >= least for value in self._confidence) for least in range(_BINS, -1, -1)
        ]

    def over(self, drawn: Drawn) -> RankedSample:
        """The ranking of a sample of the documents."""
        sums = [0] * len(self._confidence)
        group, packed = self._group, self._packed
        for number in drawn:
            sums[group[number]] += packed[number]
        return RankedSample(self._confidence, list(accumulate(sums, initial=0)), self._bins)


def _packed(confidence: float, mentions: Mentions) -> int:
    found = mentions.correct + mentions.wrong
    return (
        1 << _DOCUMENTS
        | mentions.correct << _CORRECT
        | mentions.wrong + mentions.missed << _FAULTS
        | found << _FOUND
        | round(max(0.0, confidence) * found * _UNIT) << _EXPECTED
    )


def _bin(confidence: float) -> int:
    """Which of the bins of equal width a confidence is in; -1 for none."""
    return min(int(confidence * _BINS), _BINS - 1) if confidence >= 0 else -1


class RankedSample:
    """A sample of documents in the order of their confidence, the highest first."""

    def __init__(self, confidence: Sequence[float], retained: Sequence[int], bins: Sequence[int]) -> None:
        """Take sums.

        Args:
            confidence: All confidences that occur, falling.
            retained: Sums over no documents, and over those of at least each confidence.
            bins: Before which confidence each bin of them ends, the highest first; beginning with 0.
        """
        self._confidence, self._retained, self._bins = confidence, retained, bins
        self._documents = retained[-1] >> _DOCUMENTS

    def aurc(self) -> float:
        """Area under the risk-coverage curve: the mean over documents of the risk once each is retained.

        Risk is 1 - F1 of all documents that are retained. Of n documents in n different places this is
        the sum over i of the risk at coverage i/n, divided by n (Geifman, Uziel and El-Yaniv 2019);
        documents of one confidence are retained at once.
        """
        area, before = 0.0, 0
        for sums in self._retained:
            documents = sums >> _DOCUMENTS
            area += (documents - before) * (1 - f1(*_mentions(sums)))
            before = documents
        return area / self._documents

    def f1_at(self, coverage: float) -> float | None:
        """F1 of the most confident documents at a coverage; None for none of them."""
        wanted = coverage * self._documents
        if wanted <= 0:
            return None
        # A hair less, as 0.7 * 10 may be a hair more than 7.
        last = bisect_left(self._retained, ceil(wanted - 1e-9) << _DOCUMENTS)
        less, more = self._retained[last - 1], self._retained[last]
        before, after = less >> _DOCUMENTS, more >> _DOCUMENTS
        part = min(1.0, (wanted - before) / (after - before))
        return f1(
            *(low + part * (high - low) for low, high in zip(_mentions(less), _mentions(more), strict=True))
        )

    def calibration_error(self) -> float | None:
        """Expected calibration error: confidence taken for the chance that a mention is correct.

        Over ten bins of equal width, the mean of |share of correct mentions - mean confidence|, weighted by
        their mentions (Naeini, Cooper and Hauskrecht 2015). Documents without a confidence are left out.
        """
        gap = 0.0
        for start, end in pairwise(self._bins):
            sums = self._retained[end] - self._retained[start]
            gap += abs((sums >> _CORRECT & _MASK) - (sums & _MASK) / _UNIT)
        return share(gap, self._retained[self._bins[-1]] >> _FOUND & _MASK)

    def curve(self) -> Iterator[CurvePoint]:
        """A point for each confidence that occurs: all documents of at least that are retained."""
        for confidence, sums in zip(self._confidence, self._retained[1:], strict=True):
            reached = f1(*_mentions(sums))
            yield CurvePoint(
                least=confidence if confidence >= 0 else None,
                coverage=(sums >> _DOCUMENTS) / self._documents,
                f1=reached,
                risk=1 - reached,
            )


def _mentions(sums: int) -> tuple[int, int]:
    """Correct mentions, and wrong and missed ones."""
    return sums >> _CORRECT & _MASK, sums >> _FAULTS & _MASK
