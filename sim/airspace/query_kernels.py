"""Kernels of exact queries: which rules hold at points of air."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BuildingArrays", "CellArrays", "GroundArrays", "RuleArrays", "answer_points"]

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True, "_nrt": False}
"""How every kernel is compiled. ``_nrt`` off: they allocate nothing, and each array that is taken out of a tuple would
cost an atomic reference count, which is most of the time of a rule's test."""


class GroundArrays(NamedTuple):
    """Ground heights at cell centres."""

    z: NDArray[np.float32]
    """(ny, nx) [m T.P.], row 0 north."""
    west: float
    north: float
    cell_size: float


class CellArrays(NamedTuple):
    """Cells that tell which rules and buildings may matter at a point."""

    west: float
    north: float
    cell_size: float
    nx: int
    rule_start: NDArray[np.int64]
    """(cells + 1,)"""
    rule: NDArray[np.int32]
    """Numbers of the rules whose outlines touch the cell, ascending; ~number where the outline holds the whole cell."""
    building_start: NDArray[np.int64]
    building: NDArray[np.int32]
    """Buildings within the near distance of the cell."""


class RuleArrays(NamedTuple):
    """Rules as arrays, one row a rule."""

    code: NDArray[np.uint8]
    """Restriction; 0 where it is granted."""
    lower: NDArray[np.float64]
    upper: NDArray[np.float64]
    lower_above_ground: NDArray[np.bool_]
    upper_above_ground: NDArray[np.bool_]
    circle: NDArray[np.float64]
    """(n, 4) x, y, radius, hole; radius NaN: the outline is a polygon."""
    slope: NDArray[np.float64]
    """(n, 6) kind (0 none, 1 plane, 2 cone), x, y, z, a, b."""
    ring_start: NDArray[np.int64]
    """(n + 1,) into `vertex_start`."""
    vertex_start: NDArray[np.int64]
    vertex: NDArray[np.float64]
    """(m, 2) closed rings."""
    window_start: NDArray[np.int64]
    window: NDArray[np.float64]
    """(k, 2) from, until [s]."""


class BuildingArrays(NamedTuple):
    """Buildings as upright prisms from the ground to their tops."""

    top: NDArray[np.float64]
    box: NDArray[np.float64]
    """(n, 4) west, south, east, north."""
    ring_start: NDArray[np.int64]
    vertex_start: NDArray[np.int64]
    vertex: NDArray[np.float64]


@njit(**KERNEL)
def ground_at(ground: Any, x: float, y: float) -> Any:
    """Height of the ground [m T.P.], bilinear between cell centres, constant beyond the outer ones."""
    ny, nx = ground.z.shape
    c = min(max((x - ground.west) / ground.cell_size - 0.5, 0.0), nx - 1.0)
    r = min(max((ground.north - y) / ground.cell_size - 0.5, 0.0), ny - 1.0)
    i, j = min(int(c), max(nx - 2, 0)), min(int(r), max(ny - 2, 0))
    i1, j1 = min(i + 1, nx - 1), min(j + 1, ny - 1)
    u, v = c - i, r - j
    north = ground.z[j, i] * (1 - u) + ground.z[j, i1] * u
    south = ground.z[j1, i] * (1 - u) + ground.z[j1, i1] * u
    return north * (1 - v) + south * v


@njit(**KERNEL)
def is_inside(
    x: float, y: float, first: int, last: int, vertex_start: NDArray[np.int64], vertex: NDArray[np.float64]
) -> bool:
    """Whether a point lies within rings first..last - 1 (odd number of crossings)."""
    inside = False
    for ring in range(first, last):
        for k in range(vertex_start[ring], vertex_start[ring + 1] - 1):
            y0, y1 = vertex[k, 1], vertex[k + 1, 1]
            if (y0 > y) != (y1 > y):
                x0 = vertex[k, 0]
                if x < x0 + (y - y0) * (vertex[k + 1, 0] - x0) / (y1 - y0):
                    inside = not inside
    return inside


@njit(**KERNEL)
def edge_distance_squared(
    x: float, y: float, first: int, last: int, vertex_start: NDArray[np.int64], vertex: NDArray[np.float64]
) -> float:
    """Squared distance of a point from the edges of rings first..last - 1 [m2]."""
    best = np.inf
    for ring in range(first, last):
        for k in range(vertex_start[ring], vertex_start[ring + 1] - 1):
            x0, y0 = vertex[k, 0], vertex[k, 1]
            dx, dy = vertex[k + 1, 0] - x0, vertex[k + 1, 1] - y0
            length = dx * dx + dy * dy
            s = 0.0
            if length > 0.0:
                s = min(max(((x - x0) * dx + (y - y0) * dy) / length, 0.0), 1.0)
            ex, ey = x - x0 - s * dx, y - y0 - s * dy
            best = min(best, ex * ex + ey * ey)
    return best


