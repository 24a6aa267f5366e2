"""The files of the sample as other programs see them."""

from __future__ import annotations

import json
import zipfile
from collections import Counter

import laspy
import numpy as np
import pyogrio
import pytest
import rasterio
import yaml
from lxml import etree

from layers.load import load_city
from sample_data.catalogue import LAYERS
from sample_data.citygml_bldg import building_files
from sample_data.citygml_tran import road_files
from sample_data.generate import PLATEAU_ZIP, write_sample_city
from sample_data.walk import write_walk
from twin import Grid, MeshLayer
from twin.errors import StoreError

GML, XLINK = "{http://www.opengis.net/gml}", "{http://www.w3.org/1999/xlink}"


@pytest.fixture(scope="module")
def archive(folder):
    with zipfile.ZipFile(folder / "plateau" / f"{PLATEAU_ZIP}.zip") as file:
        yield {name.removeprefix(f"{PLATEAU_ZIP}/"): file.read(name) for name in file.namelist()}


def test_catalogue_names_only_files_that_exist(folder):
    document = yaml.safe_load((folder / "catalog.yaml").read_text("utf-8"))
    assert set(document["layers"]) == {row.id for row in LAYERS}
    assert all((folder / entry["uri"]).is_file() for entry in document["layers"].values() if entry["uri"])


def test_the_whole_sample_stays_below_40_mb(folder):
    assert sum(f.stat().st_size for f in folder.rglob("*") if f.is_file()) < 40e6


def test_every_gml_is_well_formed_and_its_references_are_resolved(archive):
    for name, content in archive.items():
        if not name.endswith(".gml"):
            continue
        root = etree.fromstring(content)
        ids = Counter(e.get(f"{GML}id") for e in root.iter() if e.get(f"{GML}id"))
        assert max(ids.values()) == 1
        assert {e.get(f"{XLINK}href")[1:] for e in root.iter() if e.get(f"{XLINK}href")} <= set(ids)


def test_lod2_solids_refer_to_polygons_that_come_later(archive):
    content = next(v for k, v in archive.items() if k.startswith("udx/bldg/") and b"lod2Solid" in v)
    order = [(e.get(f"{GML}id"), e.get(f"{XLINK}href")) for e in etree.fromstring(content).iter()]
    place = {i: k for k, (i, _) in enumerate(order) if i}
    links = [(k, href[1:]) for k, (_, href) in enumerate(order) if href]
    assert links
    assert all(place[target] > k for k, target in links)


def test_every_code_is_in_its_code_list(archive):
    lists = {}
    for name, content in archive.items():
        if name.startswith("codelists/"):
            names = etree.fromstring(content).iterfind(f"{GML}dictionaryEntry/{GML}Definition/{GML}name")
            lists["../../" + name] = {e.text for e in names}
    used = set()
    for name, content in archive.items():
        if name.endswith(".gml"):
            used |= {(e.get("codeSpace"), e.text) for e in etree.fromstring(content).iter() if e.get("codeSpace")}
    assert len(used) > 60
    assert [pair for pair in used if pair[1] not in lists.get(pair[0], ())] == []


def test_files_hold_every_building_and_some_lack_height_and_usage_as_real_data_do(archive, sample):
    counts: Counter[str] = Counter()
    for name, content in archive.items():
        if name.startswith("udx/bldg/"):
            counts.update(etree.QName(e).localname for e in etree.fromstring(content).iter())
    total = len(sample.buildings)
    assert counts["Building"] == counts["lod1Solid"] == counts["buildingID"] == total
    assert 0.8 * total < counts["measuredHeight"] < 0.95 * total
    assert 0.85 * total < counts["usage"] < 0.97 * total
    for risk in ("RiverFloodingRiskAttribute", "HighTideRiskAttribute", "TsunamiRiskAttribute"):
        assert counts[risk] > 300


def test_recorded_depth_and_base_give_one_water_level_nearby(archive, sample):
    levels = []
    for name, content in archive.items():
        if not name.startswith("udx/bldg/"):
            continue
        for building in etree.fromstring(content).iter("{*}Building"):
            position = building.find(".//{*}lod1Solid//{*}posList").text.split()
            depth = building.findtext(".//{*}HighTideRiskAttribute/{*}depth")
            if depth:
                levels.append(float(position[2]) + float(depth))
    assert len(levels) > 500
    assert 1.7 < min(levels) < max(levels) < 4.0


def test_gml_and_walking_network_are_the_same_for_the_same_seed(archive, sample, folder, tmp_path):
    again = {f"udx/bldg/{k}": v for k, v in building_files(sample.buildings, sample.waters, 7).items()}
    again |= {f"udx/tran/{k}": v for k, v in road_files(sample.plan, 7).items()}
    assert all(archive[name] == text.encode() for name, text in again.items())
    write_walk(tmp_path, sample.walk, 7)
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (folder / "walk" / file.name).read_bytes()


def test_dem_is_a_metre_raster_in_plane_rectangular_vi(folder, sample):
    with rasterio.open(folder / "dem" / "suito_dem_1m.tif") as dem:
        assert (dem.width, dem.height, dem.res, dem.crs.to_epsg()) == (2000, 1600, (1.0, 1.0), 6674)
        assert "EPSG:6695" in dem.tags()["VERTICAL_DATUM"]
        np.testing.assert_array_equal(dem.read(1), sample.terrain.z)


