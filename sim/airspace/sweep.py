"""Coverage of an area from above: parallel sweeps, shared out among aircraft and batteries; what a camera saw."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from sim.airspace.airway import Airways
    from sim.airspace.energy import Aircraft
    from sim.airspace.errand import Flown

__all__ = ["Line", "closed_area", "footprint", "share_out", "sweeps_over"]

Line = tuple[tuple[float, float, float], tuple[float, float, float]]
"""Start and end of a sweep, x, y [m in the frame] and z [m T.P.]."""
DETOUR = 1.1
"""How much longer the way to and between sweeps is taken to be than the straight line: buildings are in the way."""


def sweeps_over(
    area: Geometry, airways: Airways, altitude: float, spacing: float, start: float, end: float
) -> list[Line]:
    """Parallel sweeps over an area, there and back (boustrophedon), where the air at that height is open.

    They run along the longer side of the smallest box around the area: fewest turns. Ends lie at centres of voxels, up
    to a voxel beyond the area's edge.

    Parameters
    ----------
    area : Geometry
        [m in the frame]
    airways : Airways
    altitude : float
        Above ground [m].
    spacing : float
        Between two sweeps [m].
    start, end : float
        While the air must be open [s].
    """
    space = airways.open_air(0.0, start, end)
    box = shapely.minimum_rotated_rectangle(area)
    if box.geom_type != "Polygon":
        return []
    corners = np.asarray(box.exterior.coords)[:3]
    sides = np.diff(corners, axis=0)
    along = sides[np.argmax(np.hypot(*sides.T))]
    along /= np.hypot(*along)
    across = np.array([-along[1], along[0]])
    xy = np.asarray(box.exterior.coords)
    step = airways.air.voxels.grid.cell_size
    left, right = (xy @ along).min() - step, (xy @ along).max() + step
    low, high = (xy @ across).min(), (xy @ across).max()
    count = max(1, math.ceil((high - low) / spacing))
    wide = area.buffer(step, join_style="mitre")
    out: list[Line] = []
    for number in range(count):
        offset = low + (number + 0.5) * (high - low) / count
        ends = np.stack([along * left + across * offset, along * right + across * offset])
        pieces = shapely.intersection(shapely.LineString(ends), wide)
        runs = []
        for piece in shapely.get_parts(pieces):
            if piece.geom_type == "LineString" and piece.length > 0:
                runs += _open_runs(piece, space.cost, airways, altitude, step)
        runs.sort(key=lambda run: float(np.dot(run[0][:2], along)))
        out += runs if number % 2 == 0 else [(b, a) for a, b in reversed(runs)]
    return out


def _open_runs(piece: Geometry, cost: NDArray[np.uint8], airways: Airways, altitude: float, step: float) -> list[Line]:
    voxels = airways.air.voxels
    count = max(2, math.ceil(piece.length / step) + 1)
    points = shapely.get_coordinates(shapely.line_interpolate_point(piece, np.linspace(0, piece.length, count)))
    row, col = voxels.grid.row_col(*points.T)
    inside = (row >= 0) & (row < voxels.grid.shape[0]) & (col >= 0) & (col < voxels.grid.shape[1])
    row, col = row[inside], col[inside]
    level = _level(airways, altitude, row, col)
    is_open = cost[level, row, col] > 0
    edges = np.flatnonzero(np.diff(np.r_[False, is_open, False]))
    out = []
    for first, last in edges.reshape(-1, 2):
        a, b = (
            (float(voxels.grid.x_cell[col[i]]), float(voxels.grid.y_cell[row[i]]), float(voxels.z_cell[level[i]]))
            for i in (first, last - 1)
        )
        if a[:2] != b[:2]:
            out.append((a, b))
    return out


def closed_area(area: Geometry, airways: Airways, altitude: float, start: float, end: float) -> float:
    """Part of an area over which the air at the survey's height is closed or built up [m2], by voxels."""
    grid = airways.air.voxels.grid
    x, y = (values.ravel() for values in np.meshgrid(grid.x_cell, grid.y_cell))
    row, col = grid.row_col(x, y)
    is_shut = airways.open_air(0.0, start, end).cost[_level(airways, altitude, row, col), row, col] == 0
    return float((is_shut & shapely.contains_xy(area, x, y)).sum() * grid.cell_area)


