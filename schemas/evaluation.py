"""What a trained model is measured on, as a job file says it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from schemas.base import Model


class Misc(StrEnum):
    """What becomes of a class for whatever has no other."""

    KEEP = "keep"
    DROP = "drop"


class EvaluationConfig(Model):
    """Zero-shot evaluation on gold annotations."""

    benchmark: str | None = Field(
        default=None,
        examples=["benchmark.jsonl"],
        description="Gold to measure on: a file (JSON Lines with offsets, or CoNLL lines with BIO tags), a "
        "folder of them, one for each domain, or `crossner`.",
    )
    data: str | None = Field(
        default=None, examples=["crossner"], description="Folder of the unpacked data set, for `crossner`."
    )
    split: str = Field(default="test", description="Split of `crossner`: test or dev.")
    schema_file: str | None = Field(
        default=None,
        examples=["schema.json"],
        description="Classes and guidelines of the gold, as Python or JSON; default: those there are for "
        "`crossner`, else the bare names of the labels.",
    )
    misc: Misc = Field(
        default=Misc.KEEP,
        description="Whether CrossNER's class for whatever has no other counts: kept by GoLLIE and GuideX, "
        "dropped by UniNER, GNER and B2NER, which is worth about two points of F1.",
    )
    domains: tuple[str, ...] = Field(default=(), description="Only these domains; default: all.")
    sentences: int | None = Field(
        default=None, ge=1, description="Only so many sentences of each domain, drawn with the job's seed."
    )
    max_tokens: int = Field(default=256, ge=16, description="Most tokens of an answer.")
