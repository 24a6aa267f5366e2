from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pytest
import rasterio
import shapely

from layers.elevation import read_elevation
from layers.export import export_layer, feature_table, save_geopackage, save_geoparquet, save_geotiff
from layers.vector import read_vector
from twin import OSAKA, Access, Grid, LayerError, MeshLayer, PolygonMesh, Provenance, RasterLayer, Surface, VectorLayer

GRID = Grid((700, 900), 2.0, -53000.0, -144700.0)


def terrain() -> RasterLayer:
    values = np.random.default_rng(0).normal(2, 1, GRID.shape).astype(np.float32)
    values[10:20, 30:40] = np.nan
    provenance = Provenance("大阪市", "CC BY 4.0", "2024", access=Access.CLOSED, notes=("a", "b"))
    return RasterLayer("terrain", OSAKA, provenance, GRID, values, "m")


def buildings() -> MeshLayer:
    ring = np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 0], [0, 10, 0]])
    mesh = PolygonMesh(
        vertices=np.concatenate([ring, ring + np.array([20.0, 0, 0])]),
        ring_start=np.array([0, 4, 8]),
        polygon_start=np.array([0, 1, 2]),
        polygon_feature=np.array([0, 1]),
        polygon_surface=np.full(2, Surface.FOOTPRINT, dtype=np.uint8),
        polygon_lod=np.zeros(2, dtype=np.uint8),
    )
    table = pd.DataFrame({
        "id": ["a", "b", "c"],
        "usage": ["住宅", "", "商業"],
        "storeys_above": pd.array([2, None, 3], dtype="Int16"),
        "height": [6.5, np.nan, 9.0],
        "source_file": pd.Categorical(["x.gml", "x.gml", "y.gml"]),
    })  # fmt: skip
    return MeshLayer("buildings", OSAKA, Provenance("test", "CC0"), mesh, table)


def test_a_terrain_comes_back_with_its_values_place_and_datum(tmp_path: Path) -> None:
    layer = terrain()
    export_layer(layer, tmp_path / "a.tif")
    again = read_elevation(str(tmp_path / "a.tif"), layer_id="terrain", frame=OSAKA)
    assert again.grid == layer.grid
    assert np.array_equal(again.values, layer.values, equal_nan=True)


def test_a_geotiff_is_cloud_optimised_and_says_where_it_is_from(tmp_path: Path) -> None:
    export_layer(terrain(), tmp_path / "a.tif")
    with rasterio.open(tmp_path / "a.tif") as file:
        assert file.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert file.overviews(1) == [2]
        assert file.block_shapes == [(512, 512)]
        assert file.units == ("m",)
        tags = file.tags()
        assert (tags["SOURCE"], tags["LICENCE"], tags["ACCESS"], tags["NOTES"]) == (
            "大阪市",
            "CC BY 4.0",
            "closed",
            "a; b",
        )


def test_an_array_of_codes_keeps_its_type(tmp_path: Path) -> None:
    codes = np.arange(GRID.size, dtype=np.uint8).reshape(GRID.shape)
    save_geotiff(codes, GRID, tmp_path / "deep" / "a.tif", tags={"run": "x"})
    with rasterio.open(tmp_path / "deep" / "a.tif") as file:
        assert np.array_equal(file.read(1), codes)
        assert file.nodata is None
        assert file.tags()["run"] == "x"


def test_footprints_leave_as_a_geopackage_with_their_attributes(tmp_path: Path) -> None:
    save_geopackage(buildings(), tmp_path / "a.gpkg")
    assert pyogrio.list_layers(tmp_path / "a.gpkg")[0][0] == "buildings"
    again = read_vector(str(tmp_path / "a.gpkg"), layer_id="b", frame=OSAKA).table
    assert again["id"].tolist() == ["a", "b"], "a building without geometry has no outline"
    assert again.geometry.area.tolist() == [100.0, 100.0]
    assert again["usage"].tolist() == ["住宅", ""]
    assert again["storeys_above"].isna().tolist() == [False, True]
    assert again["source_file"].tolist() == ["x.gml", "x.gml"]


def test_geoparquet_comes_back_the_same(tmp_path: Path) -> None:
    layer = buildings()
    save_geoparquet(layer, tmp_path / "a.parquet")
    again = gpd.read_parquet(tmp_path / "a.parquet")
    assert again.crs.to_epsg() == 6674
    pd.testing.assert_frame_equal(
        pd.DataFrame(again.drop(columns="geometry")), pd.DataFrame(feature_table(layer).drop(columns="geometry"))
    )
    assert all(one.equals(other) for one, other in zip(again.geometry, feature_table(layer).geometry, strict=True))


def test_a_vector_layer_of_mixed_parts_is_written(tmp_path: Path) -> None:
    shapes = [shapely.box(0, 0, 1, 1), shapely.MultiPolygon([shapely.box(2, 2, 3, 3), shapely.box(4, 4, 5, 5)])]
    table = gpd.GeoDataFrame({"n": [1, 2]}, geometry=shapes, crs=OSAKA.wkt())
    layer = VectorLayer("zones", OSAKA, Provenance("test", ""), table)
    export_layer(layer, tmp_path / "a.gpkg")
    assert pyogrio.read_dataframe(tmp_path / "a.gpkg").geometry.area.tolist() == [1.0, 2.0]
    export_layer(layer, tmp_path / "a.parquet")


@pytest.mark.parametrize(
    ("make", "name"), [(terrain, "a.gpkg"), (buildings, "a.tif"), (terrain, "a"), (terrain, "a.png")]
)
def test_what_a_format_cannot_hold_is_refused(tmp_path: Path, make, name: str) -> None:
    with pytest.raises(LayerError, match="cannot be written as"):
        export_layer(make(), tmp_path / name)


def test_a_failed_export_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x", encoding="utf-8")
    for write in (export_layer,):
        with pytest.raises(LayerError, match="cannot be written"):
            write(terrain(), tmp_path / "file" / "a.tif")
    with pytest.raises(LayerError, match="not on the grid"):
        save_geotiff(np.zeros((2, 2)), GRID, tmp_path / "a.tif")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_an_export_replaces_the_file_that_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    save_geopackage(buildings(), path)
    save_geopackage(buildings(), path)
    assert len(pyogrio.read_dataframe(path)) == 2
    assert [p.name for p in tmp_path.iterdir()] == ["a.gpkg"]