def _level(airways: Airways, altitude: float, row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.int64]:
    """Level of the voxel at a height above ground."""
    voxels = airways.air.voxels
    level = np.floor((airways.air.ground[row, col] + altitude - voxels.bottom) / voxels.level_height).astype(np.int64)
    inside: NDArray[np.int64] = np.clip(level, 0, voxels.n_levels - 1)
    return inside


def share_out(
    lines: Sequence[Line],
    count: int,
    home: tuple[float, float, float],
    machine: Aircraft,
    wind: tuple[float, float],
    usable: float,
) -> list[list[list[Line]]]:
    """Hand neighbouring sweeps to each aircraft, and cut its share into sorties that its battery is enough for.

    Parameters
    ----------
    lines : sequence of Line
        In the order in which one aircraft would fly them all.
    count : int
        Aircraft.
    home : (x, y, z)
        Where they start and land.
    machine : Aircraft
    wind : (float, float)
        [m/s]
    usable : float
        Energy of a sortie [Wh].

    Returns
    -------
    list
        For each aircraft its sorties; a sweep that is too long for a battery is cut.
    """
    thrifty = machine.thriftiest(wind)

    def cost(a: Sequence[float], b: Sequence[float]) -> float:
        return float(thrifty.cost(np.subtract(b, a))[0])

    def way(a: Sequence[float], b: Sequence[float]) -> float:
        # from and to a pad it goes straight up and down
        return cost((0.0, 0.0, a[2]), (0.0, 0.0, b[2])) + cost((*a[:2], 0.0), (*b[:2], 0.0)) * DETOUR

    lines = _cut(lines, home, cost, way, usable)
    work = np.array([cost(a, b) for a, b in lines])
    bound = np.searchsorted(np.cumsum(work), np.arange(1, count) * work.sum() / count) if len(lines) else []
    out = []
    for share in np.split(np.arange(len(lines)), bound):
        sorties: list[list[Line]] = []
        used, at = np.inf, home
        for number in share:
            a, b = lines[number]
            needed = way(at, a) + work[number]
            if used + needed + way(b, home) > usable:
                sorties.append([])
                used, needed = 0.0, way(home, a) + work[number]
            sorties[-1].append((a, b))
            used, at = used + needed, b
        out.append(sorties)
    return out


def _cut(
    lines: Sequence[Line],
    home: tuple[float, float, float],
    cost: Callable[[Sequence[float], Sequence[float]], float],
    way: Callable[[Sequence[float], Sequence[float]], float],
    usable: float,
) -> list[Line]:
    """Halve sweeps until each can be flown from home and back; one that cannot even be reached stays as it is."""
    out: list[Line] = []
    waiting = list(reversed(lines))
    while waiting:
        a, b = waiting.pop()
        there = way(home, a) + way(b, home)
        if there + cost(a, b) > usable and cost(a, b) > 0.1 * usable and there < 0.9 * usable:
            middle = tuple((np.array(a) + np.array(b)) / 2)
            waiting += [(middle, b), (a, middle)]
        else:
            out.append((a, b))
    return out


def footprint(flown: Flown, view: float, ground: NDArray[np.float64]) -> Geometry:
    """What the camera saw: for each piece with the camera on, a strip as wide as its least height above ground gives.

    Parameters
    ----------
    flown : Flown
    view : float
        Angle of view across the track [deg].
    ground : ndarray (m,)
        Ground below each point of the trajectory [m T.P.].
    """
    points = flown.trajectory.points
    strips = []
    for number in np.flatnonzero(flown.looks):
        a, b = points[number], points[number + 1]
        height = min(a[2] - ground[number], b[2] - ground[number + 1])
        if height > 0 and math.dist(a[:2], b[:2]) > 0:
            half = height * math.tan(math.radians(view) / 2)
            strips.append(shapely.LineString([a[:2], b[:2]]).buffer(half, cap_style="flat"))
    return shapely.union_all(strips) if strips else shapely.Polygon()
