"""The edges of the area and the walls in it, as lists of faces that are no plain faces between two cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.flood.kernels import CREST, DISCHARGE, OPEN, SEA, STAGE, Faces
from sim.flood.series import DISCHARGES, STAGES, UNIT_DISCHARGES, WAVES, Series
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.scenario import Boundary, FloodSection
    from sim.inputs import InputFiles
    from twin.grid import Grid

__all__ = ["Boundaries", "EdgeDrive", "list_faces"]

EDGES = ("west", "east", "south", "north")
KINDS = {"open": OPEN, "stage": STAGE, "sea": SEA, "discharge": DISCHARGE, "unit_discharge": DISCHARGE}

LIMITS = {
    "stage": (*STAGES, "m T.P."),
    "sea": (*STAGES, "m T.P."),
    "discharge": (*DISCHARGES, "m3/s"),
    "unit_discharge": (*UNIT_DISCHARGES, "m2/s"),
}
"""Smallest and largest value of an edge's kind, and its unit."""


@dataclass(frozen=True, slots=True, eq=False)
class EdgeDrive:
    """A stretch of edge whose value changes in time.

    Parameters
    ----------
    on_x : bool
        Whether its faces are x-faces (west and east edge).
    entries : ndarray of int64 (n,)
        Entries of the faces' ``value``.
    kind : int
        STAGE, SEA or DISCHARGE.
    series : Series
    scale, offset : float
        ``value = scale * series + offset``.
    is_wave : bool
        Whether it sets the faces' ``wave`` instead.
    """

    on_x: bool
    entries: NDArray[np.int64]
    kind: int
    series: Series
    scale: float
    offset: float
    is_wave: bool = False

    def value(self, start: float, end: float) -> float:
        """Value for the step from `start` to `end`: the stage at its end, the mean discharge."""
        raw = self.series.mean(start, end) if self.kind == DISCHARGE else self.series.at(end)
        return self.scale * raw + self.offset

    def set(self, faces: Faces, start: float, end: float) -> None:
        """Write the value for the step from `start` to `end` into the faces of its side."""
        (faces.wave if self.is_wave else faces.value)[self.entries] = self.value(start, end)


@dataclass(frozen=True, slots=True, eq=False)
class Boundaries:
    """All special faces of a model."""

    x_faces: Faces
    y_faces: Faces
    drives: tuple[EdgeDrive, ...]
    edge_cells: NDArray[np.int64]
    """(n, 2) row and column of the cells at edges through which water may come in."""


def list_faces(
    section: FloodSection, ground: Ground, files: InputFiles, datum: float, dtype: type[np.floating]
) -> Boundaries:
    """Edges and walls of a scenario on its grid.

    Parameters
    ----------
    datum : float
        Height that the kernels call zero [m T.P.].
    dtype : type
        Of the kernels' values.

    Raises
    ------
    ScenarioError
        If a stretch lies outside its edge or only on walls.
    """
    ny = ground.grid.shape[0]
    owner = edge_owners(section, ground.grid)
    rows: dict[bool, list[NDArray[np.float64]]] = {True: [], False: []}
    for edge in EDGES:
        rows[edge in {"west", "east"}].append(_edge_entries(edge, owner[edge], section, ground))
    inner_x = ground.crest_xface[:, 1:-1]
    inner_y = ground.crest_yface[1:-1]
    rows[True].append(_crest_entries(inner_x, 0, 1, datum))
    rows[False].append(_crest_entries(inner_y, 1, 0, datum))
    faces, owners = {}, {}
    for on_x in (True, False):
        table = np.concatenate(rows[on_x])
        table = table[np.argsort(table[:, 0], kind="stable")]
        n_rows = ny if on_x else ny + 1
        faces[on_x] = Faces(
            np.searchsorted(table[:, 0], np.arange(n_rows + 1)).astype(np.int64),
            table[:, 1].astype(np.int64),
            table[:, 2].astype(np.int8),
            table[:, 3].astype(dtype),
            np.zeros(len(table), dtype=dtype),
        )
        owners[on_x] = table[:, 4].astype(np.int64)
    drives = _drives(section, files, owners, ground.grid, datum)
    return Boundaries(faces[True], faces[False], drives, _incoming_cells(faces, ground.grid))


def edge_owners(section: FloodSection, grid: Grid) -> dict[str, NDArray[np.int64]]:
    """Per edge the number of the boundary of each cell along it, -1 for a wall.

    Raises
    ------
    ScenarioError
        If a stretch lies outside its edge.
    """
    ny, nx = grid.shape
    owner = {edge: np.full(ny if edge in {"west", "east"} else nx, -1) for edge in EDGES}
    for number, boundary in enumerate(section.boundaries):
        for edge in EDGES if boundary.edge == "all" else (boundary.edge,):
            along = _stretch(boundary, edge, grid, f"flood.boundaries.{number}")
            owner[edge][along] = number if boundary.kind != "wall" else -1
    return owner


