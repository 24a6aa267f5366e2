"""Levees and walls that fail while the water runs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.breach_laws import (
    DamWidth,
    ErosionWidth,
    ManualWidth,
    Overtopped,
    ThunWidth,
    erosion_rate,
    widened_share,
)
from sim.flood.kernels import CREST
from sim.flood.series import DISCHARGES, Series
from sim.flood.sources import Source
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.boundaries import Boundaries
    from sim.flood.ground import Ground
    from sim.flood.kernels import Faces
    from sim.flood.scenario import Breach, FloodSection
    from sim.inputs import InputFiles

__all__ = ["GrowingBreach", "breach_inflows", "final_width", "growth_time", "place_breaches"]


PROBE_DEPTH = 0.05
"""Shallower water beside a breach does not tell the level of a river [m]: rain on a crest stands above it."""

PROBE_CELLS = 2
"""Cells beyond a breach in which the water levels on both sides are looked for."""


@dataclass(slots=True, eq=False)
class GrowingBreach:
    """A breach on a grid.

    Parameters
    ----------
    given : Breach
    name : str
    datum : float
        Height that the model calls zero [m T.P.].
    row, col : ndarray (n,)
        Cells that sink, with `bed`, their height before, and `reach`, their distance from the middle [m].
    entries : tuple of ndarray
        The same of wall faces: entries of the x-faces and of the y-faces, with `crest` and `face_reach`.
    probe : tuple of ndarray
        Row and column of the cells in which the water levels are looked for.
    top : float
        Crest that the water must top [m above the model's datum].
    begun : float
        When it began to fail [s]; infinite before.
    topped : float
        Since when the water has stood above the crest [s]; infinite where it does not.
    width : float
        Now [m].
    """

    given: Breach
    name: str
    datum: float
    row: NDArray[np.int64]
    col: NDArray[np.int64]
    bed: NDArray[np.float64]
    reach: NDArray[np.float64]
    entries: tuple[NDArray[np.int64], NDArray[np.int64]]
    crest: tuple[NDArray[np.float64], NDArray[np.float64]]
    face_reach: tuple[NDArray[np.float64], NDArray[np.float64]]
    probe: tuple[NDArray[np.int64], NDArray[np.int64]]
    top: float
    begun: float = math.inf
    topped: float = math.inf
    width: float = 0.0

    def grow(self, start: float, end: float, z: NDArray[Any], h: NDArray[Any], faces: tuple[Faces, Faces]) -> bool:
        """Sink bed `z` and walls to where they are at `end` [s]; returns whether that is the final state.

        What depends on water levels sees those of the depth `h` [m] at `start` [s].
        """
        if not math.isfinite(self.begun):
            self._begin(start, end, z, h)
        if not math.isfinite(self.begun) or end < self.begun:
            return False
        given = self.given
        since = end - self.begun
        if isinstance(given.width, ErosionWidth):
            deep = _share(since, given.deepening or 0.0)
            self._erode(start, end, z, h, given.width)
            is_final = deep == 1.0 and self.width >= given.width.limit
        else:
            growth = growth_time(given)
            at_once = given.width.at_once if isinstance(given.width, ManualWidth) else 0.0
            x = _share(since, growth)
            wide = at_once + (1.0 - at_once) * widened_share(given.shape, x)
            self.width = wide * final_width(given)
            if given.deepening is not None:
                deep = _share(since, given.deepening)
            else:
                deep = 1.0 if isinstance(given.width, ManualWidth) else wide
            is_final = x == 1.0 and deep == 1.0
        self._sink(deep, z, faces)
        return is_final

    @property
    def follows_water(self) -> bool:
        """Whether its begin or its width depend on the water, so that nobody knows them beforehand."""
        return isinstance(self.given.width, ErosionWidth) or not isinstance(self.given.start, int | float)

    def state(self) -> tuple[float, float, float]:
        """What a restart needs beside the bed."""
        return self.begun, self.topped, self.width

    def load_state(self, begun: float, topped: float, width: float) -> None:
        """Take up a state that :meth:`state` gave."""
        self.begun, self.topped, self.width = begun, topped, width

    def _begin(self, start: float, end: float, z: NDArray[Any], h: NDArray[Any]) -> None:
        begin = self.given.start
        if isinstance(begin, int | float):
            self.begun = float(begin) if end >= begin else math.inf
            return
        rule = Overtopped() if isinstance(begin, str) else begin
        if self._levels(z, h)[0] > self.top + rule.by:
            self.topped = min(self.topped, start)
        else:
            self.topped = math.inf
        if start - self.topped >= rule.lasting:
            self.begun = start

    def _erode(self, start: float, end: float, z: NDArray[Any], h: NDArray[Any], law: ErosionWidth) -> None:
        self.width = max(self.width, law.initial)
        widening = self.begun + (self.given.deepening or 0.0)
        first = max(start, widening)
        if end <= first:
            return
        head = law.head
        if head is None:
            up, down = self._levels(z, h)
            head = max(up - max(down, self.given.invert - self.datum), 0.0) if math.isfinite(up) else 0.0
        rate = erosion_rate(head, 0.5 * (first + end) - widening, law.velocity)
        self.width = min(self.width + rate * (end - first), law.limit)

    def _levels(self, z: NDArray[Any], h: NDArray[Any]) -> tuple[float, float]:
        """Highest water level and lowest level of water or ground around the breach [m above the model's datum]."""
        ground, depth = z[self.probe].astype(np.float64), h[self.probe].astype(np.float64)
        wet = depth > PROBE_DEPTH
        return float(np.max((ground + depth)[wet], initial=-math.inf)), float(
            (ground + np.where(wet, depth, 0.0)).min()
        )

    def _sink(self, share: float, z: NDArray[Any], faces: tuple[Faces, Faces]) -> None:
        half = 0.5 * self.width
        open_ = self.reach <= half
        z[self.row[open_], self.col[open_]] = self._sunk(self.bed[open_], share)
        for f, entries, crest, reach in zip(faces, self.entries, self.crest, self.face_reach, strict=True):
            # the others may be a barrier's, which changes in time
            f.value[entries[reach <= half]] = self._sunk(crest[reach <= half], share)

    def _sunk(self, height: NDArray[np.float64], share: float) -> NDArray[np.float64]:
        invert = self.given.invert - self.datum
        return np.minimum(height, np.maximum(invert, height - share * (height - invert)))


def final_width(breach: Breach) -> float:
    """Largest width that a breach can take [m]."""
    return float(breach.width) if isinstance(breach.width, int | float) else breach.width.final


def growth_time(breach: Breach) -> float:
    """Time until the full width is reached [s]; that of a law unless the scenario gives one."""
    if breach.growth is not None:
        return breach.growth
    return breach.width.growth if isinstance(breach.width, ManualWidth | DamWidth | ThunWidth) else 0.0


def _share(since: float, span: float) -> float:
    return 1.0 if span == 0.0 else float(np.clip(since / span, 0.0, 1.0))


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
            row, col = np.nonzero((reach <= 0.5 * final_width(breach)) & ~ground.is_wall)
            if not len(row):
                raise ScenarioError(
                    "all its cells are walls (a building, or no bed)",
                    where=f"flood.breaches.{number}.hydrograph",
                    remedy="Move the breach to open ground.",
                )
            hydrograph = Series.resolve(breach.hydrograph, files)
            hydrograph.require_within(*DISCHARGES, "m3/s", f"flood.breaches.{number}.hydrograph")
            out.append(Source(row, col, hydrograph))
    return out


def _place(breach: Breach, ground: Ground, boundaries: Boundaries, datum: float, where: str) -> GrowingBreach:
    grid = ground.grid
    half = 0.5 * final_width(breach)
    x_cell, y_cell = np.meshgrid(grid.x_cell, grid.y_cell)
    reach = _reach(breach, x_cell, y_cell, grid.cell_size)
    row, col = np.nonzero((reach <= half) & ~ground.is_wall & (ground.bed > breach.invert))
    entries, crests, reaches = [], [], []
    # x, y, height and reach of everything that can sink
    bodies = [np.c_[x_cell[row, col], y_cell[row, col], ground.bed[row, col] - datum, reach[row, col]]]
    beside = np.zeros(grid.shape, dtype=bool)
    beside[row, col] = True
    for on_x, faces in ((True, boundaries.x_faces), (False, boundaries.y_faces)):
        face_row = np.repeat(np.arange(len(faces.start) - 1), np.diff(faces.start))
        x = grid.west + (faces.place + (0.0 if on_x else 0.5)) * grid.cell_size
        y = grid.north - (face_row + (0.5 if on_x else 0.0)) * grid.cell_size
        face_reach = _reach(breach, x, y, grid.cell_size)
        mine = np.flatnonzero((faces.kind == CREST) & (face_reach <= half) & (faces.value + datum > breach.invert))
        entries.append(mine)
        crests.append(faces.value[mine].astype(np.float64))
        reaches.append(face_reach[mine])
        bodies.append(np.c_[x[mine], y[mine], crests[-1], reaches[-1]])
        beside[face_row[mine], faces.place[mine]] = True
    body = np.concatenate(bodies)
    if not len(body):
        raise ScenarioError(
            f"nothing within {2 * half:g} m is higher than the invert {breach.invert} m T.P.",
            where=where,
            remedy="Place it on a levee or a wall, or lower the invert.",
        )
    given = breach.start.crest if isinstance(breach.start, Overtopped) else None
    return GrowingBreach(
        breach, breach.name, datum, row, col, ground.bed[row, col] - datum, reach[row, col], (entries[0], entries[1]),
        (crests[0], crests[1]), (reaches[0], reaches[1]), _probe(beside, ground.is_wall),
        _lowest_crest(breach, body, grid.cell_size) if given is None else given - datum,
    )  # fmt: skip


def _probe(beside: NDArray[np.bool_], is_wall: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Open cells of a breach and around it."""
    from scipy import ndimage

    around = ndimage.binary_dilation(beside, structure=np.ones((3, 3), dtype=bool), iterations=PROBE_CELLS)
    row, col = np.nonzero(around & ~is_wall)
    return row, col


def _lowest_crest(breach: Breach, body: NDArray[np.float64], cell_size: float) -> float:
    """Lowest place of the crest along a line, the crest at a point; of x, y, height, reach of what can sink."""
    if breach.line is None:
        near = body[:, 3] <= max(1.5 * cell_size, float(body[:, 3].min()))
        return float(body[near, 2].max())
    import shapely

    line = shapely.LineString(breach.line)
    along = np.floor(shapely.line_locate_point(line, shapely.points(body[:, 0], body[:, 1])) / (2.0 * cell_size))
    tops = [body[along == step, 2].max() for step in np.unique(along)]
    # a cell at the end of a line may hold the foot of the levee only
    return float(min(tops[1:-1] if len(tops) > 2 else tops, default=math.inf))


def _reach(breach: Breach, x: NDArray[Any], y: NDArray[Any], cell_size: float) -> NDArray[np.float64]:
    """Distance from the middle of the breach [m], along its line where it has one and infinite off it."""
    if breach.line is None:
        east, north = x - _middle(breach)[0], y - _middle(breach)[1]
        half = 0.5 * cell_size
        # the one cell (of faces: the nearest along each axis) that holds the middle, on a cell's corner too
        is_middle = (-half < east) & (east <= half) & (-half < north) & (north <= half)
        return np.where(is_middle, 0.0, np.hypot(east, north))
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
