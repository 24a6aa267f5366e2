"""Maps, statistics in time and the table of buildings."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from sim.flood.ground import Ground
from sim.flood.outputs import cells_of_buildings, summarise
from sim.flood.ranks import rank_tables
from twin.fields import field_spec
from twin.grid import Grid


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


@pytest.fixture
def filling(make_model: Any) -> Any:
    """A tray of 10 x 10 m2 whose water rises by 1 mm/s to 1 m and then falls as fast to 0.2 m."""
    return make_model(
        np.zeros((4, 4)), 2.5, track_every=0.0,
        inflows=[{"polygon": [[0, 0], [10, 0], [10, 10], [0, 10]],
                  "discharge": [[0, 0.1], [1000, 0.1], [1000.001, -0.1], [1800, -0.1], [1800.001, 0]]}],
    )  # fmt: skip


def test_times_of_arrival_maximum_and_duration(filling: Any) -> None:
    maps = _advance(filling, 2000.0).statistics()
    step = filling.section.max_dt
    np.testing.assert_allclose(maps["h_max_cell"], 1.0, atol=1e-3)
    np.testing.assert_allclose(maps["arrival_cell"], 50.0, atol=step)
    np.testing.assert_allclose(maps["arrival_030_cell"], 300.0, atol=step)
    np.testing.assert_allclose(maps["time_max_cell"], 1000.0, atol=step)
    np.testing.assert_allclose(maps["duration_cell"], 1000.0, atol=2 * step)


def test_sampling_misses_no_arrival_and_no_maximum(make_model: Any, rough_bed: Any) -> None:
    depth = np.zeros_like(rough_bed)
    depth[:, :30] = 3.0
    often, seldom = (make_model(rough_bed, depth=depth, track_every=every) for every in (0.0, 20.0))
    a, b = (_advance(model, 200.0).statistics() for model in (often, seldom))
    np.testing.assert_array_equal(a["h_max_cell"], b["h_max_cell"])
    np.testing.assert_array_equal(np.isnan(a["arrival_cell"]), np.isnan(b["arrival_cell"]))
    late = (b["arrival_cell"] - a["arrival_cell"])[np.isfinite(a["arrival_cell"])]
    assert 0 <= late.min() <= late.max() <= 22.0


def test_every_product_is_registered_and_complete(make_model: Any) -> None:
    ground = Ground.bare(Grid((20, 20), 5.0, 0.0, 100.0), np.zeros((20, 20)), depth=np.full((20, 20), 0.0))
    ground.building_cell[2:5, 2:5] = 0
    ground.building_cell[10:13, 10:16] = 1
    ground = replace(
        ground, is_wall=ground.building_cell >= 0,
        building_names={"id": np.array(["a", "b", "c"], object), "building_id": np.array(["1", "2", "3"], object)},
    )  # fmt: skip
    model = make_model(ground.bed, ground=ground, inflows=[{"at": [60.0, 55.0], "discharge": 2.0}])
    products = summarise(_advance(model, 90.0))
    for name, (grid, values) in products.maps.items():
        assert field_spec(name).units
        assert values.shape == grid.shape
        assert values.dtype == np.float32
    table = products.tables["buildings"]
    assert table["id"].tolist() == ["a", "b"]
    assert table["building_id"].tolist() == ["1", "2"]
    near = table.set_index("id").loc["b"]
    ring = np.zeros((20, 20), dtype=bool)
    ring[9:14, 9:17] = True
    ring &= ~ground.is_wall
    h_max = products.maps["h_max_cell"][1]
    assert near["max_depth"] == h_max[ring].max() > 0.05
    assert near["mean_depth"] == pytest.approx(h_max[ring].mean())
    assert near["arrival_s"] == np.nanmin(products.maps["arrival_cell"][1][ring])
    assert near["rank"] == rank_tables()["detailed"].classify(near["max_depth"])
    summary = products.summary
    ranked = sum(v for name, v in summary.items() if "m_to_" in name or "and_more" in name)
    assert ranked == pytest.approx(summary["flooded_area_ha"])
    assert summary["max_depth_m"] == np.nanmax(h_max)
    assert summary["flooded_buildings_count"] >= 1


@pytest.mark.parametrize(("cells", "depth"), [(9, 1.0), (33, 0.0)])
def test_an_enclosed_building_counts_with_the_nearest_open_cell_unless_it_is_far(
    make_model: Any, cells: int, depth: float
) -> None:
    shape = (cells, cells)
    ground = Ground.bare(Grid(shape, 5.0, 0.0, 5.0 * cells), np.zeros(shape), depth=np.ones(shape))
    ground.building_cell[2:-2, 2:-2] = 0
    ground.building_cell[cells // 2, cells // 2] = 1
    ground = replace(ground, is_wall=ground.building_cell >= 0)
    table = summarise(make_model(ground.bed, ground=ground)).tables["buildings"].set_index("feature")
    assert table.loc[1, "max_depth"] == depth
    assert (table.loc[1, "rank"] > 0) == (depth > 0)
    assert table.loc[0, "max_depth"] == 1


def test_open_cells_of_a_footprint_count_where_buildings_are_no_holes() -> None:
    building = np.full((5, 5), -1, dtype=np.int32)
    building[2, 2] = 4
    feature, cell = cells_of_buildings(building, np.zeros((5, 5), dtype=bool), np.zeros(0, dtype=np.int64))
    assert set(feature) == {4}
    assert sorted(cell) == [6, 7, 8, 11, 12, 13, 16, 17, 18]


def test_rank_tables_ascend_and_name_both_languages() -> None:
    tables = rank_tables()
    assert {name: len(table.ranks) for name, table in tables.items()} == {
        "standard": 6, "detailed": 8, "duration": 7, "arrival": 8,
    }  # fmt: skip
    for table in tables.values():
        bounds = [rank.lower for rank in table.ranks]
        assert bounds == sorted(set(bounds))
        assert all(set(rank.name) == {"ja", "en"} and len(rank.color) == 7 for rank in table.ranks)


def test_no_building_leaves_an_empty_table(make_model: Any) -> None:
    table = summarise(make_model(np.zeros((4, 4)))).tables["buildings"]
    assert len(table) == 0
    assert {"feature", "id", "max_depth", "rank"} <= set(table.columns)
