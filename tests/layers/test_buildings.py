"""Buildings: one schema for every version, nothing lost, nothing doubled; real files against an independent reader."""

from __future__ import annotations

import json
import zipfile
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from layers.buildings import read_buildings
from tests.layers.citygml_documents import (
    Feature,
    block,
    building,
    code_list,
    document,
    footprint,
    polygon,
    read_with_lxml,
    ring,
    solid,
    square,
    surfaces,
    to_plane,
)
from twin.errors import FrameError, LayerError
from twin.frame import ELLIPSOIDAL, GEOGRAPHIC, Frame, plane_rectangular_zone
from twin.layer import Access, MeshLayer, Surface

SPACE = 'codeSpace="../../codelists/{}.xml"'


@pytest.fixture
def data_set(tmp_path: Path):
    """Write a data set of one document and code lists, and read it."""

    def read(data: bytes, lists: dict[str, bytes] | None = None, deep: str = "", **options: object) -> MeshLayer:
        folder = tmp_path / "city"
        path = folder / "udx" / "bldg" / deep / "51357305_bldg_6697_op.gml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        for name, content in (lists or {}).items():
            target = folder / "codelists" / f"{name}.xml"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(content)
        return read_buildings(str(folder), **options)  # type: ignore[arg-type]

    return read


def coded(element: str, code: str, name: str) -> str:
    return f"<{element} {SPACE.format(name)}>{code}</{element}>"


def attributes(prefix: str) -> str:
    """A building's attributes as i-UR 2.0 and 3.0 (prefix "Building") or 3.1 (no prefix) write them."""
    risk = "buildingDisasterRiskAttribute" if prefix else "bldgDisasterRiskAttribute"
    pair = "keyValuePairAttribute" if prefix else "bldgKeyValuePairAttribute"
    return (
        "<gml:name>市役所 &amp; 図書館</gml:name>"
        + coded("bldg:class", "3001", "Building_class")
        + coded("bldg:usage", "422", "Building_usage")
        + "<bldg:yearOfConstruction>1986</bldg:yearOfConstruction>"
        + '<bldg:measuredHeight uom="m">12.5</bldg:measuredHeight><bldg:storeysAboveGround>4</bldg:storeysAboveGround>'
        + "<bldg:storeysBelowGround>1</bldg:storeysBelowGround>"
        + footprint()
        + block(1.5, 13.75)
        + "<uro:buildingIDAttribute><uro:BuildingIDAttribute><uro:buildingID>27100-bldg-7</uro:buildingID>"
        + "<uro:branchID>2</uro:branchID>"
        + coded("uro:prefecture", "27", "Common_localPublicAuthorities")
        + coded("uro:city", "27100", "Common_localPublicAuthorities")
        + "</uro:BuildingIDAttribute></uro:buildingIDAttribute>"
        + "<uro:buildingDetailAttribute><uro:BuildingDetailAttribute>"
        + coded("uro:buildingStructureType", "603", "structure")
        + coded("uro:fireproofStructureType", "1001", "fireproof")
        + coded("uro:detailedUsage", "1110", "detailed")
        + "<uro:surveyYear>2017</uro:surveyYear></uro:BuildingDetailAttribute></uro:buildingDetailAttribute>"
        + f"<uro:{risk}><uro:{prefix}RiverFloodingRiskAttribute>"
        + coded("uro:description", "1", "rivers")
        + coded("uro:rank", "2", "ranks")
        + '<uro:depth uom="m">1.25</uro:depth>'
        + coded("uro:adminType", "1", "admins")
        + coded("uro:scale", "2", "scales")
        + '<uro:duration uom="hour">6.5</uro:duration>'
        + f"</uro:{prefix}RiverFloodingRiskAttribute></uro:{risk}>"
        + f"<uro:{risk}><uro:{prefix}TsunamiRiskAttribute>"
        + coded("uro:description", "9", "rivers")
        + coded("uro:rankOrg", "3", "ranks")
        + f"</uro:{prefix}TsunamiRiskAttribute></uro:{risk}>"
        + f"<uro:{pair}><uro:KeyValuePairAttribute>"
        + coded("uro:key", "100", "keys")
        + coded("uro:codeValue", "5", "values")
        + f"</uro:KeyValuePairAttribute></uro:{pair}>"
        + '<gen:stringAttribute name="区名"><gen:value>住之江区</gen:value></gen:stringAttribute>'
    )


