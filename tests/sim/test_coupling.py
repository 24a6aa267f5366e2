"""What one stage hands to the next: read from stored runs, and more water is never better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

import sim.evacuation.fields
import sim.flood.fields  # noqa: F401  both register the fields that are written here
from sim.coupling import (
    DECK_HEIGHT,
    WEIR,
    Water,
    crowd_on_links,
    no_water,
    shelters_close,
    underground_water,
    water_at,
    water_on_links,
)
from twin import Attribute, Frame, Grid, LayerError, Network, NetworkLayer, Provenance, StoreError, VectorLayer
from twin.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.store import Run

GRID = Grid((8, 12), 5.0, 1000.0, -2000.0)
WEST, SOUTH, _, NORTH = GRID.bounds
OPEN = Provenance("test", "CC0")


def _flood(
    tmp_path: Path, depth: NDArray[np.float64], times: list[float], is_wall: NDArray[np.bool_] | None = None
) -> Run:
    writer = Store(tmp_path).begin("flood", {"name": "n", "stage": "flood", "key": "flood"})
    still = np.zeros(GRID.shape)
    writer.create_fields(GRID, times, {"h_cell": depth[0], "u_cell": still, "v_cell": still})
    for number, now in enumerate(depth):
        writer.write_output(number, {"h_cell": now, "u_cell": still + 3.0, "v_cell": still + 4.0}, {})
    writer.write_map("h_max_cell", GRID, np.where(is_wall, np.nan, depth.max(axis=0)) if is_wall is not None else still)
    return writer.finish()


def _links(lines: list[list[tuple[float, float]]], level: list[float] | None = None) -> NetworkLayer:
    """One two-way feature a line; its ends are its own nodes."""
    n = len(lines)
    ends = np.array([[*line[0], 0.0] for line in lines] + [[*line[-1], 0.0] for line in lines])
    there, back = np.arange(n), np.arange(n, 2 * n)
    attributes = {}
    if level is not None:
        values = np.r_[level, level]
        attributes["level"] = Attribute(values, np.isfinite(values), "1", "test")
    net = Network.from_links(
        ends,
        tail=np.r_[there, back],
        head=np.r_[back, there],
        feature=np.r_[there, there],
        is_reversed=np.r_[np.zeros(n, bool), np.ones(n, bool)],
        attributes=attributes,
    )
    table = gpd.GeoDataFrame({"id": [f"L{i}" for i in there]}, geometry=[shapely.LineString(line) for line in lines])
    return NetworkLayer("walk", Frame("EPSG:6674"), OPEN, net, table, pd.DataFrame({"id": np.arange(2 * n)}))


def _rising(top: float) -> NDArray[np.float64]:
    """Dry, then `top` metres in the western half."""
    depth = np.zeros((2, *GRID.shape))
    depth[1, :, :6] = top
    return depth


def test_water_is_linear_between_outputs_and_constant_outside(tmp_path: Path) -> None:
    water = water_at(_flood(tmp_path, _rising(2.0), [0.0, 100.0]), [WEST + 12.0], [SOUTH + 12.0])
    assert water.at(25.0)[0][0] == pytest.approx(0.5)
    assert water.at(-5.0)[0][0] == 0
    assert water.at(1e6)[0][0] == pytest.approx(2.0)
    assert water.at(100.0)[1][0] == pytest.approx(5.0)
    assert water.first_time_over(0.5)[0] == pytest.approx(25.0)
    assert np.isinf(water.first_time_over(2.5)[0])


def test_a_link_sees_the_worst_along_its_line(tmp_path: Path) -> None:
    run = _flood(tmp_path, _rising(1.0), [0.0, 60.0])
    layer = _links(
        [
            [(WEST + 2, SOUTH + 20), (WEST + 58, SOUTH + 20)],  # from the water to the dry half
            [(WEST + 40, SOUTH + 20), (WEST + 58, SOUTH + 20)],
            [(WEST - 50, SOUTH + 20), (WEST - 20, SOUTH + 20)],  # outside the run
        ]
    )
    assert water_on_links(run, layer).depth[1].tolist() == [1.0, 0.0, 0.0]


def test_a_deck_stands_above_the_street_and_the_underground_sees_none_of_it(tmp_path: Path) -> None:
    run = _flood(tmp_path, _rising(DECK_HEIGHT + 1), [0.0, 60.0])
    line = [(WEST + 2, SOUTH + 20), (WEST + 20, SOUTH + 20)]
    water = water_on_links(run, _links([line, line, line], level=[0, 1, -1]))
    assert water.depth[1] == pytest.approx([DECK_HEIGHT + 1, 1.0, 0.0])


def test_a_bridge_over_the_river_stays_open(tmp_path: Path) -> None:
    depth = _rising(0.0)
    depth[:, :, 5] = 4.0  # the river is there from the start
    layer = _links([[(WEST + 2, SOUTH + 20), (WEST + 58, SOUTH + 20)]])
    assert water_on_links(_flood(tmp_path, depth, [0.0, 60.0]), layer).depth.max() == 0


def test_a_point_in_a_building_takes_the_water_at_its_wall(tmp_path: Path) -> None:
    is_wall = np.zeros(GRID.shape, dtype=bool)
    is_wall[3:5, 2:4] = True
    depth = np.where(is_wall, 0.0, _rising(0.7))
    water = water_at(_flood(tmp_path, depth, [0.0, 60.0], is_wall), [WEST + 12.0], [NORTH - 17.0])
    assert water.depth[1, 0] == pytest.approx(0.7)


@given(st.lists(st.floats(0, 3, width=32), min_size=2, max_size=8), st.floats(0, 2), st.floats(0.01, 2))
def test_more_water_is_never_later(depth: list[float], more: float, limit: float) -> None:
    times = np.arange(len(depth)) * 60.0
    low = np.array(depth, dtype=np.float32)[:, None]
    still = np.zeros_like(low)
    early = Water(times, low + np.float32(more), still).first_time_over(limit)
    assert early[0] <= Water(times, low, still).first_time_over(limit)[0]


def _mall(volume: float = 1e6) -> tuple[VectorLayer, VectorLayer]:
    frame = Frame("EPSG:6674")
    doors = gpd.GeoDataFrame(
        {"floor": [-1], "step_height": [0.2], "width": [2.0]}, geometry=[shapely.Point(WEST + 12, SOUTH + 12)]
    )
    halls = gpd.GeoDataFrame(
        {"floor": [-1, -2], "area_m2": [500.0, 100.0], "volume_m3": [volume, 50.0]},
        geometry=[shapely.box(WEST, SOUTH, WEST + 30, SOUTH + 30), shapely.box(WEST, SOUTH, WEST + 10, SOUTH + 10)],
    )
    return VectorLayer("entrances", frame, OPEN, doors), VectorLayer("underground", frame, OPEN, halls)


def test_underground_floors_fill_from_the_lowest_by_the_volume_that_fell_in(tmp_path: Path) -> None:
    depth = np.zeros((3, *GRID.shape))
    depth[1:] = 0.6
    water = underground_water(_flood(tmp_path, depth, [0.0, 1e-6, 600.0]), *_mall())
    fallen = WEIR * 2.0 * 0.4**1.5 * 600.0
    assert water.depth[2, 1] == pytest.approx(0.5)  # the lower floor is full: 50 m3 on 100 m2
    assert water.depth[2, 0] == pytest.approx((fallen - 50.0) / 500.0, rel=1e-3)


def test_water_below_the_step_stays_outside_and_a_floor_holds_no_more_than_its_volume(tmp_path: Path) -> None:
    low = np.zeros((2, *GRID.shape))
    low[1] = 0.2
    assert underground_water(_flood(tmp_path / "low", low, [0.0, 3600.0]), *_mall()).depth.max() == 0
    high = np.zeros((2, *GRID.shape))
    high[1] = 3.0
    water = underground_water(_flood(tmp_path / "high", high, [0.0, 36000.0]), *_mall(volume=1500.0))
    assert water.depth[1].tolist() == [3.0, 0.5]


def test_a_floor_that_the_flood_filled_has_the_level_that_it_had_there(tmp_path: Path) -> None:
    doors, halls = _mall()
    table = halls.table.assign(floor_height=[-4.0, -8.0])
    writer = Store(tmp_path).begin("flood", {"name": "n", "stage": "flood", "key": "flood"})
    deep = np.full(GRID.shape, 0.6)
    writer.create_fields(GRID, [0.0, 600.0], {"h_cell": 0 * deep, "u_cell": deep, "v_cell": deep})
    for number, level in enumerate((-8.0, -7.7)):
        fields = {"h_cell": deep * number, "u_cell": deep, "v_cell": deep}
        writer.write_output(number, fields, {"mall_underground_stage_m": level})
    writer.write_map("h_max_cell", GRID, deep)
    filled = gpd.GeoDataFrame({"name": ["mall"], "height": [-8.0]}, geometry=[table.geometry.iloc[1]], crs="EPSG:6674")
    writer.write_table("underground", filled)
    run = writer.finish()
    water = underground_water(run, doors, VectorLayer("underground", halls.frame, OPEN, table))
    assert water.depth[:, 1] == pytest.approx([0.0, 0.3], abs=1e-6)
    # the other floor was none of the flood's
    np.testing.assert_array_equal(water.depth[:, 0], underground_water(run, doors, halls).depth[:, 0])


def test_the_crowd_on_a_link_is_counted_where_people_move(tmp_path: Path) -> None:
    writer = Store(tmp_path).begin("people", {"name": "n", "stage": "evacuation", "key": "people"})
    x, y = np.array([2.5, 2.5, 2.5, 40.0]), np.array([20.5, 21.0, 20.5, 20.5])
    fields = {"x_agent": x, "y_agent": y, "state_agent": np.array([1, 1, 0, 1], np.uint8)}
    writer.create_fields(GRID, [0.0], fields)
    writer.write_output(0, fields, {})
    layer = _links([[(WEST + 1, SOUTH + 21), (WEST + 4, SOUTH + 21)], [(WEST + 52, SOUTH + 1), (WEST + 58, SOUTH + 1)]])
    times, density = crowd_on_links(writer.finish(), layer)
    assert times.tolist() == [0.0]
    assert density[0] == pytest.approx([2 / 25.0, 0.0])


def test_a_shelter_closes_with_the_first_of_its_ends_and_one_that_is_not_known_never(tmp_path: Path) -> None:
    writer = Store(tmp_path).begin("people", {"name": "n", "stage": "evacuation", "key": "people"})
    points = gpd.GeoSeries([shapely.Point(10, 10), shapely.Point(50, 10)], crs="EPSG:6674")
    writer.write_table(
        "shelters", gpd.GeoDataFrame({"full_s": [60.0, np.inf], "flooded_s": [90.0, 30.0]}, geometry=points)
    )
    closes = shelters_close(writer.finish(), [50.2, 10.0, 30.0], [10.0, 10.0, 10.0])
    assert closes.tolist() == [30.0, 60.0, np.inf]


def test_what_is_missing_is_named(tmp_path: Path) -> None:
    run = _flood(tmp_path, _rising(1.0), [0.0, 60.0])
    with pytest.raises(StoreError, match="x_agent"):
        crowd_on_links(run, _links([[(WEST + 1, SOUTH), (WEST + 4, SOUTH)]]))
    doors, halls = _mall()
    with pytest.raises(StoreError, match="shelters"):
        shelters_close(run, [0.0], [0.0])
    broken = VectorLayer("entrances", doors.frame, OPEN, doors.table.drop(columns="step_height"))
    with pytest.raises(LayerError, match="step_height"):
        underground_water(run, broken, halls)
    gap = VectorLayer("entrances", doors.frame, OPEN, doors.table.assign(step_height=[np.nan]))
    with pytest.raises(LayerError, match="layer entrances: row 0: column 'step_height' is not known"):
        underground_water(run, gap, halls)
    assert no_water(3).at(5.0)[0].tolist() == [0, 0, 0]
