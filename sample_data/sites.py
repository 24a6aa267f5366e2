"""Buildings that are placed, not grown: schools, hospital, ward office, shrine, danchi, towers, station, tanks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from sample_data.curve import rectangle
from sample_data.lots import frame_of, in_frame
from sample_data.ward import Kind

if TYPE_CHECKING:
    from numpy.random import Generator
    from shapely import Polygon

    from sample_data.plan import Block, Plan, Site

__all__ = ["Placed", "buildings_of_site", "danchi_slabs", "station_halls", "towers"]


@dataclass(frozen=True, slots=True)
class Placed:
    """A footprint with its use; `height` (eaves) and `roof` where they are not left to habit."""

    outline: Polygon
    usage: str
    storeys: int
    name: str = ""
    detailed: str = ""
    height: float | None = None
    roof: str = "flat"
    rise: float = 0.0
    basements: int = 0
    branch: int | None = None
    is_landmark: bool = False


def _at(site: Site, u: float, v: float, size: tuple[float, float]) -> Polygon:
    """Rectangle whose centre lies (u, v) [m] from the site's centre along its directions."""
    turn = np.radians(site.angle)
    c = site.outline.centroid
    x, y = c.x + u * np.cos(turn) - v * np.sin(turn), c.y + u * np.sin(turn) + v * np.cos(turn)
    return rectangle((x, y), size, site.angle)


def _school(site: Site, rng: Generator) -> list[Placed]:
    centre, _, _, length, breadth = frame_of(site.outline)
    del centre
    v = breadth / 2 - 11.0
    classrooms = _at(site, -length * 0.08, v, (length * 0.66, 13.0))
    wing = _at(site, -length / 2 + 11.0, v - 28.0, (12.5, 36.0))
    gym = _at(site, length / 2 - 19.0, v - 4.0, (26.0, 21.0))
    store = _at(site, length / 2 - 10.0, -breadth / 2 + 8.0, (9.0, 6.0))
    name = site.name
    return [
        Placed(classrooms, "422", 4, f"{name} 校舎", "422201", height=15.2 + rng.uniform(0, 0.6), is_landmark=True),
        Placed(wing, "422", 3, f"{name} 特別教室棟", "422201", height=11.6),
        Placed(gym, "422", 2, f"{name} 体育館", "422401", height=9.6, roof="gable", rise=2.6, is_landmark=True),
        Placed(store, "422", 1, f"{name} 倉庫", "422201", height=3.4),
    ]


def buildings_of_site(site: Site, rng: Generator) -> list[Placed]:
    """Buildings of a site, those that lie in it; parks and squares have next to none."""
    room = site.outline.buffer(-0.5)
    return [placed for placed in _buildings_of(site, rng) if room.covers(placed.outline)]


def _buildings_of(site: Site, rng: Generator) -> list[Placed]:
    match site.kind:
        case Kind.SCHOOL:
            return _school(site, rng)
        case Kind.SHRINE:
            return [
                Placed(
                    _at(site, 6, 9, (15, 11)), "422", 1, "汐見神社 本殿", "422701", 5.2, "hip", 3.6, is_landmark=True
                ),
                Placed(
                    _at(site, -14, 9, (11, 8)), "422", 1, "汐見神社 拝殿", "422701", 4.2, "hip", 2.4, is_landmark=True
                ),
                Placed(
                    _at(site, 26, -14, (9, 6.5)),
                    "422",
                    1,
                    "汐見神社 社務所",
                    "422701",
                    3.4,
                    "gable",
                    1.5,
                    is_landmark=True,
                ),
            ]
        case Kind.HOSPITAL:
            wards = shapely.union(_at(site, -6, 14, (78, 17)), _at(site, -6, -6, (19, 46)))
            return [
                Placed(
                    shapely.geometry.polygon.orient(wards),
                    "422",
                    9,
                    "水都総合病院 本館",
                    "4225",
                    height=37.5,
                    basements=1,
                    is_landmark=True,
                ),
                Placed(
                    _at(site, 30, -18, (24, 24)), "422", 4, "水都総合病院 外来棟", "4225", height=17.2, is_landmark=True
                ),
            ]
        case Kind.WARD_OFFICE:
            court = shapely.difference(_at(site, 0, 0, (62, 42)), _at(site, 3, 2, (24, 13)))
            return [
                Placed(
                    shapely.geometry.polygon.orient(court),
                    "421",
                    8,
                    "水都区役所",
                    "421101",
                    height=33.0,
                    basements=1,
                    is_landmark=True,
                )
            ]
        case Kind.TANKS:
            out = []
            for u in (-24.0, 2.0, 28.0):
                for v in (-58.0, -30.0, -2.0):
                    ring = _at(site, u, v, (1, 1)).centroid.buffer(10.5, quad_segs=5)
                    out.append(Placed(ring, "452", 1, "北港油槽所 貯蔵タンク", "452", height=12.2))
            return [*out, Placed(_at(site, 0, 46, (46, 18)), "452", 2, "北港油槽所 管理棟", "452", height=8.2)]
        case Kind.YARD:
            return [
                Placed(_at(site, 34, -46, (46, 20)), "431", 2, "北港コンテナ埠頭 管理棟", "431104", height=9.5),
                Placed(_at(site, -30, -44, (40, 26)), "431", 1, "北港コンテナ埠頭 上屋", "431202", 11.0, "gable", 2.2),
            ]
        case Kind.PARK if site.outline.area > 7000:
            return [Placed(_at(site, -28, 20, (10, 7)), "422", 1, f"{site.name} 管理棟", "422304", height=3.6)]
        case _:
            return []


