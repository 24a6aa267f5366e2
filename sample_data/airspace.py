"""Airspace rules as an ED-318 file, and landing sites for drones, dry and wet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from sample_data.archive import write_geojson
from sample_data.ward import Kind, place
from twin.frame import GEOGRAPHIC, OSAKA

if TYPE_CHECKING:
    from pathlib import Path

    from sample_data.buildings import Building
    from sample_data.plan import Plan
    from sample_data.terrain import Terrain
    from sample_data.water import Inundation

__all__ = ["geozones", "landing_sites", "write_airspace"]

HELIPORT_RADIUS = 300.0
"""Prohibited radius about the hospital's heliport [m]: an assumption of the sample."""
_CRS = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::6668"}}


def _texts(ja: str, en: str) -> list[dict[str, str]]:
    return [{"text": ja, "lang": "ja-JP"}, {"text": en, "lang": "en-GB"}]


def _lonlat(xy: np.ndarray) -> list[list[float]]:
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, xy[:, 0], xy[:, 1])
    return [[round(float(o), 7), round(float(a), 7)] for o, a in zip(lon, lat, strict=True)]


def _polygon(shape: shapely.Polygon) -> dict[str, Any]:
    ring = shapely.geometry.polygon.orient(shape.simplify(2.0))
    return {"type": "Polygon", "coordinates": [_lonlat(np.asarray(ring.exterior.coords))]}


def _circle(x: float, y: float, radius: float) -> dict[str, Any]:
    return {
        "type": "Point",
        "coordinates": _lonlat(np.array([[x, y]]))[0],
        "extent": {"subType": "Circle", "radius": radius},
    }


def _zone(
    identifier: str, name: tuple[str, str], kind: str, reason: list[str], geometry: dict[str, Any],
    limits: tuple[float, float], authority: tuple[str, str, str], *, reference: str = "AGL",
    schedule: list[dict[str, Any]] | None = None, message: tuple[str, str] | None = None, conditions: str = "",
) -> dict[str, Any]:  # fmt: skip
    layer = {
        "upper": limits[1],
        "upperReference": reference,
        "lower": limits[0],
        "lowerReference": reference,
        "uom": "m",
    }
    properties: dict[str, Any] = {
        "identifier": identifier, "country": "JPN", "name": _texts(*name), "type": kind, "variant": "COMMON",
        "region": 0, "reason": reason,
        "zoneAuthority": [{
            "name": _texts(authority[0], authority[1]), "service": _texts("無人航空機担当（架空）",
            "UAS desk (fictional)"),
            "email": "uas@suito.example", "purpose": authority[2], "intervalBefore": "P10D"}],
        "dataSource": {"creationDateTime": "2025-03-21T00:00:00+09:00", "originator": "sample generator (fictional)"},
    }  # fmt: skip
    if conditions:
        properties["restrictionConditions"] = conditions
    if message:
        properties["message"] = _texts(*message)
    if schedule:
        properties["limitedApplicability"] = schedule
    return {"type": "Feature", "geometry": {**geometry, "layer": layer}, "properties": properties}


