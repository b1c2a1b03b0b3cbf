"""Reviews of a run: added beside the run, also while it goes on, and read back.

Each review is kept. Of one reviewer the newest on a document counts, so that a mind can be changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from graph.quality.results import anchors
from graph.store.editing import editing, next_id
from graph.store.opening import OpenedRun
from graph.store.settled import settled_annotations
from schemas.errors import UsageError
from schemas.reviews import Review, ReviewVerdict, WrongMention

_SELECT = """SELECT v.id, v.round_id, v.document_id, r.number, v.reviewer, v.verdict, v.note, v.created
    FROM reviews v JOIN rounds r ON r.id = v.round_id"""


@dataclass(frozen=True, slots=True)
class StoredReview:
    """A review and the row of the round that it is about."""

    review: Review
    round_id: int


def add_review(run: OpenedRun, review: Review) -> None:
    """Store a review.

    It is one short transaction, which a run that goes on waits for; no lock is taken.

    Args:
        run: The run.
        review: Of a round of the document's last take; `created` is set here.

    Raises:
        UsageError: The document has no such round, or the round has no such mention.
        StoreError: It cannot be written.
    """
    round_id = _round_id(run, review)
    ((_, annotation, _),) = settled_annotations(run, [round_id])
    known = anchors(annotation)
    for wrong in review.wrong:
        if (wrong.start, wrong.end, wrong.class_name) not in known:
            raise UsageError(
                f"Round {review.round} of document {review.document_id!r} has no mention of "
                f"{wrong.class_name} from {wrong.start} to {wrong.end}.",
                "Mark mentions that are left once what is disputed is dropped.",
            )
    with editing(run.folder, alone=False) as batch:
        review_id = next_id(batch, "reviews")
        batch.add(
            "reviews",
            review_id,
            review.document_id,
            round_id,
            review.reviewer,
            batch.time,
            review.verdict.value,
            review.note,
        )
        marks = {(review_id, wrong.start, wrong.end, wrong.class_name) for wrong in review.wrong}
        batch.extend("wrong_mentions", sorted(marks))


def reviews_of(run: OpenedRun, document_id: str) -> tuple[Review, ...]:
    """All reviews of a document, the oldest first."""
    return tuple(each.review for each in _read(run, "WHERE v.document_id = ? ORDER BY v.id", document_id))


def newest_reviews(run: OpenedRun) -> tuple[StoredReview, ...]:
    """The newest review of each reviewer on each document, in the order in which they were made."""
    return tuple(
        _read(
            run,
            "WHERE v.id IN (SELECT max(id) FROM reviews GROUP BY document_id, reviewer) ORDER BY v.id",
        )
    )


def _round_id(run: OpenedRun, review: Review) -> int:
    rows = run.rows(
        "SELECT id FROM rounds WHERE document_id = ? AND number = ? ORDER BY take DESC LIMIT 1",
        review.document_id,
        review.round,
    )
    if not rows:
        raise UsageError(
            f"Document {review.document_id!r} has no round {review.round}.", "Review the round that is kept."
        )
    return int(rows[0][0])


def _read(run: OpenedRun, condition: str, *values: str) -> Iterator[StoredReview]:
    marks: dict[int, list[WrongMention]] = {}
    for review_id, start, end, name in run.rows(
        f"""SELECT review_id, start, "end", class FROM wrong_mentions
        WHERE review_id IN (SELECT v.id FROM reviews v {condition})""",
        *values,
    ):
        marks.setdefault(review_id, []).append(WrongMention(class_name=name, start=start, end=end))
    for review_id, round_id, document_id, number, reviewer, verdict, note, created in run.rows(
        f"{_SELECT} {condition}", *values
    ):
        review = Review(
            document_id=document_id,
            round=number,
            reviewer=reviewer,
            verdict=ReviewVerdict(verdict),
            wrong=tuple(marks.get(review_id, ())),
            note=note,
            created=created,
        )
        yield StoredReview(review, round_id)