@njit(**KERNEL)
def holds_at(rules: Any, rule: int, is_whole: bool, x: float, y: float, z: float, ground: float, t: float) -> Any:
    """Whether a rule holds at a point and time."""
    low = rules.lower[rule]
    if rules.slope[rule, 0] == 1.0:
        dx, dy = x - rules.slope[rule, 1], y - rules.slope[rule, 2]
        low = rules.slope[rule, 3] + rules.slope[rule, 4] * dx + rules.slope[rule, 5] * dy
    elif rules.slope[rule, 0] == 2.0:
        away = np.hypot(x - rules.slope[rule, 1], y - rules.slope[rule, 2])
        low = rules.slope[rule, 3] + rules.slope[rule, 4] * max(away - rules.slope[rule, 5], 0.0)
    elif rules.lower_above_ground[rule]:
        low += ground
    if z < low:
        return False
    high = rules.upper[rule]
    if rules.upper_above_ground[rule]:
        high += ground
    if z > high:
        return False
    is_now = False
    for k in range(rules.window_start[rule], rules.window_start[rule + 1]):
        is_now = is_now or (rules.window[k, 0] <= t < rules.window[k, 1])
    if not is_now:
        return False
    if is_whole:
        return True
    radius = rules.circle[rule, 2]
    if not np.isnan(radius):
        away = np.hypot(x - rules.circle[rule, 0], y - rules.circle[rule, 1])
        return rules.circle[rule, 3] <= away <= radius
    return is_inside(x, y, rules.ring_start[rule], rules.ring_start[rule + 1], rules.vertex_start, rules.vertex)


@njit(**KERNEL)
def nearness(buildings: Any, cells: Any, cell: int, x: float, y: float, z: float, reach: float) -> float:
    """Distance from the nearest building [m]; -1 within one; inf where none is nearer than `reach`."""
    best = reach * reach
    found = np.inf
    for k in range(cells.building_start[cell], cells.building_start[cell + 1]):
        b = cells.building[k]
        up = max(z - buildings.top[b], 0.0)
        if up * up >= best:
            continue
        dx = max(buildings.box[b, 0] - x, x - buildings.box[b, 2], 0.0)
        dy = max(buildings.box[b, 1] - y, y - buildings.box[b, 3], 0.0)
        if dx * dx + dy * dy + up * up >= best:
            continue
        first, last = buildings.ring_start[b], buildings.ring_start[b + 1]
        if dx + dy == 0.0 and is_inside(x, y, first, last, buildings.vertex_start, buildings.vertex):
            if up == 0.0:
                return -1.0
            away = 0.0
        else:
            away = edge_distance_squared(x, y, first, last, buildings.vertex_start, buildings.vertex)
        if away + up * up < best:
            best = away + up * up
            found = np.sqrt(best)
    return found


@njit(**KERNEL)
def answer_points(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    z: NDArray[np.float64],
    t: NDArray[np.float64],
    is_above_ground: bool,
    ground: Any,
    cells: Any,
    rules: Any,
    buildings: Any,
    near: float,
    exempt: float,
    height_limit: int,
    near_object: int,
    obstacle: int,
    start: NDArray[np.int64],
    number: NDArray[np.int32],
    agl: NDArray[np.float32],
    severest: NDArray[np.uint8],
) -> None:
    """Every rule that holds at each point.

    x, y, z, t      : (n,)     [m], [m T.P., or above the ground], [s]
    is_above_ground : bool     whether z counts from the ground
    ground, cells, rules, buildings : see the types
    near, exempt    : float    distances from objects of the near rule and of the height limit's exception [m]
    height_limit, near_object, obstacle : int  numbers of these rules
    start           : (n + 1,) out
    number          : (capacity,) out; rules of point i at start[i]:start[i + 1], ascending but for the last two
    agl             : (n,)     out: height above the ground [m]
    severest        : (n,)     out: severest restriction that is not granted
    """
    count = 0
    start[0] = 0
    for i in range(len(x)):
        low = ground_at(ground, x[i], y[i])
        height = z[i] + low if is_above_ground else z[i]
        agl[i] = height - low
        col = int((x[i] - cells.west) / cells.cell_size)
        row = int((cells.north - y[i]) / cells.cell_size)
        cell = row * cells.nx + col
        away = nearness(buildings, cells, cell, x[i], y[i], height, near)
        worst = np.uint8(0)
        for k in range(cells.rule_start[cell], cells.rule_start[cell + 1]):
            entry = cells.rule[k]
            rule = ~entry if entry < 0 else entry
            if rule == height_limit and 0.0 <= away < exempt:
                continue
            if holds_at(rules, rule, entry < 0, x[i], y[i], height, low, t[i]):
                number[count] = rule
                count += 1
                worst = max(worst, rules.code[rule])
        if away < near:
            number[count] = near_object
            count += 1
            worst = max(worst, rules.code[near_object])
        if away < 0.0 or height < low:
            number[count] = obstacle
            count += 1
            worst = max(worst, rules.code[obstacle])
        severest[i] = worst
        start[i + 1] = count
