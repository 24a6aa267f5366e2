"""Streets, people and the sea of an ensemble, from stored floods whose depths are set here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import sim.flood.fields  # noqa: F401  registers what is written here
from sim.coupling import DECK_HEIGHT
from sim.ensemble import Ensemble
from sim.ensemble.cells import cell_statistics, common_sea
from sim.ensemble.places import building_statistics, link_statistics, people_on_cells
from twin import Attribute, Frame, Grid, LayerError, Network, NetworkLayer, Provenance, VectorLayer
from twin.store import Store

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from twin.store import Run

GRID = Grid((4, 6), 10.0, 0.0, 40.0)
OPEN = Provenance("test", "CC0")
LAND = np.ones(GRID.shape, dtype=bool)
ENSEMBLE = Ensemble.model_validate(
    {
        "name": "e",
        "scenario": "s.yaml",
        "members": 4,
        "thresholds": [0.5, 1],
        "percentiles": [50],
        "uncertain": {"x": {"path": "flood.x", "set": {"kind": "uniform", "low": 0, "high": 1}}},
    }
)


def _run(folder: Path, name: str, depth: NDArray[Any], start: NDArray[Any] | None = None, **houses: Any) -> Run:
    flood = {} if start is None else {"initial": {"sea_level": 0.0}}
    writer = Store(folder).begin(name, {"name": "n", "stage": "flood", "key": name, "scenario": {"flood": flood}})
    writer.create_fields(GRID, [0.0], {"h_cell": np.zeros(GRID.shape)})
    writer.write_output(0, {"h_cell": np.zeros(GRID.shape) if start is None else start}, {})
    writer.write_map("h_max_cell", GRID, depth)
    if houses:
        writer.write_table("buildings", pd.DataFrame(houses))
    return writer.finish()


def _streets(*lines: list[tuple[float, float]], level: list[float]) -> NetworkLayer:
    n = len(lines)
    ends = np.array([[*line[0], 0.0] for line in lines] + [[*line[-1], 0.0] for line in lines])
    net = Network.from_links(
        ends,
        tail=np.arange(n),
        head=np.arange(n, 2 * n),
        feature=np.arange(n),
        is_reversed=np.zeros(n, bool),
        attributes={"level": Attribute(np.array(level), np.ones(n, bool), "1", "test")},
    )
    table = gpd.GeoDataFrame({"id": [f"L{k}" for k in range(n)]}, geometry=[shapely.LineString(line) for line in lines])
    return NetworkLayer("streets", Frame("EPSG:6674"), OPEN, net, table, pd.DataFrame({"id": np.arange(2 * n)}))


def _people(*squares: tuple[float, float, float, float, float]) -> VectorLayer:
    table = gpd.GeoDataFrame(
        {"night": [square[4] for square in squares]}, geometry=[shapely.box(*square[:4]) for square in squares]
    )
    return VectorLayer("population", Frame("EPSG:6674"), OPEN, table)


def _depth(west: float) -> NDArray[np.float64]:
    """`west` metres in the three western columns."""
    out = np.zeros(GRID.shape)
    out[:, :3] = west
    return out


def test_a_street_is_as_probable_to_flood_as_its_worst_place(tmp_path: Path) -> None:
    runs = [_run(tmp_path, f"r{k}", _depth(d)) for k, d in enumerate((0.0, 0.4, 0.6, DECK_HEIGHT + 0.6))]
    lines = [[(start, 5.0), (end, 5.0)] for start, end in ((5, 55), (35, 55), (5, 25), (5, 25), (900, 950))]
    table = link_statistics(runs, ENSEMBLE, _streets(*lines, level=[0, 0, 1, -1, 0]), LAND, tmp_path)
    assert table["id"].tolist() == ["L0", "L1", "L2", "L3"], "what lies outside is left out"
    assert table["probability_050"].tolist() == [0.5, 0.0, 0.25, 0.0]
    assert table["probability_100"].tolist() == [0.25, 0.0, 0.0, 0.0]
    assert table["max_depth_p50"].tolist() == pytest.approx([0.4, 0.0, 0.0, 0.0])
    assert table["max_depth_mean"].tolist() == pytest.approx([(1.0 + DECK_HEIGHT + 0.6) / 4, 0, 0.15, 0])


def test_a_street_over_water_that_is_always_there_is_not_flooded(tmp_path: Path) -> None:
    sea = np.zeros(GRID.shape)
    sea[:, 2] = 3.0
    runs = [_run(tmp_path, f"r{k}", sea + extra, start=sea) for k, extra in enumerate((0.0, 0.7))]
    common = common_sea(runs)
    assert common is not None
    table = link_statistics(runs, ENSEMBLE, _streets([(5.0, 5.0), (55.0, 5.0)], level=[0]), ~common, tmp_path)
    assert table["probability_050"].tolist() == [0.5]
    assert table["max_depth_mean"].tolist() == pytest.approx([0.35])


def test_sea_of_all_members_is_left_out_and_a_shore_of_some_is_flooded_in_those(tmp_path: Path) -> None:
    low, high = np.zeros(GRID.shape), np.zeros(GRID.shape)
    low[:, 0], high[:, :2] = 2.0, 2.0
    runs = [_run(tmp_path, "low", low, start=low), _run(tmp_path, "high", high, start=high)]
    common = common_sea(runs)
    assert common is not None
    np.testing.assert_array_equal(common.any(axis=0), [True, *[False] * 5])
    found = cell_statistics(runs, ENSEMBLE, common, None, tmp_path, lambda _: None)
    probability = found.maps["probability_050_cell"][0]
    np.testing.assert_array_equal(probability, [np.nan, 0.5, 0, 0, 0, 0])
    np.testing.assert_allclose(found.area[:, 0], [0, 400])
    del found, probability


def test_a_wall_in_some_members_is_dry_ground_there(tmp_path: Path) -> None:
    walled = _depth(1.0)
    walled[:, 0] = np.nan
    runs = [_run(tmp_path, "open", _depth(1.0)), _run(tmp_path, "walled", walled)]
    found = cell_statistics(runs, ENSEMBLE, None, None, tmp_path, lambda _: None)
    np.testing.assert_array_equal(found.maps["probability_050_cell"][0], [0.5, 1, 1, 0, 0, 0])


def test_people_are_spread_over_the_land_of_their_square_and_counted_where_it_is_wet(tmp_path: Path) -> None:
    land = LAND.copy()
    land[:, 0] = False
    layer = _people((0, 0, 30, 40, 80), (30, 0, 90, 40, 100))  # half of the second square lies outside
    people = people_on_cells(layer, "night", GRID, land)
    assert people[:, 0].sum() == 0
    np.testing.assert_allclose(people[0], [0, 10, 10, 50 / 12, 50 / 12, 50 / 12], rtol=1e-6)
    runs = [_run(tmp_path, f"r{k}", _depth(d)) for k, d in enumerate((0.2, 0.7, 3.0))]
    found = cell_statistics(runs, ENSEMBLE, None, people, tmp_path, lambda _: None)
    np.testing.assert_allclose(found.people, [[0, 0], [80, 0], [80, 80]])
    with pytest.raises(LayerError, match="has no column 'noon'"):
        people_on_cells(layer, "noon", GRID, land)


def test_a_building_that_only_some_members_have_is_dry_in_the_others(tmp_path: Path) -> None:
    def houses(features: list[int], depth: list[float]) -> dict[str, Any]:
        return {
            "feature": features,
            "id": [f"b{k}" for k in features],
            "max_depth": depth,
            "arrival_s": [60.0] * len(depth),
        }

    runs = [_run(tmp_path, "a", LAND * 0.0, **houses([1, 4], [0.9, 0.1])),
            _run(tmp_path, "b", LAND * 0.0, **houses([1, 4, 6], [0.2, 0.7, 2.0]))]  # fmt: skip
    table = building_statistics(runs, ENSEMBLE, tmp_path)
    assert table is not None
    assert table["id"].tolist() == ["b1", "b4", "b6"]
    assert table["probability_050"].tolist() == [0.5, 0.5, 0.5]
    assert table["max_depth_p50"].tolist() == pytest.approx([0.2, 0.1, 0.0])
