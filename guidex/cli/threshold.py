"""`guidex threshold`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir

if TYPE_CHECKING:
    from schemas.judgement import Thresholds


def _least(flag: str, what: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(flag, min=0.0, max=1.0, metavar="X", help=what)
    return option


Agreement = Annotated[float | None, _least("--agreement", "Least agreement between annotators.")]
Faithfulness = Annotated[float | None, _least("--faithfulness", "Least share of correct instances.")]
Completeness = Annotated[float | None, _least("--completeness", "Least share of mentions not missed.")]
GuidelineScore = Annotated[float | None, _least("--guideline", "Least share of sound guidelines.")]
SchemaFit = Annotated[float | None, _least("--schema-fit", "Least share of sound classes.")]
MinInstances = Annotated[
    int | None,
    typer.Option(
        "--min-instances", min=0, metavar="N", help="Fewest agreed instances, disputed ones dropped."
    ),
]
BlockOnMajor = Annotated[
    bool | None,
    typer.Option(
        "--block-on-major/--no-block-on-major", help="Reject while a major finding is open, or do not."
    ),
]


def changed(before: Thresholds, **given: float | bool | None) -> Thresholds:
    """The thresholds in force with those that were given."""
    from schemas.judgement import Thresholds

    return Thresholds.model_validate(
        before.model_dump() | {name: value for name, value in given.items() if value is not None}
    )


def set_(
    run: Run,
    agreement: Agreement = None,
    faithfulness: Faithfulness = None,
    completeness: Completeness = None,
    guideline: GuidelineScore = None,
    schema_fit: SchemaFit = None,
    min_instances: MinInstances = None,
    block_on_major: BlockOnMajor = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for the record.")] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and write nothing.")
    ] = False,
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Decide a run's documents anew under other thresholds, without a single call.

    What is not given stays as it is in force. The decisions are a new version; earlier ones stay, and
    `guidex threshold use` puts them in force again. Documents that failed or are pending stay what they are.
    `thresholds.correct` cannot be set afterwards: it acts on mentions while the agents work.
    """
    from graph.thresholds import load, set_thresholds, try_thresholds
    from guidex.cli.threshold_versions import print_change
    from guidex.run_folders import find_run
    from schemas.errors import UsageError

    given = {
        "agreement": agreement,
        "faithfulness": faithfulness,
        "completeness": completeness,
        "guideline": guideline,
        "schema_fit": schema_fit,
        "min_instances": min_instances,
        "block_on_major": block_on_major,
    }
    if all(value is None for value in given.values()):
        raise UsageError("No threshold was given.", "Give one, as in --agreement 0.85.")
    with find_run(run, runs_dir) as reader:
        facts = load(reader)
        wanted = changed(facts.thresholds, **given)
        if dry_run:
            print_change(reader.folder, facts, None, try_thresholds(facts, wanted), as_json=json)
            return
        made = set_thresholds(reader, wanted, note)
        print_change(reader.folder, facts, made.version, made.trial, as_json=json)


def use(
    run: Run,
    version: Annotated[int, typer.Argument(metavar="VERSION", help="As `threshold list` numbers it.")],
    runs_dir: RunsDir = RUNS_DIR,
    json: AsJson = False,
) -> None:
    """Put an earlier version of the decisions in force again.

    Documents that were judged since are decided under its thresholds as well.
    """
    from graph.thresholds import load, use_version
    from guidex.cli.threshold_versions import print_change
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as reader:
        facts = load(reader)
        made = use_version(reader, version)
        print_change(reader.folder, facts, made.version, made.trial, as_json=json)


def list_(run: Run, runs_dir: RunsDir = RUNS_DIR, json: AsJson = False) -> None:
    """List the versions of a run's decisions: thresholds, yield, and which of them is in force."""
    from graph.store.versions import decision_versions
    from guidex.cli.console import print_json
    from guidex.cli.threshold_versions import print_versions, version_record
    from guidex.run_folders import find_run

    with find_run(run, runs_dir) as reader:
        versions = decision_versions(reader)
        if json:
            print_json([version_record(each) for each in versions])
        else:
            print_versions(reader.folder, versions)
