from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from layers.elevation import read_elevation
from twin import GEOGRAPHIC, OSAKA, TP, FrameError, LayerError, RasterLayer

NX, NY = 225, 150
"""Points of a DEM5A mesh: a third-order JIS mesh at 0.2 seconds of arc."""

SOUTH, WEST = 34.675, 135.4125
"""South-west corner of the third-order mesh 52350333... (latitude 2/3 * 52 + ..., any mesh does)."""


def plane(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
    x, y, _ = OSAKA.from_(GEOGRAPHIC, lon, lat)
    return 3.0 + 0.002 * (x + 54000.0) - 0.001 * (y + 146000.0)


def mesh(
    *,
    column: int = 0,
    nx: int = NX,
    ny: int = NY,
    start: tuple[int, int] = (0, 0),
    end: int | None = None,
    add: float = 0.0,
    gaps: tuple[int, ...] = (),
    system: str = "fguuid:jgd2011.bl",
    order: str = "+x-y",
) -> bytes:
    """One mesh of the Fundamental Geospatial Data, `column` meshes east of the first, on the plane above."""
    west, south = WEST + column * 0.0125, SOUTH
    east, north = west + 0.0125, south + 1 / 120
    lons = west + (np.arange(nx) + 0.5) * (east - west) / nx
    lats = north - (np.arange(ny) + 0.5) * (north - south) / ny
    heights = (plane(*np.meshgrid(lons, lats)) + add).ravel()
    begin = start[0] + start[1] * nx
    tuples = ["データなし,-9999." if i in gaps else f"地表面,{heights[i]:.2f}" for i in range(begin, end or nx * ny)]
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<Dataset xmlns:gml="http://www.opengis.net/gml/3.2" xmlns="http://fgd.gsi.go.jp/spec/2008/FGD_GMLSchema" gml:id="D1">
<DEM gml:id="DEM001"><type>5mメッシュ（標高）</type><mesh>52350333</mesh>
<coverage gml:id="DEM001-3"><gml:boundedBy><gml:Envelope srsName="{system}">
<gml:lowerCorner>{south:.9f} {west:.9f}</gml:lowerCorner><gml:upperCorner>{north:.9f} {east:.9f}</gml:upperCorner>
</gml:Envelope></gml:boundedBy>
<gml:gridDomain><gml:Grid gml:id="DEM001-4" dimension="2"><gml:limits><gml:GridEnvelope>
<gml:low>0 0</gml:low><gml:high>{nx - 1} {ny - 1}</gml:high>
</gml:GridEnvelope></gml:limits><gml:axisLabels>x y</gml:axisLabels></gml:Grid></gml:gridDomain>
<gml:rangeSet><gml:DataBlock><gml:tupleList>
{chr(10).join(tuples)}
</gml:tupleList></gml:DataBlock></gml:rangeSet>
<gml:coverageFunction><gml:GridFunction><gml:sequenceRule order="{order}">Linear</gml:sequenceRule>
<gml:startPoint>{start[0]} {start[1]}</gml:startPoint></gml:GridFunction></gml:coverageFunction>
</coverage></DEM></Dataset>""".encode()


def archive(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        for name, content in files.items():
            out.writestr(name, content)
    return path


def read(path: Path, **keywords) -> RasterLayer:
    return read_elevation(str(path), layer_id="terrain", frame=OSAKA, **keywords)


def departure(layer: RasterLayer) -> np.ndarray:
    """Known heights minus the plane."""
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, *np.meshgrid(layer.grid.x_cell, layer.grid.y_cell))
    return layer.values - plane(lon, lat)


def test_one_mesh_lands_where_it_belongs_in_metres_above_tokyo_peil(tmp_path: Path) -> None:
    path = tmp_path / "FG-GML-5235-03-33-DEM5A-20161001.xml"
    path.write_bytes(mesh())
    layer = read(path)
    assert layer.grid.cell_size == 5.0
    assert layer.frame.vertical == TP
    west, south, east, north = layer.grid.bounds
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, [(west + east) / 2], [(south + north) / 2])
    assert lon[0] == pytest.approx(WEST + 0.00625, abs=1e-4)
    assert lat[0] == pytest.approx(SOUTH + 1 / 240, abs=1e-4)
    known = np.isfinite(layer.values)
    assert known.mean() > 0.98  # the mesh is turned a little against the plane-rectangular axes
    assert np.nanmax(np.abs(departure(layer))) < 0.02


def test_meshes_side_by_side_join_without_a_seam(tmp_path: Path) -> None:
    inner = archive(tmp_path / "inner.zip", {"FG-GML-5235-03-34-DEM5A-20161001.xml": mesh(column=1)}).read_bytes()
    pack = archive(tmp_path / "PackDLMap.zip", {"FG-GML-5235-03-33-DEM5A-20161001.xml": mesh(), "34.zip": inner})
    layer = read(pack)
    inside = layer.values[10:-10, 10:-10]
    assert np.isfinite(inside).all()
    assert layer.grid.shape[1] > 2 * NX * 0.9
    assert np.nanmax(np.abs(departure(layer))) < 0.02


def test_coarser_meshes_fill_only_what_finer_ones_leave_open(tmp_path: Path) -> None:
    gaps = tuple(range(60 * NX, 90 * NX))
    path = archive(
        tmp_path / "a.zip",
        {
            "FG-GML-5235-03-33-DEM5A-20161001.xml": mesh(gaps=gaps),
            "FG-GML-5235-03-DEM10B-20161001.xml": mesh(nx=112, ny=75, add=10.0),
        },
    )
    difference = departure(read(path))[20:-20, 20:-20]
    middle = difference.shape[0] // 2
    assert np.allclose(difference[middle - 5 : middle + 5], 10.0, atol=0.05)
    assert np.allclose(difference[:20], 0.0, atol=0.02)
    assert np.isfinite(difference).all()


def test_airborne_laser_goes_before_photogrammetry(tmp_path: Path) -> None:
    path = archive(
        tmp_path / "a.zip",
        {
            "FG-GML-5235-03-33-DEM5B-20161001.xml": mesh(add=5.0),
            "FG-GML-5235-03-33-DEM5A-20101001.xml": mesh(gaps=tuple(range(100 * NX, NX * NY))),
        },
    )
    difference = departure(read(path))
    assert np.nanmedian(difference[20:60, 20:-20]) == pytest.approx(0.0, abs=0.02)
    assert np.nanmedian(difference[-30:-10, 20:-20]) == pytest.approx(5.0, abs=0.02)


def test_a_list_that_starts_late_and_ends_early_leaves_the_rest_unknown(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(mesh(start=(100, 20), end=120 * NX))
    layer = read(path)
    rows = np.isfinite(layer.values[:, 20:-20]).any(axis=1)
    assert rows.mean() == pytest.approx(100 / NY, abs=0.05)
    assert np.nanmax(np.abs(departure(layer))) < 0.02


def test_meshes_outside_the_area_are_not_even_parsed(tmp_path: Path) -> None:
    broken = mesh(column=9).replace("地表面".encode(), "地表面,,".encode(), 1).replace(b"</Dataset>", b"")
    path = archive(tmp_path / "a.zip", {"a-DEM5A-20161001.xml": mesh(), "b-DEM5A-20161001.xml": broken})
    x, y, _ = OSAKA.from_(GEOGRAPHIC, [WEST + 0.006], [SOUTH + 0.004])
    area = (float(x[0]) - 50, float(y[0]) - 50, float(x[0]) + 50, float(y[0]) + 50)
    layer = read(path, area=area)
    assert np.hypot(*layer.grid.shape) < 32, "about 20 cells of 5 m each way"
    with pytest.raises(LayerError):
        read(path)


@pytest.mark.parametrize(
    ("content", "keywords", "error", "message"),
    [
        (mesh()[:5000], {}, LayerError, "line .*not well-formed"),
        (b"<a/>", {}, LayerError, "no element Envelope"),
        (mesh(system="EPSG:6668"), {}, LayerError, "srsName is 'EPSG:6668'"),
        (mesh(system="fguuid:jgd2000.bl"), {}, FrameError, "above EPSG:6694"),
        (mesh(system="fguuid:jgd2024.bl"), {}, LayerError, "above what its heights are"),
        (mesh(order="+x+y"), {}, LayerError, "run '[+]x[+]y'"),
        (mesh().replace(b"224 149", b"224 148"), {}, LayerError, "33750 heights"),
        (mesh().replace(b"224 149", b"x y"), {}, LayerError, "high is 'x y'"),
        (mesh().replace("地表面,".encode(), "地表面 ".encode(), 1), {}, LayerError, "tuple 1: '地表面'"),
        (mesh(), {"area": (0.0, 0.0, 10.0, 10.0)}, LayerError, "none of its 1 meshes"),
        (b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>', {}, LayerError, "E"),
    ],
)  # fmt: skip
def test_a_bad_mesh_is_named(
    tmp_path: Path, content: bytes, keywords: dict, error: type[Exception], message: str
) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(content)
    with pytest.raises(error, match=f"layer terrain: .*{message}"):
        read(path, **keywords)


def test_an_archive_that_is_cut_short_or_empty_is_named(tmp_path: Path) -> None:
    good = archive(tmp_path / "a.zip", {"a.xml": mesh()})
    cut = tmp_path / "cut.zip"
    cut.write_bytes(good.read_bytes()[:-40])
    with pytest.raises(LayerError, match="cannot be unpacked"):
        read(cut)
    inner = io.BytesIO(good.read_bytes()[:2000]).getvalue()
    with pytest.raises(LayerError, match="cannot be unpacked"):
        read(archive(tmp_path / "b.zip", {"b.zip": inner}))
    with pytest.raises(LayerError, match="no elevation mesh"):
        read(archive(tmp_path / "c.zip", {"readme.txt": b"hello"}))


def test_meshes_of_two_years_systems_are_not_mixed(tmp_path: Path) -> None:
    path = archive(tmp_path / "a.zip", {"a.xml": mesh(), "b.xml": mesh(column=1, system="fguuid:jgd2000.bl")})
    with pytest.raises(LayerError, match="mixes"):
        read(path)


def test_the_catalogue_can_state_the_datum_of_a_newer_mesh(tmp_path: Path) -> None:
    path = tmp_path / "a.xml"
    path.write_bytes(mesh(system="fguuid:jgd2024.bl"))
    assert np.nanmax(np.abs(departure(read(path, vertical=TP)))) < 0.02
