from __future__ import annotations

import zipfile
from pathlib import Path

import fsspec
import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given, settings
from hypothesis import strategies as st

from layers.elevation import read_elevation
from layers.export import save_geotiff
from layers.raster import round_size
from twin import GEOGRAPHIC, OSAKA, TP, Frame, FrameError, Grid, LayerError, Provenance, RasterLayer

GRID = Grid((40, 60), 5.0, -52300.0, -145000.0)


def plane(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return 2.0 + 0.01 * (x + 52000.0) + 0.02 * (y + 145000.0)


def plane_on(grid: Grid) -> np.ndarray:
    return plane(*np.meshgrid(grid.x_cell, grid.y_cell))


HERE = Affine(*GRID.affine)


def write_tiff(path: Path, values: np.ndarray, crs: str | None = "EPSG:6674", transform: Affine = HERE, **more) -> Path:
    ny, nx = values.shape
    profile = {"driver": "GTiff", "height": ny, "width": nx, "count": 1, "dtype": values.dtype}
    with rasterio.open(path, "w", crs=crs, transform=transform, **profile, **more) as file:
        file.write(values, 1)
    return path


def write_asc(path: Path, values: np.ndarray, grid: Grid = GRID) -> Path:
    west, south, _, _ = grid.bounds
    rows = "\n".join(" ".join(f"{v:.4f}" for v in row) for row in values)
    ny, nx = grid.shape
    path.write_text(
        f"ncols {nx}\nnrows {ny}\nxllcorner {west}\nyllcorner {south}\ncellsize {grid.cell_size}\n"
        f"NODATA_value -9999\n{rows}\n",
        encoding="ascii",
    )
    return path


def read(path: Path | str, **keywords) -> RasterLayer:
    return read_elevation(str(path), layer_id="terrain", frame=keywords.pop("frame", OSAKA), **keywords)


@pytest.fixture
def tiff(tmp_path: Path) -> Path:
    return write_tiff(tmp_path / "dem.tif", plane_on(GRID).astype(np.float32))


def test_a_raster_in_the_city_s_system_keeps_its_own_cells_and_values(tiff: Path) -> None:
    layer = read(tiff, vertical=TP, licence="CC0", date="2024")
    assert layer.grid == GRID
    assert np.array_equal(layer.values, plane_on(GRID).astype(np.float32))
    assert (layer.units, layer.provenance.licence, layer.provenance.date) == ("m", "CC0", "2024")
    assert layer.provenance.notes == ()


def test_an_ascii_grid_and_a_geotiff_of_the_same_heights_are_the_same_layer(tiff: Path, tmp_path: Path) -> None:
    asc = read(write_asc(tmp_path / "dem.asc", plane_on(GRID)), vertical=TP, crs="EPSG:6674")
    assert asc.grid == GRID
    assert np.allclose(asc.values, read(tiff, vertical=TP).values, atol=1e-4)


def test_only_whole_cells_of_the_area_are_kept(tiff: Path) -> None:
    layer = read(tiff, vertical=TP, area=(-52248.0, -145102.0, -52203.0, -145051.0))
    assert layer.grid.bounds == (-52250.0, -145105.0, -52200.0, -145050.0)
    assert np.allclose(layer.values, plane_on(layer.grid), atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(
    west=st.floats(-52299, -52050), south=st.floats(-145199, -145050), width=st.floats(5, 300), height=st.floats(5, 200)
)
def test_the_cut_always_covers_what_it_can_of_the_area(
    tmp_path_factory: pytest.TempPathFactory, west: float, south: float, width: float, height: float
) -> None:
    path = tmp_path_factory.getbasetemp() / "cut.tif"
    if not path.exists():
        write_tiff(path, plane_on(GRID).astype(np.float32))
    layer = read(path, vertical=TP, area=(west, south, west + width, south + height))
    got, have = layer.grid.bounds, GRID.bounds
    assert got[0] <= west + 1e-6
    assert got[1] <= south + 1e-6
    assert got[2] >= min(west + width, have[2]) - 1e-6
    assert got[3] >= min(south + height, have[3]) - 1e-6
    assert np.allclose(layer.values, plane_on(layer.grid), atol=1e-3)


def test_a_raster_in_degrees_lands_where_it_belongs(tmp_path: Path) -> None:
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, [-52400, -51900], [-145300, -144900])
    step = 2e-5
    nx, ny = int((lon[1] - lon[0]) / step), int((lat[1] - lat[0]) / step)
    lons, lats = lon[0] + (np.arange(nx) + 0.5) * step, lat[1] - (np.arange(ny) + 0.5) * step
    x, y, _ = OSAKA.from_(GEOGRAPHIC, *np.meshgrid(lons, lats))
    path = write_tiff(
        tmp_path / "deg.tif", plane(x, y).astype(np.float32), "EPSG:6668", Affine(step, 0, lon[0], 0, -step, lat[1])
    )
    layer = read(path, vertical=TP, area=(-52200.0, -145150.0, -52100.0, -145050.0))
    assert layer.grid.bounds == (-52200.0, -145150.0, -52100.0, -145050.0)
    assert layer.grid.cell_size == 2.0
    assert np.abs(layer.values - plane_on(layer.grid)).max() < 0.005


def test_larger_cells_are_means_of_the_file_s(tmp_path: Path) -> None:
    rough = plane_on(GRID) + np.where(np.indices(GRID.shape).sum(axis=0) % 2 == 0, 1.0, -1.0)
    layer = read(write_tiff(tmp_path / "a.tif", rough.astype(np.float32)), vertical=TP, cell_size=20.0)
    assert layer.grid.shape == (10, 15)
    assert np.abs(layer.values - plane_on(layer.grid)).max() < 0.02


def test_missing_values_become_nan_and_are_counted(tmp_path: Path) -> None:
    values = plane_on(GRID).astype(np.float32)
    values[3, 4], values[5, 6] = -32768.0, np.nan
    layer = read(write_tiff(tmp_path / "a.tif", values, nodata=-32768.0), vertical=TP)
    assert np.isnan(layer.values[[3, 5], [4, 6]]).all()
    assert layer.provenance.notes == ("2 of 2400 cells have no height",)


def test_a_missing_value_that_nobody_declared_is_not_taken_for_ground(tmp_path: Path) -> None:
    values = plane_on(GRID).astype(np.float32)
    values[0, :5] = -9999.0
    path = write_tiff(tmp_path / "a.tif", values)
    with pytest.raises(LayerError, match=r"5 cells hold -9999.*nodata"):
        read(path, vertical=TP)
    assert int(np.isnan(read(path, vertical=TP, nodata=-9999).values).sum()) == 5


def test_scaled_integers_are_read_as_metres(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", np.full(GRID.shape, 312, dtype=np.int16))
    with rasterio.open(path, "r+") as file:
        file.scales = (0.01,)
    assert np.allclose(read(path, vertical=TP).values, 3.12)


def test_a_file_with_a_compound_system_says_its_datum_itself(tmp_path: Path) -> None:
    save_geotiff(plane_on(GRID).astype(np.float32), GRID, tmp_path / "a.tif", units="m")
    layer = read(tmp_path / "a.tif")
    assert layer.grid == GRID
    assert layer.frame.vertical == TP


@pytest.mark.parametrize("crs", ["EPSG:6697", "EPSG:6674+6695"])
def test_a_compound_system_in_the_catalogue_says_the_datum(tmp_path: Path, crs: str) -> None:
    transform = Affine(1e-4, 0, 135.43, 0, -1e-4, 34.69) if crs == "EPSG:6697" else Affine(*GRID.affine)
    path = write_tiff(tmp_path / "a.tif", np.full((50, 50), 2.0, dtype=np.float32), None, transform)
    assert np.nanmax(read(path, crs=crs).values) == 2.0


def test_heights_above_osaka_peil_are_lowered_by_its_offset(tiff: Path) -> None:
    low = read(tiff, height_datum="O.P.").values
    assert np.allclose(low, plane_on(GRID) - 1.3, atol=1e-4)


def test_heights_in_feet_are_metres_in_the_city(tiff: Path) -> None:
    assert np.allclose(read(tiff, vertical=TP, height_unit="ft").values, plane_on(GRID) * 0.3048, atol=1e-4)


def test_ellipsoidal_heights_lose_the_geoid_s(tiff: Path, tmp_path: Path) -> None:
    geoid = write_tiff(
        tmp_path / "geoid.tif",
        np.full((20, 20), 37.5, dtype=np.float32),
        "EPSG:6668",
        Affine(0.05, 0, 135, 0, -0.05, 35),
    )
    layer = read(tiff, vertical="ellipsoidal", geoid=str(geoid))
    assert np.allclose(layer.values, plane_on(GRID) - 37.5, atol=1e-4)


def test_a_geoid_that_does_not_reach_leaves_no_height(tiff: Path, tmp_path: Path) -> None:
    small = Affine(0.001, 0, 135.6, 0, -0.001, 34.69)
    geoid = write_tiff(tmp_path / "geoid.tif", np.full((2, 2), 37.5, dtype=np.float32), "EPSG:6668", small)
    with pytest.raises(LayerError, match=r"options\.geoid: covers"):
        read(tiff, vertical="ellipsoidal", geoid=str(geoid))


def test_a_url_and_a_zip_are_read_like_the_file(tiff: Path, tmp_path: Path) -> None:
    fsspec.filesystem("memory").pipe("/elevation/dem.tif", tiff.read_bytes())
    with zipfile.ZipFile(tmp_path / "dem.zip", "w") as out:
        out.write(tiff, "folder/標高.tif")
    for uri in ("memory://elevation/dem.tif", str(tmp_path / "dem.zip")):
        assert np.array_equal(read(uri, vertical=TP).values, read(tiff, vertical=TP).values)


def test_the_catalogue_s_system_goes_before_the_file_s_and_a_note_says_so(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", plane_on(GRID).astype(np.float32), "EPSG:6677")
    layer = read(path, vertical=TP, crs="EPSG:6674")
    assert layer.grid == GRID
    assert "EPSG:6674" in layer.provenance.notes[0]


def _asc(tmp_path: Path, old: str, new: str) -> Path:
    path = write_asc(tmp_path / "bad.asc", plane_on(GRID))
    text = path.read_text(encoding="ascii")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="ascii")
    return path


def _tiff(tmp_path: Path, **more) -> Path:
    return write_tiff(tmp_path / "bad.tif", more.pop("values", plane_on(GRID).astype(np.float32)), **more)


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "keywords", "error", "message"),
    [
        (lambda p: p / "none.tif", {}, LayerError, "does not exist"),
        (lambda p: p, {}, LayerError, "is a folder"),
        (lambda p: _bytes(p / "a.tif", b""), {}, LayerError, "is empty"),
        (lambda p: _bytes(p / "a.tif", b"no raster at all"), {}, LayerError, "GDAL cannot read it"),
        (lambda p: _bytes(p / "a.tif", _tiff(p).read_bytes()[:4000]), {}, LayerError, "GDAL cannot read it"),
        (lambda p: _bytes(p / "a.zip", b"PK\x03\x04 cut short"), {}, LayerError, "cannot be unpacked"),
        (lambda p: _tiff(p, crs=None), {}, LayerError, "no coordinate system.*crs"),
        (_tiff, {"vertical": None}, LayerError, "above what its heights are"),
        (_tiff, {"vertical": "EPSG:5703"}, FrameError, "above EPSG:5703"),
        (_tiff, {"vertical": "EPSG:6674"}, LayerError, "no height system"),
        (_tiff, {"vertical": "ellipsoidal"}, FrameError, "ellipsoid.*geoid"),
        (_tiff, {"geoid": "geoid.tif"}, LayerError, "a geoid is named"),
        (_tiff, {"height_datum": "N.N."}, LayerError, "'N.N.'.*O.P."),
        (_tiff, {"height_datum": "O.P.", "vertical": "ellipsoidal"}, LayerError, "tied to T.P."),
        (_tiff, {"crs": "EPSG:6668"}, FrameError, "no degrees"),
        (_tiff, {"crs": "EPSG:0"}, FrameError, "PROJ knows"),
        (_tiff, {"band": 2}, LayerError, "'band' is 2"),
        (_tiff, {"cell_size": -1.0}, LayerError, "'cell_size' is -1"),
        (_tiff, {"cell_size": 0.0001}, LayerError, "GB of memory"),
        (_tiff, {"area": (0.0, 0.0, 100.0, 100.0)}, LayerError, "covers"),
        (lambda p: _tiff(p, values=np.zeros(GRID.shape, np.complex64)), {}, LayerError, "complex64"),
        (lambda p: _tiff(p, values=np.full(GRID.shape, np.nan, np.float32)), {}, LayerError, "no height in the area"),
        (lambda p: _asc(p, "nrows 40", "nrows 41"), {}, LayerError, "2400 values, 41 rows"),
        (lambda p: _asc(p, "nrows 40", "nrows forty"), {}, LayerError, "line 2: nrows"),
        (lambda p: _asc(p, "nrows 40", "nrows 4.5"), {}, LayerError, "nrows is 4.5"),
        (lambda p: _asc(p, "nrows 40\n", ""), {}, LayerError, "no nrows"),
        (lambda p: _asc(p, "xllcorner", "xcorner"), {}, LayerError, "line 3: .*no line of a header"),
        (lambda p: _asc(p, "cellsize 5.0", "cellsize 0"), {}, LayerError, "cellsize is 0"),
        (lambda p: _asc(p, "ncols 60", "ncols 60000000000"), {}, LayerError, "GB of memory"),
        (lambda p: _asc(p, "NODATA_value -9999\n", "NODATA_value -9999\nthree "), {}, LayerError, "line 7"),
        (lambda p: _asc(p, "-9999\n", "-9999\n1,5 "), {}, LayerError, "line 7: '1,5' is no number"),
        (lambda p: _bytes(p / "a.asc", b"\xff\xfe\x00binary"), {}, LayerError, "no ncols"),
    ],
)  # fmt: skip
def test_bad_input_is_named(tmp_path: Path, make, keywords: dict, error: type[Exception], message: str) -> None:
    given_ = {"vertical": TP, "crs": None, **keywords}
    path = make(tmp_path)
    if path.suffix == ".asc" and given_["crs"] is None:
        given_["crs"] = "EPSG:6674"
    with pytest.raises(error, match=f"layer terrain: .*({message})"):
        read(path, **given_)