def _stretch(boundary: Boundary, edge: str, grid: Grid, where: str) -> NDArray[np.int64]:
    """Cells along an edge, numbered as the arrays are, whose centre lies in the stretch."""
    ny, nx = grid.shape
    n = ny if edge in {"west", "east"} else nx
    length = n * grid.cell_size
    first, last = boundary.from_ or 0.0, length if boundary.to is None else boundary.to
    if last > length + 0.5 * grid.cell_size or first >= length:
        raise ScenarioError(
            f"the stretch from {first} m to {last} m leaves the {edge} edge, which is {length} m long",
            where=where,
            remedy="from and to are metres along the edge from its southern (western) end.",
        )
    centre = (np.arange(n) + 0.5) * grid.cell_size
    if edge in {"west", "east"}:
        centre = length - centre
    inside = np.flatnonzero((centre >= first) & (centre < last))
    if not len(inside):
        raise ScenarioError(
            f"the stretch from {first} m to {last} m holds no cell centre, cells are {grid.cell_size} m",
            where=where,
            remedy="Make the stretch longer.",
        )
    return inside


def _edge_entries(edge: str, owner: NDArray[np.int64], section: FloodSection, ground: Ground) -> NDArray[np.float64]:
    """(n, 5) row of faces, column of faces, kind, value, number of the boundary."""
    ny, nx = ground.grid.shape
    wall = ground.is_wall
    beside = {"west": wall[:, 0], "east": wall[:, -1], "south": wall[-1], "north": wall[0]}[edge]
    along = np.flatnonzero((owner >= 0) & ~beside)
    for number in np.setdiff1d(owner[owner >= 0], owner[along]):
        raise ScenarioError(
            "all its cells are walls (a building, or no bed)",
            where=f"flood.boundaries.{number}",
            remedy="Move the stretch, or let the area end elsewhere.",
        )
    out = np.zeros((len(along), 5))
    fixed = {"west": 0, "east": nx, "south": ny, "north": 0}[edge]
    out[:, 0], out[:, 1] = (along, fixed) if edge in {"west", "east"} else (fixed, along)
    out[:, 4] = owner[along]
    for number in np.unique(owner[along]):
        boundary = section.boundaries[number]
        mine = out[:, 4] == number
        out[mine, 2] = KINDS[boundary.kind]
        out[mine, 3] = -1.0 if boundary.slope is None else boundary.slope
    return out


def _crest_entries(crest: NDArray[np.float32], row_offset: int, col_offset: int, datum: float) -> NDArray[np.float64]:
    row, col = np.nonzero(np.isfinite(crest))
    out = np.zeros((len(row), 5))
    out[:, 0], out[:, 1], out[:, 2] = row + row_offset, col + col_offset, CREST
    out[:, 3] = crest[row, col].astype(np.float64) - datum
    out[:, 4] = -1
    return out


def _drives(
    section: FloodSection,
    files: InputFiles,
    owners: dict[bool, NDArray[np.int64]],
    grid: Grid,
    datum: float,
) -> tuple[EdgeDrive, ...]:
    out = []
    for number, boundary in enumerate(section.boundaries):
        if boundary.value is None:
            continue
        where = f"flood.boundaries.{number}"
        series = Series.resolve(boundary.value, files).require_within(*LIMITS[boundary.kind], f"{where}.value")
        entries = {on_x: np.flatnonzero(owners[on_x] == number) for on_x in (True, False)}
        width = grid.cell_size * sum(map(len, entries.values()))
        for on_x, mine in entries.items():
            if len(mine):
                kind = KINDS[boundary.kind]
                scale = 1.0 / width if boundary.kind == "discharge" else 1.0
                out.append(EdgeDrive(on_x, mine, kind, series, scale, 0.0 if kind == DISCHARGE else -datum))
                if boundary.wave is not None:
                    wave = Series.resolve(boundary.wave, files).require_within(*WAVES, "m", f"{where}.wave")
                    out.append(EdgeDrive(on_x, mine, kind, wave, 1.0, 0.0, is_wave=True))
    return tuple(out)


def _incoming_cells(faces: dict[bool, Faces], grid: Grid) -> NDArray[np.int64]:
    ny, nx = grid.shape
    out = []
    for on_x, f in faces.items():
        row = np.repeat(np.arange(len(f.start) - 1), np.diff(f.start))
        incoming = np.isin(f.kind, (STAGE, SEA, DISCHARGE))
        r, c = row[incoming], f.place[incoming]
        out.append(np.c_[np.minimum(r, ny - 1), np.minimum(c, nx - 1)] if not on_x else np.c_[r, np.minimum(c, nx - 1)])
    return np.concatenate(out).astype(np.int64)
