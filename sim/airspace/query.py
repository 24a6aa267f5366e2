"""Exact queries: which rules hold at a place and time, from the volumes themselves, not from voxels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.airspace.query_kernels import BuildingArrays, CellArrays, GroundArrays, RuleArrays, answer_points
from sim.airspace.zone import Reference
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from sim.airspace.zone import AirRule
    from twin.grid import Grid

__all__ = ["Answers", "QueryIndex", "build_index"]

_CELLS = 250_000
"""Most cells of the index."""
_LEAST_CELL = 20.0
"""Smallest cell of the index [m]."""
_CHUNK = 1 << 17


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What holds at n queried points.

    Parameters
    ----------
    start : ndarray of int64 (n + 1,)
        Rules of point i are ``number[start[i]:start[i + 1]]``.
    number : ndarray of int32
        Rows of :attr:`CompiledAirspace.rules`.
    height_agl : ndarray of float32 (n,)
        Height above the ground [m].
    severest : ndarray of uint8 (n,)
        Severest :class:`~sim.airspace.zone.Restriction` among the rules that are not granted.
    """

    start: NDArray[np.int64]
    number: NDArray[np.int32]
    height_agl: NDArray[np.float32]
    severest: NDArray[np.uint8]

    def at(self, point: int) -> NDArray[np.int32]:
        """Rules of one point."""
        return self.number[self.start[point] : self.start[point + 1]]


@dataclass(frozen=True, slots=True, eq=False)
class QueryIndex:
    """Rules, ground and buildings as the kernels take them.

    Parameters
    ----------
    ground, cells, rules, buildings : named tuples of arrays
    bounds : tuple of float
        west, south, east, north [m] that it covers.
    horizon : float
        Times from 0 to this one can be asked for [s].
    near, exempt : float
        Distances from objects [m]: of the rule ``near_object``, and of the height limit's exception.
    height_limit, near_object, obstacle : int
        Numbers of these rules.
    most : int
        Most rules at one point.
    """

    ground: GroundArrays
    cells: CellArrays
    rules: RuleArrays
    buildings: BuildingArrays
    bounds: tuple[float, float, float, float]
    horizon: float
    near: float
    exempt: float
    height_limit: int
    near_object: int
    obstacle: int
    most: int

    def answer(self, x: ArrayLike, y: ArrayLike, z: ArrayLike, time: ArrayLike, reference: Reference) -> Answers:
        """Rules that hold at points [m in the city's frame, above `reference`] and times [s].

        Raises
        ------
        ScenarioError
            If a point lies outside the compiled area, a time outside the horizon, or a value is not finite.
        """
        arrays = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (x, y, z, time)))
        east, north, height, when = (np.ascontiguousarray(a) for a in arrays)
        self._require_covered(east, north, height, when)
        n = len(east)
        start = np.zeros(n + 1, np.int64)
        agl, severest = np.empty(n, np.float32), np.empty(n, np.uint8)
        found = np.empty(min(n, _CHUNK) * self.most, np.int32)
        parts = []
        for first in range(0, n, _CHUNK):
            part = slice(first, min(first + _CHUNK, n))
            own = np.empty(part.stop - first + 1, np.int64)
            answer_points(
                east[part],
                north[part],
                height[part],
                when[part],
                reference is Reference.AGL,
                self.ground,
                self.cells,
                self.rules,
                self.buildings,
                self.near,
                self.exempt,
                self.height_limit,
                self.near_object,
                self.obstacle,
                own,
                found,
                agl[part],
                severest[part],
            )
            start[first + 1 : part.stop + 1] = start[first] + own[1:]
            parts.append(found[: own[-1]].copy())
        number = np.concatenate(parts) if parts else np.empty(0, np.int32)
        return Answers(start, number, agl, severest)

    def _require_covered(
        self,
        x: NDArray[np.float64],
        y: NDArray[np.float64],
        z: NDArray[np.float64],
        t: NDArray[np.float64],
    ) -> None:
        west, south, east, north = self.bounds
        inside = (x >= west) & (x < east) & (y > south) & (y <= north) & np.isfinite(z)
        if not inside.all():
            k = int(np.flatnonzero(~inside)[0])
            raise ScenarioError(
                f"{int((~inside).sum())} of {len(x)} points lie outside the compiled air, the first at"
                f" ({x[k]:.1f}, {y[k]:.1f}, {z[k]:.1f})",
                where="airspace query",
                remedy=f"The area is {west:.0f}, {south:.0f} to {east:.0f}, {north:.0f}.",
            )
        if len(t) and not (t.min() >= 0 and t.max() <= self.horizon):
            raise ScenarioError(
                f"times reach from {t.min():g} to {t.max():g} s",
                where="airspace query",
                remedy=f"The airspace is compiled from 0 to {self.horizon:g} s.",
            )


