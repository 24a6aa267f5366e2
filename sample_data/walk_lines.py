"""Lines that people walk on the ground: sidewalks of main roads, crossings, local streets; noded, with their origin."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

if TYPE_CHECKING:
    from collections.abc import Iterable

    from shapely import LineString
    from shapely.geometry.base import BaseGeometry

    from sample_data.plan import Plan, Road
    from sample_data.terrain import Terrain

__all__ = ["KERB_INSET", "GroundLine", "ground_lines", "ramp_zones"]

KERB_INSET = 1.7
"""Distance of a sidewalk's axis from the edge of the road [m]."""
LONGEST = 75.0
SNAP = 0.05


@dataclass(frozen=True, slots=True)
class GroundLine:
    """A link between two nodes: its line, its origin (sidewalk, crossing or street) and the road it belongs to."""

    line: LineString
    origin: str
    road: Road
    signal: int = 1
    """Value of tfc_signal: 1 none, 2 separated phases, 3 push button."""


def ramp_zones(plan: Plan, terrain: Terrain) -> dict[str, BaseGeometry]:
    """By road: area where its surface lies more than half a metre off the neighbouring ground."""
    out: dict[str, BaseGeometry] = {}
    for road in plan.main_roads:
        profile = terrain.profiles.get(road.name)
        if profile is None:
            continue
        ends = np.interp(
            profile.station, [profile.station[0], profile.station[-1]], [profile.height[0], profile.height[-1]]
        )
        off = profile.station[np.abs(profile.height - ends) > 0.5]
        if len(off):
            out[road.name] = shapely.ops.substring(road.line, off[0], off[-1]).buffer(
                road.width / 2 + 2.0, cap_style="flat"
            )
    return out


def _across(road: Road, station: float) -> LineString:
    """Line across a road between its sidewalks' axes, a little longer so that it surely meets them."""
    p, q = road.line.interpolate(station - 0.5), road.line.interpolate(station + 0.5)
    normal = np.array([-(q.y - p.y), q.x - p.x])
    middle = np.array([(p.x + q.x) / 2, (p.y + q.y) / 2])
    reach = road.width / 2 - KERB_INSET + 0.4
    return shapely.LineString([middle - normal * reach, middle + normal * reach])


def _crossings(roads: list[Road], rings: BaseGeometry, keep_out: BaseGeometry) -> list[GroundLine]:
    """Crossings on every arm of a junction of main roads, and push-button crossings between distant junctions."""
    out: list[GroundLine] = []
    for road in roads:
        stops: list[tuple[float, int]] = []
        for other in roads:
            if other is road:
                continue
            junction = road.line.intersection(other.line.buffer(other.width / 2 + 4.5, cap_style="flat"))
            for part in shapely.get_parts(junction):
                if part.geom_type != "LineString" or part.is_empty:
                    continue
                signal = 2 if min(road.width, other.width) >= 20 else 4
                stops += [(road.line.project(shapely.Point(c)), signal) for c in (part.coords[0], part.coords[-1])]
        stops.sort()
        middle: list[tuple[float, int]] = []
        known = [0.0, *(s for s, _ in stops), road.line.length]
        for a, b in pairwise(known):
            count = int((b - a) // 165.0)
            middle += [(a + (b - a) * (k + 1) / (count + 1), 3 if road.width > 14 else 1) for k in range(count)]
        for station, signal in [*stops, *middle]:
            line = _across(road, station)
            ends_meet = all(rings.distance(shapely.Point(c)) < 1.2 for c in (line.coords[0], line.coords[-1]))
            if ends_meet and not line.intersects(keep_out):
                out.append(GroundLine(line, "crossing", road, signal))
    return out


def _pieces(shape: BaseGeometry) -> list[LineString]:
    return [p for p in shapely.get_parts(shapely.line_merge(shape)) if p.geom_type == "LineString" and p.length > 0.5]


def _without_stubs(lines: list[LineString], shortest: float) -> list[LineString]:
    """Drop dead ends shorter than `shortest` until there are none, merging what is left; keep the largest component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    while True:
        ends = shapely.get_coordinates(shapely.get_point(lines, [[0], [-1]]).ravel())
        _, node = np.unique(np.round(ends, 3), axis=0, return_inverse=True)
        a, b = node[: len(lines)], node[len(lines) :]
        degree = np.bincount(node)
        keep = ~(((degree[a] == 1) | (degree[b] == 1)) & (shapely.length(lines) < shortest)) & (a != b)
        n = len(degree)
        graph = coo_array((np.ones(len(lines)), (a, b)), shape=(n, n))
        _, label = connected_components(graph, directed=False)
        keep &= label[a] == np.argmax(np.bincount(label[a]))
        if keep.all():
            return lines
        lines = _pieces(shapely.multilinestrings([line for line, k in zip(lines, keep, strict=True) if k]))


def _divided(lines: Iterable[LineString]) -> list[LineString]:
    """Cut long lines into equal pieces, so that a slope belongs to a place."""
    out = []
    for line in lines:
        count = max(1, int(np.ceil(line.length / LONGEST)))
        out += [shapely.ops.substring(line, k / count, (k + 1) / count, normalized=True) for k in range(count)]
    return out


def ground_lines(plan: Plan, terrain: Terrain) -> list[GroundLine]:
    """Noded lines of the ground level: every two that meet share a vertex at their ends.

    Parameters
    ----------
    plan, terrain : Plan, Terrain
        The ward; where a road is on a ramp or in an underpass, side streets do not join it.
    """
    edge = plan.area.buffer(-2.0)
    paved = [road for road in plan.main_roads if road.has_sidewalk]
    surface = shapely.union_all([road.surface for road in paved])
    inset = surface.buffer(-KERB_INSET)
    rings = inset.boundary.intersection(edge)
    zones = ramp_zones(plan, terrain)
    ramps = shapely.union_all(list(zones.values()))
    sources = [
        GroundLine(ring, "sidewalk", road)
        for road in paved
        for ring in shapely.get_parts(rings.intersection(road.surface))
    ]
    crossings = _crossings(paved, rings, shapely.union(ramps, plan.area.boundary.buffer(6.0)))
    keep_out = shapely.union_all([inset, ramps, plan.rail_corridor, plan.levee, plan.sea])
    streets = [
        GroundLine(part, "street", road)
        for road in plan.roads
        if road.is_local or not road.has_sidewalk
        for part in shapely.get_parts(road.line.difference(keep_out).intersection(edge))
        if part.geom_type == "LineString" and part.length > 3.0
    ]
    everything = [*shapely.get_parts(rings), *(c.line for c in crossings), *(s.line for s in streets)]
    noded = shapely.union_all(everything, grid_size=SNAP)
    links = _divided(_without_stubs(_pieces(noded), 7.0))

    tree = shapely.STRtree([s.line for s in (*crossings, *streets, *sources)])
    origins = [*crossings, *streets, *sources]
    middles = shapely.line_interpolate_point(links, 0.5, normalized=True)
    out: list[GroundLine] = []
    for link, middle in zip(links, middles, strict=True):
        near = tree.query(middle, predicate="dwithin", distance=0.25)
        best = origins[min(near, default=int(tree.nearest(middle)))]
        out.append(GroundLine(link, best.origin, best.road, best.signal))
    return out
