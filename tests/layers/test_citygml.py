"""Scanning CityGML: any way of writing the same XML gives the same; broken XML gives an error that says where."""

from __future__ import annotations

import codecs
import contextlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from layers import citygml_scan as cg
from layers.buildings import read_buildings
from layers.citygml_spans import group_pairs, match_spans, number_points
from layers.citygml_text import decode_text
from tests.layers.citygml_documents import (
    NAMESPACES,
    block,
    building,
    document,
    footprint,
    polygon,
    read_with_lxml,
    ring,
    solid,
    square,
    surfaces,
)
from twin.errors import LayerError
from twin.layer import MeshLayer

CONTENT = footprint() + block(1.5, 9.5) + '<bldg:measuredHeight uom="m">8.0</bldg:measuredHeight>'


@pytest.fixture
def read(tmp_path: Path):
    def read_bytes(data: bytes, **options: Any) -> MeshLayer:
        path = tmp_path / "53394611_bldg_6697_op.gml"
        path.write_bytes(data)
        return read_buildings(str(path), **options)

    return read_bytes


def same(a: MeshLayer, b: MeshLayer) -> bool:
    return bool(
        np.array_equal(a.mesh.vertices, b.mesh.vertices)
        and np.array_equal(a.mesh.ring_start, b.mesh.ring_start)
        and np.array_equal(a.mesh.polygon_start, b.mesh.polygon_start)
        and np.array_equal(a.mesh.polygon_surface, b.mesh.polygon_surface)
        and a.table.equals(b.table)
    )


def renamed(text: bytes) -> bytes:
    for prefix in NAMESPACES:
        text = text.replace(f"<{prefix}:".encode(), f"<p{prefix}:".encode())
        text = text.replace(f"</{prefix}:".encode(), f"</p{prefix}:".encode())
        text = text.replace(f"xmlns:{prefix}=".encode(), f"xmlns:p{prefix}=".encode())
        text = text.replace(f" {prefix}:".encode(), f" p{prefix}:".encode())
    return text


def with_default_gml(text: bytes) -> bytes:
    text = text.replace(b"<gml:", b"<").replace(b"</gml:", b"</")
    return text.replace(b"xmlns:gml=", b'xmlns="http://www.opengis.net/gml" xmlns:gml=')


REWRITES = {
    "other prefixes": renamed,
    "gml as the default namespace": with_default_gml,
    "byte order mark": lambda t: codecs.BOM_UTF8 + t,
    "single quotes": lambda t: t.replace(b'"', b"'"),
    "Windows line ends": lambda t: t.replace(b"\n", b"\r\n"),
    "white space in tags": lambda t: t.replace(b"</gml:Solid>", b"</gml:Solid\n >").replace(b" gml:id=", b"\tgml:id ="),
    "line breaks in a list": lambda t: t.replace(b" 135.4", b"\n\t 135.4").replace(b"posList>", b"posList>\n\n"),
    "comments": lambda t: t.replace(b"<gml:Polygon", b"<!-- <gml:Polygon> -- > & --><gml:Polygon"),
    "comments in a list": lambda t: t.replace(b"<gml:posList>", b"<gml:posList><!-- 1 2 3 -->"),
    "CDATA in a list": lambda t: t.replace(b"<gml:posList>", b"<gml:posList><![CDATA[").replace(
        b"</gml:posList>", b"]]></gml:posList>"
    ),
    "comment in a text": lambda t: t.replace(b">8.0<", b">8<!-- , -->.0<"),
    "CDATA in a text": lambda t: t.replace(b">8.0<", b"><![CDATA[8.0]]><"),
    "character entity in a text": lambda t: t.replace(b">8.0<", b">&#x38;&#46;0<"),
    "processing instruction": lambda t: t.replace(b"<bldg:Building ", b"<?x <bldg:Building> ?><bldg:Building "),
    "UTF-16": lambda t: t.decode().replace("UTF-8", "UTF-16").encode("utf-16"),
    "a tag sign in an attribute": lambda t: t.replace(b"<gml:Polygon", b'<gml:Polygon note="a > b </gml:Polygon>"'),
    "an explicit dimension": lambda t: t.replace(b"<gml:posList>", b'<gml:posList srsDimension="3">'),
    "an empty element": lambda t: t.replace(b"<bldg:lod1Solid>", b"<bldg:lod2Solid/><bldg:usage/><bldg:lod1Solid>"),
    "another empty element": lambda t: t.replace(b"<bldg:lod1Solid>", b"<bldg:usage></bldg:usage><bldg:lod1Solid>"),
    "namespace declared where it is used": lambda t: t.replace(
        b'xmlns:bldg="http://www.opengis.net/citygml/building/2.0"', b""
    ).replace(b"<bldg:Building ", b'<bldg:Building xmlns:bldg="http://www.opengis.net/citygml/building/2.0" '),
    "a namespace nobody knows": lambda t: t.replace(
        b"<gml:Polygon>", b'<x:y xmlns:x="urn:x"><x:z>1</x:z></x:y><gml:Polygon>'
    ),
    "CityGML 1.0": lambda t: t.replace(b"/2.0", b"/1.0"),
}  # fmt: skip


