"""Buildings: one schema for every version, units, codes, generic attributes as the file has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from layers.buildings import read_buildings
from tests.layers.citygml_documents import (
    block,
    building,
    code_list,
    coded,
    document,
    footprint,
    to_plane,
    write_data_set,
)
from twin.errors import FrameError, LayerError
from twin.frame import ELLIPSOIDAL, GEOGRAPHIC, Frame, plane_rectangular_zone
from twin.layer import Access, MeshLayer


@pytest.fixture
def data_set(tmp_path: Path):
    def read(data: bytes, lists: dict[str, bytes] | None = None, deep: str = "", **options: Any) -> MeshLayer:
        name = f"bldg/{deep}/51357305_bldg_6697_op.gml"
        return read_buildings(write_data_set(tmp_path / "city", name, data, lists or {}), **options)

    return read


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
