"""The catalogue of the sample: what each file is, who made it, which reader opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from sample_data import ward

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["LAYERS", "CatalogueRow", "write_catalogue"]

_PLATEAU = f"plateau/{ward.CITY_CODE}_suito-ku_2024_citygml_1_op.zip"
_WALK = "walk/network_2024_{}.geojson"
_FLOOD = "hazard/A31a_flood.gpkg"
_WALKING = (("nodes", _WALK.format("node")), ("terrain", "terrain"))
_STREETS = (("roads", "roads"), ("terrain", "terrain"))


class CatalogueRow(NamedTuple):
    """One layer of the catalogue; `layer` names the layer of a GeoPackage, `options` are more options of the reader."""

    id: str
    reader: str
    uri: str
    layer: str
    ja: str
    en: str
    vertical: str = ""
    options: tuple[tuple[str, str], ...] = ()


LAYERS = (
    CatalogueRow("buildings", "plateau_buildings", _PLATEAU, "", "建物", "Buildings"),
    CatalogueRow("roads", "plateau_roads", _PLATEAU, "", "道路", "Roads"),
    CatalogueRow("streets", "road_network", "", "", "道路網", "Street network", options=_STREETS),
    CatalogueRow("terrain", "elevation", "dem/suito_dem_1m.tif", "", "地形", "Terrain", "EPSG:6695"),
    CatalogueRow("points", "pointcloud", "lidar/suito.laz", "", "航空レーザ点群", "Airborne laser points", "EPSG:6695"),
    CatalogueRow("hazard_flood", "hazard", _FLOOD, "A31a_20", "洪水浸水想定（想定最大規模）", "Flood, maximum scale"),
    CatalogueRow(
        "hazard_flood_planned", "hazard", _FLOOD, "A31a_10", "洪水浸水想定（計画規模）", "Flood, planned scale"
    ),
    CatalogueRow("hazard_duration", "hazard", _FLOOD, "A31a_30", "浸水継続時間", "Duration of flooding"),
    CatalogueRow("hazard_collapse", "hazard", _FLOOD, "A31a_41", "家屋倒壊等（氾濫流）", "House collapse, flow"),
    CatalogueRow("hazard_erosion", "hazard", _FLOOD, "A31a_42", "家屋倒壊等（河岸侵食）", "House collapse, erosion"),
    CatalogueRow("shelters", "vector", "shelters.gpkg", "shelters", "避難所", "Shelters"),
    CatalogueRow("population", "vector", "population.gpkg", "population", "人口（250m）", "Population (250 m)"),
    CatalogueRow("underground", "vector", "underground.gpkg", "floors", "地下街", "Underground mall"),
    CatalogueRow("entrances", "vector", "underground.gpkg", "entrances", "地下街出入口", "Entrances of the mall"),
    CatalogueRow("bridges", "vector", "infrastructure.gpkg", "bridges", "橋梁点検", "Bridge inspections"),
    CatalogueRow("inspected_roads", "vector", "infrastructure.gpkg", "roads", "舗装点検", "Pavement inspections"),
    CatalogueRow(
        "walk", "mlit_walk", _WALK.format("link"), "", "歩行空間ネットワーク", "Walking network", options=_WALKING
    ),
    CatalogueRow("landing_sites", "vector", "airspace/landing_sites.geojson", "", "離着陸場", "Landing sites"),
    CatalogueRow("airspace_zones", "ed318", "airspace/suito_ed318.json", "", "飛行制限空域", "Airspace zones"),
)


def _entry(row: CatalogueRow) -> dict[str, Any]:
    entry: dict[str, Any] = {"reader": row.reader, "uri": row.uri, "name": {"ja": row.ja, "en": row.en}}
    if row.vertical:
        entry["vertical"] = row.vertical
    options = {**({"layer": row.layer} if row.layer else {}), **dict(row.options)}
    if options:
        entry["options"] = options
    source = "osaka-twin sample generator (fictional)"
    return {**entry, "source": source, "licence": "CC0-1.0", "access": "open", "date": "2025-03-21"}


def write_catalogue(path: Path) -> None:
    """Write catalog.yaml for the files beside it."""
    import yaml

    document = {
        "schema": 1,
        "name": {"ja": f"{ward.WARD}（架空）", "en": f"{ward.WARD_EN} (fictional)"},
        "frame": "EPSG:6674",
        "area": list(ward.AREA),
        "layers": {row.id: _entry(row) for row in LAYERS},
    }
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=120)
    path.write_text(text, encoding="utf-8")
