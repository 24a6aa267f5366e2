"""Where a crowd walks: rooms, exits, stairs and the passages between levels."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from shapely.geometry import LineString, MultiPolygon, Polygon

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

__all__ = ["Building", "Exit", "Passage", "Room", "Stair"]

Point2 = tuple[float, float]

ON_WALL = 0.05
"""How far the ends of an exit may lie off the wall [m]: the precision of a drawn plan."""


@dataclass(frozen=True, slots=True, eq=False)
class Exit:
    """A straight opening in the wall through which people leave.

    Parameters
    ----------
    line : sequence of two points
        On the boundary of the walkable area [m].
    name : str
        Names it in errors and for ``close_exit``.
    rate : float, optional
        Most persons a second (a gate, a ticket barrier). By default what a bottleneck of this width lets through,
        J = 1.924 b - 0.069 (fit of 35 published flows, after Seyfried et al. 2009): who is out is no longer in
        anybody's way, and an exit without this would let through twice as many.
    is_open : bool
        At the start.
    """

    line: Sequence[Point2]
    name: str = ""
    rate: float | None = None
    is_open: bool = True

    @property
    def width(self) -> float:
        """Clear width [m]."""
        return math.dist(self.line[0], self.line[1])

    @property
    def capacity(self) -> float:
        """Most persons a second; of a slit, one in ten seconds."""
        return max(1.924 * self.width - 0.069, 0.1) if self.rate is None else self.rate


@dataclass(frozen=True, slots=True, eq=False)
class Stair:
    """A flight of stairs, drawn in plan inside a room's walkable area.

    Parameters
    ----------
    area : Polygon
        In plan [m].
    foot, head : tuple of float
        Points on the axis at its lower and upper end [m].
    rise : float
        Height of the head above the foot [m]; negative or zero is refused.
    up, down : float
        Speed along the slope as a share of the speed on the level.

    Notes
    -----
    Defaults: horizontal speeds on stairs of 0.610 m/s up and 0.694 m/s down against 1.34 m/s on the level (Weidmann
    1993), which is along a slope of about 32 degrees (rise 0.17 m, tread 0.28 m) 0.72 and 0.81 m/s: 0.53 and 0.61.
    """

    area: Polygon
    foot: Point2
    head: Point2
    rise: float
    up: float = 0.53
    down: float = 0.61


@dataclass(frozen=True, slots=True, eq=False)
class Room:
    """One level: a walkable area with its openings.

    Parameters
    ----------
    walkable : Polygon or MultiPolygon
        Floor that people can stand on, holes are obstacles [m]. An area cut off from every exit strands who is in it.
    exits : sequence of Exit
    obstacles : sequence of Polygon
        Taken out of `walkable`: columns, counters, walls.
    stairs : sequence of Stair
    floor : float
        Height of the floor [m T.P.].
    name : str
        Names the room in errors.
    """

    walkable: Polygon | MultiPolygon
    exits: Sequence[Exit] = ()
    obstacles: Sequence[Polygon] = ()
    stairs: Sequence[Stair] = ()
    floor: float = 0.0
    name: str = ""

    def area(self) -> Any:
        """Walkable area without the obstacles, one MultiPolygon.

        Raises
        ------
        ScenarioError
            If it is invalid or empty.
        """
        shape = self.walkable
        where = f"room {self.name!r}"
        if not isinstance(shape, Polygon | MultiPolygon) or shape.is_empty:
            raise ScenarioError("walkable is no polygon with an area", where=where, remedy="Give a closed outline.")
        if not shape.is_valid:
            raise ScenarioError(
                f"walkable is not valid: {shapely.is_valid_reason(shape)}",
                where=where,
                remedy="Draw an outline that does not cross itself.",
            )
        if self.obstacles:
            shape = shape.difference(shapely.union_all(list(self.obstacles)))
        parts = [p for p in getattr(shape, "geoms", [shape]) if isinstance(p, Polygon) and p.area > 0.0]
        if not parts:
            raise ScenarioError("obstacles fill all of walkable", where=where, remedy="Leave floor to walk on.")
        return MultiPolygon(parts)

    def height(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Height of the floor or stair at places (n, 2) [m T.P.], (n,)."""
        height = np.full(len(xy), float(self.floor))
        for stair in self.stairs:
            foot, head = np.asarray(stair.foot, np.float64), np.asarray(stair.head, np.float64)
            axis = (head - foot) / math.dist(foot, head) ** 2
            on_it = shapely.intersects_xy(stair.area, xy[:, 0], xy[:, 1])
            height[on_it] += stair.rise * np.clip((xy[on_it] - foot) @ axis, 0.0, 1.0)
        return height