LISTS = {
    "Building_class": code_list(c3001="普通建物"),
    "Building_usage": code_list(c422="文教厚生施設"),
    "Common_localPublicAuthorities": code_list(c27="大阪府", c27100="大阪府大阪市"),
    "structure": code_list(c603="鉄筋コンクリート造"),
    "fireproof": code_list(c1001="耐火"),
    "detailed": code_list(c1110="住宅"),
    "rivers": code_list(c1="淀川水系淀川", c9="南海トラフ"),
    "ranks": code_list(c2="0.5m以上3m未満", c3="3m以上"),
    "admins": code_list(c1="国"),
    "scales": code_list(c1="L1（計画規模）", c2="L2（想定最大規模）"),
    "keys": code_list(c100="用途地域"),
    "values": code_list(c5="商業地域"),
}


@pytest.mark.parametrize(
    ("version", "prefix"), [("2.0", "Building"), ("3.0", "Building"), ("3.1", ""), ("3.2", "")], ids=str
)
def test_every_version_gives_the_same_columns_and_values(data_set, version, prefix):
    uro = {"uro": f"https://www.geospatial.jp/iur/uro/{version}"}
    layer = data_set(document(building(attributes(prefix), "bldg_7"), namespaces=uro), LISTS, strict=True)
    assert layer.provenance.notes == ()
    row = layer.table.iloc[0].to_dict()
    assert json.loads(row.pop("generic")) == {"用途地域": "商業地域", "区名": "住之江区"}
    assert row == {
        "id": "bldg_7",
        "building_id": "27100-bldg-7",
        "branch_id": "2",
        "name": "市役所 & 図書館",
        "class_code": "3001",
        "class_name": "普通建物",
        "usage_code": "422",
        "usage": "文教厚生施設",
        "detailed_usage_code": "1110",
        "detailed_usage": "住宅",
        "structure_code": "603",
        "structure": "鉄筋コンクリート造",
        "fireproof_code": "1001",
        "fireproof": "耐火",
        "measured_height": 12.5,
        "storeys_above": 4,
        "storeys_below": 1,
        "year_of_construction": 1986,
        "survey_year": 2017,
        "prefecture": "大阪府",
        "city": "大阪府大阪市",
        "city_code": "27100",
        "base": 1.5,
        "top": 13.75,
        "height": 12.25,
        "max_lod": 1,
        "source_file": "udx/bldg/51357305_bldg_6697_op.gml",
    }
    risk = layer.records["risk"]
    assert risk.iloc[0].to_dict() == {
        "feature": 0,
        "hazard": "river_flood",
        "description_code": "1",
        "description": "淀川水系淀川",
        "rank_code": "2",
        "rank": "0.5m以上3m未満",
        "depth": 1.25,
        "admin": "国",
        "scale_code": "2",
        "scale": "maximum",
        "duration_hours": 6.5,
    }
    second = risk.iloc[1]
    assert (second["hazard"], second["rank"], second["scale"], second["admin"]) == ("tsunami", "3m以上", "", "")
    assert np.isnan(second["depth"])
    assert np.isnan(second["duration_hours"])


def test_column_types_do_not_depend_on_what_a_file_holds(data_set):
    empty = data_set(document(building())).table
    full = data_set(document(building(attributes(""), "b")), LISTS).table
    assert list(empty.columns) == list(full.columns)
    assert [str(t) for t in empty.dtypes] == [str(t) for t in full.dtypes]
    row = empty.iloc[0]
    assert row["usage"] == row["generic"] == row["name"] == ""
    assert pd.isna(row["storeys_above"])
    assert np.isnan(row["height"])
    assert row["max_lod"] == 0


def test_unknown_values_are_unknown(data_set):
    layer = data_set(
        document(
            building(
                '<bldg:measuredHeight uom="m">-9999</bldg:measuredHeight>'
                "<bldg:storeysAboveGround>9999</bldg:storeysAboveGround>"
                "<bldg:storeysBelowGround>two</bldg:storeysBelowGround>"
                "<bldg:yearOfConstruction>0001</bldg:yearOfConstruction>"
                "<uro:surveyYear>0001-01-01</uro:surveyYear>"
            )
        )
    )
    unknown = ["measured_height", "storeys_above", "storeys_below", "year_of_construction", "survey_year"]
    assert layer.table[unknown].isna().all(axis=None)
    assert layer.provenance.notes == ("1 values of storeysBelowGround that are no number, left unknown",)