def danchi_slabs(block: Block, plan: Plan, start: int, rng: Generator) -> list[Placed]:
    """Parallel slabs facing south as public housing of the 1960s and 70s has them; numbered from `start`."""
    turn = np.radians(block.angle)
    along, across = np.array([np.cos(turn), np.sin(turn)]), np.array([-np.sin(turn), np.cos(turn)])
    centre = np.asarray(block.outline.centroid.coords)[0]
    keep_out = shapely.union_all([site.outline.buffer(6.0) for site in plan.sites])
    room = block.outline.buffer(-6.0)
    reach = 0.5 * (frame_of(block.outline)[3] + frame_of(block.outline)[4])
    out: list[Placed] = []
    for v in np.arange(-reach, reach, 26.0):
        u = -reach + float(rng.uniform(0.0, 20.0))
        while u < reach:
            length = float(rng.choice([42.0, 54.0, 66.0]))
            ends = [(u, -5.4), (u + length, -5.4), (u + length, 5.4), (u, 5.4)]
            slab = in_frame(centre + across * v, along, across, ends)
            if not room.covers(slab) or slab.intersects(keep_out):
                u += 6.0
                continue
            storeys = 11 if rng.random() < 0.15 else 5
            name = f"市営水都団地 {start + len(out)}号棟"
            out.append(Placed(slab, "412", storeys, name, "412102", height=1.0 + 2.75 * storeys))
            u += length + 11.0
    return out


def towers(plan: Plan, rng: Generator) -> list[Placed]:
    """Towers of 60 to 150 m on podiums in the centre: two parts of one building, the podium has the tower as hole."""
    heights = [148.0, 121.0, 104.0, 96.0, 84.0, 72.0, 63.0]
    station = plan.station.centroid
    plots = [
        b for b in plan.blocks if b.kind is Kind.CENTRE and 1800 < b.outline.area < 9500 and frame_of(b.outline)[4] > 31
    ]
    plots.sort(key=lambda b: b.outline.centroid.distance(station))
    out: list[Placed] = []
    for block in plots:
        if not heights:
            break
        room = block.outline.buffer(-4.0, join_style="mitre")
        centre, along, across, length, breadth = frame_of(room)
        centre = np.asarray(room.representative_point().coords)[0] * 0.5 + centre * 0.5
        a, b = min(length * 0.46, 46.0), min(breadth * 0.44, 30.0)
        podium = in_frame(centre, along, across, [(-a, -b), (a, -b), (a, b), (-a, b)]).intersection(room)
        s, t = min(0.62 * a, 21.0), min(0.66 * b, 17.0)
        c = 0.22 * t
        shaft = in_frame(
            centre + along * (a - s) * rng.uniform(-0.5, 0.5), along, across,
            [(-s, -t), (s - c, -t), (s, -t + c), (s, t), (-s + c, t), (-s, t - c)],
        )  # fmt: skip
        if podium.geom_type != "Polygon" or podium.area < 900 or not podium.buffer(-2.5).covers(shaft):
            continue
        height = heights.pop(0)
        usage = str(rng.choice(["401", "404", "412", "403"], p=[0.4, 0.3, 0.15, 0.15]))
        storeys = round((height - 6.0) / (3.3 if usage == "412" else 4.0))
        out.append(Placed(podium.difference(shaft), "404", 4, height=19.5, basements=2, branch=1, is_landmark=True))
        out.append(Placed(shaft, usage, storeys, height=height, basements=2, branch=2, is_landmark=True))
    return out


def station_halls(plan: Plan) -> list[Placed]:
    """Station over the platforms, in pieces where roads pass below the viaduct."""
    roads = shapely.union_all([road.surface.buffer(1.0) for road in plan.roads])
    parts = [p for p in shapely.get_parts(plan.station.buffer(-1.0).difference(roads)) if p.area > 400]
    return [
        Placed(part, "431", 3, f"水都駅 {side}", "431101", height=17.5, is_landmark=True)
        for part, side in zip(sorted(parts, key=lambda p: -p.centroid.y), ("北館", "南館", "別館"), strict=False)
    ]
