"""Nodes and links of the walking network on all levels: ground, footbridges, station concourse, underground mall."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

from sample_data.walk_lines import GroundLine, ground_lines

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely import LineString, Point

    from sample_data.bridges import Deck
    from sample_data.plan import Plan
    from sample_data.terrain import Terrain
    from sample_data.underground import Mall

__all__ = ["Link", "Node", "WalkGraph", "make_walk_graph"]

STAIR_RISE = 0.16
"""Rise of one stair [m]."""


@dataclass(frozen=True, slots=True)
class Node:
    """A node: place, floor (0 ground, -1 B1), height T.P. and 1 outside, 2 at the border, 3 inside."""

    x: float
    y: float
    floor: float
    z: float
    in_out: int


@dataclass(slots=True)
class Link:
    """A link between two nodes (numbers into `WalkGraph.nodes`) with what the network specification asks for."""

    start: int
    end: int
    line: LineString
    rt_struct: int
    route_type: int
    width_m: float
    origin: str
    name: str
    signal: int = 1
    roof: int = 1
    elevator: int = 1
    hours: tuple[str, str] | None = None


@dataclass(slots=True)
class WalkGraph:
    """The network while it grows."""

    terrain: Terrain
    nodes: list[Node] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    _by_place: dict[tuple[float, float, float], int] = field(default_factory=dict)

    def node(self, x: float, y: float, floor: float, z: float, in_out: int = 1) -> int:
        """Number of the node at a place, made where there is none."""
        key = (round(x, 2), round(y, 2), floor)
        if key not in self._by_place:
            self._by_place[key] = len(self.nodes)
            self.nodes.append(Node(x, y, floor, z, in_out))
        return self._by_place[key]

    def link(
        self,
        start: int,
        end: int,
        rt_struct: int,
        route_type: int,
        width_m: float,
        name: str,
        *,
        roof: int = 1,
        hours: tuple[str, str] | None = None,
    ) -> None:
        """Add a straight link; a lift (route_type 4) is fit for wheelchairs and for the blind (elevator 5)."""
        a, b = self.nodes[start], self.nodes[end]
        line = shapely.LineString([(a.x, a.y), (b.x, b.y)])
        elevator = 5 if route_type == 4 else 1
        self.links.append(
            Link(start, end, line, rt_struct, route_type, width_m, "level", name, 1, roof, elevator, hours)
        )

    def attach(self, point: Point) -> int:
        """Ground node nearest to a point; a sidewalk or street is divided there where no node is within 4 m."""
        candidates = [k for k, link in enumerate(self.links) if link.origin in ("sidewalk", "street")]
        distances = shapely.distance([self.links[k].line for k in candidates], point)
        index = candidates[int(np.argmin(distances))]
        link = self.links[index]
        at = link.line.project(point)
        if at < 4.0:
            return link.start
        if at > link.line.length - 4.0:
            return link.end
        place = link.line.interpolate(at)
        a, b = self.nodes[link.start], self.nodes[link.end]
        share = at / link.line.length
        number = self.node(place.x, place.y, 0.0, a.z + (b.z - a.z) * share)
        first, second = shapely.ops.substring(link.line, 0, at), shapely.ops.substring(link.line, at, link.line.length)
        copy = {s: getattr(link, s) for s in ("rt_struct", "route_type", "width_m", "origin", "name", "signal", "roof")}
        self.links[index] = Link(start=link.start, end=number, line=first, **copy)
        self.links.append(Link(start=number, end=link.end, line=second, **copy))
        return number


def _xy(point: NDArray[np.float64]) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _ground(graph: WalkGraph, plan: Plan) -> None:
    """Links of the ground level with heights of the road where it leaves the terrain."""
    for item in ground_lines(plan, graph.terrain):
        ends = (item.line.coords[0], item.line.coords[-1])
        numbers = [graph.node(x, y, 0.0, _surface_height(item, x, y, graph.terrain)) for x, y in ends]
        structure, width = _structure(item)
        graph.links.append(
            Link(numbers[0], numbers[1], item.line, structure, 1, width, item.origin, item.road.name, item.signal,
                 roof=2 if item.road.name.endswith("商店街") else 1)
        )  # fmt: skip


def _structure(item: GroundLine) -> tuple[int, float]:
    if item.origin == "crossing":
        return 3, 4.0
    if item.origin == "street":
        return 2, item.road.width
    return 1, 3.5 if item.road.width >= 25 else (2.6 if item.road.width >= 20 else 1.6)


def _surface_height(item: GroundLine, x: float, y: float, terrain: Terrain) -> float:
    profile = terrain.profiles.get(item.road.name) if item.origin != "street" else None
    if profile is not None:
        height = float(profile.at(np.array([item.road.line.project(shapely.Point(x, y))]))[0])
        if np.isfinite(height):
            return height
    ring = np.linspace(0, 2 * np.pi, 9)[:-1]
    return float(np.mean(terrain.at(x + 1.5 * np.cos(ring), y + 1.5 * np.sin(ring))))


def _footbridge(graph: WalkGraph, deck: Deck) -> None:
    """Deck with stairs in both directions at either end, and lifts where it has them."""
    tops = [graph.node(*_xy(deck.xyz[k]), 1.0, float(deck.xyz[k, 2])) for k in (0, -1)]
    graph.link(tops[0], tops[1], 6, 1, deck.width, deck.name)
    along = deck.xyz[-1, :2] - deck.xyz[0, :2]
    sideways = np.array([-along[1], along[0]]) / np.hypot(*along)
    for k, top in zip((0, -1), tops, strict=True):
        for side in (-1.0, 1.0):
            foot = graph.attach(shapely.Point(deck.xyz[k, :2] + sideways * side * 15.0))
            graph.link(foot, top, 6, 6, 1.8, deck.name)
        if deck.has_lifts:
            foot = graph.attach(shapely.Point(deck.xyz[k, :2] + sideways * 5.0))
            graph.link(foot, top, 6, 4, 0.9, f"{deck.name} エレベーター", hours=("06:00", "23:59"))


def _levee_paths(graph: WalkGraph, plan: Plan) -> None:
    """Path on the levee's crest, with stairs and ramps down to the streets behind it in turn."""
    roads = shapely.union_all([road.surface.buffer(9.0) for road in plan.main_roads if road.bridge])
    ring = plan.river.buffer(6.5).boundary.intersection(plan.area.buffer(-6.0))
    crest = shapely.line_merge(ring.difference(shapely.union(roads, plan.sea.buffer(60.0))))
    shore = plan.river.boundary
    for part in shapely.get_parts(crest):
        count = round(part.length / 55.0)
        if part.geom_type != "LineString" or count < 3:
            continue
        stations = np.linspace(0.0, part.length, count + 1)
        spots = np.array([_xy(np.asarray(part.interpolate(s).coords[0])) for s in stations])
        heights = graph.terrain.at(spots[:, 0], spots[:, 1])
        tops = [graph.node(*_xy(p), 0.0, float(z)) for p, z in zip(spots, heights, strict=True)]
        for k in range(count):
            line = shapely.ops.substring(part, stations[k], stations[k + 1])
            graph.links.append(Link(tops[k], tops[k + 1], line, 8, 1, 2.5, "crest", "堤防天端通路"))
        for k in range(1, count):
            edge = np.asarray(shore.interpolate(shore.project(shapely.Point(spots[k]))).coords[0])
            landward = (spots[k] - edge) / np.hypot(*(spots[k] - edge))
            sideways = (spots[k + 1] - spots[k]) / np.hypot(*(spots[k + 1] - spots[k]))
            is_ramp = k % 3 == 2
            if k % 3 == 0:
                continue
            target = spots[k] + landward * 18.0 + sideways * (40.0 if is_ramp else 0.0)
            foot = graph.attach(shapely.Point(target))
            away = float(np.hypot(graph.nodes[foot].x - target[0], graph.nodes[foot].y - target[1]))
            if away < 14.0:
                graph.link(
                    foot,
                    tops[k],
                    8,
                    7 if is_ramp else 6,
                    2.0 if is_ramp else 1.5,
                    "堤防坂路" if is_ramp else "堤防階段",
                )


