from __future__ import annotations

import tracemalloc
from pathlib import Path

import fsspec
import laspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import CRS

from layers import pointcloud
from layers.pointcloud import ground_raster, read_pointcloud, read_pointcloud_ground
from twin import GEOGRAPHIC, OSAKA, TP, CloudLayer, Frame, FrameError, Grid, LayerError, Provenance

CORNER = (-53000.0, -146000.0)


def cloud(n: int = 5000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    xyz = np.column_stack([CORNER[0] + 100 * rng.random(n), CORNER[1] + 100 * rng.random(n), 10 * rng.random(n)])
    return np.round(xyz, 3), rng.choice(np.array([1, 2, 6, 9], dtype=np.uint8), n)


def write(
    path: Path,
    *,
    version: str = "1.4",
    form: int = 6,
    crs: str | None = "EPSG:6674",
    points: tuple[np.ndarray, np.ndarray] | None = None,
) -> Path:
    xyz, kind = cloud() if points is None else points
    header = laspy.LasHeader(version=version, point_format=form)
    header.scales, header.offsets = np.full(3, 0.001), np.array([*CORNER, 0.0])
    if crs is not None:
        header.add_crs(CRS(crs))
    las = laspy.LasData(header)
    las.x, las.y, las.z = xyz.T
    las.classification = kind
    las.write(path)
    return path


def read(path: Path | str, **keywords) -> CloudLayer:
    return read_pointcloud(
        str(path), layer_id="points", frame=keywords.pop("frame", OSAKA), **{"vertical": TP, **keywords}
    )


@pytest.mark.parametrize(
    ("name", "version", "form"),
    [
        ("a.las", "1.2", 3),
        ("a.laz", "1.2", 1),
        ("a.las", "1.3", 1),
        ("a.laz", "1.4", 6),
        ("a.laz", "1.4", 7),
        ("a.las", "1.4", 6),
    ],
)
def test_points_and_classes_of_every_version_are_kept(tmp_path: Path, name: str, version: str, form: int) -> None:
    xyz, kind = cloud()
    layer = read(write(tmp_path / name, version=version, form=form), crs="EPSG:6674")
    assert np.allclose(layer.xyz, xyz, atol=1e-6)
    assert np.array_equal(layer.classification, kind)
    assert layer.frame == OSAKA


def test_chunks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.laz")
    whole = read(path)
    monkeypatch.setattr(pointcloud, "CHUNK", 777)
    parts = read(path)
    assert np.array_equal(whole.xyz, parts.xyz)
    assert np.array_equal(whole.classification, parts.classification)


def test_only_points_of_the_area_and_the_classes_are_kept(tmp_path: Path) -> None:
    xyz, kind = cloud()
    area = (-52980.0, -145990.0, -52930.0, -145950.0)
    layer = read(write(tmp_path / "a.laz"), area=area, classes=(2, 9))
    inside = (xyz[:, 0] >= area[0]) & (xyz[:, 0] <= area[2]) & (xyz[:, 1] >= area[1]) & (xyz[:, 1] <= area[3])
    expected = inside & np.isin(kind, (2, 9))
    assert np.allclose(layer.xyz, xyz[expected], atol=1e-6)
    assert layer.provenance.notes == (f"{expected.sum()} of 5000 points lie in the area and the wanted classes",)


def test_a_file_in_another_zone_lands_where_it_belongs(tmp_path: Path) -> None:
    xyz, kind = cloud()
    fifth = Frame("EPSG:6673")
    x, y, z = fifth.from_(OSAKA, xyz[:, 0], xyz[:, 1], xyz[:, 2])
    header = laspy.LasHeader(version="1.4", point_format=6)
    header.scales, header.offsets = np.full(3, 0.001), np.floor([x.min(), y.min(), 0.0])
    header.add_crs(CRS("EPSG:6673"))
    las = laspy.LasData(header)
    las.x, las.y, las.z, las.classification = x, y, z, kind
    las.write(tmp_path / "a.laz")
    area = (-52980.0, -145990.0, -52930.0, -145950.0)
    layer = read(tmp_path / "a.laz", area=area)
    inside = (xyz[:, 0] >= area[0]) & (xyz[:, 0] <= area[2]) & (xyz[:, 1] >= area[1]) & (xyz[:, 1] <= area[3])
    assert abs(len(layer.xyz) - inside.sum()) <= 2
    assert (layer.xyz[:, :2].min(axis=0) >= area[:2]).all()
    assert np.allclose(read(tmp_path / "a.laz").xyz, xyz, atol=2e-3)


def test_heights_are_brought_to_the_city_s_datum(tmp_path: Path) -> None:
    xyz, _ = cloud()
    path = write(tmp_path / "a.laz")
    assert np.allclose(read(path, vertical=None, height_datum="O.P.").xyz[:, 2], xyz[:, 2] - 1.3, atol=1e-6)
    assert np.allclose(read(path, height_unit="ft").xyz[:, 2], xyz[:, 2] * 0.3048, atol=1e-6)


def test_a_compound_system_in_the_file_says_the_datum(tmp_path: Path) -> None:
    path = write(tmp_path / "a.laz", crs="EPSG:6674+6695")
    assert len(read(path, vertical=None).xyz) == 5000


def test_a_url_is_read_like_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.laz")
    fsspec.filesystem("memory").pipe("/points/a.laz", path.read_bytes())
    assert np.array_equal(read("memory://points/a.laz").xyz, read(path).xyz)


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "keywords", "error", "message"),
    [
        (lambda p: p / "none.laz", {}, LayerError, "does not exist"),
        (lambda p: p, {}, LayerError, "is a folder"),
        (lambda p: _bytes(p / "a.laz", b""), {}, LayerError, "is empty"),
        (lambda p: _bytes(p / "a.laz", b"x" * 999), {}, LayerError, "cannot be read as LAS"),
        (
            lambda p: _bytes(p / "a.laz", write(p / "b.laz").read_bytes()[:300]),
            {"crs": "EPSG:6674"},
            LayerError,
            "cannot be read as LAS",
        ),
        (
            lambda p: _bytes(p / "a.laz", write(p / "b.laz").read_bytes()[:-9000]),
            {},
            LayerError,
            "cannot be read as LAS",
        ),
        (
            lambda p: _bytes(p / "a.las", write(p / "b.las").read_bytes()[:-9001]),
            {},
            LayerError,
            "cannot be read as LAS",
        ),
        (lambda p: write(p / "a.laz", crs=None), {}, LayerError, "no coordinate system"),
        (lambda p: write(p / "a.laz"), {"vertical": None}, LayerError, "above what its heights are"),
        (lambda p: write(p / "a.laz"), {"vertical": "ellipsoidal"}, FrameError, "ellipsoid"),
        (lambda p: write(p / "a.laz"), {"crs": "EPSG:x"}, FrameError, "PROJ knows"),
        (lambda p: write(p / "a.laz"), {"classes": (300,)}, LayerError, "class 300"),
        (lambda p: write(p / "a.laz"), {"area": (0.0, 0.0, 9.0, 9.0)}, LayerError, "points lie in"),
        (lambda p: write(p / "a.laz", crs="EPSG:6677"), {"area": (*CORNER, -52900.0, -145900.0)}, LayerError, "lie in"),
    ],
)
def test_bad_input_is_named(tmp_path: Path, make, keywords: dict, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=f"layer points: .*({message})"):
        read(make(tmp_path), **keywords)