@pytest.mark.parametrize("way", REWRITES)
def test_another_spelling_of_the_same_xml_gives_the_same_layer(read, way):
    text = document(building(CONTENT))
    changed = REWRITES[way](text)
    assert changed != text
    assert same(read(changed), read(text))


def test_points_in_single_pos_elements_are_read(read):
    points = "".join(f"<gml:pos>{a} {b} {c}</gml:pos>" for a, b, c in [*square(), square()[0]])
    one = polygon(f"<gml:LinearRing>{points}</gml:LinearRing>")
    layer = read(document(building(surfaces("bldg:lod0FootPrint", one))))
    assert same(layer, read(document(building(footprint()))))


def test_a_list_of_two_coordinates_gets_height_zero(read):
    flat = " ".join(f"{a} {b}" for a, b, _ in [*square(), square()[0]])
    one = polygon(f'<gml:LinearRing><gml:posList srsDimension="2">{flat}</gml:posList></gml:LinearRing>')
    layer = read(document(building(surfaces("bldg:lod0FootPrint", one))))
    assert same(layer, read(document(building(footprint()))))


def test_plane_rectangular_coordinates_are_north_then_east(read):
    # zone VI, written as (X north, Y east, height)
    points = [(-144000.0, -45000.0, 1.0), (-144000.0, -44990.0, 1.0), (-143990.0, -44990.0, 1.0)]
    one = surfaces("bldg:lod0FootPrint", polygon(ring(points)))
    layer = read(document(building(one), srs="http://www.opengis.net/def/crs/EPSG/0/10167"))
    assert layer.mesh.vertices.tolist() == [[-45000, -144000, 1], [-44990, -144000, 1], [-44990, -143990, 1]]


def test_a_document_denser_than_expected_is_read_whole(read):
    # short numbers and tags: every output table is first made too small
    points = "34 135 0 34 136 0 35 136 0 34 135 0"
    many = "".join(
        f"<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>{points}</gml:posList>"
        "</gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
        for _ in range(3000)
    )
    long = " ".join(["34 135 0 35 135 0 35 136 0"] * 20_000)
    one = polygon(f"<gml:LinearRing><gml:posList>{long}</gml:posList></gml:LinearRing>")
    one = f"<gml:surfaceMember>{one}</gml:surfaceMember>"
    layer = read(
        document(building(f"<bldg:lod0FootPrint><gml:MultiSurface>{one}{many}</gml:MultiSurface></bldg:lod0FootPrint>"))
    )
    assert layer.mesh.n_polygons == 3001
    assert len(layer.mesh.vertices) == 60_000 + 3 * 3000


# ------------------------------------------------------------------------------------------------------ bad input

