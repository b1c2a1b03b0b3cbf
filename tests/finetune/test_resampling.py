"""The bootstrap behind the intervals of `guidex quality`."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.scoring.resampling import Sums, difference, figure, samples

QUANTITIES = st.lists(
    st.dictionaries(st.sampled_from("abcde"), st.integers(0, 2**40)), min_size=1, max_size=20
)


@given(QUANTITIES, st.data())
def test_sums_are_those_of_the_documents_drawn(quantities: list[dict[str, int]], data: st.DataObject) -> None:
    drawn = data.draw(st.lists(st.integers(0, len(quantities) - 1)))
    names = {name for each in quantities for name in each}
    expected = {name: sum(quantities[number].get(name, 0) for number in drawn) for name in names}
    assert Sums(quantities).over(drawn) == expected


def test_the_first_sample_is_all_documents_and_a_seed_repeats_the_others() -> None:
    first, *others = samples(50, 20, seed=3)
    assert list(first) == list(range(50)) and len(others) == 20
    assert all(len(drawn) == 50 and set(drawn) <= set(range(50)) for drawn in others)
    again = list(samples(50, 20, seed=3))[1:]
    assert [list(drawn) for drawn in others] == [list(drawn) for drawn in again]
    assert others != list(samples(50, 20, seed=4))[1:]


@given(st.lists(st.floats(-1e6, 1e6), min_size=2))
def test_intervals_are_percentiles(resampled: list[float]) -> None:
    made = figure([0.0, *resampled], 0.9)
    twentieths = statistics.quantiles(resampled, n=20, method="inclusive")
    assert (made.low, made.high) == (
        pytest.approx(twentieths[0], abs=1e-6),
        pytest.approx(twentieths[-1], abs=1e-6),
    )


def test_resamples_in_which_a_figure_is_not_defined_are_left_out() -> None:
    assert figure([0.5, None, 0.4, 0.6, None], 0.99).high == pytest.approx(0.599, abs=1e-3)
    none = figure([None, None], 0.95)
    assert (none.value, none.low, none.high) == (None, None, None)
    gap = difference([0.5, 0.5, None, 0.1, 0.9], [0.2, 0.1, 0.3, 0.3, 0.2], 0.95)
    assert gap.value == pytest.approx(0.3) and gap.same_sign == pytest.approx(2 / 3)
    assert difference([0.5, 0.4], [0.5, 0.4], 0.95).same_sign is None
    assert difference([None, 0.4], [0.5, 0.4], 0.95).value is None


def test_the_interval_of_a_mean_is_that_of_theory() -> None:
    """A share of 30% among 400: the standard error is sqrt(.3 * .7 / 400), 2.3%."""
    sums = Sums([{"hit": int(number % 10 < 3), "all": 1} for number in range(400)])
    shares = [sums.over(drawn)["hit"] / 400 for drawn in samples(400, 2000, seed=1)]
    made = figure(shares, 0.95)
    assert made.value == 0.3
    assert made.low == pytest.approx(0.3 - 1.96 * 0.0229, abs=0.006)
    assert made.high == pytest.approx(0.3 + 1.96 * 0.0229, abs=0.006)
