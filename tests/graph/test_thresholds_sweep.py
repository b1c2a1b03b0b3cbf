"""Sweeps: figures against gold, settings for a target, estimates on other documents, calibrated chances."""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_samples import make_store

from finetune.gold import Gold, read_gold
from graph.quality import Settings, measure, read_results
from graph.store.reading import RunReader
from graph.thresholds import RunFacts, load, set_thresholds
from graph.thresholds.calibrating import (
    JudgedMention,
    calibrate,
    calibration_error,
    judged_mentions,
    reliability,
)
from graph.thresholds.choosing import Target, Tried, choose, front
from graph.thresholds.models import SweepReport
from graph.thresholds.sweeping import SweepSettings, sweep
from graph.thresholds.truth import Truth, truth_of_gold
from guidex.cli import main
from schemas.annotation import Annotation, Instance, Mention, MentionStatus
from schemas.documents import Document
from schemas.errors import UsageError
from schemas.judgement import (
    Agent,
    Decision,
    Ending,
    MentionJudgement,
    Outcome,
    Scores,
    Verdict,
)
from schemas.rounds import Round
from schemas.schema import AnnotationSchema, ClassSpec

SCHEMA = AnnotationSchema(classes=(ClassSpec(name="Person"), ClassSpec(name="Place")))
WORDS = ("Ann", "met", "Bo", "in", "Oslo", "with", "Cy", "and", "Di")


def person(place: int) -> Instance:
    start = sum(len(word) + 1 for word in WORDS[:place])
    word = WORDS[place]
    mention = Mention(
        field="span", quote=word, start=start, end=start + len(word), status=MentionStatus.EXACT
    )
    return Instance(class_name="Person", values={"span": word}, mentions=(mention,))


def a_round(
    document_id: str, found: Sequence[int], agreement: float, faithfulness: float, number: int = 1
) -> Round:
    """Two annotators who both have what is found; a verdict of that probability for each mention."""
    instances = tuple(map(person, sorted(found)))
    whole = Annotation(document_id=document_id, annotator="annotator-1", instances=instances)
    return Round(
        number=number,
        entered=Agent.DESIGNER,
        annotation_schema=SCHEMA,
        annotations=(whole, whole.model_copy(update={"annotator": "annotator-2"})),
        agreed=whole.model_copy(update={"annotator": "agreed"}),
        judgements=tuple(
            MentionJudgement(
                class_name="Person", start=s, end=e, verdict=Verdict.CORRECT, probability=faithfulness
            )
            for one in instances
            if one.anchor is not None and one.anchor.span is not None
            for s, e in [one.anchor.span]
        ),
        scores=Scores(grounding=1, agreement=agreement, faithfulness=faithfulness, completeness=1.0),
        state_hash=f"{document_id}-{number}",
    )


PEOPLE = (0, 2, 6, 8)
"""Words that the gold calls persons."""


def made_run(folder: Path, documents: int = 40, seed: int = 1) -> tuple[Path, Path]:
    """A run of documents with one or two rounds, in which scores tell how many mentions are right."""
    rng = random.Random(seed)
    lines = []
    with make_store(folder) as store:
        for at in range(documents):
            name, text = f"d{at}", f"{' '.join(WORDS)} {at}"
            store.add_documents([Document(id=name, text=text)])
            entities = [
                {"start": m.start, "end": m.end, "label": "person"}
                for place in PEOPLE
                for m in person(place).mentions
            ]
            lines.append(json.dumps({"id": name, "text": text, "entities": entities}))
            for number in range(1, rng.choice([2, 3])):
                quality = rng.random()
                found = [p for p in range(len(WORDS)) if (rng.random() < quality) == (p in PEOPLE)]
                agreement = min(1.0, max(0.0, quality + rng.uniform(-0.2, 0.2)))
                store.add_round(
                    name, a_round(name, found or [0], round(agreement, 2), round(quality, 2), number)
                )
            kept = Decision(outcome=Outcome.REJECTED, reason="by test", ending=Ending.CAP, round=1)
            store.decide(name, kept)
    gold = folder / "gold.jsonl"
    gold.write_text("\n".join(lines))
    run = folder / "trial"
    with RunReader(run) as reader:
        limits = load(reader).thresholds.model_copy(update={"agreement": 0.3, "faithfulness": 0.3})
        set_thresholds(reader, limits)
    return run, gold


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Gold]:
    run, gold = made_run(tmp_path_factory.mktemp("sweep"))
    return run, read_gold([gold])


