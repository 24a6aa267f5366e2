from __future__ import annotations

import json
from pathlib import Path

import fsspec
import pytest

from layers.catalog import Catalog, Entry, add_entry, catalog_schema, read_catalog, write_catalog
from twin import Access, Frame, LayerError

GOOD = """\
schema: 1
name: {ja: 水都区, en: Suito ward}
frame: EPSG:6674
area: [-53000, -146300, -51000, -144700]
layers:
  terrain: {reader: elevation, uri: dem/a.tif, vertical: EPSG:6695, date: 2024-03-31}
  buildings:
    reader: plateau_buildings
    uri: plateau/a.zip
    access: closed
    options: {strict: true}
"""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    path = tmp_path / "catalog.yaml"
    path.write_text(GOOD, encoding="utf-8")
    return path


def test_a_catalogue_says_what_its_file_says(catalog: Path) -> None:
    found = read_catalog(catalog)
    assert found.city_frame == Frame("EPSG:6674", "EPSG:6695")
    assert found.area == (-53000, -146300, -51000, -144700)
    assert list(found.layers) == ["terrain", "buildings"]
    assert found.layers["terrain"].date == "2024-03-31"
    assert found.layers["buildings"].access is Access.CLOSED
    assert found.layers["buildings"].options == {"strict": True}


def test_a_relative_uri_means_from_the_catalogue(catalog: Path) -> None:
    found = read_catalog(catalog)
    assert found.resolve("dem/a.tif") == str(catalog.parent / "dem/a.tif")
    assert found.resolve("/data/a.tif") == "/data/a.tif"
    assert found.resolve("https://example.org/a.tif") == "https://example.org/a.tif"


def test_a_catalogue_at_a_url_resolves_to_urls() -> None:
    fsspec.filesystem("memory").pipe("/city/catalog.yaml", GOOD.encode())
    assert read_catalog("memory://city/catalog.yaml").resolve("dem/a.tif") == "memory://city/dem/a.tif"


def test_what_is_written_is_read_back_the_same(catalog: Path, tmp_path: Path) -> None:
    found = read_catalog(catalog)
    copy = tmp_path / "deep" / "copy.yaml"
    write_catalog(found, copy)
    again = read_catalog(copy)
    assert again == found.at(again.location)
    assert "水都区" in copy.read_text(encoding="utf-8")
    assert [p.name for p in copy.parent.iterdir()] == ["copy.yaml"]


def test_a_layer_is_added_once(catalog: Path) -> None:
    entry = Entry(reader="vector", uri="shelters.gpkg")
    add_entry(catalog, "shelters", entry)
    assert read_catalog(catalog).layers["shelters"] == entry
    with pytest.raises(LayerError, match=r"shelters.*there already"):
        add_entry(catalog, "shelters", entry)
    add_entry(catalog, "shelters", Entry(reader="vector", uri="b.gpkg"), replace=True)
    assert read_catalog(catalog).layers["shelters"].uri == "b.gpkg"
    with pytest.raises(LayerError, match="no layer id"):
        add_entry(catalog, "two words", entry)


def test_a_frozen_catalogue_cannot_be_changed(catalog: Path) -> None:
    with pytest.raises(ValueError, match="frozen"):
        read_catalog(catalog).area = 0, 0, 1, 1


def test_the_schema_names_every_key() -> None:
    schema = catalog_schema()
    json.dumps(schema)
    assert set(schema["properties"]) == {"schema", "name", "frame", "vertical", "area", "layers"}
    assert set(schema["$defs"]["Entry"]["properties"]) == set(Entry.model_fields)
    assert schema["additionalProperties"] is False


@pytest.mark.parametrize(
    ("old", "new", "line", "message"),
    [
        ("schema: 1", "schema: 2", 1, "schema.*given 2"),
        ("reader: elevation", "raeder: elevation", 6, "layers.terrain.re"),
        ("access: closed", "access: public", 10, "layers.buildings.access.*'public'.*'open'"),
        ("access: closed", "acces: closed", 10, "layers.buildings.acces.*spelling"),
        ("EPSG:6674", "EPSG:6668", 3, "frame.*degrees"),
        ("EPSG:6674", "EPSG:1", 3, "frame.*PROJ"),
        ("vertical: EPSG:6695", "vertical: T.P.", 6, "layers.terrain.vertical.*T.P."),
        ("-51000,", "-53001,", 4, "area.*no area"),
        ("-51000,", ".nan,", 4, "area.2.*finite"),
        ("-51000, -144700]", "-51000]", 4, "area"),
        ("  terrain:", "  the terrain:", 5, "the terrain.*no layer id"),
        ("  terrain:", "  buildings:", 7, "'buildings' stands there twice"),
        ("reader: plateau_buildings", "reader: ''", 8, "layers.buildings.reader"),
        ("options: {strict: true}", "options: [strict]", 11, "layers.buildings.options"),
        ("name: {ja: 水都区", "name: {ja: [水都区", 2, "not YAML"),
    ],
)
def test_a_mistake_is_named_with_file_line_key_and_value(
    catalog: Path, old: str, new: str, line: int, message: str
) -> None:
    assert old in GOOD
    catalog.write_text(GOOD.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(LayerError, match=f"(?s){message}") as caught:
        read_catalog(catalog)
    assert caught.value.where.startswith(f"{catalog} line {line}")
    assert caught.value.remedy


@pytest.mark.parametrize("text", ["just words", "- a\n- b\n", "# nothing\n"])
def test_a_file_that_is_no_mapping_is_refused(catalog: Path, text: str) -> None:
    catalog.write_text(text, encoding="utf-8")
    with pytest.raises(LayerError, match="a mapping is needed"):
        read_catalog(catalog)


def test_an_alias_that_points_to_its_parent_is_refused(catalog: Path) -> None:
    catalog.write_text("&a {schema: 1, name: *a}", encoding="utf-8")
    with pytest.raises(LayerError):
        read_catalog(catalog)


def test_a_catalogue_made_in_code_needs_no_file() -> None:
    catalog = Catalog(name={"en": "x"}, area=(0, 0, 1, 1), layers={"a": Entry(reader="vector", uri="a.gpkg")})
    assert catalog.location == ""
    assert catalog.resolve("a.gpkg") == "a.gpkg"
