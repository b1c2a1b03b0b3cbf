"""What is known to be right and wrong in a run: from gold annotations, or from reviews.

For every round that thresholds could keep it is counted what accepting it would add. Figures are functions of
sums of these counts over the accepted documents, and of sums over all documents of which something is known.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from finetune.gold import Gold
from finetune.scoring.counting import Measure, count, f1, share
from graph.quality.classes import ClassNames, named
from graph.quality.figures import Definition, Quantities
from graph.quality.results import anchors, places_in
from graph.reviews import StoredReview, newest_reviews
from graph.store.reading import RunReader
from graph.store.settled import settled_annotations
from graph.thresholds.facts import DocumentFacts, RunFacts
from schemas.annotation import TypedSpan
from schemas.errors import UsageError
from schemas.judgement import THRESHOLD_SCORES, Thresholds
from schemas.reviews import ReviewVerdict

PRECISION = "precision"
"""The figure by which settings are chosen."""

GOLD_FIGURES: Mapping[str, Definition] = {
    PRECISION: Definition(
        "correct / found mentions of accepted documents; correct: exact offsets and class, micro-averaged",
        lambda sums: share(sums["correct"], sums["correct"] + sums["wrong"]),
    ),
    "recall_all": Definition(
        "correct mentions of accepted documents / gold mentions of all documents with gold, accepted or not",
        lambda sums: share(sums["correct"], sums["gold"]),
    ),
    "recall_accepted": Definition(
        "correct / gold mentions of the accepted documents alone",
        lambda sums: share(sums["correct"], sums["correct"] + sums["missed"]),
    ),
    "f1_all": Definition(
        "F1 over all documents with gold, where those not accepted have nothing",
        lambda sums: f1(sums["correct"], sums["wrong"] + sums["gold"] - sums["correct"]),
    ),
    "f1_accepted": Definition(
        "F1 of the accepted documents alone",
        lambda sums: f1(sums["correct"], sums["wrong"] + sums["missed"]) if sums["accepted"] else None,
    ),
}
REVIEW_FIGURES: Mapping[str, Definition] = {
    PRECISION: Definition(
        "mentions not marked wrong / mentions that a reviewer saw, of the accepted documents",
        lambda sums: share(sums["correct"], sums["correct"] + sums["wrong"]),
    ),
    "document_precision": Definition(
        "documents that reviewers accept / reviewed documents, of those accepted here",
        lambda sums: share(sums["usable"], sums["usable"] + sums["unusable"]),
    ),
    "document_recall": Definition(
        "documents that reviewers accept and that are accepted here / documents that reviewers accept",
        lambda sums: share(sums["usable"], sums["usable_of_all"]),
    ),
}
COUNTED = ("correct", "wrong", "missed", "unseen", "usable", "unusable")
"""Counts over accepted documents that figures are made of: of mentions, then of reviewed documents."""

_ANYTHING = Thresholds(**dict.fromkeys(THRESHOLD_SCORES, 0.0), min_instances=0, block_on_major=False)
_REVIEWS_TELL = (
    "Reviews tell which mentions are wrong, not which are missing: there is no recall of mentions. A "
    "document that was rejected without a mark counts all its mentions as wrong. What a round has that its "
    "reviewer did not see is left out."
)


@dataclass(frozen=True)
class Truth:
    """What is known of a run's documents.

    Attributes:
        source: 'gold' or 'reviews'.
        documents: Ids of the judged documents of which something is known.
        rounds: Counts by document and place of the round: what accepting it adds.
        totals: Counts by document that do not depend on thresholds.
        figures: What follows from the sums.
        is_correct: Whether a mention of a document is right, under its class's own name; None: not known.
        notes: What has to be said about it.
    """

    source: str
    documents: frozenset[str]
    rounds: Mapping[tuple[str, int], Mapping[str, int]]
    totals: Mapping[str, Mapping[str, int]]
    figures: Mapping[str, Definition]
    is_correct: Callable[[str, TypedSpan], bool | None]
    notes: tuple[str, ...]

    def of(self, document: DocumentFacts, place: int) -> Mapping[str, int]:
        """What is known of a document, if its round at this place is accepted."""
        return self.rounds.get((document.id, place), {})

    def totals_of(self, documents: Iterable[str]) -> Counter[str]:
        """Sums over documents, accepted or not; one may be given several times."""
        sums: Counter[str] = Counter()
        for identifier in documents:
            sums.update(self.totals.get(identifier, {}))
        return sums

    def measure(self, accepted: Quantities, totals: Quantities) -> dict[str, float | None]:
        """The figures.

        Args:
            accepted: Sums over the accepted documents.
            totals: Sums over all of which something is known.
        """
        sums = Counter({**accepted, **totals})
        return {name: definition.of(sums) for name, definition in self.figures.items()}


def truth_of_gold(
    reader: RunReader,
    facts: RunFacts,
    gold: Gold,
    class_map: Mapping[str, str] | None = None,
    ignored: Collection[str] = (),
) -> Truth:
    """Count the mentions of all rounds against gold, strictly, as `graph.quality` does for the kept ones.

    Args:
        reader: The run.
        facts: Its facts.
        gold: The gold; documents are found in it by id, or else by their text.
        class_map: Label of the gold to class of the run, where the names differ.
        ignored: Classes whose mentions are left out on both sides.

    Raises:
        UsageError: No judged document is in the gold; or a class is mapped or ignored that is nowhere.
    """
    places, without = places_in(reader, gold)
    by_id = {row.id: at for at, row in places.items()}
    known = [document for document in facts.documents if document.id in by_id]
    if not known:
        raise UsageError(
            f"None of the gold's texts is a judged document of run {facts.name}.",
            "Texts are compared character by character; `guidex gold FILE` says what a gold file holds.",
        )
    # Others are never kept, as no threshold concerns what does not stand in the document.
    kept = {document.id: document.sound(_ANYTHING) for document in known}
    found = mentions_of(reader, [each.round_ids[place] for each in known for place in kept[each.id]])
    names = ClassNames(gold.labels, _classes(reader), class_map, ignored)
    rounds: dict[tuple[str, int], dict[str, int]] = {}
    totals: dict[str, dict[str, int]] = {}
    right: dict[str, set[TypedSpan]] = {}
    for document in known:
        record = gold.documents[by_id[document.id]]
        theirs = right[document.id] = named(record.mentions, names.of_gold)
        totals[document.id] = {"gold": len(theirs)}
        for place in kept[document.id]:
            ours = named(found[document.round_ids[place]], names.of_run)
            counts = count(ours, theirs, record.text, Measure.STRICT)
            rounds[document.id, place] = {
                "accepted": 1,
                "correct": counts.correct.total(),
                "wrong": counts.wrong.total(),
                "missed": counts.missed.total(),
            }
    notes = [f"{len(without):,} documents of the run have no gold."] if without else []
    if left := len(places) - len(known):
        notes.append(f"{left:,} documents with gold were not judged, so that no threshold accepts them.")

    def is_correct(document_id: str, mention: TypedSpan) -> bool | None:
        start, end, name = mention
        shown = names.of_run(name)
        return None if shown is None else (start, end, shown) in right[document_id]

    return Truth("gold", frozenset(totals), rounds, totals, GOLD_FIGURES, is_correct, tuple(notes))


def truth_of_reviews(reader: RunReader, facts: RunFacts) -> Truth:
    """Count mentions and documents by what reviewers said; the newest review of each of them counts.

    Where reviewers differ, more than half of those who saw a mention, or a document's round, must find it
    right.

    Raises:
        UsageError: No judged document was reviewed.
    """
    reviews: dict[str, list[StoredReview]] = {}
    for each in newest_reviews(reader):
        reviews.setdefault(each.review.document_id, []).append(each)
    known = [document for document in facts.documents if document.id in reviews]
    if not known:
        raise UsageError(
            f"No judged document of run {facts.name} has a review.", "Make some in `guidex view`."
        )
    seen = {each.round_id for document in known for each in reviews[document.id]}
    wanted = seen.union(each for document in known for each in document.round_ids)
    found = mentions_of(reader, sorted(wanted))
    rounds: dict[tuple[str, int], dict[str, int]] = {}
    totals: dict[str, dict[str, int]] = {}
    for document in known:
        of_document = reviews[document.id]
        totals[document.id] = {"usable_of_all": 0}
        for place, round_id in enumerate(document.round_ids):
            counts = rounds[document.id, place] = _reviewed(found, round_id, of_document)
            if counts.get("usable"):
                totals[document.id] = {"usable_of_all": 1}

    def is_correct(document_id: str, mention: TypedSpan) -> bool | None:
        return _majority(mention, found, reviews[document_id])

    return Truth("reviews", frozenset(totals), rounds, totals, REVIEW_FIGURES, is_correct, (_REVIEWS_TELL,))


def _reviewed(
    found: Mapping[int, frozenset[TypedSpan]], round_id: int, reviews: Sequence[StoredReview]
) -> dict[str, int]:
    """What reviewers say of a round; of mentions also those who saw them in another round."""
    counts = Counter({"accepted": 1})
    for mention in found[round_id]:
        said = _majority(mention, found, reviews)
        counts["unseen" if said is None else "correct" if said else "wrong"] += 1
    verdicts = [each.review.verdict for each in reviews if each.round_id == round_id]
    if verdicts:
        accepting = sum(verdict is ReviewVerdict.ACCEPTED for verdict in verdicts)
        counts["usable" if 2 * accepting > len(verdicts) else "unusable"] += 1
    return dict(counts)


def _majority(
    mention: TypedSpan, found: Mapping[int, frozenset[TypedSpan]], reviews: Sequence[StoredReview]
) -> bool | None:
    """Whether more than half of the reviewers who saw a mention find it right; None if nobody saw it."""
    votes = [vote for each in reviews if (vote := _vote(mention, found, each)) is not None]
    return 2 * sum(votes) > len(votes) if votes else None


def _vote(mention: TypedSpan, found: Mapping[int, frozenset[TypedSpan]], stored: StoredReview) -> bool | None:
    """Whether a reviewer finds a mention right; None if it was not in what was reviewed."""
    if mention not in found[stored.round_id]:
        return None
    review = stored.review
    if review.verdict is ReviewVerdict.REJECTED and not review.wrong:
        return False
    return all((each.start, each.end, each.class_name) != mention for each in review.wrong)


def mentions_of(reader: RunReader, round_ids: Sequence[int]) -> dict[int, frozenset[TypedSpan]]:
    """The mentions that are left of rounds once they are settled."""
    return {round_id: anchors(left) for round_id, left, _ in settled_annotations(reader, round_ids)}


def _classes(reader: RunReader) -> tuple[str, ...]:
    """The classes of all schemas of a run."""
    rows = reader.rows("""
        SELECT DISTINCT json_extract(c.value, '$.name')
        FROM (SELECT DISTINCT schema_id FROM rounds) r JOIN texts t ON t.id = r.schema_id,
            json_each(t.text, '$.classes') c""")
    return tuple(name for (name,) in rows)
