"""The searches against slow, plain references on networks that hypothesis makes."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from sim.access.engine import DijkstraEngine
from sim.access.kernels import bucket_arcs, find_reached
from sim.access.timetable_kernels import Timetable, search_earliest, search_latest, search_pareto
from twin.errors import SimulationError


@dataclass(frozen=True)
class Arcs:
    """A directed graph sorted by tail."""

    n_nodes: int
    tail: np.ndarray
    head: np.ndarray
    cost: np.ndarray

    @property
    def start(self) -> np.ndarray:
        return np.r_[0, np.cumsum(np.bincount(self.tail, minlength=self.n_nodes))].astype(np.int64)


@st.composite
def graphs(draw: st.DrawFn, most_nodes: int = 9, most_arcs: int = 24) -> Arcs:
    """With self-loops, parallel arcs, arcs of no length, one-way arcs and closed (infinite) ones."""
    n = draw(st.integers(1, most_nodes))
    node = st.integers(0, n - 1)
    cost = st.one_of(st.integers(0, 5).map(float), st.floats(0, 9, width=32), st.just(np.inf))
    arcs = sorted(draw(st.lists(st.tuples(node, node, cost), max_size=most_arcs)), key=lambda a: a[0])
    tail, head, costs = (np.array([a[k] for a in arcs]) for k in range(3))
    return Arcs(n, tail.astype(np.int64), head.astype(np.int64), costs.astype(np.float64))


def engine_of(graph: Arcs) -> DijkstraEngine:
    engine = DijkstraEngine(graph.start, graph.head)
    engine.customize(graph.cost)
    return engine


def scipy_distances(graph: Arcs) -> np.ndarray:
    """Parallel arcs merged by hand, for a sparse matrix adds them; scipy keeps explicit zeros."""
    best: dict[tuple[int, int], float] = {}
    for u, v, c in zip(graph.tail, graph.head, graph.cost, strict=True):
        if np.isfinite(c) and u != v:
            best[int(u), int(v)] = min(best.get((int(u), int(v)), np.inf), float(c))
    rows = [u for u, _ in best]
    matrix = csr_matrix((list(best.values()), (rows, [v for _, v in best])), shape=(graph.n_nodes, graph.n_nodes))
    return dijkstra(matrix) if best else np.where(np.eye(graph.n_nodes), 0.0, np.inf)


@given(graphs())
@settings(deadline=None)
def test_distances_equal_scipys_on_every_network(graph: Arcs) -> None:
    expected = scipy_distances(graph)
    engine = engine_of(graph)
    everyone = np.arange(graph.n_nodes)
    np.testing.assert_allclose(engine.many_to_many(everyone, everyone), expected, rtol=1e-12)
    for u in everyone:
        np.testing.assert_allclose(engine.one_to_all(u).distance, expected[u], rtol=1e-12)
        np.testing.assert_allclose(engine.all_to_one(u).distance, expected[:, u], rtol=1e-12)
        for v in everyone:
            assert engine.one_to_one(u, v).cost == pytest.approx(expected[u, v], rel=1e-12)


@given(graphs())
@settings(deadline=None)
def test_every_path_is_a_chain_of_arcs_that_costs_what_it_says(graph: Arcs) -> None:
    engine = engine_of(graph)
    tree = engine.one_to_all(0)
    for v in range(graph.n_nodes):
        paths = [engine.one_to_one(0, v).arcs]
        if np.isfinite(tree.distance[v]):
            paths.append(engine.trace(tree, v))
        else:
            assert len(paths[0]) == 0
            continue
        for arcs in paths:
            nodes = [0, *graph.head[arcs]]
            np.testing.assert_array_equal(graph.tail[arcs], nodes[:-1])
            assert nodes[-1] == v
            assert graph.cost[arcs].sum() == pytest.approx(tree.distance[v])


@given(graphs(), st.floats(0, 12))
@settings(deadline=None)
def test_a_bounded_search_finds_exactly_what_is_within_the_bound(graph: Arcs, limit: float) -> None:
    engine = engine_of(graph)
    full, bounded = engine.one_to_all(0).distance, engine.one_to_all(0, limit).distance
    np.testing.assert_array_equal(bounded, np.where(full <= limit, full, np.inf))


@given(graphs())
@settings(deadline=None)
def test_repeated_searches_do_not_disturb_each_other(graph: Arcs) -> None:
    engine = engine_of(graph)
    last = graph.n_nodes - 1
    first = engine.one_to_one(0, last).cost
    for v in range(graph.n_nodes):
        engine.one_to_one(v, 0)
        engine.one_to_all(v)
    assert engine.one_to_one(0, last).cost == first


def test_costs_that_cannot_be_are_refused() -> None:
    engine = DijkstraEngine([0, 1, 1], [1])
    for bad in ([-1.0], [np.nan], [1.0, 2.0]):
        with pytest.raises(SimulationError, match="cost"):
            engine.customize(np.array(bad))


@given(graphs())
@settings(deadline=None)
def test_reached_nodes_are_those_at_a_finite_distance(graph: Arcs) -> None:
    queue, reached = np.empty(graph.n_nodes, np.int64), np.empty(graph.n_nodes, np.bool_)
    find_reached(graph.start, graph.head, np.isfinite(graph.cost), 0, queue, reached)
    np.testing.assert_array_equal(reached, np.isfinite(scipy_distances(graph)[0]))


SLICES = np.array([0.0, 4.0, 8.0, 12.0])


@st.composite
def timetables(draw: st.DrawFn, n_arcs: int) -> Timetable:
    """Rows of slices with shares of speed, and windows that open and close."""
    n_rows = draw(st.integers(1, 4))
    share = st.sampled_from([1.0, 0.5, 0.25])
    shares = np.array([[draw(share) for _ in SLICES] for _ in range(n_rows)])
    window, opens, closes = [0], [], []
    for _ in range(n_rows):
        marks = sorted(set(draw(st.lists(st.integers(-2, 20), max_size=5))))
        edges = [*marks, np.inf] if len(marks) % 2 else marks
        opens += edges[0::2]
        closes += edges[1::2]
        window.append(len(opens))
    row = np.array([draw(st.integers(-1, n_rows - 1)) for _ in range(n_arcs)], dtype=np.int32)
    return Timetable(
        row,
        SLICES,
        shares,
        np.zeros_like(shares),
        np.array(window, dtype=np.int64),
        np.array(opens, dtype=np.float64),
        np.array(closes, dtype=np.float64),
    )


@st.composite
def timed_graphs(draw: st.DrawFn) -> tuple[Arcs, Timetable]:
    graph = draw(graphs(most_nodes=5, most_arcs=10))
    return graph, draw(timetables(len(graph.head)))


def walk(table: Timetable, arc: int, cost: float, entered: float) -> float:
    """Time of leaving, in small steps of the distance left."""
    r = table.row[arc]
    if r < 0:
        return entered + cost
    now, left = entered, cost
    while left > 1e-12:
        share = table.share[r, max(0, int(np.searchsorted(SLICES, now, side="right")) - 1)]
        after = SLICES[now < SLICES]
        span = min(left / share, (after[0] if len(after) else np.inf) - now)
        now, left = now + span, left - span * share
    return now


def slow_arrival(graph: Arcs, table: Timetable, source: int, departure: float) -> np.ndarray:
    """Bellman-Ford over earliest arrivals; entering is tried at once and at every opening."""
    arrival = np.full(graph.n_nodes, np.inf)
    arrival[source] = departure
    for _ in range(graph.n_nodes + 1):
        for a, (u, v, c) in enumerate(zip(graph.tail, graph.head, graph.cost, strict=True)):
            if not (np.isfinite(c) and np.isfinite(arrival[u])):
                continue
            r = table.row[a]
            windows = [(-np.inf, np.inf)]
            if r >= 0:
                part = slice(table.window[r], table.window[r + 1])
                windows = list(zip(table.opens[part], table.closes[part], strict=True))
            for opens, closes in windows:
                entered = max(arrival[u], opens)
                if entered <= closes and (left := walk(table, a, c, entered)) <= closes:
                    arrival[v] = min(arrival[v], left)
    return arrival


@given(timed_graphs(), st.floats(-3, 15))
@settings(max_examples=200, deadline=None)
def test_earliest_arrival_equals_relaxing_every_arc_until_nothing_changes(
    case: tuple[Arcs, Timetable], departure: float
) -> None:
    graph, table = case
    arrival, via = np.empty(graph.n_nodes), np.empty(graph.n_nodes, np.int64)
    search_earliest(graph.start, graph.head, graph.cost, table, 0, departure, -1, arrival, via)
    np.testing.assert_allclose(arrival, slow_arrival(graph, table, 0, departure), atol=1e-9)


@given(timed_graphs(), st.floats(-3, 15), st.floats(0, 5))
@settings(deadline=None)
def test_who_leaves_later_never_arrives_earlier(case: tuple[Arcs, Timetable], departure: float, wait: float) -> None:
    graph, table = case
    early, late, via = np.empty(graph.n_nodes), np.empty(graph.n_nodes), np.empty(graph.n_nodes, np.int64)
    search_earliest(graph.start, graph.head, graph.cost, table, 0, departure, -1, early, via)
    search_earliest(graph.start, graph.head, graph.cost, table, 0, departure + wait, -1, late, via)
    assert np.all(early <= late + 1e-9)


@given(timed_graphs(), st.one_of(st.just(np.inf), st.floats(0, 25)))
@settings(max_examples=200, deadline=None)
def test_latest_departure_is_the_last_that_arrives_in_time(case: tuple[Arcs, Timetable], deadline: float) -> None:
    graph, table = case
    target = graph.n_nodes - 1
    back_start, back_arc = bucket_arcs(graph.head, graph.n_nodes)
    latest = np.empty(graph.n_nodes)
    search_latest(back_start, graph.tail[back_arc], back_arc, graph.cost, table, target, deadline, latest)
    for u in range(graph.n_nodes):

        def arrives(departure: float, u: int = u) -> bool:
            got = slow_arrival(graph, table, u, departure)[target]
            return bool(got <= deadline + 1e-6 and np.isfinite(got))

        if latest[u] == np.inf:
            assert arrives(1e6)
        elif latest[u] == -np.inf:
            assert not arrives(-1e3)
        else:
            assert arrives(latest[u] - 1e-6)
            assert not arrives(latest[u] + 1e-3)


def all_ways(graph: Arcs, source: int, target: int) -> list[list[int]]:
    """Every way without a node twice."""
    found = []

    def go(node: int, arcs: list[int], seen: set[int]) -> None:
        if node == target:
            found.append(arcs)
            return
        for a in range(graph.start[node], graph.start[node + 1]):
            if np.isfinite(graph.cost[a]) and graph.head[a] not in seen:
                go(graph.head[a], [*arcs, a], seen | {graph.head[a]})

    go(source, [], {source})
    return found


def no_table(n_arcs: int) -> Timetable:
    none = np.empty(0)
    return Timetable(
        np.full(n_arcs, -1, np.int32), np.zeros(1), np.ones((0, 1)), np.zeros((0, 1)), np.zeros(1, np.int64), none, none
    )


@given(graphs(most_nodes=6, most_arcs=16), st.randoms(use_true_random=False), st.sampled_from([0.0, 1.5]))
@settings(max_examples=200, deadline=None)
def test_the_pareto_set_is_that_of_all_ways(graph: Arcs, random: Random, slack: float) -> None:
    rng = np.random.default_rng(random.randrange(2**32))
    n_arcs, target = len(graph.head), graph.n_nodes - 1
    sums = rng.integers(0, 4, (n_arcs, 2)).astype(np.float64)
    step = rng.integers(0, 4, n_arcs).astype(np.float64)
    bound = np.empty((graph.n_nodes, 3))
    engine = DijkstraEngine(graph.start, graph.head)
    for j, cost in enumerate((graph.cost, *sums.T)):
        engine.customize(np.where(np.isfinite(graph.cost), cost, np.inf))
        bound[:, j] = engine.all_to_one(target).distance
    slacks = np.full(5, slack)
    values, arcs, arc_start, is_complete = search_pareto(
        graph.start, graph.head, graph.cost, no_table(n_arcs), sums, step, 0, target, 0.0, bound, slacks, np.inf, 10_000
    )  # fmt: skip
    assert is_complete
    expected = [
        [graph.cost[way].sum(), *sums[way].sum(axis=0), step[way].max(initial=0.0), 0.0]
        for way in all_ways(graph, 0, target)
    ]
    best = np.array(expected).reshape(-1, 5)
    best = best[[not any(np.all(o <= w) and np.any(o < w) for o in best) for w in best]]
    for found, (a, b) in zip(values, itertools.pairwise(arc_start), strict=True):
        way = arcs[a:b]
        np.testing.assert_allclose(found[1:3], sums[way].sum(axis=0))
        assert found[0] == pytest.approx(graph.cost[way].sum())
    for way in best:
        assert np.any(np.all(values <= way + slack + 1e-9, axis=1)), "a way is left out that no way found covers"
    if slack == 0.0:
        for found in values:
            assert np.any(np.all(np.abs(best - found) < 1e-6, axis=1)), "a way is given that another one beats"
