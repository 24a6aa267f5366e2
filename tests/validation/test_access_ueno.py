"""Routing on the real pedestrian network of Ueno (MLIT, surveyed to the specification of 2018)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from layers.pedestrian_mlit import read_mlit_walk
from sim.access.appraisal import read_conveyances
from sim.access.graph import build_graph
from sim.access.profile import Profile, read_profiles
from sim.access.router import Router
from sim.access.timetable import Conditions
from twin.frame import Frame

if TYPE_CHECKING:
    from pathlib import Path

    from sim.access.graph import Graph

pytestmark = pytest.mark.real

BASE = {"name": {"en": "x"}, "speed": 1.0, "slope_speed": {"up": 0.45, "down": 0.47}}
BASE |= {"water": {"depth": 0.5, "factors": [[0, 1]]}}
CARRIED: dict[str, Any] = {"blocked": ("stairs", "escalator")}
NARROW = {"step": {"hard": 0.02}, "width": {"hard": 1.0}}
STEEP = {"slope_up": {"hard": 0.05}, "slope_down": {"hard": 0.05}}


@pytest.fixture(scope="module")
def graph(shared: Path) -> Graph:
    folder = shared / "real" / "walk" / "ueno_mlit2018"
    layer = read_mlit_walk(
        str(folder / "link.shp"),
        layer_id="walk",
        frame=Frame("EPSG:6677"),
        nodes=str(folder / "node.shp"),
        version=2018,
    )
    return build_graph(layer)


def router(graph: Graph, profile: Profile, **given: Any) -> Router:
    n_features = int(graph.feature.max()) + 1
    return Router(graph, profile, read_conveyances(), Conditions.calm(n_features), **given)


@pytest.fixture(scope="module")
def pairs(graph: Graph) -> np.ndarray:
    """500 random pairs of nodes (seed 1)."""
    is_place = graph.network_node[: graph.n_nodes] == np.arange(graph.n_nodes)
    return np.random.default_rng(1).choice(np.flatnonzero(is_place), (500, 2))


def test_hard_limits_leave_as_few_journeys_as_the_survey_of_the_field_found(graph: Graph, pairs: np.ndarray) -> None:
    """500 / 487 / 406 / 24 of 500 were found on pairs of their own; over seeds 0-3 these counts vary by about 13."""
    counts = []
    for limits in (
        {},
        CARRIED,
        CARRIED | {"limits": NARROW},
        CARRIED | {"limits": NARROW | STEEP},
    ):
        one = router(graph, Profile(**BASE, **limits))
        graph.engine.customize(one.cost)
        counts.append(sum(np.isfinite(graph.engine.one_to_one(int(a), int(b)).cost) for a, b in pairs))
    assert counts[0] == 500
    np.testing.assert_allclose(counts[1:], [487, 406, 24], atol=20)


def test_avoiding_steep_metres_costs_a_third_more_length_and_saves_most_of_them(
    graph: Graph, pairs: np.ndarray
) -> None:
    """67 % fewer for 1.34 times the length was found on Shibuya and Ueno together."""
    soft = {"slope_up": {"soft": 0.05}, "slope_down": {"soft": 0.05}}
    one = router(graph, Profile(**BASE, **CARRIED, limits=soft))
    steep, is_open = one.appraisal.sums[:, 0], np.isfinite(one.cost)
    total = np.zeros((2, 2))
    for place, cost in enumerate((graph.length, steep + 1e-6 * graph.length)):
        graph.engine.customize(np.where(is_open, cost, np.inf))
        for a, b in pairs:
            arcs = graph.engine.one_to_one(int(a), int(b)).arcs
            total[place] += steep[arcs].sum(), graph.length[arcs].sum()
    assert 0.6 < 1 - total[1, 0] / total[0, 0] < 0.85
    assert 1.2 < total[1, 1] / total[0, 1] < 1.45


def test_the_set_of_routes_holds_the_fastest_and_the_least_steep(graph: Graph, pairs: np.ndarray) -> None:
    one = router(graph, read_profiles()["wheelchair_manual"], detour=10.0)
    steep = one.appraisal.sums[:, 0]
    for a, b in pairs[:40]:
        routes = one.routes(int(a), int(b), 0.0)
        assert len(routes) >= 1
        if not routes[0].is_feasible:
            continue
        graph.engine.customize(one.cost)
        assert routes[0].arrival == pytest.approx(graph.engine.one_to_one(int(a), int(b)).cost)
        graph.engine.customize(np.where(np.isfinite(one.cost), steep, np.inf))
        least = graph.engine.one_to_one(int(a), int(b)).cost
        # the slack of the steep metres is 5 m; a detour of ten times the fastest leaves nothing of interest out
        assert min(route.values[1] for route in routes) <= least + 5.0 + 1e-6
    assert one.truncated == 0


def test_no_journey_is_left_without_an_answer(graph: Graph, pairs: np.ndarray) -> None:
    strict = Profile(**BASE, **CARRIED, limits=NARROW | STEEP)
    one = router(graph, strict)
    for a, b in pairs[:60]:
        (route, *_) = one.routes(int(a), int(b), 0.0)
        nodes = [int(a), *graph.head[route.arcs]]
        assert nodes[-1] == b
        np.testing.assert_array_equal(graph.tail[route.arcs], nodes[:-1])
        assert route.is_feasible == (not route.barriers.any())
