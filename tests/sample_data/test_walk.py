"""The walking network as files of the 2024 specification."""

from __future__ import annotations

import json
from collections import Counter

import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

CORE = ("link_id", "start_id", "end_id", "distance", "rank", "rt_struct", "route_type", "direction", "width",
        "vtcl_slope", "lev_diff", "tfc_signal", "tfc_s_type", "brail_tile", "elevator", "roof")  # fmt: skip


@pytest.fixture(scope="module")
def links(folder):
    return json.loads((folder / "walk" / "network_2024_link.geojson").read_text("utf-8"))["features"]


@pytest.fixture(scope="module")
def nodes(folder):
    return json.loads((folder / "walk" / "network_2024_node.geojson").read_text("utf-8"))["features"]


def test_no_link_dangles(links, nodes):
    place = {n["properties"]["node_id"]: n["geometry"]["coordinates"] for n in nodes}
    assert len(place) == len(nodes)
    for link in links:
        line = link["geometry"]["coordinates"]
        assert line[0] == place[link["properties"]["start_id"]]
        assert line[-1] == place[link["properties"]["end_id"]]


def test_nodes_name_their_links(links, nodes):
    ends = {(end, p["link_id"]) for p in (link["properties"] for link in links) for end in (p["start_id"], p["end_id"])}
    named = {
        (n["properties"]["node_id"], value)
        for n in nodes
        for key, value in n["properties"].items()
        if key.startswith("link")
    }
    assert named == ends


def test_the_network_is_one_piece(links, nodes):
    number = {n["properties"]["node_id"]: k for k, n in enumerate(nodes)}
    a = [number[link["properties"]["start_id"]] for link in links]
    b = [number[link["properties"]["end_id"]] for link in links]
    graph = coo_array((np.ones(len(a)), (a, b)), shape=(len(nodes), len(nodes)))
    assert connected_components(graph, directed=False)[0] == 1


def test_links_have_the_core_fields_of_2024_with_known_codes(links):
    known = {"rt_struct": {1, 2, 3, 4, 5, 6, 7, 8, 99}, "route_type": {1, 2, 3, 4, 5, 6, 7, 99},
             "width": {1, 2, 3, 4, 99}, "vtcl_slope": {1, 2, 3, 4, 5, 6, 7, 8, 99}, "lev_diff": {1, 2, 3, 4, 5, 99},
             "tfc_signal": {1, 2, 3, 4, 99}, "elevator": {1, 2, 3, 4, 5, 99}}  # fmt: skip
    for link in links:
        p = link["properties"]
        assert set(CORE) <= set(p)
        assert len(p["rank"]) == 3
        assert set(p["rank"]) <= set("SABCZX")
        assert all(p[key] in codes for key, codes in known.items())
        assert p["distance"] > 0


def test_every_kind_of_way_occurs(links):
    ways = Counter((p["rt_struct"], p["route_type"]) for p in (link["properties"] for link in links))
    assert ways[1, 1] > 300  # sidewalks
    assert ways[2, 1] > 300  # streets
    assert ways[3, 1] > 60  # crossings
    for way in ((5, 1), (5, 6), (5, 4), (5, 5), (6, 1), (6, 6), (6, 4), (7, 1), (7, 4), (7, 5), (7, 6)):
        assert ways[way] > 0, way


def test_levels_are_joined_by_stairs_escalators_and_lifts_only(links, nodes):
    floor = {n["properties"]["node_id"]: n["properties"]["floor"] for n in nodes}
    for link in links:
        p = link["properties"]
        if floor[p["start_id"]] != floor[p["end_id"]]:
            assert p["route_type"] in (4, 5, 6)
    assert set(floor.values()) == {-1.0, 0.0, 1.0}


def test_slopes_say_which_way_is_up(links, nodes):
    z = {n["properties"]["node_id"]: n["properties"]["elevation"] for n in nodes}
    steep = [p for p in (link["properties"] for link in links) if p["vtcl_slope"] in (3, 4, 5, 6, 7, 8)]
    for p in steep:
        rises = z[p["end_id"]] > z[p["start_id"]]
        assert rises == (p["vtcl_slope"] in (3, 5, 7))


def test_bridge_ramps_and_underpass_are_not_flat(sample):
    graph = sample.walk
    slope = [
        abs(graph.nodes[link.end].z - graph.nodes[link.start].z) / link.line.length
        for link in graph.links
        if link.origin == "sidewalk" and link.name in sample.terrain.profiles and link.line.length > 20
    ]
    assert np.sum(np.array(slope) > 0.03) > 10
    assert max(slope) < 0.07


def test_sidewalks_cross_the_river_on_the_bridges(sample):
    graph = sample.walk
    over = [link for link in graph.links if link.line.intersects(sample.plan.river)]
    assert {link.name for link in over} >= {"水都大通", "国道499号", "府道水都東線"}
    on_deck = [n.z for n in graph.nodes if sample.plan.river.contains(shapely.Point(n.x, n.y))]
    assert len(on_deck) >= 6
    assert min(on_deck) > 5.0
