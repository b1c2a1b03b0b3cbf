"""What is said about a training, while it goes on and afterwards."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pydantic import Field, JsonValue

from finetune.examples import ExamplesReport
from schemas.base import Model
from schemas.errors import UsageError
from schemas.recipe import Recipe

RECIPE_FILE = "recipe.toml"
REPORT_FILE = "training.json"
CARD_FILE = "README.md"


class TrainingProgress(NamedTuple):
    """How far a training is.

    Attributes:
        step: Optimiser steps done.
        steps: Of all.
        tokens: Trained in this process.
        steps_tokens: That this process will have trained in the end.
        seconds: Spent on them.
        loss: Of the last step, mean over result tokens; None before there is one.
        validation_loss: Of the last validation.
    """

    step: int
    steps: int
    tokens: int
    steps_tokens: int
    seconds: float
    loss: float | None
    validation_loss: float | None


class Loss(Model):
    """The loss at a step."""

    step: int = Field(description="Optimiser steps done.")
    loss: float = Field(description="Mean negative log-likelihood of a result token, in nats.")


class Provenance(Model):
    """Where the data is from."""

    data: str = Field(description="Name of the run, or the file.")
    which: str = Field(default="", description="Which documents of the run.")
    decision_version: int | None = Field(
        default=None, description="Version of the decisions in force when it was read."
    )
    thresholds: dict[str, JsonValue] = Field(default_factory=dict, description="By which it was decided.")
    models: tuple[str, ...] = Field(default=(), description="Models that annotated the documents.")
    gold: tuple[str, ...] = Field(default=(), description="Gold files that were mixed in.")
    guidex: str = Field(default="", description="Version of GuideX.")


class TrainingReport(Model):
    """What was trained, on what, and how it went; kept beside the adapter."""

    name: str = Field(description="Of the adapter.")
    base: str = Field(description="As it was asked for.")
    recipe: Recipe = Field(description="All settings.")
    data_hash: str = Field(description="Of the examples with their settings and seed, SHA-256.")
    examples: ExamplesReport = Field(description="How documents became examples.")
    provenance: Provenance = Field(description="Where the data is from.")
    steps: int = Field(description="Optimiser steps.")
    steps_planned: int = Field(description="Steps there would have been without stopping early.")
    epochs: float = Field(description="Passes over the examples.")
    examples_seen: int = Field(description="Examples that were trained on, each time counted.")
    tokens: int = Field(description="Trained on: of prompts, results and ends.")
    result_tokens: int = Field(description="Of these, tokens that were learnt from.")
    losses: tuple[Loss, ...] = Field(description="Training loss of each step.")
    validation: tuple[Loss, ...] = Field(default=(), description="Loss of what was held out.")
    trained_parameters: int = Field(description="Of the adapter.")
    parameters: int = Field(description="Of base and adapter.")
    seconds: float = Field(
        description="Of training; if a process was killed, of that until its last checkpoint."
    )
    peak_memory: int = Field(description="Most memory of the last process, in bytes: its own, not the GPU's.")
    peak_gpu_memory: int | None = Field(
        default=None, description="Most memory allocated on the GPU, in bytes."
    )
    device: str = Field(description="What it was trained on.")
    dtype: str = Field(description="Type of the base's weights, and of products with them.")
    versions: dict[str, str] = Field(description="Of the libraries.")

    def is_of(self, recipe: Recipe, data_hash: str) -> bool:
        """Whether it is what training by a recipe on such data comes to."""
        return (self.recipe, self.data_hash) == (recipe, data_hash)

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens by the seconds they took; None where nothing was trained."""
        return self.tokens / self.seconds if self.seconds else None


def read_report(folder: Path) -> TrainingReport:
    """The report of an adapter.

    Raises:
        UsageError: There is no adapter that GuideX has trained.
    """
    try:
        return TrainingReport.model_validate_json((folder / REPORT_FILE).read_bytes())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{folder.as_posix()} is no adapter that GuideX has trained: {REPORT_FILE} cannot be read.",
            "`guidex train` makes one in adapters/ of a run.",
        ) from error


class Trained(NamedTuple):
    """The end of a training.

    Attributes:
        folder: Of the adapter.
        report: None if it was stopped before its end; the same command goes on.
        already: Whether it was there before.
    """

    folder: Path
    report: TrainingReport | None
    already: bool = False
