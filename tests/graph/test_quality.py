"""What accepted annotations are worth against gold: measures, rankings and their properties."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from finetune.gold import Gold, GoldDocument, GoldMention
from finetune.scoring.counting import Measure, count
from graph.quality import Confidence, QualityReport, Settings, measure
from graph.quality.classes import ClassNames
from graph.quality.errors import Mistake, mistakes
from graph.quality.ranking import Mentions, RankedSample, Ranking
from graph.quality.results import DocumentResult, RunResults
from graph.store.usage import Taken
from schemas.errors import UsageError
from schemas.judgement import Outcome, Scores

Spans = frozenset[tuple[int, int, str]]
TEXT = "Ann met Bo and Ann in Oslo."
EXACT = Settings(samples=0)


def result(
    found: Spans | None, outcome: Outcome = Outcome.ACCEPTED, *, unknown: Sequence[str] = (), **scores: float
) -> DocumentResult:
    judged = None if found is None else Scores(grounding=1, **scores)
    return DocumentResult(
        "d", outcome, found, frozenset(unknown), judged, 4, 1, Taken(100, 40, 20, answers=2, unusable=1)
    )


def gold_of(*mentions: Spans, text: str = TEXT) -> Gold:
    return Gold(
        tuple(
            GoldDocument(f"{text}{number}", tuple(GoldMention(*span) for span in sorted(spans)))
            for number, spans in enumerate(mentions)
        )
    )


def run_of(*documents: DocumentResult, classes: Sequence[str] = ("P", "Q"), name: str = "run") -> RunResults:
    return RunResults(name, dict(enumerate(documents)), tuple(classes), (), (0, 0, 0), 0)


def values(report: QualityReport, number: int = 0) -> dict[str, float | None]:
    return {name: figure.value for name, figure in report.runs[number].figures.items()}


# --- measures ---


def test_strict_wants_offsets_and_class() -> None:
    found = {(0, 5, "PER"), (10, 16, "ORG")}
    counts = count(found, {(0, 5, "PER"), (10, 15, "ORG")}, "x" * 20, Measure.STRICT)
    assert (counts.correct, counts.wrong, counts.missed) == ({"PER": 1}, {"ORG": 1}, {"ORG": 1})
    report = measure([run_of(result(frozenset(found)))], gold_of({(0, 5, "PER"), (10, 15, "ORG")}), [], EXACT)
    assert values(report)["strict.f1"] == 0.5


def test_gollie_counts_surfaces_as_a_multiset() -> None:
    """Oracle of SCIENCE 7: gold Ann and Ann, predicted 'ann ': one correct, none wrong, one missed."""
    text = "Ann or ann or Ann"
    counts = count({(7, 11, "Person")}, {(0, 3, "Person"), (14, 17, "Person")}, text, Measure.GOLLIE)
    assert (counts.correct, counts.wrong, counts.missed) == ({"Person": 1}, {}, {"Person": 1})
    of_another_class = count({(0, 3, "Dog")}, {(0, 3, "Person")}, text, Measure.GOLLIE)
    assert (of_another_class.wrong, of_another_class.missed) == ({"Dog": 1}, {"Person": 1})


def test_each_mistake_is_of_one_kind() -> None:
    gold = {(0, 3, "P"), (8, 14, "P"), (20, 25, "P"), (30, 33, "Q"), (40, 45, "Q")}
    found = {
        *((0, 3, "P"), (0, 3, "Q")),  # one correct, one of another class
        *((8, 10, "P"), (7, 14, "Q")),  # too short; of another class too
        *((15, 20, "P"), (25, 28, "P")),  # beside a mention, which is missing
        *((30, 33, "P"), (41, 44, "Q")),
    }
    assert mistakes(found, gold) == {
        Mistake.CLASS: 2,
        Mistake.BOUNDARY: 2,
        Mistake.BOTH: 1,
        Mistake.SPURIOUS: 2,
        Mistake.MISSING: 1,
    }
    assert mistakes(gold, gold) == {}


def test_recall_is_told_with_and_without_unknown_classes() -> None:
    """P is unknown in the first document: of 5 gold mentions 3 are left, 2 of them found."""
    first, second = (
        frozenset({(0, 3, "P"), (8, 10, "P"), (21, 25, "Q")}),
        frozenset({(0, 3, "P"), (8, 10, "P")}),
    )
    run = run_of(
        result(frozenset({(0, 3, "P"), (21, 25, "Q")}), unknown=["P"]), result(frozenset({(0, 3, "P")}))
    )
    made = values(measure([run], gold_of(first, second), [], EXACT))
    assert (made["strict.recall"], made["strict.recall_known"]) == (3 / 5, 2 / 3)
    assert made["gollie.recall_known"] == 2 / 3


def test_tokens_of_all_documents_count_and_shared_ones_are_shared_out() -> None:
    spans = frozenset({(0, 3, "P")})
    run = run_of(result(spans), result(None, Outcome.FAILED), result(spans, Outcome.REJECTED))
    made = values(measure([replace(run, shared=(30, 20, 10))], gold_of(spans, spans, spans), [], EXACT))
    assert (made["prompt"], made["uncached"], made["generated"]) == (130, 80, 30)
    assert made["generated_per_correct"] == 90
    assert (made["unusable"], made["hallucinated"]) == (0.5, 0.25)


def test_what_is_not_defined_is_none() -> None:
    spans = frozenset({(0, 3, "P")})
    made = values(measure([run_of(result(None, Outcome.FAILED))], gold_of(spans), [], Settings(samples=20)))
    for name in ("strict.f1", "strict.precision", "exact", "generated_per_correct"):
        assert made[name] is None
    assert (made["coverage"], made["strict.f1_all"]) == (0, 0)
    nothing = values(measure([run_of(result(frozenset()))], gold_of(frozenset()), [], EXACT))
    assert (nothing["strict.f1"], nothing["exact"], nothing["strict.recall"]) == (1, 1, None)


# --- classes ---


def test_classes_are_the_same_in_any_form() -> None:
    names = ClassNames(
        ["musicalartist", "misc", "Ort", "city"],
        ["MusicalArtist", "Place", "Song"],
        {"ort": "Place", "CITY": "place"},
        ["Misc"],
    )
    assert names.of_gold("musicalartist") == names.of_run("MusicalArtist") == names.of_run("musical artist")
    assert names.of_gold("Ort") == names.of_gold("city") == names.of_run("Place") == "Place"
    assert names.of_gold("misc") is None
    assert (names.only_gold, names.only_run) == ((), ("Song",))
    assert ClassNames(["人"], ["人"]).of_gold("人") == "人"


def test_a_class_that_is_ignored_in_the_gold_is_ignored_under_its_own_name() -> None:
    names = ClassNames(["per"], ["Person"], {"per": "Person"}, ["per"])
    assert names.of_gold("per") is names.of_run("Person") is None
    with pytest.raises(UsageError, match="No schema has a class 'Human'"):
        ClassNames(["per"], ["Person"], {"per": "Human"})


# --- ranking ---


def ranked(confidence: Sequence[float], *counts: tuple[int, int, int]) -> RankedSample:
    ranking = Ranking(confidence, [Mentions(*each) for each in counts])
    return ranking.over(range(len(counts)))


def test_risk_is_averaged_over_coverages() -> None:
    """After each document F1 is 1, then 2/3 (1 correct of 2 found, 1 wanted), then 4/6."""
    sample = ranked([0.1, 0.9, 0.5], (1, 0, 1), (1, 0, 0), (0, 1, 0))
    assert [(p.least, p.coverage, p.f1) for p in sample.curve()] == [
        (0.9, pytest.approx(1 / 3), 1),
        (0.5, pytest.approx(2 / 3), pytest.approx(2 / 3)),
        (0.1, 1, pytest.approx(4 / 6)),
    ]
    assert sample.aurc() == pytest.approx((0 + 1 / 3 + 1 / 3) / 3)
    assert (
        sample.f1_at(1 / 3) == 1 and sample.f1_at(0.5) == pytest.approx(2 / 2.5) and sample.f1_at(0) is None
    )


def test_documents_of_one_confidence_share_what_they_have() -> None:
    """Without any confidence every part of the documents is like the whole."""
    sample = ranked([-1, -1, -1, -1], (3, 0, 0), (0, 2, 1), (1, 1, 1), (0, 0, 2))
    whole = 2 * 4 / (2 * 4 + 3 + 4)
    for coverage in (0.1, 0.25, 0.7, 1):
        assert sample.f1_at(coverage) == pytest.approx(whole)
    assert sample.aurc() == pytest.approx(1 - whole)
    assert sample.calibration_error() is None


def test_calibration_compares_confidence_with_the_share_of_correct_mentions() -> None:
    """Bin .9 to 1: 3 of 4 correct against .95 (mean); bin .5: 1 of 2 against .5."""
    sample = ranked([0.9, 1.0, 0.5, -1], (1, 1, 0), (2, 0, 5), (1, 1, 0), (0, 9, 0))
    assert sample.calibration_error() == pytest.approx((4 * abs(3 / 4 - 0.95) + 0) / 6)


def test_confidence_is_of_what_is_stored() -> None:
    both = result(frozenset(), agreement=0.5, faithfulness=1.0)
    assert [confidence.of(both) for confidence in Confidence] == [0.5, 1.0, 0.75, 0.5]
    one = result(frozenset(), agreement=0.5)
    of_one = [confidence.of(one) for confidence in Confidence]
    assert of_one[0] == of_one[2] == of_one[3] == 0.5 and of_one[1] < 0
    assert Confidence.MEAN.of(result(None)) < of_one[1]  # nothing annotated comes last


# --- properties ---

SPANS = st.frozensets(
    st.tuples(st.integers(0, 8), st.integers(1, 3), st.sampled_from("PQ")).map(
        lambda made: (made[0], made[0] + made[1], made[2])
    ),
    max_size=6,
)
SCORE = st.none() | st.sampled_from([0.0, 0.25, 0.5, 1.0])


@st.composite
def judged(draw: st.DrawFn) -> DocumentResult:
    if draw(st.integers(0, 4)) == 0:
        return result(None, draw(st.sampled_from([Outcome.FAILED, Outcome.SKIPPED, Outcome.PENDING])))
    scores = {name: draw(SCORE) for name in ("agreement", "faithfulness")}
    outcome = draw(st.sampled_from([Outcome.ACCEPTED, Outcome.ACCEPTED, Outcome.REJECTED]))
    unknown = draw(st.sets(st.sampled_from("PQ")))
    return result(draw(SPANS), outcome, unknown=sorted(unknown), **scores)  # type: ignore[arg-type]


PAIRS = st.lists(st.tuples(SPANS, judged()), min_size=1, max_size=8)


def compare(pairs: Sequence[tuple[Spans, DocumentResult]], samples: int = 0) -> QualityReport:
    documents = [
        GoldDocument("ABABabab" * 2, tuple(GoldMention(*span) for span in gold)) for gold, _ in pairs
    ]
    run = run_of(*(document for _, document in pairs))
    return measure([run], Gold(tuple(documents)), [], Settings(samples=samples, seed=7))


@settings(deadline=None, max_examples=50)
@given(PAIRS)
def test_figures_keep_within_their_bounds(pairs: list[tuple[Spans, DocumentResult]]) -> None:
    report = compare(pairs, samples=10)
    (run,) = report.runs
    for name, figure in run.figures.items():
        if name not in ("generated", "prompt", "uncached", "generated_per_correct"):
            for value in (figure.value, figure.low, figure.high):
                assert value is None or 0 <= value <= 1, name
        if figure.low is not None and figure.high is not None:
            assert figure.low <= figure.high
    assert run.counts["gollie"]["correct"] >= run.counts["strict"]["correct"]
    made = values(report)
    if made["strict.f1"] is not None:
        assert made["strict.f1_all"] <= made["strict.f1"]  # type: ignore[operator]
    for ranking in run.rankings.values():
        coverages = [point.coverage for point in ranking.curve]
        assert coverages == sorted(set(coverages)) and coverages[-1] == 1
        known = [point.least for point in ranking.curve if point.least is not None]
        assert known == sorted(known, reverse=True)
        assert ranking.aurc.value is not None and 0 <= ranking.aurc.value <= 1
        assert ranking.f1_at["100"].value == pytest.approx(ranking.curve[-1].f1)
        assert ranking.aurc.value == pytest.approx(
            sum(
                (point.coverage - before) * point.risk
                for before, point in zip([0, *coverages], ranking.curve, strict=False)
            )
        )


@settings(deadline=None, max_examples=30)
@given(PAIRS, st.randoms(use_true_random=False))
def test_the_order_of_documents_changes_nothing(
    pairs: list[tuple[Spans, DocumentResult]], order: random.Random
) -> None:
    shuffled = order.sample(pairs, len(pairs))
    first, second = compare(pairs).runs[0], compare(shuffled).runs[0]
    for part in ("counts", "figures", "classes"):
        assert getattr(first, part) == getattr(second, part)
    for name, ranking in first.rankings.items():
        assert ranking.curve == second.rankings[name].curve
        assert ranking.aurc == second.rankings[name].aurc
        assert ranking.f1_at == second.rankings[name].f1_at


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(SPANS.filter(bool), SCORE), min_size=1, max_size=6))
def test_what_is_as_the_gold_scores_one(pairs: list[tuple[Spans, float | None]]) -> None:
    scored = [(spans, result(spans, agreement=score)) for spans, score in pairs]  # type: ignore[arg-type]
    (run,) = compare(scored, samples=5).runs
    for name in (
        "coverage",
        "exact",
        *(f"{m}.{f}" for m in Measure for f in ("precision", "recall", "f1_all")),
    ):
        figure = run.figures[name]
        assert figure.value == figure.low == figure.high == 1
    ranking = run.rankings["agreement"]
    assert ranking.aurc.value == 0 and {each.value for each in ranking.f1_at.values()} == {1}


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(*[st.integers(0, 5)] * 3), min_size=1, max_size=8), st.data())
def test_among_distinct_confidences_the_first_documents_are_retained(
    counts: list[tuple[int, int, int]], data: st.DataObject
) -> None:
    confidence = data.draw(st.permutations([number / 10 for number in range(len(counts))]))
    sample = ranked(confidence, *counts)
    in_order = [each for _, each in sorted(zip(confidence, counts, strict=True), reverse=True)]
    risks = []
    for number in range(1, len(counts) + 1):
        correct, wrong, missed = (sum(part) for part in zip(*in_order[:number], strict=True))
        total = 2 * correct + wrong + missed
        expected = 2 * correct / total if total else 1.0
        assert sample.f1_at(number / len(counts)) == pytest.approx(expected)
        risks.append(1 - expected)
    assert sample.aurc() == pytest.approx(sum(risks) / len(risks))
