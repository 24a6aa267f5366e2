"""The walking network as links and nodes of the MLIT specification of 2024 (歩行空間ネットワークデータ), EPSG:6668."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sample_data.archive import write_geojson
from sample_data.walk_levels import STAIR_RISE, Link, WalkGraph
from twin.frame import GEOGRAPHIC, OSAKA

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator

__all__ = ["link_properties", "rank_of", "slope_code", "write_walk"]

_CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::6668"}}
_LEVEL_STEPS = {1: 0.0, 2: 0.02, 3: 0.05, 4: 0.10, 5: 0.16}
"""Largest step [m] of each code of lev_diff."""


def slope_code(percent: float) -> int:
    """Code of vtcl_slope for a signed slope [%], positive when it climbs from start to end (2024).

    Examples
    --------
    >>> [slope_code(p) for p in (0.2, 3.0, 6.0, -6.0, 12.0, -30.0)]
    [1, 2, 3, 4, 5, 8]
    """
    steep = abs(percent)
    if steep < 0.5:
        return 1
    if steep <= 5.0:
        return 2
    base = 3 if steep <= 8.0 else (5 if steep <= 18.0 else 7)
    return base if percent > 0 else base + 1


def _width_code(metres: float) -> int:
    return 1 + int(np.searchsorted((1.0, 2.0, 3.0), metres, side="right"))


def rank_of(width: int, slope: int, step: int, route_type: int) -> str:
    """Three letters for width, slope and step from their codes; X where unknown, Z where a wheelchair cannot pass.

    Examples
    --------
    >>> rank_of(4, 1, 1, 1), rank_of(2, 3, 3, 1), rank_of(3, 1, 5, 6), rank_of(99, 2, 2, 1)
    ('SSS', 'ABB', 'SZZ', 'XAA')
    """
    if route_type in (5, 6):
        return {1: "C", 2: "A", 3: "S", 4: "S"}.get(width, "X") + "ZZ"
    letters = {1: "C", 2: "A", 3: "S", 4: "S"}.get(width, "X")
    letters += {1: "S", 2: "A", 3: "B", 4: "B", 5: "C", 6: "C", 7: "Z", 8: "Z"}.get(slope, "X")
    return letters + {1: "S", 2: "A", 3: "B", 4: "C", 5: "Z"}.get(step, "X")


def _step(link: Link, rng: Generator) -> int:
    """Code of lev_diff: kerbs at crossings, edges in old lanes, none in new halls."""
    if link.route_type == 6:
        return 5
    if link.route_type != 1 or link.origin in ("level", "crest"):
        return 1
    if link.origin == "crossing":
        return int(rng.choice([1, 2, 3, 4], p=[0.12, 0.62, 0.2, 0.06]))
    if link.origin == "street":
        p = [0.25, 0.45, 0.2, 0.1] if link.width_m < 4.5 else [0.3, 0.58, 0.1, 0.02]
        return int(rng.choice([1, 2, 3, 4], p=p))
    return int(rng.choice([1, 2, 3], p=[0.3, 0.6, 0.1]))


def link_properties(number: int, link: Link, graph: WalkGraph, rng: Generator) -> dict[str, Any]:
    """Attributes of one link; one in thirty is unknown (99) in width, slope or step, as surveys are."""
    a, b = graph.nodes[link.start], graph.nodes[link.end]
    rise, length = b.z - a.z, max(float(link.line.length), 0.5)
    percent = 100.0 * rise / length
    vertical = link.route_type in (4, 5, 6)
    slope = 1 if vertical else slope_code(percent)
    width, step = _width_code(link.width_m), _step(link, rng)
    unknown = rng.random()
    if link.origin not in ("level", "crest"):
        width = 99 if unknown < 0.012 else width
        slope = 99 if 0.012 <= unknown < 0.022 else slope
        step = 99 if 0.022 <= unknown < 0.034 else step
    paved = link.origin == "sidewalk" or link.rt_struct in (5, 7)
    tiles = 2 if paved and rng.random() < 0.7 and link.width_m >= 2.0 else 1
    sound = 1 if link.signal in (1, 4) else int(rng.choice([1, 2, 3], p=[0.3, 0.3, 0.4]))
    properties: dict[str, Any] = {
        "link_id": f"L{number:05d}", "start_id": f"N{link.start + 1:05d}", "end_id": f"N{link.end + 1:05d}",
        "distance": round(length if not vertical else float(np.hypot(length, rise)), 1),
        "rank": rank_of(width, slope, step, link.route_type), "rt_struct": link.rt_struct,
        "route_type": link.route_type, "direction": 1, "width": width, "vtcl_slope": slope, "lev_diff": step,
        "tfc_signal": link.signal, "tfc_s_type": sound, "brail_tile": tiles, "elevator": link.elevator,
        "roof": link.roof, "r_method": 1, "maint_date": "2024-11-30",
        "w_min": round(link.width_m * 10), "vSlope_max": 0 if vertical else round(abs(percent)),
        "hSlope_max": int(rng.choice([0, 1, 2, 3], p=[0.3, 0.4, 0.25, 0.05])),
        "levDif_max": 99 if step == 99 else round(100 * _LEVEL_STEPS[step]),
        "stair": round(abs(rise) / STAIR_RISE) if link.route_type == 6 else 0,
        "handrail": 2 if link.route_type == 6 else 1,
        "start_time": link.hours[0] if link.hours else "", "end_time": link.hours[1] if link.hours else "",
        "st_name": link.name,
    }  # fmt: skip
    return properties


def write_walk(folder: Path, graph: WalkGraph, seed: int) -> None:
    """Write walk/network_2024_link.geojson and network_2024_node.geojson."""
    rng = np.random.default_rng([seed, 9])
    xy = np.array([[n.x, n.y] for n in graph.nodes])
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, xy[:, 0], xy[:, 1])
    places = [[round(float(o), 9), round(float(a), 9)] for o, a in zip(lon, lat, strict=True)]
    around: dict[int, list[str]] = {}
    features = []
    for number, link in enumerate(graph.links, start=1):
        inner = np.asarray(link.line.coords)[1:-1]
        middle: list[list[float]] = []
        if len(inner):
            o, a, _ = GEOGRAPHIC.from_(OSAKA, inner[:, 0], inner[:, 1])
            middle = [[round(float(p), 9), round(float(q), 9)] for p, q in zip(o, a, strict=True)]
        properties = link_properties(number, link, graph, rng)
        coordinates = [places[link.start], *middle, places[link.end]]
        features.append(
            {
                "type": "Feature",
                "properties": properties,
                "geometry": {"type": "LineString", "coordinates": coordinates},
            }
        )
        for end in (link.start, link.end):
            around.setdefault(end, []).append(properties["link_id"])
    write_geojson(folder / "network_2024_link.geojson", "network_2024_link", features, crs=_CRS)
    nodes = [
        {
            "type": "Feature",
            "properties": {
                "node_id": f"N{k + 1:05d}", "lat": places[k][1], "lon": places[k][0], "floor": node.floor,
                "in_out": node.in_out, "elevation": round(node.z, 2),
                **{f"link{n}_id": i for n, i in enumerate(around.get(k, []), start=1)},
            },
            "geometry": {"type": "Point", "coordinates": places[k]},
        }
        for k, node in enumerate(graph.nodes)
    ]  # fmt: skip
    write_geojson(folder / "network_2024_node.geojson", "network_2024_node", nodes, crs=_CRS)
