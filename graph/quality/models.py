"""What is reported about the quality of runs."""

from __future__ import annotations

from pydantic import Field

from finetune.scoring.models import Difference, Figure
from schemas.base import Model


class CurvePoint(Model):
    """The documents of at least some confidence."""

    least: float | None = Field(description="The least confidence; None where none is stored.")
    coverage: float = Field(description="Their share of the documents.")
    f1: float = Field(description="Strict F1 of their annotations.")
    risk: float = Field(description="1 - F1.")


class RankingQuality(Model):
    """What comes of retaining only the documents with the highest confidence, accepted or not."""

    scored: int = Field(description="Documents that have such a score; the others come last.")
    aurc: Figure = Field(description="Area under the risk-coverage curve; lower is better.")
    calibration_error: Figure = Field(
        description="Expected calibration error of the confidence as chance that a mention is correct."
    )
    f1_at: dict[str, Figure] = Field(description="Strict F1 at each coverage, in percent.")
    curve: tuple[CurvePoint, ...] = Field(description="The risk-coverage curve, the most confident first.")


class ClassQuality(Model):
    """Accepted mentions of one class, strict."""

    correct: int = Field(description="Mentions found that are in the gold.")
    wrong: int = Field(description="Mentions found that are not in the gold.")
    missed: int = Field(description="Mentions of the gold that were not found.")
    precision: Figure = Field(description="Correct / (correct + wrong).")
    recall: Figure = Field(description="Correct / (correct + missed).")
    f1: Figure = Field(description="Harmonic mean of the two.")


class RunQuality(Model):
    """One run against the gold."""

    run: str = Field(description="The run.")
    outcomes: dict[str, int] = Field(description="Documents that are compared, by where they ended.")
    counts: dict[str, dict[str, int]] = Field(
        description="Correct, wrong and missed mentions of accepted documents, by measure."
    )
    mistakes: dict[str, int] = Field(description="Of accepted documents, by kind, the most frequent first.")
    figures: dict[str, Figure] = Field(description="Each as its name says; `about` has the definitions.")
    classes: dict[str, ClassQuality] = Field(description="By class, of accepted documents.")
    rankings: dict[str, RankingQuality] = Field(
        description="By confidence; intervals only for the one by which coverage is matched."
    )
    without_gold: int = Field(description="Documents of the run that the gold does not have.")
    not_compared: int = Field(description="Documents with gold that another run does not have.")
    from_elsewhere: int = Field(description="Answers taken from other runs; their tokens are not counted.")


class RunDifference(Model):
    """Two runs, figure by figure."""

    run: str = Field(description="The run.")
    against: str = Field(description="What is subtracted.")
    figures: dict[str, Difference] = Field(description="Differences of the figures of these names.")


class MatchedCoverage(Model):
    """What a run accepted, against as many documents of a run chosen by confidence alone."""

    run: str = Field(description="The run whose accepted documents are taken.")
    ranked: str = Field(description="The run whose most confident documents are taken; may be the same.")
    coverage: Figure = Field(description="Share of documents that the first accepted.")
    accepted_f1: Figure = Field(description="Strict F1 of these.")
    ranked_f1: Figure = Field(description="Strict F1 of the other's at the same coverage.")
    difference: Difference = Field(description="The first less the second.")


class QualityReport(Model):
    """Runs against gold."""

    gold: tuple[str, ...] = Field(description="The gold files.")
    gold_documents: int = Field(description="Documents in them.")
    compared: int = Field(description="Documents that all runs have; every figure is of these.")
    repeated: tuple[str, ...] = Field(description="Further copies of a text in the gold, left out.")
    repaired: tuple[str, ...] = Field(description="Tags of the gold that continued no mention.")
    only_gold: tuple[str, ...] = Field(description="Classes of the gold that no schema has.")
    only_run: tuple[str, ...] = Field(description="Classes of schemas that the gold has no mention of.")
    ignored: tuple[str, ...] = Field(description="Classes whose mentions were left out on both sides.")
    confidence: str = Field(description="By which confidence coverage is matched.")
    level: float = Field(description="Of the intervals.")
    samples: int = Field(description="Bootstrap resamples of the documents.")
    seed: int = Field(description="Of the bootstrap.")
    about: dict[str, str] = Field(description="What each figure is.")
    runs: tuple[RunQuality, ...] = Field(description="In the order given.")
    differences: tuple[RunDifference, ...] = Field(description="Every later run less every earlier one.")
    matched: tuple[MatchedCoverage, ...] = Field(description="At the coverage of each run's acceptance.")
