"""The folder that a training works in, from which it goes on where it was stopped or killed."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.examples import ExampleSet
from schemas.errors import UsageError
from schemas.recipe import Recipe

_BEGUN = "begun.json"


@dataclass(frozen=True, slots=True)
class Work:
    """A training that was begun.

    Attributes:
        folder: With its checkpoints: `.NAME.training` beside the folder of the adapter.
        fingerprint: Of recipe and data; another one is another training.
        checkpoint: The last that was written as a whole; None if there is none.
        seconds: Spent on what the checkpoints hold.
    """

    folder: Path
    fingerprint: str
    checkpoint: Path | None
    seconds: float

    @property
    def step(self) -> int:
        """Optimiser steps of the checkpoint."""
        return 0 if self.checkpoint is None else _step_of(self.checkpoint)

    def note(self, seconds: float) -> None:
        """Note the time spent until now, in one step: a process may be killed at any time."""
        partial = self.folder / f"{_BEGUN}.partial"
        partial.write_text(json.dumps({"fingerprint": self.fingerprint, "seconds": seconds}), "utf-8")
        os.replace(partial, self.folder / _BEGUN)


def work_folder(adapter: Path) -> Path:
    """Where checkpoints are while an adapter is trained."""
    return adapter.with_name(f".{adapter.name}.training")


def begin(adapter: Path, recipe: Recipe, examples: ExampleSet, *, writes: bool = True) -> Work:
    """Begin a training, or take up one of the same recipe and data.

    Args:
        adapter: Folder that the adapter will have.
        recipe: All settings.
        examples: What is learnt.
        writes: Whether this process makes the folder; of several that train together, one does.

    Raises:
        UsageError: A training of another recipe or other data was begun there.
    """
    if is_of_another(adapter, recipe, examples):
        raise UsageError(
            f"A training of another recipe or on other data was begun for {adapter.as_posix()}.",
            "Give --fresh to throw it away, or another --name; the same recipe and data go on with it.",
        )
    folder, fingerprint = work_folder(adapter), _fingerprint(recipe, examples)
    begun = _begun(folder)
    whole = [path for path in folder.glob("checkpoint-*") if _is_whole(path)] if begun else []
    work = Work(folder, fingerprint, max(whole, key=_step_of, default=None), float(begun.get("seconds", 0)))
    if writes and not begun:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        work.note(0.0)
    return work


def is_of_another(adapter: Path, recipe: Recipe, examples: ExampleSet) -> bool:
    """Whether a training of another recipe or other data was begun for an adapter, and not ended."""
    begun = _begun(work_folder(adapter))
    return bool(begun) and begun.get("fingerprint") != _fingerprint(recipe, examples)


def _begun(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / _BEGUN).read_text("utf-8")))
    except (OSError, ValueError):
        return {}


def _fingerprint(recipe: Recipe, examples: ExampleSet) -> str:
    return f"{examples.data_hash} {recipe.model_dump_json()}"


def _is_whole(checkpoint: Path) -> bool:
    """Whether a checkpoint was written to its end: Trainer writes its state last."""
    try:
        json.loads((checkpoint / "trainer_state.json").read_bytes())
    except (OSError, ValueError):
        return False
    return True


def _step_of(checkpoint: Path) -> int:
    return int(checkpoint.name.rpartition("-")[2])
