"""`guidex threshold sweep`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from guidex.cli.gold import GOLD_HELP
from guidex.cli.options import (
    RUNS_DIR,
    AsJson,
    BootstrapSeed,
    ClassMap,
    IgnoreClass,
    IntervalLevel,
    Resamples,
    Run,
    RunsDir,
)

if TYPE_CHECKING:
    from graph.store.reading import RunReader
    from graph.thresholds import RunFacts
    from graph.thresholds.truth import Truth


def sweep(
    run: Run,
    gold: Annotated[
        list[Path] | None,
        typer.Option(
            "--gold", metavar="FILE", help=f"Gold annotations; may be given several times. {GOLD_HELP}"
        ),
    ] = None,
    reviews: Annotated[
        bool, typer.Option("--reviews", help="Measure by reviews that were made in `guidex view` instead.")
    ] = False,
    target_precision: Annotated[
        float | None,
        typer.Option(
            "--target-precision",
            min=0.0,
            max=1.0,
            metavar="P",
            help="Recommend the setting of the largest yield that reaches this precision of mentions.",
        ),
    ] = None,
    target_yield: Annotated[
        float | None,
        typer.Option(
            "--target-yield",
            min=0.0,
            max=1.0,
            metavar="Y",
            help="Recommend the setting of the best precision that accepts this share of the judged "
            "documents; without gold or reviews, of the best mean agreement x faithfulness.",
        ),
    ] = None,
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate",
            help="Say how far the confidence in mentions is their chance of being correct, before and after "
            "it is learnt from gold or reviews (needs the extra `calibration`).",
        ),
    ] = False,
    svg: Annotated[
        Path | None, typer.Option("--svg", metavar="FILE", help="Write the curves to an SVG file.")
    ] = None,
    class_map: ClassMap = None,
    ignore_class: IgnoreClass = None,
    level: IntervalLevel = 0.95,
    samples: Resamples = 200,
    seed: BootstrapSeed = 0,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Try thresholds on a run, without a single call: each alone, the others as in force, and together.

    Yield and mean scores at every setting; with gold or reviews precision, recall and F1 as well. Nothing is
    written: `guidex threshold set` does that.
    """
    from graph.thresholds import load
    from graph.thresholds.choosing import Target
    from graph.thresholds.sweeping import SweepSettings
    from graph.thresholds.sweeping import sweep as swept
    from guidex.cli.console import print_json, say
    from guidex.run_folders import find_run
    from schemas.errors import UsageError

    if gold and reviews:
        raise UsageError("Documents are measured by one thing at a time.", "Give --gold or --reviews.")
    if target_precision is not None and target_yield is not None:
        raise UsageError("There is one target.", "Give --target-precision or --target-yield.")
    if calibrate and not (gold or reviews):
        raise UsageError("Chances are learnt from what is known.", "Give --gold FILE or --reviews.")
    target = None
    if target_precision is not None or target_yield is not None:
        target = Target(target_precision, target_yield)
    with find_run(run, runs_dir) as reader:
        facts = load(reader)
        truth = _truth(reader, facts, gold or [], reviews, class_map or [], ignore_class or [])
        report = swept(facts, truth, SweepSettings(target, level, samples, seed))
        if calibrate and truth is not None:
            from graph.thresholds.calibrating import calibrate as learn
            from graph.thresholds.calibrating import judged_mentions

            learnt = learn(list(judged_mentions(reader, facts, truth)), seed)
            report = report.model_copy(update={"calibration": learnt})
        folder = reader.folder
    if svg is not None:
        from guidex.threshold_charts import sweep_chart

        try:
            svg.write_text(sweep_chart(report, standalone=True), "utf-8")
        except OSError as error:
            why = error.strerror or error
            raise UsageError(f"{svg.as_posix()} cannot be written: {why}.", "Name another file.") from error
        say(f"Curves written to {svg.as_posix()}")
    if json:
        print_json(report.model_dump(mode="json"))
    else:
        from guidex.cli.threshold_report import print_sweep

        print_sweep(report, folder)


def _truth(
    reader: RunReader,
    facts: RunFacts,
    gold: list[Path],
    reviews: bool,
    class_map: list[str],
    ignored: list[str],
) -> Truth | None:
    """What is known of the documents."""
    from graph.thresholds.truth import truth_of_gold, truth_of_reviews
    from guidex.cli.gold import class_pairs

    if gold:
        from finetune.gold import read_gold

        return truth_of_gold(reader, facts, read_gold(gold), class_pairs(class_map), ignored)
    return truth_of_reviews(reader, facts) if reviews else None
