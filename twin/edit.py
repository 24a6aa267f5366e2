"""What a planner changes in a city: a levee, a wall, a building, a piece of ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from twin.errors import LayerError

__all__ = ["BuildingEdit", "Edit", "LeveeEdit", "TerrainEdit", "WallEdit"]

Points = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class LeveeEdit:
    """Ground raised to a crest along a line.

    Parameters
    ----------
    line : tuple of (x, y)
        Axis [m in the city's frame], at least two points.
    crest : float
        Crest height [m T.P.].
    width : float
        Crest width [m]; ground higher than the crest stays.
    """

    line: Points
    crest: float
    width: float = 6.0
    kind: Literal["levee"] = "levee"

    def __post_init__(self) -> None:
        _check(self.kind, self.line, 2, {"crest": self.crest}, {"width": self.width})


@dataclass(frozen=True, slots=True)
class WallEdit:
    """A barrier without thickness on the cell faces that a line crosses: flood wall, stop logs, temporary barrier.

    Parameters
    ----------
    line : tuple of (x, y)
        [m in the city's frame], at least two points.
    crest : float
        Height of the top [m T.P.]; water above it flows over.
    """

    line: Points
    crest: float
    kind: Literal["wall"] = "wall"

    def __post_init__(self) -> None:
        _check(self.kind, self.line, 2, {"crest": self.crest}, {})


@dataclass(frozen=True, slots=True)
class BuildingEdit:
    """A new block-shaped building.

    Parameters
    ----------
    polygon : tuple of (x, y)
        Outline [m in the city's frame], at least three points, first not repeated.
    height : float
        Height above the ground [m].
    name : str
        Name shown to the user.
    """

    polygon: Points
    height: float
    name: str = ""
    kind: Literal["building"] = "building"

    def __post_init__(self) -> None:
        _check(self.kind, self.polygon, 3, {}, {"height": self.height})


@dataclass(frozen=True, slots=True)
class TerrainEdit:
    """Ground set to a level inside a polygon: an embankment, a basin, a cut.

    Parameters
    ----------
    polygon : tuple of (x, y)
        Outline [m in the city's frame], at least three points.
    level : float
        New level [m T.P.].
    rule : {"raise", "lower", "set"}
        ``raise`` keeps ground that is higher already, ``lower`` ground that is lower, ``set`` neither.
    """

    polygon: Points
    level: float
    rule: Literal["raise", "lower", "set"] = "set"
    kind: Literal["terrain"] = "terrain"

    def __post_init__(self) -> None:
        _check(self.kind, self.polygon, 3, {"level": self.level}, {})


Edit = LeveeEdit | WallEdit | BuildingEdit | TerrainEdit


def _is_flat(points: Points, *, closed: bool) -> bool:
    """Whether a ring encloses no area, or a line has no length."""
    if not closed:
        return all(p == points[0] for p in points)
    pairs = zip(points, (*points[1:], points[0]), strict=True)
    x0, y0 = points[0]
    return sum((ax - x0) * (by - y0) - (bx - x0) * (ay - y0) for (ax, ay), (bx, by) in pairs) == 0


def _check(kind: str, points: Points, least: int, finite: dict[str, float], positive: dict[str, float]) -> None:
    if len(points) < least or not all(len(p) == 2 and all(map(math.isfinite, p)) for p in points):
        raise LayerError(
            f"{len(points)} usable points", where=f"{kind} edit", remedy=f"Give at least {least} finite (x, y) points."
        )
    if _is_flat(points, closed=least == 3):
        raise LayerError(
            "its points enclose no area" if least == 3 else "its line has no length",
            where=f"{kind} edit",
            remedy="Give points that lie apart.",
        )
    for name, value in {**finite, **positive}.items():
        if not math.isfinite(value) or (name in positive and value <= 0):
            raise LayerError(f"{name} is {value} m", where=f"{kind} edit", remedy=f"Give a usable {name} in metres.")
