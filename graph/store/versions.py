"""Versions of decisions: the run's own, and those taken anew under other thresholds.

Decisions are added, never changed. Which version is in force is what was said last about it (an event);
documents point at the decision that holds for them.
"""

from __future__ import annotations

from dataclasses import dataclass

from graph.methods.acceptance import thresholds_of
from graph.store.opening import OpenedRun
from graph.store.records import ACCEPTANCE_OF_THE_RUN, DECISIONS_IN_FORCE
from schemas.errors import UsageError
from schemas.job import Job
from schemas.judgement import Outcome, Thresholds


@dataclass(frozen=True, slots=True)
class DecisionVersion:
    """A version of decisions.

    Attributes:
        version: Its number; 1 is the run's own.
        created: ISO 8601, UTC.
        note: Why it was made.
        thresholds: By which it was decided; of the run's own those of its job as it is now.
        accepted: Documents that it accepted, where it decided several times the last time.
        rejected: Those that it rejected.
        holds_for: Documents whose decision in force, to accept or reject, is of this version.
        in_force: Whether it is the one in force.
    """

    version: int
    created: str
    note: str
    thresholds: Thresholds
    accepted: int
    rejected: int
    holds_for: int
    in_force: bool


def version_in_force(run: OpenedRun) -> int:
    """The version whose decisions hold; the run's own unless another was said to."""
    return _in_force(run)[0]


def version_before(run: OpenedRun) -> int | None:
    """The version that was in force before the one that is; None if there was no other."""
    now, *before = _in_force(run)
    return next((version for version in before if version != now), None)


def _in_force(run: OpenedRun) -> list[int]:
    """The versions that were put in force, the last one first; the run's own was the first."""
    rows = run.rows(
        "SELECT json_extract(data, '$.version') FROM events WHERE kind = ? ORDER BY id DESC",
        DECISIONS_IN_FORCE,
    )
    return [*(int(version) for (version,) in rows), ACCEPTANCE_OF_THE_RUN]


def thresholds_of_version(run: OpenedRun, version: int) -> Thresholds:
    """The thresholds of a version; those that decide nothing, by the run's method, are 0.

    Raises:
        UsageError: There is no such version.
    """
    rows = run.rows("SELECT thresholds FROM decision_versions WHERE version = ?", version)
    if not rows:
        raise UsageError(
            f"There is no version {version} of the decisions.",
            f"`guidex threshold list {run.folder.name}` shows those there are.",
        )
    if version == ACCEPTANCE_OF_THE_RUN:
        return thresholds_of(job_of_run(run))
    return Thresholds.model_validate_json(rows[0][0])


def thresholds_in_force(run: OpenedRun) -> Thresholds:
    """What a document must reach to be accepted, as it is decided now."""
    return thresholds_of_version(run, version_in_force(run))


def job_of_run(run: OpenedRun) -> Job:
    """The job of a run, as it is now."""
    return Job.model_validate_json(run.rows("SELECT job FROM runs LIMIT 1")[0][0])


def versions_of_documents(run: OpenedRun) -> dict[str, int]:
    """The version of the decision in force, by document."""
    return dict(run.rows("SELECT d.id, e.version FROM documents d JOIN decisions e ON e.id = d.decision_id"))


def decision_versions(run: OpenedRun) -> tuple[DecisionVersion, ...]:
    """All versions, the oldest first."""
    in_force = version_in_force(run)
    counts = {
        (version, outcome): count
        for version, outcome, count in run.rows("""
            SELECT version, outcome, count(*) FROM decisions
            WHERE id IN (SELECT max(id) FROM decisions GROUP BY document_id, version) GROUP BY 1, 2""")
    }
    holding = dict(
        run.rows(
            """SELECT e.version, count(*) FROM documents d JOIN decisions e ON e.id = d.decision_id
            WHERE d.outcome IN (?, ?) GROUP BY 1""",
            Outcome.ACCEPTED.value,
            Outcome.REJECTED.value,
        )
    )
    return tuple(
        DecisionVersion(
            version=version,
            created=created,
            note=note,
            thresholds=thresholds_of_version(run, version),
            accepted=counts.get((version, Outcome.ACCEPTED.value), 0),
            rejected=counts.get((version, Outcome.REJECTED.value), 0),
            holds_for=holding.get(version, 0),
            in_force=version == in_force,
        )
        for version, created, note in run.rows(
            "SELECT version, created, note FROM decision_versions ORDER BY version"
        )
    )
