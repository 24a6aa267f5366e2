"""The ward in plan: water, levees, railway, streets, blocks and sites as polygons in EPSG:6674."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

from sample_data import ward
from sample_data.curve import band, curve, rectangle
from sample_data.streets import Street, grid_streets, grown_lanes, polygons_of
from sample_data.ward import Kind, place

if TYPE_CHECKING:
    from shapely import LineString, Point, Polygon
    from shapely.geometry.base import BaseGeometry

__all__ = ["LEVEE_WIDTH", "Block", "Plan", "Road", "Site", "make_plan"]

LEVEE_WIDTH = 20.0
"""From the water's edge to the land-side toe of a levee [m]."""
RAIL_WIDTH, STATION_WIDTH, STATION_LENGTH = 13.0, 32.0, 190.0


@dataclass(frozen=True, slots=True)
class Road:
    """A street: centre line, width and what is known of it."""

    name: str
    line: LineString
    width: float
    function: str
    has_sidewalk: bool = False
    bridge: str = ""
    is_underpass: bool = False
    is_local: bool = False

    @property
    def surface(self) -> BaseGeometry:
        """Area between the kerbs."""
        return self.line.buffer(self.width / 2.0, cap_style="flat")


@dataclass(frozen=True, slots=True)
class Site:
    """A place that no local street crosses: school, park, hospital ..."""

    name: str
    kind: Kind
    outline: Polygon
    angle: float
    district: str


