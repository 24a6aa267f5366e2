"""Where people are by night and by day (250 m grid squares), and the shelters that would take them in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from sample_data.archive import write_geopackage
from sample_data.jismesh import quarter_mesh, quarter_mesh_bounds
from sample_data.ward import CITY_CODE, WARD, Kind
from twin.frame import GEOGRAPHIC, OSAKA

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

    from sample_data.buildings import Building
    from sample_data.plan import Plan
    from sample_data.terrain import Terrain
    from sample_data.water import Inundation

__all__ = ["population", "shelters", "write_population", "write_shelters"]

FLOOR_PER_RESIDENT = {"411": 44.0, "412": 36.0, "413": 60.0, "414": 44.0, "415": 62.0}
"""Gross floor area a resident [m2] by building usage; magnitudes of Osaka's housing survey."""
FLOOR_PER_VISITOR = {"401": 22.0, "402": 26.0, "403": 45.0, "404": 30.0, "413": 90.0, "415": 80.0, "421": 28.0,
                     "422": 24.0, "431": 220.0, "441": 130.0, "452": 400.0}  # fmt: skip
"""Gross floor area a person at work, school or shopping in the early afternoon [m2]."""
AT_HOME = 0.36
"""Share of the residents who are at home in the early afternoon."""
ELDERLY = {Kind.OLD: 0.39, Kind.DANCHI: 0.46, Kind.LOW: 0.30, Kind.CENTRE: 0.16}
NEEDS_SUPPORT = 0.19
"""Share of those of 65 and more who are certified as needing long-term care (要介護・要支援認定率, about a fifth)."""


def population(buildings: list[Building]) -> gpd.GeoDataFrame:
    """Residents and visitors of the quarter squares that have any building, EPSG:6668.

    Columns: mesh_code, night, day, elderly (65 and more, night), needs_support (of the elderly), households.
    """
    import geopandas as gpd

    centres = [b.outline.representative_point() for b in buildings]
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, [c.x for c in centres], [c.y for c in centres])
    cells: dict[str, dict[str, float]] = {}
    for building, o, a in zip(buildings, lon, lat, strict=True):
        cell = cells.setdefault(
            quarter_mesh(float(o), float(a)), dict.fromkeys(("night", "day", "elderly", "households"), 0.0)
        )
        floor = float(building.outline.area) * building.storeys * 0.82
        residents = floor / FLOOR_PER_RESIDENT[building.usage] if building.usage in FLOOR_PER_RESIDENT else 0.0
        visitors = floor / FLOOR_PER_VISITOR[building.usage] if building.usage in FLOOR_PER_VISITOR else 0.0
        cell["night"] += residents
        cell["day"] += AT_HOME * residents + visitors
        cell["elderly"] += residents * ELDERLY.get(building.kind, 0.24)
        cell["households"] += residents / 2.05
    rows: list[dict[str, Any]] = [
        {
            "mesh_code": code, "night": round(c["night"]), "day": round(c["day"]), "elderly": round(c["elderly"]),
            "needs_support": round(c["elderly"] * NEEDS_SUPPORT), "households": round(c["households"]),
        }
        for code, c in sorted(cells.items())
    ]  # fmt: skip
    shapes = [shapely.box(*quarter_mesh_bounds(row["mesh_code"])) for row in rows]
    return gpd.GeoDataFrame(rows, geometry=shapes, crs="EPSG:6668")


def write_population(path: Path, buildings: list[Building]) -> None:
    """Write population.gpkg (layer ``population``)."""
    write_geopackage(path, {"population": population(buildings)})


@dataclass(frozen=True, slots=True)
class _Shelter:
    name: str
    kind: str
    point: shapely.Point
    address: str
    capacity: int
    floor_from: int
    """Lowest storey that is used when water comes."""
    storeys: int
    building_id: str


