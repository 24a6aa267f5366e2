"""Pedestrian networks of the Ministry of Land: three generations in one form, nothing unknown taken for known."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from layers.pedestrian import ATTRIBUTES, Column, Handrail, directed
from layers.pedestrian_mlit import read_mlit_walk
from layers.registry import READERS
from twin import OSAKA, Frame, LayerError, NetworkLayer
from twin.network import LinkKind

X, Y = -46000.0, -144000.0
PLACES = {"A": (0, 0, 0), "B": (40, 0, 0), "C": (80, 0, 0), "D": (80, 0, -1), "E": (120, 0, -1)}
MODERN = {
    "distance": 40.0, "rt_struct": 1, "route_type": 1, "direction": 1, "width": 3, "vtcl_slope": 1, "lev_diff": 1,
    "tfc_signal": 1, "tfc_s_type": 1, "brail_tile": 2, "elevator": 1, "roof": 1,
}  # fmt: skip


def link(name: str, ends: str, **cells: Any) -> dict[str, Any]:
    return {"link_id": name, "start_id": ends[0], "end_id": ends[1], **MODERN, **cells}


def write(
    folder: Path, links: list[dict[str, Any]], nodes: dict[str, tuple[float, float, float]] | None = None
) -> Path:
    """Links and nodes as GeoJSON in EPSG:6674, straight lines."""
    nodes = PLACES if nodes is None else nodes
    lines = [shapely.LineString([(X + nodes[r["start_id"]][0], Y + nodes[r["start_id"]][1]),
                                 (X + nodes[r["end_id"]][0], Y + nodes[r["end_id"]][1])])
             if {r["start_id"], r["end_id"]} <= nodes.keys() else shapely.LineString([(X, Y), (X + 1, Y)])
             for r in links]  # fmt: skip
    table = gpd.GeoDataFrame(links, geometry=lines, crs="EPSG:6674")
    pyogrio.write_dataframe(table, folder / "link.geojson")
    points = gpd.GeoDataFrame(
        {"node_id": list(nodes), "floor": [p[2] for p in nodes.values()], "in_out": [1] * len(nodes)},
        geometry=[shapely.Point(X + p[0], Y + p[1]) for p in nodes.values()],
        crs="EPSG:6674",
    )
    pyogrio.write_dataframe(points, folder / "node.geojson")
    return folder / "link.geojson"


def read(path: Path, **options: Any) -> NetworkLayer:
    return read_mlit_walk(
        str(path),
        layer_id="walk",
        frame=options.pop("frame", OSAKA),
        **{"nodes": str(path.with_name(path.name.replace("link", "node"))), "version": 2018, **options},
    )


def of(layer: NetworkLayer, name: str, feature: int = 0, *, back: bool = False) -> tuple[float, bool]:
    """Value of an attribute of one link, and whether it is known."""
    net = layer.network
    row = np.flatnonzero((net.link_feature == feature) & (net.link_reversed == back))[0]
    return float(net.attributes[name].values[row]), bool(net.attributes[name].known[row])


def test_code_two_is_bad_in_2018_and_good_in_2024(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB", vtcl_slope=2, lev_diff=2)])
    old, new = read(path), read(path, version=2024)
    assert (of(old, "slope_least")[0], of(old, "slope_most")[0]) == (0.05, np.inf)
    assert (of(new, "slope_least")[0], of(new, "slope_most")[0]) == (-0.05, 0.05)
    assert of(old, "step_least")[0] == 0.02 == of(new, "step_most")[0]
    assert of(old, "step_most")[0] == np.inf


def test_a_version_that_nothing_shows_must_be_stated(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB")])
    with pytest.raises(LayerError, match=r"2018 or of 2024.*lev_diff 2 is over 2 cm.*version: 2018"):
        read(path, version=None)


@pytest.mark.parametrize("shows", [{"rank": "AAS"}, {"r_method": "111"}, {"vtcl_slope": 4}, {"lev_diff": 5}])
def test_what_exists_in_2024_only_shows_it_and_contradicts_another_version(tmp_path: Path, shows: dict) -> None:
    path = write(tmp_path, [link("a", "AB", **shows)])
    assert read(path, version=None).provenance.notes[0].startswith("specification of 2024")
    with pytest.raises(LayerError, match="exists in 2024 only"):
        read(path)


def test_unknown_blank_and_missing_stay_three_things_and_none_is_known(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB", width="99", roof="99"), link("b", "BC", width=" ", roof="2")])
    layer = read(path)
    assert layer.links["source_width"].tolist() == ["99", ""]
    assert "source_hSlope_max" not in layer.links
    for feature in (0, 1):
        assert (of(layer, "width", feature), of(layer, "width_most", feature)) == ((0.0, False), (np.inf, False))
    assert not layer.network.attributes["crossfall"].known.any()
    assert layer.network.attributes["crossfall"].source == "not surveyed"
    assert layer.network.attributes["width"].source == "width"
    assert (of(layer, "roof", 0), of(layer, "roof", 1)) == ((-1, False), (1, True))


def test_codes_that_stand_for_nothing_are_unknown_and_named(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("a", "AB", brail_tile=7)]))
    assert of(layer, "tactile") == (-1, False)
    assert any("brail_tile: '7' (1)" in note for note in layer.provenance.notes)


def test_an_elevator_s_width_is_its_door(tmp_path: Path) -> None:
    lift = {"route_type": 4, "width": 1, "elevator": 5, "distance": 5.0, "lev_diff": 2}
    layer = read(write(tmp_path, [link("a", "AB", w_min=2.5), link("e", "CD", **lift, w_min=0.8)]))
    assert of(layer, "kind", 1)[0] == LinkKind.ELEVATOR
    assert of(layer, "door_width", 1) == (0.8, True)
    assert not of(layer, "width", 1)[1]
    assert not of(layer, "step_least", 1)[1]
    assert not of(layer, "door_width", 0)[1]


def test_links_of_one_elevator_share_a_group_and_others_have_none(tmp_path: Path) -> None:
    nodes = {**PLACES, "F": (80, 0, 1), "G": (0, 0, 1)}
    lift = {"route_type": 4, "distance": 5.0}
    rows = [link("a", "AB"), link("x", "CD", **lift), link("y", "CF", **lift), link("z", "AG", **lift)]
    group = read(write(tmp_path, rows, nodes)).links["elevator_group"].tolist()
    assert group[0] == -1
    assert group[1] == group[2] != group[3]


def test_an_elevator_without_extent_keeps_its_stated_length(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("e", "CD", route_type=4, distance=6.5)]))
    assert layer.network.link_length.tolist() == [6.5, 6.5]
    assert shapely.get_coordinates(layer.links.geometry, include_z=True)[:, 2].tolist() == [0.0, -5.0]


def test_direction_decides_which_links_exist_and_what_is_not_said_goes_both_ways(tmp_path: Path) -> None:
    rows = [link(f"l{k}", "AB", direction=d) for k, d in enumerate((1, 2, 3, 99))]
    layer = read(write(tmp_path, rows))
    net = layer.network
    ways = [sorted(net.link_reversed[net.link_feature == f].tolist()) for f in range(4)]
    assert ways == [[False, True], [False], [True], [False, True]]
    assert any("1 links do not say in which direction" in note for note in layer.provenance.notes)
    back = np.flatnonzero(net.link_feature == 2)[0]
    assert layer.nodes["id"][net.link_head[back]] == "A"


def test_the_way_back_sees_slope_and_handrail_from_the_other_side(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("a", "AB", vtcl_slope=2, vSlope_max=7, handrail=2)]))
    assert of(layer, "slope") == (0.07, True)
    assert of(layer, "slope", back=True) == (-0.07, True)
    assert of(layer, "slope_least", back=True)[0] == pytest.approx(-0.075)
    assert of(layer, "slope_most", back=True)[0] == pytest.approx(-0.065)
    assert (of(layer, "handrail")[0], of(layer, "handrail", back=True)[0]) == (Handrail.RIGHT, Handrail.LEFT)


def test_a_slope_figure_without_direction_bounds_both_ways_and_has_no_sign(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("a", "AB", vtcl_slope=1, vSlope_max=3), link("b", "BC", vSlope_max=0)]))
    assert (of(layer, "slope_least")[0], of(layer, "slope_most")[0]) == (-0.035, 0.035)
    assert not of(layer, "slope")[1]
    assert of(layer, "slope", 1) == (0.0, True)


def test_contradicting_class_and_figure_allow_both_and_are_counted(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("a", "AB", vtcl_slope=1, vSlope_max=9, lev_diff=1, levDif_max=5)]))
    assert of(layer, "slope_most")[0] == pytest.approx(0.095)
    assert (of(layer, "step_least")[0], of(layer, "step_most")[0]) == (0.0, pytest.approx(0.055))
    assert sum("contradict each other on 1 links" in note for note in layer.provenance.notes) == 2


@pytest.mark.parametrize(("figures", "least"), [((2.5, 1.4), 2.5), ((25, 14), 2.5)])
def test_the_unit_of_measured_widths_is_the_one_that_fits_the_classes(
    tmp_path: Path, figures: tuple[float, float], least: float
) -> None:
    rows = [link("a", "AB", width=3, w_min=figures[0]), link("b", "BC", width=2, w_min=figures[1])]
    assert of(read(write(tmp_path, rows)), "width") == (least, True)


def test_measured_widths_of_an_undecided_unit_are_left_unread_until_it_is_said(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB", width=99, w_min=9)])
    layer = read(path)
    assert not of(layer, "width")[1]
    assert any("width_unit: dm" in note for note in layer.provenance.notes)
    assert of(read(path, width_unit="dm"), "width") == (0.9, True)


def test_the_rank_is_compared_with_the_fields_it_stands_for(tmp_path: Path) -> None:
    rows = [
        link("a", "AB", width=3, vtcl_slope=1, lev_diff=1, rank="SSS"),
        link("b", "BC", width=1, vtcl_slope=4, lev_diff=3, rank="SBB"),
        link("c", "AC", width=99, vtcl_slope=3, lev_diff=5, rank="XZZ"),
    ]
    layer = read(write(tmp_path, rows), version=2024)
    found = [note for note in layer.provenance.notes if note.startswith("rank")]
    assert found == ["rank contradicts width on 1 links: the field is taken"]
    assert layer.links["source_rank"].tolist() == ["SSS", "SBB", "XZZ"]


def test_hours_and_days_are_seconds_and_bits_and_always_open_is_not_known(tmp_path: Path) -> None:
    rows = [
        link("a", "AB", start_time="0530", end_time="24:00", no_serv_d="67"),
        link("b", "BC", start_time="", end_time="soon", no_serv_d="8"),
    ]
    layer = read(write(tmp_path, rows))
    assert (of(layer, "opens"), of(layer, "closes")) == ((19800.0, True), (86400.0, True))
    assert of(layer, "closed_days") == (0b1100000, True)
    assert (of(layer, "opens", 1), of(layer, "closes", 1)) == ((0.0, False), (86400.0, False))
    assert any("end_time: 1 values are no time" in note for note in layer.provenance.notes)
    assert any("no_serv_d: 1 values name no days" in note for note in layer.provenance.notes)


def test_a_stated_length_is_believed_only_where_its_line_agrees(tmp_path: Path) -> None:
    rows = [link("a", "AB", distance=41.5), link("b", "BC", distance=4.0), link("c", "CE", distance="")]
    layer = read(write(tmp_path, rows))
    assert layer.links["length"].tolist() == pytest.approx([41.5, 40.0, 40.0])
    assert any("1 stated lengths differ from their lines" in note for note in layer.provenance.notes)


def test_lines_drawn_from_the_end_are_turned(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB")])
    form = json.loads(path.read_text("utf-8"))
    form["features"][0]["geometry"]["coordinates"].reverse()
    path.write_text(json.dumps(form), "utf-8")
    layer = read(path)
    assert shapely.get_coordinates(layer.links.geometry)[0].tolist() == [X, Y]
    assert any("1 lines run from end to start" in note for note in layer.provenance.notes)


def test_the_level_is_the_lower_end_s_floor(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("a", "BC"), link("s", "CD", route_type=6), link("u", "DE", rt_struct=5)]))
    assert [of(layer, "level", f)[0] for f in range(3)] == [0, -1, -1]
    assert [of(layer, "kind", f)[0] for f in range(3)] == [LinkKind.FOOTWAY, LinkKind.STAIRS, LinkKind.UNDERGROUND]


def test_an_area_keeps_links_with_a_node_inside(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB"), link("b", "BC"), link("c", "CE"), link("d", "ZE")])
    layer = read(path, area=(X - 10, Y - 10, X + 10, Y + 10))
    assert layer.links["id"].tolist() == ["a"]
    assert layer.nodes["id"].tolist() == ["A", "B"]
    assert read(path, area=(X + 500, Y, X + 600, Y + 50)).network.n_links == 0


def test_self_loops_are_left_out_and_counted(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("a", "AB"), link("loop", "BB")]))
    assert layer.links["id"].tolist() == ["a"]
    assert any("1 links begin and end at one node" in note for note in layer.provenance.notes)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([link("a", "AZ")], r"1 links name nodes that are not there; the first is a from 'A' to 'Z'"),
        ([link("a", "AB"), link("a", "BC")], r"link_id a stands in several rows"),
        ([link(" ", "AB")], r"link_id is blank in 1 rows, the first is row 1"),
        ([{"id": 1, "start_id": "A", "end_id": "B"}], r"has no column link_id.*It has: id, start_id"),
    ],
)
def test_ids_that_cannot_be_a_network_are_refused(tmp_path: Path, rows: list[dict], message: str) -> None:
    with pytest.raises(LayerError, match=message):
        read(write(tmp_path, rows))


def test_node_files_that_are_none_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB")])
    with pytest.raises(LayerError, match="has no column node_id"):
        read(path, nodes=str(path))
    with pytest.raises(LayerError, match="does not exist"):
        read(path, nodes=str(tmp_path / "nobody.shp"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp932"])
def test_csv_without_geometry_is_read_in_both_encodings(tmp_path: Path, encoding: str) -> None:
    names = [*MODERN, "st_name"]
    text = "link_id,start_id,end_id," + ",".join(names) + "\n"
    text += "0001,01,02," + ",".join(str({**MODERN, "distance": 95, "st_name": "御堂筋"}[n]) for n in names) + "\n"
    (tmp_path / "link.csv").write_bytes(text.encode(encoding))
    nodes = "node_id,lat,lon,floor,in_out\n01,34.70,135.50,0,1\n02,34.70,135.501,0, \n"
    (tmp_path / "node.csv").write_bytes(nodes.encode(encoding))
    layer = read(tmp_path / "link.csv")
    assert layer.links["id"].tolist() == ["0001"]
    assert layer.links["name"].tolist() == ["御堂筋"]
    assert layer.network.link_length == pytest.approx([95.0, 95.0])
    assert layer.links.length.iloc[0] == pytest.approx(91.6, abs=0.5)
    assert layer.nodes["in_out"].tolist() == [1, 0]


def test_the_generation_of_2010_is_read_with_its_own_codes_and_angles(tmp_path: Path) -> None:
    links = (
        "リンクID,起点ノードID,終点ノードID,リンク延長,経路の種類,方向性,有効幅員,縦断勾配1,段差,手すり\n"
        "1,a,b,92,9,1,2,9,2,3\n2,a,b,92,13,0,9,6,0,9\n"
    )
    (tmp_path / "link.csv").write_bytes(links.encode("cp932"))
    nodes = "ノードID,緯度,経度,高さ\na,34.42.00.0,135.30.00.0,0\nb,34.42.00.0,135.30.03.6,0\n"
    (tmp_path / "node.csv").write_bytes(nodes.encode("cp932"))
    layer = read(tmp_path / "link.csv", version=None)
    assert layer.links["kind"].tolist() == ["RAIL_CROSSING", "RAMP"]
    assert (of(layer, "width")[0], of(layer, "width_most")[0]) == (1.5, 2.0)
    assert (of(layer, "step_least")[0], of(layer, "step_most")[0]) == (0.05, 0.1)
    assert not of(layer, "width", 1)[1]
    assert layer.network.n_links == 3
    assert layer.links.length.iloc[0] == pytest.approx(91.6, abs=0.5)


def test_both_files_bytes_are_in_the_digest(tmp_path: Path) -> None:
    path = write(tmp_path, [link("a", "AB")])
    before = read(path).provenance.sha256
    nodes = tmp_path / "node.geojson"
    nodes.write_text(nodes.read_text("utf-8").replace('"in_out": 1', '"in_out": 2', 1), "utf-8")
    assert read(path).provenance.sha256 != before


def test_all_attributes_are_there_whatever_the_file_has(tmp_path: Path) -> None:
    layer = read(write(tmp_path, [link("a", "AB")]))
    assert set(layer.network.attributes) == set(ATTRIBUTES)
    assert {len(a.values) for a in layer.network.attributes.values()} == {2}
    assert READERS["mlit_walk"].files == ("nodes", "tables")


@given(
    st.lists(
        st.tuples(st.floats(-0.5, 0.5), st.floats(0, 0.3), st.integers(0, 3), st.booleans()), min_size=1, max_size=8
    )
)
def test_walking_there_and_back_is_the_same_link(rows: list[tuple[float, float, int, bool]]) -> None:
    count = len(rows)
    least, spread, rail, known = (np.array(column) for column in zip(*rows, strict=True))
    known = known.astype(bool)
    columns = {
        "slope_least": Column(least, known, ""),
        "slope_most": Column(least + spread, known, ""),
        "handrail": Column(rail, known, ""),
    }
    xyz, ends = np.zeros((2, 3)), (np.zeros(count, np.int64), np.ones(count, np.int64))
    yes, length = np.ones(count, bool), np.ones(count)
    net = directed(xyz, start=ends[0], end=ends[1], length=length, forward=yes, backward=yes, columns=columns)
    turned = directed(
        xyz, start=ends[1], end=ends[0], length=length, forward=yes, backward=yes,
        columns={n: Column(net.attributes[n].values[net.link_reversed], known, "") for n in columns},
    )  # fmt: skip
    ahead, back = ~net.link_reversed, turned.link_reversed
    for name in columns:
        assert turned.attributes[name].values[back].tolist() == net.attributes[name].values[ahead].tolist()
    assert (net.attributes["slope_least"].values <= net.attributes["slope_most"].values).all()


def test_a_self_loop_never_gets_into_a_network() -> None:
    ones = np.ones(1, bool)
    with pytest.raises(LayerError, match="begin and end at one node"):
        directed(
            np.zeros((1, 3)), start=np.array([0]), end=np.array([0]), length=np.ones(1), forward=ones, backward=ones,
            columns={},
        )  # fmt: skip


@pytest.mark.real
def test_ueno_has_the_network_that_it_is_known_to_have(shared: Path) -> None:
    folder = shared / "real/walk/ueno_mlit2018"
    layer = read(folder / "link.shp", frame=Frame("EPSG:6677"), nodes=str(folder / "node.shp"))
    net, kind = layer.network, layer.links["kind"]
    assert (len(layer.links), net.n_nodes, net.n_links) == (1233, 1113, 2466)
    assert (int((kind == "STAIRS").sum()), int((kind == "ELEVATOR").sum())) == (27, 3)
    forward = ~net.link_reversed
    bad_step = (net.attributes["step_least"].values >= 0.02) & forward
    steep = (net.attributes["slope_least"].values >= 0.05) & forward
    assert (int(bad_step.sum()), int(steep.sum())) == (81, 128)
    assert set(layer.nodes["floor"]) == {0.0, 0.5, 1.0}
    assert not any("differ" in note or "run from end" in note for note in layer.provenance.notes)
    moved = read(folder / "link.shp", nodes=str(folder / "node.shp"))
    assert np.abs(moved.network.node_xyz[:, 0]).min() > 100_000
