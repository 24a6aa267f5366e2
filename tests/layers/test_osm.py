"""Pedestrian networks of OpenStreetMap: which ways are walked, where they are divided, what their tags say."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from layers.osm import LICENCE, read_osm_walk
from layers.pedestrian import ATTRIBUTES, Elevator, Restriction, Signal, Surface, Wheelchair
from twin import OSAKA, Frame, LayerError, NetworkLayer
from twin.network import LinkKind

LON, LAT = 135.5, 34.7
STEP = 0.0005
"""Degrees between neighbouring nodes: 45.8 m to the east, 55.5 m to the north."""


def osm(ways: list[tuple[str, dict[str, str]]], nodes: dict[str, dict[str, str]] | None = None) -> str:
    """OSM XML; a way is a word, its letters are nodes in a row to the east (lower case: a row further north)."""
    letters = sorted({letter for word, _ in ways for letter in word})
    number = {letter: k + 1 for k, letter in enumerate(letters)}
    out = ['<?xml version="1.0"?><osm version="0.6">']
    for letter in letters:
        column = ord(letter.upper()) - ord("A")
        lat = LAT + (STEP if letter.islower() else 0)
        tags = "".join(f'<tag k="{k}" v="{v}"/>' for k, v in (nodes or {}).get(letter, {}).items())
        out.append(f'<node id="{number[letter]}" version="1" lat="{lat}" lon="{LON + STEP * column}">{tags}</node>')
    for k, (word, tags) in enumerate(ways):
        refs = "".join(f'<nd ref="{number[letter]}"/>' for letter in word)
        rows = "".join(f'<tag k="{key}" v="{value}"/>' for key, value in tags.items())
        out.append(f'<way id="{k + 1}" version="1">{refs}{rows}</way>')
    return "".join([*out, "</osm>"])


def read(folder: Path, *document: Any, **options: Any) -> NetworkLayer:
    path = folder / "a.osm"
    path.write_text(osm(*document), "utf-8")
    return read_osm_walk(str(path), layer_id="walk", frame=OSAKA, **options)


def of(layer: NetworkLayer, name: str, feature: int = 0, *, back: bool = False) -> float | None:
    """Value of an attribute of one link; None where it is unknown."""
    net = layer.network
    row = np.flatnonzero((net.link_feature == feature) & (net.link_reversed == back))[0]
    return float(net.attributes[name].values[row]) if net.attributes[name].known[row] else None


FOOT = {"highway": "footway"}


@pytest.mark.parametrize(
    ("tags", "is_walked"),
    [
        ({"highway": "residential"}, True),
        ({"highway": "motorway"}, False),
        ({"highway": "construction"}, False),
        ({"highway": "footway", "access": "private"}, False),
        ({"highway": "service", "access": "private", "foot": "yes"}, True),
        ({"highway": "primary", "foot": "no"}, False),
        ({"highway": "secondary", "foot": "use_sidepath"}, False),
        ({"highway": "trunk"}, False),
        ({"highway": "trunk", "sidewalk": "both"}, True),
        ({"highway": "cycleway"}, False),
        ({"highway": "cycleway", "foot": "designated"}, True),
        ({"waterway": "river"}, False),
    ],
)
def test_people_walk_where_they_may(tmp_path: Path, tags: dict[str, str], *, is_walked: bool) -> None:
    layer = read(tmp_path, [("AB", FOOT), ("CD", tags)])
    assert (len(layer.links) == 2) is is_walked


@pytest.mark.parametrize(
    ("tags", "kind", "structure"),
    [
        ({"highway": "footway"}, LinkKind.FOOTWAY, LinkKind.FOOTWAY),
        ({"highway": "residential"}, LinkKind.ROAD, LinkKind.ROAD),
        ({"highway": "steps"}, LinkKind.STAIRS, LinkKind.FOOTWAY),
        ({"highway": "steps", "conveying": "yes"}, LinkKind.ESCALATOR, LinkKind.FOOTWAY),
        ({"highway": "steps", "bridge": "yes"}, LinkKind.STAIRS, LinkKind.BRIDGE),
        ({"highway": "footway", "conveying": "yes"}, LinkKind.MOVING_WALKWAY, LinkKind.FOOTWAY),
        ({"highway": "footway", "footway": "crossing"}, LinkKind.CROSSING, LinkKind.CROSSING),
        ({"highway": "footway", "bridge": "yes"}, LinkKind.BRIDGE, LinkKind.BRIDGE),
        ({"highway": "footway", "tunnel": "yes"}, LinkKind.UNDERGROUND, LinkKind.UNDERGROUND),
        ({"highway": "footway", "tunnel": "building_passage"}, LinkKind.FOOTWAY, LinkKind.FOOTWAY),
        ({"highway": "footway", "level": "-2"}, LinkKind.UNDERGROUND, LinkKind.UNDERGROUND),
        ({"highway": "corridor"}, LinkKind.INDOOR, LinkKind.INDOOR),
        ({"highway": "elevator"}, LinkKind.ELEVATOR, LinkKind.OTHER),
        ({"highway": "path", "ramp": "yes"}, LinkKind.RAMP, LinkKind.FOOTWAY),
    ],
)
def test_a_way_is_of_the_kind_that_its_tags_say(
    tmp_path: Path, tags: dict[str, str], kind: LinkKind, structure: LinkKind
) -> None:
    layer = read(tmp_path, [("AB", tags)])
    assert (of(layer, "kind"), of(layer, "structure")) == (kind, structure)
    assert layer.links["kind"].tolist() == [kind.name]


@pytest.mark.parametrize(
    ("tags", "expected"),
    [
        ({"width": "1.8 m"}, {"width": 1.8, "width_most": 1.8}),
        ({"width": "80 cm;2"}, {"width": 0.8}),
        ({"width": "narrow"}, {"width": None}),
        ({"incline": "-6 %"}, {"slope": -0.06, "slope_least": -0.06, "slope_most": -0.06}),
        ({"incline": "up"}, {"slope": None, "slope_least": 0.0, "slope_most": None}),
        ({"incline": "down"}, {"slope": None, "slope_least": None, "slope_most": 0.0}),
        ({"incline": "steep"}, {"slope": None, "slope_least": None}),
        ({"incline:across": "2%"}, {"crossfall": 0.02}),
        ({"surface": "asphalt"}, {"surface": Surface.GOOD}),
        ({"surface": "asphalt", "smoothness": "horrible"}, {"surface": Surface.HARD}),
        ({"surface": "lava"}, {"surface": None}),
        ({"wheelchair": "limited"}, {"wheelchair": Wheelchair.LIMITED}),
        ({"tactile_paving": "yes"}, {"tactile": 1}),
        ({"covered": "yes"}, {"roof": 1}),
        ({"access": "customers"}, {"restriction": Restriction.PRIVATE}),
        ({"foot": "yes"}, {"restriction": Restriction.FREE}),
        ({}, {"restriction": None, "tactile": None, "roof": None, "step_most": None, "level": None, "opens": None}),
        ({"level": "1;0"}, {"level": 0}),
        ({"bridge": "yes"}, {"level": 1}),
        ({"tunnel": "yes", "layer": "-2"}, {"level": -2}),
        ({"kerb": "lowered"}, {"step_least": 0.0, "step_most": 0.03}),
        ({"kerb": "raised", "kerb:height": "0.12"}, {"step_least": 0.12, "step_most": 0.12}),
    ],
)
def test_tags_say_what_they_say_and_nothing_more(
    tmp_path: Path, tags: dict[str, str], expected: dict[str, float | None]
) -> None:
    layer = read(tmp_path, [("AB", {**FOOT, **tags})])
    assert {name: of(layer, name) for name in expected} == {
        name: None if value is None else pytest.approx(value) for name, value in expected.items()
    }


def test_a_slope_is_the_other_way_round_on_the_way_back(tmp_path: Path) -> None:
    layer = read(tmp_path, [("AB", {**FOOT, "incline": "up"})])
    assert (of(layer, "slope_least"), of(layer, "slope_most")) == (0.0, None)
    assert (of(layer, "slope_least", back=True), of(layer, "slope_most", back=True)) == (None, 0.0)


def test_ways_are_divided_where_they_meet_and_only_there(tmp_path: Path) -> None:
    layer = read(tmp_path, [("ABCDE", FOOT), ("cC", FOOT)])
    assert layer.links["id"].tolist() == ["w1-0", "w1-1", "w2-0"]
    assert layer.network.n_nodes == 4
    assert layer.network.link_length[0] == pytest.approx(2 * 45.8, rel=0.01)


def test_a_circle_gets_a_second_node_and_no_self_loop(tmp_path: Path) -> None:
    layer = read(tmp_path, [("ABbaA", FOOT)])
    net = layer.network
    assert (len(layer.links), net.n_nodes) == (2, 2)
    assert (net.link_tail != net.link_head).all()


def test_one_way_for_people_is_one_link(tmp_path: Path) -> None:
    ways = [
        ("AB", {**FOOT, "oneway:foot": "yes"}),
        ("CD", {**FOOT, "oneway:foot": "-1"}),
        ("EF", {"highway": "steps", "conveying": "backward"}),
        ("GH", {"highway": "residential", "oneway": "yes"}),
    ]
    net = read(tmp_path, ways).network
    assert [sorted(net.link_reversed[net.link_feature == f].tolist()) for f in range(4)] == [
        [False], [True], [True], [False, True],
    ]  # fmt: skip


def test_a_kerb_counts_on_the_crossing_and_not_on_the_pavement(tmp_path: Path) -> None:
    crossing = {**FOOT, "footway": "crossing", "crossing": "zebra"}
    ways = [("AB", FOOT), ("BC", crossing), ("CD", FOOT)]
    layer = read(tmp_path, ways, {"B": {"barrier": "kerb", "kerb": "lowered"}, "C": {"kerb": "raised"}})
    assert [of(layer, "step_least", f) for f in range(3)] == [None, 0.03, None]
    assert of(layer, "step_most", 1) == np.inf
    assert (of(layer, "marked", 1), of(layer, "signal", 1)) == (1, Signal.NONE)


def test_one_kerb_on_the_map_says_nothing_of_the_one_across(tmp_path: Path) -> None:
    crossing = {**FOOT, "footway": "crossing"}
    layer = read(tmp_path, [("AB", FOOT), ("BC", crossing)], {"B": {"kerb": "flush"}})
    assert (of(layer, "step_least", 1), of(layer, "step_most", 1)) == (0.0, None)
    both = read(tmp_path, [("AB", FOOT), ("BC", crossing)], {"B": {"kerb": "flush"}, "C": {"kerb": "lowered"}})
    assert of(both, "step_most", 1) == 0.03


def test_a_crossing_takes_what_its_node_says(tmp_path: Path) -> None:
    crossing = {**FOOT, "footway": "crossing"}
    tags = {"highway": "crossing", "crossing": "traffic_signals", "button_operated": "yes",
            "traffic_signals:sound": "yes"}  # fmt: skip
    layer = read(tmp_path, [("ABC", crossing)], {"B": tags})
    assert (of(layer, "signal"), of(layer, "audible"), of(layer, "marked")) == (Signal.PUSH_BUTTON, 1, 1)


def test_a_closed_gate_cuts_the_way_and_an_open_one_does_not(tmp_path: Path) -> None:
    gate = {"barrier": "gate", "access": "private"}
    cut = read(tmp_path, [("AB", FOOT), ("BC", FOOT)], {"B": gate})
    assert cut.network.n_nodes == 4
    assert any("1 gates" in note for note in cut.provenance.notes)
    assert read(tmp_path, [("AB", FOOT), ("BC", FOOT)], {"B": {"barrier": "gate"}}).network.n_nodes == 3


def test_a_stile_stops_wheelchairs_on_both_sides(tmp_path: Path) -> None:
    layer = read(tmp_path, [("ABC", FOOT)], {"B": {"barrier": "stile"}})
    assert [of(layer, "wheelchair", f) for f in range(2)] == [Wheelchair.NO, Wheelchair.NO]


def test_an_elevator_node_becomes_a_link_between_the_floors(tmp_path: Path) -> None:
    lift = {"highway": "elevator", "level": "-1;0;1", "wheelchair": "yes", "door:width": "0.9"}
    ways = [("AB", FOOT), ("BC", {**FOOT, "level": "1", "bridge": "yes"}), ("Bb", {**FOOT, "level": "-1"})]
    layer = read(tmp_path, ways, {"B": lift})
    rows = layer.links[layer.links["kind"] == "ELEVATOR"]
    assert rows["id"].tolist() == ["n2--1", "n2-0"]
    assert rows["elevator_group"].tolist() == [0, 0]
    first = rows.index[0]
    assert (of(layer, "level", first), of(layer, "elevator", first)) == (-1, Elevator.WHEELCHAIR)
    assert (of(layer, "door_width", first), of(layer, "width", first)) == (0.9, None)
    assert rows["length"].tolist() == [5.0, 5.0]
    floors = dict(zip(layer.nodes["id"], layer.nodes["floor"], strict=True))
    assert (floors["n2@1"], floors["n2@-1"]) == (1.0, -1.0)
    joined = {tuple(sorted(pair)) for pair in layer.links[["start", "end"]].itertuples(index=False)}
    assert len(joined) == 5


def test_an_area_keeps_ways_with_an_end_inside(tmp_path: Path) -> None:
    x, y, _ = OSAKA.from_(Frame("EPSG:4326", None), [LON], [LAT])
    box = (x[0] - 10, y[0] - 10, x[0] + 10, y[0] + 10)
    layer = read(tmp_path, [("ABC", FOOT), ("CD", FOOT)], area=box)
    assert layer.links["id"].tolist() == ["w1-0"]
    far = read(tmp_path, [("AB", FOOT)], area=(x[0] + 900, y[0], x[0] + 950, y[0] + 9))
    assert far.network.n_links == 0
    assert set(far.network.attributes) == set(ATTRIBUTES)


def test_nodes_beyond_the_edge_of_an_extract_end_the_way(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    nodes = [{"type": "node", "id": k, "lat": LAT, "lon": LON + k * STEP} for k in (1, 2, 4, 5)]
    way = {"type": "way", "id": 9, "nodes": [1, 2, 3, 4, 5], "tags": {"highway": "path"}}
    path.write_text(json.dumps({"elements": [*nodes, way]}), "utf-8")
    layer = read_osm_walk(str(path), layer_id="walk", frame=OSAKA)
    assert len(layer.links) == 2
    assert any("1 nodes of ways lie beyond the edge" in note for note in layer.provenance.notes)


def test_tags_stay_readable_and_the_licence_is_named(tmp_path: Path) -> None:
    layer = read(tmp_path, [("AB", {**FOOT, "name": "御堂筋", "opening_hours": "Mo-Fr 05:00-24:00"}), ("CD", FOOT)])
    assert layer.links["name"].tolist() == ["御堂筋", ""]
    assert layer.links["source_opening_hours"].tolist() == ["Mo-Fr 05:00-24:00", ""]
    assert layer.provenance.licence == LICENCE
    assert "ODbL" in LICENCE


def test_xml_and_json_give_the_same_network(tmp_path: Path) -> None:
    ways = [("ABC", {**FOOT, "width": "2"}), ("Bb", {"highway": "steps", "step_count": "12"})]
    one = read(tmp_path, ways)
    (tmp_path / "b.osm.gz").write_bytes(gzip.compress(osm(ways).encode()))
    other = read_osm_walk(str(tmp_path / "b.osm.gz"), layer_id="walk", frame=OSAKA)
    nodes = {"A": (0, 0), "B": (1, 0), "C": (2, 0), "b": (1, 1)}
    number = {letter: k + 1 for k, letter in enumerate(nodes)}
    elements = [
        {"type": "node", "id": number[n], "lon": LON + STEP * x, "lat": LAT + STEP * y} for n, (x, y) in nodes.items()
    ]
    elements += [{"type": "way", "id": k + 1, "nodes": [number[n] for n in word], "tags": tags}
                 for k, (word, tags) in enumerate(ways)]  # fmt: skip
    (tmp_path / "c.json").write_text(json.dumps({"elements": elements}), "utf-8")
    third = read_osm_walk(str(tmp_path / "c.json"), layer_id="walk", frame=OSAKA)
    for layer in (other, third):
        assert layer.links["id"].tolist() == one.links["id"].tolist()
        assert np.allclose(layer.network.node_xyz, one.network.node_xyz, atol=0.02)
        assert of(layer, "stairs", 2) == 12


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.osm", b"<osm><way", "cannot be read as OpenStreetMap"),
        ("a.pbf", b"nothing of the kind", "cannot be read as OpenStreetMap"),
        ("a.xyz", b"1 2 3", "cannot be read as OpenStreetMap"),
        ("a.json", b"{}", "is no answer of the Overpass API"),
        ("a.json", b'{"elements": [{"type": "node"}]}', "is no answer of the Overpass API"),
        ("a.osm", b'<osm version="0.6"></osm>', "holds no way that people may walk"),
    ],
)
def test_files_that_are_none_end_in_a_message(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(LayerError, match=message):
        read_osm_walk(str(tmp_path / name), layer_id="walk", frame=OSAKA)


def test_tables_of_another_form_are_refused(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text("highway: {footway: SKYWAY}", "utf-8")
    with pytest.raises(LayerError, match="is no table of tags"):
        read(tmp_path, [("AB", FOOT)], tables=str(tmp_path / "t.yaml"))


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "crs", "nodes", "links"),
    [
        ("baltimore.osm.pbf", "EPSG:32618", (5000, 7000), (15_000, 20_000)),
        ("monaco.osm.gz", "EPSG:32632", (900, 1500), (2500, 4000)),
        ("osaka_tennoji_overpass.json", "EPSG:6674", (6000, 8000), (18_000, 24_000)),
    ],
)
def test_real_extracts_give_connected_networks(
    shared: Path, name: str, crs: str, nodes: tuple[int, int], links: tuple[int, int]
) -> None:
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    layer = read_osm_walk(str(shared / "real/osm" / name), layer_id="walk", frame=Frame(crs, None))
    net = layer.network
    assert nodes[0] < net.n_nodes < nodes[1]
    assert links[0] < net.n_links < links[1]
    graph = csr_array((np.ones(net.n_links), net.link_head, net.link_start), shape=(net.n_nodes,) * 2)
    part = connected_components(graph, directed=False)[1]
    assert np.bincount(part).max() > 0.85 * net.n_nodes
    assert (net.link_length > 0).all()
    assert (net.link_tail != net.link_head).all()
