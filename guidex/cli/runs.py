"""`guidex runs`."""

from __future__ import annotations

from guidex.cli.options import RUNS_DIR, AsJson, Run, RunsDir


def list_(runs_dir: RunsDir = RUNS_DIR, json: AsJson = False) -> None:
    """List the runs, the newest first."""
    from dataclasses import asdict

    from graph.store.listing import list_runs
    from guidex.cli.console import print_json
    from guidex.cli.summary import print_runs

    found = list_runs(runs_dir)
    if json:
        print_json([asdict(run) for run in found])
    else:
        print_runs(found, runs_dir)


def show(run: Run, runs_dir: RunsDir = RUNS_DIR, json: AsJson = False) -> None:
    """Summarise a run: sums, failures by cause, reasons for rejection, what to do next."""
    from guidex.cli.summary import print_summary
    from guidex.run_folders import find_run
    from guidex.run_summary import summary_of

    with find_run(run, runs_dir) as reader:
        summary = summary_of(reader)
    print_summary(summary, as_json=json)
