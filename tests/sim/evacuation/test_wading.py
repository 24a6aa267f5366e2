"""People in water: speed, limits, who is stranded, who comes free again, who dies."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import sim.evacuation.kernels as k
from sim.evacuation.fields import DEAD, MOVING, SAFE, STRANDED, WAITING
from sim.evacuation.hazard import GROUPS, read_wading
from sim.evacuation.scenario import Hazard
from tests.sim.evacuation.streets_of_test import drive, grid_network, make_model, network, shelter_plan
from twin import ScenarioError

MAN, WOMAN, CHILD = 0, 1, GROUPS.index("child")


def line(pieces: int = 10, length: float = 1000.0):
    x = np.linspace(0.0, length, pieces + 1)
    return network(np.column_stack([x, 0 * x]), [(i, i + 1) for i in range(pieces)])


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_on_a_plane_with_rising_water_the_arrival_is_the_integral_of_the_speed(rate):
    """Depth h = rate t [m/h]: the walk x(t) = integral of v(h(t)), with v linear in h (men, li_2026)."""
    loss = 0.386 / 0.35
    layer, shelter = line(), shelter_plan((1000, 0, 10))
    times = np.array([0.0, 3600.0])
    model = make_model(
        layer, shelter, [[0, 0]], speed=1.0, group=MAN, streets_water=(times, [[0.0], [rate]]), reroute_every=60.0
    )
    drive(model, 3600)
    # x = t - loss rate t^2 / 2 / 3600, the smaller root for 1000 m and 1 m to the door
    a = loss * rate / 3600.0
    expected = (1.0 - np.sqrt(1.0 - 2.0 * a * 1001.0)) / a
    assert expected > 1030
    assert model.agents.arrival[0] == pytest.approx(expected, rel=0.01)


def test_the_published_loss_of_speed_is_met():
    table = read_wading(Hazard(), None)
    assert table.wade(MAN, 0.35, 0.0)[0] == pytest.approx(1 - 0.386)
    assert table.wade(WOMAN, 0.35, 0.0)[0] == pytest.approx(1 - 0.448)
    quarter = read_wading(Hazard(speed="quarter_at_half_a_metre"), None)
    assert quarter.wade(MAN, 0.5, 0.0)[0] == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("group", "depth", "speed", "cause"),
    [
        (MAN, 0.69, 0.0, k.CAUSE_FORCE),  # 0.69^2 / 2 = 0.238 m2 is above 0.125: still water pushes, too
        (MAN, 0.45, 0.0, k.CAUSE_NONE),
        (MAN, 0.45, 1.0, k.CAUSE_FORCE),
        (MAN, 0.71, 0.0, k.CAUSE_DEPTH),
        (WOMAN, 0.44, 0.0, k.CAUSE_NONE),
        (WOMAN, 0.51, 0.0, k.CAUSE_DEPTH),
        (CHILD, 0.19, 0.0, k.CAUSE_NONE),
        (CHILD, 0.21, 0.0, k.CAUSE_DEPTH),
        (MAN, 0.0, 9.0, k.CAUSE_NONE),  # speed without depth is no water
        (MAN, np.nan, np.nan, k.CAUSE_NONE),
        (MAN, -0.1, 0.0, k.CAUSE_NONE),
    ],
)
def test_depth_and_specific_force_stop_each_group_at_its_own_limit(group, depth, speed, cause):
    factor, found = read_wading(Hazard(), None).wade(group, depth, speed)
    assert found == cause
    assert (factor == 0) == (cause != k.CAUSE_NONE)


def test_more_water_never_makes_anybody_faster():
    for preset in ("li_2026", "quarter_at_half_a_metre", "none"):
        table = read_wading(Hazard(speed=preset), None)
        for group in range(len(GROUPS)):
            factor, _ = table.wade(group, np.linspace(0, 2, 400), 0.3)
            assert (np.diff(factor) <= 0).all()


def test_life_loss_begins_and_ends_where_the_cabinet_office_says():
    table = read_wading(Hazard(life_loss="cabinet_office"), None)
    np.testing.assert_allclose(table.mortality([0.0, 0.3, 1.0, 5.0, np.nan], 0, 0), [0, 0, 1, 1, 0])


def test_jonkman_zones_order_as_published():
    table = read_wading(Hazard(life_loss="jonkman"), None)
    still, rapid, breach = table.mortality([3.0, 3.0, 3.5], [0.0, 0.0, 2.1], [0.0, 1.0, 0.0])
    # Phi((ln 3 - 7.60)/2.75) and Phi((ln 3 - 1.46)/0.28)
    assert still == pytest.approx(0.0090, abs=0.0005)
    assert rapid == pytest.approx(0.0984, abs=0.001)
    assert breach == 1.0


def test_caught_people_are_stranded_and_walk_on_when_the_water_falls():
    times = np.array([0.0, 100.0, 160.0, 1000.0, 1060.0])
    depth = np.array([0.0, 0.0, 0.6, 0.6, 0.0])[:, None]
    hazard = Hazard(life_loss="none")
    model = make_model(line(), shelter_plan((1000, 0, 5)), [[0, 0]], streets_water=(times, depth), hazard=hazard)
    drive(model, 600)
    assert model.states()[0] == STRANDED
    assert model.agents.cause[0] in (k.CAUSE_DEPTH, k.CAUSE_FORCE)
    assert model.loads().sum() == 1
    drive(model, 1300)
    assert model.states()[0] == MOVING
    drive(model, 2600)
    assert model.states()[0] == SAFE
    assert model.agents.arrival[0] > 1000 + 850


def test_water_behind_somebody_does_not_hold_him():
    times = np.array([0.0, 300.0, 310.0])
    depth = np.zeros((3, 10))
    depth[2, :2] = 3.0
    model = make_model(line(), shelter_plan((1000, 0, 5)), [[0, 0]], speed=1.0, streets_water=(times, depth))
    drive(model, 1100)
    assert model.states()[0] == SAFE


def test_who_is_caught_dies_when_his_luck_is_below_the_chance():
    times, depth = np.array([0.0, 50.0, 60.0]), np.array([0.0, 0.0, 0.86])[:, None]
    model = make_model(
        line(),
        shelter_plan((1000, 0, 5)),
        [[0, 0], [0, 0]],
        luck=[0.5, 0.95],
        streets_water=(times, depth),
        hazard=Hazard(life_loss="cabinet_office"),
    )
    drive(model, 300)
    # chance (0.86 - 0.3) / 0.7 = 0.8
    np.testing.assert_array_equal(model.states(), [DEAD, STRANDED])
    assert model.positions()[0, 0] == pytest.approx(60.0, abs=1.5)


def test_who_waits_for_the_water_leaves_when_it_is_at_the_door_and_can_be_waded():
    times, depth = np.array([0.0, 300.0, 360.0]), np.array([0.0, 0.0, 0.1])[:, None]
    model = make_model(line(), shelter_plan((1000, 0, 5)), [[0, 0]], departure=np.inf, doors_water=(times, depth))
    drive(model, 290)
    assert model.states()[0] == WAITING
    drive(model, 420)
    assert model.states()[0] == MOVING
    assert 300 <= model.agents.departure[0] <= 360


@pytest.mark.parametrize(("depth", "state"), [(1.5, STRANDED), (6.0, DEAD)])
def test_who_cannot_leave_the_house_is_safe_from_drowning_as_high_as_its_highest_floor(depth, state):
    times, water = np.array([0.0, 30.0, 60.0]), np.array([0.0, 0.0, depth])[:, None]
    model = make_model(
        line(),
        shelter_plan((1000, 0, 5)),
        [[0, 0]],
        departure=900,
        storeys=2,
        doors_water=(times, water),
        hazard=Hazard(life_loss="cabinet_office"),
    )
    drive(model, 300)
    assert model.states()[0] == state


def test_upstairs_is_safe_until_the_water_reaches_the_highest_floor():
    times, water = np.array([0.0, 600.0, 1200.0, 1800.0, 2400.0]), np.array([0.0, 3.0, 3.0, 4.0, 1.0])[:, None]
    model = make_model(
        line(), shelter_plan((1000, 0, 5)), [[0, 0]], departure=30, goes_up=True, storeys=2,
        doors_water=(times, water), hazard=Hazard(life_loss="none"),
    )  # fmt: skip
    drive(model, 900)
    assert model.states()[0] == SAFE
    assert model.fields()["z_agent"][0] == pytest.approx(3.45)
    drive(model, 1790)
    assert model.states()[0] == STRANDED
    drive(model, 2400)
    assert model.states()[0] == SAFE


def test_a_shelter_whose_floor_is_flooded_takes_nobody_and_its_people_are_stranded():
    times = np.array([0.0, 150.0, 160.0])
    depth = np.array([[0.0, 0.0], [0.0, 0.0], [0.9, 0.0]])
    model = make_model(
        line(), shelter_plan((50, 0, 50), (900, 0, 50)), [[0, 0], [0, 0]], departure=[0, 200],
        shelters_water=(times, depth), hazard=Hazard(life_loss="none"),
    )  # fmt: skip
    drive(model, 1800)
    np.testing.assert_array_equal(model.states(), [STRANDED, SAFE])
    np.testing.assert_array_equal(model.agents.shelter, [0, 1])
    assert model.flooded_s[0] <= 180


def test_the_flooded_street_is_gone_round_by_those_whom_it_stops_and_taken_by_others():
    layer = network([[0, 0], [100, 0], [0, 100], [100, 100]], [(0, 1), (0, 2), (2, 3), (3, 1)])
    depth = np.array([[0.3, 0.0, 0.0, 0.0]])
    model = make_model(
        layer, shelter_plan((100, 0, 10)), [[0, 60], [0, 60]], group=[MAN, CHILD], streets_water=([0.0], depth)
    )
    drive(model, 900)
    travel = model.agents.arrival - model.agents.departure
    # along the wet street 60 + 100 / 0.67, round it 40 + 100 + 100
    assert travel[0] == pytest.approx(210, abs=3)
    assert travel[1] == pytest.approx(241, abs=3)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), more=st.floats(1.0, 3.0))
def test_with_a_fixed_plan_more_rising_water_never_lowers_the_number_in_danger(seed, more):
    rng = np.random.default_rng(seed)
    layer = grid_network(5, 60.0)
    n = 25
    at, speed = rng.uniform(0, 240, (n, 2)), rng.uniform(0.5, 1.5, n)
    # an hour of rising water, few people: nobody is in anybody's way
    depth = np.cumsum(rng.uniform(0.0, 0.25, (5, len(layer.links))), axis=0)
    departure, luck, group = rng.uniform(0, 400, n), rng.random(n), rng.integers(0, 6, n)
    in_danger = []
    for factor in (1.0, more):
        model = make_model(
            layer, shelter_plan((30, 30, 99), (200, 150, 99)), at, departure=departure, speed=speed, group=group,
            luck=luck, streets_water=(np.arange(5) * 200.0, depth * factor), reroute_every=None,
        )  # fmt: skip
        drive(model, 1000)
        in_danger.append(model.counts()[[STRANDED, DEAD]].sum())
    assert in_danger[1] >= in_danger[0]


@pytest.mark.parametrize(
    ("hazard", "message"),
    [(Hazard(speed="fast"), "preset 'fast' does not exist"), (Hazard(life_loss="x"), "preset 'x' does not exist")],
)
def test_unknown_presets_are_refused_with_what_there_is(hazard, message):
    with pytest.raises(ScenarioError, match=message):
        read_wading(hazard, None)


@pytest.mark.parametrize("text", ["a: [", "speed: 3", "speed: {li_2026: {man: [[0, 1]]}}", "\x00"])
def test_a_table_of_another_form_is_refused(tmp_path, text):
    path = tmp_path / "own.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match="not of the form of water"):
        read_wading(Hazard(), path)
