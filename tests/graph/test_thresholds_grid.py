"""The grid gives at every setting what deciding document by document gives there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graph.merits import Merits, decide
from graph.thresholds.facts import DocumentFacts, RunFacts
from graph.thresholds.grid import JOINT, SWEPT, Axis, Grid, Summands, axes_of, mean_of, yields
from schemas.inputs import DocumentsConfig
from schemas.job import Job
from schemas.judgement import Ending, FindingCode, Outcome, Scores, Thresholds

JOB = Job(documents=DocumentsConfig(paths=("documents.jsonl",)))
GRID = (0.0, 0.25, 0.5, 0.75, 1.0)
score = st.none() | st.sampled_from([0.0, 0.1, 0.25, 0.3, 0.5, 0.75, 0.9, 1.0]) | st.floats(0, 1)


@st.composite
def merits(draw: st.DrawFn, number: int) -> Merits:
    left = draw(st.integers(0, 3))
    scores = Scores(
        grounding=draw(st.sampled_from([1.0, 1.0, 0.9])),
        agreement=draw(score),
        faithfulness=draw(score),
        completeness=draw(score),
        guideline=draw(score),
    )
    return Merits(
        number=number,
        scores=scores,
        instances=left + draw(st.integers(0, 2)),
        left=left,
        major=tuple(
            draw(st.lists(st.sampled_from([FindingCode.TYPE, FindingCode.SCHEMA_GENERIC]), max_size=2))
        ),
        is_grounded=scores.grounding >= 1,
    )


@st.composite
def documents(draw: st.DrawFn) -> list[DocumentFacts]:
    return [
        DocumentFacts(
            id=f"d{place}",
            outcome=Outcome.REJECTED,
            decision_id=place,
            version=1,
            ending=Ending.CAP,
            kept=1,
            rounds=tuple(draw(merits(number)) for number in range(1, rounds + 1)),
            round_ids=tuple(range(rounds)),
        )
        for place, rounds in enumerate(draw(st.lists(st.integers(1, 5), max_size=5)))
    ]


held = st.builds(
    Thresholds,
    guideline=st.sampled_from([0.0, 0.5]),
    schema_fit=st.just(0.0),
    min_instances=st.integers(0, 2),
    block_on_major=st.booleans(),
    agreement=st.sampled_from([0.0, 0.5]),
)


def one_by_one(made: Sequence[DocumentFacts], limits: Thresholds) -> Counter[str]:
    sums: Counter[str] = Counter()
    for document in made:
        verdict = decide(document.rounds, limits, Ending.CAP)
        if verdict.outcome is Outcome.ACCEPTED and verdict.round is not None:
            sums.update(yields(document, verdict.round - 1))
    return sums


def known(sums: Mapping[str, int]) -> dict[str, int]:
    return {name: value for name, value in sums.items() if value}


@settings(max_examples=60, deadline=None)
@given(documents(), held)
def test_jointly_each_setting_is_as_decided_one_by_one(made: list[DocumentFacts], limits: Thresholds) -> None:
    grid = Grid(Summands(made, limits), [Axis(name, GRID) for name in JOINT])
    cells = grid.over(range(len(made)))
    assert len(cells) == len(GRID) ** 3
    for cell, values in enumerate(grid.values()):
        setting = grid.setting(cell)
        assert tuple(getattr(setting, name) for name in JOINT) == values
        assert known(cells[cell]) == known(one_by_one(made, setting)), setting


@settings(max_examples=60, deadline=None)
@given(documents(), held, st.sampled_from(SWEPT), st.data())
def test_each_threshold_alone_and_any_sample_of_documents(
    made: list[DocumentFacts], limits: Thresholds, name: str, data: st.DataObject
) -> None:
    values = (0.0, 1.0, 2.0, 3.0, 4.0) if name == "min_instances" else GRID
    grid = Grid(Summands(made, limits), [Axis(name, values)])
    drawn = data.draw(st.lists(st.integers(0, len(made) - 1), max_size=8)) if made else []
    cells = grid.over(drawn)
    for cell in range(len(values)):
        sample = one_by_one([made[number] for number in drawn], grid.setting(cell))
        assert known(cells[cell]) == known(sample)
    whole, part = grid.over(range(len(made))), grid.over(range(len(made) // 2))
    others = grid.over(range(len(made) // 2, len(made)))
    assert [(whole - part)[cell] for cell in range(len(values))] == [
        others[cell] for cell in range(len(values))
    ]


def facts(made: list[DocumentFacts], limits: Thresholds | None = None) -> RunFacts:
    return RunFacts("trial", JOB, 1, limits or JOB.thresholds, tuple(made), {})


def test_what_is_in_force_is_on_every_axis_and_scores_that_nobody_has_have_none() -> None:
    merits_ = Merits(1, Scores(grounding=1, agreement=0.6), 2, 2, (), True)
    document = DocumentFacts("d", Outcome.ACCEPTED, 1, 1, Ending.AGREED, 1, (merits_,), (1,))
    axes = axes_of(facts([document], Thresholds(agreement=0.83, min_instances=14)), SWEPT)
    assert [axis.name for axis in axes] == ["agreement", "min_instances"]
    assert 0.83 in axes[0].values and axes[0].values[:3] == (0.0, 0.05, 0.1) and axes[0].values[-1] == 1
    assert axes[1].values[-1] == 14
    cells = Grid(Summands([document], Thresholds()), axes).over([0])
    assert mean_of(cells[0], "agreement") == pytest.approx(0.6, abs=1e-6)
    assert mean_of(cells[0], "faithfulness") is None
