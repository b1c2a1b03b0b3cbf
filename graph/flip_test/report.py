"""What the flip test counts, and its figures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Literal

from pydantic import Field

from schemas.base import Model
from schemas.judgement import FindingCode

CONFIDENCE = 0.95
"""Of the intervals."""


class Rate(Model):
    """A share with its Wilson score interval (Wilson 1927)."""

    hits: int = Field(description="How many of them.")
    of: int = Field(description="Of how many.")
    value: float | None = Field(description="hits / of; None of none.")
    low: float | None = Field(description="Lower end of the interval.")
    high: float | None = Field(description="Upper end.")


DecidedBy = Literal["code", "lint", "critic"]


class CodeReport(Model):
    """How often an injected error of one code was found."""

    code: FindingCode = Field(description="What was injected.")
    by: DecidedBy = Field(description="Who decides it; code and lint without a model.")
    found: Rate = Field(description="By a finding of this code on this very target.")
    otherwise: int = Field(
        description="Of the others, those whose target was objected to under another code."
    )
    unanswered: int = Field(description="Left out, as the critic's model brought no usable answer.")
    separation: float | None = Field(
        default=None,
        description="How often an untouched mention had a higher probability of being correct than a flipped "
        "one, ties half (area under the ROC curve); None without probabilities.",
    )


class FlipReport(Model):
    """A flip test of a critic."""

    run: str = Field(description="Where its calls are.")
    model: str = Field(description="The critic's model.")
    seed: int = Field(description="Of the places of the errors.")
    documents: int = Field(description="Documents with a correct annotation.")
    codes: tuple[CodeReport, ...] = Field(
        description="By code; those that could be injected nowhere left out."
    )
    decided_by_model: Rate = Field(description="Errors found that the critic decides.")
    decided_by_code: Rate = Field(description="Errors found that code decides; all should be.")
    false_alarms: Rate = Field(description="Untouched correct mentions that the critic objected to.")
    claimed_missing: int = Field(description="Mentions named as missing in untouched annotations.")
    tokens: int = Field(description="Prompts and answers, of all sessions of the test.")


def rate(hits: int, of: int, confidence: float = CONFIDENCE) -> Rate:
    """A share and its Wilson score interval.

    Args:
        hits: How many of them.
        of: Of how many.
        confidence: Coverage of the interval.
    """
    if not of:
        return Rate(hits=hits, of=of, value=None, low=None, high=None)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share, spread = hits / of, z * z / of
    middle = share + spread / 2
    half = z * math.sqrt(share * (1 - share) / of + spread / (4 * of))
    return Rate(
        hits=hits,
        of=of,
        value=share,
        low=max(0.0, (middle - half) / (1 + spread)),
        high=min(1.0, (middle + half) / (1 + spread)),
    )


def separation(untouched: Sequence[float], flipped: Sequence[float]) -> float | None:
    """Share of pairs in which the untouched has the higher value, ties half; None without a pair."""
    if not untouched or not flipped:
        return None
    wins = sum((one > other) + (one == other) / 2 for one in untouched for other in flipped)
    return wins / (len(untouched) * len(flipped))