def test_several_rasters_in_an_archive_need_a_name(tiff: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "dem.zip", "w") as out:
        out.write(tiff, "a.tif")
        out.write(tiff, "b.tif")
    with pytest.raises(LayerError, match="2 rasters"):
        read(tmp_path / "dem.zip", vertical=TP)
    assert read(tmp_path / "dem.zip", vertical=TP, member="b.tif").grid == GRID
    with pytest.raises(LayerError, match=r"no raster 'c.tif'"):
        read(tmp_path / "dem.zip", vertical=TP, member="c.tif")


def test_an_ascii_grid_given_by_the_centre_of_its_corner_cell_lies_half_a_cell_off(tmp_path: Path) -> None:
    text = write_asc(tmp_path / "a.asc", plane_on(GRID)).read_text(encoding="ascii")
    (tmp_path / "b.asc").write_text(text.replace("llcorner", "llcenter").replace("ncols", "NCOLS"), encoding="ascii")
    layer = read(tmp_path / "b.asc", vertical=TP, crs="EPSG:6674")
    assert layer.grid.west == GRID.west - 2.5
    assert layer.grid.north == GRID.north - 2.5


@given(st.floats(1e-3, 1e4))
def test_a_round_size_is_near(metres: float) -> None:
    assert 0.63 < round_size(metres) / metres < 1.6


@pytest.mark.real
def test_the_merewether_bed_is_read_as_its_header_says(shared: Path) -> None:
    layer = read(
        shared / "cases/merewether/inputs/topography.asc", frame=Frame("EPSG:32756"), crs="EPSG:32756", vertical=TP
    )
    assert layer.grid.shape == (416, 321)
    assert layer.values[0, 1] == np.float32(42.9475)
    assert np.isnan(layer.values[0, 0])


@pytest.mark.real
def test_the_geoid_of_osaka_is_about_37_metres(shared: Path) -> None:
    geoid = shared / "real/geoid/jp_gsi_gsigeo2011.tif"
    area = (-60000.0, -150000.0, -40000.0, -140000.0)
    layer = read(geoid, vertical=TP, area=area, cell_size=1000.0)
    assert np.all((layer.values > 36.5) & (layer.values < 38.5))
    itself = read(geoid, vertical="ellipsoidal", geoid=str(geoid), area=area, cell_size=1000.0)
    assert np.abs(itself.values).max() < 0.01


def test_provenance_holds_the_digest_of_the_file(tiff: Path) -> None:
    provenance = read(tiff, vertical=TP).provenance
    assert isinstance(provenance, Provenance)
    assert len(provenance.sha256) == 64