def test_units_are_heeded(data_set):
    risk = (
        '<uro:TsunamiRiskAttribute><uro:depth uom="{}">50</uro:depth><uro:duration uom="{}">90</uro:duration>'
        "</uro:TsunamiRiskAttribute>"
    )
    layer = data_set(
        document(building(risk.format("m", "hour") + risk.format("cm", "minute") + risk.format("shaku", "week")))
    )
    assert layer.records["risk"]["depth"].tolist()[:2] == [50.0, 0.5]
    assert layer.records["risk"]["duration_hours"].tolist()[:2] == [90.0, 1.5]
    assert layer.records["risk"].loc[2, ["depth", "duration_hours"]].isna().all()
    assert len(layer.provenance.notes) == 2


# ------------------------------------------------------------------------------------------------------ geometry


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


def test_frames(data_set):
    data = document(building(footprint()))
    zone = plane_rectangular_zone(5)
    layer = data_set(data, frame=zone, access=Access.CLOSED, licence="CC BY 4.0", date="2022")
    east, north = to_plane([34.6], [135.4], zone.horizontal)
    np.testing.assert_allclose(layer.mesh.vertices[0, :2], [east[0], north[0]], atol=1e-6)
    assert (layer.frame, layer.provenance.access, layer.provenance.licence) == (zone, Access.CLOSED, "CC BY 4.0")
    with pytest.raises(FrameError, match="degrees"):
        data_set(data, frame=GEOGRAPHIC)
    with pytest.raises(FrameError, match="heights above"):
        data_set(data, frame=Frame("EPSG:6674", ELLIPSOIDAL))


# ----------------------------------------------------------------------------------------- codes, generic attributes


@pytest.mark.parametrize(("deep", "space"), [("", "../../"), ("a", "../../../"), ("a/b", "../../../../")])
def test_code_lists_are_found_at_any_depth(data_set, deep, space):
    usage = f'<bldg:usage codeSpace="{space}codelists/Building_usage.xml">422</bldg:usage>'
    layer = data_set(document(building(usage)), LISTS, deep)
    assert layer.table["usage"][0] == "文教厚生施設"
    assert layer.provenance.notes == ()


def test_a_code_list_elsewhere_is_found_by_name_and_told(data_set):
    usage = '<bldg:usage codeSpace="../codelists/Building_usage.xml">422</bldg:usage>'
    layer = data_set(document(building(usage)), LISTS, strict=True)
    assert layer.table["usage"][0] == "文教厚生施設"
    assert layer.provenance.notes == (
        "code list udx/codelists/Building_usage.xml was found as codelists/Building_usage.xml",
    )


def test_missing_lists_and_codes_leave_the_code_and_a_note(data_set):
    content = coded("bldg:usage", "1", "Building_usage") + coded("bldg:class", "2", "no_such_list")
    data = document(building(content, "a"), building(content, "b"))
    layer = data_set(data, LISTS)
    assert layer.table["usage"].tolist() == ["1", "1"]
    assert layer.table["class_name"].tolist() == ["2", "2"]
    assert layer.provenance.notes == (
        "code list no_such_list.xml is missing: 2 values stay undecoded",
        "code list Building_usage.xml lacks the codes of 2 values",
    )
    with pytest.raises(LayerError, match=r"codelists/(Building_usage|no_such_list)\.xml: code"):
        data_set(data, LISTS, strict=True)


def test_a_broken_code_list_is_refused(data_set):
    with pytest.raises(LayerError, match=r"Building_usage\.xml: the code list is not XML"):
        data_set(document(building(coded("bldg:usage", "1", "Building_usage"))), {"Building_usage": b"<a>"})