GOOD = document(building(CONTENT))
NUMBER = b"34.6 135.4 0.0"
TWICE = b"</gml:exterior><gml:exterior>" + ring(square()).encode() + b"</gml:exterior></gml:Polygon>"
BAD = {
    "no byte": (b"", "empty"),
    "white space": (b" \n\n", "not an XML document"),
    "text": (b"hello", "not an XML document"),
    "a zip's beginning": (b"PK\x03\x04garbage", "not an XML document"),
    "another root": (b"<a><b/></a>", "root element"),
    "a root of another namespace": (b'<CityModel xmlns="urn:other"/>', "root element"),
    "cut in the root": (GOOD[:200], "root element"),
    "cut in a tag": (GOOD[: GOOD.index(b"lod1Solid") + 4], "ends before"),
    "cut in a list": (GOOD[: GOOD.index(NUMBER) + 6], "ends before"),
    "cut between elements": (GOOD[: GOOD.index(b"<bldg:lod1Solid")], "ends before"),
    "cut in a comment": (GOOD.replace(b"<bldg:lod1Solid>", b"<!-- "), "ends before"),
    "a closing tag too many": (GOOD + b"</core:CityModel>", "closing tag"),
    "a wrong closing tag": (GOOD.replace(b"</gml:Solid>", b"</gml:Solit>"), "closing tag"),
    "a longer closing tag": (GOOD.replace(b"</gml:Solid>", b"</gml:Solidus>"), "closing tag"),
    "two roots": (GOOD + GOOD[GOOD.index(b"<core") :], "well-formed"),
    "an attribute without quotes": (GOOD.replace(b'uom="m"', b"uom=m"), "well-formed"),
    "an attribute without a value": (GOOD.replace(b'uom="m"', b"uom"), "well-formed"),
    "a document type": (GOOD.replace(b"<core:CityModel", b"<!DOCTYPE x><core:CityModel", 1), "DOCTYPE"),
    "NaN": (GOOD.replace(NUMBER, b"34.6 NaN 0.0", 1), "'NaN'"),
    "infinity": (GOOD.replace(NUMBER, b"34.6 1e999 0.0", 1), "'1e999'"),
    "a word": (GOOD.replace(NUMBER, b"34.6 east 0.0", 1), "'east'"),
    "a comma": (GOOD.replace(NUMBER, b"34.6,135.4,0.0", 1), "finite number"),
    "one number too few": (GOOD.replace(NUMBER, b"34.6 135.4", 1), "do not make points of 3"),
    "one number too many": (GOOD.replace(NUMBER, b"34.6 135.4 0 0", 1), "do not make points of 3"),
    "dimension seven": (GOOD.replace(b"<gml:posList>", b'<gml:posList srsDimension="7">'), "points of 7"),
    "longitude first": (GOOD.replace(NUMBER, b"135.4 34.6 0.0"), "do not lie in Japan"),
    "WGS 84": (GOOD.replace(b"EPSG/0/6697", b"EPSG/0/4326"), "EPSG/0/4326"),
    "an unknown system": (GOOD.replace(b"EPSG/0/6697", b"EPSG/0/99999"), "EPSG/0/99999"),
    "no code": (GOOD.replace(b"http://www.opengis.net/def/crs/EPSG/0/6697", b"somewhere"), "'somewhere'"),
    "two systems": (GOOD.replace(b"<gml:Solid>", b'<gml:Solid srsName="EPSG:6668">'), "mixes"),
    "coordinates element": (GOOD.replace(b"gml:posList", b"gml:coordinates"), "not read"),
    "a curved ring": (GOOD.replace(b"gml:LinearRing", b"gml:Ring"), "not read"),
    "two exteriors": (GOOD.replace(b"</gml:exterior></gml:Polygon>", TWICE), "2 exterior rings"),
    "an unknown entity": (GOOD.replace(b">8.0<", b">&eight;<"), "&eight;"),
    "not UTF-8": (GOOD.replace(b"bldg_1", "建物".encode("cp932")), "UTF-8"),
    "a prefix with two meanings": (GOOD.replace(b"<gml:Solid>", b'<gml:Solid xmlns:gml="urn:x">'), "'gml' means"),
    "an unknown encoding": (GOOD.replace(b"UTF-8", b"UTF-99"), "UTF-99"),
    "no building": (document(), "no bldg:Building"),
    "nested without end": (document(building("<a>" * 300 + "</a>" * 300)), "deep"),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_broken_input_ends_in_an_error_that_names_the_file(read, case):
    data, message = BAD[case]
    with pytest.raises(LayerError) as raised:
        read(data)
    assert message in str(raised.value)
    assert "53394611_bldg_6697_op.gml" in str(raised.value)
    assert raised.value.remedy


def test_an_error_names_line_and_element(read):
    lines = GOOD.count(b"\n", 0, GOOD.index(NUMBER)) + 1
    with pytest.raises(LayerError, match=rf"line {lines}, element gml:posList"):
        read(GOOD.replace(NUMBER, b"34.6 NaN 0.0", 1))


@settings(max_examples=60, deadline=None)
@given(end=st.integers(0, len(GOOD) - 30))
def test_a_document_cut_anywhere_is_refused(tmp_path_factory, end):
    path = tmp_path_factory.mktemp("cut") / "cut.gml"
    path.write_bytes(GOOD[:end])
    with pytest.raises(LayerError):
        read_buildings(str(path))


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(GOOD) - 1), byte=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused_but_never_a_crash(tmp_path_factory, at, byte):
    path = tmp_path_factory.mktemp("changed") / "changed.gml"
    path.write_bytes(GOOD[:at] + bytes([byte]) + GOOD[at + 1 :])
    with contextlib.suppress(LayerError):
        assert len(read_buildings(str(path)).table) == 1


# ----------------------------------------------------------------------------------------------------- properties

degrees = st.tuples(
    st.floats(34.5, 34.8, allow_nan=False),
    st.floats(135.3, 135.6, allow_nan=False),
    st.floats(-5, 300, allow_nan=False),
)
rings = st.lists(degrees, min_size=3, max_size=6, unique=True)
polygons = st.lists(rings, min_size=1, max_size=3)
texts = st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=12).filter(
    lambda t: t.strip(" ") == t and t.strip()
)
lod_properties = st.sampled_from(
    [
        ("bldg:lod0FootPrint", surfaces),
        ("bldg:lod1Solid", solid),
        ("bldg:lod2MultiSurface", surfaces),
        ("bldg:lod2Solid", solid),
    ]
)
buildings = st.lists(
    st.tuples(st.lists(st.tuples(lod_properties, st.lists(polygons, min_size=1, max_size=3)), max_size=3), texts),
    min_size=1,
    max_size=4,
)


