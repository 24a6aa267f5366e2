"""Discharge through lines: the cell faces that a line separates, and what flows through them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    from numpy.typing import NDArray

    from sim.flood.scenario import FloodSection
    from twin.grid import Grid

__all__ = ["Crossing", "Meter"]


@dataclass(frozen=True, slots=True, eq=False)
class Crossing:
    """Faces whose two cell centres a line separates: a closed staircase, so that no water passes beside it.

    Flow to the **left** of the line's direction counts positive: a line from the left to the right bank, seen
    downstream, has the river's discharge.

    Parameters
    ----------
    name : str
    line : tuple of (x, y)
        [m in the area's frame].
    x_faces, y_faces : ndarray of int64 (2, n)
        Row and column of faces between western and eastern, and between northern and southern cells; face (i, j)
        lies west, and north, of cell (i, j).
    x_sign, y_sign : ndarray of float64 (n,)
        1 where flow eastward, and southward, counts positive; -1 otherwise.
    """

    name: str
    line: tuple[tuple[float, float], ...]
    x_faces: NDArray[np.int64]
    y_faces: NDArray[np.int64]
    x_sign: NDArray[np.float64]
    y_sign: NDArray[np.float64]

    @classmethod
    def place(cls, name: str, line: tuple[tuple[float, float], ...], grid: Grid) -> Crossing:
        """Find the faces of a line.

        Raises
        ------
        ScenarioError
            If the line separates no two cells of the area.
        """
        ny, nx = grid.shape
        x_parts, y_parts = [np.zeros((3, 0))], [np.zeros((3, 0))]
        for (x0, y0), (x1, y1) in itertools.pairwise(line):
            if y0 != y1:
                rows = np.flatnonzero((grid.y_cell >= min(y0, y1)) & (grid.y_cell < max(y0, y1)))
                x = x0 + (grid.y_cell[rows] - y0) * (x1 - x0) / (y1 - y0)
                face = np.ceil((x - grid.x_cell[0]) / grid.cell_size)
                x_parts.append(np.stack([rows, face, np.full(len(rows), np.sign(y0 - y1))]))
            if x0 != x1:
                cols = np.flatnonzero((grid.x_cell >= min(x0, x1)) & (grid.x_cell < max(x0, x1)))
                y = y0 + (grid.x_cell[cols] - x0) * (y1 - y0) / (x1 - x0)
                face = np.ceil((grid.y_cell[0] - y) / grid.cell_size)
                y_parts.append(np.stack([face, cols, np.full(len(cols), np.sign(x0 - x1))]))
        across, along = np.concatenate(x_parts, axis=1), np.concatenate(y_parts, axis=1)
        across = across[:, (across[1] > 0) & (across[1] < nx)]
        along = along[:, (along[0] > 0) & (along[0] < ny)]
        if across.shape[1] + along.shape[1] == 0:
            raise ScenarioError(
                f"the line {line} separates no two cells of the area {grid.bounds} (west, south, east, north, in m)",
                where=f"flood.sections.{name}",
                remedy="Draw it inside area.bbox, longer than a cell.",
            )
        return cls(
            name, line, across[:2].astype(np.int64), along[:2].astype(np.int64), across[2].copy(), along[2].copy()
        )


class Meter:
    """Measures the discharge through the lines of a scenario.

    Parameters
    ----------
    section : FloodSection
    grid : Grid

    Raises
    ------
    ScenarioError
        If a line separates no two cells.
    """

    def __init__(self, section: FloodSection, grid: Grid) -> None:
        self.crossings = tuple(Crossing.place(name, line, grid) for name, line in section.sections.items())
        self._cell_size = grid.cell_size
        self.totals = np.zeros((len(self.crossings), 3))
        """Volume [m3], largest discharge in either direction [m3/s] and its time [s], by line; part of the state."""

    def discharge(
        self, unit_discharge: Callable[[bool, NDArray[np.int64]], NDArray[np.floating]]
    ) -> NDArray[np.float64]:
        """Discharge through each line [m3/s] (n,).

        Parameters
        ----------
        unit_discharge : callable
            Gives the unit discharge eastward (True) or southward (False) [m2/s] at faces (2, n).
        """
        return np.array(
            [
                self._cell_size
                * (
                    float(unit_discharge(True, c.x_faces).astype(np.float64) @ c.x_sign)
                    + float(unit_discharge(False, c.y_faces).astype(np.float64) @ c.y_sign)
                )
                for c in self.crossings
            ]
        )

    def count(self, discharge: NDArray[np.float64], dt: float, time: float) -> None:
        """Add a step of `dt` [s] that ends at `time` [s] with that discharge through the lines [m3/s]."""
        self.totals[:, 0] += discharge * dt
        is_larger = np.abs(discharge) > np.abs(self.totals[:, 1])
        self.totals[is_larger, 1] = discharge[is_larger]
        self.totals[is_larger, 2] = time

    def table(self, crs: str) -> gpd.GeoDataFrame:
        """One row a line: ``section``, ``volume_m3``, ``peak_m3_s`` (largest, with its sign), ``peak_s``, geometry."""
        import geopandas as gpd
        import shapely

        return gpd.GeoDataFrame(
            {
                "section": [c.name for c in self.crossings],
                "volume_m3": self.totals[:, 0],
                "peak_m3_s": self.totals[:, 1],
                "peak_s": self.totals[:, 2],
            },
            geometry=[shapely.LineString(c.line) for c in self.crossings],
            crs=crs,
        )