def known(made: tuple[Path, Gold]) -> tuple[RunFacts, Truth]:
    with RunReader(made[0]) as reader:
        facts = load(reader)
        return facts, truth_of_gold(reader, facts, made[1])


def swept(made: tuple[Path, Gold], target: Target | None = None, samples: int = 20) -> SweepReport:
    return sweep(*known(made), SweepSettings(target, samples=samples))


# --- figures ---


def test_what_is_in_force_measures_as_quality_does(made: tuple[Path, Gold]) -> None:
    point = swept(made).in_force
    with RunReader(made[0]) as reader:
        (run,) = measure([read_results(reader, made[1])], made[1], ["g"], Settings(samples=0)).runs
    assert point.accepted == run.outcomes["accepted"]
    for ours, theirs in (
        ("precision", "strict.precision"),
        ("recall_accepted", "strict.recall"),
        ("f1_accepted", "strict.f1"),
        ("f1_all", "strict.f1_all"),
    ):
        assert point.figures[ours].value == pytest.approx(run.figures[theirs].value)
    counts = run.counts["strict"]
    assert {name: point.counts[name] for name in counts} == counts
    recall = counts["correct"] / (len(PEOPLE) * 40)
    assert point.figures["recall_all"].value == pytest.approx(recall)
    assert point.figures["precision"].low is not None and point.figures["precision"].high is not None
    assert point.figures["precision"].low <= (point.figures["precision"].value or 0)


def test_each_point_of_an_axis_is_what_setting_it_comes_to(tmp_path: Path) -> None:
    run, gold_file = made_run(tmp_path, documents=15, seed=4)
    gold = read_gold([gold_file])
    report = swept((run, gold), samples=0)
    for axis in report.axes:
        if axis.name not in ("agreement", "faithfulness"):
            continue
        for point in axis.points[6::5]:
            with RunReader(run) as reader:
                before = load(reader)
                limits = report.thresholds.model_copy(update={axis.name: point.settings[axis.name]})
                if limits != before.thresholds:
                    set_thresholds(reader, limits)
                (measured,) = measure([read_results(reader, gold)], gold, ["g"], Settings(samples=0)).runs
            assert point.accepted == measured.outcomes.get("accepted", 0)
            assert point.figures["precision"].value == pytest.approx(
                measured.figures["strict.precision"].value
            )
            assert point.figures["f1_all"].value == pytest.approx(measured.figures["strict.f1_all"].value)


def test_classes_that_are_left_out_or_mapped_count_so(made: tuple[Path, Gold]) -> None:
    with RunReader(made[0]) as reader:
        facts = load(reader)
        without = truth_of_gold(reader, facts, made[1], ignored=["Person"])
        mapped = truth_of_gold(reader, facts, made[1], {"person": "Place"})
    sums = {name: 1 for name in ("accepted", "correct", "wrong", "missed")}
    assert without.totals_of(without.documents)["gold"] == 0 < mapped.totals_of(mapped.documents)["gold"]
    assert all(not each["correct"] for each in mapped.rounds.values())
    assert without.measure(sums, {"gold": 2})["recall_all"] == 0.5


def test_gold_of_other_texts_is_refused(made: tuple[Path, Gold], tmp_path: Path) -> None:
    other = tmp_path / "other.jsonl"
    other.write_text('{"text": "Nobody.", "entities": []}\n')
    with pytest.raises(UsageError, match="None of the gold's texts"):
        known((made[0], read_gold([other])))


# --- settings for a target ---


@pytest.mark.parametrize("wanted", [0.6, 0.7, 0.8])
def test_a_wanted_precision_is_reached_with_the_largest_yield(made: tuple[Path, Gold], wanted: float) -> None:
    report = swept(made, Target(precision=wanted), samples=0)
    chosen = report.recommendation
    assert chosen is not None and chosen.reached and chosen.target == "precision"
    assert (chosen.point.figures["precision"].value or 0) >= wanted
    better = [p for p in report.front if (p.figures["precision"].value or 0) >= wanted]
    assert chosen.point.accepted == max(point.accepted for point in better)
    assert chosen.held_out is not None and chosen.held_out.folds == 5