def generic(kind: str, name: str, value: str) -> str:
    return f'<gen:{kind}Attribute name="{name}"><gen:value>{value}</gen:value></gen:{kind}Attribute>'


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (generic("string", "a", "x"), {"a": "x"}),
        (generic("string", "a", "12"), {"a": "12"}),
        (generic("int", "n", "12") + generic("double", "d", "-1.5e3"), {"n": 12, "d": -1500.0}),
        (generic("measure", "m", "2.50"), {"m": 2.5}),
        (
            generic("int", "n", "007") + generic("int", "p", "+5") + generic("int", "e", "none"),
            {"n": "007", "p": "+5", "e": "none"},
        ),
        (
            generic("date", "d", "2024-03-31") + generic("uri", "u", "http://a/?b&amp;c"),
            {"d": "2024-03-31", "u": "http://a/?b&c"},
        ),
        (generic("string", "q&quot;uote", 'a "b" \\ c'), {'q"uote': 'a "b" \\ c'}),
        (generic("string", "lines", "a\nb\tc"), {"lines": "a\nb\tc"}),
        (generic("string", "empty", ""), {"empty": ""}),
        (
            generic("string", "twice", "1") + generic("int", "twice", "2") + generic("int", "twice", "3"),
            {"twice": ["1", 2, 3]},
        ),
        (
            f'<gen:genericAttributeSet name="s">{generic("int", "a", "1")}<gen:genericAttributeSet name="t">'
            + generic("string", "a", "x")
            + "</gen:genericAttributeSet></gen:genericAttributeSet>"
            + generic("int", "a", "2"),
            {"s": {"a": 1, "t": {"a": "x"}}, "a": 2},
        ),
        (
            f"<uro:KeyValuePairAttribute>{coded('uro:key', '100', 'keys')}<uro:stringValue>&lt;x></uro:stringValue>"
            "</uro:KeyValuePairAttribute>",
            {"用途地域": "<x>"},
        ),
        (f"<bldg:boundedBy><bldg:WallSurface>{generic('string', 'a', 'x')}</bldg:WallSurface></bldg:boundedBy>", None),
    ],
)  # fmt: skip
def test_generic_attributes_become_json(data_set, content, expected):
    plain = generic("string", "z", "last")
    layer = data_set(document(building("", "a"), building(content, "b"), building(plain, "c")), LISTS)
    first, second, third = layer.table["generic"]
    assert first == ""
    assert (json.loads(second) if second else None) == expected
    assert json.loads(third) == {"z": "last"}


def test_a_repeated_or_missing_id_is_told(data_set):
    data = document(building("", "a"), building("", "a"), building().replace(' gml:id="bldg_1"', ""))
    assert data_set(data).provenance.notes == ("1 buildings whose gml:id is not unique", "1 buildings without gml:id")


def test_an_unknown_version_is_told(data_set):
    uro = {"uro": "https://www.geospatial.jp/iur/uro/9.0"}
    layer = data_set(document(building(attributes("")), namespaces=uro), LISTS)
    assert layer.table["building_id"][0] == "27100-bldg-7"
    assert any("uro/9.0" in note for note in layer.provenance.notes)


# ----------------------------------------------------------------------------------------------------- real data


def compare(layer: MeshLayer, expected: list[Feature], first: int = 0) -> None:
    """Every polygon, ring, vertex height and record of the rows from `first` on is what the other reader finds."""
    mesh, table = layer.mesh, layer.table.iloc[first : first + len(expected)]
    assert list(table["id"]) == [b.name for b in expected]
    lo, hi = np.searchsorted(mesh.polygon_feature, [first, first + len(expected)])
    n_rings, n_points = np.diff(mesh.polygon_start), np.diff(mesh.ring_start)
    found = Counter(
        (
            int(mesh.polygon_feature[p]) - first,
            int(mesh.polygon_lod[p]),
            tuple(n_points[mesh.polygon_start[p] : mesh.polygon_start[p + 1]]),
        )
        for p in range(lo, hi)
    )
    assert found == Counter(
        (k, lod, tuple(map(len, rings))) for k, b in enumerate(expected) for lod, rings in b.polygons
    )
    points = np.array([p for b in expected for _, rings in b.polygons for r in rings for p in r]).reshape(-1, 3)
    a, z = mesh.ring_start[mesh.polygon_start[[lo, hi]]]
    assert n_rings[lo:hi].sum() == sum(len(rings) for b in expected for _, rings in b.polygons)
    east, north = to_plane(list(points[:, 0]), list(points[:, 1]), layer.frame.horizontal)
    for column, values in enumerate((east, north, points[:, 2])):
        np.testing.assert_allclose(np.sort(mesh.vertices[a:z, column]), np.sort(values), rtol=1e-14, atol=1e-6)
    for column, element in (
        ("usage_code", "usage"),
        ("class_code", "class"),
        ("building_id", "buildingID"),
        ("name", "name"),
    ):
        assert list(table[column]) == [b.texts.get(element, "") for b in expected]
    heights = [float(b.texts["measuredHeight"]) if "measuredHeight" in b.texts else np.nan for b in expected]
    heights = [np.nan if h == -9999 else h for h in heights]
    np.testing.assert_allclose(table["measured_height"], heights, rtol=1e-15)
    assert [bool(g) for g in table["generic"]] == [b.n_generic > 0 for b in expected]
    risk = layer.records["risk"]
    risk = risk[(risk["feature"] >= first) & (risk["feature"] < first + len(expected))]
    assert len(risk) == sum(b.risks.total() for b in expected)
    depths = sorted(float(d) for b in expected for _, _, d in b.risks.elements() if d)
    np.testing.assert_allclose(sorted(risk["depth"].dropna()), depths, rtol=1e-15)
    codes = Counter((f - first, c) for f, c in zip(risk["feature"], risk["description_code"], strict=True))
    assert codes == Counter((k, c) for k, b in enumerate(expected) for _, c, _ in b.risks.elements())


