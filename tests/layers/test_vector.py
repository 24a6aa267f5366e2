from __future__ import annotations

import zipfile
from pathlib import Path

import fsspec
import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from layers import features
from layers.vector import read_vector
from twin import OSAKA, TP, Frame, FrameError, LayerError, VectorLayer

AREA = (-53000.0, -146000.0, -52000.0, -145000.0)
PLACES = {"西": (-52900.0, -145900.0), "東": (-52100.0, -145100.0), "外": (-40000.0, -145100.0)}


def table(crs: str = "EPSG:6668") -> gpd.GeoDataFrame:
    points = [shapely.Point(*xy) for xy in PLACES.values()]
    return gpd.GeoDataFrame({"名称": list(PLACES), "人数": [10, 20, 30]}, geometry=points, crs="EPSG:6674").to_crs(crs)


def write(path: Path, frame: gpd.GeoDataFrame | None = None, **more) -> Path:
    pyogrio.write_dataframe(table() if frame is None else frame, path, **more)
    return path


def write_csv(path: Path, encoding: str = "utf-8", names: tuple[str, str] = ("経度", "緯度")) -> Path:
    frame = table()
    rows = [f"{n},{c:04d},{p.x},{p.y}" for n, c, p in zip(frame["名称"], frame["人数"], frame.geometry, strict=True)]
    path.write_bytes("\n".join([f"名称,code,{names[0]},{names[1]}", *rows, ""]).encode(encoding))
    return path


def read(path: Path | str, **keywords) -> VectorLayer:
    return read_vector(str(path), layer_id="shelters", frame=keywords.pop("frame", OSAKA), **keywords)


def places(layer: VectorLayer) -> dict[str, tuple[float, float]]:
    found = layer.table
    return {n: (p.x, p.y) for n, p in zip(found["名称"], found.geometry, strict=True)}


def assert_in_place(layer: VectorLayer, names: str = "西東外") -> None:
    assert "".join(places(layer)) == names
    for name, xy in places(layer).items():
        assert xy == pytest.approx(PLACES[name], abs=0.01)
    assert layer.table.crs.to_epsg() == 6674


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.fgb", "a.shp"])
def test_every_format_gives_the_same_places_and_names(tmp_path: Path, name: str) -> None:
    layer = read(write(tmp_path / name))
    assert sorted(places(layer)) == sorted(PLACES)
    for place, xy in places(layer).items():
        assert xy == pytest.approx(PLACES[place], abs=0.02)  # GeoJSON has seven decimals of a degree
    assert sorted(layer.table["人数"]) == [10, 20, 30]
    assert len(layer.provenance.sha256) == 64


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp932"])
def test_a_csv_is_read_in_utf8_and_in_shift_jis(tmp_path: Path, encoding: str) -> None:
    layer = read(write_csv(tmp_path / "a.csv", encoding), crs="EPSG:6668")
    assert_in_place(layer)
    assert layer.table["code"].tolist() == ["0010", "0020", "0030"], "leading zeros of a code are kept"


