"""Rules and buildings on the cells of an airspace, always on the safe side: what touches a cell fills it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.airspace.voxel_kernels import paint_restriction
from sim.airspace.zone import Reference

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.airspace.zone import AirRule
    from twin.grid import Grid
    from twin.voxels import Voxels

__all__ = ["highest_tops", "painted", "slices_of"]


def highest_tops(shapes: NDArray[np.object_], tops: NDArray[np.float64], grid: Grid) -> NDArray[np.float32]:
    """Highest top of the buildings that touch each cell, -inf where none does."""
    out = np.full(grid.shape, -np.inf, dtype=np.float32)
    order = np.argsort(tops)  # a later shape wins
    number = _touched(shapes[order], grid)
    out[number >= 0] = tops[order][number[number >= 0]]
    return out


def _touched(shapes: NDArray[np.object_], grid: Grid) -> NDArray[np.int32]:
    """Number of the last shape that touches each cell, -1 where none does."""
    import shapely
    from affine import Affine
    from rasterio.features import rasterize

    if not len(shapes):
        return np.full(grid.shape, -1, dtype=np.int32)
    # widened by a hair: an edge that runs along a cell's border must not be lost to rounding
    pairs = [(shape, number) for number, shape in enumerate(shapely.buffer(shapes, 1e-3 * grid.cell_size))]
    burnt = rasterize(
        pairs, out_shape=grid.shape, transform=Affine(*grid.affine), fill=-1, dtype="int32", all_touched=True
    )
    return np.asarray(burnt, dtype=np.int32)


def slices_of(
    rules: Sequence[AirRule],
    windows: Sequence[NDArray[np.float64]],
    is_in_force: NDArray[np.bool_],
    horizon: float,
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Times between which nothing changes (T + 1,), and which rules are painted in each slice (T, n)."""
    is_painted = is_in_force & np.array([_is_painted(r) for r in rules])
    edges = [w.ravel() for w, painted in zip(windows, is_painted, strict=True) if painted]
    inner = np.unique(np.concatenate([*edges, np.empty(0)]))
    slices = np.concatenate([[0.0], inner[(inner > 0) & (inner < horizon)], [horizon]])
    middle = (slices[1:] + slices[:-1]) / 2
    active = np.zeros((len(middle), len(rules)), dtype=bool)
    for number, window in enumerate(windows):
        if is_painted[number]:
            active[:, number] = ((window[:, :1] <= middle) & (middle < window[:, 1:])).any(axis=0)
    return slices, active


def _is_painted(rule: AirRule) -> bool:
    return not rule.is_granted and rule.restriction > 0 and rule.kind not in ("near_object", "obstacle")


def painted(
    rules: Sequence[AirRule],
    sets: NDArray[np.bool_],
    voxels: Voxels,
    ground_low: NDArray[np.float32],
    ground_high: NDArray[np.float32],
) -> NDArray[np.uint8]:
    """Severest restriction in each voxel for each set of active rules; a voxel that a volume touches has it.

    Parameters
    ----------
    rules : sequence of AirRule
    sets : ndarray of bool (K, n)
        Which rules each set holds.
    voxels : Voxels
    ground_low, ground_high : ndarray of float32 (ny, nx)
        Lowest and highest ground that a query may find within each cell [m T.P.].

    Returns
    -------
    ndarray of uint8 (K, nz, ny, nx)
    """
    grid = voxels.grid
    classes = np.zeros((len(sets), *voxels.shape), np.uint8)
    for number in np.flatnonzero(sets.any(axis=0)):
        rule = rules[int(number)]
        rows, cols = _window_of(rule, grid)
        if rows.start >= rows.stop or cols.start >= cols.stop:
            continue
        part = replace(
            grid,
            shape=(rows.stop - rows.start, cols.stop - cols.start),
            west=grid.west + cols.start * grid.cell_size,
            north=grid.north - rows.start * grid.cell_size,
        )
        inside = _touched(np.array([rule.footprint], dtype=object), part) >= 0
        lower, upper = _limits(rule, part, ground_low[rows, cols], ground_high[rows, cols])
        for row in np.flatnonzero(sets[:, number]):
            paint_restriction(
                inside,
                lower,
                upper,
                rows.start,
                cols.start,
                voxels.bottom,
                voxels.level_height,
                int(rule.restriction),
                classes[row],
            )
    return classes


def _window_of(rule: AirRule, grid: Grid) -> tuple[slice, slice]:
    """Rows and columns of the grid that a rule's box touches."""
    west, south, east, north = rule.footprint.bounds
    (top, bottom), (left, right) = grid.row_col([west, east], [north, south])
    ny, nx = grid.shape
    return (
        slice(max(0, int(top) - 1), min(ny, int(bottom) + 2)),
        slice(max(0, int(left) - 1), min(nx, int(right) + 2)),
    )


def _limits(
    rule: AirRule, part: Grid, ground_low: NDArray[np.float32], ground_high: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Lowest lower and highest upper limit in each cell [m T.P.]."""
    lower: NDArray[Any]
    if rule.slope is not None:
        x, y = np.meshgrid(part.x_cell, part.y_cell)
        steep = abs(rule.slope.a) * math.sqrt(2) if rule.slope.is_cone else abs(rule.slope.a) + abs(rule.slope.b)
        lower = rule.slope.at(x, y) - steep * part.cell_size / 2
    else:
        lower = rule.lower + (ground_low if rule.lower_reference is Reference.AGL else np.zeros(part.shape))
    upper = rule.upper + (ground_high if rule.upper_reference is Reference.AGL else np.zeros(part.shape))
    return np.asarray(lower, dtype=np.float32), np.asarray(upper, dtype=np.float32)
