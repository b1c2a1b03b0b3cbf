"""From a few documents to all of them: the estimator, its range, and what it says of a stored run."""

from __future__ import annotations

import math
import random
from statistics import mean

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from guidex.estimating import calls_at_once, extrapolate
from schemas.job import job_from

LENGTHS = st.lists(st.integers(1, 10_000), min_size=2, max_size=30)


@given(LENGTHS, st.floats(0.01, 100), st.integers(1, 10_000))
def test_what_is_proportional_to_length_is_estimated_exactly(
    lengths: list[int], rate: float, pending: int
) -> None:
    assume(len(set(lengths)) > 1)
    expected, error = extrapolate([rate * each for each in lengths], lengths, pending, pending * 50)
    assert expected == pytest.approx(rate * pending * 50)
    assert error == pytest.approx(0, abs=1e-6 * (1 + expected))


@given(LENGTHS, st.floats(0.01, 100), st.integers(1, 10_000))
def test_what_is_the_same_for_every_document_is_estimated_exactly(
    lengths: list[int], each: float, pending: int
) -> None:
    expected, error = extrapolate([each] * len(lengths), lengths, pending, 123_456)
    assume(len(set(lengths)) > 1)
    assert expected == pytest.approx(each * pending)
    assert error == pytest.approx(0, abs=1e-6 * (1 + expected))


@given(LENGTHS, st.data())
def test_the_range_is_that_of_the_formula(lengths: list[int], data: st.DataObject) -> None:
    taken = data.draw(st.lists(st.floats(0, 1000), min_size=len(lengths), max_size=len(lengths)))
    size, pending, length = len(lengths), 1000, 500_000
    expected, error = extrapolate(taken, lengths, pending, length)
    average, ratio = mean(taken), sum(taken) / sum(lengths)
    fits = {
        average * pending: sum((y - average) ** 2 for y in taken),
        ratio * length: sum((y - ratio * x) ** 2 for y, x in zip(taken, lengths, strict=True)),
    }
    assert any(expected == pytest.approx(each) for each in fits)
    whole, residual = size + pending, min(fits.values()) / (size - 1)
    standard = whole * math.sqrt((1 - size / whole) / size * residual)
    assert error is not None
    assert 1.6 * standard <= error * (1 + 1e-6) + 1e-6
    assert error <= 6.4 * standard * (1 + 1e-6) + 1e-6


def test_a_sample_of_one_gives_no_range_and_a_whole_run_is_known() -> None:
    assert extrapolate([10.0], [100], 9, 900) == (90.0, None)
    assert extrapolate([10.0, 12.0], [100, 90], 0, 0) == (0.0, 0.0)


@pytest.mark.parametrize("size", [5, 20])
def test_the_range_holds_the_truth_about_as_often_as_it_says(size: int) -> None:
    chance = random.Random(7)
    lengths = [chance.randint(200, 5000) for _ in range(400)]
    took = [
        700 + each * chance.uniform(0.7, 1.3) for each in lengths
    ]  # a part that does not grow with length
    held = []
    for _ in range(600):
        drawn = chance.sample(range(400), size)
        rest = set(range(400)) - set(drawn)
        expected, error = extrapolate(
            [took[i] for i in drawn], [lengths[i] for i in drawn], len(rest), sum(lengths[i] for i in rest)
        )
        assert error is not None
        held.append(abs(sum(took[i] for i in rest) - expected) <= error)
    assert 0.8 <= mean(held) <= 0.99


@pytest.mark.parametrize(
    ("model", "run", "at_once"),
    [
        ("openai/x", {"max_connections": 32}, (32, 32)),
        ("openai/x", {"adaptive_connections": "2-8-64"}, (8, 64)),
        ("openai/x", {"max_connections": 32, "documents_in_flight": 3}, (6, 6)),  # two annotators each
        ("local/smollm2-135m", {"max_connections": 32}, None),
    ],
)
def test_calls_at_the_same_time_are_those_of_connections_and_documents(
    model: str, run: dict[str, object], at_once: tuple[int, int] | None
) -> None:
    job = job_from({"documents": {"paths": ["a"]}, "model": {"name": model}, "run": run})
    assert calls_at_once(job) == at_once
