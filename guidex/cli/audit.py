"""`guidex audit`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guidex.cli.extras import extra, training_extra
from guidex.cli.gold import GOLD_HELP
from guidex.cli.options import RUNS_DIR, AsJson, Decisions, RunOrFile, RunsDir, Which

if TYPE_CHECKING:
    from finetune.examples.auditing import Comparison, EvaluationSet

_GOLD_FILES = (".jsonl", ".ndjson", ".json", ".txt", ".conll", ".bio", ".iob")
"""What is read of a folder."""


def audit(
    source: RunOrFile,
    against: Annotated[
        list[Path],
        typer.Option(
            "--against",
            metavar="PATH",
            help=f"Evaluation set: a file, or a folder of them; may be given several times. {GOLD_HELP}",
        ),
    ],
    which: Which = "accepted",
    decisions: Decisions = None,
    near: Annotated[
        float | None,
        typer.Option(
            "--near",
            min=0,
            max=1,
            help="Similarity of names from which a label counts as near to a class; default: 0.85 by "
            "letters, 0.55 by embeddings.",
        ),
    ] = None,
    embed: Annotated[
        str | None,
        typer.Option(
            "--embed",
            metavar="MODEL",
            help="Compare names by the token embeddings of this model (hub name, folder, .gguf file or "
            "local/NAME); default: by their letters.",
        ),
    ] = None,
    near_text: Annotated[
        float,
        typer.Option(
            "--near-text",
            min=0.1,
            max=1,
            help="Estimated Jaccard similarity of word 5-grams from which a text counts as a near copy.",
        ),
    ] = 0.8,
    worst: Annotated[
        int, typer.Option("--worst", min=0, metavar="N", help="Most affected texts to show of each set.")
    ] = 5,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Say what training data has in common with evaluation sets: labels and texts.

    Labels by exact name, by near name and by Familiarity (arXiv 2412.10121); texts by runs of 13 words and by
    MinHash. Nothing is changed: `--block-labels` and a run without
    the texts change it.
    """
    from finetune.examples.auditing import audited
    from graph.training_data import Which as Documents
    from guidex.cli.audit_report import print_audit
    from guidex.cli.console import print_json
    from guidex.training import training_data

    sets = evaluation_sets(against)
    data = training_data(source, runs_dir, Documents(which), version=decisions)
    names = compared_by(embed, near)
    with extra("finetune", "Near copies of texts are found by datasketch, which is not installed."):
        made = audited(data.sources, sets, training=source, names=names, near_text=near_text, worst=worst)
    if json:
        print_json(made.model_dump(mode="json"))
    else:
        print_audit(made)


def compared_by(base: str | None, near: float | None) -> Comparison:
    """How names are compared.

    Args:
        base: By the token embeddings of this model; None compares letters.
        near: Similarity from which they are near; None takes what suits.

    Raises:
        ModelUnavailableError: The model cannot be loaded.
    """
    from finetune.examples.auditing import Comparison
    from finetune.examples.names import embedding_similarity

    if base is None:
        return Comparison() if near is None else Comparison(near=near)
    with training_extra():
        from finetune.training import name_embeddings

        similarity = embedding_similarity(name_embeddings.name_embeddings(base))
    least = name_embeddings.NEAR if near is None else near
    return Comparison(similarity, least, f"token embeddings of {base}")


def evaluation_sets(paths: Sequence[Path]) -> tuple[EvaluationSet, ...]:
    """Gold files as evaluation sets, each by its path; labels by the classes that models are asked for.

    Args:
        paths: Files, and folders whose files are read, those in folders of theirs included.

    Raises:
        DocumentError: A file is no gold.
        UsageError: A folder has none.
    """
    from finetune.examples.auditing import EvaluationSet
    from finetune.gold import class_of, read_gold

    made = []
    for file, name in _files(paths):
        gold = read_gold([file])
        labels: Counter[str] = Counter()
        for label, count in gold.labels.items():
            labels[class_of(label)] += count
        texts = {document.place: document.text for document in gold.documents}
        made.append(EvaluationSet(name, labels, texts))
    return tuple(made)


def _files(paths: Sequence[Path]) -> Iterator[tuple[Path, str]]:
    """The files, each with what it is called: those of a folder from the folder on."""
    from schemas.errors import UsageError

    for path in paths:
        if not path.is_dir():
            yield path, path.as_posix()
            continue
        found = sorted(
            each for each in path.rglob("*") if each.suffix.lower() in _GOLD_FILES and each.is_file()
        )
        if not found:
            raise UsageError(
                f"There is no evaluation set in {path.as_posix()}.",
                f"Name a folder with files that end in {', '.join(_GOLD_FILES)}.",
            )
        yield from ((each, each.absolute().relative_to(path.absolute().parent).as_posix()) for each in found)
