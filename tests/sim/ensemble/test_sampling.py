"""Points of an ensemble: nested, even, correlated as asked; distributions as their formulas say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from scipy import stats

from sim.ensemble.distribution import Distribution, cumulated
from sim.ensemble.sampling import correlate, correlation_factor, unit_points

WAYS = ["sobol", "latin", "plain"]


def _distribution(**parts: Any) -> Any:
    return TypeAdapter(Distribution).validate_python(parts)


@pytest.mark.parametrize("way", WAYS)
@given(few=st.integers(1, 40), more=st.integers(0, 60), quantities=st.integers(1, 5), seed=st.integers(0, 9))
def test_the_first_points_stay_when_more_are_asked_for(
    way: str, few: int, more: int, quantities: int, seed: int
) -> None:
    points = unit_points(way, few + more, quantities, seed)
    assert points.shape == (few + more, quantities)
    assert points.min() > 0
    assert points.max() < 1
    np.testing.assert_array_equal(points[:few], unit_points(way, few, quantities, seed))


@pytest.mark.parametrize("way", WAYS)
def test_another_seed_gives_other_points(way: str) -> None:
    assert not np.array_equal(unit_points(way, 8, 2, 1), unit_points(way, 8, 2, 2))


@given(doublings=st.integers(0, 9), seed=st.integers(0, 1000))
def test_a_latin_hypercube_of_a_power_of_two_has_one_point_a_slice(doublings: int, seed: int) -> None:
    n = 2**doublings
    points = unit_points("latin", n, 3, seed)
    for column in points.T:
        np.testing.assert_array_equal(np.sort(np.floor(column * n)), np.arange(n))


def test_stratified_points_are_more_even_than_independent_ones() -> None:
    means = {way: [unit_points(way, 32, 2, seed).mean() for seed in range(40)] for way in WAYS}
    spread = {way: float(np.std(values)) for way, values in means.items()}
    assert spread["latin"] < 0.2 * spread["plain"]
    assert spread["sobol"] < 0.2 * spread["plain"]


@pytest.mark.parametrize("rank", [-0.9, -0.3, 0.5, 0.95])
def test_correlated_points_have_the_rank_correlation_and_stay_even(rank: float) -> None:
    points = correlate(unit_points("sobol", 4096, 3, 3), correlation_factor(3, [(0, 2, rank)]))
    assert stats.spearmanr(points[:, 0], points[:, 2]).statistic == pytest.approx(rank, abs=0.02)
    assert stats.spearmanr(points[:, 0], points[:, 1]).statistic == pytest.approx(0, abs=0.02)
    for column in points.T:
        assert stats.kstest(column, "uniform").statistic < 0.02


def test_correlations_that_contradict_one_another_are_refused() -> None:
    with pytest.raises(ValueError, match="lower the correlations"):
        correlation_factor(3, [(0, 1, 0.9), (1, 2, 0.9), (0, 2, -0.9)])


@pytest.mark.parametrize(
    ("parts", "peer"),
    [
        ({"kind": "normal", "mean": 2, "sd": 3}, stats.norm(2, 3)),
        ({"kind": "normal", "mean": 2, "sd": 3, "low": 1, "high": 8}, stats.truncnorm(-1 / 3, 2, 2, 3)),
        ({"kind": "lognormal", "median": 4, "sigma": 0.5}, stats.lognorm(0.5, scale=4)),
        ({"kind": "triangular", "low": 1, "mode": 2, "high": 6}, stats.triang(0.2, 1, 5)),
        ({"kind": "triangular", "low": 1, "mode": 6, "high": 6}, stats.triang(1, 1, 5)),
        ({"kind": "uniform", "low": -1, "high": 3}, stats.uniform(-1, 4)),
    ],
)
def test_quantiles_are_those_of_another_library(parts: dict[str, Any], peer: Any) -> None:
    share = np.linspace(0.001, 0.999, 99)
    np.testing.assert_allclose(_distribution(**parts).quantile(share), peer.ppf(share), rtol=1e-9, atol=1e-9)


def test_a_cut_lognormal_keeps_to_its_bounds() -> None:
    values = _distribution(kind="lognormal", median=1, sigma=1, low=0.5, high=2).quantile(np.linspace(1e-9, 1, 99))
    assert values.min() >= 0.5
    assert values.max() <= 2
    assert np.all(np.diff(values) >= 0)


def test_discrete_values_come_as_often_as_their_weights_say() -> None:
    drawn = _distribution(kind="discrete", values=[1, 5, 7], weights=[1, 0, 3]).quantile(
        np.linspace(0.0005, 0.9995, 1000)
    )
    assert {value: int((drawn == value).sum()) for value in (1, 5, 7)} == {1: 250, 5: 0, 7: 750}
    np.testing.assert_allclose(cumulated((), 4), [0.25, 0.5, 0.75])


@pytest.mark.parametrize(
    ("parts", "named"),
    [
        ({"kind": "normal", "mean": 0, "sd": 0}, "greater than 0|above zero|positive"),
        ({"kind": "normal", "mean": 0, "sd": 1, "low": 2, "high": 1}, "low 2 is not below high 1"),
        ({"kind": "normal", "mean": 0, "sd": 1, "low": 40}, "leave a probability of"),
        ({"kind": "normal", "mean": float("nan"), "sd": 1}, "finite"),
        ({"kind": "lognormal", "median": -1, "sigma": 1}, "-1"),
        ({"kind": "triangular", "low": 0, "mode": 3, "high": 2}, "do not ascend"),
        ({"kind": "uniform", "low": 1, "high": 1}, "low 1 is not below high 1"),
        ({"kind": "discrete", "values": []}, "at least 1"),
        ({"kind": "discrete", "values": [1, 2], "weights": [1]}, "1 weights for 2 values"),
        ({"kind": "discrete", "values": [1], "weights": [0]}, "all weights are zero"),
        ({"kind": "gamma", "shape": 1}, "gamma"),
        ({"mean": 1, "sd": 2}, "kind"),
    ],
)
def test_a_distribution_that_cannot_be_is_named(parts: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        _distribution(**parts)
