from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import dijkstra

import sim.airspace.planner_kernels as k
from sim.airspace.objective import Objective
from sim.airspace.planner import MOVES, Planner
from sim.airspace.space import Space, clearance_of
from tests.sim.airspace.made_air import downtown, space_of
from twin.errors import LayerError, ScenarioError, SimulationError

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDY = Objective(0.0, 1.0, 0.2, 12.0, (-5.0, 4.0), 3.0, 2.0)


@pytest.fixture(scope="module")
def city() -> Space:
    return space_of(downtown())


def _free_cells(space: Space, n: int, seed: int) -> NDArray[np.int64]:
    cells = np.argwhere(space.cost > 0)
    return cells[np.random.default_rng(seed).choice(len(cells), n)]


def _graph_costs(space: Space, objective: Objective, start: NDArray[np.int64]) -> NDArray[np.float64]:
    """Least costs by another library's Dijkstra over an explicit graph."""
    number = np.full(space.cost.shape, -1)
    free = np.argwhere(space.cost > 0)
    number[tuple(free.T)] = np.arange(len(free))
    rows, cols, values = [], [], []
    grid = space.voxels.grid
    for move in MOVES:
        sides = [np.array(m) for m in product(*((0, d) if d else (0,) for d in move)) if any(m)]
        ok = np.ones(len(free), dtype=bool)
        for side in sides:
            to = free + side
            inside = np.all((to >= 0) & (to < space.cost.shape), axis=1)
            ok &= inside
            ok[inside] &= space.cost[tuple(to[inside].T)] > 0
        a, b = free[ok], free[ok] + move
        apart = move[::-1] * np.array([grid.cell_size, -grid.cell_size, space.voxels.level_height])
        mean = (space.cost[tuple(a.T)].astype(float) + space.cost[tuple(b.T)]) / 8.0
        rows.append(number[tuple(a.T)])
        cols.append(number[tuple(b.T)])
        values.append(mean * objective.cost(apart)[0])
    graph = coo_matrix((np.concatenate(values), (np.concatenate(rows), np.concatenate(cols))), shape=[len(free)] * 2)
    found = dijkstra(graph.tocsr(), indices=number[tuple(start)])
    out = np.full(space.cost.shape, np.inf)
    out[tuple(free.T)] = found
    return out


def test_the_optimum_is_that_of_the_distance_field_on_a_thousand_queries(city: Space) -> None:
    planner = Planner(city)
    goals = _free_cells(city, 100, 1)
    for start in _free_cells(city, 10, 2):
        field = planner.field([start])
        for goal in goals:
            path = planner.optimal(start, goal)
            expected = field.cost[tuple(goal)]
            if path is None:
                assert np.isinf(expected)
            else:
                assert path.cost == pytest.approx(expected, rel=4e-5)


@pytest.mark.parametrize("objective", [Objective(), WINDY, Objective(0.1, 1.0, 3.0, 15.0, (0.0, 9.0), 1.5, 4.0)])
def test_field_and_optimum_are_those_of_another_dijkstra(objective: Objective) -> None:
    space = space_of(downtown((10, 16, 16)), cell=4.0, level=2.5)
    rng = np.random.default_rng(5)
    space = space.dearer(rng.random(space.cost.shape) < 0.3, 2.5)
    start = _free_cells(space, 1, 3)[0]
    expected = _graph_costs(space, objective, start)
    planner = Planner(space, objective)
    np.testing.assert_allclose(planner.field([start]).cost, expected, rtol=2e-4)
    for goal in _free_cells(space, 40, 4):
        path = planner.optimal(start, goal)
        assert (np.inf if path is None else path.cost) == pytest.approx(expected[tuple(goal)], rel=2e-4)


def test_costs_towards_a_place_are_those_of_flying_there(city: Space) -> None:
    planner = Planner(city, WINDY)
    home, there = _free_cells(city, 2, 8)
    towards = planner.field([home], towards=True)
    path = planner.optimal(there, home)
    assert path is not None
    assert towards.cost[tuple(there)] == pytest.approx(path.cost, rel=1e-4)
    assert planner.field([home]).cost[tuple(there)] != pytest.approx(path.cost, rel=1e-2)