def geozones(plan: Plan, buildings: list[Building]) -> list[dict[str, Any]]:
    """Features of the ED-318 file: heliport, inhabited district, above 150 m, oil terminal, festival, drone route."""
    heli = next(b for b in buildings if b.name == "水都総合病院 本館").outline.representative_point()
    tanks = plan.site("北港油槽所").outline.centroid
    plaza = plan.site("水都駅前広場").outline.centroid
    inhabited = shapely.union_all([b.outline for b in plan.blocks if b.kind not in (Kind.HARBOUR, Kind.SOUTH)])
    did = max(
        shapely.get_parts(inhabited.buffer(90.0).buffer(-70.0).intersection(plan.area)), key=lambda p: float(p.area)
    )
    route = shapely.LineString(np.asarray(plan.river_line.coords)).intersection(plan.area).buffer(50.0)
    days = ["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]
    hospital, bureau = (
        ("水都総合病院（架空）", "Suito General Hospital (fictional)"),
        ("航空担当局（架空）", "Aviation bureau (fictional)"),
    )
    port = ("水都港湾局（架空）", "Suito port authority (fictional)")
    return [
        _zone("SUI0001", ("水都総合病院ヘリポート", "Suito General Hospital heliport"), "PROHIBITED",
        ["AIR_TRAFFIC", "EMERGENCY"],
              _circle(heli.x, heli.y, HELIPORT_RADIUS), (0, 150), (*hospital, "AUTHORIZATION"),
              schedule=[{"schedule": [{"day": days, "startTime": "08:00:00+09:00", "endTime": "19:00:00+09:00"}]}],
              message=("ドクターヘリ運航時間帯は飛行禁止", "No flights while the air ambulance is on duty")),
        _zone("SUI0002", ("水都区人口集中地区", "Suito densely inhabited district"), "REQ_AUTHORIZATION",
        ["POPULATION"],
              _polygon(did), (0, 150), (*bureau, "AUTHORIZATION"),
              message=("人口集中地区：飛行には許可が必要", "Densely inhabited district: flights need a permission")),
        _zone("SUI0003", ("水都区上空150m以上", "Above 150 m over Suito"), "PROHIBITED", ["AIR_TRAFFIC"],
              _polygon(plan.area), (150, 99999), (*bureau, "AUTHORIZATION")),
        _zone("SUI0004", ("北港油槽所周辺", "Kitako oil terminal"), "PROHIBITED", ["SENSITIVE"],
              _circle(tanks.x, tanks.y, 180.0), (0, 99999), (*port, "AUTHORIZATION")),
        _zone("SUI0005", ("水都天神まつり", "Suito Tenjin festival"), "PROHIBITED", ["OTHER"],
              _circle(plaza.x, plaza.y, 220.0), (0, 300), (*bureau, "INFORMATION"),
              schedule=[{"startDateTime": "2025-07-24T09:00:00+09:00", "endDateTime": "2025-07-25T23:00:00+09:00"}]),
        _zone("SUI0006", ("水都川ドローン航路", "Suito river drone route"), "CONDITIONAL", ["OTHER"],
              _polygon(route), (30, 120), (*port, "NOTIFICATION"), reference="AMSL",
              schedule=[{"schedule": [{"day": days, "startEvent": "SR", "endEvent": "SS"}]}],
              conditions="日出から日没まで、最大離陸重量25kg以下、対水面30m以上"),
    ]  # fmt: skip


def landing_sites(
    plan: Plan, terrain: Terrain, buildings: list[Building], waters: dict[str, Inundation]
) -> list[dict[str, Any]]:
    """Landing sites (points): roofs, school grounds, parks, quay, levee; with the water that would stand there."""
    chosen: list[tuple[str, str, float, float, float | None, float]] = []
    for b in buildings:
        c = b.outline.representative_point()
        if b.name == "水都総合病院 本館":
            chosen.append((f"{b.name} 屋上ヘリポート", "roof", c.x, c.y, b.base + b.eaves, 10.0))
        elif b.name in ("水都区役所", "市営水都団地 1号棟", "市営水都団地 20号棟"):
            chosen.append((f"{b.name} 屋上", "roof", c.x, c.y, b.base + b.eaves, 5.0))
    for site in plan.sites:
        if site.kind in (Kind.SCHOOL, Kind.PARK, Kind.YARD):
            built = shapely.union_all([b.outline for b in buildings if site.outline.intersects(b.outline)])
            free = shapely.maximum_inscribed_circle(site.outline.difference(built.buffer(3.0)).buffer(0))
            x, y = free.coords[0]
            label = "校庭" if site.kind is Kind.SCHOOL else ("ヤード" if site.kind is Kind.YARD else "広場")
            chosen.append((f"{site.name} {label}", "ground", x, y, None, min(20.0, free.length)))
    crest = plan.river.buffer(6.0).boundary
    for name, kind, spot in (("水都川右岸堤防天端", "levee", (1075, 985)), ("築港岸壁", "quay", (560, 190))):
        at = shapely.Point(place((spot,))[0])
        at = crest.interpolate(crest.project(at)) if kind == "levee" else at
        chosen.append((name, kind, at.x, at.y, None, 3.0))
    features = []
    for k, (name, kind, x, y, height, radius) in enumerate(chosen, start=1):
        ground = float(terrain.at(np.array([x]), np.array([y]))[0])
        z = ground if height is None else height
        depths = {h: round(w.depth_at(x, y, z), 2) for h, w in waters.items()}
        properties = {
            "site_id": f"LS{k:02d}", "name": name, "kind": kind, "radius_m": round(radius, 1), "height": round(z, 2),
            **{f"depth_{h}": d for h, d in depths.items()}, "is_dry": max(depths.values()) < 0.05,
            "has_charger": kind == "roof",
        }  # fmt: skip
        point = _lonlat(np.array([[x, y]]))[0]
        features.append(
            {"type": "Feature", "properties": properties, "geometry": {"type": "Point", "coordinates": point}}
        )
    return features


def write_airspace(
    folder: Path, plan: Plan, terrain: Terrain, buildings: list[Building], waters: dict[str, Inundation]
) -> None:
    """Write airspace/suito_ed318.json and airspace/landing_sites.geojson."""
    corners = np.array(_lonlat(np.asarray(plan.area.exterior.coords)))
    west, south = corners.min(axis=0).tolist()
    east, north = corners.max(axis=0).tolist()
    note = _texts("架空の区域。法的効力なし。", "Fictional zones without legal force.")
    write_geojson(
        folder / "suito_ed318.json", "Suito ward UAS geographical zones (fictional)", geozones(plan, buildings),
        bbox=[west, south, east, north],
        metadata={
            "validFrom": "2025-04-01T00:00:00+09:00", "validTo": "2030-03-31T23:59:59+09:00",
            "issued": "2025-03-21T00:00:00+09:00",
            "provider": _texts("水都区（架空）", "Suito ward (fictional)"), "description": note,
            "otherGeoid": "JGD2011 (vertical)",
        },
    )  # fmt: skip
    write_geojson(
        folder / "landing_sites.geojson", "landing_sites", landing_sites(plan, terrain, buildings, waters), crs=_CRS
    )
