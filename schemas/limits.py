"""Where a run stops, and what its models cost: keys of the job file."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from schemas.base import Model

_TIME = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h)?")
_UNITS = {None: 1, "s": 1, "m": 60, "h": 3600}


class Limits(Model):
    """Where a run ends or stops, to be taken up again. They hold over all its sessions, but for the time."""

    cost: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        examples=[5],
        description="Most the run may cost, in USD. The price of every model must be known.",
    )
    tokens: int | None = Field(
        default=None,
        ge=1,
        examples=[1_000_000],
        description="Most tokens of the run, prompts and answers of all attempts.",
    )
    time: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        examples=["15m"],
        description='Wall time of a session after which no call is sent: seconds, or as in "15m" and "2h".',
    )

    target_accepted: int | None = Field(
        default=None, ge=1, examples=[500], description="Begin no more documents once so many are accepted."
    )
    max_candidates: int | None = Field(
        default=None, ge=1, examples=[2_000], description="Most documents that are worked on."
    )
    fail_on_error: float | None = Field(
        default=None,
        gt=0,
        allow_inf_nan=False,
        examples=[0.1],
        description="Stop as failed when so many documents have failed: below 1 a fraction of all documents, "
        "else a number of them.",
    )

    @field_validator("fail_on_error")
    @classmethod
    def _fraction_or_number(cls, value: float | None) -> float | None:
        if value is not None and value > 1 and not value.is_integer():
            raise ValueError("write a fraction below 1, or a whole number of documents")
        return value

    @property
    def bound_spending(self) -> bool:
        """Whether requests are limited in what they may take."""
        return self.cost is not None or self.tokens is not None or self.time is not None

    def too_many_failed(self, failed: int, documents: int) -> str:
        """Why a run has failed as a whole; empty if it has not.

        Args:
            failed: Documents that failed.
            documents: All of the run.
        """
        limit = self.fail_on_error
        if limit is None:
            return ""
        if limit < 1 and failed > limit * documents:
            return f"{failed} of {documents} documents failed, a fraction of {limit:g} allowed"
        return (
            f"{failed} of {documents} documents failed, the limit is {limit:g}"
            if 1 <= limit <= failed
            else ""
        )

    @field_validator("time", mode="before")
    @classmethod
    def _time_in_seconds(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = _TIME.fullmatch(value.strip().lower())
        if found is None:
            raise ValueError("write it as 90, 90s, 15m or 2h")
        return float(found[1]) * _UNITS[found[2]]


class PriceConfig(Model):
    """What a model costs, in USD per million tokens."""

    input: float = Field(ge=0, allow_inf_nan=False, examples=[0.5], description="Prompt tokens.")
    output: float = Field(ge=0, allow_inf_nan=False, examples=[2.0], description="Generated tokens.")
    cached_input: float | None = Field(
        default=None,
        ge=0,
        allow_inf_nan=False,
        examples=[0.05],
        description="Prompt tokens from the prefix cache; default: as other prompt tokens.",
    )
