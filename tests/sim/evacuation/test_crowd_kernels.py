"""Kernels of the crowd against slow plain references."""

from __future__ import annotations

import numpy as np
import pytest
from shapely import box

import sim.evacuation.crowd.kernels as k
from sim.evacuation.crowd import CrowdModel, CrowdParameters, Room
from sim.evacuation.crowd.choice import choose_nearest, choose_quickest
from sim.evacuation.crowd.navigation.kernels import UNREACHED, find_directions, march, wall_distance
from sim.evacuation.crowd.people import empty_people

PAPER = CrowdParameters(
    time_gap=1.0, strength=8.0, range=0.1, wall_strength=5.0, wall_range=0.02, anticipation=0.0, unrest=0.0, radius=0.15
)
NO_JUMP = (np.zeros(1, np.int64), np.zeros(0, np.int64))


def walk_plainly(xy, speed, law, dt):
    """One step of the paper's model eastward; and who has nobody just at the edge of his way."""
    moved = xy.copy()
    is_clear = np.zeros(len(xy), np.bool_)
    size = 2 * law.radius
    for i in range(len(xy)):
        apart = xy - xy[i]
        d = np.hypot(*apart.T)
        others = np.arange(len(xy)) != i
        unit = apart[others] / d[others, None]
        # in doubt to the left, by a thousandth: the one thing that is not the paper's
        direction = np.array([1.0, 1e-3]) - (law.strength * np.exp((size - d[others]) / law.range)) @ unit
        direction /= np.linalg.norm(direction)
        ahead = unit @ direction
        beside = np.abs(unit @ [-direction[1], direction[0]])
        # (and that of two exactly one comes before the other)
        in_way = (ahead > 0) & (apart[others, 0] > 0) & (beside <= size / d[others])
        space = d[others][in_way].min(initial=np.inf)
        is_clear[i] = np.all((np.abs(beside * d[others] - size) > 0.005) | (ahead < 0))
        moved[i] += direction * min(speed[i], max(0.0, (space - size) / law.time_gap)) * dt
    return moved, is_clear


@pytest.mark.parametrize("seed", range(3))
def test_a_step_is_the_papers_step(seed):
    generator = np.random.default_rng(seed)
    lattice = np.stack(np.meshgrid(np.arange(8), np.arange(8)), axis=-1).reshape(-1, 2) * 0.7
    xy = 20.0 + lattice + generator.uniform(-0.15, 0.15, lattice.shape)
    speed = generator.uniform(0.8, 1.6, len(xy)).astype(np.float32)
    model = CrowdModel(
        Room(box(0, 0, 50, 50)),
        xy,
        speed=speed,
        parameters=PAPER,
        heading=lambda x, _: np.column_stack([np.ones_like(x), np.zeros_like(x)]),
        cell_size=0.5,
    )
    model.step(0.05)
    expected, is_clear = walk_plainly(xy, speed, PAPER, 0.05)
    assert is_clear.mean() > 0.8
    # the kernel forgets repulsion below a hundredth of the desired direction
    np.testing.assert_allclose(model.xy[is_clear], expected[is_clear], atol=0.0015)
    assert np.abs(model.xy - xy).max() > 0.03


def test_sorting_keeps_everybody_and_puts_those_gone_last():
    generator = np.random.default_rng(0)
    n = 300
    old, new = empty_people(n), empty_people(n)
    old.x[:], old.y[:] = generator.uniform(0, 9, (2, n))
    old.ident[:] = np.where(generator.random(n) < 0.2, -2, np.arange(n))
    cells = k.Cells(np.zeros(9 * 9 + 2, np.int64), 9, 9, 1.0)
    k.sort_people(n, old, new, cells, np.empty(n, np.int64), np.empty(n, np.int64))
    stays = int((old.ident >= 0).sum())
    assert cells.start[-2] == stays
    assert sorted(new.ident[:stays]) == sorted(old.ident[old.ident >= 0])
    cell = new.y[:stays].astype(int) * 9 + new.x[:stays].astype(int)
    assert np.all(np.diff(cell) >= 0)
    assert np.bincount(cell, minlength=81).tolist() == np.diff(cells.start[:-1]).tolist()
    np.testing.assert_array_equal(old.x[new.ident[:stays]], new.x[:stays])


