"""A building as arrays: all levels side by side in one local frame, walls in pieces, openings, rasters of the floor."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

import sim.evacuation.crowd.kernels as k
from sim.evacuation.crowd.navigation.kernels import hides_somebody, wall_distance
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.evacuation.crowd.room import Building

__all__ = ["FloorPlan", "Opening", "draw_plan"]

PIECE = 2.0
"""Longest piece of wall [m]: long ones would stand in the lists of many cells that they do not matter in."""
THROAT = 3
"""Nodes by which the floor goes on behind an opening, so that ways lead through it and not along it."""


@dataclass(frozen=True, slots=True, eq=False)
class Opening:
    """An exit, or one side of a passage, in the local frame.

    The line is ordered so that the outside is on its left.
    """

    a: NDArray[np.float64]
    b: NDArray[np.float64]
    room: int
    exit: int
    """Number of the exit, -1 for a side of a passage."""
    partner: int
    """Number of the opening that it leads to, -1 for an exit."""
    is_passable: bool
    """False for the end of a one-way passage."""

    @property
    def outward(self) -> NDArray[np.float64]:
        """Unit vector out of the room."""
        along = (self.b - self.a) / self.width
        return np.array([-along[1], along[0]])

    @property
    def width(self) -> float:
        """Length of the line [m]."""
        return math.dist(self.a, self.b)


@dataclass(frozen=True, slots=True, eq=False)
class FloorPlan:
    """What the kernels and the navigation need of a building."""

    shift: NDArray[np.float64]
    """(rooms, 2) from the building's frame to the local one, less [m]."""
    openings: list[Opening]
    walls: k.Walls
    doors: k.Doors
    turn: NDArray[np.float32]
    partner: NDArray[np.int64]
    cells: k.Cells
    h: float
    is_free: NDArray[np.bool_]
    room: NDArray[np.int16]
    """(ny, nx) room of a node, -1 for none."""
    clearance: NDArray[np.float64]
    """(ny, nx) distance to the nearest wall, up to a metre [m]."""
    stair: NDArray[np.int8]
    stair_up: NDArray[np.float32]
    throats: list[NDArray[np.int64]]
    """Flat indices of the nodes behind each opening."""


CELL, LARGEST_CELL = 0.7, 3.5
"""Cells of the neighbour search [m]: as large as a dense crowd wants them, and at most."""
CELLS_A_PERSON = 8
"""Sorting people into cells costs as much as the cells are many: no more than this."""


def draw_plan(building: Building, *, h: float, reach: float, radius: float, people: int) -> FloorPlan:
    """Lay the building out.

    Parameters
    ----------
    building : Building
        Checked.
    h : float
        Node spacing of the rasters [m].
    reach : float
        How far people see each other [m].
    radius : float
        Of the largest body [m].
    people : int
        How many there are: the cells in which they look for each other are larger where few share a large floor.

    Raises
    ------
    ScenarioError
        If there is no space for an opening: its other side is floor of the same room.
    """
    areas = [room.area() for room in building.rooms]
    margin = reach + 1.0
    shift, (width, height) = _lay_out([area.bounds for area in areas], margin, h)
    areas = [shapely.transform(area, lambda xy, s=s: xy - s) for area, s in zip(areas, shift, strict=True)]
    openings = _place_openings(building, areas, shift)
    ny, nx = math.ceil(height / h), math.ceil(width / h)
    room = _rasterise(areas, (ny, nx), h)
    is_free = room >= 0
    pieces = np.concatenate([_cut_walls(area, [o for o in openings if o.room == i]) for i, area in enumerate(areas)])
    ax, ay, bx, by = _columns(pieces, np.float64)
    clearance = np.empty((ny, nx))
    wall_distance(ax, ay, bx, by, h, 1.0, clearance)
    size = min(max(CELL, math.sqrt(width * height / (CELLS_A_PERSON * max(people, 1)))), LARGEST_CELL)
    ncx, ncy = math.ceil(width / size), math.ceil(height / size)
    cells = k.Cells(np.zeros(ncx * ncy + 2, np.int64), ncx, ncy, 1.0 / size)
    hides = _find_hiding(pieces, areas, openings, is_free, h, reach)
    every = np.arange(len(pieces))
    near_start, near = _list_by_cell(pieces, every, radius + 0.35, cells, size)
    hide_start, hide = _list_by_cell(pieces, every[hides], reach, cells, size)
    ax, ay, bx, by = _columns(pieces, np.float32)
    walls = k.Walls(ax, ay, bx, by, near_start, near, hide_start, hide)
    lines = np.array([[*o.a, *o.b] for o in openings]).reshape(-1, 4)
    door_start, door_near = _list_by_cell(lines, np.arange(len(lines)), 0.35, cells, size)
    ax, ay, bx, by = _columns(lines, np.float32)
    doors = k.Doors(ax, ay, bx, by, door_start, door_near)
    stair, stair_up = _draw_stairs(building, shift, (ny, nx), h)
    return FloorPlan(
        shift=shift,
        openings=openings,
        walls=walls,
        doors=doors,
        turn=np.array([_turn(o, openings) for o in openings], np.float32).reshape(-1, 4),
        partner=np.array([o.partner for o in openings], np.int64),
        cells=cells,
        h=h,
        is_free=is_free,
        room=room,
        clearance=clearance,
        stair=stair,
        stair_up=stair_up,
        throats=[_throat(o, building, is_free, h, radius) for o in openings],
    )


