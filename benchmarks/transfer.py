"""Experiment B: what accepted data is worth to a model, measured zero-shot against controls of equal tokens.

    python benchmarks/transfer.py --run runs/transfer/runs/data --crossner ../crossner
    python benchmarks/transfer.py ... --arm base --arm accepted --seed 0 --sentences 60
    python benchmarks/transfer.py ... --train-only

An arm trains an adapter on its own choice of one run's documents, by one recipe and one budget of tokens, and
is measured on test sentences of CrossNER, of which nothing was used to make the data. One arm and seed after
the other, each a process of its own: adapters that are there are not trained again, and answers that are
there are not asked for again. What came out is written to benchmarks/transfer.json.

Expected, written down before the first arm was trained (SmolLM2-135M, 60,000 tokens an arm):

- base: F1 below 1. It has never seen the form, so most of its answers cannot be read.
- accepted less base: above 0, the interval excludes 0; 2 to 10 points, nearly all of it from the form and
  from copying capitalised phrases, little from the classes.
- accepted less random: within 2 points; one seed will not tell them apart.
- accepted less rejected: 0 to 3 points.
- label-blocked less accepted: 0 to 3 points below: a small model takes what it knows from names of classes.
- shuffled less accepted: within 1 point: a model of this size hardly reads guidelines.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from finetune.evaluation.benchmarks import CROSSNER, DOMAINS
from finetune.examples import Blocking, Source, build_examples
from finetune.gold import read_gold
from finetune.training.models import read_report
from graph.store.reading import RunReader
from graph.training_data import Which, sources_of_run
from guidex.cli.evaluation_report import print_evaluation
from guidex.evaluation import Contender, contender_of, evaluate
from guidex.recipes import load_recipe
from guidex.training import training_data
from schemas.evaluation import EvaluationConfig
from schemas.schema import AnnotationSchema

RESULTS = Path(__file__).with_name("transfer.json")
RECIPE = Path(__file__).with_name("transfer.toml")
MAX_TOKENS = 128
"""Most tokens of an answer; the gold of half of the sentences needs 59, of 4% more than these."""


class Arm(StrEnum):
    """What a model is trained on."""

    BASE = "base"
    ACCEPTED = "accepted"
    RANDOM = "random"
    LABEL_BLOCKED = "label-blocked"
    REJECTED = "rejected"
    SHUFFLED = "shuffled"


ABOUT = {
    Arm.BASE: "not trained",
    Arm.ACCEPTED: "documents that were accepted",
    Arm.RANDOM: "as many documents, drawn from all that were decided",
    Arm.LABEL_BLOCKED: "accepted, without classes that CrossNER has too",
    Arm.REJECTED: "documents that were rejected, as many, with what was agreed on nevertheless",
    Arm.SHUFFLED: "accepted, each class with the guideline of another",
}


def sources_of(arm: Arm, run: Path, seed: int) -> list[Source]:
    """The documents of an arm, as many in each; of label-blocked before any label is blocked."""
    with RunReader(run) as reader:
        accepted = list(sources_of_run(reader, Which.ACCEPTED))
        if arm in (Arm.ACCEPTED, Arm.LABEL_BLOCKED):
            return accepted
        if arm is Arm.SHUFFLED:
            return list(with_shuffled_guidelines(accepted, seed))
        pool = list(sources_of_run(reader, Which.REJECTED if arm is Arm.REJECTED else Which.DECIDED))
    return random.Random(seed).sample(pool, min(len(accepted), len(pool)))


def with_shuffled_guidelines(sources: Sequence[Source], seed: int) -> Iterator[Source]:
    """The same documents, with the guidelines of all their classes dealt out anew."""
    guidelines = [spec.guideline for one in sources for spec in one.annotation_schema.classes]
    random.Random(seed).shuffle(guidelines)
    dealt = iter(guidelines)
    for one in sources:
        classes = (
            spec.model_copy(update={"guideline": next(dealt)}) for spec in one.annotation_schema.classes
        )
        schema = AnnotationSchema(domain=one.annotation_schema.domain, classes=tuple(classes))
        yield one.model_copy(update={"annotation_schema": schema})


def labels_of(crossner: Path) -> tuple[str, ...]:
    """The labels of all domains, in training, development and test sentences alike."""
    files = [crossner / domain / f"{part}.txt" for domain in DOMAINS for part in ("dev", "test")]
    return tuple(sorted(read_gold(files).labels))


def train_arm(arm: Arm, seed: int, options: argparse.Namespace) -> None:
    """Train the adapter of an arm, or go on with it."""
    from finetune.training.training import encoder_of, train

    recipe, _ = load_recipe(str(RECIPE), changes=[f"training.seed={seed}"])
    examples = build_examples(
        sources_of(arm, options.run, seed),
        recipe.examples,
        seed=seed,
        count_tokens=encoder_of(recipe.training.base).count,
        blocking=Blocking(labels_of(options.crossner)) if arm is Arm.LABEL_BLOCKED else None,
    )
    print(f"{arm}, seed {seed}: {examples.report.model_dump(exclude={'credits'})}", flush=True)
    provenance = training_data(str(options.run), options.run.parent).provenance
    train(
        recipe,
        examples,
        adapter_of(arm, seed, options.into),
        provenance=provenance.model_copy(update={"which": ABOUT[arm]}),
        on_progress=lambda now: print(
            f"{arm} {now.step}/{now.steps} loss {now.loss} {now.tokens / now.seconds:.0f} tokens/s",
            flush=True,
        ),
    )


def adapter_of(arm: Arm, seed: int, into: Path) -> Path:
    """The folder of an arm's adapter."""
    return into / "adapters" / f"{arm}-{seed}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Train the arms that are missing, and measure all of them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--run", type=Path, required=True, help="folder of the run")
    parser.add_argument("--crossner", type=Path, required=True, help="folder of the data set")
    parser.add_argument("--into", type=Path, default=Path("runs/transfer"), help="work folder")
    parser.add_argument("--arm", action="append", type=Arm, choices=list(Arm), help="default: all")
    parser.add_argument("--seed", action="append", type=int, help="default: 0")
    parser.add_argument("--sentences", type=int, default=60, help="of each domain")
    parser.add_argument("--train-only", action="store_true")
    parser.add_argument("--one", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    arms, seeds = options.arm or list(Arm), options.seed or [0]
    if options.one:
        train_arm(arms[0], seeds[0], options)
        return
    own = ["--run", str(options.run), "--crossner", str(options.crossner), "--into", str(options.into)]
    for seed in seeds:
        for arm in arms:
            if arm is not Arm.BASE and not adapter_of(arm, seed, options.into).is_dir():
                command = [sys.executable, __file__, *own, "--one", "--arm", arm, "--seed", str(seed)]
                subprocess.run(command, check=True)
    if not options.train_only:
        measure(arms, seeds, options)


def measure(arms: Sequence[Arm], seeds: Sequence[int], options: argparse.Namespace) -> None:
    """Ask the models that are missing, and write down what came out."""
    base = load_recipe(str(RECIPE))[0].training.base
    folders = [adapter_of(arm, seed, options.into) for seed in seeds for arm in arms if arm is not Arm.BASE]
    contenders = [Contender(base, base), *map(contender_of, folders)]
    config = EvaluationConfig(
        benchmark=CROSSNER, data=str(options.crossner), sentences=options.sentences, max_tokens=MAX_TOKENS
    )
    made = evaluate(
        contenders,
        config,
        options.into / "eval",
        on_progress=lambda now: print(f"{now.model} {now.done}/{now.sentences}", flush=True),
    )
    assert made is not None, "nothing stops it"
    reports = {folder.name: read_report(folder) for folder in folders}
    written = {
        "evaluation": made.model_dump(mode="json", exclude={"models": {"__all__": {"classes"}}}),
        "training": {
            name: report.model_dump(mode="json", exclude={"losses", "recipe", "versions", "provenance"})
            | {"loss": [report.losses[0].loss, report.losses[-1].loss]}
            for name, report in reports.items()
        },
    }
    RESULTS.write_text(json.dumps(written, indent=1) + "\n", "utf-8")
    print_evaluation(made)


if __name__ == "__main__":
    main()
