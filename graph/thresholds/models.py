"""What is reported about thresholds that were tried."""

from __future__ import annotations

from pydantic import Field

from finetune.scoring.models import Figure
from schemas.base import Model
from schemas.judgement import Thresholds


class Point(Model):
    """What a setting comes to."""

    settings: dict[str, float] = Field(description="Thresholds that are tried; the others are as in force.")
    accepted: int = Field(description="Documents.")
    share: float = Field(description="Of the judged documents.")
    instances: int = Field(description="Agreed instances of the accepted documents, disputed ones dropped.")
    means: dict[str, float | None] = Field(
        description="Mean scores of the accepted documents that have them."
    )
    counts: dict[str, int] = Field(
        default={},
        description="Correct, wrong, missed and unseen mentions of the accepted documents, and how many of "
        "these are usable or unusable to reviewers; as far as it is known.",
    )
    figures: dict[str, Figure] = Field(
        default={}, description="Against gold or reviews; `about` of the report says what each is."
    )


class AxisSweep(Model):
    """One threshold, the others as in force."""

    name: str = Field(description="As in the job file.")
    in_force: float = Field(description="Its value now.")
    points: tuple[Point, ...] = Field(description="Rising.")


class HeldOut(Model):
    """What the way of choosing is worth on documents that it has not seen."""

    folds: int = Field(description="Parts of the documents; each is measured by what the others chose.")
    reached: int = Field(description="In how many of them the others had a setting that reached the target.")
    share: float = Field(description="Accepted documents / documents of which something is known.")
    figures: dict[str, float | None] = Field(description="Over all parts together.")


class Recommendation(Model):
    """The setting for a target."""

    target: str = Field(description="'precision' or 'yield'.")
    wanted: float = Field(description="The least value.")
    reached: bool = Field(description="Whether a setting reaches it; else this is the nearest to it.")
    criterion: str = Field(description="By what it was chosen among those that reach it.")
    point: Point = Field(description="What it comes to, on the documents it was chosen on.")
    thresholds: Thresholds = Field(description="All of them.")
    held_out: HeldOut | None = Field(description="None where nothing is known of the documents.")


class Bin(Model):
    """Mentions of about one confidence."""

    low: float = Field(description="Least confidence.")
    high: float = Field(description="Greatest confidence.")
    mentions: int = Field(description="How many.")
    confidence: float = Field(description="Their mean confidence.")
    correct: float = Field(description="Share of correct ones.")


class CalibrationReport(Model):
    """How far the confidence in a mention is the chance that it is correct, and how to make it so."""

    documents: int = Field(description="Documents of which something is known.")
    mentions: int = Field(description="Their mentions.")
    correct: float = Field(description="Share of correct ones.")
    folds: int = Field(description="Parts of the documents; each is told its chances by the others.")
    ece_before: float = Field(description="Expected calibration error of the confidence, ten bins.")
    ece_after: float = Field(description="Of the calibrated chances, of documents they were not fitted on.")
    brier_before: float = Field(description="Mean squared error of the confidence.")
    brier_after: float = Field(description="Of the calibrated chances.")
    before: tuple[Bin, ...] = Field(description="Reliability of the confidence.")
    after: tuple[Bin, ...] = Field(description="Reliability of the calibrated chances.")
    curve: tuple[tuple[float, float], ...] = Field(
        description="Confidence and chance of being correct, fitted on all; straight between two points."
    )


class SweepReport(Model):
    """A run under other thresholds."""

    run: str = Field(description="The run.")
    version: int = Field(description="The version of decisions in force.")
    thresholds: Thresholds = Field(description="Those in force.")
    documents: int = Field(description="Judged documents.")
    others: dict[str, int] = Field(description="Documents that thresholds do not decide on, by state.")
    truth: str | None = Field(description="'gold', 'reviews', or None where nothing is known.")
    known: int = Field(description="Judged documents of which something is known.")
    about: dict[str, str] = Field(description="What each figure is.")
    level: float = Field(description="Of the intervals.")
    samples: int = Field(description="Bootstrap resamples of the known documents.")
    seed: int = Field(description="Of the bootstrap and of the parts.")
    in_force: Point = Field(description="What is in force, as it is decided again.")
    axes: tuple[AxisSweep, ...] = Field(description="Each threshold alone.")
    joint: tuple[str, ...] = Field(description="Thresholds that were tried together.")
    settings: int = Field(description="How many settings of these.")
    front_by: str = Field(description="What `front` sets against yield.")
    front: tuple[Point, ...] = Field(
        description="The settings that no other one beats in yield and in `front_by`, falling in yield."
    )
    recommendation: Recommendation | None = Field(description="For the target, if one was given.")
    calibration: CalibrationReport | None = Field(
        default=None, description="Of mentions, if it was asked for."
    )
    notes: tuple[str, ...] = Field(description="What has to be said about all this.")
