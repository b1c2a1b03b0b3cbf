"""`guidex train` and `guidex merge`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from guidex.cli.gold import GOLD_HELP
from guidex.cli.options import (
    RUNS_DIR,
    AsJson,
    Decisions,
    DisplayMode,
    RunOrFile,
    RunsDir,
    Which,
)
from schemas.errors import UsageError

if TYPE_CHECKING:
    from finetune.examples import ExampleSet
    from finetune.training.encoding import Encoder
    from finetune.training.models import Trained, TrainingProgress
    from guidex.training import TrainingData
    from schemas.recipe import Recipe

RecipeName = Annotated[
    str | None,
    typer.Option(
        "--recipe",
        metavar="NAME|FILE",
        help="How to train: small-cpu, qwen-0.5b, paper-llama-3.1-8b, or a TOML file; default: what the "
        "run's job file says, or small-cpu.",
    ),
]
Settings = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TABLE.KEY=VALUE",
        help="Change a setting of the recipe, as in training.rank=32; may be given several times.",
    ),
]
BlockLabels = Annotated[
    Path | None,
    typer.Option(
        "--block-labels",
        metavar="FILE",
        help="Labels that must not be seen in training, one on each line, or a schema (.json, .py): their "
        "classes, and those of nearly the same name, are left out with all instances.",
    ),
]

Gold = Annotated[
    list[Path] | None,
    typer.Option(
        "--gold",
        metavar="FILE",
        help="Gold annotations to mix in, in the share that the recipe's examples.gold_share says; may be "
        f"given several times. {GOLD_HELP}",
    ),
]
GoldSchema = Annotated[
    Path | None,
    typer.Option(
        "--gold-schema",
        metavar="FILE",
        help="Classes and guidelines of the gold's labels, as Python or JSON; default: the bare labels.",
    ),
]


def train(
    source: RunOrFile,
    recipe: RecipeName = None,
    base: Annotated[
        str | None,
        typer.Option(
            "--base", metavar="MODEL", help="Model to train: hub name, folder, .gguf file or local/NAME."
        ),
    ] = None,
    settings: Settings = None,
    which: Which = "accepted",
    decisions: Decisions = None,
    gold: Gold = None,
    gold_schema: GoldSchema = None,
    block_labels: BlockLabels = None,
    block_by: Annotated[
        Literal["string", "embedding"],
        typer.Option(
            "--block-by",
            help="What makes names nearly the same: their letters, or the base's token embeddings.",
        ),
    ] = "string",
    block_near: Annotated[
        float | None,
        typer.Option(
            "--block-near",
            min=0,
            max=1,
            metavar="SIMILARITY",
            help="Similarity from which names are nearly the same; default: 0.85 by letters, 0.55 by "
            "embeddings.",
        ),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, metavar="N", help="Seed; default: the recipe's.")
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", metavar="NAME", help="Name of the adapter; default: the recipe's, numbered."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FOLDER",
            help="Folder of the adapter; default: adapters/NAME in the run, or beside the file.",
        ),
    ] = None,
    fresh: Annotated[
        bool,
        typer.Option(
            "--fresh", help="Begin anew: throw away what was begun or trained under this name before."
        ),
    ] = False,
    preview: Annotated[
        int | None,
        typer.Option(
            "--preview",
            min=1,
            metavar="N",
            help="Train nothing; show so many examples, and what of them is learnt.",
        ),
    ] = None,
    runs_dir: RunsDir = RUNS_DIR,
    display: DisplayMode = None,
    json: AsJson = False,
) -> None:
    """Train an adapter (LoRA) on what a run has accepted, or go on where training was stopped or killed.

    Only the results are learnt, not the prompts. The same command again goes on from the last checkpoint; an
    adapter that is there already is left as it is. The first Ctrl-C saves a checkpoint. Exit codes: 0 done, 1
    failed, 2 usage, 130 interrupted.
    """
    from guidex.cli.extras import training_extra

    with training_extra():
        from finetune.training.ranks import rank
        from finetune.training.training import encoder_of, free_folder
    from graph.training_data import Which as Documents
    from guidex.recipes import load_recipe
    from guidex.training import blocking_of, training_data

    data = training_data(
        source,
        runs_dir,
        Documents(which),
        version=decisions,
        gold=gold or (),
        gold_schema=gold_schema,
    )
    changes = list(settings or ())
    changes += [] if base is None else [f"training.base={base}"]
    changes += [] if seed is None else [f"training.seed={seed}"]
    made, suggested = load_recipe(recipe, data.job, changes)
    encoder = encoder_of(made.training.base)
    embedded_by = made.training.base if block_by == "embedding" else None
    blocking = blocking_of(block_labels, near=block_near, embedded_by=embedded_by) if block_labels else None
    examples = data.examples(made, encoder.count, blocking)
    if preview is not None:
        _preview(examples, encoder, preview, as_json=json)
        return
    folder = output or (data.adapters / _adapter_name(name) if name else None)
    folder = folder or free_folder(data.adapters / suggested, made, examples)
    first = rank() == 0  # of the processes that train together, one speaks
    done = trained(made, examples, folder, data, display if first else "none", fresh=fresh)
    if first:
        _print(done, examples, as_json=json)


def trained(
    recipe: Recipe,
    examples: ExampleSet,
    folder: Path,
    data: TrainingData,
    display: DisplayMode,
    *,
    fresh: bool = False,
) -> Trained:
    """Train with progress on the terminal; the first Ctrl-C saves a checkpoint and ends."""
    from finetune.training.training import train
    from guidex.cli.stopping import Stopping
    from guidex.cli.training_report import training_line

    with Stopping(display, "Saving a checkpoint after this step; Ctrl-C again to stop now.") as stopping:

        def told(progress: TrainingProgress) -> None:
            stopping.line.show(training_line(progress), progress.step, progress.steps)

        return train(
            recipe,
            examples,
            folder,
            provenance=data.provenance,
            on_progress=told,
            stop=stopping.wanted,
            fresh=fresh,
        )


def merge(
    adapter: Annotated[Path, typer.Argument(metavar="ADAPTER", help="Folder of an adapter.")],
    into: Annotated[
        Path | None,
        typer.Option("--into", metavar="FOLDER", help="Folder to write; default: ADAPTER-merged."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Write the base with an adapter added to its weights: a model of its own, with its tokenizer."""
    from guidex.cli.console import print_json
    from guidex.cli.extras import training_extra

    with training_extra():
        from finetune.training.merging import merge as merged
    folder = merged(adapter, into or adapter.with_name(f"{adapter.name}-merged"))
    if json:
        print_json({"folder": folder.as_posix()})
    else:
        typer.echo(f"Merged into {folder.as_posix()}")


