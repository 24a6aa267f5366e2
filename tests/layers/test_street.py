"""Lines from road surfaces: they lie in the middle, meet where the surfaces meet, and know how wide they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
import shapely
from shapely.affinity import rotate

from layers.centreline import centre_lines
from layers.street import read_road_network
from twin import Frame, Grid, LayerError, LinkKind, MeshLayer, PolygonMesh, Provenance, RasterLayer, Surface

if TYPE_CHECKING:
    from shapely import Polygon

FRAME = Frame("EPSG:6674", "EPSG:6695")
OPEN = Provenance("test", "CC0")


def _roads(shapes: list[Polygon], section: list[str] | None = None) -> MeshLayer:
    rings = [np.asarray(shape.exterior.coords)[:-1] for shape in shapes]
    n = len(rings)
    mesh = PolygonMesh(
        vertices=np.concatenate([np.column_stack([ring, np.zeros(len(ring))]) for ring in rings]),
        ring_start=np.r_[0, np.cumsum([len(ring) for ring in rings])],
        polygon_start=np.arange(n + 1),
        polygon_feature=np.arange(n),
        polygon_surface=np.full(n, Surface.ROAD, np.uint8),
        polygon_lod=np.ones(n, np.uint8),
    )
    table = pd.DataFrame({"id": [f"r{k}" for k in range(n)], "name": "", "section": section or [""] * n})
    return MeshLayer("roads", FRAME, OPEN, mesh, table)


def _cross(width: float, angle: float = 0.0) -> list[Polygon]:
    """Two streets of 200 m that cross in the middle."""
    half = width / 2
    bars = [shapely.box(-100, -half, 100, half), shapely.box(-half, -100, half, 100)]
    return [rotate(bar, angle, origin=(0, 0)) for bar in bars]


@pytest.mark.parametrize("angle", [0.0, 20.0, 45.0])
@pytest.mark.parametrize("width", [4.0, 12.0, 30.0])
def test_a_crossing_is_one_node_with_four_streets_of_the_right_width(width: float, angle: float) -> None:
    layer = read_road_network(roads=_roads(_cross(width, angle)))
    net = layer.network
    assert len(layer.links) == 4
    degree = np.diff(net.link_start)
    assert sorted(degree.tolist()) == [1, 1, 1, 1, 4]
    assert np.hypot(*net.node_xyz[degree.argmax(), :2]) < 2.0
    # a skeleton ends up to half a width before the end of its street
    assert layer.links["length"].to_numpy() == pytest.approx(100.0 - width / 4, abs=width / 4 + 1.5)
    assert layer.links["width"].to_numpy() == pytest.approx(width, abs=1.5)


def test_lines_stay_inside_the_surface() -> None:
    shapes = [*_cross(8.0, 33.0), shapely.Point(60, 80).buffer(40).difference(shapely.Point(60, 80).buffer(32))]
    layer = read_road_network(roads=_roads([*shapes[:2]]))
    inside = shapely.union_all(shapes[:2]).buffer(1.0)
    assert layer.links.geometry.within(inside).all()


def test_a_ring_road_keeps_its_loop() -> None:
    mask = np.zeros((120, 120), dtype=bool)
    row, col = np.indices(mask.shape)
    away = np.hypot(row - 60, col - 60)
    mask[(away > 30) & (away < 38)] = True
    graph = centre_lines(mask)
    assert len(graph.lines) == 1
    assert graph.lines[0].start == graph.lines[0].end
    assert graph.lines[0].length == pytest.approx(2 * np.pi * 34, rel=0.1)


def test_both_directions_share_the_line_and_one_runs_against_it() -> None:
    layer = read_road_network(roads=_roads(_cross(6.0)))
    net, lines = layer.network, layer.links.geometry
    for link in range(net.n_links):
        line = lines.iloc[net.link_feature[link]]
        first = line.coords[-1] if net.link_reversed[link] else line.coords[0]
        assert np.allclose(first[:2], net.node_xyz[net.link_tail[link], :2])
    assert np.bincount(net.link_feature).tolist() == [2] * len(lines)


def test_heights_follow_the_ground_and_a_bridge_spans_it() -> None:
    grid = Grid.from_bounds((-110, -110, 110, 110), 1.0, FRAME)
    x = np.broadcast_to(grid.x_cell, grid.shape)
    valley = np.where(np.abs(x) < 30, -4.0, 2.0).astype(np.float32)  # a river between two banks
    street = [shapely.box(-100, -4, 100, 4)]
    for section, lowest in (("土工区間・通常区間", -4.0), ("橋梁", 2.0)):
        layer = read_road_network(
            roads=_roads(street, [section]), terrain=RasterLayer("terrain", FRAME, OPEN, grid, valley, "m")
        )
        z = shapely.get_coordinates(layer.links.geometry.segmentize(1.0), include_z=True)[:, 2]
        if section == "橋梁":
            assert z.min() == pytest.approx(lowest)
            assert set(layer.network.attributes["kind"].values) == {LinkKind.BRIDGE}
        assert layer.network.node_xyz[:, 2] == pytest.approx(2.0)


def test_what_is_not_known_or_not_joined_is_said() -> None:
    far = [*_cross(6.0), shapely.box(300, 300, 400, 306)]
    notes = " ".join(read_road_network(roads=_roads(far)).provenance.notes)
    assert "no terrain was given" in notes
    assert "2 parts do not touch" in notes


def test_bad_requests_are_refused_with_a_reason() -> None:
    roads = _roads(_cross(6.0))
    with pytest.raises(LayerError, match="no road surface lies in"):
        read_road_network(roads=roads, area=(1000.0, 1000.0, 1100.0, 1100.0))
    with pytest.raises(LayerError, match=r"cell is 0\.0 m"):
        read_road_network(roads=roads, cell=0.0)
    with pytest.raises(LayerError, match="no street is wider than 40"):
        read_road_network(roads=roads, least_width=40.0)


def test_lines_do_not_move_with_the_area() -> None:
    roads = _roads(_cross(6.0))
    whole, part = read_road_network(roads=roads), read_road_network(roads=roads, area=(-80.0, -80.5, 80.0, 80.0))
    centre = [net.network.node_xyz[np.diff(net.network.link_start).argmax()] for net in (whole, part)]
    assert np.allclose(*centre)
