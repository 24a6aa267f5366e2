from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import shapely

from layers import load_city, write_catalog
from layers.catalog import Catalog, Entry
from layers.export import save_geotiff
from layers.load import reading_order
from layers.registry import READERS, Reader
from twin import OSAKA, Frame, FrameError, Grid, LayerError, Provenance, RasterLayer, VectorLayer

AREA = (-53000.0, -146000.0, -52000.0, -145000.0)


def read_sum(*, layer_id: str, frame: Frame, one: RasterLayer, other: RasterLayer | None = None) -> RasterLayer:
    """A layer that is computed from others."""
    values = one.values + (other.values if other is not None else 0)
    return RasterLayer(layer_id, frame, Provenance("sum", ""), one.grid, values, "m")


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small city: a terrain, shelters, and a layer that needs the terrain but stands before it."""
    monkeypatch.setitem(READERS, "sum", Reader(read_sum, layers=("one", "other")))
    grid = Grid.from_bounds(AREA, 10.0)
    x, y = np.meshgrid(grid.x_cell, grid.y_cell)
    save_geotiff(
        (0.001 * (x - AREA[0]) + 0.002 * (y - AREA[1])).astype(np.float32), grid, tmp_path / "dem.tif", units="m"
    )
    points = [shapely.Point(-52900, -145900), shapely.Point(-52100, -145100), shapely.Point(-40000, -145100)]
    shelters = gpd.GeoDataFrame({"name": ["西", "東", "遠"]}, geometry=points, crs="EPSG:6674")
    shelters.to_crs("EPSG:6668").to_file(tmp_path / "shelters.gpkg", layer="shelters")
    entries = {
        "doubled": Entry(reader="sum", options={"one": "terrain", "other": "terrain"}),
        "shelters": Entry(reader="vector", uri="shelters.gpkg", licence="CC0-1.0"),
        "terrain": Entry(reader="elevation", uri="dem.tif"),
    }
    path = tmp_path / "catalog.yaml"
    write_catalog(Catalog(name={"ja": "町", "en": "Town"}, area=AREA, layers=entries), path)
    return path


def test_a_city_has_its_layers_in_the_catalogue_s_order_and_its_frame(catalog: Path) -> None:
    city = load_city(catalog)
    assert list(city) == ["doubled", "shelters", "terrain"]
    assert city.frame == OSAKA
    assert city.area == AREA
    assert city.require("shelters", VectorLayer).table["name"].tolist() == ["西", "東"]
    assert city.require("shelters", VectorLayer).provenance.licence == "CC0-1.0"
    terrain, doubled = city.require("terrain", RasterLayer), city.require("doubled", RasterLayer)
    assert np.array_equal(doubled.values, 2 * terrain.values)
    assert len(terrain.provenance.sha256) == 64


def test_a_part_of_the_city_is_cut_from_every_layer(catalog: Path) -> None:
    area = (-53000.0, -146000.0, -52700.0, -145800.0)
    city = load_city(str(catalog), area=area)
    assert city.area == area
    assert city.require("terrain", RasterLayer).grid.bounds == area
    assert city.require("shelters", VectorLayer).table["name"].tolist() == ["西"]
    whole = load_city(catalog).require("terrain", RasterLayer)
    assert np.array_equal(city.require("terrain", RasterLayer).values, whole.values[80:, :30])


def test_only_what_is_asked_for_and_what_it_needs_is_read(catalog: Path) -> None:
    assert list(load_city(catalog, only=["shelters"])) == ["shelters"]
    assert list(load_city(catalog, only={"doubled"})) == ["doubled", "terrain"]


def test_progress_counts_to_the_end(catalog: Path) -> None:
    seen: list[tuple[int, int, str]] = []
    load_city(catalog, progress=lambda *step: seen.append(step))
    assert seen == [(0, 3, "terrain"), (1, 3, "doubled"), (2, 3, "shelters"), (3, 3, "")]


def test_two_loads_give_the_same_digest_and_a_changed_file_another(catalog: Path) -> None:
    first = load_city(catalog)
    assert first.digest() == load_city(catalog).digest()
    (catalog.parent / "shelters.gpkg").unlink()
    gpd.GeoDataFrame({"name": ["新"]}, geometry=[shapely.Point(-52500, -145500)], crs="EPSG:6674").to_file(
        catalog.parent / "shelters.gpkg", layer="shelters"
    )
    assert first.digest() != load_city(catalog).digest()


@pytest.mark.parametrize(
    ("area", "only", "message"),
    [
        ((-53000, -146000, -53000, -145000), None, "no area"),
        ((-53000, -146000, float("nan"), -145000), None, "no area"),
        ((135.4, 34.6, 135.5, 34.7), None, "outside the city"),
        (None, ["shelter"], "no layer 'shelter'.*shelters"),
    ],
)
def test_a_wrong_area_or_layer_is_named(catalog: Path, area, only, message: str) -> None:
    with pytest.raises(LayerError, match=message):
        load_city(catalog, area=area, only=only)


def test_layers_that_need_one_another_are_refused(catalog: Path) -> None:
    entries = {
        "a": Entry(reader="sum", options={"one": "b"}),
        "b": Entry(reader="sum", options={"one": "a"}),
    }
    with pytest.raises(LayerError, match="a -> b -> a"):
        reading_order(Catalog(name={}, area=AREA, layers=entries))
    dangling = {"a": Entry(reader="sum", options={"one": "c"})}
    with pytest.raises(LayerError, match="layer a: there is no layer 'c'"):
        reading_order(Catalog(name={}, area=AREA, layers=dangling))


def test_a_layer_above_another_datum_is_refused(catalog: Path) -> None:
    text = catalog.read_text(encoding="utf-8").replace("uri: dem.tif", "uri: dem.tif\n    vertical: ellipsoidal")
    catalog.write_text(text, encoding="utf-8")
    with pytest.raises(FrameError, match=r"terrain.*ellipsoid"):
        load_city(catalog)


def test_importing_layers_loads_nothing_heavy() -> None:
    code = (
        "import sys, layers, layers.registry;"
        "heavy = {'pydantic', 'pandas', 'rasterio', 'geopandas', 'numba', 'laspy', 'open3d'};"
        "print(sorted(heavy & sys.modules.keys()))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
