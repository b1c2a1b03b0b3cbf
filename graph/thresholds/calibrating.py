"""Confidence in a mention made the chance that it is correct.

The confidence is the share of annotators who have the mention, times the probability of being correct that
the critic's model gives it (its verdict counts as certain where it gives none; without a verdict the share
alone). What it is worth is learnt from gold or reviews by isotonic regression: of two mentions the one of
higher confidence never gets the lower chance (Zadrozny and Elkan 2002). What is reported of it is of
documents that it was not learnt from.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random

from graph.store.reading import RunReader
from graph.thresholds.facts import RunFacts, kept_rounds
from graph.thresholds.models import Bin, CalibrationReport
from graph.thresholds.truth import Truth, mentions_of
from schemas.annotation import TypedSpan
from schemas.errors import UsageError
from schemas.judgement import Verdict

_BINS = 10
_FOLDS = 5
_ANNOTATORS = """
    SELECT a.round_id, m.class, m.start, m."end", count(DISTINCT a.id)
    FROM annotations a JOIN mentions m ON m.annotation_id = a.id
    WHERE a.round_id IN (SELECT value FROM json_each(?)) AND a.agreed = 0 AND m.start IS NOT NULL
        AND m.number = (SELECT min(n.number) FROM mentions n
            WHERE n.annotation_id = m.annotation_id AND n.instance = m.instance)
    GROUP BY 1, 2, 3, 4"""
_VERDICTS = """
    SELECT round_id, class, start, "end", verdict, probability FROM verdicts
    WHERE round_id IN (SELECT value FROM json_each(?))"""

Predict = Callable[[Sequence[float]], list[float]]


@dataclass(frozen=True, slots=True)
class JudgedMention:
    """A mention of the round that is kept of a document.

    Attributes:
        document_id: The document.
        mention: Start, end and class.
        confidence: Between 0 and 1.
        correct: Whether it is right.
    """

    document_id: str
    mention: TypedSpan
    confidence: float
    correct: bool


def judged_mentions(reader: RunReader, facts: RunFacts, truth: Truth) -> Iterator[JudgedMention]:
    """The mentions of kept rounds of which it is known whether they are correct.

    Raises:
        StoreError: The run cannot be read.
    """
    known = [document for document in facts.documents if document.id in truth.documents]
    rounds = dict(zip(kept_rounds(known), known, strict=True))
    wanted = json.dumps(list(rounds))
    having: dict[tuple[int, TypedSpan], int] = {
        (at, (start, end, name)): count for at, name, start, end, count in reader.rows(_ANNOTATORS, wanted)
    }
    chances: dict[tuple[int, TypedSpan], float] = {
        (at, (start, end, name)): float(said == Verdict.CORRECT) if chance is None else chance
        for at, name, start, end, said, chance in reader.rows(_VERDICTS, wanted)
    }
    annotators = dict(
        reader.rows(
            "SELECT round_id, count(*) FROM annotations WHERE agreed = 0"
            " AND round_id IN (SELECT value FROM json_each(?)) GROUP BY 1",
            wanted,
        )
    )
    for at, mentions in mentions_of(reader, list(rounds)).items():
        for mention in sorted(mentions):
            correct = truth.is_correct(rounds[at].id, mention)
            if correct is not None:
                share = having.get((at, mention), 0) / max(1, annotators.get(at, 0))
                confidence = share * chances.get((at, mention), 1.0)
                yield JudgedMention(rounds[at].id, mention, confidence, correct)


def calibrate(mentions: Sequence[JudgedMention], seed: int = 0) -> CalibrationReport:
    """Learn how likely mentions are to be correct, and how far that holds for other documents.

    Args:
        mentions: Those of which it is known.
        seed: Of the parts: each document is told its chances by what was learnt from the other parts.

    Raises:
        UsageError: There are too few documents, or scikit-learn is not installed.
    """
    documents = sorted({each.document_id for each in mentions})
    if len(documents) < 2 * _FOLDS:
        raise UsageError(
            f"Mentions of {len(documents)} documents are too few to learn chances from.",
            f"Give gold or reviews of {2 * _FOLDS} documents with mentions at least.",
        )
    Random(seed).shuffle(documents)
    fold_of = {document: number % _FOLDS for number, document in enumerate(documents)}
    chances = [0.0] * len(mentions)
    for fold in range(_FOLDS):
        held = [number for number, each in enumerate(mentions) if fold_of[each.document_id] == fold]
        predict, _ = _fitted([each for each in mentions if fold_of[each.document_id] != fold])
        for number, chance in zip(held, predict([mentions[each].confidence for each in held]), strict=True):
            chances[number] = chance
    confidence = [each.confidence for each in mentions]
    correct = [each.correct for each in mentions]
    before, after = reliability(confidence, correct), reliability(chances, correct)
    return CalibrationReport(
        documents=len(documents),
        mentions=len(mentions),
        correct=sum(correct) / len(correct),
        folds=_FOLDS,
        ece_before=calibration_error(before),
        ece_after=calibration_error(after),
        brier_before=_brier(confidence, correct),
        brier_after=_brier(chances, correct),
        before=before,
        after=after,
        curve=_fitted(mentions)[1],
    )


def _fitted(mentions: Sequence[JudgedMention]) -> tuple[Predict, tuple[tuple[float, float], ...]]:
    """What tells chances from confidences, and the points it is straight between."""
    try:
        from sklearn.isotonic import IsotonicRegression
    except ImportError as error:
        raise UsageError(
            "Calibration takes scikit-learn, which is not installed.",
            "Run `pip install -e '.[calibration]'` in GuideX's folder.",
        ) from error
    model = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip")
    model.fit([each.confidence for each in mentions], [float(each.correct) for each in mentions])
    curve = zip(model.X_thresholds_.tolist(), model.y_thresholds_.tolist(), strict=True)

    def predict(confidences: Sequence[float]) -> list[float]:
        return list(map(float, model.predict(list(confidences)))) if confidences else []

    return predict, tuple(curve)


def reliability(chances: Sequence[float], correct: Sequence[bool]) -> tuple[Bin, ...]:
    """Mentions in ten bins of equal width by their chance; empty ones are left out."""
    bins: dict[int, list[int]] = {}
    for number, chance in enumerate(chances):
        bins.setdefault(min(int(chance * _BINS), _BINS - 1), []).append(number)
    return tuple(
        Bin(
            low=at / _BINS,
            high=(at + 1) / _BINS,
            mentions=len(held),
            confidence=sum(chances[number] for number in held) / len(held),
            correct=sum(correct[number] for number in held) / len(held),
        )
        for at, held in sorted(bins.items())
    )


def calibration_error(bins: Sequence[Bin]) -> float:
    """Expected calibration error: mean of |share of correct - mean chance| over bins, by their mentions."""
    mentions = sum(each.mentions for each in bins)
    return sum(each.mentions * abs(each.correct - each.confidence) for each in bins) / mentions


def _brier(chances: Sequence[float], correct: Sequence[bool]) -> float:
    return sum((chance - said) ** 2 for chance, said in zip(chances, correct, strict=True)) / len(correct)