def escape(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


@settings(max_examples=60, deadline=None)
@given(city=buildings)
def test_any_document_gives_what_an_independent_reader_finds(tmp_path_factory, city):
    members = [
        building(
            f"<gml:name>{escape(name)}</gml:name>"
            + "".join(
                write(element, *(polygon(*map(ring, rings)) for rings in parts))
                for (element, write), parts in properties
            ),
            f"bldg_{k}",
        )
        for k, (properties, name) in enumerate(city)
    ]
    data = document(*members)
    path = tmp_path_factory.mktemp("any") / "any.gml"
    path.write_bytes(data)
    layer = read_buildings(str(path))
    expected = read_with_lxml(data)
    mesh = layer.mesh
    assert list(layer.table["id"]) == [b.name for b in expected]
    assert list(layer.table["name"]) == [b.texts["name"] for b in expected]
    flat = [(k, lod, rings) for k, b in enumerate(expected) for lod, rings in b.polygons]
    assert mesh.polygon_feature.tolist() == [k for k, _, _ in flat]
    assert mesh.polygon_lod.tolist() == [lod for _, lod, _ in flat]
    assert np.diff(mesh.polygon_start).tolist() == [len(rings) for _, _, rings in flat]
    assert np.diff(mesh.ring_start).tolist() == [len(r) for _, _, rings in flat for r in rings]
    heights = [p[2] for _, _, rings in flat for r in rings for p in r]
    np.testing.assert_allclose(mesh.vertices[:, 2], heights, rtol=1e-14, atol=1e-290)


@settings(max_examples=300, deadline=None)
@given(
    value=st.one_of(
        st.floats(-1e12, 1e12, allow_nan=False).map(repr),
        st.decimals(-1000, 1000, places=14).map(str),
        st.from_regex(r"\A[+-]?[0-9]{1,25}(\.[0-9]{0,25})?([eE][+-]?[0-9]{1,2})?\Z"),
        st.from_regex(r"\A[+-]?\.[0-9]{1,5}\Z"),
    )
)
def test_a_number_is_read_as_python_reads_it(value):
    raw = np.frombuffer(value.encode() + b"<", np.uint8)
    number, after, is_number = cg.read_number(raw, 0)
    assert is_number
    assert after == len(value)
    # beyond 10^22 powers of ten are no longer exact in binary; no coordinate comes near
    is_common = 1e-6 < abs(float(value)) < 1e12 or float(value) == 0
    assert number == pytest.approx(float(value), rel=5e-16 if is_common else 1e-13, abs=1e-290)


@pytest.mark.parametrize("text", ["", "-", ".", "e5", "1e", "--1", "x", "nan", "inf"])
def test_what_is_no_number_is_not_read(text):
    raw = np.frombuffer(text.encode() + b"<", np.uint8)
    _, after, is_number = cg.read_number(raw, 0)
    assert not (is_number and after == len(text))


@given(words=st.lists(st.binary(max_size=6), max_size=40), extras=st.data())
def test_equal_spans_share_a_group_and_only_they(words, extras):
    data = b"".join(words) or b"-"
    b = np.frombuffer(data, np.uint8)
    begin = np.cumsum([0, *map(len, words)])[:-1].astype(np.int64)
    end = begin + np.array([len(w) for w in words], np.int64)
    none = np.full(len(words), -1)
    group, first = group_pairs(b, begin, end, none, none)
    for k, word in enumerate(words):
        assert group[k] == -1 if not word else words[first[group[k]]] == word
    assert len(first) == len({w for w in words if w})
    found = match_spans(b, begin, end, begin, end)
    assert [words[f] if f >= 0 else b"" for f in found] == words


@given(points=st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), max_size=40))
def test_each_distinct_point_gets_one_number(points):
    vertices = np.array([(x, y, 0.0) for x, y in points], np.float64).reshape(-1, 3)
    number, first = number_points(vertices)
    assert [tuple(vertices[first[n], :2]) for n in number] == [tuple(map(float, p)) for p in points]
    assert len(first) == len(set(points))


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b" a ", "a"),
        (b"a &amp; b", "a & b"),
        (b"&amp;lt;", "&lt;"),
        (b"&#65;&#x42;&lt;&gt;&quot;&apos;", "AB<>\"'"),
        (b"a<!-- x -->b", "ab"),
        (b"<![CDATA[a & <b>]]>c", "a & <b>c"),
        ("大阪".encode(), "大阪"),
    ],
)
def test_character_data_is_decoded(raw, text):
    assert decode_text(raw, "x") == text
