"""`guidex quality`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from guidex.cli.gold import GOLD_HELP, class_pairs
from guidex.cli.options import (
    RUNS_DIR,
    AsJson,
    BootstrapSeed,
    ClassMap,
    IgnoreClass,
    IntervalLevel,
    Resamples,
    RunsDir,
)

if TYPE_CHECKING:
    from finetune.gold import Gold
    from graph.quality.results import RunResults

RankBy = Literal["agreement", "faithfulness", "mean", "min"]


def quality(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Runs, by name or the path of their folder.")
    ],
    gold: Annotated[
        list[Path],
        typer.Option(
            "--gold", metavar="FILE", help=f"Gold annotations; may be given several times. {GOLD_HELP}"
        ),
    ],
    class_map: ClassMap = None,
    ignore_class: IgnoreClass = None,
    rank_by: Annotated[
        RankBy,
        typer.Option(
            "--rank-by",
            help="By which stored confidence documents are ranked; mean and min are of agreement and "
            "faithfulness.",
        ),
    ] = "agreement",
    per_class: Annotated[bool, typer.Option("--per-class", help="Show each class of each run.")] = False,
    level: IntervalLevel = 0.95,
    samples: Resamples = 1000,
    seed: BootstrapSeed = 0,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Measure the accepted documents of runs against gold annotations.

    Precision, recall and F1, strict and as GoLLIE counts, with coverage, tokens per correct mention and F1 at
    several coverages; each with a bootstrap interval. Several runs are compared on the documents that all of
    them have, over the same resamples.
    """
    from finetune.gold import read_gold
    from graph.quality import Confidence, Settings, measure
    from guidex.cli.console import print_json

    settings = Settings(
        class_map=class_pairs(class_map or ()),
        ignored=tuple(ignore_class or ()),
        confidence=Confidence(rank_by),
        level=level,
        samples=samples,
        seed=seed,
    )
    read = read_gold(gold)
    report = measure(_results(runs, runs_dir, read), read, [path.as_posix() for path in gold], settings)
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        from guidex.cli.quality_report import print_quality

        print_quality(report, per_class=per_class)


def _results(runs: list[str], runs_dir: Path, gold: Gold) -> list[RunResults]:
    """What the runs made of the gold's documents; if two have one name, all are called as they were given."""
    from dataclasses import replace

    from graph.quality import read_results
    from guidex.run_folders import find_run

    results = []
    for run in runs:
        with find_run(run, runs_dir) as reader:
            results.append(read_results(reader, gold))
    if len({each.name for each in results}) < len(results):
        results = [replace(each, name=run) for each, run in zip(results, runs, strict=True)]
    return results