def _lay_out(bounds: list[Any], margin: float, h: float) -> tuple[NDArray[np.float64], tuple[float, float]]:
    """Rooms from west to east, so far apart that nobody sees from one into another, whole nodes apart."""
    shift, east, north = [], 0.0, 0.0
    for x0, y0, x1, y1 in bounds:
        east = math.ceil(east / h) * h + margin
        # whole multiples of a node: where the frame begins does not change where the nodes lie in the room
        shift.append(
            [math.floor(x0 / h) * h - math.ceil(east / h) * h, math.floor(y0 / h) * h - math.ceil(margin / h) * h]
        )
        east += x1 - x0 + 2 * h + margin
        north = max(north, y1 - y0 + 2 * h + 2 * margin)
    return np.array(shift), (east, north)


def _place_openings(building: Building, areas: list[Any], shift: NDArray[np.float64]) -> list[Opening]:
    openings = []
    for number, (level, exit_) in enumerate(building.exits()):
        a, b = _order(exit_.line, areas[level], shift[level])
        openings.append(Opening(a, b, level, number, -1, True))
    for passage in building.passages:
        first = len(openings)
        for side, (level, line) in enumerate(zip(passage.rooms, passage.lines, strict=True)):
            a, b = _order(line, areas[level], shift[level])
            passable = side == 0 or not passage.is_one_way
            openings.append(Opening(a, b, level, -1, first + 1 - side, passable))
    return openings