def test_each_voxel_goes_to_the_place_of_least_cost(city: Space) -> None:
    planner = Planner(city)
    places = _free_cells(city, 3, 9)
    extra = [0.0, 5.0, 2.0]
    joint = planner.field(places, extra)
    single = np.stack([planner.field([place]).cost + e for place, e in zip(places, extra, strict=True)])
    np.testing.assert_allclose(joint.cost, single.min(axis=0), rtol=1e-4, atol=1e-3)
    reached = joint.place >= 0
    chosen = np.take_along_axis(single, np.maximum(joint.place, 0)[None].astype(int), axis=0)[0]
    np.testing.assert_allclose(chosen[reached], joint.cost[reached], rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("bound", [1.0, 1.1, 1.5])
@pytest.mark.parametrize("objective", [Objective(), WINDY])
def test_a_path_at_any_angle_keeps_its_bound(city: Space, bound: float, objective: Objective) -> None:
    for space in (city, city.dearer(np.random.default_rng(0).random(city.cost.shape) < 0.5, 3.0)):
        planner = Planner(space, objective)
        for start, goal in _free_cells(space, 60, 11).reshape(30, 2, 3):
            exact, angled = planner.optimal(start, goal), planner.any_angle(start, goal, bound)
            assert (exact is None) == (angled is None)
            if exact is not None and angled is not None:
                assert angled.cost <= bound * exact.cost * (1 + 1e-9)
                assert angled.bound == bound


def test_a_path_at_any_angle_is_never_longer_than_the_path_over_neighbours_and_mostly_shorter(city: Space) -> None:
    planner = Planner(city)
    pairs = [
        (planner.optimal(a, b), planner.any_angle(a, b, 1.0)) for a, b in _free_cells(city, 80, 12).reshape(-1, 2, 3)
    ]
    known = [(p, q) for p, q in pairs if p is not None and q is not None]
    assert all(q.length <= p.length + 1e-9 for p, q in known)
    assert sum(q.length < p.length - 0.01 for p, q in known) > len(known) / 2


def test_paths_stay_in_free_air(city: Space) -> None:
    planner = Planner(city)
    for start, goal in _free_cells(city, 40, 13).reshape(20, 2, 3):
        for path in (planner.optimal(start, goal), planner.any_angle(start, goal)):
            if path is None:
                continue
            assert tuple(path.cells[0]) == tuple(start)
            assert tuple(path.cells[-1]) == tuple(goal)
            for a, b in zip(path.points[:-1], path.points[1:], strict=True):
                along = a + (b - a) * np.linspace(0, 1, 400)[:, None]
                assert np.all(city.cost[tuple(city.cells(along).T)] > 0)


def test_no_way_and_a_blocked_end_give_none(city: Space) -> None:
    walled = city.without(np.broadcast_to(np.arange(64) == 30, city.cost.shape))
    planner = Planner(walled)
    left, right = (22, 7, 7), (22, 7, 63)
    assert walled.cost[left] > 0
    assert walled.cost[right] > 0
    assert planner.optimal(left, right) is None
    assert planner.any_angle(left, right) is None
    assert planner.optimal(left, (0, 0, 0)) is None
    assert planner.optimal(left, (99, 0, 0)) is None
    assert np.isinf(planner.field([left]).cost[right])


def test_the_same_question_has_the_same_answer_whatever_was_asked_before(city: Space) -> None:
    fresh, used = Planner(city), Planner(city, workspace=Planner(city, WINDY))
    pairs = _free_cells(city, 20, 14).reshape(10, 2, 3)
    for start, goal in pairs[1:]:
        used.optimal(start, goal)
        used.any_angle(goal, start)
    for name in ("optimal", "any_angle"):
        first, again = (getattr(planner, name)(*pairs[0]) for planner in (fresh, used))
        np.testing.assert_array_equal(first.points, again.points)


def test_diagonal_moves_pass_no_edge_of_a_building_unless_allowed() -> None:
    solid = np.zeros((1, 2, 2), dtype=bool)
    solid[0, 0, 1] = solid[0, 1, 0] = True
    assert Planner(space_of(solid)).optimal((0, 0, 0), (0, 1, 1)) is None
    assert not Planner(space_of(solid)).is_visible((0, 0, 0), (0, 1, 1))
    cut = Planner(space_of(solid), cut_corners=True).optimal((0, 0, 0), (0, 1, 1))
    assert cut is not None
    assert cut.cost == pytest.approx(np.sqrt(2))


def test_dear_air_is_flown_around_when_the_detour_is_cheaper() -> None:
    space = space_of(np.zeros((1, 9, 21), dtype=bool))
    dear = np.zeros((1, 9, 21), dtype=bool)
    dear[0, :8, 8:13] = True
    for name in ("optimal", "any_angle"):
        straight = getattr(Planner(space.dearer(dear, 1.25)), name)((0, 4, 0), (0, 4, 20))
        around = getattr(Planner(space.dearer(dear, 8.0)), name)((0, 4, 0), (0, 4, 20))
        assert straight.cells[:, 1].max() < 8 <= around.cells[:, 1].max()


def test_a_headwind_costs_time_and_the_climb_limit_holds() -> None:
    planner = Planner(space_of(np.zeros((30, 1, 40), dtype=bool), cell=10.0, level=5.0), WINDY)
    east, west = planner.any_angle((5, 0, 0), (5, 0, 39)), planner.any_angle((5, 0, 39), (5, 0, 0))
    assert east is not None
    assert west is not None
    assert east.cost > 1.5 * west.cost
    up = WINDY.seconds([[0.0, 0.0, 30.0], [10.0, 0.0, 30.0], [0.0, 0.0, -30.0]])
    np.testing.assert_allclose(up, [10.0, 10.0, 15.0])


def test_the_band_and_the_clearance_bound_the_air() -> None:
    solid = np.zeros((20, 5, 9), dtype=bool)
    solid[:8, 2, 4] = True
    voxels = space_of(solid, 5.0, 2.0).voxels
    space = Space.around(voxels, solid, clearance=6.0, ground=np.zeros((5, 9)), band=(5.0, 30.0))
    heights = np.broadcast_to(voxels.z_cell[:, None, None], solid.shape)
    assert np.all((heights[space.is_open] >= 5.0) & (heights[space.is_open] <= 30.0))
    assert not space.is_open[4, 2, 3]
    assert space.is_open[10, 2, 0]
    distance = clearance_of(voxels, solid)
    assert distance[0, 2, 0] == pytest.approx(20.0)
    assert distance[9, 2, 4] == pytest.approx(4.0)


@st.composite
def _lines(draw: st.DrawFn) -> tuple[NDArray[np.uint8], tuple[int, ...], tuple[int, ...]]:
    shape = draw(st.tuples(*[st.integers(1, 6)] * 3))
    cells = draw(
        st.lists(st.sampled_from([0, 4, 4, 4, 10]), min_size=int(np.prod(shape)), max_size=int(np.prod(shape)))
    )
    ends = [draw(st.tuples(*[st.integers(0, n - 1) for n in shape])) for _ in range(2)]
    cost = np.array(cells, dtype=np.uint8).reshape(shape)
    cost[ends[0]] = max(4, cost[ends[0]])
    return cost, ends[0], ends[1]


def _touched(a: tuple[int, ...], b: tuple[int, ...], cell: tuple[int, ...]) -> Fraction | None:
    """Share of the line between two centres within a closed voxel, None where they do not touch; exact."""
    low, high = Fraction(0), Fraction(1)
    for p, q, c in zip(a, b, cell, strict=True):
        if p == q:
            if p != c:
                return None
            continue
        ends = sorted((Fraction(2 * (c - p) - 1, 2 * (q - p)), Fraction(2 * (c - p) + 1, 2 * (q - p))))
        low, high = max(low, ends[0]), min(high, ends[1])
    return high - low if low <= high else None


@settings(max_examples=200, deadline=None)
@given(_lines())
def test_a_line_sees_exactly_when_no_voxel_that_it_touches_is_blocked(
    case: tuple[NDArray[np.uint8], tuple[int, ...], tuple[int, ...]],
) -> None:
    cost, a, b = case
    shares = {cell: share for cell in np.ndindex(cost.shape) if (share := _touched(a, b, cell)) is not None}
    padded = np.pad(cost, 1)
    strides = np.array([padded.shape[1] * padded.shape[2], padded.shape[2], 1])
    flat = [int((np.array(end) + 1) @ strides) for end in (a, b)]
    found = k.line_cost(padded.reshape(-1), np.array(padded.shape), *flat, False)
    if any(cost[cell] == 0 for cell in shares):
        assert found == -1.0
    else:
        expected = cost[a] if a == b else sum(share * int(cost[cell]) for cell, share in shares.items())
        assert found == pytest.approx(float(expected), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Objective(0.0, 1.0, wind=(20.0, 0.0)), r"wind blows at 20\.0 m/s"),
        (lambda: Objective(climb_speed=0.0), "must be positive"),
        (lambda: Objective(0.0, 0.0), "cost length or time"),
    ],
)
def test_an_objective_that_cannot_be_is_refused(make: object, message: str) -> None:
    assert callable(make)
    with pytest.raises(ScenarioError, match=message):
        make()


def test_costs_that_cannot_be_counted_are_refused() -> None:
    space = space_of(np.zeros((1, 1, 4), dtype=bool))
    with pytest.raises(LayerError, match="factor"):
        space.dearer(np.ones((1, 1, 4), dtype=bool), 20.0)
    with pytest.raises(LayerError, match="shape"):
        Space(space.voxels, np.zeros((2, 2, 2), dtype=np.uint8))
    long = space_of(np.zeros((1, 1, 20_000), dtype=bool))
    with pytest.raises(SimulationError, match="more than can be counted"):
        Planner(long.dearer(np.ones((1, 1, 20_000), dtype=bool), 16.0)).optimal((0, 0, 0), (0, 0, 19_999))
