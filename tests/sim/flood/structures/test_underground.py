"""Malls: storage, inflow, overflow, layers of the city, tables."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.structures.mall import Storage, read_malls
from sim.flood.structures.outputs import structure_figures, structure_tables
from sim.flood.structures.section import Floor, Underground
from sim.inputs import InputFiles
from twin.errors import LayerError
from twin.frame import Frame
from twin.grid import Grid
from twin.layer import Provenance, VectorLayer

TWO_FLOORS = (Floor(height=-4.0, area=100.0, ceiling=3.0), Floor(height=-9.0, area=50.0, ceiling=3.0))


def _model(basins: Any, folder: Any, mall: dict[str, Any], **section: Any) -> Any:
    bed, depth = basins
    grid = Grid(bed.shape, 5.0, 0.0, bed.shape[0] * 5.0)
    given = {"duration": 3600.0, "output_every": 3600.0, "structures": {"underground": [mall]}} | section
    return FloodModel(FloodSection.model_validate(given), Ground.bare(grid, bed, 0.03, depth), InputFiles(folder))


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def test_the_lowest_floor_fills_first_and_the_stairs_last() -> None:
    storage = Storage(TWO_FLOORS, 10.0)
    # 50 m2 to its ceiling: 150 m3; 2 m of stairs: 20 m3; 100 m2: 300 m3; then stairs again
    assert [storage.level(v) for v in (0.0, 75.0, 150.0, 170.0, 320.0, 470.0, 480.0)] == pytest.approx(
        [-9.0, -7.5, -6.0, -4.0, -2.5, -1.0, 0.0]
    )
    levels = np.linspace(-9.0, 3.0, 40)
    assert [storage.level(v) for v in storage.volume(levels)] == pytest.approx(levels)


def test_a_mall_takes_what_stands_above_its_step_and_no_more(basins: Any, tmp_path: Any) -> None:
    mall = {"name": "m", "floors": [{"height": -10, "area": 2000, "ceiling": 5}],
            "entrances": [{"at": [22, 25], "width": 4, "step": 0.8}]}  # fmt: skip
    model = _advance(_model(basins, tmp_path, mall), 6000.0)
    held = model.budget()["structures_m3"]
    # 1.2 m of the 2 m over 2500 m2
    assert held == pytest.approx(3000.0, rel=0.05)
    assert held < 3000.0
    assert model.gauges()["m_underground_depth_m"] == pytest.approx(held / 2000.0)
    assert model.gauges()["m_underground_stage_m"] == pytest.approx(held / 2000.0 - 10.0)
    assert abs(model.budget()["relative_error"]) < 1e-6
    table = structure_tables(model)["underground"]
    assert table["depth_m"].tolist() == pytest.approx([held / 2000.0])
    assert 0.0 < table["first_water_s"][0] < 60.0
    assert structure_figures(model)["underground_m3"] == pytest.approx(held)


def test_a_full_mall_overflows_by_its_lower_entrance(basins: Any, tmp_path: Any) -> None:
    mall = {"name": "m", "floors": [{"height": -4, "area": 50, "ceiling": 3}], "stairwell": 5.0,
            "entrances": [{"name": "high", "at": [42, 25], "width": 2, "step": 0.3},
                          {"name": "low", "at": [67, 25], "width": 2, "step": 0.1}]}  # fmt: skip
    model = _advance(_model(basins, tmp_path, mall), 3000.0)
    h = model.fields()["h_cell"]
    assert h[:, 11:].mean() == pytest.approx(1.0, abs=0.1)
    rows = {row["name"]: row for row in model.exchange.rows()}
    assert rows["high"]["moved_m3"] > 2000.0
    assert rows["low"]["back_m3"] > 2000.0
    assert model.gauges()["m_underground_stage_m"] == pytest.approx(1.0, abs=0.1)


def test_shutters_keep_out_water_below_their_top(basins: Any, tmp_path: Any) -> None:
    bed, depth = basins
    mall = {"floors": [{"height": -4, "area": 50, "ceiling": 3}], "shutters_close": 0.0, "shutter_height": 0.5,
            "entrances": [{"at": [22, 25], "width": 2, "step": 0.1, "shutter": True}]}  # fmt: skip
    dry = _advance(_model((bed, depth * 0.2), tmp_path, mall), 60.0)
    assert dry.budget()["structures_m3"] == 0.0
    table = structure_tables(dry)["underground"]
    assert np.isnan(table["first_water_s"][0])
    open_ = _advance(_model((bed, depth * 0.2), tmp_path, mall | {"shutters_close": None}), 60.0)
    assert open_.budget()["structures_m3"] > 10.0


def _layer(name: str, **columns: Any) -> VectorLayer:
    frame = Frame("EPSG:6674")
    shapes = columns.pop("geometry")
    table = gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:6674")
    return VectorLayer(name, frame, Provenance("test", "CC0-1.0"), table)


def test_floors_of_a_layer_that_lie_over_each_other_are_one_mall() -> None:
    floors = _layer(
        "underground", floor_id=["B1", "B2", "other"], floor_height=[-4.0, -9.0, -5.0], area_m2=[100.0, 50.0, 80.0],
        volume_m3=[300.0, 150.0, 240.0], geometry=[shapely.box(0, 0, 10, 10), shapely.box(2, 2, 8, 8),
                                                   shapely.box(50, 0, 60, 10)],
    )  # fmt: skip
    entrances = _layer(
        "entrances", entrance_id=["a", "b"], width=[2.0, 3.0], step_height=[0.1, 0.0], shutter=["yes", "no"],
        geometry=[shapely.Point(1, 11), shapely.Point(55, 12)],
    )  # fmt: skip
    first, second = read_malls([Underground()], ["mall"], {"underground": floors, "entrances": entrances})
    assert [floor.name for floor in first.floors] == ["B1", "B2"]
    assert first.floors[1].ceiling == pytest.approx(3.0)
    assert [(door.name, door.width, door.shutter) for door in second.entrances] == [("b", 3.0, False)]
    assert (first.name, second.name) == ("mall_1", "mall_2")


def test_a_layer_without_a_column_is_refused_by_name() -> None:
    floors = _layer("underground", floor_id=["B1"], geometry=[shapely.box(0, 0, 10, 10)])
    entrances = _layer("entrances", width=[1.0], step_height=[0.0], geometry=[shapely.Point(0, 0)])
    with pytest.raises(LayerError, match="floor_height"):
        read_malls([Underground()], ["mall"], {"underground": floors, "entrances": entrances})