@pytest.fixture(scope="module")
def osaka(osaka_zip: Path) -> MeshLayer:
    return read_buildings(str(osaka_zip))


@pytest.mark.real
@pytest.mark.parametrize("mesh", ["52350333", "51357371", "52350312", "51357355"])
def test_osaka_is_what_an_independent_reader_finds(osaka, osaka_zip, mesh):
    with zipfile.ZipFile(osaka_zip) as archive:
        name = next(n for n in archive.namelist() if f"{mesh}_bldg" in n)
        expected = read_with_lxml(archive.read(name))
    first = int((osaka.table["source_file"] == name).to_numpy().argmax())
    compare(osaka, expected, first)


@pytest.mark.real
def test_osaka_is_whole(osaka, osaka_zip):
    counts = Counter()
    with zipfile.ZipFile(osaka_zip) as archive:
        names = [n for n in archive.namelist() if "/bldg/" in n and n.endswith(".gml")]
        for name in names:
            data = archive.read(name)
            for word in (
                b"<bldg:Building ",
                b"<gml:Polygon",
                b"<gml:LinearRing",
                b"RiskAttribute>\n\t\t\t\t\t<uro:desc",
                b"<uro:depth",
            ):
                counts[word] += data.count(word)
    mesh, risk = osaka.mesh, osaka.records["risk"]
    assert len(names) == 63
    assert len(osaka.table) == counts[b"<bldg:Building "]
    assert mesh.n_polygons == counts[b"<gml:Polygon"]
    assert len(mesh.ring_start) - 1 == counts[b"<gml:LinearRing"]
    assert len(risk) == counts[b"RiskAttribute>\n\t\t\t\t\t<uro:desc"]
    assert risk["depth"].notna().sum() == counts[b"<uro:depth"]
    assert osaka.table["id"].is_unique
    # known of this set: about a quarter has no measured height, storm surge stands at about 5.5 m T.P. at the sea
    assert osaka.table["measured_height"].isna().mean() == pytest.approx(0.25, abs=0.03)
    surge = risk[(risk["hazard"] == "storm_surge") & risk["depth"].notna()]
    level = osaka.table["base"].to_numpy()[surge["feature"]] + surge["depth"]
    in_mesh = osaka.table["source_file"].astype(str).str.contains("52350333").to_numpy()[surge["feature"]]
    assert np.median(level[in_mesh]) == pytest.approx(5.50, abs=0.02)


@pytest.mark.real
def test_every_building_file_of_other_cities_is_what_an_independent_reader_finds(shared):
    files = [
        *(shared / "real" / "plateau_types").rglob("bldg/*.gml"),
        *(shared / "real" / "plateau_cities").rglob("bldg/*.gml"),
    ]
    assert len(files) == 6
    for file in files:
        layer = read_buildings(str(file), frame=plane_rectangular_zone(9), lods=range(5))
        compare(layer, read_with_lxml(file.read_bytes()))


@pytest.mark.real
def test_every_file_of_every_type_is_read_or_refused_by_name(shared):
    files = [
        f
        for name in ("plateau_types", "plateau_quality", "plateau_cities")
        for f in (shared / "real" / name).rglob("*.gml")
    ]
    refused: dict[str, LayerError] = {}
    for file in files:
        try:
            assert len(read_buildings(str(file), frame=plane_rectangular_zone(9)).table) > 0
        except LayerError as error:
            refused[str(file)] = error
    assert all(name in str(error) and error.remedy for name, error in refused.items())
    assert len(files) - len(refused) >= 41
