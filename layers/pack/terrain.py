"""The terrain that is shown, and heights read off it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.layer import RasterLayer

__all__ = ["MOST_CELLS", "Ground", "quantise", "shown_ground"]

MOST_CELLS = 768
"""Cells a side of the terrain that is sent."""
STEP = 64.0
"""Coordinates are rounded to 1/64 m: below what anybody sees, and half the bytes after compression."""


def quantise(values: NDArray[Any]) -> NDArray[np.float32]:
    """`values` [m] in steps of 1/64 m, float32."""
    return np.asarray(np.round(values * STEP) / STEP, dtype=np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Ground:
    """Heights at cell centres, row 0 = north.

    Parameters
    ----------
    z : ndarray of float32 (ny, nx)
        [m T.P.], NaN where nothing is known.
    west, north : float
        Outer corner of cell (0, 0) [m in the city's frame].
    cell_size : float
        [m]
    """

    z: NDArray[np.float32]
    west: float
    north: float
    cell_size: float

    def at(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height at (n, 2) points: bilinear, the known neighbours only, NaN where none is known."""
        ny, nx = self.z.shape
        col = np.clip((points[:, 0] - self.west) / self.cell_size - 0.5, 0, nx - 1)
        row = np.clip((self.north - points[:, 1]) / self.cell_size - 0.5, 0, ny - 1)
        c0, r0 = np.floor(col).astype(np.int64), np.floor(row).astype(np.int64)
        total, weight = np.zeros(len(points)), np.zeros(len(points))
        for dr in (0, 1):
            for dc in (0, 1):
                r, c = np.minimum(r0 + dr, ny - 1), np.minimum(c0 + dc, nx - 1)
                share = np.abs(1 - dr - (row - r0)) * np.abs(1 - dc - (col - c0))
                value = self.z[r, c].astype(np.float64)
                known = np.isfinite(value)
                total[known] += share[known] * value[known]
                weight[known] += share[known]
        outside = (
            (points[:, 0] < self.west)
            | (points[:, 0] > self.west + nx * self.cell_size)
            | (points[:, 1] > self.north)
            | (points[:, 1] < self.north - ny * self.cell_size)
        )
        found = np.full(len(points), np.nan)
        usable = (weight > 1e-9) & ~outside
        found[usable] = total[usable] / weight[usable]
        return found

    def arrays(self, origin: tuple[float, float]) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        """Meta and arrays of the terrain pack, relative to `origin`."""
        ny, nx = self.z.shape
        meta = {
            "nx": nx,
            "ny": ny,
            "cell_size": self.cell_size,
            "west": self.west - origin[0],
            "north": self.north - origin[1],
        }
        return meta, {"z": quantise(self.z)}


def shown_ground(layer: RasterLayer, most: int = MOST_CELLS) -> Ground:
    """Terrain brought to at most `most` cells a side by means over blocks of cells; NaN only where a block is."""
    grid = layer.grid
    factor = max(1, -(-max(grid.shape) // most))
    ny, nx = (-(-n // factor) for n in grid.shape)
    padded = np.full((ny * factor, nx * factor), np.nan, dtype=np.float32)
    padded[: grid.shape[0], : grid.shape[1]] = layer.values
    blocks = padded.reshape(ny, factor, nx, factor)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0).sum(axis=(1, 3), dtype=np.float64)
    z = np.full((ny, nx), np.nan, dtype=np.float32)
    z[count > 0] = total[count > 0] / count[count > 0]
    return Ground(z, grid.west, grid.north, grid.cell_size * factor)
