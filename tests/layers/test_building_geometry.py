"""Geometry of buildings: nothing lost, nothing doubled."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layers.buildings import read_buildings
from tests.layers.citygml_documents import (
    block,
    building,
    document,
    footprint,
    polygon,
    ring,
    solid,
    square,
    surfaces,
    to_plane,
    write_data_set,
)
from twin.errors import LayerError
from twin.layer import MeshLayer, Surface


@pytest.fixture
def data_set(tmp_path: Path):
    def read(data: bytes, **options: Any) -> MeshLayer:
        name = "bldg/51357305_bldg_6697_op.gml"
        return read_buildings(write_data_set(tmp_path / "city", name, data, {}), **options)

    return read


def rings_of(layer: MeshLayer, polygon: int) -> list[np.ndarray]:
    mesh = layer.mesh
    first, last = mesh.polygon_start[polygon], mesh.polygon_start[polygon + 1]
    return [mesh.vertices[mesh.ring_start[r] : mesh.ring_start[r + 1]] for r in range(first, last)]


def test_coordinates_are_east_north_height_and_rings_are_not_closed(data_set):
    points = square(34.6, 135.4, 7.5)
    hole = square(34.60002, 135.40002, 7.5, 2e-5)
    layer = data_set(document(building(surfaces("bldg:lod0RoofEdge", polygon(ring(points), ring(hole[::-1]))))))
    outer, inner = rings_of(layer, 0)
    assert layer.mesh.polygon_surface.tolist() == [Surface.ROOF_EDGE]
    for found, given in ((outer, points), (inner, hole[::-1])):
        east, north = to_plane([p[0] for p in given], [p[1] for p in given])
        np.testing.assert_allclose(found, np.column_stack([east, north, [7.5] * 4]), atol=1e-6)


ROOF, WALL, FLOOR = (polygon(ring(square(z=z)), name=f"poly_{z}") for z in (9, 5, 1))


def bounded(element: str, *polygons: str) -> str:
    inner = surfaces("bldg:lod2MultiSurface", *polygons)
    return f"<bldg:boundedBy><bldg:{element}>{inner}</bldg:{element}></bldg:boundedBy>"


BOUNDARY = bounded("RoofSurface", ROOF) + bounded("WallSurface", WALL) + bounded("GroundSurface", FLOOR)
SHELL = ("#poly_9", "#poly_5", "#poly_1")


@pytest.mark.parametrize(
    "order", [(solid("bldg:lod2Solid", *SHELL), BOUNDARY), (BOUNDARY, solid("bldg:lod2Solid", *SHELL))]
)
def test_a_solid_that_refers_to_its_boundary_counts_once(data_set, order):
    layer = data_set(document(building("".join(order))), strict=True)
    assert layer.mesh.polygon_surface.tolist() == [Surface.ROOF, Surface.WALL, Surface.GROUND]
    assert layer.mesh.polygon_lod.tolist() == [2, 2, 2]
    assert layer.provenance.notes == ()
    assert (layer.table["base"][0], layer.table["top"][0]) == (1, 9)


def test_a_boundary_that_refers_to_its_solid_hands_over_the_role(data_set):
    content = (
        solid("bldg:lod2Solid", ROOF, WALL, FLOOR)
        + bounded("RoofSurface", "#poly_9")
        + bounded("WallSurface", "#poly_5")
    )
    layer = data_set(document(building(content)), strict=True)
    assert layer.mesh.polygon_surface.tolist() == [Surface.ROOF, Surface.WALL, Surface.OTHER]


def test_a_reference_to_a_composite_stands_for_its_polygons(data_set):
    composite = (
        '<gml:CompositeSurface gml:id="shell">'
        + "".join(f"<gml:surfaceMember>{p}</gml:surfaceMember>" for p in (ROOF, WALL))
        + "</gml:CompositeSurface>"
    )
    lod1 = '<bldg:lod1Solid><gml:Solid><gml:exterior xlink:href="#shell"/></gml:Solid></bldg:lod1Solid>'
    lod2 = f"<bldg:lod2Solid><gml:Solid><gml:exterior>{composite}</gml:exterior></gml:Solid></bldg:lod2Solid>"
    layer = data_set(document(building(lod1 + lod2)), strict=True)
    assert sorted(zip(layer.mesh.polygon_lod, layer.mesh.polygon_surface, strict=True)) == [
        (1, Surface.SOLID),
        (1, Surface.SOLID),
        (2, Surface.OTHER),
        (2, Surface.OTHER),
    ]


def test_a_polygon_of_another_building_is_shown_in_both(data_set):
    first = building(solid("bldg:lod2Solid", "#poly_5", "#poly_5", ROOF), "a")
    second = building(bounded("WallSurface", WALL), "b")
    layer = data_set(document(first, second), strict=True)
    assert layer.mesh.polygon_feature.tolist() == [0, 0, 1]
    assert layer.mesh.polygon_surface.tolist() == [Surface.OTHER, Surface.WALL, Surface.WALL]
    assert np.array_equal(rings_of(layer, 1)[0], rings_of(layer, 2)[0])


def test_a_reference_without_target_is_counted_and_refused_when_strict(data_set):
    data = document(building(solid("bldg:lod2Solid", "#poly_9", "#nowhere", "#other.gml#x") + BOUNDARY))
    layer = data_set(data)
    assert layer.mesh.n_polygons == 3
    assert layer.provenance.notes == ("2 references (xlink:href) without a target in their file, left out",)
    with pytest.raises(LayerError, match=r"'#nowhere' leads nowhere .*|line \d+, element gml:surfaceMember"):
        data_set(data, strict=True)


def test_parts_give_their_polygons_and_installations_do_not(data_set):
    part = (
        '<bldg:consistsOfBuildingPart><bldg:BuildingPart gml:id="p">'
        '<bldg:measuredHeight uom="m">99</bldg:measuredHeight>'
        f"<gml:name>part</gml:name>{block(0, 20)}<uro:bldgDisasterRiskAttribute><uro:TsunamiRiskAttribute>"
        '<uro:depth uom="m">3</uro:depth></uro:TsunamiRiskAttribute></uro:bldgDisasterRiskAttribute>'
        "</bldg:BuildingPart></bldg:consistsOfBuildingPart>"
    )
    outer = (
        "<bldg:outerBuildingInstallation><bldg:BuildingInstallation>"
        f"{surfaces('bldg:lod2Geometry', WALL)}<bldg:usage>1</bldg:usage></bldg:BuildingInstallation>"
        "</bldg:outerBuildingInstallation>"
    )
    layer = data_set(document(building(footprint() + outer + part + part.replace('"p"', '"q"'))))
    assert layer.mesh.polygon_feature.tolist() == [0] * 5
    assert layer.mesh.polygon_lod.tolist() == [0, 1, 1, 1, 1]
    assert len(layer.table) == 1
    row = layer.table.iloc[0]
    assert np.isnan(row["measured_height"])
    assert (row["name"], row["usage"], row["top"]) == ("", "", 20)
    assert layer.records["risk"]["depth"].tolist() == [3, 3]
    assert layer.provenance.notes == (
        "2 building parts: polygons and risk records kept, other attributes left out",
        "1 installations, rooms or furniture, left out",
    )


def test_levels_of_detail_are_chosen(data_set):
    data = document(building(footprint() + block(1, 5) + BOUNDARY))
    layer = data_set(data, lods=(2,))
    assert layer.mesh.polygon_lod.tolist() == [2, 2, 2]
    assert (layer.table["base"][0], layer.table["top"][0]) == (1, 5)
    assert layer.provenance.notes == ("3 polygons of levels of detail that were not asked for",)


def test_open_and_short_rings_are_told(data_set):
    one = polygon(ring(square(), close=False))
    two = polygon(ring(square()[:2]))
    three = polygon(ring(square()), ring(square()[:1]))
    data = document(building(surfaces("bldg:lod0FootPrint", one, two, three)))
    layer = data_set(data)
    assert np.diff(layer.mesh.ring_start).tolist() == [4, 4]
    assert np.diff(layer.mesh.polygon_start).tolist() == [1, 1]
    assert layer.provenance.notes == (
        "2 rings of fewer than three points, left out",
        "1 rings without a closing point, closed",
    )
    with pytest.raises(LayerError, match="closing point"):
        data_set(data, strict=True)
