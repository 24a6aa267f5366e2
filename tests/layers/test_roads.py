"""Roads: surfaces of every level of detail, decoded attributes, traffic areas; real files against another reader."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layers.roads import read_roads
from tests.layers.citygml_documents import (
    code_list,
    coded,
    document,
    polygon,
    read_with_lxml,
    ring,
    square,
    surfaces,
    to_plane,
    write_data_set,
)
from twin.errors import LayerError
from twin.frame import plane_rectangular_zone
from twin.layer import MeshLayer, Surface

LISTS = {
    "Road_function": code_list(c3="都道府県道"),
    "TrafficArea_function": code_list(c1000="車道部", c2000="歩道部"),
    "sections": code_list(c1="土工区間"),
    "widths": code_list(c2="13m以上19.5m未満"),
}


def road(content: str, name: str) -> str:
    return f'<tran:Road gml:id="{name}">{content}</tran:Road>'


def area(kind: str, code: str, *polygons: str) -> str:
    wrapper = kind[0].lower() + kind[1:]
    inner = coded("tran:function", code, f"{kind}_function") + surfaces("tran:lod2MultiSurface", *polygons)
    return f"<tran:{wrapper}><tran:{kind}>{inner}</tran:{kind}></tran:{wrapper}>"


@pytest.fixture
def data_set(tmp_path: Path):
    def read(data: bytes, **options: Any) -> MeshLayer:
        name = "tran/51357325_tran_6697_op.gml"
        return read_roads(write_data_set(tmp_path / "city", name, data, LISTS), **options)

    return read


def parts(lon: float) -> list[str]:
    return [polygon(ring(square(34.6, lon + k * 2e-4, 1.0 + k)), name=f"p{lon}_{k}") for k in range(3)]


FLAT = surfaces("tran:lod1MultiSurface", polygon(ring(square())))


def test_attributes_are_decoded(data_set):
    content = (
        coded("tran:function", "3", "Road_function")
        + FLAT
        + "<uro:roadStructureAttribute><uro:RoadStructureAttribute>"
        + coded("uro:widthType", "2", "widths")
        + '<uro:width uom="m">14.5</uro:width>'
        + coded("uro:sectionType", "1", "sections")
        + "</uro:RoadStructureAttribute></uro:roadStructureAttribute>"
    )
    layer = data_set(document(road(content, "a"), road(FLAT, "b")), strict=True)
    assert layer.id == "roads"
    columns = ["id", "function", "function_code", "width", "width_class", "section", "max_lod"]
    assert layer.table.loc[0, columns].tolist() == ["a", "都道府県道", "3", 14.5, "13m以上19.5m未満", "土工区間", 1]
    assert layer.table.loc[1, ["function", "width_class", "section"]].tolist() == ["", "", ""]
    assert np.isnan(layer.table["width"][1])
    assert layer.mesh.polygon_surface.tolist() == [Surface.ROAD] * 2
    assert (layer.mesh.vertices[:, 2] == 0).all()


def test_traffic_areas_keep_their_polygons(data_set):
    carriageway, pavement, island = parts(135.41)
    content = (
        FLAT
        + surfaces("tran:lod2MultiSurface", *(f"#p135.41_{k}" for k in range(3)))
        + area("TrafficArea", "1000", carriageway)
        + area("TrafficArea", "2000", pavement)
        + area("AuxiliaryTrafficArea", "3000", island)
    )
    layer = data_set(document(road(FLAT, "a"), road(content, "b")))
    assert layer.mesh.polygon_feature.tolist() == [0, 1, 1, 1, 1]
    areas, polygons = layer.records["traffic_area"], layer.records["traffic_area_polygon"]
    assert areas["function"].tolist() == ["車道部", "歩道部", "3000"]
    assert areas["kind"].tolist() == ["TrafficArea", "TrafficArea", "AuxiliaryTrafficArea"]
    assert polygons.to_numpy().tolist() == [[1, 2, 0], [1, 3, 1], [1, 4, 2]]
    heights = layer.mesh.vertices[layer.mesh.ring_start[layer.mesh.polygon_start[polygons["polygon"]]], 2]
    assert heights.tolist() == [1, 2, 3]
    assert layer.table["function"].tolist() == ["", ""]
    assert layer.provenance.notes == (
        "code list AuxiliaryTrafficArea_function.xml is missing: 1 values stay undecoded",
    )


def test_area_and_level_of_detail_keep_the_tables_together(data_set):
    def content(lon: float) -> str:
        return area("TrafficArea", "1000", *parts(lon)) + surfaces(
            "tran:lod1MultiSurface", polygon(ring(square(34.6, lon)))
        )

    data = document(road(content(135.44), "a"), road(content(135.445), "b"))
    (x,), (y,) = to_plane([34.6], [135.445])
    layer = data_set(data, area=(x, y, x + 1, y + 1), lods=(2,))
    assert list(layer.table["id"]) == ["b"]
    assert layer.records["traffic_area"]["feature"].tolist() == [0]
    assert layer.records["traffic_area_polygon"].to_numpy().tolist() == [[0, 0, 0], [0, 1, 0], [0, 2, 0]]
    assert layer.mesh.polygon_lod.tolist() == [2, 2, 2]


def test_a_document_without_roads_is_refused(data_set):
    with pytest.raises(LayerError, match=r"no tran:Road in 1 documents"):
        data_set(document())


@pytest.mark.real
def test_osaka_roads_are_what_an_independent_reader_finds(osaka_zip):
    layer = read_roads(str(osaka_zip))
    mesh = layer.mesh
    with zipfile.ZipFile(osaka_zip) as archive:
        names = sorted(n for n in archive.namelist() if "/tran/" in n and n.endswith(".gml"))
        expected = [f for n in names for f in read_with_lxml(archive.read(n), "Road")]
    assert list(layer.table["id"]) == [r.name for r in expected]
    assert list(layer.table["function_code"]) == [r.texts.get("function", "") for r in expected]
    assert np.bincount(mesh.polygon_feature, minlength=len(expected)).tolist() == [len(r.polygons) for r in expected]
    rings = [ring for r in expected for _, rings in r.polygons for ring in rings]
    assert np.diff(mesh.ring_start).tolist() == [len(r) for r in rings]
    points = np.array([p for r in rings for p in r])
    east, north = to_plane(list(points[:, 0]), list(points[:, 1]))
    np.testing.assert_allclose(mesh.vertices, np.column_stack([east, north, points[:, 2]]), atol=1e-6)


@pytest.mark.real
def test_every_road_file_of_other_cities_is_what_an_independent_reader_finds(shared):
    files = list((shared / "real" / "plateau_types").rglob("tran/*.gml"))
    assert len(files) == 2
    for file in files:
        layer = read_roads(str(file), frame=plane_rectangular_zone(9), lods=range(5))
        expected = read_with_lxml(file.read_bytes(), "Road")
        found = np.bincount(layer.mesh.polygon_feature)
        assert found.tolist() == [len(r.polygons) for r in expected]
        n_points = sum(len(ring) for r in expected for _, rings in r.polygons for ring in rings)
        assert len(layer.mesh.vertices) == n_points
        assert len(layer.records["traffic_area_polygon"]) >= 68
