"""Deciding a run's documents anew: what would change, and versions of decisions, one of which is in force.

A version is written whole, in one transaction, and nothing is overwritten: earlier decisions stay, and any
version can be put in force again. Only documents that were accepted or rejected are decided anew.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from graph.merits import Merits, decide
from graph.methods.acceptance import decide_in_one_pass
from graph.store import rows
from graph.store.batch import Batch
from graph.store.editing import editing, next_id
from graph.store.reading import RunReader
from graph.store.records import ACCEPTANCE_OF_THE_RUN, DECISIONS_IN_FORCE
from graph.store.store import RunStore
from graph.store.versions import thresholds_of_version, version_in_force
from graph.thresholds.facts import DocumentFacts, RunFacts, load
from schemas.errors import UsageError
from schemas.job import Job
from schemas.judgement import JUDGED_SCORES, Decision, Outcome, Thresholds


@dataclass(frozen=True, slots=True)
class Flip:
    """A document that ends otherwise than it does now.

    Attributes:
        id: The document.
        was: Its outcome now.
        decision: What is decided instead.
    """

    id: str
    was: Outcome
    decision: Decision


@dataclass(frozen=True)
class Trial:
    """What thresholds would come to.

    Attributes:
        thresholds: Those that were tried.
        documents: Documents that were judged.
        accepted: How many of them would be accepted.
        instances: Agreed instances of these, settled.
        means: Mean of each score over those of them that have it, by the score's name.
        gained: Ids of those that would be accepted and are not now, in the order of the source.
        lost: Ids of those that are accepted now and would not be.
        moved: Ids of those that would stay accepted with another round than is kept now.
    """

    thresholds: Thresholds
    documents: int
    accepted: int
    instances: int
    means: Mapping[str, float]
    gained: tuple[str, ...]
    lost: tuple[str, ...]
    moved: tuple[str, ...]

    def flips(self, facts: RunFacts, limit: int = 50, offset: int = 0) -> tuple[Flip, ...]:
        """A page of the documents that would end otherwise, in the order of the source, with reasons.

        Args:
            facts: Those that were tried.
            limit: Most documents.
            offset: How many to pass over.
        """
        flipped = {*self.gained, *self.lost}
        chosen = [document for document in facts.documents if document.id in flipped]
        return tuple(
            Flip(document.id, document.outcome, decide_again(document, facts.job, self.thresholds))
            for document in chosen[offset : offset + limit]
        )


@dataclass(frozen=True)
class NewVersion:
    """A version of decisions that was put in force.

    Attributes:
        version: Its number.
        trial: What it changed.
    """

    version: int
    trial: Trial


def decide_again(document: DocumentFacts, job: Job, thresholds: Thresholds) -> Decision:
    """The verdict on a document under other thresholds, by the rule of the run itself."""
    if document.ending is None:
        return decide_in_one_pass(job, document.rounds[-1], thresholds)
    return decide(document.rounds, thresholds, document.ending)


def try_thresholds(facts: RunFacts, thresholds: Thresholds) -> Trial:
    """What would change under other thresholds; some hundredths of a second for 5,000 documents."""
    sound = ((document, document.sound(thresholds)) for document in facts.documents)
    kept = (document.rounds[places[0]] if places else None for document, places in sound)
    return _compared(facts, thresholds, kept)


def as_in_force(facts: RunFacts) -> Trial:
    """What the decisions in force come to; nothing differs from them."""
    kept = (
        _numbered(document, document.kept) if document.outcome is Outcome.ACCEPTED else None
        for document in facts.documents
    )
    return _compared(facts, facts.thresholds, kept)


def _compared(facts: RunFacts, thresholds: Thresholds, kept: Iterable[Merits | None]) -> Trial:
    """What changes where of each document this round is kept, or none as it is rejected."""
    accepted = instances = 0
    gained, lost, moved = [], [], []
    scores: dict[str, list[float]] = {name: [] for name in JUDGED_SCORES}
    for document, merits in zip(facts.documents, kept, strict=True):
        was_accepted = document.outcome is Outcome.ACCEPTED
        if merits is None:
            if was_accepted:
                lost.append(document.id)
            continue
        accepted += 1
        instances += merits.left
        for name, values in scores.items():
            if (value := getattr(merits.scores, name)) is not None:
                values.append(value)
        if not was_accepted:
            gained.append(document.id)
        elif merits.number != document.kept:
            moved.append(document.id)
    means = {name: fmean(values) for name, values in scores.items() if values}
    return Trial(
        thresholds,
        len(facts.documents),
        accepted,
        instances,
        means,
        tuple(gained),
        tuple(lost),
        tuple(moved),
    )


def set_thresholds(reader: RunReader, thresholds: Thresholds, note: str = "") -> NewVersion:
    """Decide all judged documents anew, as a new version of decisions that is in force from now on.

    Args:
        reader: The run.
        thresholds: What a document must reach.
        note: Why, for the record.

    Raises:
        UsageError: These thresholds are in force already, or change what cannot be decided again.
        StoreError: Another process works on the run, or it cannot be written.
    """
    with editing(reader.folder, alone=True) as batch:
        facts = load(reader)
        _refuse_other_verdicts(facts, thresholds)
        is_whole = all(document.version == facts.version for document in facts.documents)
        if thresholds == facts.thresholds and is_whole:
            raise UsageError(
                f"These thresholds are in force already, as version {facts.version}.",
                "Give at least one that differs.",
            )
        version = _newest(reader) + 1
        batch.add("decision_versions", version, batch.time, note, thresholds.model_dump_json())
        decisions = _Decisions(batch, facts, thresholds, version)
        for document in facts.documents:
            decisions.add(document)
        _say(batch, version)
        return NewVersion(version, try_thresholds(facts, thresholds))


def use_version(reader: RunReader, version: int) -> NewVersion:
    """Put an earlier version of decisions in force again.

    Documents that were taken up again since, or judged for the first time, are decided under its thresholds,
    as a part of it. The run's own version decided each document itself, and its last word holds.

    Raises:
        UsageError: There is no such version, or it is in force for all documents.
        StoreError: Another process works on the run, or it cannot be written.
    """
    with editing(reader.folder, alone=True) as batch:
        facts, thresholds = load(reader), thresholds_of_version(reader, version)
        if version == facts.version and all(each.version == version for each in facts.documents):
            raise UsageError(f"Version {version} is in force already.", "`guidex threshold list` shows all.")
        made = {
            document_id: (decision_id, Outcome(outcome), round_id, number)
            for decision_id, document_id, outcome, round_id, number in reader.rows(
                """SELECT id, document_id, outcome, round_id, round FROM decisions WHERE id IN
                (SELECT max(id) FROM decisions WHERE version = ? GROUP BY document_id)""",
                version,
            )
        }
        decisions = _Decisions(batch, facts, thresholds, version)
        kept = []
        for document in facts.documents:
            before = made.get(document.id)
            if before is not None and before[2] in document.round_ids:
                decision_id, outcome, _, number = before
                batch.add("outcomes", document.id, outcome.value, decision_id)
            else:
                decision = decisions.add(document)
                outcome, number = decision.outcome, decision.round
            kept.append(_numbered(document, number) if outcome is Outcome.ACCEPTED else None)
        _say(batch, version)
        return NewVersion(version, _compared(facts, thresholds, kept))


def catch_up(store: RunStore) -> None:
    """Decide by the version in force what a session of the run has judged by its own thresholds.

    The loop works by the thresholds of its job. If another version was put in force before, documents of this
    session are decided under its thresholds too, so that one rule holds for the whole run.
    """
    store.flush_now()
    version = version_in_force(store.reader)
    if version == ACCEPTANCE_OF_THE_RUN:
        return
    facts = load(store.reader)
    for document in facts.documents:
        if document.version != version:
            decision = decide_again(document, facts.job, facts.thresholds)
            scores = _numbered(document, decision.round).scores
            store.decide(document.id, decision, scores, version=version)


class _Decisions:
    """Adds decisions of a version to a transaction."""

    def __init__(self, batch: Batch, facts: RunFacts, thresholds: Thresholds, version: int) -> None:
        self._batch, self._job, self._thresholds, self._version = batch, facts.job, thresholds, version
        self._ids = itertools.count(next_id(batch, "decisions"))

    def add(self, document: DocumentFacts) -> Decision:
        decision = decide_again(document, self._job, self._thresholds)
        scores = _numbered(document, decision.round).scores
        rows.add_decision(self._batch, next(self._ids), document.id, decision, scores, self._version)
        return decision


def _numbered(document: DocumentFacts, number: int | None) -> Merits:
    return next(merits for merits in document.rounds if merits.number == number)


def _newest(reader: RunReader) -> int:
    return int(reader.rows("SELECT max(version) FROM decision_versions")[0][0])


def _say(batch: Batch, version: int) -> None:
    rows.add_event(batch, DECISIONS_IN_FORCE, f"version {version} of the decisions", {"version": version})


def _refuse_other_verdicts(facts: RunFacts, thresholds: Thresholds) -> None:
    """`correct` acts on single mentions within the loop: other verdicts would have led to other rounds."""
    if thresholds.correct != facts.thresholds.correct:
        raise UsageError(
            "thresholds.correct decides on mentions while the agents work, and cannot be changed afterwards.",
            "Start a run with another value; finished calls are reused with `--reuse`.",
        )
