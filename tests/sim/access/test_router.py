"""Routes, what binds them, and how water and closures act."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.access.appraisal import read_conveyances
from sim.access.graph import build_graph
from sim.access.profile import read_profiles
from sim.access.reach import reached_features
from sim.access.repair import barriers_in, rank_repairs
from sim.access.router import Router
from sim.access.timetable import Conditions, opening_hours, weidmann_share
from twin.network import LinkKind

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.layer import NetworkLayer

GOOD = {
    "kind": LinkKind.FOOTWAY,
    "width": 3.0,
    "width_most": np.inf,
    "slope_least": 0.0,
    "slope_most": 0.0,
    "step_least": 0.0,
    "step_most": 0.0,
}
STAIRS = GOOD | {"kind": LinkKind.STAIRS}
KERB = GOOD | {"step_least": 0.10, "step_most": 0.12}
STEEP = GOOD | {"slope_least": 0.06, "slope_most": 0.06}


def router_of(
    layer: NetworkLayer, profile: str = "wheelchair_manual", conditions: Conditions | None = None, **given: Any
) -> Router:
    calm = Conditions.calm(len(layer.links))
    return Router(build_graph(layer), read_profiles()[profile], read_conveyances(), conditions or calm, **given)


def water(depth: list[list[float]], times: list[float] | None = None, **given: Any) -> Conditions:
    """Depth (T, n_features) at instants."""
    h = np.array(depth, dtype=np.float32)
    t = np.array(times if times is not None else np.arange(len(h)) * 100.0, dtype=np.float64)
    dry = (np.zeros(1), np.zeros((1, h.shape[1]), dtype=np.float32))
    return Conditions.from_series((t, h, np.zeros_like(h)), dry, **({"hours": {}} | given))


@pytest.fixture(scope="module")
def square(make_layer: Callable[..., NetworkLayer]) -> NetworkLayer:
    """Two ways from 0 to 3: over 1 (short, with stairs), over 2 (long, steep at its end)."""
    nodes = [(0, 0), (100, 0), (0, 200), (100, 40)]
    return make_layer(nodes, [(0, 1, GOOD), (1, 3, STAIRS), (0, 2, GOOD), (2, 3, STEEP)])


def test_a_walker_takes_the_stairs_and_a_wheelchair_the_slope(square: NetworkLayer) -> None:
    walker, wheelchair = (router_of(square, name).routes(0, 3, 0.0) for name in ("walker", "wheelchair_manual"))
    feature = router_of(square).graph.feature
    assert set(feature[walker[0].arcs]) == {0, 1}
    assert set(feature[wheelchair[0].arcs]) == {2, 3}
    assert wheelchair[0].values[1] == pytest.approx(np.hypot(100, 160))  # steep metres
    assert wheelchair[0].is_feasible
    assert walker[0].arrival < wheelchair[0].arrival


def test_the_alternatives_trade_time_for_steep_metres(make_layer: Any) -> None:
    nodes = [(0, 0), (100, 0), (50, 300)]
    layer = make_layer(nodes, [(0, 1, STEEP), (0, 2, GOOD), (2, 1, GOOD)])
    routes = router_of(layer, detour=3.0).routes(0, 1, 0.0)
    slope, level = sorted(routes, key=lambda route: route.values[1], reverse=True)
    assert slope.values[1] == pytest.approx(100.0)
    assert level.values[1] == 0.0
    assert slope.arrival < level.arrival
    assert routes == [slope, level]


def test_where_one_barrier_is_in_the_way_it_is_named_and_the_way_is_given_all_the_same(make_layer: Any) -> None:
    layer = make_layer([(0, 0), (100, 0), (200, 0)], [(0, 1, GOOD), (1, 2, KERB)])
    router = router_of(layer)
    (route,) = router.routes(0, 2, 0.0)
    assert not route.is_feasible
    assert barriers_in(int(route.barriers[1])) == ("step",)
    (relief,) = router.relief(0, 2, 0.0)
    assert (relief.barrier, relief.saved) == ("step", np.inf)
    assert router.graph.feature[relief.arc] == 1


def test_two_barriers_in_a_row_have_no_single_relief(make_layer: Any) -> None:
    layer = make_layer([(0, 0), (100, 0), (200, 0)], [(0, 1, STAIRS), (1, 2, KERB)])
    router = router_of(layer)
    (route,) = router.routes(0, 2, 0.0)
    assert [barriers_in(int(mask)) for mask in route.barriers] == [("stairs",), ("step",)]
    assert router.relief(0, 2, 0.0) == []


def test_the_least_bad_way_has_the_fewest_barriers(make_layer: Any) -> None:
    nodes = [(0, 0), (10, 0), (20, 0), (10, 500)]
    layer = make_layer(nodes, [(0, 1, KERB), (1, 2, KERB), (0, 3, GOOD), (3, 2, KERB)])
    (route,) = router_of(layer).routes(0, 2, 0.0)
    assert [barriers_in(int(mask)) for mask in route.barriers] == [(), ("step",)]


def test_a_relief_that_only_saves_time_is_told_as_such(make_layer: Any) -> None:
    nodes = [(0, 0), (100, 0), (50, 400)]
    layer = make_layer(nodes, [(0, 1, STAIRS), (0, 2, GOOD), (2, 1, GOOD)])
    router = router_of(layer, "wheelchair_manual")
    (route,) = router.routes(0, 1, 0.0)
    (relief,) = router.relief(0, 1, 0.0)
    assert route.is_feasible
    assert relief.barrier == "stairs"
    assert 30 < relief.saved < route.arrival


def test_where_the_network_ends_the_route_goes_as_near_as_it_can(make_layer: Any) -> None:
    layer = make_layer([(0, 0), (100, 0), (160, 0), (300, 0)], [(0, 1, GOOD), (2, 3, GOOD)])
    (route,) = router_of(layer).routes(0, 3, 0.0)
    assert route.gap == pytest.approx(200.0)
    assert not route.is_feasible
    assert np.isnan(route.arrival)
    assert len(route.arcs) == 1


def test_water_closes_the_near_way_then_the_far_one(square: NetworkLayer) -> None:
    dry, one, both = [0, 0, 0, 0], [0, 0.9, 0, 0], [0, 0.9, 0, 0.9]
    rising = water([dry, dry, one, one, both], [0, 500, 600, 1200, 1300])
    router = router_of(square, "walker", rising)
    near, far, none = (router.routes(0, 3, t)[0] for t in (0.0, 550.0, 1250.0))
    assert {int(f) for f in router.graph.feature[near.arcs]} == {0, 1}
    assert {int(f) for f in router.graph.feature[far.arcs]} == {2, 3}
    assert not none.is_feasible
    assert {name for mask in none.barriers for name in barriers_in(int(mask))} == {"water"}
    last = router.last_departure(0, 3)
    assert router.routes(0, 3, last - 0.01)[0].is_feasible
    assert not router.routes(0, 3, last + 0.01)[0].is_feasible


def test_receding_water_is_waited_for_only_on_request(make_layer: Any) -> None:
    layer = make_layer([(0, 0), (100, 0)], [(0, 1, GOOD)])
    passing = water([[0.0], [1.0], [1.0], [0.0], [0.0]], [0, 100, 200, 300, 400])
    assert not router_of(layer, "walker", passing).routes(0, 1, 150.0)[0].is_feasible
    waited = router_of(layer, "walker", passing, wait_for_water=True).routes(0, 1, 150.0)[0]
    assert waited.is_feasible
    assert waited.arrival > 300.0


def test_without_power_no_elevator_runs(make_layer: Any) -> None:
    lift = {"kind": LinkKind.ELEVATOR, "elevator": 2, "door_width": 1.0}
    layer = make_layer([(0, 0, 0), (0, 1, -5), (50, 1, -5)], [(0, 1, lift), (1, 2, GOOD)])
    failing = Conditions.calm(2)
    failing = Conditions(failing.times, failing.depth, failing.speed, failing.density, {}, (), 600.0)
    router = router_of(layer, conditions=failing)
    assert router.routes(0, 2, 0.0)[0].is_feasible
    (after,) = router.routes(0, 2, 700.0)
    assert {name for mask in after.barriers for name in barriers_in(int(mask))} == {"closed"}
    assert [relief.barrier for relief in router.relief(0, 2, 700.0)] == ["closed"]
    assert router.last_departure(0, 2) == pytest.approx(600.0 - 35.0)


def test_an_elevator_that_opens_later_is_waited_for(make_layer: Any) -> None:
    lift = {"kind": LinkKind.ELEVATOR, "elevator": 2, "door_width": 1.0, "opens": 6 * 3600.0, "closes": 23.5 * 3600}
    layer = make_layer([(0, 0, 0), (0, 1, -5)], [(0, 1, lift)])
    hours = opening_hours(layer.network, datetime(2026, 9, 1, 5, 0, tzinfo=UTC))
    router = router_of(layer, conditions=water([[0.0]], hours=hours))
    assert router.routes(0, 1, 0.0)[0].arrival == pytest.approx(3600.0 + 5.0)
    late = router.routes(0, 1, 18.6 * 3600)[0]  # 23:36: the next morning
    assert late.arrival == pytest.approx(25 * 3600 + 5.0)


def test_closed_days_and_hours_past_midnight(make_layer: Any) -> None:
    said = GOOD | {"opens": 22 * 3600.0, "closes": 2 * 3600.0, "closed_days": 0b0000010}  # no Tuesdays
    layer = make_layer([(0, 0), (10, 0)], [(0, 1, said)])
    # 2026-08-31 is a Monday
    windows = opening_hours(layer.network, datetime(2026, 8, 31, 0, 0, tzinfo=UTC))[0]
    assert (22 * 3600.0, 26 * 3600.0) in windows
    assert not any(begin <= 46 * 3600.0 < end for begin, end in windows)
    assert any(begin <= 70 * 3600.0 < end for begin, end in windows)


def test_a_crowd_slows_like_weidmann() -> None:
    # Weidmann 1993: 1.34 m/s free; 1.058 m/s at 1, .606 at 2, .331 at 3 persons m-2
    np.testing.assert_allclose(
        1.34 * weidmann_share(np.array([1.0, 2.0, 3.0], dtype=np.float32)), [1.058, 0.606, 0.331], atol=2e-3
    )


def depths(n: int) -> st.SearchStrategy[NDArray[np.float32]]:
    row = st.lists(st.sampled_from([0.0, 0.05, 0.2, 0.45, 0.8]), min_size=n, max_size=n)
    return st.lists(row, min_size=1, max_size=4).map(lambda rows: np.array(rows, dtype=np.float32))


@given(data=st.data(), waits=st.booleans())
@settings(max_examples=60, deadline=None)
def test_more_water_never_shortens_a_route(square: NetworkLayer, data: st.DataObject, waits: bool) -> None:
    some = data.draw(depths(4))
    extra = data.draw(st.sampled_from([0.0, 0.05, 0.3]))
    more = some + np.float32(extra) * (np.arange(4) == data.draw(st.integers(0, 3)))
    departure = data.draw(st.floats(0, 400))
    times = [100.0 * k for k in range(len(some))]
    for profile in ("walker", "wheelchair_manual"):
        dry, wet = (router_of(square, profile, water(h.tolist(), times), wait_for_water=waits) for h in (some, more))
        for node in (1, 2, 3):
            assert dry.arrivals(0, departure)[0][node] <= wet.arrivals(0, departure)[0][node] + 1e-6
        assert dry.last_departure(0, 3) >= wet.last_departure(0, 3) - 1e-6


def test_reach_holds_what_a_walk_of_that_time_gets_to(square: NetworkLayer) -> None:
    router = router_of(square, "walker")
    rows, time = reached_features(router, 0, 0.0, 60.0)
    assert rows.tolist() == [0, 2]
    assert time.tolist() == [0.0, 0.0]
    rows, time = reached_features(router, 0, 0.0, 100.0)
    assert rows.tolist() == [0, 1, 2]
    assert time[1] == pytest.approx(100 / 1.3)
    # a wheelchair does not set foot on the stairs, however much time there is
    assert reached_features(router_of(square), 0, 0.0, 1e5)[0].tolist() == [0, 2, 3]


@given(st.randoms(use_true_random=False))
@settings(max_examples=25, deadline=None)
def test_the_ranking_of_repairs_equals_mending_one_after_the_other(make_layer: Any, random: Any) -> None:
    n = 7
    nodes = [(random.random() * 100, random.random() * 100) for _ in range(n)]
    links = [
        (random.randrange(n), random.randrange(n), random.choice([GOOD, GOOD, STAIRS, KERB]) | {"one_way": k % 3 == 0})
        for k in range(9)
    ]
    links = [(a, b, said) for a, b, said in links if a != b] or [(0, 1, STAIRS)]
    layer = make_layer(nodes, links)
    router = router_of(layer)
    found = rank_repairs(router, 40, np.random.default_rng(1))
    ends = np.unique(np.array([[a, b] for a, b, _ in links]))
    pairs = np.random.default_rng(1).choice(ends, (40, 2))
    graph, engine = router.graph, router.graph.engine

    def count(cost: Any) -> int:
        engine.customize(cost)
        return sum(np.isfinite(engine.one_to_one(a, b).cost) for a, b in pairs)

    now = count(router.cost)
    assert found.n_open == now
    gains = {
        feature: count(np.where(graph.feature == feature, 1.0, router.cost)) - now for feature in range(len(links))
    }
    assert dict(zip(found.feature.tolist(), found.gained.tolist(), strict=True)) == {
        f: g for f, g in gains.items() if g
    }
