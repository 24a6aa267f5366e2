"""Smooth polygons of a raster's classes: marching squares, then polygons from the segments."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from twin.grid import Grid

__all__ = ["area_above"]

# edges of a cell of four values: 0 north, 1 east, 2 south, 3 west; cases: bit 0 NW, 1 NE, 2 SE, 3 SW above the level
_SEGMENTS: dict[int, tuple[tuple[int, int], ...]] = {
    1: ((3, 0),), 2: ((0, 1),), 3: ((3, 1),), 4: ((1, 2),), 5: ((3, 0), (1, 2)), 6: ((0, 2),), 7: ((3, 2),),
    8: ((2, 3),), 9: ((2, 0),), 10: ((0, 1), (2, 3)), 11: ((2, 1),), 12: ((1, 3),), 13: ((1, 0),), 14: ((0, 3),),
}  # fmt: skip


def area_above(values: NDArray[np.float64], grid: Grid, level: float) -> BaseGeometry:
    """Area in which linearly interpolated values exceed `level`.

    Parameters
    ----------
    values : ndarray (ny, nx)
        Values at cell centres.
    grid : Grid
        Their grid.
    level : float
        The level; nothing outside the grid exceeds it.

    Returns
    -------
    Geometry
        Polygon, MultiPolygon or an empty collection, in the grid's frame.
    """
    low = level - 1.0
    v = np.pad(values, 1, constant_values=low) - level
    v = np.where(v == 0.0, 1e-9, v)
    x = grid.west + (np.arange(v.shape[1]) - 0.5) * grid.cell_size
    y = grid.north - (np.arange(v.shape[0]) - 0.5) * grid.cell_size
    nw, ne, sw, se = v[:-1, :-1], v[:-1, 1:], v[1:, :-1], v[1:, 1:]
    case = (nw > 0) + 2 * (ne > 0) + 4 * (se > 0) + 8 * (sw > 0)
    segments: list[NDArray[np.float64]] = []
    # crossings are computed once an edge, so that neighbouring cells share the very same point
    with np.errstate(divide="ignore", invalid="ignore"):
        across = x[:-1] + (x[1:] - x[:-1]) * (v[:, :-1] / (v[:, :-1] - v[:, 1:]))
        down = y[:-1, None] + (y[1:, None] - y[:-1, None]) * (v[:-1] / (v[:-1] - v[1:]))
    for number, pairs in _SEGMENTS.items():
        rows, cols = np.nonzero(case == number)
        if not len(rows):
            continue
        ends = {
            0: np.column_stack([across[rows, cols], y[rows]]),
            2: np.column_stack([across[rows + 1, cols], y[rows + 1]]),
            3: np.column_stack([x[cols], down[rows, cols]]),
            1: np.column_stack([x[cols + 1], down[rows, cols + 1]]),
        }
        segments += [np.stack([ends[a], ends[b]], axis=1) for a, b in pairs]
    if not segments:
        return shapely.GeometryCollection()
    lines = shapely.linestrings(np.vstack(segments))
    faces = shapely.get_parts(shapely.polygonize(lines))
    inside = [
        face
        for face, point in zip(faces, shapely.point_on_surface(faces), strict=True)
        if _value_at(values, grid, point.x, point.y, low) > level
    ]
    return shapely.union_all(inside)


def _value_at(values: NDArray[np.float64], grid: Grid, x: float, y: float, outside: float) -> float:
    """Bilinear value at a point."""
    col = (x - grid.west) / grid.cell_size - 0.5
    row = (grid.north - y) / grid.cell_size - 0.5
    c, r = int(np.floor(col)), int(np.floor(row))
    fx, fy = col - c, row - r
    ny, nx = values.shape

    def cell(i: int, j: int) -> float:
        return float(values[i, j]) if 0 <= i < ny and 0 <= j < nx else outside

    top = cell(r, c) * (1 - fx) + cell(r, c + 1) * fx
    bottom = cell(r + 1, c) * (1 - fx) + cell(r + 1, c + 1) * fx
    return top * (1 - fy) + bottom * fy