def _candidates(plan: Plan, buildings: list[Building]) -> list[_Shelter]:
    out = []
    for site in plan.sites:
        inside = [b for b in buildings if site.outline.covers(b.outline.representative_point())]
        main = max(inside, key=lambda b: b.outline.area * b.storeys, default=None)
        if site.kind is Kind.SCHOOL and main is not None:
            floor = sum(float(b.outline.area) for b in inside if "体育館" in b.name or "校舎" in b.name)
            out.append(_Shelter(site.name, "指定避難所", main.outline.representative_point(), site.district,
                                round(floor / 1.65), 3, main.storeys, main.building_id))  # fmt: skip
        elif site.kind is Kind.PARK:
            out.append(_Shelter(site.name, "一時避難場所", site.outline.representative_point(), site.district,
                                round(float(site.outline.area) * 0.6), 0, 0, ""))  # fmt: skip
        elif site.kind in (Kind.WARD_OFFICE, Kind.HOSPITAL) and main is not None:
            out.append(_Shelter(site.name, "指定緊急避難場所", main.outline.representative_point(), site.district,
                                round(float(main.outline.area) * 2 / 3.3), 3, main.storeys,
                                main.building_id))  # fmt: skip
    # tall solid buildings in the low districts serve as refuges from water, well apart from each other
    tall = [b for b in buildings if b.storeys >= 5 and b.kind in (Kind.LOW, Kind.DANCHI, Kind.HOUSES,
    Kind.SOUTH, Kind.MID)
            and b.usage in ("412", "414") and b.name]  # fmt: skip
    tall.sort(key=lambda b: -b.outline.area * b.storeys)
    chosen: list[Building] = []
    for building in tall:
        if len(chosen) < 16 and all(building.outline.distance(c.outline) > 170 for c in chosen):
            chosen.append(building)
    out += [
        _Shelter(b.name, "津波避難ビル・水害時避難ビル", b.outline.representative_point(), b.address,
                 round(float(b.outline.area) * 0.25 * max(1, b.storeys - 3)), 3, b.storeys, b.building_id)
        for b in chosen
    ]  # fmt: skip
    return out


def shelters(
    plan: Plan, terrain: Terrain, buildings: list[Building], waters: dict[str, Inundation]
) -> gpd.GeoDataFrame:
    """Shelters with what they are fit for (1 yes, 0 no), EPSG:6668.

    A place is fit for a hazard of water where its usable floor stands above the water.
    """
    import geopandas as gpd

    found = _candidates(plan, buildings)
    rows: list[dict[str, Any]] = []
    for number, s in enumerate(found, start=1):
        ground = float(terrain.at(np.array([s.point.x]), np.array([s.point.y]))[0])
        depth = {k: w.depth_at(s.point.x, s.point.y, ground) for k, w in waters.items()}
        floor_height = 3.3 * max(0, s.floor_from - 1)

        def fit(hazard: str, depth: dict[str, float] = depth, floor_height: float = floor_height) -> int:
            return int(depth[hazard] <= max(0.05, floor_height))

        rows.append(
            {
                "shelter_id": f"{CITY_CODE}-S{number:03d}", "name": s.name, "kind": s.kind,
                "address": f"{WARD}{s.address}",
                "flood": fit("river_maximum"), "storm_surge": fit("storm_surge"), "tsunami": fit("tsunami"),
                "earthquake": int(s.kind != "津波避難ビル・水害時避難ビル"), "fire": int(s.kind == "一時避難場所"),
                "inland_flood": fit("river_planned"), "capacity": max(20, s.capacity), "floor_from": s.floor_from,
                "storeys": s.storeys, "ground_height": round(ground, 2), "building_id": s.building_id,
                "is_designated": int(s.kind == "指定避難所"),
            }
        )  # fmt: skip
    return gpd.GeoDataFrame(rows, geometry=[s.point for s in found], crs="EPSG:6674").to_crs("EPSG:6668")


def write_shelters(
    path: Path, plan: Plan, terrain: Terrain, buildings: list[Building], waters: dict[str, Inundation]
) -> None:
    """Write shelters.gpkg (layer ``shelters``)."""
    write_geopackage(path, {"shelters": shelters(plan, terrain, buildings, waters)})
