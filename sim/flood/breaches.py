"""Levees and walls that fail while the water runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.kernels import CREST
from sim.flood.series import Series
from sim.flood.sources import Source
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.boundaries import Boundaries
    from sim.flood.ground import Ground
    from sim.flood.kernels import Faces, State
    from sim.flood.scenario import Breach, FloodSection
    from sim.inputs import InputFiles

__all__ = ["GrowingBreach", "breach_inflows", "place_breaches"]


@dataclass(frozen=True, slots=True, eq=False)
class GrowingBreach:
    """A breach on a grid.

    Parameters
    ----------
    start, growth, width : float
        [s], [s], [m].
    invert : float
        [m above the model's datum].
    row, col : ndarray (n,)
        Cells that sink, with `bed`, their height before, and `reach`, their distance from the middle [m].
    entries : tuple of ndarray
        The same of wall faces: entries of the x-faces and of the y-faces, with `crest` and `face_reach`.
    """

    start: float
    growth: float
    width: float
    invert: float
    row: NDArray[np.int64]
    col: NDArray[np.int64]
    bed: NDArray[np.float64]
    reach: NDArray[np.float64]
    entries: tuple[NDArray[np.int64], NDArray[np.int64]]
    crest: tuple[NDArray[np.float64], NDArray[np.float64]]
    face_reach: tuple[NDArray[np.float64], NDArray[np.float64]]

    def grow(self, time: float, state: State, faces: tuple[Faces, Faces]) -> bool:
        """Sink bed and walls to where they are at `time` [s]; returns whether that is the final state."""
        share = 1.0 if self.growth == 0.0 else float(np.clip((time - self.start) / self.growth, 0.0, 1.0))
        half = 0.5 * share * self.width
        open_ = self.reach <= half
        state.z[self.row[open_], self.col[open_]] = self._sunk(self.bed[open_], share)
        for f, entries, crest, reach in zip(faces, self.entries, self.crest, self.face_reach, strict=True):
            f.value[entries[reach <= half]] = self._sunk(crest[reach <= half], share)
        return share == 1.0

    def _sunk(self, height: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        return np.minimum(height, np.maximum(self.invert, height - share * (height - self.invert)))


def place_breaches(section: FloodSection, ground: Ground, boundaries: Boundaries, datum: float) -> list[GrowingBreach]:
    """The section's breaches on the grid.

    Raises
    ------
    ScenarioError
        If a breach lies outside the area or there is nothing above its invert.
    """
    out = []
    for number, breach in enumerate(section.breaches):
        where = f"flood.breaches.{number}" + (f" ({breach.name})" if breach.name else "")
        x, y = _middle(breach)
        if not ground.grid.contains(x, y):
            raise ScenarioError(
                f"its middle ({x}, {y}) lies outside the area {ground.grid.bounds}",
                where=where,
                remedy="Move it into area.bbox.",
            )
        out.append(_place(breach, ground, boundaries, datum, where))
    return out


def breach_inflows(section: FloodSection, ground: Ground, files: InputFiles) -> list[Source]:
    """Water that enters through breaches with a hydrograph, evenly over the final width."""
    out = []
    grid = ground.grid
    for number, breach in enumerate(section.breaches):
        if breach.hydrograph is not None:
            reach = _reach(breach, *np.meshgrid(grid.x_cell, grid.y_cell), grid.cell_size)
            row, col = np.nonzero((reach <= 0.5 * breach.width) & ~ground.is_wall)
            if not len(row):
                raise ScenarioError(
                    "all its cells are walls (a building, or no bed)",
                    where=f"flood.breaches.{number}.hydrograph",
                    remedy="Move the breach to open ground.",
                )
            out.append(Source(row, col, Series.resolve(breach.hydrograph, files)))
    return out


def _place(breach: Breach, ground: Ground, boundaries: Boundaries, datum: float, where: str) -> GrowingBreach:
    grid = ground.grid
    reach = _reach(breach, *np.meshgrid(grid.x_cell, grid.y_cell), grid.cell_size)
    row, col = np.nonzero((reach <= 0.5 * breach.width) & ~ground.is_wall & (ground.bed > breach.invert))
    entries, crests, reaches = [], [], []
    for on_x, faces in ((True, boundaries.x_faces), (False, boundaries.y_faces)):
        face_row = np.repeat(np.arange(len(faces.start) - 1), np.diff(faces.start))
        x = grid.west + (faces.place + (0.0 if on_x else 0.5)) * grid.cell_size
        y = grid.north - (face_row + (0.5 if on_x else 0.0)) * grid.cell_size
        face_reach = _reach(breach, x, y, grid.cell_size)
        mine = np.flatnonzero(
            (faces.kind == CREST) & (face_reach <= 0.5 * breach.width) & (faces.value + datum > breach.invert)
        )
        entries.append(mine)
        crests.append(faces.value[mine].astype(np.float64))
        reaches.append(face_reach[mine])
    if not len(row) and not any(map(len, entries)):
        raise ScenarioError(
            f"nothing within {breach.width} m is higher than the invert {breach.invert} m T.P.",
            where=where,
            remedy="Place it on a levee or a wall, or lower the invert.",
        )
    return GrowingBreach(
        breach.start, breach.growth, breach.width, breach.invert - datum, row, col, ground.bed[row, col] - datum,
        reach[row, col], (entries[0], entries[1]), (crests[0], crests[1]), (reaches[0], reaches[1]),
    )  # fmt: skip


def _reach(breach: Breach, x: NDArray[Any], y: NDArray[Any], cell_size: float) -> NDArray[np.float64]:
    """Distance from the middle of the breach [m], along its line where it has one and infinite off it."""
    if breach.line is None:
        away = np.hypot(x - _middle(breach)[0], y - _middle(breach)[1])
    else:
        import shapely

        line, points = shapely.LineString(breach.line), shapely.points(x, y)
        away = np.abs(shapely.line_locate_point(line, points) - 0.5 * line.length)
        # a levee on the grid is 1.5 cells thick (twin.city): what lies within that of the axis is its body
        away = np.where(shapely.distance(line, points) <= 1.5 * cell_size, away, np.inf)
    # the cell in the middle belongs to it however narrow the breach is
    return np.where(away <= 0.5 * cell_size, 0.0, away)


def _middle(breach: Breach) -> tuple[float, float]:
    if breach.at is not None:
        return breach.at
    import shapely

    point = shapely.LineString(breach.line).interpolate(0.5, normalized=True)
    return float(point.x), float(point.y)