def test_the_header_may_promise_more_points_than_there_are(tmp_path: Path) -> None:
    """Whole records are missing from the end: nothing about a record is odd, only the count."""
    path = write(tmp_path / "a.las", version="1.2", form=3)
    content = path.read_bytes()
    path.write_bytes(content[: -34 * 100])
    with pytest.raises(LayerError, match="4900 points of 5000"):
        read(path, crs="EPSG:6674")


def as_layer(xyz: np.ndarray, kind: np.ndarray) -> CloudLayer:
    return CloudLayer("points", OSAKA, Provenance("test", ""), xyz, kind)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 400), st.floats(0.5, 40))
def test_the_raster_is_the_mean_of_the_points_in_each_cell(seed: int, n: int, cell_size: float) -> None:
    rng = np.random.default_rng(seed)
    xyz = np.column_stack([rng.uniform(-10, 110, n), rng.uniform(-10, 110, n), rng.normal(0, 5, n)])
    kind = rng.choice(np.array([1, 2], dtype=np.uint8), n)
    grid = Grid.from_bounds((0, 0, 100, 100), cell_size)
    layer = ground_raster(as_layer(xyz, kind), grid)
    slow = np.full(grid.shape, np.nan)
    row, col = grid.row_col(xyz[:, 0], xyz[:, 1])
    used = grid.contains(xyz[:, 0], xyz[:, 1]) & (kind == 2)
    for cell in set(zip(row[used], col[used], strict=True)):
        slow[cell] = np.mean([p[2] for p, r, c, u in zip(xyz, row, col, used, strict=True) if u and (r, c) == cell])
    assert np.array_equal(np.isnan(layer.values), np.isnan(slow))
    assert np.allclose(layer.values, slow, atol=1e-4, equal_nan=True)