def _order(line: Any, area: Any, shift: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Ends of a line, snapped to the wall, the room on its right."""
    ends = []
    for point in line:
        drawn = shapely.Point(np.asarray(point, dtype=np.float64) - shift)
        on_wall = area.boundary.interpolate(area.boundary.project(drawn))
        ends.append(np.array([on_wall.x, on_wall.y]))
    a, b = ends
    along = (b - a) / math.dist(a, b)
    inside = 0.5 * (a + b) + 1e-3 * np.array([along[1], -along[0]])
    return (a, b) if area.contains(shapely.Point(inside)) else (b, a)


def _turn(opening: Opening, openings: list[Opening]) -> tuple[float, float, float, float]:
    """Cosine, sine and shift that carry this opening's line onto its partner's, out of one room into the other."""
    if opening.partner < 0:
        return 1.0, 0.0, 0.0, 0.0
    other = openings[opening.partner]
    along, onto = (opening.b - opening.a) / opening.width, (other.a - other.b) / other.width
    c, s = float(along @ onto), float(along[0] * onto[1] - along[1] * onto[0])
    middle, there = 0.5 * (opening.a + opening.b), 0.5 * (other.a + other.b)
    return c, s, there[0] - c * middle[0] + s * middle[1], there[1] - s * middle[0] - c * middle[1]


def _rasterise(areas: list[Any], shape: tuple[int, int], h: float) -> NDArray[np.int16]:
    room = np.full(shape, -1, np.int16)
    for level, area in enumerate(areas):
        shapely.prepare(area)
        x0, y0, x1, y1 = area.bounds
        columns = np.arange(max(int(x0 / h), 0), min(int(x1 / h) + 1, shape[1]))
        rows = np.arange(max(int(y0 / h), 0), min(int(y1 / h) + 1, shape[0]))
        for row in rows:
            inside = shapely.contains_xy(area, (columns + 0.5) * h, (row + 0.5) * h)
            room[row, columns[inside]] = level
    return room


def _cut_walls(area: Any, openings: list[Opening]) -> NDArray[np.float64]:
    """Boundary without the openings, (pieces, 4)."""
    line = area.boundary
    if openings:
        cuts = [shapely.LineString([o.a, o.b]).buffer(1e-3, cap_style="flat") for o in openings]
        line = line.difference(shapely.union_all(cuts))
    pieces = []
    for part in getattr(line, "geoms", [line]):
        xy = np.asarray(part.coords)
        for a, b in pairwise(xy):
            count = max(1, math.ceil(math.dist(a, b) / PIECE))
            steps = np.linspace(a, b, count + 1)
            pieces += [[*p, *q] for p, q in pairwise(steps)]
    return np.array(pieces, dtype=np.float64).reshape(-1, 4)


def _find_hiding(
    pieces: NDArray[np.float64],
    areas: list[Any],
    openings: list[Opening],
    is_free: NDArray[np.bool_],
    h: float,
    reach: float,
) -> NDArray[np.bool_]:
    """Which pieces can stand between two people."""
    along = pieces[:, 2:] - pieces[:, :2]
    length = np.hypot(along[:, 0], along[:, 1])
    left = np.column_stack([-along[:, 1], along[:, 0]]) / np.maximum(length, 1e-9)[:, None]
    probe = 0.5 * (pieces[:, :2] + pieces[:, 2:]) + 1e-4 * left
    is_floor_left = np.zeros(len(pieces), np.bool_)
    for area in areas:
        is_floor_left |= shapely.contains_xy(area, probe[:, 0], probe[:, 1])
    out = np.where(is_floor_left[:, None], -left, left)
    hides = np.zeros(len(pieces), np.bool_)
    ax, ay, bx, by = _columns(pieces, np.float64)
    out_x, out_y = np.ascontiguousarray(out[:, 0]), np.ascontiguousarray(out[:, 1])
    hides_somebody(ax, ay, bx, by, out_x, out_y, is_free, h, reach, hides)
    passages = [shapely.LineString([o.a, o.b]) for o in openings if o.partner >= 0]
    if passages:
        lines = shapely.linestrings(pieces.reshape(-1, 2, 2))
        hides |= shapely.distance(lines, shapely.union_all(passages)) < reach
    return hides


def _columns(lines: NDArray[np.float64], dtype: type) -> list[NDArray[Any]]:
    return [np.ascontiguousarray(lines[:, n], dtype=dtype) for n in range(4)]


def _list_by_cell(
    lines: NDArray[np.float64], which: NDArray[Any], reach: float, cells: k.Cells, size: float
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Lines within `reach` of each cell: (cells + 1,) starts, items."""
    found: list[list[int]] = [[] for _ in range(cells.nx * cells.ny)]
    for n in which:
        x0, y0, x1, y1 = lines[n]
        line = shapely.LineString([(x0, y0), (x1, y1)])
        i = np.arange(max(int((min(x0, x1) - reach) / size), 0), min(int((max(x0, x1) + reach) / size) + 1, cells.nx))
        j = np.arange(max(int((min(y0, y1) - reach) / size), 0), min(int((max(y0, y1) + reach) / size) + 1, cells.ny))
        ii, jj = np.meshgrid(i, j)
        squares = shapely.box(ii * size, jj * size, (ii + 1) * size, (jj + 1) * size)
        is_near = shapely.dwithin(squares, line, reach)
        for c in (jj * cells.nx + ii)[is_near]:
            found[c].append(int(n))
    start = np.concatenate([[0], np.cumsum([len(items) for items in found])])
    return start.astype(np.int64), np.array([n for items in found for n in items], np.int32)


def _throat(
    opening: Opening, building: Building, is_free: NDArray[np.bool_], h: float, radius: float
) -> NDArray[np.int64]:
    """Nodes behind an opening, narrower than it by a body, for ways to end in its middle part."""
    ny, nx = is_free.shape
    half = max(0.5 * opening.width - radius, 0.5 * h)
    along = (opening.b - opening.a) / opening.width
    middle = 0.5 * (opening.a + opening.b)
    span = half + (THROAT + 1) * h
    i = np.arange(max(int((middle[0] - span) / h), 0), min(int((middle[0] + span) / h) + 1, nx))
    j = np.arange(max(int((middle[1] - span) / h), 0), min(int((middle[1] + span) / h) + 1, ny))
    ii, jj = np.meshgrid(i, j)
    offset = np.stack([(ii + 0.5) * h - middle[0], (jj + 0.5) * h - middle[1]])
    t = np.tensordot(along, offset, 1)
    out = np.tensordot(opening.outward, offset, 1)
    is_in = (np.abs(t) <= half + 1e-9) & (out > 0.0) & (out <= THROAT * h) & ~is_free[jj, ii]
    if not is_in.any():
        raise ScenarioError(
            f"behind the opening at {tuple(np.round(middle, 2))} (local) is no space for a way out",
            where=f"room {building.rooms[opening.room].name!r}",
            remedy=f"Leave {THROAT * h:.1f} m behind an opening that are no floor, or lower cell_size.",
        )
    throat: NDArray[np.int64] = (jj * nx + ii)[is_in].astype(np.int64)
    return throat


def _draw_stairs(
    building: Building, shift: NDArray[np.float64], shape: tuple[int, int], h: float
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    stair = np.zeros(shape, np.int8)
    rows: list[list[float]] = []
    for level, room in enumerate(building.rooms):
        for flight in room.stairs:
            run = math.dist(flight.foot, flight.head)
            flat = run / math.hypot(run, flight.rise)
            up = (np.array(flight.head) - flight.foot) / run
            rows.append([up[0], up[1], flight.up * flat, flight.down * flat])
            if len(rows) > 127:
                raise ScenarioError("more than 127 stairs", where="crowd", remedy="Split the building.")
            area = shapely.transform(flight.area, lambda xy, s=shift[level]: xy - s)
            inside = _rasterise([area], shape, h) >= 0
            stair[inside] = len(rows)
    return stair, np.array(rows, np.float32).reshape(-1, 4)