def test_travel_time_is_the_distance_within_a_node_and_a_half_of_a_hundred():
    h, n = 0.1, 121
    time = np.empty((n, n), np.float32)
    march(np.ones((n, n), np.float32), np.array([60 * n + 60]), *NO_JUMP, h, time)
    j, i = np.mgrid[:n, :n]
    exact = h * np.hypot(j - 60, i - 60)
    # first order: the error of a point source grows as h log(1/h)
    assert np.abs(time - exact).max() < 0.25
    assert time[60, 120] == pytest.approx(6.0, rel=1e-5)


def test_travel_time_goes_round_walls_and_not_through_them():
    slowness = np.ones((21, 21), np.float32)
    slowness[10, :20] = np.inf
    time = np.empty_like(slowness)
    march(slowness, np.array([0]), *NO_JUMP, 1.0, time)
    assert time[20, 0] > 2 * 18
    slowness[10, :] = np.inf
    march(slowness, np.array([0]), *NO_JUMP, 1.0, time)
    assert np.all(time[10:] == UNREACHED)


def test_a_jump_carries_the_time_to_another_level():
    slowness = np.ones((3, 9), np.float32)
    slowness[:, 4] = np.inf
    time = np.empty_like(slowness)
    start = np.zeros(28, np.int64)
    start[9 + 3 + 1 :] = 1
    march(slowness, np.array([9]), start, np.array([9 + 8]), 1.0, time)
    assert time[1, 8] == time[1, 3] == 3.0
    assert time[1, 5] == 6.0


def test_directions_point_down_the_time_and_leave_walls():
    y, x = np.mgrid[:10, :10] + 0.5
    time = (30.0 - 0.6 * x - 0.8 * y).astype(np.float32)
    time[:, 0] = UNREACHED
    direction = np.zeros((10, 10, 2), np.int8)
    find_directions(time, direction)
    np.testing.assert_allclose(direction[1:-1, 2:-1] / 127.0, [[[0.6, 0.8]] * 7] * 8, atol=0.01)
    assert np.all(direction[:, 0, 0] > 0)


def test_distance_to_a_wall_is_that_to_its_nearest_point():
    distance = np.empty((20, 20))
    wall_distance(*(np.array([v]) for v in (0.5, 1.0, 1.5, 1.0)), 0.1, 0.8, distance)
    y, x = (np.mgrid[:20, :20] + 0.5) * 0.1
    exact = np.hypot(np.maximum(np.abs(x - 1.0) - 0.5, 0.0), y - 1.0)
    np.testing.assert_allclose(distance, np.minimum(exact, 0.8), atol=1e-9)


def test_the_nearest_exit_is_chosen_among_those_allowed():
    times = np.array([[5.0, 1.0, UNREACHED], [4.0, 2.0, UNREACHED]], np.float32)
    assert choose_nearest(times, np.full((2, 3), True)).tolist() == [1, 0, -1]
    assert choose_nearest(times, np.array([[True] * 3, [False] * 3])).tolist() == [0, 0, -1]


def test_a_long_queue_sends_people_to_the_farther_exit():
    n = 100
    times = np.stack([np.linspace(1, 10, n), np.linspace(21, 12, n)]).astype(np.float32)
    everybody, open_ = np.full(n, True), np.full((2, n), True)
    chosen = choose_quickest(
        times, open_, np.ones(n, np.float32), np.zeros(n, np.int16), np.array([1.0, 1.0]), everybody
    )
    assert chosen[:15].tolist() == [0] * 15
    assert chosen[-15:].tolist() == [1] * 15
    nobody = choose_quickest(
        times, open_, np.ones(n, np.float32), np.zeros(n, np.int16), np.array([1.0, 1.0]), ~everybody
    )
    assert not nobody.any()
