"""Bridges and the railway viaduct: decks with their heights, shared by CityGML, walking network and inspections."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

from sample_data.plan import RAIL_WIDTH
from sample_data.ward import place

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import LineString

    from sample_data.plan import Plan
    from sample_data.terrain import Terrain

__all__ = ["FOOTBRIDGES", "Deck", "decks"]

FOOTBRIDGES: tuple[tuple[str, str, tuple[float, float], bool], ...] = (
    ("水都駅前歩道橋", "水都大通", (1292, 568), True),
    ("汐見歩道橋", "国道499号", (968, 398), False),
)
"""(name, road below, near which point, has lifts)."""


@dataclass(frozen=True, slots=True)
class Deck:
    """A bridge deck: centre line with heights (n, 3), width, thickness [m]."""

    name: str
    kind: str
    """``road``, ``railway`` or ``footbridge``."""
    road: str
    xyz: NDArray[np.float64]
    width: float
    thickness: float
    function: str
    """Code of Bridge_function.xml."""
    form: str
    """Code of Bridge_class.xml."""
    has_lifts: bool = False

    @property
    def line(self) -> LineString:
        """Centre line in plan."""
        return shapely.LineString(self.xyz[:, :2])

    @property
    def outline(self) -> shapely.Polygon:
        """Area in plan."""
        return self.line.buffer(self.width / 2, cap_style="flat")


def _with_heights(line: LineString, z: NDArray[np.float64] | float, step: float = 12.0) -> NDArray[np.float64]:
    count = max(2, round(line.length / step) + 1)
    at = [line.interpolate(s) for s in np.linspace(0.0, line.length, count)]
    heights = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, np.size(z)), np.atleast_1d(z))
    return np.array([[p.x, p.y, h] for p, h in zip(at, heights, strict=True)])


def decks(plan: Plan, terrain: Terrain) -> list[Deck]:
    """Road bridges over the river, the railway viaduct in pieces, footbridges over main roads."""
    out: list[Deck] = []
    for k, road in enumerate(r for r in plan.main_roads if r.bridge):
        over = road.line.intersection(plan.river.buffer(9.0))
        a, b = sorted(road.line.project(shapely.Point(c)) for c in (over.coords[0], over.coords[-1]))
        heights = terrain.profiles[road.name].at(np.linspace(a, b, 21))
        line = shapely.ops.substring(road.line, a, b)
        out.append(
            Deck(
                road.bridge,
                "road",
                road.name,
                _with_heights(line, heights),
                road.width,
                1.6,
                "01",
                ("06", "01", "03")[k % 3],
            )
        )
    rails = terrain.profiles["railway"]
    start = float(np.interp(4.4, rails.height[:4], rails.station[:4]))
    viaduct = shapely.ops.substring(plan.railway, start, plan.railway.length).intersection(plan.area)
    begin = plan.railway.project(shapely.Point(viaduct.coords[0]))
    pieces = max(1, round(viaduct.length / 150.0))
    for k in range(pieces):
        a, b = k / pieces * viaduct.length, (k + 1) / pieces * viaduct.length
        line = shapely.ops.substring(viaduct, a, b)
        heights = rails.at(begin + np.linspace(a, b, 9))
        is_river = line.intersects(plan.river)
        name = "水都川橋梁" if is_river else f"水都高架橋 第{k + 1}"
        out.append(
            Deck(
                name,
                "railway",
                "水都線",
                _with_heights(line, heights),
                RAIL_WIDTH - 1.0,
                1.5,
                "02",
                "02" if is_river else "04",
            )
        )
    for name, below, near, has_lifts in FOOTBRIDGES:
        road = plan.road(below)
        s = road.line.project(shapely.Point(place((near,))[0]))
        p, q = road.line.interpolate(s - 1.0), road.line.interpolate(s + 1.0)
        normal = np.array([-(q.y - p.y), q.x - p.x]) / 2.0
        middle = np.array([(p.x + q.x) / 2, (p.y + q.y) / 2])
        reach = road.width / 2 - 1.7
        line = shapely.LineString([middle - normal * reach, middle + normal * reach])
        ground = float(terrain.at(np.array([middle[0]]), np.array([middle[1]]))[0])
        out.append(
            Deck(name, "footbridge", below, _with_heights(line, ground + 5.8, 40.0), 3.0, 0.8, "07", "01", has_lifts)
        )
    return out
