"""What a reviewer is shown beside a document, and which document is looked at next."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from graph.quality.results import anchors
from graph.reviews import reviews_of
from graph.store.opening import OpenedRun
from graph.thresholds import DocumentFacts, RunFacts
from guidex.stories import Story
from schemas.judgement import THRESHOLD_SCORES, Thresholds
from schemas.reviews import Review


@dataclass(frozen=True, slots=True)
class KeptMention:
    """A mention that a reviewer can mark as wrong."""

    class_name: str
    start: int
    end: int
    surface: str
    was_wrong: bool
    """Whether the newest review of this round marks it."""


@dataclass(frozen=True, slots=True)
class ReviewPanel:
    """What is reviewed of a document, and what was said of it before."""

    round: int
    """The one that is kept."""
    mentions: tuple[KeptMention, ...]
    """In document order."""
    reviews: tuple[Review, ...]
    """The newest first."""


def review_panel(run: OpenedRun, story: Story) -> ReviewPanel | None:
    """What there is to review of a document; None if no round of it was kept.

    Raises:
        StoreError: The run cannot be read.
    """
    if story.result is None or story.decision is None or story.decision.round is None:
        return None
    reviews = tuple(reversed(reviews_of(run, story.id)))
    kept = story.decision.round
    newest = next((each for each in reviews if each.round == kept), None)
    wrong = {(each.start, each.end, each.class_name) for each in newest.wrong} if newest else set()
    text = story.document.text if story.document else ""
    mentions = tuple(
        KeptMention(name, start, end, text[start:end], (start, end, name) in wrong)
        for start, end, name in sorted(anchors(story.result))
    )
    return ReviewPanel(kept, mentions, reviews)


def reviewed_documents(run: OpenedRun) -> frozenset[str]:
    """Ids of the documents that somebody has reviewed.

    Raises:
        StoreError: The run cannot be read.
    """
    return frozenset(each for (each,) in run.rows("SELECT DISTINCT document_id FROM reviews"))


def nearness(document: DocumentFacts, thresholds: Thresholds) -> float:
    """How far a document is from being decided otherwise: the least room its kept round has, either way.

    The room of a score is what it has above its threshold, or lacks. The least one decides, so that its size
    tells how sure the decision is; a document without scores that decide comes last.
    """
    kept = next(each for each in document.rounds if each.number == document.kept)
    room = [
        value - getattr(thresholds, name)
        for name in THRESHOLD_SCORES
        if (value := getattr(kept.scores, name)) is not None
    ]
    return abs(min(room)) if room else 1.0


def next_to_review(facts: RunFacts, reviewed: Collection[str], after: str | None = None) -> str | None:
    """The document to review next: of those nobody has reviewed, the one whose decision is least sure.

    Args:
        facts: Of the run.
        reviewed: Ids of the documents that are done.
        after: The document that is looked at: what comes behind it in this order is taken first, so that a
            document can be passed over.
    """
    order = sorted(
        (nearness(document, facts.thresholds), place) for place, document in enumerate(facts.documents)
    )
    ids = [facts.documents[place].id for _, place in order]
    start = ids.index(after) + 1 if after in ids else 0
    return next((each for each in ids[start:] + ids[:start] if each not in reviewed and each != after), None)