def test_a_raster_straight_from_the_file_equals_the_one_of_its_points(tmp_path: Path) -> None:
    path = write(tmp_path / "a.laz")
    layer = read_pointcloud_ground(str(path), layer_id="terrain", frame=OSAKA, vertical=TP, cell_size=7.0)
    points = read(path)
    assert np.array_equal(layer.values, ground_raster(points, layer.grid).values, equal_nan=True)
    assert f"mean of {(points.classification == 2).sum()} points" in layer.provenance.notes[0]
    default = read_pointcloud_ground(str(path), layer_id="terrain", frame=OSAKA, vertical=TP, classes=(1, 2, 6, 9))
    assert default.grid.cell_size == 2.5
    with pytest.raises(LayerError, match="no point of class 17"):
        read_pointcloud_ground(str(path), layer_id="terrain", frame=OSAKA, vertical=TP, classes=(17,))


def test_a_raster_from_the_file_does_not_hold_its_points(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pointcloud, "CHUNK", 20_000)
    path = write(tmp_path / "a.laz", points=cloud(400_000))
    read_pointcloud_ground(str(path), layer_id="t", frame=OSAKA, vertical=TP, cell_size=5.0)  # compile first
    tracemalloc.start()
    read_pointcloud_ground(str(path), layer_id="t", frame=OSAKA, vertical=TP, cell_size=5.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 400_000 * 24 / 2, "less than half of what the coordinates alone need"


def test_a_raster_that_does_not_fit_or_lies_elsewhere_is_refused() -> None:
    points = as_layer(*cloud(10))
    with pytest.raises(LayerError, match="GB of memory"):
        ground_raster(points, Grid((10_000_000, 10_000_000), 1.0, 0.0, 0.0))
    with pytest.raises(FrameError, match="the grid in"):
        ground_raster(points, Grid((1, 1), 1.0, 0.0, 0.0, Frame("EPSG:6677")))


OREGON = Frame("EPSG:26910", "EPSG:5703")


@pytest.mark.real
@pytest.mark.parametrize(
    "name", ["autzen_trim.laz", "autzen-thin.las", "sample_nc.las", "warsaw_small.las", "interesting.las"]
)
def test_counts_and_classes_of_real_files_are_those_that_laspy_gives(shared: Path, name: str) -> None:
    path = shared / "real/lidar/pdal" / name
    las = laspy.read(path)
    frame = Frame("EPSG:2994", "EPSG:5703")
    layer = read(path, crs="EPSG:2994", frame=frame, vertical="EPSG:5703")
    assert np.array_equal(np.bincount(layer.classification), np.bincount(np.asarray(las.classification)))
    assert np.allclose(layer.xyz, las.xyz, atol=1e-6)


@pytest.mark.real
def test_the_autzen_file_s_own_system_is_understood(shared: Path) -> None:
    path = shared / "real/lidar/pdal/autzen_trim.laz"
    layer = read(path, frame=OREGON, vertical="EPSG:5703", height_unit="ft")
    lon, lat, _ = GEOGRAPHIC.from_(Frame("EPSG:26910", TP), layer.xyz[:, 0], layer.xyz[:, 1])
    assert lon.mean() == pytest.approx(-123.07, abs=0.01)
    assert lat.mean() == pytest.approx(44.056, abs=0.01)
    assert 120 < layer.xyz[:, 2].min() < layer.xyz[:, 2].max() < 160


@pytest.mark.real
def test_a_file_whose_system_cannot_be_understood_needs_one_stated(shared: Path) -> None:
    with pytest.raises(LayerError, match="coordinate system"):
        read(shared / "real/lidar/pdal/warsaw_small.las", vertical=TP)
