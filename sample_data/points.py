"""An airborne laser survey of the centre as LAZ: ground, roofs, walls, trees, water."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from sample_data.roofs import roof_height
from sample_data.terrain import mask_of
from sample_data.ward import Kind, place

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from sample_data.buildings import Building
    from sample_data.plan import Plan
    from sample_data.terrain import Terrain

__all__ = ["SURVEYED", "survey", "write_points"]

SURVEYED = ((1000, 560), (1620, 1060))
"""South-west and north-east corner of the surveyed box in drawing coordinates."""
DENSITY = 4.0
"""Pulses a square metre."""
NOISE = 0.035
"""Standard deviation of a height [m]."""
GROUND, TREE, BUILDING, WATER = 2, 5, 6, 9
WATER_LEVEL = 0.25


def _trees(plan: Plan, box: shapely.Polygon, roofs: shapely.Geometry, rng: np.random.Generator) -> NDArray[np.float64]:
    """(n, 4) tree tops: x, y, height and radius of the crown [m]: in parks, along main roads, in gardens."""
    out: list[tuple[float, float, float, float]] = []
    for site in plan.sites:
        if site.kind in (Kind.PARK, Kind.SHRINE, Kind.SCHOOL) and site.outline.intersects(box):
            west, south, east, north = site.outline.bounds
            count = int(site.outline.area / (55 if site.kind is not Kind.SCHOOL else 260))
            xy = rng.uniform((west, south), (east, north), (count * 2, 2))
            inside = shapely.contains_xy(site.outline.buffer(-2.0), xy)
            out += [(*p, rng.uniform(6, 13), rng.uniform(2.0, 4.2)) for p in xy[inside][:count]]
    for road in plan.main_roads:
        if road.width < 20:
            continue
        for side in (-1.0, 1.0):
            line = road.line.parallel_offset(road.width / 2 - 2.4, "left" if side > 0 else "right")
            line = line.intersection(box).difference(plan.river.buffer(30.0))
            for part in shapely.get_parts(line):
                stops = shapely.line_interpolate_point(part, np.arange(5.0, part.length, 11.0))
                out += [(p.x, p.y, rng.uniform(5, 8.5), rng.uniform(1.4, 2.4)) for p in stops]
    tops = np.array(out)
    return np.asarray(tops[~shapely.contains_xy(roofs.buffer(1.0), tops[:, :2])], dtype=np.float64)


def survey(
    plan: Plan, terrain: Terrain, buildings: list[Building], seed: int
) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Points of the survey.

    Returns
    -------
    xyz : ndarray (n, 3)
        EPSG:6674 and T.P. [m], in strips as an aircraft flies them.
    classification : ndarray (n,)
        2 ground, 5 high vegetation, 6 building, 9 water.
    """
    rng = np.random.default_rng([seed, 10])
    (west, south), (east, north) = place(SURVEYED)
    box = shapely.box(west, south, east, north)
    inside = [b for b in buildings if b.outline.intersects(box)]
    roofs = shapely.union_all([b.outline for b in inside])
    count = int(box.area * DENSITY)
    xy = rng.uniform((west, south), (east, north), (count, 2))
    # whole centimetres, none on the border of two terrain cells: the file then holds the very place that was sampled
    xy = np.floor(xy) + np.clip(np.round(xy - np.floor(xy), 2), 0.01, 0.99)
    z = terrain.at(xy[:, 0], xy[:, 1])
    classes = np.full(count, GROUND, dtype=np.uint8)

    is_water = mask_of(shapely.union(plan.river, plan.sea), terrain.grid)
    row, col = terrain.grid.row_col(xy[:, 0], xy[:, 1])
    wet = is_water[row, col] & (z < WATER_LEVEL)
    z[wet], classes[wet] = WATER_LEVEL, WATER

    tree = shapely.STRtree([b.outline for b in inside])
    point, building = tree.query(shapely.points(xy), predicate="within")
    order = np.argsort(building, kind="stable")
    point, building = point[order], building[order]
    starts = np.searchsorted(building, np.arange(len(inside) + 1))
    for k, b in enumerate(inside):
        hit = point[starts[k] : starts[k + 1]]
        if len(hit):
            z[hit] = roof_height(b, xy[hit, 0], xy[hit, 1])
            classes[hit] = BUILDING

    tops = _trees(plan, box, roofs, rng)
    crowns = shapely.STRtree(shapely.points(tops[:, :2]))
    near_point, near_tree = crowns.query(shapely.points(xy), predicate="dwithin", distance=4.2)
    offset = np.hypot(*(xy[near_point] - tops[near_tree, :2]).T)
    radius, height = tops[near_tree, 3], tops[near_tree, 2]
    under = (offset < radius) & (classes[near_point] == GROUND) & (rng.random(len(offset)) < 0.8)
    p = near_point[under]
    crown = height[under] * (0.55 + 0.45 * np.sqrt(1.0 - (offset[under] / radius[under]) ** 2))
    z[p] += crown * rng.uniform(0.82, 1.0, len(p))
    classes[p] = TREE

    # a pulse on a pole of water or glass is often lost: fewer returns there
    lost = (classes == WATER) & (rng.random(count) < 0.6)
    wall_xyz = _walls(inside, box, rng)
    xyz = np.vstack([np.column_stack([xy, z])[~lost], wall_xyz])
    classes = np.concatenate([classes[~lost], np.full(len(wall_xyz), BUILDING, dtype=np.uint8)])
    xyz[:, 2] += np.clip(rng.normal(0.0, NOISE, len(xyz)), -0.12, 0.12)
    strip = np.floor((xyz[:, 0] - west) / 60.0)
    order = np.lexsort((xyz[:, 1].round(1) * np.where(strip % 2 == 0, 1, -1), strip))
    return xyz[order], classes[order]


def _walls(buildings: list[Building], box: shapely.Polygon, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sparse points on the walls, as a slanted beam leaves them."""
    out = []
    for b in buildings:
        ring = b.outline.exterior
        n = int(ring.length * b.eaves * 0.06)
        at = shapely.get_coordinates(shapely.line_interpolate_point(ring, rng.uniform(0, ring.length, n)))
        out.append(np.column_stack([at, b.base + b.eaves * rng.uniform(0.05, 1.0, n)]))
    xyz = np.vstack(out)
    return np.asarray(xyz[shapely.contains_xy(box, xyz[:, :2])], dtype=np.float64)


def write_points(path: Path, plan: Plan, terrain: Terrain, buildings: list[Building], seed: int) -> None:
    """Write lidar/suito.laz: LAS 1.4, point format 6, scale 1 cm, EPSG:6674 + EPSG:6695 as WKT."""
    import datetime as dt

    import laspy
    from pyproj import CRS

    xyz, classes = survey(plan, terrain, buildings, seed)
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.scales, header.offsets = np.array([0.01, 0.01, 0.01]), np.array([*np.floor(xyz[:, :2].min(axis=0)), 0.0])
    header.creation_date = dt.date(2025, 3, 21)
    header.generating_software = "osaka-twin sample"
    header.add_crs(CRS("EPSG:6674+6695"))
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = xyz.T
    cloud.classification = classes
    cloud.return_number = np.ones(len(xyz), dtype=np.uint8)
    cloud.number_of_returns = np.ones(len(xyz), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    cloud.write(str(path), laz_backend=laspy.LazBackend.Lazrs)
