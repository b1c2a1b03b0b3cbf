"""How documents are annotated: by the agents, or by one of the controls that they are measured against."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Model


class Method(StrEnum):
    """How documents are annotated."""

    AGENTS = "agents"
    LINEAR = "linear"
    SELF_CONSISTENCY = "self-consistency"


class SelfConsistencyConfig(Model):
    """Settings of the method self-consistency: one annotator asked several times, and the majority kept."""

    samples: int = Field(default=5, ge=1, le=50, description="How often the first annotator is asked.")
    temperature: float = Field(
        default=0.7,
        gt=0,
        le=2,
        description="Temperature of the samples, whatever the annotator's; at 0 they would be alike.",
    )
    agreement: float = Field(
        default=0,
        ge=0,
        le=1,
        description="Least agreement between the samples; 0 accepts whatever a majority found. The "
        "thresholds of the agents do not count here, but for min_instances.",
    )