@dataclass(frozen=True, slots=True, eq=False)
class Passage:
    """Where two levels join: who walks over one line goes on beyond the other.

    Parameters
    ----------
    rooms : tuple of int
        Numbers of the two rooms in the building.
    lines : tuple of two lines
        An opening in the wall of each, of equal length [m]; the order of a line's ends is free.
    is_one_way : bool
        Only from the first room to the second: an escalator, a revolving barrier.
    name : str
        Names it in errors.
    """

    rooms: tuple[int, int]
    lines: tuple[Sequence[Point2], Sequence[Point2]]
    is_one_way: bool = False
    name: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Building:
    """Rooms on several levels and the passages between them.

    Parameters
    ----------
    rooms : sequence of Room
        The number of a room is its `level` in the model. Exits are numbered through, room by room.
    passages : sequence of Passage
    """

    rooms: Sequence[Room]
    passages: Sequence[Passage] = field(default=())

    def exits(self) -> list[tuple[int, Exit]]:
        """(room, exit) by the exit's number."""
        return [(level, exit_) for level, room in enumerate(self.rooms) for exit_ in room.exits]

    def check(self) -> None:
        """Check all that can be known without a plan.

        Raises
        ------
        ScenarioError
            If an opening is not straight, not in a wall or too narrow to be one; if a passage joins rooms that are
            not there or lines of unlike length; if a stair has no rise or a speed that is none.
        """
        if not self.rooms:
            raise ScenarioError("a building has no room", where="crowd", remedy="Give at least one room.")
        outlines = [room.area().boundary for room in self.rooms]
        for level, exit_ in self.exits():
            where = f"room {self.rooms[level].name or level!r}, exit {exit_.name!r}"
            _check_opening(exit_.line, outlines[level], where)
            if exit_.rate is not None and not exit_.rate > 0.0:
                raise ScenarioError(
                    f"rate is {exit_.rate} persons/s", where=where, remedy="Give a positive rate, or close the exit."
                )
        for number, passage in enumerate(self.passages):
            where = f"passage {passage.name or number!r}"
            for level, line in zip(passage.rooms, passage.lines, strict=True):
                if not 0 <= level < len(self.rooms):
                    raise ScenarioError(
                        f"room {level} is not there", where=where, remedy=f"Rooms are 0 to {len(self.rooms) - 1}."
                    )
                _check_opening(line, outlines[level], where)
            lengths = [math.dist(line[0], line[1]) for line in passage.lines]
            if abs(lengths[0] - lengths[1]) > ON_WALL:
                raise ScenarioError(
                    f"its lines are {lengths[0]:.2f} m and {lengths[1]:.2f} m long",
                    where=where,
                    remedy="Draw both ends equally wide.",
                )
        for room in self.rooms:
            for stair in room.stairs:
                _check_stair(stair, f"room {room.name!r}, stair")


def _check_opening(line: Sequence[Point2], outline: Any, where: str) -> None:
    if len(line) != 2:
        raise ScenarioError(
            f"its line has {len(line)} points", where=where, remedy="Give two points, an opening is straight."
        )
    drawn = LineString(line)
    if not (math.isfinite(drawn.length) and drawn.length > ON_WALL):
        raise ScenarioError(f"it is {drawn.length:.3f} m wide", where=where, remedy="Give two different points.")
    off = shapely.hausdorff_distance(drawn, shapely.intersection(outline, drawn.buffer(ON_WALL, cap_style="square")))
    if not off <= 2 * ON_WALL:
        raise ScenarioError(
            f"the line {tuple(map(tuple, line))} does not lie in the wall",
            where=where,
            remedy="Put both ends and all between on the boundary of the walkable area.",
        )


def _check_stair(stair: Stair, where: str) -> None:
    if not stair.rise > 0.0 or not math.dist(stair.foot, stair.head) > 0.0:
        raise ScenarioError(
            f"it rises {stair.rise} m over {math.dist(stair.foot, stair.head):.2f} m",
            where=where,
            remedy="Give foot and head apart from each other, and a positive rise.",
        )
    if not (0.0 < stair.up <= 1.0 and 0.0 < stair.down <= 1.0):
        raise ScenarioError(
            f"speeds up {stair.up} and down {stair.down}", where=where, remedy="Give shares between 0 and 1."
        )
