"""What can be done about a run next: commands that work as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path

from graph.store.reading import RunReader
from graph.store.records import RunStatus, Totals
from schemas.job import Job
from schemas.judgement import Outcome

DEFAULT_RUNS_DIR = Path("runs")


def run_argument(folder: Path) -> str:
    """How a run is named on the command line: by its name in the default folder, else by its path."""
    by_name = folder.parent.absolute() == DEFAULT_RUNS_DIR.absolute()
    return shlex.quote(folder.name if by_name else folder.as_posix())


def next_steps(reader: RunReader, totals: Totals) -> tuple[str, ...]:
    """Commands that make sense now, those that look on first, then those that go on.

    Raises:
        StoreError: The run cannot be read.
    """
    run = run_argument(reader.folder)
    commands = [f"guidex trace show {run}"] if totals.documents > 1 else []
    if Job.model_validate_json(reader.run().job).has_pilot:
        commands.append(f"guidex schema show {run}")
    flags = _flags_to_go_on(reader, totals)
    if flags is not None:
        commands.append(" ".join(("guidex resume", run, *flags)))
    if totals.failed and reader.document_ids((Outcome.FAILED,)):
        commands.append(f"guidex retry {run}")
    for outcome in (Outcome.ACCEPTED, Outcome.REJECTED, Outcome.FAILED):
        rows = reader.documents(outcome, limit=1)
        if rows and rows[0].id.isprintable():
            commands.append(f"guidex trace show {run} {shlex.quote(rows[0].id)}")
    if totals.rejected:
        commands.append(f"guidex threshold sweep {run}")
    if totals.accepted:
        commands.append(f"guidex export {run} --format guidex")
    return tuple(commands)


def _flags_to_go_on(reader: RunReader, totals: Totals) -> tuple[str, ...] | None:
    """What `guidex resume` needs to get further; None where it would not.

    A limit that has ended the run would end it again at once, so it is doubled.
    """
    run = reader.run()
    if not totals.pending or run.status is RunStatus.RUNNING:
        return None
    limits = Job.model_validate_json(run.job).limits
    if limits.too_many_failed(totals.failed, totals.admitted):
        return None  # the failed ones have to be retried first
    ended = [outcome for outcome in Outcome if outcome is not Outcome.PENDING]
    if limits.target_accepted is not None and totals.accepted >= limits.target_accepted:
        return "--target-accepted", f"{2 * limits.target_accepted}"
    if limits.max_candidates is not None and len(reader.document_ids(ended)) >= limits.max_candidates:
        return "--max-candidates", f"{2 * limits.max_candidates}"
    if limits.tokens is not None and "--token-limit" in run.reason:
        return "--token-limit", f"{2 * limits.tokens}"
    if limits.cost is not None and "--cost-limit" in run.reason:
        return "--cost-limit", f"{2 * limits.cost:.10g}"
    return ()
