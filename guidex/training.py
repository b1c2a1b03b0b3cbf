"""What is trained on: the documents of a run or an exported file, with where they are from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from finetune.examples import Blocking, ExampleSet, Source, build_examples
from finetune.examples.gold import gold_sources
from finetune.examples.names import NEAR, embedding_similarity
from finetune.examples.reading import read_sources
from finetune.gold import read_gold
from finetune.training.models import Provenance
from graph.exports.about import shown_model
from graph.store.reading import RunReader
from graph.store.versions import job_of_run, thresholds_of_version, version_in_force
from graph.training_data import Which, sources_of_run
from guidex.given_schemas import load_schema
from guidex.label_files import read_labels
from guidex.run_folders import find_run, has_run
from guidex.version import version as guidex_version
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

    def examples(
        self, recipe: Recipe, count_tokens: CountTokens, blocking: Blocking | None = None
    ) -> ExampleSet:
        """Examples by a recipe.

        Args:
            recipe: What is taken, and the regularisers; the seed is the training's.
            count_tokens: The tokenizer of the base.
            blocking: Labels that must not be seen.

        Raises:
            UsageError: Nothing is left to train on.
        """
        return build_examples(
            self.sources,
            recipe.examples,
            seed=recipe.training.seed,
            count_tokens=count_tokens,
            gold=self.gold,
            blocking=blocking,
        )


def training_data(
    run_or_file: str,
    runs_dir: Path,
    which: Which = Which.ACCEPTED,
    *,
    version: int | None = None,
    gold: Sequence[Path] = (),
    gold_schema: Path | None = None,
) -> TrainingData:
    """Read what is to be trained on.

    Args:
        run_or_file: A run's name, its folder, or a file that `guidex export` has written.
        runs_dir: Where runs are.
        which: Which documents of a run.
        version: Of a run's decisions; None takes those in force.
        gold: Files of annotations by people, each with a label set of its own.
        gold_schema: A file of classes and guidelines for their labels; None takes the bare labels.

    Raises:
        UsageError: There is neither a run nor a file, there is nothing in it, a file is asked for what only
            a run has, or a label of the gold has no class.
        DocumentError: The file is no export, or a file no gold.
        StoreError: The run cannot be read.
    """
    path = Path(run_or_file)
    schema = load_schema(gold_schema).annotation_schema if gold_schema else None
    mixed_in = tuple(one for file in gold for one in gold_sources(read_gold([file]), schema))
    if path.is_file() and not has_run(runs_dir / run_or_file):
        if which is not Which.ACCEPTED or version is not None:
            raise UsageError(
                f"{path.as_posix()} is a file, and only a run has documents by outcome and versions of "
                "decisions.",
                "Name a run, or leave --which and --decisions out.",
            )
        sources = tuple(read_sources(path))
        if not sources:
            raise UsageError(f"There is no row in {path.as_posix()}.", "Export documents that were accepted.")
        provenance = Provenance(data=path.name, guidex=guidex_version())
        data = TrainingData(sources, provenance, path.parent / "adapters")
    else:
        with find_run(run_or_file, runs_dir) as reader:
            data = _of_run(reader, which, version)
    provenance = data.provenance.model_copy(update={"gold": tuple(file.name for file in gold)})
    return replace(data, gold=mixed_in, provenance=provenance)


def blocking_of(labels: Path, *, near: float | None = None, embedded_by: str | None = None) -> Blocking:
    """Labels of a file that must not be seen in training.

    Args:
        labels: The file; see `read_labels`.
        near: Similarity of names from which a class is blocked; default: as it suits the similarity.
        embedded_by: A base by whose token embeddings names are compared; None compares them as strings.

    Raises:
        UsageError: The file has no labels.
        ModelUnavailableError: The base cannot be loaded.
    """
    read = read_labels(labels)
    if embedded_by is None:
        return Blocking(read, threshold=NEAR if near is None else near)
    from finetune.training import name_embeddings

    similarity = embedding_similarity(name_embeddings.name_embeddings(embedded_by))
    return Blocking(read, similarity, name_embeddings.NEAR if near is None else near)


def _of_run(reader: RunReader, which: Which, version: int | None) -> TrainingData:
    sources, name = tuple(sources_of_run(reader, which, version)), reader.folder.resolve().name
    if not sources:
        raise UsageError(
            f"No document of {name} was {which.value}, so there is nothing to train on.",
            f"Look at other thresholds: guidex threshold sweep {name}.",
        )
    decided, job = version or version_in_force(reader), job_of_run(reader)
    provenance = Provenance(
        data=name,
        which=which.value,
        decision_version=decided,
        thresholds=thresholds_of_version(reader, decided).model_dump(mode="json"),
        models=tuple(dict.fromkeys(shown_model(model.name) for model in job.models)),
        guidex=guidex_version(),
    )
    return TrainingData(sources, provenance, reader.folder / "adapters", job)