def test_columns_of_a_csv_can_be_named(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", names=("よこ", "たて"))
    assert_in_place(read(path, crs="EPSG:6668", x="よこ", y="たて"))
    with pytest.raises(LayerError, match=r"no column of coordinates.*よこ"):
        read(path, crs="EPSG:6668")


@pytest.mark.parametrize("encoding", ["cp932", "utf-8"])
def test_a_shapefile_without_a_code_page_is_read_in_either_encoding(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path / "a.shp", encoding=encoding)
    (tmp_path / "a.cpg").unlink()
    raw = bytearray((tmp_path / "a.dbf").read_bytes())
    raw[29] = 0  # the header's own code page mark
    (tmp_path / "a.dbf").write_bytes(bytes(raw))
    assert sorted(places(read(path))) == sorted(PLACES)


def test_only_what_touches_the_area_is_kept(tmp_path: Path) -> None:
    assert_in_place(read(write(tmp_path / "a.gpkg"), area=AREA), "西東")


def test_a_feature_that_touches_the_area_stays_whole(tmp_path: Path) -> None:
    line = gpd.GeoDataFrame(geometry=[shapely.LineString([(-54000, -145500), (-52500, -145500)])], crs="EPSG:6674")
    found = read(write(tmp_path / "a.gpkg", line), area=AREA).table.geometry[0]
    assert found.length == pytest.approx(1500)


def test_of_a_large_file_only_the_area_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(features, "_LARGE", 1)
    path = write(tmp_path / "a.gpkg")
    assert_in_place(read(path, area=AREA), "西東")
    assert read(path, area=(-52600.0, -145600.0, -52400.0, -145400.0)).table.empty


def test_nothing_in_the_area_is_an_empty_layer_with_columns(tmp_path: Path) -> None:
    layer = read(write(tmp_path / "a.gpkg"), area=(-52600.0, -145600.0, -52400.0, -145400.0))
    assert layer.table.empty
    assert list(layer.table.columns) == ["名称", "人数", "geometry"]


def test_a_url_and_a_zip_are_read_like_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "避難所.shp")
    files = fsspec.filesystem("memory")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as out:
        for part in sorted(tmp_path.glob("避難所.*")):
            out.write(part, f"data/{part.name}")
            files.pipe(f"/vector/{part.name}", part.read_bytes())
    for uri in ("memory://vector/避難所.shp", str(tmp_path / "a.zip")):
        assert places(read(uri)) == places(read(path))


def test_features_without_geometry_are_left_out_and_counted(tmp_path: Path) -> None:
    frame = table("EPSG:6674")
    geometry = [frame.geometry[0], None, shapely.Point()]
    layer = read(write(tmp_path / "a.gpkg", frame.set_geometry(gpd.GeoSeries(geometry, crs=frame.crs))))
    assert list(places(layer)) == ["西"]
    assert layer.provenance.notes == ("2 of 3 features have no geometry and are left out",)


def test_csv_rows_without_coordinates_are_left_out_and_counted(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv")
    path.write_text(
        path.read_text(encoding="utf-8") + "無,0001,,\n無,0002,abc,34.7\n無,0003,nan,34.7\n", encoding="utf-8"
    )
    layer = read(path, crs="EPSG:6668")
    assert_in_place(layer)
    assert layer.provenance.notes == ("3 of 6 features have no geometry and are left out",)


def test_a_polygon_that_crosses_itself_is_mended_and_counted(tmp_path: Path) -> None:
    bow = shapely.Polygon([(-52900, -145900), (-52800, -145800), (-52800, -145900), (-52900, -145800)])
    layer = read(write(tmp_path / "a.gpkg", gpd.GeoDataFrame(geometry=[bow], crs="EPSG:6674")))
    assert layer.table.geometry.is_valid.all()
    assert layer.table.geometry.area.sum() == pytest.approx(5000)
    assert "cross themselves" in layer.provenance.notes[0]


def test_heights_are_kept_only_above_a_stated_datum(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(-52900, -145900, 3.5)], crs="EPSG:6674")
    path = write(tmp_path / "a.gpkg", frame)
    unknown = read(path)
    assert not unknown.table.geometry.has_z.any()
    assert "heights are left out" in unknown.provenance.notes[0]
    known = read(path, vertical=TP)
    assert known.table.geometry[0].z == 3.5
    with pytest.raises(FrameError, match="ellipsoid"):
        read(path, vertical="ellipsoidal")