def test_laser_ground_points_lie_on_the_dem(folder, sample):
    cloud = laspy.read(folder / "lidar" / "suito.laz")
    assert 1e6 < len(cloud.points) < 2e6
    assert set(np.unique(cloud.classification)) == {2, 5, 6, 9}
    ground = np.asarray(cloud.classification) == 2
    off = np.asarray(cloud.z)[ground] - sample.terrain.at(np.asarray(cloud.x)[ground], np.asarray(cloud.y)[ground])
    assert np.abs(off).max() <= 0.15
    assert np.asarray(cloud.z).max() > 100.0


@pytest.mark.parametrize(
    ("file", "layer"),
    [(row.uri, row.layer) for row in LAYERS if row.uri.endswith((".gpkg", ".geojson"))],
)
def test_vector_files_are_valid_and_in_degrees(folder, file, layer):
    table = pyogrio.read_dataframe(folder / file, layer=layer or None)
    assert table.crs.to_epsg() == 6668
    assert len(table) > 0
    assert table.geometry.is_valid.all()
    assert table.total_bounds[0] > 135.4
    assert table.total_bounds[3] < 34.71


def test_entrances_lie_at_the_mall_and_have_a_step(folder):
    table = pyogrio.read_dataframe(folder / "underground.gpkg", layer="entrances").to_crs("EPSG:6674")
    floors = pyogrio.read_dataframe(folder / "underground.gpkg", layer="floors").to_crs("EPSG:6674")
    assert (table.distance(floors.geometry.iloc[0]) < 4.0).all()
    assert table["step_height"].between(0.0, 0.6).all()
    assert 0.4 < (table["step_height"] <= 0.30).mean() < 0.9
    assert set(table["shutter"]) == {"yes", "no"}
    assert (floors["volume_m3"] > floors["area_m2"] * 2.5).all()


def test_population_squares_are_jis_quarter_squares(folder):
    table = pyogrio.read_dataframe(folder / "population.gpkg")
    assert table["mesh_code"].str.fullmatch(r"5235\d{4}[1-4]{2}").all()
    assert table["mesh_code"].is_unique
    west, south, east, north = table.to_crs("EPSG:6674").geometry.iloc[0].bounds
    assert 225 < east - west < 300
    assert 225 < north - south < 250
    assert (table["elderly"] <= table["night"]).all()
    assert (table["needs_support"] <= table["elderly"]).all()
    assert 20_000 < table["night"].sum() < 60_000


def test_shelters_on_low_ground_are_not_all_fit_for_floods(folder):
    table = pyogrio.read_dataframe(folder / "shelters.gpkg")
    assert set(table["flood"]) == {0, 1}
    assert (table["capacity"] > 0).all()
    assert set(table["kind"]) >= {"指定避難所", "一時避難場所", "津波避難ビル・水害時避難ビル"}


def test_landing_sites_are_dry_and_wet(folder):
    table = pyogrio.read_dataframe(folder / "airspace" / "landing_sites.geojson")
    assert set(table["is_dry"]) == {True, False}
    assert (table.loc[table["kind"] == "levee", "height"] > 4.0).all()


def test_geozones_follow_ed318(folder):
    document = json.loads((folder / "airspace" / "suito_ed318.json").read_text("utf-8"))
    assert document["type"] == "FeatureCollection"
    assert document["metadata"]["validFrom"] < document["metadata"]["validTo"]
    for feature in document["features"]:
        p, geometry = feature["properties"], feature["geometry"]
        assert p["type"] in {"USPACE", "PROHIBITED", "REQ_AUTHORIZATION", "CONDITIONAL", "NO_RESTRICTION"}
        assert len(p["identifier"]) <= 7
        assert p["country"] == "JPN"
        assert geometry["layer"]["lower"] < geometry["layer"]["upper"]
        assert geometry["type"] == "Polygon" or geometry["extent"]["subType"] == "Circle"
    assert any("limitedApplicability" in f["properties"] for f in document["features"])


def test_inspections_have_grades_and_years(folder):
    for layer in ("bridges", "roads"):
        table = pyogrio.read_dataframe(folder / "infrastructure.gpkg", layer=layer)
        assert set(table["grade"]) <= {"I", "II", "III", "IV"}
        assert len(set(table["grade"])) >= 3
        assert table["inspection_year"].between(2015, 2025).all()


def test_an_existing_folder_is_not_touched(folder):
    before = {f: f.stat().st_mtime_ns for f in folder.rglob("*")}
    with pytest.raises(StoreError, match="exists"):
        write_sample_city(folder)
    assert {f: f.stat().st_mtime_ns for f in folder.rglob("*")} == before


def test_a_failure_leaves_nothing_behind(tmp_path):
    class Stop(Exception):
        pass

    def stop(stage, share):
        if stage == "points":
            raise Stop

    with pytest.raises(Stop):
        write_sample_city(tmp_path / "city", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_store_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        write_sample_city(tmp_path / "file" / "city")


def test_an_area_without_buildings_is_a_city_all_the_same(folder):
    park = (-52900, -146250, -52700, -146100)
    city = load_city(folder / "catalog.yaml", only=["buildings", "roads", "terrain"], area=park)
    buildings = city.require("buildings", MeshLayer)
    assert len(buildings.table) == 0
    assert "without a building in the area" in " ".join(buildings.provenance.notes)
    assert city.on(Grid.from_bounds(park, 5.0, city.frame)).cover_cell.max() == 0
