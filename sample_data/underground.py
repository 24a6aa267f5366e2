"""The underground mall below the boulevard: floors B1 and B2, and its entrances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
import shapely.ops

from sample_data.archive import write_geopackage
from sample_data.ward import place

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from shapely import LineString, Point

    from sample_data.plan import Plan
    from sample_data.terrain import Terrain

__all__ = ["CEILING", "MALL", "Entrance", "Floor", "Mall", "make_mall", "mall_layers", "write_mall"]

MALL = "ミオツクシ地下街"
CEILING = 3.2
"""Clear height of a floor [m]."""


@dataclass(frozen=True, slots=True)
class Floor:
    """One floor: number (-1, -2), area in plan, height of its floor T.P. [m]."""

    level: int
    outline: shapely.Polygon
    height: float


@dataclass(frozen=True, slots=True)
class Entrance:
    """A way down to B1. `step` is the height of the threshold above the pavement [m]."""

    number: int
    point: Point
    kind: str
    """``stairs``, ``escalator`` (beside stairs) or ``elevator``."""
    step: float
    width: float
    has_shutter: bool
    ground: float


@dataclass(frozen=True, slots=True)
class Mall:
    """Floors, entrances and the axis of B1's corridors."""

    floors: tuple[Floor, ...]
    entrances: tuple[Entrance, ...]
    axes: tuple[LineString, ...]


def make_mall(plan: Plan, terrain: Terrain, seed: int) -> Mall:
    """Underground mall between the ward office and the station, with a branch below 駅西通."""
    rng = np.random.default_rng([seed, 7])
    boulevard, west = plan.road("水都大通").line, plan.road("駅西通").line
    a, b = (boulevard.project(shapely.Point(p)) for p in place(((1195, 538), (1470, 632))))
    spine = shapely.ops.substring(boulevard, a, b)
    crossing = boulevard.intersection(west)
    s = west.project(crossing)
    branch = shapely.ops.substring(west, s - 95.0, s + 75.0)
    b1 = shapely.union_all(
        [spine.buffer(11.0, cap_style="flat"), branch.buffer(7.0, cap_style="flat"), crossing.buffer(17.0)]
    )
    middle = spine.project(crossing)
    b2 = shapely.ops.substring(spine, middle - 70.0, spine.length - 10.0).buffer(9.5, cap_style="flat")
    c = np.array(crossing.coords[0])
    ground = float(terrain.at(c[:1], c[1:])[0])
    floors = (Floor(-1, b1, round(ground - 5.6, 2)), Floor(-2, b2, round(ground - 10.4, 2)))

    kinds = ("stairs", "stairs", "escalator", "stairs", "elevator", "stairs")
    entrances: list[Entrance] = []
    for line, offset, stations in (
        (spine, 13.2, np.arange(14.0, spine.length - 8.0, 43.0)),
        (spine, -13.2, np.arange(34.0, spine.length - 8.0, 43.0)),
        (branch, 6.3, np.array([6.0, branch.length - 6.0])),
        (branch, -6.3, np.array([24.0, branch.length - 22.0])),
    ):
        for at in stations:
            p, q = line.interpolate(at - 1.0), line.interpolate(at + 1.0)
            normal = np.array([-(q.y - p.y), q.x - p.x]) / 2.0
            xy = np.array([(p.x + q.x) / 2, (p.y + q.y) / 2]) + normal * offset
            kind = kinds[len(entrances) % len(kinds)]
            # six in ten thresholds are 30 cm or lower, as Ishigaki found at Umeda
            step = float(rng.choice([0.0, 0.08, 0.15, 0.22, 0.30, 0.35, 0.45, 0.60]))
            width = 1.6 if kind == "elevator" else float(rng.choice([2.0, 2.4, 3.0, 3.6]))
            entrances.append(
                Entrance(len(entrances) + 1, shapely.Point(xy), kind, 0.0 if kind == "elevator" else step, width,
                         bool(rng.random() < 0.6), round(float(terrain.at(xy[:1], xy[1:])[0]), 2))
            )  # fmt: skip
    return Mall(floors, tuple(entrances), (spine, branch))


def mall_layers(mall: Mall) -> dict[str, gpd.GeoDataFrame]:
    """Layers ``floors`` (polygons) and ``entrances`` (points), EPSG:6668."""
    import geopandas as gpd

    floors = gpd.GeoDataFrame(
        {
            "floor_id": [f"{MALL}-B{-f.level}" for f in mall.floors],
            "name": [f"{MALL} 地下{-f.level}階" for f in mall.floors],
            "floor": [f.level for f in mall.floors],
            "floor_height": [f.height for f in mall.floors],
            "ceiling_height": [CEILING for _ in mall.floors],
            "area_m2": [round(float(f.outline.area), 1) for f in mall.floors],
            "volume_m3": [round(float(f.outline.area) * CEILING, 1) for f in mall.floors],
            "use": ["商店街・公共通路", "駐車場・機械室"],
        },
        geometry=[f.outline for f in mall.floors],
        crs="EPSG:6674",
    ).to_crs("EPSG:6668")
    entrances = gpd.GeoDataFrame(
        {
            "entrance_id": [f"E{e.number:02d}" for e in mall.entrances],
            "name": [f"{MALL} {e.number}番出入口" for e in mall.entrances],
            "floor": [-1 for _ in mall.entrances],
            "kind": [e.kind for e in mall.entrances],
            "step_height": [e.step for e in mall.entrances],
            "width": [e.width for e in mall.entrances],
            "shutter": ["yes" if e.has_shutter else "no" for e in mall.entrances],
            "ground_height": [e.ground for e in mall.entrances],
            "floor_height": [mall.floors[0].height for _ in mall.entrances],
            "opens": ["06:00" for _ in mall.entrances],
            "closes": ["23:30" for _ in mall.entrances],
        },
        geometry=[e.point for e in mall.entrances],
        crs="EPSG:6674",
    ).to_crs("EPSG:6668")
    return {"floors": floors, "entrances": entrances}


def write_mall(path: Path, mall: Mall) -> None:
    """Write underground.gpkg."""
    write_geopackage(path, mall_layers(mall))
