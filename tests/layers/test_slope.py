"""Heights and slopes from the terrain: right on ramps, calm under noise, silent where a link is not on the ground."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from layers.pedestrian import Column, directed
from layers.slope import with_slope, without_terrain
from twin import OSAKA, Frame, FrameError, Grid, NetworkLayer, Provenance, RasterLayer
from twin.network import LinkKind

SIDE = 200.0


def terrain(height: Any, cell: float = 1.0, noise: float = 0.0, frame: Frame = OSAKA) -> RasterLayer:
    """Ground whose height is a function of (x, y)."""
    grid = Grid.from_bounds((0, 0, SIDE, SIDE), cell, frame)
    x, y = np.meshgrid(grid.x_cell, grid.y_cell)
    z = height(x, y) + noise * np.random.default_rng(5).standard_normal(grid.shape)
    return RasterLayer("terrain", frame, Provenance("test", ""), grid, z.astype(np.float32), "m")


def streets(
    lines: list[list[tuple[float, float]]],
    kind: list[int] | None = None,
    floor: list[float] | None = None,
    elevation: list[float] | None = None,
    **columns: list[float],
) -> NetworkLayer:
    """Links that share no node; nodes are start and end of each in turn."""
    count = len(lines)
    ends = np.array([(line[0], line[-1]) for line in lines], dtype=float).reshape(-1, 2)
    yes = np.ones(count, dtype=bool)
    given = {name: Column(np.array(values), np.isfinite(values), "survey") for name, values in columns.items()}
    kinds = np.array([LinkKind.FOOTWAY] * count if kind is None else kind)
    shapes = [shapely.LineString(line) for line in lines]
    net = directed(
        np.column_stack([ends, np.zeros(2 * count)]),
        start=np.arange(0, 2 * count, 2),
        end=np.arange(1, 2 * count, 2),
        length=shapely.length(shapes),
        forward=yes,
        backward=yes,
        columns={"kind": Column(kinds, yes, "test"), "structure": Column(kinds, yes, "test"), **given},
    )
    nodes = pd.DataFrame({
        "id": [f"n{k}" for k in range(2 * count)],
        "floor": [0.0] * 2 * count if floor is None else floor,
        "elevation": [np.nan] * 2 * count if elevation is None else elevation,
    })  # fmt: skip
    links = gpd.GeoDataFrame({"id": [f"l{k}" for k in range(count)]}, geometry=shapes, crs=OSAKA.wkt())
    return NetworkLayer("walk", OSAKA, Provenance("test", ""), net, links, nodes)


def of(layer: NetworkLayer, name: str, feature: int = 0, *, back: bool = False) -> float | None:
    net = layer.network
    row = np.flatnonzero((net.link_feature == feature) & (net.link_reversed == back))[0]
    return float(net.attributes[name].values[row]) if net.attributes[name].known[row] else None


def test_an_even_slope_is_found_with_its_sign_in_both_directions() -> None:
    layer = with_slope(streets([[(50, 100), (150, 100)], [(100, 150), (100, 60)]]), terrain(lambda x, _y: 0.06 * x))
    assert of(layer, "slope") == pytest.approx(0.06, abs=1e-4)
    assert of(layer, "slope", back=True) == pytest.approx(-0.06, abs=1e-4)
    assert of(layer, "slope", 1) == pytest.approx(0.0, abs=1e-4)
    z = shapely.get_coordinates(layer.links.geometry[0], include_z=True)[:, 2]
    assert z[[0, -1]].tolist() == pytest.approx([3.0, 9.0], abs=0.01)
    assert layer.network.node_xyz[:2, 2].tolist() == pytest.approx(z[[0, -1]].tolist())


def test_a_hump_is_climbed_and_descended_from_either_side() -> None:
    layer = with_slope(streets([[(60, 100), (140, 100)]]), terrain(lambda x, _y: 5 - 0.08 * np.abs(x - 100)))
    for back in (False, True):
        assert of(layer, "climb", back=back) == pytest.approx(0.08, abs=0.002)
        assert of(layer, "descent", back=back) == pytest.approx(-0.08, abs=0.002)
    assert abs(of(layer, "slope") or 0) == pytest.approx(0.08, abs=0.002)


@pytest.mark.parametrize(
    ("cell", "length", "kept"), [(1.0, 10, 0.64), (1.0, 20, 0.94), (1.0, 40, 1.0), (5.0, 10, 0.36), (5.0, 20, 0.65)]
)
def test_smoothing_flattens_a_ramp_by_what_is_documented(cell: float, length: float, kept: float) -> None:
    ramp = terrain(lambda x, y: 0.08 * np.clip(x - 100, 0, length) + 0 * y, cell)
    assert of(with_slope(streets([[(60, 100), (180, 100)]]), ramp), "climb") == pytest.approx(0.08 * kept, abs=0.0005)


@pytest.mark.parametrize("cell", [1.0, 5.0])
def test_noise_of_30_cm_moves_few_slopes_across_a_limit(cell: float) -> None:
    rng = np.random.default_rng(2)
    starts = rng.uniform(50, 150, (300, 2))
    angle, length = rng.uniform(0, 2 * np.pi, 300), rng.uniform(8, 40, 300)
    ends = starts + length[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    layer = streets([[tuple(a), tuple(b)] for a, b in zip(starts, ends, strict=True)])

    def hill(x: Any, y: Any) -> Any:
        return 4.0 * np.sin(x / 40.0) * np.cos(y / 55.0)

    calm, rough = with_slope(layer, terrain(hill, cell)), with_slope(layer, terrain(hill, cell, noise=0.3))
    a, b = (one.network.attributes["slope"].values for one in (calm, rough))
    assert np.std(np.abs(b) - np.abs(a)) < 0.006
    assert np.mean((np.abs(a) > 0.08) != (np.abs(b) > 0.08)) < 0.06


@pytest.mark.parametrize(
    ("kind", "floor"),
    [
        (LinkKind.STAIRS, (0, 0)),
        (LinkKind.ELEVATOR, (0, 0)),
        (LinkKind.ESCALATOR, (0, 0)),
        (LinkKind.BRIDGE, (0, 0)),
        (LinkKind.UNDERGROUND, (0, 0)),
        (LinkKind.INDOOR, (0, 0)),
        (LinkKind.FOOTWAY, (0, 1)),
        (LinkKind.FOOTWAY, (-1, -1)),
    ],
)
def test_what_does_not_lie_on_the_ground_gets_no_slope_of_it(kind: LinkKind, floor: tuple[float, float]) -> None:
    layer = with_slope(streets([[(50, 100), (150, 100)]], [kind], list(floor)), terrain(lambda x, y: 0.06 * x + 0 * y))
    assert of(layer, "slope") is None
    assert of(layer, "climb") is None


def test_floors_without_a_stated_height_stand_five_metres_apart() -> None:
    layer = with_slope(streets([[(50, 100), (60, 100)]], floor=[0, -2]), terrain(lambda x, _y: 0 * x + 3))
    assert layer.network.node_xyz[:, 2].tolist() == pytest.approx([3.0, -7.0], abs=1e-6)
    assert any("5 m a floor" in note for note in layer.provenance.notes)


def test_stated_elevations_go_before_the_terrain() -> None:
    over_the_river = terrain(lambda x, _y: np.where(np.abs(x - 100) < 20, -4.0, 2.0))
    layer = with_slope(streets([[(50, 100), (150, 100)]], elevation=[2.0, 4.0]), over_the_river)
    assert of(layer, "slope") == pytest.approx(0.02)
    assert shapely.get_coordinates(layer.links.geometry, include_z=True)[:, 2].min() == 2.0


def test_a_link_across_a_canal_is_not_taken_for_a_slope() -> None:
    quay = terrain(lambda x, _y: np.where(np.abs(x - 100) < 15, -6.0, 2.0))
    layer = with_slope(streets([[(50, 100), (150, 100)]]), quay)
    assert of(layer, "slope") is None
    assert any("do not follow the ground" in note for note in layer.provenance.notes)


def test_a_surveyed_slope_stays_and_a_surveyed_class_bounds_the_terrain() -> None:
    three = [[(50, 60.0 + 20 * k), (150, 60.0 + 20 * k)] for k in range(3)]
    layer = with_slope(
        streets(three, slope=[0.01, np.nan, np.nan], slope_least=[0.0, -0.05, np.nan], slope_most=[0.05, 0.05, np.nan]),
        terrain(lambda x, y: 0.08 * x + 0 * y),
    )
    assert [of(layer, "slope", f) for f in range(3)] == [0.01, 0.05, pytest.approx(0.08, abs=1e-4)]
    assert of(layer, "slope", 1, back=True) == -0.05
    assert of(layer, "climb", 1) == pytest.approx(0.08, abs=1e-4)
    assert any("on 1 links the terrain is over 2 % outside" in note for note in layer.provenance.notes)
    assert layer.network.attributes["slope"].source == "survey; terrain"


def test_where_the_terrain_is_unknown_so_is_the_slope() -> None:
    holed = terrain(lambda x, _y: np.where(x < 100, 2.0, np.nan))
    layer = with_slope(streets([[(20, 100), (60, 100)], [(130, 100), (180, 100)]]), holed)
    assert (of(layer, "slope", 0), of(layer, "slope", 1)) == (pytest.approx(0.0, abs=1e-6), None)
    assert np.isfinite(layer.network.node_xyz).all()
    assert any("2 nodes lie where the terrain is unknown" in note for note in layer.provenance.notes)


def test_a_terrain_that_ends_before_the_network_is_no_error() -> None:
    layer = with_slope(streets([[(900, 900), (950, 900)]]), terrain(lambda x, _y: 0 * x))
    assert of(layer, "slope") is None
    assert np.isfinite(layer.network.node_xyz).all()


def test_terrain_of_another_frame_is_refused() -> None:
    other = terrain(lambda x, _y: 0 * x, frame=Frame("EPSG:6677"))
    with pytest.raises(FrameError, match="EPSG:6677"):
        with_slope(streets([[(0, 0), (9, 0)]]), other)


def test_without_terrain_the_note_says_that_heights_are_none() -> None:
    layer = without_terrain(streets([[(0, 0), (9, 0)]], floor=[0, 1]))
    assert layer.network.node_xyz[:, 2].tolist() == [0.0, 5.0]
    assert any("no terrain was given: 2 nodes" in note for note in layer.provenance.notes)
    assert of(layer, "slope") is None


def test_an_empty_network_stays_empty() -> None:
    assert with_slope(streets([]), terrain(lambda x, _y: 0 * x)).network.n_links == 0