def test_a_precision_that_no_setting_reaches_is_said_with_the_nearest(made: tuple[Path, Gold]) -> None:
    report = swept(made, Target(precision=1.0), samples=0)
    chosen = report.recommendation
    assert chosen is not None
    best = max(point.figures["precision"].value or 0 for point in report.front)
    assert chosen.reached == (best == 1.0) and chosen.point.figures["precision"].value == best


def test_a_wanted_yield_is_reached_with_the_best_precision(made: tuple[Path, Gold]) -> None:
    report = swept(made, Target(share=0.5), samples=0)
    chosen = report.recommendation
    assert chosen is not None and chosen.reached and chosen.point.share >= 0.5
    reaching = [p.figures["precision"].value or 0 for p in report.front if p.share >= 0.5]
    assert chosen.point.figures["precision"].value == max(reaching)


def test_without_gold_a_yield_is_chosen_by_scores_and_that_is_said(made: tuple[Path, Gold]) -> None:
    facts, _ = known(made)
    report = sweep(facts, None, SweepSettings(Target(share=0.5)))
    chosen = report.recommendation
    assert chosen is not None and chosen.held_out is None and chosen.point.share >= 0.5
    assert "faithfulness" in chosen.criterion and any("stands for precision" in n for n in report.notes)
    assert report.in_force.figures == {} and report.front_by == "agreement x faithfulness"
    with pytest.raises(UsageError, match="only known against gold"):
        sweep(facts, None, SweepSettings(Target(precision=0.9)))


def test_what_was_chosen_on_chance_alone_does_not_hold_on_other_documents(tmp_path: Path) -> None:
    """Scores that say nothing: the setting looks better on the documents that it was chosen on."""
    rng = random.Random(7)
    lines = []
    with make_store(tmp_path) as store:
        for at in range(60):
            name, text = f"d{at}", f"{' '.join(WORDS)} {at}"
            store.add_documents([Document(id=name, text=text)])
            entity = {"start": 0, "end": 3, "label": "person"}
            lines.append(json.dumps({"id": name, "text": text, "entities": [entity]}))
            found = [0 if rng.random() < 0.5 else 1]
            store.add_round(name, a_round(name, found, round(rng.random(), 2), round(rng.random(), 2)))
            store.decide(name, Decision(outcome=Outcome.REJECTED, reason="r", ending=Ending.CAP, round=1))
    gold = tmp_path / "gold.jsonl"
    gold.write_text("\n".join(lines))
    report = swept((tmp_path / "trial", read_gold([gold])), Target(share=0.3), samples=0)
    chosen = report.recommendation
    assert chosen is not None and chosen.held_out is not None
    on_others, on_its_own = chosen.held_out.figures["precision"], chosen.point.figures["precision"].value
    assert on_others is not None and on_its_own is not None and on_others < on_its_own - 0.05


tried_ones = st.lists(
    st.builds(Tried, st.integers(0, 9), st.none() | st.sampled_from([0.0, 0.25, 0.5, 0.9, 1.0])),
    min_size=1,
    max_size=12,
)


@given(tried_ones, st.sampled_from([0.3, 0.5, 0.95]), st.booleans())
def test_no_other_setting_does_better(options: list[Tried], wanted: float, precise: bool) -> None:
    target = Target(precision=wanted) if precise else Target(share=wanted)
    choice = choose(options, 10, target, [0.0] * len(options))
    chosen = options[choice.cell]
    if precise:
        reaching = [one for one in options if one.accepted and (one.quality or 0) >= wanted]
        assert choice.reached == bool(reaching) == (chosen in reaching)
        assert not reaching or chosen.accepted == max(one.accepted for one in reaching)
    else:
        reaching = [one for one in options if one.accepted >= 10 * wanted]
        assert choice.reached == bool(reaching) == (chosen in reaching)
        known_ones = [one.quality for one in reaching if one.quality is not None]
        assert not known_ones or chosen.quality == max(known_ones)


@given(tried_ones)
def test_the_front_is_what_no_other_setting_beats(options: list[Tried]) -> None:
    cells = front(options)
    held = [options[cell] for cell in cells]
    assert [one.accepted for one in held] == sorted({one.accepted for one in held}, reverse=True)
    for one in options:
        if one.accepted and one.quality is not None:
            assert any(best.accepted >= one.accepted and (best.quality or 0) >= one.quality for best in held)


def test_of_equal_settings_the_nearest_to_what_is_in_force_is_taken() -> None:
    options = [Tried(5, 0.9)] * 3
    assert choose(options, 10, Target(precision=0.5), [0.3, 0.1, 0.2]).cell == 1


