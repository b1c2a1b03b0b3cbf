"""What the store has of every document that was judged, and no more than a decision takes.

For 5,000 documents these are three statements and some tenths of a second, after which any thresholds can be
tried at once: no round is read in full, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from operator import itemgetter

from graph.merits import Merits, is_sound
from graph.methods.acceptance import drops_ungrounded
from graph.store.batch import SCORES
from graph.store.opening import OpenedRun
from graph.store.settled import settled_annotations
from graph.store.versions import job_of_run, thresholds_of_version, version_in_force
from schemas.job import Job
from schemas.judgement import Ending, FindingCode, Outcome, Scores, Severity, Thresholds

JUDGED = (Outcome.ACCEPTED, Outcome.REJECTED)
"""Outcomes that thresholds decide between; failed and pending documents stay what they are."""

_ROUNDS = f"""
    SELECT d.id, d.outcome, d.decision_id, e.version, e.ending, e.round, r.id, r.number, r.agreed_instances,
        r.settled_instances, {", ".join(f"s.{name}" for name in SCORES)}
    FROM documents d JOIN decisions e ON e.id = d.decision_id
        JOIN rounds r ON r.document_id = d.id
            AND r.take = (SELECT max(take) FROM rounds WHERE document_id = d.id)
        JOIN scores s ON s.round_id = r.id
    WHERE d.outcome IN (?, ?) ORDER BY d.position, r.number"""
_MAJOR = "SELECT round_id, code FROM findings WHERE severity = ? ORDER BY id"


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """A document that was judged.

    Attributes:
        id: The document.
        outcome: Accepted or rejected, as is in force.
        decision_id: Row of the decision in force.
        version: Of that decision.
        ending: How its loop ended; None for a method without a loop.
        kept: Number of the round that the decision in force keeps.
        rounds: All rounds of its last take, in order.
        round_ids: Their rows.
    """

    id: str
    outcome: Outcome
    decision_id: int
    version: int
    ending: Ending | None
    kept: int
    rounds: tuple[Merits, ...]
    round_ids: tuple[int, ...]

    def sound(self, thresholds: Thresholds) -> list[int]:
        """Places of the rounds that would be accepted, the one that is kept of them first."""
        places = [place for place, merits in enumerate(self.rounds) if is_sound(merits, thresholds)]
        return self.preferred(places, thresholds.block_on_major)

    def preferred(self, places: list[int], block_on_major: bool) -> list[int]:
        """Places of sound rounds in the order in which one of them is kept.

        It is that of `graph.merits.best`: rounds without an open major finding, then the best mean score,
        then the earliest. It does not depend on the thresholds of scores.
        """
        if len(places) < 2:
            return places

        def rank(place: int) -> tuple[bool, float]:
            merits = self.rounds[place]
            return block_on_major and bool(merits.major), -merits.mean_score

        return sorted(places, key=rank)


@dataclass(frozen=True)
class RunFacts:
    """The documents of a run that were judged, and by what.

    Attributes:
        name: The run.
        job: Its job.
        version: The version of decisions in force.
        thresholds: Of that version.
        documents: Those that were judged, in the order of the source.
        others: How many are in each other state.
    """

    name: str
    job: Job
    version: int
    thresholds: Thresholds
    documents: tuple[DocumentFacts, ...]
    others: dict[Outcome, int]

    @cached_property
    def accepted(self) -> int:
        """Documents that are accepted as is in force."""
        return sum(document.outcome is Outcome.ACCEPTED for document in self.documents)


def load(run: OpenedRun) -> RunFacts:
    """Read the facts of a run, also while it goes on.

    Raises:
        StoreError: It cannot be read.
    """
    job, version = job_of_run(run), version_in_force(run)
    counts = run.rows("SELECT outcome, count(*) FROM documents GROUP BY outcome")
    return RunFacts(
        name=run.rows("SELECT name FROM runs")[0][0],
        job=job,
        version=version,
        thresholds=thresholds_of_version(run, version),
        documents=tuple(_documents(run, drops_ungrounded(job.method))),
        others={Outcome(name): count for name, count in counts if Outcome(name) not in JUDGED},
    )


def _documents(run: OpenedRun, is_grounded: bool) -> Iterator[DocumentFacts]:
    """The documents; with `is_grounded`, mentions that do not stand in the document block nothing."""
    major: dict[int, list[FindingCode]] = {}
    for round_id, code in run.rows(_MAJOR, Severity.MAJOR.value):
        major.setdefault(round_id, []).append(FindingCode(code))
    rows = run.rows(_ROUNDS, *(outcome.value for outcome in JUDGED))
    uncounted = [row[6] for row in rows if row[9] is None]
    counts = {at: (had, len(left.instances)) for at, left, had in settled_annotations(run, uncounted)}
    for identifier, group in groupby(rows, itemgetter(0)):
        of_document = list(group)
        _, outcome, decision_id, version, ending, kept = of_document[0][:6]
        merits = []
        for round_id, number, agreed, left, *values in (row[6:] for row in of_document):
            if left is None:
                agreed, left = counts[round_id]
            scores = Scores(**dict(zip(SCORES, values, strict=True)))
            grounded = is_grounded or scores.grounding >= 1
            merits.append(Merits(number, scores, agreed, left, tuple(major.get(round_id, ())), grounded))
        yield DocumentFacts(
            id=identifier,
            outcome=Outcome(outcome),
            decision_id=decision_id,
            version=version,
            ending=Ending(ending) if ending else None,
            kept=kept,
            rounds=tuple(merits),
            round_ids=tuple(row[6] for row in of_document),
        )


def kept_rounds(documents: Sequence[DocumentFacts]) -> list[int]:
    """Rows of the rounds that the decisions in force keep."""
    return [
        round_id
        for document in documents
        for merits, round_id in zip(document.rounds, document.round_ids, strict=True)
        if merits.number == document.kept
    ]
