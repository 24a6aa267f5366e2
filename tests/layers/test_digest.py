"""A run's key knows every file that a layer is read from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import shapely
import yaml

from layers.digest import digest_layers

if TYPE_CHECKING:
    from pathlib import Path


def _catalog(folder: Path, **entry: object) -> Path:
    path = folder / "catalog.yaml"
    document = {"schema": 1, "name": {"ja": "町", "en": "Town"}, "frame": "EPSG:6674", "area": [0, 0, 100, 100]}
    path.write_text(yaml.safe_dump(document | {"layers": {"layer": entry}}), encoding="utf-8")
    return path


def test_a_shapefile_is_all_of_its_files(tmp_path: Path) -> None:
    table = gpd.GeoDataFrame({"capacity": [10]}, geometry=[shapely.Point(5, 5)], crs="EPSG:6674")
    table.to_file(tmp_path / "shelters.shp")
    catalog = _catalog(tmp_path, reader="vector", uri="shelters.shp")
    before = digest_layers(catalog, ["layer"])
    assert digest_layers(catalog, ["layer"]) == before
    geometry = (tmp_path / "shelters.shp").read_bytes()
    table.assign(capacity=[20]).to_file(tmp_path / "shelters.shp")
    assert (tmp_path / "shelters.shp").read_bytes() == geometry
    assert digest_layers(catalog, ["layer"]) != before


def test_a_file_that_an_option_names_counts_too(tmp_path: Path) -> None:
    for name in ("link.csv", "node.csv"):
        (tmp_path / name).write_text("id\n1\n", encoding="utf-8")
    catalog = _catalog(tmp_path, reader="mlit_walk", uri="link.csv", options={"nodes": "node.csv"})
    before = digest_layers(catalog, ["layer"])
    (tmp_path / "node.csv").write_text("id\n2\n", encoding="utf-8")
    assert digest_layers(catalog, ["layer"]) != before
