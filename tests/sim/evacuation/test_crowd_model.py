"""The crowd: what people do and never do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads
from shapely import Polygon, box, contains_xy, distance, points, union_all

from sim.evacuation.crowd import Building, CrowdModel, Exit, Passage, Room, Stair
from twin.errors import ScenarioError

WAITING, MOVING, OUT, STRANDED, DEAD = range(5)


def turned(xy, angle):
    c, s = math.cos(angle), math.sin(angle)
    return np.asarray(xy) @ np.array([[c, s], [-s, c]])


def scatter(area, n, seed=0, apart=0.5):
    x, y = np.meshgrid(np.arange(area[0], area[2], apart), np.arange(area[1], area[3], apart))
    xy = np.column_stack([x.ravel(), y.ravel()])
    generator = np.random.default_rng(seed)
    xy = xy[np.sort(generator.permutation(len(xy))[:n])]
    return xy + generator.uniform(-0.05, 0.05, xy.shape)


def hall(angle=0.0, **kwargs):
    """A room of 8 x 6 m with two pillars and exits in the east and in the west."""
    outline = Polygon(turned([(0, 0), (8, 0), (8, 6), (0, 6)], angle))
    pillars = [
        Polygon(turned([(x, y), (x + 0.6, y), (x + 0.6, y + 0.6), (x, y + 0.6)], angle)) for x, y in ((5, 2), (3, 3.5))
    ]
    exits = [
        Exit(turned([(8, 2.5), (8, 3.5)], angle), name="east"),
        Exit(turned([(0, 2.5), (0, 3.7)], angle), name="west"),
    ]
    return Room(outline, exits=exits, obstacles=pillars, **kwargs)


def crowd(n=40, seed=0, angle=0.0, **kwargs):
    xy = scatter((0.5, 0.5, 3.0, 5.5), n, seed, 0.45)
    speed = np.random.default_rng(seed).uniform(0.7, 1.6, n)
    return CrowdModel(hall(angle), turned(xy, angle), speed=speed, **kwargs)


def departures(model, until=200.0):
    found = []
    while len(found) < model.count and model.clock.time < until:
        model.advance(model.clock.time + 1.0)
        found += model.events()
    return found


@pytest.mark.parametrize("seed", range(3))
def test_nobody_is_ever_in_a_wall(seed):
    model = crowd(60, seed, destination=0)
    area = hall().area()
    while model.inside and model.clock.time < 120.0:
        model.advance(model.clock.time + 0.1)
        xy = model.xy[model.status != OUT]
        assert contains_xy(area, xy[:, 0], xy[:, 1]).all()
        if len(xy):
            outline = area.boundary.difference(box(7.9, 2.4, 8.1, 3.6)).difference(box(-0.1, 2.4, 0.1, 3.8))
            assert distance(points(xy), outline).min() > 0.1
    assert model.inside == 0


def test_bodies_do_not_overlap():
    model = crowd(60, destination=0)
    least = np.inf
    while model.inside > 1:
        model.advance(model.clock.time + 0.2)
        xy = model.xy[model.status != OUT]
        apart = np.hypot(*(xy[:, None] - xy[None]).T) + 9.0 * np.eye(len(xy))
        least = min(least, apart.min(initial=np.inf))
    # two people who step at the same time may touch by a step's length
    assert least > 2 * model.parameters.radius - 0.04


def test_everybody_leaves_once_and_the_head_count_is_kept():
    model = crowd(60)
    found = []
    while model.clock.time < 90.0:
        model.advance(model.clock.time + 1.0)
        found += model.events()
        assert np.bincount(model.status, minlength=5).sum() == 60
        assert (model.status == OUT).sum() == len(found)
    assert sorted(event.agent for event in found) == list(range(60))
    assert [event.time for event in found] == sorted(event.time for event in found)
    assert {event.exit for event in found} == {0, 1}


def test_a_turn_of_the_building_changes_nothing_that_matters():
    straight, oblique = (departures(crowd(40, 1, angle, destination=0)) for angle in (0.0, math.pi / 4))
    assert oblique[-1].time == pytest.approx(straight[-1].time, rel=0.1)
    median = [np.median([event.time for event in found]) for found in (straight, oblique)]
    assert median[1] == pytest.approx(median[0], rel=0.1)


def test_somebody_who_stands_is_overtaken():
    room = Room(box(0, 0, 12, 3), exits=[Exit([(12, 1), (12, 2)])])
    model = CrowdModel(room, [(1.0, 1.5), (5.0, 1.5)], start_s=[0.0, 1e6], destination=0)
    model.advance(15.0)
    assert model.status.tolist() == [OUT, WAITING]
    assert model.xy[1] == pytest.approx((5.0, 1.5), abs=1e-5)


def test_too_narrow_a_corridor_stops_people_without_squeezing_them():
    room = Room(union_all([box(0, 0, 4, 4), box(3.9, 1.9, 8, 2.15)]), exits=[Exit([(8, 1.9), (8, 2.15)])])
    model = CrowdModel(room, [(1.0, 2.0), (2.0, 2.0), (1.5, 3.0)])
    model.advance(30.0)
    assert (model.status == MOVING).all()
    assert (model.xy[:, 0] < 4.0).all()
    apart = [math.dist(a, b) for n, a in enumerate(model.xy) for b in model.xy[:n]]
    assert min(apart) > 2 * model.parameters.radius - 0.02


def test_walls_hide_people_from_each_other():
    room = Room(
        box(0, 0, 12, 4),
        obstacles=[box(0, 1.9, 11, 2.1)],
        exits=[Exit([(12, 0), (12, 1.8)]), Exit([(12, 2.2), (12, 4)])],
    )
    alone = CrowdModel(room, [(1.0, 1.6)], destination=[0])
    # somebody stands before him, and near enough to turn him, but behind the wall
    beside = CrowdModel(room, [(1.0, 1.6), (3.0, 2.3), (4.5, 2.3)], destination=[0, 1, 1], start_s=[0.0, 1e6, 1e6])
    open_ = CrowdModel(
        Room(box(0, 0, 12, 4), exits=room.exits),
        [(1.0, 1.6), (3.0, 2.1), (4.5, 2.1)],
        destination=[0, 1, 1],
        start_s=[0.0, 1e6, 1e6],
    )
    tracks = []
    for model in (alone, beside, open_):
        track = []
        for second in range(1, 7):
            model.advance(float(second))
            track.append(model.xy[0])
        tracks.append(np.array(track))
    np.testing.assert_array_equal(tracks[0], tracks[1])
    assert np.abs(tracks[2] - tracks[0]).max() > 0.05


def test_the_number_of_threads_changes_nothing():
    threads = get_num_threads()
    found = []
    for count in (1, threads):
        set_num_threads(count)
        model = CrowdModel(
            Room(box(0, 0, 30, 20), exits=[Exit([(30, 9), (30, 11)])]), scatter((1, 1, 29, 19), 900), destination=0
        )
        model.advance(10.0)
        found.append(model.xy)
    set_num_threads(threads)
    np.testing.assert_array_equal(*found)


def test_a_restart_goes_on_bit_by_bit():
    straight, broken, restored = crowd(50), crowd(50), crowd(50)
    for model in (straight, broken):
        model.advance(6.0)
        model.close_exit("west")
        model.set_speed_factor(0.7)
        model.set_own_shares(np.linspace(0.2, 1.0, model.count))
    restored.load_state(broken.state())
    for model in (straight, restored):
        model.advance(20.0)
    np.testing.assert_array_equal(straight.xy, restored.xy)
    np.testing.assert_array_equal(straight.status, restored.status)
    assert straight.events() == restored.events()


def test_who_has_no_way_is_stranded_from_the_start():
    room = Room(union_all([box(0, 0, 4, 4), box(6, 0, 8, 4)]), exits=[Exit([(4, 1), (4, 3)])])
    model = CrowdModel(room, [(1.0, 2.0), (7.0, 2.0)])
    assert model.status.tolist() == [MOVING, STRANDED]
    model.advance(10.0)
    assert model.status.tolist() == [OUT, STRANDED]
    assert model.xy[1] == pytest.approx((7.0, 2.0), abs=1e-5)


def test_people_reroute_when_the_nearest_exit_closes():
    model = crowd(20, seed=2)
    model.advance(1.0)
    model.close_exit("west")
    found = departures(model, 60.0)
    assert len(found) == 20
    assert all(event.exit == 0 for event in found if event.time > 1.0)


def test_people_wait_at_a_closed_exit_until_it_opens():
    model = crowd(20, destination=1, when_closed="wait")
    model.close_exit(1)
    model.advance(20.0)
    assert model.events() == []
    assert (model.xy[:, 0] < 3.0).all()
    model.open_exit(1)
    found = departures(model, 60.0)
    assert {event.exit for event in found} == {1}
    assert len(found) == 20


def test_with_every_exit_closed_people_are_stranded_and_go_on_when_one_opens():
    model = crowd(10)
    model.close_exit("east")
    model.close_exit("west")
    model.advance(5.0)
    assert (model.status == STRANDED).all()
    model.open_exit("east")
    assert len(departures(model, 60.0)) == 10


def test_a_gate_lets_no_more_through_than_its_rate():
    room = Room(box(0, 0, 8, 5), exits=[Exit([(8, 2), (8, 4)], rate=0.5)])
    model = CrowdModel(room, scatter((3, 0.5, 7.5, 4.5), 30))
    times = np.array([event.time for event in departures(model, 120.0)])
    assert times.size == 30
    assert np.diff(times).min() > 2.0 - 0.051
    assert (times[-1] - times[0]) / 29 == pytest.approx(2.0, rel=0.05)


def test_an_exit_passes_no_more_than_a_bottleneck_of_its_width():
    room = Room(box(0, 0, 8, 5), exits=[Exit([(8, 2), (8, 3)])])
    times = np.array([event.time for event in departures(CrowdModel(room, scatter((2, 0.5, 7.5, 4.5), 70)), 120.0)])
    assert times.size == 70
    # J(1 m) = 1.855 /s; the first may walk abreast
    assert 50 / (times[-1] - times[-51]) == pytest.approx(1.855, rel=0.02)


def test_water_slows_people_by_its_factor_and_stops_them():
    room = Room(box(0, 0, 12, 3), exits=[Exit([(12, 0), (12, 3)])])
    model = CrowdModel(room, [(1.0, 1.5)], speed=1.0)
    model.advance(2.0)
    model.set_speed_factor(0.5)
    model.advance(6.0)
    assert model.xy[0, 0] == pytest.approx(5.0, abs=0.05)
    model.set_speed_factor(0.0)
    model.advance(20.0)
    assert model.xy[0, 0] == pytest.approx(5.0, abs=0.05)
    assert model.status.tolist() == [STRANDED]
    model.set_speed_factor(1.0)
    model.advance(30.0)
    assert model.status.tolist() == [OUT]


def test_water_stops_some_and_lets_others_go():
    room = Room(box(0, 0, 12, 4), exits=[Exit([(12, 0), (12, 4)])])
    model = CrowdModel(room, [(1.0, 1.0), (1.0, 3.0)], speed=1.0)
    model.advance(2.0)
    model.set_own_shares([1.0, 0.0])
    where = model.xy[1].copy()
    model.advance(20.0)
    assert model.status[0] == OUT
    assert model.xy[1] == pytest.approx(where, abs=1e-6)
    model.set_own_shares([1.0, 1.0])
    model.advance(40.0)
    assert model.status.tolist() == [OUT, OUT]
    with pytest.raises(ScenarioError, match=r"1\.5"):
        model.set_own_shares([1.5, 0.0])


def test_people_walk_round_water_when_that_is_quicker():
    room = Room(box(0, 0, 20, 10), exits=[Exit([(20, 0), (20, 10)])])
    model = CrowdModel(room, [(1.0, 2.0)])
    model.set_speed_factor(lambda x, y: np.where((x > 5) & (x < 15) & (y < 4), 0.1, 1.0))
    northmost = 0.0
    for second in range(1, 30):
        model.advance(float(second))
        northmost = max(northmost, model.xy[0, 1])
    assert northmost > 4.0
    assert model.status.tolist() == [OUT]


def two_levels(one_way=False):
    stair = Stair(box(6, 0, 10, 2), foot=(6, 1), head=(10, 1), rise=3.0)
    lower = Room(box(0, 0, 10, 2), exits=[Exit([(0, 0), (0, 2)], name="low")], stairs=[stair], floor=-3.0)
    upper = Room(box(100, 50, 102, 60), exits=[Exit([(100, 60), (102, 60)], name="high")], floor=0.0)
    join = Passage((0, 1), ([(10, 0), (10, 2)], [(100, 50), (102, 50)]), is_one_way=one_way)
    return Building([lower, upper], [join])


def test_people_climb_from_level_to_level():
    model = CrowdModel(two_levels(), [(1.0, 1.0), (2.0, 0.5)], destination=1)
    heights = []
    while model.inside and model.clock.time < 60.0:
        model.advance(model.clock.time + 0.5)
        heights.append(model.z[0])
    assert heights[0] == pytest.approx(-3.0)
    assert heights[-1] == pytest.approx(0.0)
    assert np.all(np.diff(heights) > -1e-6)
    assert model.level.tolist() == [1, 1]
    assert [event.exit for event in model.events()] == [1, 1]


def test_a_one_way_passage_is_not_walked_against():
    xy = [(101.0, 55.0)]
    assert CrowdModel(two_levels(True), xy, level=1, destination=0).status.tolist() == [STRANDED]
    model = CrowdModel(two_levels(), xy, level=1, destination=0)
    model.advance(30.0)
    assert model.status.tolist() == [OUT]


def test_people_see_who_stands_beyond_a_passage():
    model = CrowdModel(two_levels(), [(5.0, 1.0), (101.0, 50.3)], level=[0, 1], start_s=[0.0, 1e6], destination=1)
    model.advance(10.0)
    crossing = CrowdModel(two_levels(), [(5.0, 1.0)], destination=1)
    crossing.advance(10.0)
    assert crossing.level[0] == 1
    assert np.abs(model.xy[0] - crossing.xy[0]).max() > 0.1
    apart = math.dist(model.xy[0], model.xy[1]) if model.level[0] == 1 else np.inf
    assert apart > 2 * model.parameters.radius - 0.03


def test_who_is_taken_away_stays_where_he_was_and_in_nobodys_way():
    model = crowd(10)
    model.advance(1.0)
    before = model.xy[3]
    model.take_away([3])
    model.advance(60.0)
    assert model.status.tolist() == [DEAD if agent == 3 else OUT for agent in range(10)]
    assert model.xy[3] == pytest.approx(before)


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 1000),
    acts=st.lists(st.tuples(st.sampled_from(["close", "open", "slow", "take"]), st.integers(0, 1)), max_size=6),
)
def test_whatever_happens_nobody_is_lost(seed, acts):
    model = crowd(12, seed)
    left = 0
    for act, number in acts:
        model.advance(model.clock.time + 2.0)
        if act == "close":
            model.close_exit(number)
        elif act == "open":
            model.open_exit(number)
        elif act == "slow":
            model.set_speed_factor(0.5 * number)
        else:
            inside = np.flatnonzero(~np.isin(model.status, (OUT, DEAD)))
            model.take_away(inside[:number])
        left += len(model.events())
        status = model.status
        assert np.isfinite(model.xy).all()
        assert model.inside == np.isin(status, (WAITING, MOVING, STRANDED)).sum()
        assert left == (status == OUT).sum()


BOX = box(0, 0, 8, 5)
DOOR = Exit([(8, 2), (8, 3)])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(9.0, 1.0)]), "not on the floor"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(math.nan, 1.0)]), "not on the floor"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)], speed=-1.0), "speed"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)], speed=[1.0, 2.0]), "2 values for 1"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)], radius=3.0), "radius"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)], destination=1), "destination"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)], level=1), "level"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)], start_s=math.nan), "start_s"),
        (lambda: CrowdModel(Room(BOX, exits=[Exit([(5, 2), (5, 3)])]), [(1, 1)]), "does not lie in the wall"),
        (lambda: CrowdModel(Room(BOX, exits=[Exit([(8, 2), (8, 2)])]), [(1, 1)]), "wide"),
        (lambda: CrowdModel(Room(BOX, exits=[Exit([(8, 2), (8, 3), (8, 4)])]), [(1, 1)]), "3 points"),
        (lambda: CrowdModel(Room(BOX, exits=[Exit([(8, 2), (8, 3)], rate=0.0)]), [(1, 1)]), "rate"),
        (lambda: CrowdModel(Room(Polygon([(0, 0), (2, 2), (2, 0), (0, 2)])), [(1, 1)]), "not valid"),
        (lambda: CrowdModel(Room(Polygon()), [(1, 1)]), "no polygon"),
        (lambda: CrowdModel(Room(BOX, obstacles=[box(-1, -1, 9, 9)]), [(1, 1)]), "fill all"),
        (lambda: CrowdModel(Building([]), []), "no room"),
        (
            lambda: CrowdModel(
                Building([Room(BOX)], [Passage((0, 2), ([(0, 1), (0, 2)], [(8, 1), (8, 2)]))]), [(1, 1)]
            ),
            "room 2 is not there",
        ),
        (
            lambda: CrowdModel(
                Building([Room(BOX)], [Passage((0, 0), ([(0, 1), (0, 2)], [(8, 1), (8, 3)]))]), [(1, 1)]
            ),
            "1.00 m and 2.00 m",
        ),
        (
            lambda: CrowdModel(Room(BOX, stairs=[Stair(box(1, 1, 2, 2), (1, 1), (1, 1), 3.0)]), [(1, 1)]),
            "rises",
        ),
        (
            lambda: CrowdModel(Room(BOX, stairs=[Stair(box(1, 1, 2, 2), (1, 1), (2, 1), 3.0, up=1.5)]), [(1, 1)]),
            "speeds up",
        ),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)]).close_exit("north"), "no exit 'north'"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)]).set_speed_factor(1.5), "speed factor"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)]).set_speed_factor(math.nan), "speed factor"),
        (lambda: CrowdModel(Room(BOX, exits=[DOOR]), [(1, 1)]).set_speed_factor(0.5, level=3), "no level 3"),
    ],
)
def test_nonsense_is_refused_with_its_place_and_a_remedy(make, says):
    with pytest.raises(ScenarioError, match=says) as caught:
        make()
    assert caught.value.where
    assert caught.value.remedy