def _adapter_name(name: str) -> str:
    if name != Path(name).name or name.startswith("."):
        raise UsageError(f"An adapter cannot be named {name!r}.", "Use letters, digits, dots and dashes.")
    return name


def _print(done: Trained, examples: ExampleSet, *, as_json: bool) -> None:
    from guidex.cli.console import print_json, say
    from guidex.cli.driving import INTERRUPTED
    from guidex.cli.training_report import print_examples, print_training

    if done.report is None:
        say(f"Stopped; the same command goes on. Checkpoints are beside {done.folder.as_posix()}.")
        raise typer.Exit(INTERRUPTED)
    if as_json:
        print_json(done.report.model_dump(mode="json") | {"folder": done.folder.as_posix()})
        return
    state = "was trained before" if done.already else "trained"
    typer.echo(f"Adapter {done.folder.name}: {state}")
    typer.echo(done.folder.as_posix())
    typer.echo("")
    print_examples(examples.report)
    typer.echo("")
    print_training(done.report)
    typer.echo("")
    typer.echo("What next")
    typer.echo(f"  guidex eval --adapter {done.folder.as_posix()} --benchmark FILE")
    typer.echo(f"  guidex merge {done.folder.as_posix()}")


def _preview(examples: ExampleSet, encoder: Encoder, count: int, *, as_json: bool) -> None:
    from rich.text import Text

    from guidex.cli.console import console, print_json, safe
    from guidex.cli.training_report import print_examples

    shown = [(each, encoder.pieces(each)) for each in examples.epoch(0)[:count]]
    if as_json:
        print_json(
            [
                {
                    "id": each.id,
                    "tokens": [{"text": piece.text, "learnt": piece.learnt} for piece in pieces],
                }
                for each, pieces in shown
            ]
        )
        return
    out = console()
    for each, pieces in shown:
        learnt = sum(piece.learnt for piece in pieces)
        out.print(Text(f"{safe(each.id)}: {len(pieces):,} tokens, {learnt:,} learnt", style="bold"))
        line = Text()
        for piece in pieces:
            # Brackets as well as colour: a mask must be seen without colours, too.
            text = safe(piece.text, lines=True)
            line.append(f"⟦{text}⟧" if piece.learnt else text, style="green" if piece.learnt else "dim")
        out.print(line)
        out.print()
    out.print(Text("Tokens in ⟦ ⟧ are learnt; the others are what the model is asked with.", style="dim"))
    print_examples(examples.report)
