"""Water that enters or is taken inside the area."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sim.flood.series import DISCHARGES, Series
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection, Inflow
    from sim.inputs import InputFiles
    from twin.grid import Grid

__all__ = ["Source", "cells_along", "cells_near", "place_inflows"]


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """Discharge spread evenly over cells.

    Parameters
    ----------
    row, col : ndarray of int64 (n,)
    discharge : Series
        [m3/s] of all cells together.
    """

    row: NDArray[np.int64]
    col: NDArray[np.int64]
    discharge: Series


def cells_near(grid: Grid, x: float, y: float, radius: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells whose centre lies within `radius` of (x, y); at least the one that holds the point."""
    row, col = np.nonzero(np.hypot(grid.x_cell[None, :] - x, grid.y_cell[:, None] - y) <= radius)
    if len(row):
        return row, col
    r, c = grid.row_col(x, y)
    return np.atleast_1d(r), np.atleast_1d(c)


def cells_along(grid: Grid, line: tuple[tuple[float, float], ...]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cells that a line crosses (sampled every quarter of a cell), those outside the grid left out."""
    points = np.asarray(line, dtype=np.float64)
    parts = []
    for (x0, y0), (x1, y1) in pairwise(points):
        n = max(int(np.ceil(np.hypot(x1 - x0, y1 - y0) / (0.25 * grid.cell_size))), 1)
        f = np.linspace(0.0, 1.0, n + 1)
        parts.append(np.c_[x0 + f * (x1 - x0), y0 + f * (y1 - y0)])
    x, y = np.concatenate(parts).T
    row, col = grid.row_col(x, y)
    inside = grid.contains(x, y)
    cells = np.unique(np.c_[row[inside], col[inside]], axis=0)
    return cells[:, 0], cells[:, 1]


def place_inflows(section: FloodSection, ground: Ground, files: InputFiles) -> list[Source]:
    """The section's inflows on the grid.

    Raises
    ------
    ScenarioError
        If an inflow lies outside the area or only on walls.
    """
    out = []
    for number, inflow in enumerate(section.inflows):
        where = f"flood.inflows.{number}" + (f" ({inflow.name})" if inflow.name else "")
        row, col = _cells(inflow, ground.grid, where)
        free = ~ground.is_wall[row, col]
        if not free.any():
            raise ScenarioError(
                f"all {len(row)} cells of the inflow are walls (a building, or no bed)",
                where=where,
                remedy="Move it to open ground, or choose buildings: block, roughness or ignore.",
            )
        discharge = Series.resolve(inflow.discharge, files)
        discharge.require_within(*DISCHARGES, "m3/s", f"{where}.discharge")
        out.append(Source(row[free], col[free], discharge))
    return out


def _cells(inflow: Inflow, grid: Grid, where: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    from shapely import Polygon

    from twin.footprint import burn

    if inflow.at is not None:
        if not grid.contains(*inflow.at):
            raise _outside(f"at {inflow.at}", grid, where)
        return cells_near(grid, *inflow.at, inflow.radius)
    if inflow.line is not None:
        row, col = cells_along(grid, inflow.line)
    else:
        row, col = np.nonzero(burn([Polygon(inflow.polygon)], grid) >= 0)
    if not len(row):
        raise _outside("its line or polygon", grid, where)
    return row, col


def _outside(what: str, grid: Grid, where: str) -> ScenarioError:
    return ScenarioError(
        f"{what} lies outside the area {grid.bounds} (west, south, east, north, in m)",
        where=where,
        remedy="Move it into area.bbox, or enlarge the area.",
    )
