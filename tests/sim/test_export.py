"""What a run exports is read back by other programs, and by our own readers, with the same figures."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import rasterio
import xarray as xr

from layers.hazard import read_hazard
from layers.inundation import read_inundation
from sim.export import export_run
from sim.flood.publication import hazard_layers
from sim.flood.ranks import rank_tables
from sim.service import Service
from tests import town
from twin.errors import StoreError
from twin.frame import Frame
from twin.store import Run

RIVER = {"code": "8606199999", "name": "試験川 & 支川", "manager_code": "27", "manager": "大阪府", "scale": "planned"}


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    folder = tmp_path_factory.mktemp("export")
    town.write_town(folder)
    return Service(folder / "runs", catalog=folder / "catalog.yaml", scenario_folder=folder / "scenarios")


@pytest.fixture(scope="module")
def job(service: Service) -> Run:
    """A surge in the test town, with a section and a river."""
    west, south, _, north = town.AREA
    content = town.surge(
        evaluation={"river": RIVER}, sections={"front": [[west + 150, north + 9], [west + 150, south - 9]]}
    )
    content["start"] = "2026-09-20T21:30:00+09:00"
    return service.open_run(service.run_scenario(content)[0])


def _area_of_ranks(job: Run) -> dict[int, float]:
    rank = rank_tables()["standard"].classify(np.nan_to_num(job.map("flood_depth_cell")))
    return {int(k): float((rank == k).sum()) * job.grid.cell_area for k in np.unique(rank[rank > 0])}


def test_every_map_is_a_cloud_optimized_geotiff_with_units(job: Run, tmp_path: Path) -> None:
    names = [path.stem for path in job.folder.glob("*.tif")]
    assert {"flood_depth_cell", "collapse_cell", "rating_max_cell", "vulnerability_cell", "duration_cell"} <= set(names)
    for name in names:
        with rasterio.open(export_run(job, tmp_path / f"{name}.tif", what=name)) as source:
            assert source.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
            assert source.crs.to_epsg() == 6674
            assert source.units[0]
            assert source.descriptions[0]
            np.testing.assert_array_equal(source.read(1), job.map(name))


def test_the_netcdf_follows_cf(job: Run, tmp_path: Path) -> None:
    with xr.open_dataset(export_run(job, tmp_path / "out.nc")) as exported:
        assert exported.attrs["Conventions"] == "CF-1.11"
        assert exported["time"].values[0] == np.datetime64("2026-09-20T12:30:00")  # 21:30 in Japan
        assert exported["time"].values[-1] == np.datetime64("2026-09-20T13:30:00")
        assert exported["x"].attrs["standard_name"] == "projection_x_coordinate"
        assert exported["crs"].attrs["grid_mapping_name"] == "transverse_mercator"
        assert exported["h_cell"].attrs["standard_name"] == "flood_water_thickness"
        assert exported["h_max_cell"].attrs["cell_methods"] == "time: maximum"
        for name, array in exported.data_vars.items():
            if name == "crs":
                continue
            attributes = {**array.encoding, **array.attrs}
            assert attributes["grid_mapping"] == "crs", name
            # what is read as a span of time has its units in the encoding
            assert attributes.get("units"), name
            assert attributes["long_name"], name
        np.testing.assert_array_equal(exported["h_cell"], job.fields()["h_cell"])
        np.testing.assert_array_equal(exported["h_max_cell"], job.map("h_max_cell"))
    with xr.open_dataset(export_run(job, tmp_path / "one.nc", what="h_max_cell")) as one:
        assert set(one.data_vars) == {"h_max_cell", "crs"}


def test_without_a_start_time_counts_from_nowhere(service: Service, tmp_path: Path) -> None:
    job = service.open_run(service.run_scenario(town.surge(duration=600))[0])
    with xr.open_dataset(export_run(job, tmp_path / "out.nc"), decode_times=False) as exported:
        assert exported["time"].attrs["standard_name"] == "forecast_period"
        np.testing.assert_array_equal(exported["time"], [0.0, 300.0, 600.0])


def test_zones_have_the_schema_of_the_national_data_set(job: Run, tmp_path: Path) -> None:
    path = export_run(job, tmp_path / "zones.gpkg", what="a31a")
    names = [str(name) for name, _ in pyogrio.list_layers(path)]
    assert {"A31a_10", "A31a_30"} <= set(names) <= {"A31a_10", "A31a_30", "A31a_41"}
    table = gpd.read_file(path, layer="A31a_10")
    assert table.crs.to_epsg() == 6668
    assert list(table.columns) == [*(f"A31a_10{k}" for k in range(1, 6)), "geometry"]
    assert set(table["A31a_102"]) == {RIVER["name"]}
    assert (table.geometry.geom_type == "MultiPolygon").all()
    assert table.geometry.is_valid.all()
    assert table["A31a_105"].is_unique
    areas = dict(zip(table["A31a_105"].astype(int), table.to_crs("EPSG:6674").area, strict=True))
    assert areas == pytest.approx(_area_of_ranks(job), rel=1e-5)
    assert len(areas) >= 2


def test_our_own_reader_of_official_zones_reads_them(job: Run, tmp_path: Path) -> None:
    path = export_run(job, tmp_path / "zones.gpkg", what="A31A")
    layer = read_hazard(str(path), layer_id="zones", frame=Frame())
    depth = layer.table[layer.table["kind"] == "depth"]
    assert set(depth["scale"]) == {"planned"}
    assert set(layer.table["river_code"]) == {RIVER["code"]}
    np.testing.assert_allclose(sorted(depth.area), sorted(_area_of_ranks(job).values()), rtol=1e-5)
    assert (layer.table[layer.table["kind"] == "duration"]["duration_max"] == 12.0).all()


def test_plateau_zones_come_back_with_rank_area_and_height(job: Run, tmp_path: Path) -> None:
    path = export_run(job, tmp_path / "51357_fld_6697_l1_op.gml")
    layer = read_inundation(str(path), frame=Frame())
    table = layer.table
    assert set(table["hazard"]) == {"river_flood"}
    assert set(table["scale"]) == {"planned"}
    assert set(table["river"]) == {RIVER["name"]}
    areas = dict(zip(table["rank"].astype(int), table.area, strict=True))
    assert areas == pytest.approx(_area_of_ranks(job), rel=1e-4)
    bounds = {int(rank): (low, high) for rank, low, high in zip(table["rank"], table["depth_min"], table["depth_max"],
                                                                  strict=True)}  # fmt: skip
    assert bounds[1] == (0.0, 0.5)
    assert bounds[2] == (0.5, 3.0)
    heights = [
        float(text.split()[2]) for text in re.findall(r"<gml:posList>(.*?)</gml:posList>", path.read_text("utf-8"))
    ]
    stage = job.map("stage_max_cell")
    assert np.nanmin(stage) - 0.01 <= min(heights) <= max(heights) <= np.nanmax(stage) + 0.01


def test_buildings_and_sections_open_as_geopackages(job: Run, tmp_path: Path) -> None:
    buildings = gpd.read_file(export_run(job, tmp_path / "buildings.gpkg"))
    assert len(buildings) == len(job.table("buildings"))
    assert {"depth_class", "collapse_class", "max_depth", "rank"} <= set(buildings.columns)
    sections = gpd.read_file(export_run(job, tmp_path / "sections.gpkg", what="sections"))
    assert sections["volume_m3"].item() > 0  # the surge comes from the west
    assert sections.crs.to_epsg() == 6674


def test_a_folder_takes_everything_and_is_whole_or_not_there(
    job: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = export_run(job, tmp_path / "all")
    found = {path.name for path in folder.iterdir()}
    assert {"fields.nc", "A31a.gpkg", "fld_6697_op.gml", "gauges.csv", "buildings.gpkg", "exposure.csv"} <= found
    assert {"damage.csv", "sections.gpkg", "h_max_cell.tif"} <= found
    with pytest.raises(StoreError, match="--overwrite"):
        export_run(job, folder)
    (folder / "mine.txt").write_text("old", encoding="utf-8")

    def fail(*given: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("sim.flood.publication.save_fld", fail)
    with pytest.raises(StoreError, match="No space left"):
        export_run(job, folder, overwrite=True)
    assert (folder / "mine.txt").is_file()
    assert [path.name for path in tmp_path.iterdir()] == ["all"]
    monkeypatch.undo()
    export_run(job, folder, overwrite=True)
    assert not (folder / "mine.txt").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["all"]


def test_a_run_that_flooded_nothing_has_no_zones(service: Service, tmp_path: Path) -> None:
    dry = town.surge(duration=300, boundaries=[], initial={})
    job = service.open_run(service.run_scenario(dry)[0])
    for name, what in (("zones.gpkg", "a31a"), ("zones.gml", "")):
        with pytest.raises(StoreError, match="flooded no land"):
            export_run(job, tmp_path / name, what=what)
    folder = export_run(job, tmp_path / "all")
    assert not (folder / "A31a.gpkg").exists()
    assert not [path for path in tmp_path.iterdir() if path.name != "all"]


def test_the_collapse_zone_is_the_highest_class(job: Run) -> None:
    highest = float((job.map("collapse_cell") >= 2).sum())
    assert ("A31a_41" in hazard_layers(job)) == (highest > 0)
