"""Files whose bytes depend on their content only: zip members and GeoPackages without the time of writing."""

from __future__ import annotations

import json
import zipfile
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd

__all__ = ["write_geojson", "write_geopackage", "write_zip"]

_STAMP = (2025, 3, 21, 0, 0, 0)


def write_zip(path: Path, members: dict[str, str]) -> None:
    """Write text members (UTF-8, deflated) with a fixed time stamp."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as archive:
        for name, text in members.items():
            info = zipfile.ZipInfo(name, _STAMP)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.external_attr = 0o644 << 16
            archive.writestr(info, text.encode("utf-8"))


def write_geopackage(path: Path, layers: dict[str, gpd.GeoDataFrame]) -> None:
    """Write layers into one GeoPackage; the date of change that the format wants is a constant."""
    import pyogrio

    path.parent.mkdir(parents=True, exist_ok=True)
    previous = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": "2025-03-21T00:00:00.000Z"})
    try:
        for k, (name, table) in enumerate(layers.items()):
            pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", append=k > 0)
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": previous})


def write_geojson(path: Path, name: str, features: list[dict[str, Any]], **members: Any) -> None:
    """Write a FeatureCollection, one feature a line; `members` go beside ``features``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = json.dumps({"type": "FeatureCollection", "name": name, **members}, ensure_ascii=False)[:-1]
    lines = ",\n".join(json.dumps(feature, ensure_ascii=False) for feature in features)
    path.write_text(f'{head}, "features": [\n{lines}\n]}}\n', encoding="utf-8")
