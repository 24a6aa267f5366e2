"""RiMEA's tests (guideline 3.0), the fundamental diagram, bottlenecks: benchmarks/rimea.py prints the same figures."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import rimea


def test_1_somebody_walks_a_corridor_at_his_own_speed():
    assert rimea.corridor_time() == pytest.approx(40.0 / 1.33, rel=0.02)


@pytest.mark.parametrize("is_up", [True, False], ids=["up", "down"])
def test_2_and_3_stairs_take_the_time_of_their_slope(is_up):
    took, expected = rimea.stair_time(is_up)
    assert took == pytest.approx(expected, rel=0.05)


def test_4_speed_falls_with_density_as_weidmann_measured():
    found = np.mean([rimea.diagram(seed=seed) for seed in (0, 1)], axis=0)
    assert rimea.diagram_error(found) <= 0.09
    assert np.all(np.diff(found[:, 2]) < 0.0)


def test_5_people_start_after_their_reaction_time():
    late = rimea.reaction_starts() - np.arange(10.0, 101.0, 10.0)
    assert np.all((late > -1e-6) & (late <= 0.1 + 1e-6))


def test_6_nobody_is_in_the_wall_on_the_way_round_a_corner():
    least, last = rimea.corner()
    assert least > 0.1
    assert last < 60.0


def test_7_groups_keep_their_speeds():
    found = rimea.speeds_by_age()
    limits = {
        "under_30": (0.58, 1.61),
        "from_30_to_50": (1.41, 1.54),
        "over_50": (0.68, 1.41),
        "impaired": (0.46, 0.76),
    }
    for name, (low, high) in limits.items():
        assert low - 0.01 <= found[name].min() < 0.5 * (low + high) < found[name].max() <= high + 0.01


def test_8_a_tower_is_empty_sooner_the_faster_its_people_and_the_earlier_they_start():
    times = np.array([[rimea.tower(speed, reaction) for speed in (0.75, 1.0, 1.25)] for reaction in (0.0, 20.0)])
    assert np.all(np.diff(times, axis=1) < 0.0)
    assert np.all(np.diff(times, axis=0) > 0.0)


def test_9_half_the_exits_take_twice_the_time():
    assert 1.6 <= rimea.hall(2) / rimea.hall(4) <= 2.4


def test_10_everybody_takes_the_exit_that_he_was_told():
    told, taken = rimea.twelve_rooms()
    assert told.tolist() == taken.tolist()


def test_11_the_nearer_exit_is_preferred_and_both_are_used():
    near, far = rimea.two_exits()
    assert near + far == 1000
    assert near > far > 100


def test_12_there_is_no_second_jam_behind_a_bottleneck():
    first, second = rimea.second_jam()
    assert first > 20
    assert second <= 8


def test_13_a_stair_slows_the_flow_and_a_queue_forms_at_its_foot():
    level, stair, foot = rimea.stair_jam()
    assert stair < 0.9 * level
    assert foot > 2.0


def test_14_the_short_way_over_stairs_and_the_long_way_are_weighed_against_each_other():
    assert 0.0 <= rimea.route_choice() <= 1.0


def test_15_a_crowd_takes_longer_round_a_corner_than_along_its_inner_side():
    short, corner, long = rimea.corner_times()
    assert short <= corner <= long


def test_flow_through_bottlenecks_is_the_published_one():
    widths = (0.8, 1.0, 1.2, 1.5, 1.8, 2.5)
    found = np.mean([[rimea.bottleneck_flow(b, seed=seed) for b in widths] for seed in (0, 1)], axis=0)
    errors = found / rimea.bottleneck_expected(np.array(widths)) - 1.0
    assert np.abs(errors).max() <= 0.12
    assert np.abs(errors).mean() <= 0.06


@pytest.mark.parametrize("seed", range(10))
def test_no_bottleneck_clogs(seed):
    assert rimea.bottleneck_flow(0.8, n=60, seed=seed) > 0.8
