"""What other thresholds would come to, put together for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graph.store.document_search import positions
from graph.store.opening import OpenedRun
from graph.thresholds import RunFacts, Trial, as_in_force, decide_again, try_thresholds
from schemas.judgement import Outcome, Scores, Thresholds

SHOWN = 25
"""Documents that are shown of those that would end otherwise, each way."""


@dataclass(frozen=True, slots=True)
class Flipped:
    """A document that would end otherwise than it does."""

    id: str
    position: int
    reason: str
    """Of the other decision."""
    scores: Scores
    """Of the round that the other decision keeps."""


@dataclass(frozen=True, slots=True)
class Tried:
    """Thresholds that were tried, beside those in force."""

    now: Trial
    then: Trial
    gained: tuple[Flipped, ...]
    """The first of the documents that would be accepted."""
    lost: tuple[Flipped, ...]
    """The first of those that would be rejected."""
    others: Mapping[Outcome, int]
    """Documents that no threshold decides, by where they stand."""

    @property
    def differs(self) -> bool:
        """Whether the thresholds are others than those in force."""
        return self.now.thresholds != self.then.thresholds


def tried(run: OpenedRun, facts: RunFacts, thresholds: Thresholds, shown: int = SHOWN) -> Tried:
    """Try thresholds on a run.

    Args:
        run: The run.
        facts: Its facts.
        thresholds: What to try.
        shown: Most documents of those that would end otherwise, each way.

    Raises:
        StoreError: The run cannot be read.
    """
    then = try_thresholds(facts, thresholds)
    named = (*then.gained[:shown], *then.lost[:shown])
    places = positions(run, named)
    wanted = frozenset(named)
    flipped: dict[str, Flipped] = {}
    for document in facts.documents:
        if document.id in wanted:
            decision = decide_again(document, facts.job, thresholds)
            scores = next(each.scores for each in document.rounds if each.number == decision.round)
            flipped[document.id] = Flipped(document.id, places[document.id], decision.reason, scores)
    return Tried(
        now=as_in_force(facts),
        then=then,
        gained=tuple(flipped[each] for each in then.gained[:shown]),
        lost=tuple(flipped[each] for each in then.lost[:shown]),
        others=facts.others,
    )
