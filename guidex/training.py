"""What is trained on: the documents of a run or an exported file, with where they are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.examples import Blocking, ExampleSet, Source, build_examples
from finetune.examples.reading import read_sources
from finetune.training.models import Provenance
from graph.store.reading import RunReader
from graph.store.versions import job_of_run, thresholds_of_version, version_in_force
from graph.training_data import Which, sources_of_run
from guidex.run_folders import find_run, has_run
from guidex.version import version
from schemas.errors import UsageError
from schemas.job import Job

if TYPE_CHECKING:
    from finetune.examples import CountTokens
    from schemas.recipe import Recipe


@dataclass(frozen=True)
class TrainingData:
    """Annotated documents and where they are from.

    Attributes:
        sources: The documents.
        provenance: Where they are from.
        adapters: The folder that adapters trained on them are put into.
        job: Of the run; None for a file.
        gold: Annotations by people, mixed in.
    """

    sources: tuple[Source, ...]
    provenance: Provenance
    adapters: Path
    job: Job | None = None
    gold: tuple[Source, ...] = field(default=())

    def examples(self, recipe: Recipe, count_tokens: CountTokens, blocked: Sequence[str] = ()) -> ExampleSet:
        """Examples by a recipe.

        Args:
            recipe: What is taken, and the regularisers; the seed is the training's.
            count_tokens: The tokenizer of the base.
            blocked: Labels that must not be seen.

        Raises:
            UsageError: Nothing is left to train on.
        """
        return build_examples(
            self.sources,
            recipe.examples,
            seed=recipe.training.seed,
            count_tokens=count_tokens,
            gold=self.gold,
            blocking=Blocking(tuple(blocked)) if blocked else None,
        )


def training_data(run_or_file: str, runs_dir: Path, which: Which = Which.ACCEPTED) -> TrainingData:
    """Read what is to be trained on.

    Args:
        run_or_file: A run's name, its folder, or a file that `guidex export` has written.
        runs_dir: Where runs are.
        which: Which documents of a run.

    Raises:
        UsageError: There is neither a run nor a file, or there is nothing in it.
        DocumentError: The file is no export.
        StoreError: The run cannot be read.
    """
    path = Path(run_or_file)
    if path.is_file() and not has_run(runs_dir / run_or_file):
        sources = tuple(read_sources(path))
        if not sources:
            raise UsageError(f"There is no row in {path.as_posix()}.", "Export documents that were accepted.")
        provenance = Provenance(data=path.name, guidex=version())
        return TrainingData(sources, provenance, path.parent / "adapters")
    with find_run(run_or_file, runs_dir) as reader:
        return _of_run(reader, which)


def _shown(model: str) -> str:
    """A model without the folder of its file, which is of this machine."""
    return f"local/{Path(model).name}" if model.lower().endswith(".gguf") else model


def _of_run(reader: RunReader, which: Which) -> TrainingData:
    sources, name = tuple(sources_of_run(reader, which)), reader.folder.resolve().name
    if not sources:
        raise UsageError(
            f"No document of {name} was {which.value}, so there is nothing to train on.",
            f"Look at other thresholds: guidex threshold sweep {name}.",
        )
    in_force, job = version_in_force(reader), job_of_run(reader)
    provenance = Provenance(
        data=name,
        which=which.value,
        decision_version=in_force,
        thresholds=thresholds_of_version(reader, in_force).model_dump(mode="json"),
        models=tuple(dict.fromkeys(_shown(model.name) for model in job.models)),
        guidex=version(),
    )
    return TrainingData(sources, provenance, reader.folder / "adapters", job)
