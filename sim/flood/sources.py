"""Water that comes from above or inside: rain, inflows, breaches."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from sim.flood.scenario import Rain
from sim.flood.series import Series
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection, Inflow
    from sim.inputs import InputFiles
    from twin.grid import Grid

__all__ = ["MM_H", "Source", "cells_along", "cells_near", "place_inflows", "rain_weight", "read_rain"]

MM_H = 1e-3 / 3600.0
"""One mm/h in m/s."""


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
        out.append(Source(row[free], col[free], Series.resolve(inflow.discharge, files)))
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
        raise _outside("its cells", grid, where)
    return row, col


def _outside(what: str, grid: Grid, where: str) -> ScenarioError:
    return ScenarioError(
        f"{what} lies outside the area {grid.bounds} (west, south, east, north, in m)",
        where=where,
        remedy="Move it into area.bbox, or enlarge the area.",
    )


def read_rain(section: FloodSection, files: InputFiles) -> Series | None:
    """Rain [mm/h] in time, or None.

    Raises
    ------
    ScenarioError
        If it is negative at some time.
    """
    if section.rain is None:
        return None
    given = section.rain.intensity if isinstance(section.rain, Rain) else section.rain
    series = Series.resolve(given, files, held=True)
    if series.values.min() < 0:
        k = int(series.values.argmin())
        raise ScenarioError(
            f"rain is {series.values[k]} mm/h at t = {series.times[k]} s",
            where="flood.rain",
            remedy="Give intensities >= 0.",
        )
    return series


def rain_weight(section: FloodSection, ground: Ground) -> NDArray[np.float64] | None:
    """Share of the rain that each cell receives, None where it is 1 everywhere.

    Rain on a building runs off evenly into the open cells around its block; rain on cells without a bed is lost.
    """
    from scipy import ndimage
    from shapely import Polygon

    from twin.footprint import burn

    polygon = section.rain.polygon if isinstance(section.rain, Rain) else None
    if section.rain is None or (polygon is None and not ground.is_wall.any()):
        return None
    falls = np.ones(ground.grid.shape) if polygon is None else (burn([Polygon(polygon)], ground.grid) >= 0) * 1.0
    if not falls.any():
        raise _outside("the rain's polygon", ground.grid, "flood.rain.polygon")
    roof = ground.is_wall & (ground.building_cell >= 0)
    weight = np.where(ground.is_wall, 0.0, falls)
    label, n = ndimage.label(roof)
    if n == 0:
        return weight
    # pairs (block, open cell beside it), each once
    pairs = []
    flat = np.arange(roof.size).reshape(roof.shape)
    for axis in (0, 1):
        for back in (False, True):
            here = [slice(None), slice(None)]
            there = [slice(None), slice(None)]
            here[axis], there[axis] = (slice(1, None), slice(None, -1)) if back else (slice(None, -1), slice(1, None))
            block, cell = label[tuple(here)], flat[tuple(there)]
            beside = (block > 0) & ~ground.is_wall[tuple(there)]
            pairs.append(np.c_[block[beside], cell[beside]])
    ring = np.unique(np.concatenate(pairs), axis=0)
    water = np.bincount(label.ravel(), weights=falls.ravel(), minlength=n + 1)
    share = water / np.maximum(np.bincount(ring[:, 0], minlength=n + 1), 1)
    np.add.at(weight.reshape(-1), ring[:, 1], share[ring[:, 0]])
    return weight