def test_nothing_judged_is_said(tmp_path: Path) -> None:
    with make_store(tmp_path) as store:
        store.add_documents([Document(id="d", text="A text.")])
    with RunReader(tmp_path / "trial") as reader, pytest.raises(UsageError, match="no judged document"):
        sweep(load(reader))


# --- calibration ---


def test_confidence_is_what_annotators_and_critic_say_of_a_mention(made: tuple[Path, Gold]) -> None:
    with RunReader(made[0]) as reader:
        facts = load(reader)
        mentions = list(judged_mentions(reader, facts, truth_of_gold(reader, facts, made[1])))
        rounds = {each.id: reader.kept_round(each.id) for each in facts.documents}
    assert mentions
    for each in mentions:
        kept = rounds[each.document_id]
        assert kept is not None and each.confidence == pytest.approx(kept.scores.faithfulness)
    starts = {m.start for place in PEOPLE for m in person(place).mentions}
    assert all(each.correct == (each.mention[0] in starts) for each in mentions)


def mentions_of(chance: Callable[[float], float], documents: int = 80) -> list[JudgedMention]:
    """Mentions of random confidence that are correct by a chance that follows from it."""
    rng = random.Random(3)
    made = []
    for at in range(documents):
        for start in range(10):
            confidence = rng.random()
            made.append(
                JudgedMention(
                    f"d{at}", (start, start + 1, "A"), confidence, rng.random() < chance(confidence)
                )
            )
    return made


def test_learnt_chances_hold_on_documents_they_were_not_learnt_from() -> None:
    report = calibrate(mentions_of(lambda confidence: confidence**3))
    assert report.ece_before > 0.15 and report.ece_after < 0.06
    assert report.brier_after < report.brier_before
    chances = [chance for _, chance in report.curve]
    assert chances == sorted(chances) and 0 <= chances[0] and chances[-1] <= 1
    assert sum(each.mentions for each in report.after) == report.mentions == 800


def test_confidence_that_holds_already_is_not_made_worse_than_chance_would() -> None:
    report = calibrate(mentions_of(lambda confidence: confidence))
    assert report.ece_before < 0.06 and report.ece_after < 0.06


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=50))
def test_the_error_is_that_of_the_definition(drawn: list[tuple[float, bool]]) -> None:
    chances, correct = [c for c, _ in drawn], [said for _, said in drawn]
    gaps = 0.0
    for at in range(10):
        held = [n for n, c in enumerate(chances) if min(int(c * 10), 9) == at]
        gaps += abs(sum(correct[n] for n in held) - sum(chances[n] for n in held))
    assert calibration_error(reliability(chances, correct)) == pytest.approx(gaps / len(drawn))


def test_too_few_documents_and_a_missing_library_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    mentions = mentions_of(lambda confidence: confidence, documents=9)
    with pytest.raises(UsageError, match="too few"):
        calibrate(mentions)
    monkeypatch.setitem(sys.modules, "sklearn.isotonic", None)
    with pytest.raises(UsageError, match="scikit-learn") as said:
        calibrate(mentions_of(lambda confidence: confidence, documents=20))
    assert "pip install -e '.[calibration]'" in said.value.remedy


def test_the_command_tells_all_of_it_within_80_columns(
    made: tuple[Path, Gold], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    gold = made[0].parent / "gold.jsonl"
    flags = ["--gold", str(gold), "--target-precision", "0.7", "--calibrate", "--samples", "20"]
    assert main(["threshold", "sweep", str(made[0]), *flags]) == 0
    out = capsys.readouterr().out
    told = " ".join(out.split())
    for part in (
        "agreement alone, 0.3 in force",
        "precision over yield, agreement, faithfulness, completeness together (",
        "o the best settings, X in force, R recommended",
        "For a precision of 70%: the largest yield",
        "On documents that a setting was not chosen on (5 parts",
        "guidex threshold set",
        "Chance that a mention is correct",
        "calibration error (ECE)",
        "95% intervals, from 20 bootstrap resamples",
    ):
        assert part in told, part
    commands = [line for line in out.splitlines() if line.startswith("guidex ")]
    assert len(commands) == 1 and str(made[0]) in commands[0]
    assert all(len(line) <= 80 for line in out.splitlines() if line not in commands) and "…" not in out
