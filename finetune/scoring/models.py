"""Figures, and how sure they are."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Model


class Figure(Model):
    """A figure with its bootstrap interval."""

    value: float | None = Field(description="Of all documents; None where it is not defined.")
    low: float | None = Field(default=None, description="Lower end of the interval.")
    high: float | None = Field(default=None, description="Upper end of the interval.")


class Difference(Figure):
    """How much higher a figure is than another, over the same documents and resamples."""

    same_sign: float | None = Field(
        description="Share of resamples in which the difference has the sign it has over all documents."
    )