def build_index(
    grid: Grid,
    ground: NDArray[np.float32],
    rules: Sequence[AirRule],
    windows: Sequence[NDArray[np.float64]],
    buildings: tuple[NDArray[np.object_], NDArray[np.float64]],
    horizon: float,
    near: float,
    exempt: float,
) -> QueryIndex:
    """Index of an airspace.

    Parameters
    ----------
    grid : Grid
        Of the ground.
    ground : ndarray of float32 (ny, nx)
        [m T.P.], no NaN.
    rules : sequence of AirRule
        One each of the kinds ``height_limit``, ``near_object`` and ``obstacle`` among them.
    windows : sequence of ndarray (k, 2)
        When each rule is active [s].
    buildings : tuple of ndarray
        Outlines (n,) and tops (n,) [m T.P.].
    horizon : float
        [s].
    near, exempt : float
        See :class:`QueryIndex`.
    """
    import shapely

    west, south, east, north = grid.bounds
    size = max(_LEAST_CELL, math.sqrt((east - west) * (north - south) / _CELLS))
    nx, ny = math.ceil((east - west) / size + 1e-9), math.ceil((north - south) / size + 1e-9)
    col, row = np.meshgrid(np.arange(nx), np.arange(ny))
    low, high = west + col.ravel() * size, north - row.ravel() * size
    boxes = shapely.box(low, high - size, low + size, high)
    tree = shapely.STRtree(boxes)
    everywhere = ("near_object", "obstacle")
    outlines = np.array([None if r.kind in everywhere else r.footprint for r in rules], dtype=object)
    entry_cell, entry = _touching(tree, outlines, np.array([r.circle is None for r in rules]))
    rule_start, rule = _by_cell(entry_cell, entry, nx * ny)
    shapes, tops = buildings
    owner, cell = tree.query(shapes, predicate="dwithin", distance=near) if len(shapes) else np.empty((2, 0), int)
    building_start, building = _by_cell(cell, owner, nx * ny)
    kinds = [r.kind for r in rules]
    return QueryIndex(
        ground=GroundArrays(ground, grid.west, grid.north, grid.cell_size),
        cells=CellArrays(west, north, size, nx, rule_start, rule, building_start, building),
        rules=_rule_arrays(rules, windows),
        buildings=BuildingArrays(tops, shapely.bounds(shapes).reshape(-1, 4), *_rings(shapes)),
        bounds=grid.bounds,
        horizon=horizon,
        near=near,
        exempt=exempt,
        height_limit=kinds.index("height_limit"),
        near_object=kinds.index("near_object"),
        obstacle=kinds.index("obstacle"),
        most=int(np.diff(rule_start).max(initial=0)) + 2,
    )


def _touching(
    tree: object, outlines: NDArray[np.object_], may_hold: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """(cell, rule) for every rule that touches a cell, ~rule where it holds the whole cell."""
    import shapely

    assert isinstance(tree, shapely.STRtree)
    rule, cell = tree.query(outlines, predicate="intersects")
    polygons = outlines.copy()
    polygons[~may_hold] = None
    whole_rule, whole_cell = tree.query(polygons, predicate="contains")
    n = len(outlines) + 1
    is_whole = np.isin(cell * n + rule, whole_cell * n + whole_rule)
    order = np.lexsort((rule, cell))
    return cell[order], np.where(is_whole, ~rule, rule)[order]


def _by_cell(
    cell: NDArray[np.int64], value: NDArray[np.int64], n_cells: int
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    order = np.argsort(cell, kind="stable")
    start = np.zeros(n_cells + 1, np.int64)
    np.cumsum(np.bincount(cell, minlength=n_cells), out=start[1:])
    return start, value[order].astype(np.int32)


def _rings(shapes: NDArray[np.object_]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """(ring_start (n + 1,), vertex_start, vertices) of polygons and multipolygons."""
    import shapely

    parts, part_owner = shapely.get_parts(shapes, return_index=True)
    rings, ring_part = shapely.get_rings(parts, return_index=True)
    vertices, vertex_ring = shapely.get_coordinates(rings, return_index=True)
    ring_start = np.zeros(len(shapes) + 1, np.int64)
    np.cumsum(np.bincount(part_owner[ring_part], minlength=len(shapes)), out=ring_start[1:])
    vertex_start = np.zeros(len(rings) + 1, np.int64)
    np.cumsum(np.bincount(vertex_ring, minlength=len(rings)), out=vertex_start[1:])
    return ring_start, vertex_start, np.ascontiguousarray(vertices)


def _rule_arrays(rules: Sequence[AirRule], windows: Sequence[NDArray[np.float64]]) -> RuleArrays:
    nothing = (math.nan,) * 4
    slopes = [
        (0.0,) * 6
        if r.slope is None
        else (2.0 if r.slope.is_cone else 1.0, r.slope.x, r.slope.y, r.slope.z, r.slope.a, r.slope.b)
        for r in rules
    ]
    return RuleArrays(
        np.array([0 if r.is_granted else r.restriction for r in rules], np.uint8),
        np.array([r.lower for r in rules], np.float64),
        np.array([r.upper for r in rules], np.float64),
        np.array([r.lower_reference is Reference.AGL for r in rules]),
        np.array([r.upper_reference is Reference.AGL for r in rules]),
        np.array([r.circle or nothing for r in rules], np.float64),
        np.array(slopes, np.float64),
        *_rings(np.array([r.footprint for r in rules], dtype=object)),
        np.concatenate([[0], np.cumsum([len(w) for w in windows])]).astype(np.int64),
        np.concatenate([*windows, np.empty((0, 2))]),
    )