def _station(graph: WalkGraph, plan: Plan) -> None:
    """Concourse on the second floor across the station: stairs, escalators and one lift on either side."""
    axis = plan.railway
    middle = axis.project(plan.station.centroid)
    p, q = axis.interpolate(middle - 1), axis.interpolate(middle + 1)
    along = np.array([q.x - p.x, q.y - p.y]) / np.hypot(q.x - p.x, q.y - p.y)
    across = np.array([along[1], -along[0]])
    centre = np.array([(p.x + q.x) / 2, (p.y + q.y) / 2])
    z = float(graph.terrain.at(centre[:1], centre[1:])[0]) + 5.2
    hours = ("05:00", "23:59")
    inner = [graph.node(*_xy(centre + along * s), 1.0, z, 3) for s in (-70.0, -35.0, 0.0, 35.0, 70.0)]
    for a, b in pairwise(inner):
        graph.link(a, b, 7, 1, 6.0, "水都駅 コンコース", roof=2, hours=hours)
    for side, label in ((-1.0, "西口"), (1.0, "東口")):
        for k, (hub, kinds) in enumerate(((1, (6, 5)), (2, (6, 4)), (3, (6,)))):
            gate = graph.node(*_xy(centre + along * (-35.0 + 35.0 * k) + across * side * 14.0), 1.0, z, 2)
            graph.link(inner[hub], gate, 7, 1, 4.0, f"水都駅 {label}", roof=2, hours=hours)
            for n, kind in enumerate(kinds):
                spot = centre + along * (-35.0 + 35.0 * k + 7.0 * n) + across * side * 26.0
                ground = float(graph.terrain.at(spot[:1], spot[1:])[0])
                foot = graph.node(*_xy(spot), 0.0, ground)
                graph.link(graph.attach(shapely.Point(spot)), foot, 8, 1, 4.0, f"水都駅 {label}")
                graph.link(foot, gate, 7, kind, {4: 1.0, 5: 1.0, 6: 2.4}[kind], f"水都駅 {label}", roof=2,
                           hours=hours)  # fmt: skip


