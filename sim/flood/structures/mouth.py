"""Where structures meet the surface: groups of cells, many structures at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.flood.sources import cells_near
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground

__all__ = ["REACH", "Mouths", "areas_of", "cells_at", "cells_inside"]

REACH = 10.0
"""Farthest open cell that a mouth inside a building takes [cells]: pumps and entrances stand in buildings."""

Cells = tuple["NDArray[np.int64]", "NDArray[np.int64]"]


@dataclass(frozen=True, slots=True, eq=False)
class Mouths:
    """Cells of `size` structures, several each or none.

    Parameters
    ----------
    row, col, owner : ndarray of int64 (n,)
        Cells, and the structure that each belongs to.
    area : ndarray of float64 (n,)
        That holds water in each cell [m2]: less than the cell's where buildings are a porosity.
    size : int
        Structures.
    """

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    owner: NDArray[np.int64]
    area: NDArray[np.float64]
    size: int

    @classmethod
    def of(cls, ground: Ground, cells: Sequence[Cells | None]) -> Mouths:
        """Mouths of structures that have these cells; None for one whose end lies beyond the area."""
        none = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        parts = [none if one is None else one for one in cells]
        row, col = (np.concatenate([part[k] for part in parts] or [none[0]]).astype(np.int64) for k in (0, 1))
        owner = np.repeat(np.arange(len(parts)), [len(part[0]) for part in parts])
        return cls(row, col, owner, areas_of(ground, row, col), len(parts))

    @property
    def count(self) -> NDArray[np.int64]:
        """Cells of each structure."""
        return np.bincount(self.owner, minlength=self.size)

    def wet(self, depth: NDArray[np.float64]) -> NDArray[np.int64]:
        """Wet cells of each structure."""
        return np.bincount(self.owner[depth > 0], minlength=self.size)

    def wet_area(self, depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Area of the wet cells of each structure [m2]."""
        return self.sum(np.where(depth > 0, self.area, 0.0))

    def level(self, stage: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mean stage of the wet cells of each structure [m T.P.], the lowest bed where all are dry."""
        wet = depth > 0
        many = np.bincount(self.owner[wet], minlength=self.size)
        total = np.bincount(self.owner[wet], weights=stage[wet], minlength=self.size)
        lowest = np.full(self.size, np.inf)
        np.minimum.at(lowest, self.owner, stage)
        return np.where(many > 0, total / np.maximum(many, 1), lowest)

    def take(self, volume: NDArray[np.float64], depth: NDArray[np.float64]) -> NDArray[np.float64]:
        """`volume` of each structure [m3] over its wet cells, evenly."""
        share = volume / np.maximum(self.wet(depth), 1)
        return np.where(depth > 0, share[self.owner], 0.0)

    def give(self, volume: NDArray[np.float64]) -> NDArray[np.float64]:
        """`volume` of each structure [m3] over its cells, evenly."""
        return (volume / np.maximum(self.count, 1))[self.owner]

    def sum(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum over the cells of each structure."""
        # without any cell numpy counts in whole numbers
        return np.bincount(self.owner, weights=values, minlength=self.size).astype(np.float64)


def areas_of(ground: Ground, row: NDArray[np.int64], col: NDArray[np.int64]) -> NDArray[np.float64]:
    """Area that holds water in each of these cells [m2]."""
    share = 1.0 if ground.porosity is None else ground.porosity[row, col].astype(np.float64)
    return np.full(len(row), ground.grid.cell_area) * share


def cells_at(ground: Ground, point: tuple[float, float], where: str, radius: float = 0.0) -> Cells:
    """Open cells within `radius` of a point, the nearest one at least.

    Raises
    ------
    ScenarioError
        If the point lies outside the area or no open cell is near.
    """
    grid = ground.grid
    if not grid.contains(*point):
        raise ScenarioError(
            f"{point} lies outside the area {grid.bounds} (west, south, east, north, in m)",
            where=where,
            remedy="Move it into area.bbox, or enlarge the area.",
        )
    row, col = cells_near(grid, *point, radius)
    is_open = ~ground.is_wall[row, col]
    if is_open.any():
        return row[is_open], col[is_open]
    away = np.hypot(grid.x_cell[None, :] - point[0], grid.y_cell[:, None] - point[1])
    nearest = int(np.where(ground.is_wall, np.inf, away).argmin())
    r, c = divmod(nearest, grid.shape[1])
    if ground.is_wall[r, c] or away[r, c] > REACH * grid.cell_size:
        raise ScenarioError(
            f"{point} has no open ground within {REACH * grid.cell_size:g} m",
            where=where,
            remedy="Move it to open ground, or choose buildings: block, roughness or ignore.",
        )
    return np.array([r]), np.array([c])


def cells_inside(ground: Ground, polygon: Sequence[tuple[float, float]], where: str) -> Cells:
    """Open cells whose centre lies in a polygon.

    Raises
    ------
    ScenarioError
        If there is none.
    """
    from shapely import Polygon

    from twin.footprint import burn

    row, col = np.nonzero((burn([Polygon(polygon)], ground.grid) >= 0) & ~ground.is_wall)
    if not len(row):
        raise ScenarioError(
            f"no open cell of the area {ground.grid.bounds} lies inside",
            where=where,
            remedy="Move the polygon into area.bbox, or make it larger than a cell.",
        )
    return row, col
