from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from sim.airspace.sora import (
    CERTIFIED,
    final_class,
    ground_risk_buffer,
    ground_risk_class,
    initial_air_risk,
    sail,
)
from twin import ScenarioError

SIZES = [(1.0, 25.0), (3.0, 35.0), (8.0, 75.0), (20.0, 120.0), (40.0, 200.0)]


@pytest.mark.parametrize(
    ("density", "row"),
    [
        (0.0, [2, 3, 4, 5, 6]),
        (5.0, [3, 4, 5, 6, 7]),
        (499.9, [4, 5, 6, 7, 8]),
        (500.0, [5, 6, 7, 8, 9]),
        (49_999.0, [6, 7, 8, 9, 10]),
        (1e6, [7, 8, 0, 0, 0]),
    ],
)
def test_the_table_s_rows_come_out(density: float, row: list[int]) -> None:
    assert [int(ground_risk_class(density, size=s, speed=v)) for s, v in SIZES] == row


def test_exceeding_size_or_speed_moves_right() -> None:
    assert ground_risk_class(10.0, size=1.01, speed=10.0) == ground_risk_class(10.0, size=0.5, speed=26.0) == 4


def test_risk_never_falls_with_people_size_or_speed() -> None:
    people = np.geomspace(0.1, 40_000, 60)
    maps = [ground_risk_class(people, size=s, speed=v).astype(int) for s, v in SIZES]
    assert all((np.diff(m) >= 0).all() for m in maps)
    assert all((b >= a).all() for a, b in itertools.pairwise(maps))


def test_a_quarter_of_a_kilogram_is_class_one_unless_it_is_fast() -> None:
    assert (ground_risk_class([0.0, 1e6], size=0.3, speed=20.0, mass=0.25) == 1).all()
    assert ground_risk_class(1e6, size=0.3, speed=26.0, mass=0.25) == 8


def test_mitigations_do_not_go_below_the_controlled_ground() -> None:
    assert final_class(6, {"M1A": "medium", "M2": "high"}, size=1.0, speed=20.0) == 2
    assert final_class(3, {"M1A": "medium", "M2": "high"}, size=1.0, speed=20.0) == 1
    assert final_class(5, {"M1B": "high", "M1C": "low", "M2": "high"}, size=8.0, speed=20.0) == 2
    assert final_class([0, 4], {"M1C": "low"}, size=1.0, speed=20.0).tolist() == [0, 3]
    assert final_class(1, {"M1C": "low"}, size=8.0, speed=20.0) == 1  # the 250 g rule is not undone


@pytest.mark.parametrize("wrong", [{"M1A": "high"}, {"M1B": "low"}, {"M9": "low"}])
def test_a_mitigation_that_does_not_exist_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(ScenarioError, match="does not exist"):
        final_class(5, wrong, size=1.0, speed=20.0)


def test_sail_grows_with_both_classes() -> None:
    order = ["I", "II", "III", "IV", "V", "VI", CERTIFIED]
    table = np.array([[order.index(sail(g, a)) for a in "abcd"] for g in range(1, 11)])
    assert (np.diff(table, axis=0) >= 0).all()
    assert (np.diff(table, axis=1) >= 0).all()
    assert [sail(4, "b"), sail(2, "a"), sail(7, "a"), sail(8, "a"), sail(1, "d")] == ["III", "I", "VI", CERTIFIED, "VI"]
    for bad in ((0, "a"), (3, "e")):
        with pytest.raises(ScenarioError, match="no SAIL"):
            sail(*bad)


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"is_atypical": True, "is_airport": True}, "a"),
        ({"is_airport": True, "is_controlled": True}, "d"),
        ({"is_airport": True}, "c"),
        ({"is_above_150": True, "is_controlled": True}, "d"),
        ({"is_above_150": True}, "c"),
        ({"is_controlled": True, "is_urban": False}, "c"),
        ({}, "c"),
        ({"is_urban": False}, "b"),
    ],
)
def test_initial_air_risk_follows_the_tree(where: dict[str, bool], expected: str) -> None:
    assert initial_air_risk(**where) == expected


def test_a_falling_aircraft_lands_within_the_ballistic_buffer() -> None:
    t, x, z, dt = 0.0, 0.0, 100.0, 1e-4
    while z > 0:
        t += dt
        x, z = 15.0 * t, 100.0 - 9.80665 * t * t / 2
    assert ground_risk_buffer(100.0, speed=15.0, size=2.0, method="ballistic") == pytest.approx(x + 1.0, abs=0.01)
    assert ground_risk_buffer(80.0, speed=15.0, size=2.0) == 80.0
    with pytest.raises(ScenarioError, match="unknown"):
        ground_risk_buffer(80.0, speed=15.0, size=2.0, method="luck")
    with pytest.raises(ScenarioError, match="negative"):
        ground_risk_buffer(-1.0, speed=15.0, size=2.0)


@pytest.mark.parametrize(
    ("size", "speed", "density"), [(50.0, 10.0, 1.0), (1.0, 300.0, 1.0), (1.0, 10.0, -1.0), (1.0, 10.0, math.nan)]
)
def test_what_sora_does_not_know_is_refused(size: float, speed: float, density: float) -> None:
    with pytest.raises(ScenarioError, match="sora"):
        ground_risk_class(density, size=size, speed=speed)