def test_columns_can_be_chosen_and_are_demanded(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg")
    assert list(read(path, columns=("人数",)).table.columns) == ["人数", "geometry"]
    with pytest.raises(LayerError, match=r"no column '定員'.*名称"):
        read(path, columns=("定員",))


def test_a_layer_of_several_must_be_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", layer="one")
    write(path, layer="two", append=True)
    with pytest.raises(LayerError, match=r"2 layers.*one, two"):
        read(path)
    with pytest.raises(LayerError, match=r"no layer 'three'.*one, two"):
        read(path, layer="three")
    assert_in_place(read(path, layer="two"))


def test_a_wrong_system_is_replaced_by_the_catalogue_s(tmp_path: Path) -> None:
    wrong = write(tmp_path / "a.gpkg", table("EPSG:6674").set_crs("EPSG:6677", allow_override=True))
    layer = read(wrong, crs="EPSG:6674")
    assert_in_place(layer)
    assert "read as EPSG:6674" in layer.provenance.notes[0]


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def _zip(path: Path, **files: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for name, content in files.items():
            out.writestr(name.replace("__", "."), content)
    return path


def _cut(path: Path, share: float) -> Path:
    content = path.read_bytes()
    return _bytes(path, content[: int(len(content) * share)])


@pytest.mark.parametrize(
    ("make", "keywords", "error", "message"),
    [
        (lambda p: p / "none.gpkg", {}, LayerError, "does not exist"),
        (lambda p: p, {}, LayerError, "is a folder"),
        (lambda p: _bytes(p / "a.gpkg", b""), {}, LayerError, "is empty"),
        (lambda p: _bytes(p / "a.gpkg", b"SQLite nonsense"), {}, LayerError, "GDAL cannot read it"),
        (lambda p: _bytes(p / "a.geojson", b'{"type": "Feat'), {}, LayerError, "GDAL cannot read it"),
        (lambda p: _bytes(p / "a.geojson", b"[]"), {}, LayerError, "GDAL cannot read it|no layer"),
        (lambda p: _cut(write(p / "a.gpkg"), 0.02), {}, LayerError, "GDAL cannot read it"),
        (lambda p: _zip(p / "a.zip", a__txt=b"x"), {}, LayerError, "no vector file"),
        (lambda p: _zip(p / "a.zip", a__csv=b"x", b__csv=b"x"), {}, LayerError, "2 files that could be meant"),
        (lambda p: _zip(p / "a.zip", a__csv=b"x"), {"member": "b.csv"}, LayerError, "holds no b.csv"),
        (lambda p: _cut(_zip(p / "a.zip", a__csv=b"x" * 999), 0.8), {}, LayerError, "cannot be unpacked"),
        (lambda p: write_csv(p / "a.csv"), {}, LayerError, "a CSV states no coordinate system"),
        (lambda p: _bytes(p / "a.csv", b"lon,lat\n\x81\xff\xff,1\n"), {}, LayerError, "not UTF-8 or cp932"),
        (lambda p: write_csv(p / "a.csv", "cp932"), {"encoding": "utf-8"}, LayerError, "not utf-8"),
        (lambda p: write_csv(p / "a.csv"), {"x": "X"}, LayerError, "no column 'X'"),
        (lambda p: _bytes(p / "a.csv", b"\n\n"), {}, LayerError, "is no CSV"),
        (lambda p: _bytes(p / "a.csv", b'lon,lat\n1,2,3\n"4,5\n'), {"crs": "EPSG:6668"}, LayerError, "is no CSV"),
        (lambda p: write_csv(p / "a.csv", names=("lat", "lon")), {"crs": "EPSG:6668"}, FrameError, "no degrees"),
        (lambda p: write(p / "a.gpkg", table("EPSG:6674")), {"crs": "EPSG:6668"}, FrameError, "no degrees"),
        (lambda p: write(p / "a.gpkg"), {"crs": "EPSG:1"}, FrameError, "PROJ knows"),
        (lambda p: write(p / "a.gpkg"), {"crs": "EPSG:6674", "area": AREA}, FrameError, "look like degrees"),
        (
            lambda p: write(p / "a.gpkg", table("EPSG:6674").set_crs(None, allow_override=True)),
            {},
            LayerError,
            "states no coordinate system",
        ),
        (
            lambda p: write(p / "a.gpkg", table("EPSG:6674").set_crs("EPSG:32633", allow_override=True)),
            {"area": AREA},
            FrameError,
            "is not used|not lie",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:'crs' was not provided")
def test_bad_input_is_named(tmp_path: Path, make, keywords: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"(?s)layer shelters: .*({message})"):
        read(make(tmp_path), **keywords)


@pytest.mark.real
def test_the_pedestrian_network_of_ueno_is_read_whole(shared: Path) -> None:
    frame = Frame("EPSG:6677")
    links = read(shared / "real/walk/ueno_mlit2018/link.shp", frame=frame)
    nodes = read(shared / "real/walk/ueno_mlit2018/node.shp", frame=frame)
    assert (len(links.table), len(nodes.table)) == (1233, 1113)
    assert np.isfinite(links.table.geometry.length).all()