@dataclass(frozen=True, slots=True)
class Block:
    """Land between streets."""

    outline: Polygon
    district: str
    kind: Kind
    angle: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything that is drawn in plan. `land` is the area without sea and river."""

    area: Polygon
    sea: BaseGeometry
    river: BaseGeometry
    river_line: LineString
    levee: BaseGeometry
    land: BaseGeometry
    railway: LineString
    rail_corridor: BaseGeometry
    station: Polygon
    roads: tuple[Road, ...]
    sites: tuple[Site, ...]
    blocks: tuple[Block, ...]
    breakwaters: tuple[BaseGeometry, ...] = field(default_factory=tuple)

    @property
    def main_roads(self) -> tuple[Road, ...]:
        """Roads drawn by hand."""
        return tuple(road for road in self.roads if not road.is_local)

    def site(self, name: str) -> Site:
        """The site of that name."""
        return next(site for site in self.sites if site.name == name)

    def road(self, name: str) -> Road:
        """The first road of that name."""
        return next(road for road in self.roads if road.name == name)


def _local_streets(kind: Kind, region: Polygon, angle: float, rng: np.random.Generator) -> list[Street]:
    """Streets as the kind of district has them."""
    match kind:
        case Kind.OLD:
            return grown_lanes(region, 1500.0, (5.0, 2.7), rng, skew=7.0, warp=2.6)
        case Kind.LOW:
            return grown_lanes(region, 3600.0, (6.5, 4.2), rng, skew=4.0, warp=1.2)
        case Kind.HOUSES:
            return grown_lanes(region, 5200.0, (7.5, 5.0), rng, skew=3.0, warp=1.0)
        case Kind.MID:
            return grown_lanes(region, 5600.0, (9.0, 6.0), rng, skew=2.5, warp=0.8)
        case Kind.SOUTH:
            return grown_lanes(region, 9000.0, (9.0, 6.0), rng, skew=2.5)
        case Kind.CENTRE:
            return grown_lanes(region, 8000.0, (12.0, 7.0), rng, skew=1.5)
        case Kind.GRID:
            return grid_streets(region, angle, (58.0, 104.0), 6.0, rng)
        case Kind.HARBOUR:
            return grown_lanes(region, 30000.0, (12.0, 9.0), rng, skew=1.0)
        case Kind.DANCHI:
            return grown_lanes(region, 26000.0, (8.0, 6.0), rng, skew=1.0)
        case _:
            return []


def _levee_roads(river: BaseGeometry, area: Polygon, keep_out: BaseGeometry, old: BaseGeometry) -> list[Road]:
    ring = river.buffer(LEVEE_WIDTH + 3.5).boundary
    lines = shapely.line_merge(ring.difference(shapely.union(keep_out, old)).intersection(area.buffer(-2.0)))
    return [
        Road("堤防沿道路", line, 5.5, "4", is_local=True)
        for line in shapely.get_parts(lines)
        if line.geom_type == "LineString" and line.length > 60.0
    ]


def _district_at(point: Point) -> str:
    return next(d.name for d in ward.DISTRICTS if shapely.Polygon(place(d.outline)).covers(point))


def make_plan(seed: int) -> Plan:
    """Draw the ward.

    Parameters
    ----------
    seed : int
        Decides local streets; coast, river, railway and main roads are drawn by hand.

    Returns
    -------
    Plan
        Polygons in EPSG:6674 [m].
    """
    rng = np.random.default_rng([seed, 1])
    area = shapely.box(*ward.AREA)
    around = area.buffer(60.0, join_style="mitre")
    sea = shapely.Polygon(place(ward.SEA)).buffer(0).intersection(around)
    ox, oy = ward.ORIGIN
    river_points = [(x + ox, y + oy, w) for x, y, w in ward.RIVER]
    river = band(river_points).intersection(around).difference(sea)
    river = max(polygons_of(river), key=lambda p: float(p.area))
    river_line = shapely.LineString(curve(river_points)[:, :2])
    breakwaters = tuple(shapely.LineString(place(p)).buffer(7.0) for p in ward.BREAKWATERS)
    land = area.difference(shapely.union(sea, river))
    levee = river.buffer(LEVEE_WIDTH).difference(shapely.union_all([river, sea])).intersection(area)

    railway = shapely.LineString(curve(place(ward.RAILWAY)))
    middle = railway.project(shapely.Point(place(((1432, 622),))[0]))
    platform = shapely.ops.substring(railway, middle - STATION_LENGTH / 2, middle + STATION_LENGTH / 2)
    station = platform.buffer(STATION_WIDTH / 2, cap_style="flat")
    corridor = railway.buffer(RAIL_WIDTH / 2, cap_style="flat").union(station)

    roads = [
        Road(r.name, shapely.LineString(curve(place(r.points))), r.width, r.function, r.has_sidewalk, r.bridge,
             r.is_underpass)
        for r in ward.ROADS
    ]  # fmt: skip
    main = shapely.union_all([road.surface for road in roads])
    old_quarter = shapely.Polygon(place(next(d.outline for d in ward.DISTRICTS if d.kind is Kind.OLD)))
    roads += _levee_roads(river, area, shapely.union(sea.buffer(50.0), main.buffer(-1.0)), old_quarter.buffer(-30.0))
    levee_roads = shapely.union_all([road.surface for road in roads if road.is_local])

    hard = shapely.union_all([sea.buffer(6.0), river, levee, corridor.buffer(2.5), main, levee_roads])
    open_land = area.difference(hard)
    sites = [
        Site(s.name, s.kind, polygon, s.angle, _district_at(polygon.centroid))
        for s in ward.SITES
        for polygon in [
            max(
                polygons_of(rectangle(place((s.centre,))[0], s.size, s.angle).intersection(open_land)),
                key=lambda p: float(p.area),
            )
        ]
    ]
    site_area = shapely.union_all([site.outline for site in sites])
    free = open_land.difference(site_area.buffer(0.5))
    pieces: list[tuple[ward.DistrictSpec, BaseGeometry]] = []
    for spec in ward.DISTRICTS:
        district = shapely.Polygon(place(spec.outline)).buffer(0)
        mine = shapely.set_precision(free.intersection(district), 0.001)
        free = free.difference(district)
        pieces.append((spec, mine))
        lanes: list[Street] = []
        for part in polygons_of(mine.union(site_area.intersection(district)).buffer(4.0, join_style="mitre"), 900.0):
            lanes += _local_streets(spec.kind, part, spec.angle, rng)
        roads += [
            Road(f"{spec.name}線", piece, width, "4", is_local=True)
            for line, width in lanes
            for piece in shapely.get_parts(line.difference(shapely.union(levee, site_area.buffer(width / 2 + 0.5))))
            if piece.length > 9.0
        ]
    # a street reaches a little into its neighbours: all streets are cut out of all blocks
    gaps = shapely.union_all([road.surface for road in roads if road.is_local])
    blocks: list[Block] = []
    for spec, mine in pieces:
        open_blocks = mine.difference(gaps)
        built = open_blocks.buffer(-1.2, join_style="mitre").buffer(1.2, join_style="mitre").intersection(open_blocks)
        blocks += [Block(p.simplify(0.1), spec.name, spec.kind, spec.angle) for p in polygons_of(built, 90.0)]
    return Plan(
        area, sea, river, river_line, levee, land, railway, corridor, station, tuple(roads), tuple(sites),
        tuple(blocks), breakwaters,
    )  # fmt: skip
