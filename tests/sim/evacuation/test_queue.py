"""The spatial queue: speed, flow, storage, spillback, order, head-count, restart."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import sim.evacuation.kernels as k
from sim.evacuation.fields import DEAD, MOVING, SAFE, STRANDED, WAITING
from sim.evacuation.streets import walking_speed
from tests.sim.evacuation.streets_of_test import drive, grid_network, make_model, network, shelter_plan

NEVER = np.inf


def street(length: float = 200.0, width: float = 4.0, pieces: int = 2):
    x = np.linspace(0.0, length, pieces + 1)
    return network(np.column_stack([x, 0 * x]), [(i, i + 1) for i in range(pieces)], width)


@pytest.mark.parametrize("speed", [0.46, 0.76, 1.0, 1.34])
def test_somebody_alone_takes_length_over_speed(speed):
    model = drive(make_model(street(), shelter_plan((200, 0, 10)), [[0, 0]], speed=speed), 700)
    # 200 m of street and the shelter's door
    assert model.agents.arrival[0] == pytest.approx(201.0 / speed, abs=1.0)


def test_reaction_times_are_kept():
    reaction = np.arange(10.0, 101.0, 10.0)
    model = make_model(street(), shelter_plan((200, 0, 50)), np.zeros((10, 2)), departure=reaction)
    started = np.full(10, NEVER)
    for second in range(120):
        model.step(1.0)
        fresh = (model.states() == MOVING) & np.isinf(started)
        started[fresh] = second
    np.testing.assert_allclose(started, reaction, atol=1.0)


def test_the_speeds_of_groups_are_inside_their_ranges_of_the_rimea_guideline():
    from sim.evacuation.groups import read_groups
    from sim.evacuation.hazard import GROUPS
    from sim.evacuation.scenario import EvacuationSection

    section = EvacuationSection(duration=60, output_every=60, groups="walking")
    table = read_groups(section, None)
    rng = np.random.default_rng(1)
    for name, low, high in (("elderly_man", 0.68, 1.41), ("supported", 0.46, 0.76), ("child", 0.58, 1.61)):
        speed = table.draw_speeds(np.full(500, GROUPS.index(name)), False, rng)
        assert low <= speed.min()
        assert speed.max() <= high
        assert speed.std() > 0.03


def test_a_fast_walker_overtakes_a_slow_one():
    model = make_model(street(), shelter_plan((200, 0, 10)), [[0, 0], [0, 0]], speed=[0.5, 1.5], departure=[0, 20])
    drive(model, 500)
    assert model.agents.arrival[1] < model.agents.arrival[0]


def test_a_bottleneck_lets_its_declared_flow_through_and_no_more():
    layer = network([[0, 0], [100, 0], [200, 0], [300, 0]], [(0, 1), (1, 2), (2, 3)], [20.0, 1.2, 20.0])
    model = make_model(layer, shelter_plan((300, 0, 10_000), (300, 0, 0)), np.zeros((2000, 2)), speed=1.34)
    narrow = np.flatnonzero((model.streets.feature == 1) & (model.streets.head == 2))[0]
    passed = []
    for _ in range(90):
        model.step(10.0)
        passed.append(int(model.traffic.passed[narrow]))
    flow = np.diff(passed[40:]) / 10.0
    declared = 1.22 * 1.2
    assert flow.mean() == pytest.approx(declared, rel=0.01)
    assert (passed[-1] - passed[40]) / (10.0 * (len(passed) - 41)) <= declared * 1.001


def test_a_full_street_holds_people_back_in_the_streets_behind_it():
    layer = network([[0, 0], [200, 0], [210, 0], [400, 0]], [(0, 1), (1, 2), (2, 3)], [6.0, 0.5, 6.0])
    model = make_model(layer, shelter_plan((400, 0, 10_000)), np.zeros((600, 2)), speed=1.34)
    drive(model, 400)
    short = model.streets.storage[1]
    assert model.traffic.load[1] == short
    assert model.gauges()["queue"] > short


def test_no_street_holds_more_than_it_has_room_for_unless_somebody_was_let_through():
    rng = np.random.default_rng(5)
    model = make_model(
        grid_network(6, 40.0, 1.0), shelter_plan((100, 100, 700), (0, 0, 100)), rng.uniform(0, 200, (900, 2))
    )
    for _ in range(60):
        model.step(10.0)
        over = np.maximum(model.traffic.load - model.streets.storage, 0).sum()
        assert over <= model.traffic.tally[k.SQUEEZED]
    assert model.budget()["relative_error"] == 0.0


def test_opposing_full_streets_resolve_and_the_people_let_through_are_counted():
    # both shelters are at the far end of the other crowd, one street of one person's width between them
    layer = network([[0, 0], [4, 0], [8, 0]], [(0, 1), (1, 2)], 0.4)
    model = make_model(layer, shelter_plan((0, 3, 40), (8, 3, 40)), np.repeat([[0.5, 0], [7.5, 0]], 40, axis=0))
    drive(model, 3600)
    assert model.counts()[SAFE] == 80


def test_a_shelter_takes_exactly_as_many_as_it_has_room_for_and_the_next_goes_elsewhere():
    layer = street(400.0, pieces=4)
    model = make_model(layer, shelter_plan((100, 0, 7), (400, 0, 100)), np.zeros((8, 2)), departure=np.arange(8) * 5)
    drive(model, 1500)
    np.testing.assert_array_equal(model.shelter_loads(), [7, 1])
    assert model.counts()[SAFE] == 8
    assert model.traffic.tally[k.TURNED_AWAY] <= 1
    assert np.isfinite(model.traffic.full_time[0])


def test_where_all_shelters_are_full_the_rest_is_stranded_because_of_that():
    model = drive(make_model(street(), shelter_plan((200, 0, 3)), np.zeros((5, 2))), 900)
    assert model.counts()[SAFE] == 3
    assert set(model.agents.cause[model.states() == STRANDED]) == {k.CAUSE_FULL}


def test_who_is_cut_off_from_every_shelter_is_stranded_as_an_island():
    layer = network([[0, 0], [100, 0], [0, 500], [100, 500]], [(0, 1), (2, 3)])
    model = drive(make_model(layer, shelter_plan((0, 0, 30)), [[50, 0], [50, 500]]), 300)
    np.testing.assert_array_equal(model.states(), [SAFE, STRANDED])
    assert model.agents.cause[1] == k.CAUSE_ISLAND


def test_a_closed_street_is_gone_round_and_taken_again_when_it_opens():
    layer = network([[0, 0], [100, 0], [0, 100], [100, 100]], [(0, 1), (0, 2), (2, 3), (3, 1)])
    at, shelter = [[0, 20], [0, 20]], shelter_plan((100, 0, 30))
    model = make_model(layer, shelter, at, departure=[1, 700], closures=[(0, 0.0, 600.0)])
    drive(model, 1500)
    travel = model.agents.arrival - model.agents.departure
    assert travel[0] == pytest.approx(281, abs=2)
    assert travel[1] == pytest.approx(121, abs=2)


def test_in_a_fixed_plan_a_full_shelter_strands_who_comes_too_late():
    model = make_model(street(), shelter_plan((200, 0, 3), (0, 100, 50)), [[120, 0]] * 5, reroute_every=None)
    drive(model, 900)
    assert model.counts()[SAFE] == 3
    assert model.counts()[STRANDED] == 2


def test_streams_that_merge_take_turns():
    nodes = [[0, 0], [-50, 0], [0, 50], [0, -50], [100, 0]]
    layer = network(nodes, [(1, 0), (2, 0), (3, 0), (0, 4)], [4.0, 4.0, 4.0, 1.0])
    at = np.repeat([[-50.0, 0], [0, 50], [0, -50]], 300, axis=0)
    model = drive(make_model(layer, shelter_plan((100, 0, 5000)), at, speed=1.34), 500)
    arrived = [int((model.agents.arrival[i * 300 : (i + 1) * 300] < 500).sum()) for i in range(3)]
    assert min(arrived) > 0.8 * max(arrived) > 50


def test_people_in_a_crowd_walk_as_fast_as_weidmann_says_up_to_the_density_of_largest_flow():
    # v0 1.34: table of the specification
    speed = 1.34 * walking_speed([0.5, 1.0, 1.5])
    np.testing.assert_allclose(speed, [1.298, 1.058, 0.807], atol=0.001)


def _random_model(seed, n=120, reroute_every=60.0):
    rng = np.random.default_rng(seed)
    side = 5
    layer = grid_network(side, 40.0, rng.choice([0.6, 2.0, 4.0], 2 * side * (side - 1)))
    times = np.array([0.0, 200.0, 400.0, 700.0])
    n_links = len(layer.links)
    depth = rng.choice([0.0, 0.0, 0.1, 0.3, 0.6, 1.2], (4, n_links))
    depth[rng.random(depth.shape) < 0.05] = np.nan
    doors = rng.choice([0.0, 0.0, 0.2, 0.8, 4.0], (4, n))
    closures = [(int(rng.integers(n_links)), 100.0, 400.0), (int(rng.integers(n_links)), 0.0, np.inf)]
    shelters = shelter_plan(*[(*rng.uniform(0, 160, 2), int(rng.integers(0, 60))) for _ in range(3)])
    departure = rng.choice([0.0, 30.0, 250.0, NEVER], n)
    return make_model(
        layer, shelters, rng.uniform(0, 160, (n, 2)), departure=departure, speed=rng.uniform(0.5, 1.5, n),
        group=rng.integers(0, 6, n), luck=rng.random(n), goes_up=rng.random(n) < 0.1, storeys=rng.integers(1, 4, n),
        streets_water=(times, depth), doors_water=(times, doors), street_speed=0.5,
        shelters_water=(times, rng.choice([0.0, 0.0, 0.6], (4, 3))), closures=closures, reroute_every=reroute_every,
        unjam_after=20.0,
    )  # fmt: skip


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(0, 2**32 - 1), reroutes=st.booleans())
def test_nobody_is_lost_or_made_whatever_the_water_the_closures_and_the_shelters(seed, reroutes):
    model = _random_model(seed, reroute_every=60.0 if reroutes else None)
    dead = 0
    for _ in range(20):
        model.step(45.0)
        budget = model.budget()
        assert budget["relative_error"] == 0.0
        assert model.counts().sum() == 120
        assert model.counts()[DEAD] >= dead
        assert (model.shelter_loads() <= model.shelters.capacity).all()
        assert all(np.isfinite(values).all() for values in model.fields().values())
        dead = model.counts()[DEAD]


@pytest.mark.parametrize("seed", [3, 11])
def test_a_restored_run_equals_an_uninterrupted_one(seed):
    whole = drive(_random_model(seed), 800)
    first = drive(_random_model(seed), 390)
    second = _random_model(seed)
    second.load_state(first.state())
    drive(second, 800)
    for name, values in whole.state().items():
        if name != "clock":
            np.testing.assert_array_equal(second.state()[name], values, err_msg=name)


def test_the_result_does_not_depend_on_how_the_driver_cuts_time():
    one = drive(_random_model(8), 800)
    other = _random_model(8)
    for dt in [7.5, 0.25, 52.25, *[37.0] * 20]:
        other.step(dt)
    np.testing.assert_array_equal(one.agents.phase, other.agents.phase)
    np.testing.assert_array_equal(one.agents.arrival, other.agents.arrival)


def test_a_late_leaver_stays_where_no_water_comes():
    model = drive(make_model(street(), shelter_plan((200, 0, 3)), [[0, 0]], departure=NEVER), 600)
    assert model.states()[0] == WAITING
