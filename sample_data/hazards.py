"""Flood hazard polygons with the attributes of 国土数値情報 A31a (EPSG:6668), from the depths of the buildings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy import ndimage

from sample_data.archive import write_geopackage
from sample_data.contour import area_above
from sample_data.plan import LEVEE_WIDTH
from sample_data.ward import RIVER_NAME, place
from sample_data.water import DEPTH_RANKS, Inundation

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from shapely.geometry.base import BaseGeometry

    from sample_data.plan import Plan

__all__ = ["DURATION_RANKS", "hazard_layers", "write_hazards"]

DURATION_RANKS = (12.0, 24.0, 72.0, 168.0, 336.0, 672.0)
"""Upper bounds [h] of the duration ranks 1 to 6 of A31a_305; 7 is anything above."""
RIVER_ID, MANAGER_CODE, MANAGER = "8606199999", "27", "大阪府"
LEAST_DEPTH = 0.01


def _bands(
    values: np.ndarray, water: Inundation, bounds: tuple[float, ...], least: float
) -> list[tuple[int, BaseGeometry]]:
    """(rank, area) of each class of values that occurs."""
    edges = (least, *bounds)
    above = [area_above(values, water.grid, edge).simplify(0.4) for edge in edges]
    out = []
    for k, (lower, upper) in enumerate(zip(above, [*above[1:], shapely.Polygon()], strict=True), start=1):
        band = shapely.make_valid(lower.difference(upper)).buffer(0)
        if band.area > 25.0:
            out.append((k, band))
    return out


def _soft(values: np.ndarray) -> np.ndarray:
    """Depths on land continued a little over the dry edge, so that the outline crosses zero between cells."""
    wet = values > 0
    spread = ndimage.gaussian_filter(np.where(wet, values, -0.25), 0.6)
    return np.asarray(np.where(wet, np.maximum(spread, 0.011), np.minimum(spread, -0.01)))


def _table(number: int, rows: list[tuple[int, BaseGeometry]]) -> gpd.GeoDataFrame:
    import geopandas as gpd

    records: list[dict[str, Any]] = [
        {
            f"A31a_{number}01": RIVER_ID,
            f"A31a_{number}02": RIVER_NAME,
            f"A31a_{number}03": MANAGER_CODE,
            f"A31a_{number}04": MANAGER,
            f"A31a_{number}05": rank,
        }
        for rank, _ in rows
    ]
    shapes = [shape if shape.geom_type == "MultiPolygon" else shapely.MultiPolygon([shape]) for _, shape in rows]
    return gpd.GeoDataFrame(records, geometry=shapes, crs="EPSG:6674").to_crs("EPSG:6668")


def hazard_layers(plan: Plan, waters: dict[str, Inundation]) -> dict[str, gpd.GeoDataFrame]:
    """Layers A31a_10 planned, A31a_20 maximum, A31a_30 duration, A31a_41 flow and A31a_42 bank erosion zones."""
    planned, maximum = waters["river_planned"], waters["river_maximum"]
    land = plan.area.difference(shapely.union_all([plan.sea, plan.river]))

    def on_land(rows: list[tuple[int, BaseGeometry]]) -> list[tuple[int, BaseGeometry]]:
        clipped = [(rank, shapely.make_valid(shape.intersection(land)).buffer(0)) for rank, shape in rows]
        return [(rank, shape) for rank, shape in clipped if shape.area > 25.0]

    hours = np.where(maximum.depth > 0.5, (maximum.depth - 0.5) / 0.024, 0.0)
    breaches = shapely.MultiPoint(place(((660, 940), (1080, 760))))
    flow = breaches.buffer(190.0).intersection(plan.river.buffer(LEVEE_WIDTH + 95.0)).difference(plan.river)
    erosion = plan.river.buffer(LEVEE_WIDTH + 22.0).difference(plan.river).intersection(plan.area)
    return {
        "A31a_10": _table(1, on_land(_bands(_soft(planned.depth), planned, DEPTH_RANKS, LEAST_DEPTH))),
        "A31a_20": _table(2, on_land(_bands(_soft(maximum.depth), maximum, DEPTH_RANKS, LEAST_DEPTH))),
        "A31a_30": _table(3, on_land(_bands(hours, maximum, DURATION_RANKS, 0.25))),
        "A31a_41": _table(4, on_land([(1, flow)])),
        "A31a_42": _table(4, on_land([(2, erosion)])),
    }


def write_hazards(path: Path, plan: Plan, waters: dict[str, Inundation]) -> None:
    """Write hazard/A31a_flood.gpkg."""
    write_geopackage(path, hazard_layers(plan, waters))
