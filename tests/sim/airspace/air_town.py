"""A few houses on a slope with zones of every kind, in memory."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from layers.airspace import ZONE_COLUMNS
from layers.airspace_schedule import ALWAYS, DailyPeriod, Moment, Period, Schedule, schedule_json
from twin import OSAKA, CityModel, Grid, MeshLayer, PolygonMesh, Provenance, RasterLayer, Surface, VectorLayer

WEST, SOUTH = -52000.0, -145900.0
AREA = (WEST, SOUTH, WEST + 400.0, SOUTH + 300.0)
START = datetime(2026, 7, 22, 17, tzinfo=timezone(timedelta(hours=9)))
"""A Wednesday afternoon; the sun sets at about 19:06."""
HORIZON = 6 * 3600.0
FROM = Provenance("test", "CC0-1.0")


def ground(x: Any, y: Any) -> Any:
    return 2.0 + 0.02 * (np.asarray(x) - WEST) + 3.0 * np.sin((np.asarray(y) - SOUTH) / 60.0)


def polygon(*places: tuple[float, float], holes: Any = ()) -> shapely.Polygon:
    corner = np.array([WEST, SOUTH])
    return shapely.Polygon(np.array(places) + corner, [np.array(h) + corner for h in holes])


def outlines() -> list[shapely.Polygon]:
    houses = [shapely.box(WEST + 40 + 60 * i, SOUTH + 30 + 70 * j, WEST + 58 + 60 * i, SOUTH + 44 + 70 * j)
              for i in range(6) for j in range(3)]  # fmt: skip
    court = polygon(
        (330, 230), (380, 230), (380, 280), (330, 280), holes=[[(345, 245), (345, 265), (365, 265), (365, 245)]]
    )
    turned = polygon((120, 235), (150, 250), (140, 270), (110, 255))
    return [*houses, court, turned]


def buildings(heights: list[float] | None = None) -> MeshLayer:
    shapes = outlines()
    middle = shapely.get_coordinates(shapely.centroid(shapes))
    high = np.array(heights or [6.0 + 5.0 * (k * 7 % 12) for k in range(len(shapes))])
    base = ground(middle[:, 0], middle[:, 1])
    rings = [np.asarray(r.coords)[:-1] for s in shapes for r in (s.exterior, *s.interiors)]
    n = len(shapes)
    mesh = PolygonMesh(
        vertices=np.concatenate([np.c_[r, np.zeros(len(r))] for r in rings]),
        ring_start=np.cumsum([0, *(len(r) for r in rings)]),
        polygon_start=np.cumsum([0, *(1 + len(s.interiors) for s in shapes)]),
        polygon_feature=np.arange(n),
        polygon_surface=np.full(n, Surface.FOOTPRINT, np.uint8),
        polygon_lod=np.zeros(n, np.uint8),
    )
    table = pd.DataFrame({"id": [f"b{k}" for k in range(n)], "base": base, "top": base + high, "height": high})
    return MeshLayer("buildings", OSAKA, FROM, mesh, table)


def terrain(cell: float = 5.0) -> RasterLayer:
    grid = Grid.from_bounds((AREA[0] - 50, AREA[1] - 50, AREA[2] + 50, AREA[3] + 50), cell)
    return RasterLayer(
        "terrain", OSAKA, FROM, grid, ground(*np.meshgrid(grid.x_cell, grid.y_cell)).astype(np.float32), "m"
    )


def zone_row(identifier: str, shape: shapely.Geometry, restriction: str, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = dict.fromkeys(ZONE_COLUMNS, "")
    row |= {"zone": 0, "part": 0, "identifier": identifier, "restriction": restriction, "geometry": shape}
    row |= {"lower": 0.0, "upper": np.inf, "lower_reference": "AGL", "upper_reference": "AGL"}
    row |= {"center_x": np.nan, "center_y": np.nan, "radius": np.nan, "name_ja": identifier, "name_en": identifier}
    row |= {"authority": "港湾局", "source": "test zones"}
    return row | changes


def circle_row(identifier: str, x: float, y: float, radius: float, restriction: str, **changes: Any) -> dict[str, Any]:
    shape = shapely.Point(WEST + x, SOUTH + y).buffer(radius * 1.01, quad_segs=32)
    place = {"center_x": WEST + x, "center_y": SOUTH + y, "radius": radius}
    return zone_row(identifier, shape, restriction, **place, **changes)


def hours(start: str | float, end: str | float) -> str:
    def moment(value: str | float) -> Moment:
        return Moment(event=value) if isinstance(value, str) else Moment(value * 3600.0, 32400)

    return schedule_json((Period(daily=(DailyPeriod((), moment(start), moment(end)),)),))


def dated(start: datetime | None, end: datetime | None) -> str:
    schedule: Schedule = (Period(start, end),) if start or end else ALWAYS
    return schedule_json(schedule)


def zones(*rows: dict[str, Any], layer_id: str = "airspace_zones") -> VectorLayer:
    table = gpd.GeoDataFrame(list(rows), geometry="geometry", crs=OSAKA.wkt())
    return VectorLayer(layer_id, OSAKA, FROM, table)


def every_zone() -> VectorLayer:
    ring = polygon((20, 20), (200, 30), (180, 200), (30, 180), holes=[[(60, 60), (60, 100), (100, 100), (100, 60)]])
    both = shapely.union_all([polygon((250, 20), (390, 20), (390, 90)), polygon((230, 120), (300, 180), (220, 190))])
    return zones(
        circle_row("HELI", 300, 150, 80, "PROHIBITED", upper=100.0, schedule=hours(18, 20)),
        zone_row("PORT", ring, "REQ_AUTHORISATION", lower=20.0, upper=60.0, upper_reference="AMSL",
                 purpose="AUTHORIZATION"),
        zone_row("ROUTE", both, "CONDITIONAL", lower=15.0, lower_reference="AMSL", schedule=hours("SR", "SS"),
                 purpose="NOTIFICATION"),
        zone_row("FREE", polygon((0, 200), (120, 200), (120, 300)), "NO_RESTRICTION"),
        zone_row("USPACE", polygon((200, 200), (300, 200), (300, 300), (200, 300)), "USPACE", upper=50.0),
        zone_row("SOON", polygon((0, 0), (100, 0), (0, 100)), "PROHIBITED",
                 schedule=dated(START + timedelta(hours=3), None)),
    )  # fmt: skip


def did() -> VectorLayer:
    shape = polygon((100, -50), (500, -50), (500, 170), (150, 150))
    return VectorLayer("did", OSAKA, FROM, gpd.GeoDataFrame({"name": ["DID"]}, geometry=[shape], crs=OSAKA.wkt()))


def no_fly(valid_from: str = "") -> VectorLayer:
    columns = {"site_id": ["S1"], "name_ja": ["庁舎"], "name_en": ["Office"], "category": [""], "authority": [""],
               "valid_from": [valid_from], "valid_to": [""]}  # fmt: skip
    shape = polygon((-150, 120), (-100, 120), (-100, 170), (-150, 170))
    return VectorLayer("no_fly_sites", OSAKA, FROM, gpd.GeoDataFrame(columns, geometry=[shape], crs=OSAKA.wkt()))


def aerodromes(**changes: Any) -> VectorLayer:
    line = shapely.LineString([(WEST - 2800, SOUTH - 900), (WEST - 300, SOUTH + 100)])
    columns = {"aerodrome": "浜空港", "elevation": 3.0, "landing_class": "B", "strip_width": 300.0, "has_outer": True}
    row = {k: [v] for k, v in (columns | changes).items()}
    return VectorLayer("aerodromes", OSAKA, FROM, gpd.GeoDataFrame(row, geometry=[line], crs=OSAKA.wkt()))


def town(*layers: Any) -> CityModel:
    every = (terrain(), buildings(), *layers)
    return CityModel({"en": "Air town"}, OSAKA, AREA, {layer.id: layer for layer in every})


def whole_town() -> CityModel:
    return town(every_zone(), did(), no_fly(), aerodromes())