def _mall(graph: WalkGraph, mall: Mall) -> None:
    """Corridors of B1 along the axes, and a vertical link at every entrance."""
    z = mall.floors[0].height
    hours = ("06:00", "23:30")
    axes = list(mall.axes)
    stops: list[list[float]] = [[0.0, axis.length] for axis in axes]
    crossing = axes[0].intersection(axes[1])
    for axis, stations in zip(axes, stops, strict=True):
        stations.append(axis.project(crossing))
    gates: dict[int, tuple[int, float]] = {}
    for e in mall.entrances:
        k = int(np.argmin([axis.distance(e.point) for axis in axes]))
        gates[e.number] = (k, axes[k].project(e.point))
        stops[k].append(gates[e.number][1])

    def at(k: int, s: float) -> int:
        c = crossing if abs(s - axes[k].project(crossing)) < 0.01 else axes[k].interpolate(s)
        return graph.node(c.x, c.y, -1.0, z, 3)

    for k, found in enumerate(stops):
        ordered = sorted(set(found))
        for a, b in pairwise(ordered):
            if b - a > 0.01:
                graph.link(at(k, a), at(k, b), 5, 1, 7.0, "ミオツクシ地下街", roof=2, hours=hours)
    for e in mall.entrances:
        k, s = gates[e.number]
        hall = graph.node(e.point.x, e.point.y, -1.0, z, 2)
        graph.link(at(k, s), hall, 5, 1, max(2.0, e.width), "ミオツクシ地下街", roof=2, hours=hours)
        foot = graph.attach(e.point)
        name = f"ミオツクシ地下街 {e.number}番出入口"
        types = {"stairs": (6,), "escalator": (6, 5), "elevator": (4,)}[e.kind]
        for kind in types:
            graph.link(foot, hall, 5, kind, 1.0 if kind != 6 else e.width, name, roof=2, hours=hours)


def make_walk_graph(plan: Plan, terrain: Terrain, bridges: list[Deck], mall: Mall) -> WalkGraph:
    """The whole network; every link's line begins and ends at its nodes."""
    graph = WalkGraph(terrain)
    _ground(graph, plan)
    for deck in bridges:
        if deck.kind == "footbridge":
            _footbridge(graph, deck)
    _levee_paths(graph, plan)
    _station(graph, plan)
    _mall(graph, mall)
    return graph
