"""People, buildings and money by class: who counts where, and what a building loses."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import sim.flood.consequence.damage as damage_module
from sim.flood.consequence.damage import DamageTables, read_damage, slope_class
from sim.flood.consequence.exposed import Exposed, Squares, read_occupancy
from sim.flood.consequence.overlay import Filling, Overlay, largest_class
from sim.flood.consequence.section import Evaluation
from sim.flood.consequence.table import Consequence
from sim.flood.ground import Ground
from sim.flood.outputs import summarise
from sim.flood.ranks import rank_tables
from twin.errors import LayerError
from twin.grid import Grid

GRID = Grid((20, 40), 5.0, 0.0, 100.0)
WEST_WET = 0.8
"""Depth of the western half [m]."""


def _house(x: float, y: float, size: float = 12.0) -> Any:
    return shapely.box(x, y, x + size, y + size)


def _exposed(**changes: Any) -> Exposed:
    """A flat and a house in the wet west, a house and an office in the dry east; one square over each half."""
    outline = np.array([_house(20, 20), _house(60, 60), _house(120, 20), _house(160, 60)], dtype=object)
    squares = Squares(
        np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 300, 100)], dtype=object),
        np.array([600.0, 400.0]),
        np.array([300.0, 100.0]),
        "night",
    )
    made = Exposed(
        outline,
        np.array([1200.0, 100.0, 100.0, 2000.0]),
        np.array([10.0, 1.0, 1.0, 10.0]),
        np.array(["412", "411", "411", "401"], dtype=object),
        squares,
    )
    return replace(made, **changes)


def _flooded(make_model: Any, exposed: Exposed, **section: Any) -> Any:
    depth = np.zeros(GRID.shape)
    depth[:, :20] = WEST_WET
    bed = np.zeros(GRID.shape)
    bed[:, 20:] = 5.0
    model = make_model(bed, ground=Ground.bare(GRID, bed, 0.03, depth), **section)
    model.consequence = Consequence(exposed)
    model.step(1.0)
    return summarise(model)


def _row(table: Any, name: str, rank: int) -> Any:
    return table[(table["table"] == name) & (table["rank"] == rank)].iloc[0]


def test_everybody_lives_in_a_building_of_his_square(make_model: Any) -> None:
    products = _flooded(make_model, _exposed())
    wet = _row(products.tables["exposure"], "depth", 3)  # 0.5 to 1 m
    assert wet["people"] == pytest.approx(600.0)  # the whole western square
    assert wet["buildings"] == 2
    assert wet["floor_area_m2"] == pytest.approx(1300.0)
    assert wet["area_ha"] == pytest.approx(0.5 * 100 * 200 / 1e4)
    assert products.summary["flooded_people_count"] == pytest.approx(600.0)
    assert products.summary["flooded_people_over_0.5m_count"] == pytest.approx(600.0)


def test_people_follow_floor_area_and_use_within_their_square() -> None:
    persons, households, even = _exposed().persons_by_building(GRID)
    rates = read_occupancy().rates(np.array(["412", "411"], dtype=object), "night")
    shares = np.array([1200.0, 100.0]) * rates
    np.testing.assert_allclose(persons[:2], 600.0 * shares / shares.sum())
    # half of the eastern square lies outside the area; nobody sleeps in the office
    np.testing.assert_allclose(persons[2:], [200.0, 0.0])
    assert households.sum() == pytest.approx(350.0)
    assert even.sum() == 0


def test_people_lie_evenly_where_that_is_asked_or_no_building_stands(make_model: Any) -> None:
    by_area = _exposed(evaluation=Evaluation(spread="area"))
    none = _exposed(outline=np.zeros(0, object), floor=np.zeros(0), storeys=np.zeros(0), usage=np.zeros(0, object))
    across = Squares(np.array([shapely.box(50, 0, 150, 100)], object), np.array([100.0]), np.array([np.nan]), "day")
    for exposed in (by_area, none):
        table = _flooded(make_model, replace(exposed, squares=across)).tables["exposure"]
        assert table[table["table"] == "depth"]["people"].sum() == pytest.approx(50.0)


def test_without_people_nobody_is_counted_instead_of_nought(make_model: Any) -> None:
    products = _flooded(make_model, _exposed(squares=None))
    assert products.tables["exposure"]["people"].isna().all()
    assert "flooded_people_count" not in products.summary


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0.0, 100.0), min_size=2, max_size=9))
def test_a_building_takes_its_largest_wet_class(areas: list[float]) -> None:
    (found,) = largest_class(np.array([areas]))
    if max(areas[1:]) == 0:
        assert found == 0
    else:
        assert areas[found] == pytest.approx(max(areas[1:]), rel=1e-5)
        assert all(other < areas[found] * (1 + 1e-12) for other in areas[found + 1 :])


def test_a_tie_goes_to_the_more_dangerous_class() -> None:
    classes = np.zeros((4, 4), dtype=np.int8)
    classes[:2], classes[2:] = 1, 3
    grid = Grid((4, 4), 1.0, 0.0, 4.0)
    over = Overlay.of(np.array([shapely.box(0.5, 1.0, 3.5, 3.0), shapely.box(0.5, 1.2, 3.5, 4.0)], object), grid)
    assert [int(c) for c in largest_class(over.area_by_class(classes, 3))] == [3, 1]


def test_the_overlay_counts_fractions_of_cells() -> None:
    over = Overlay.of(np.array([None, shapely.box(2.0, 3.0, 13.5, 7.0), shapely.box(-9, -9, -5, -5)], object), GRID)
    assert over.count == 3
    assert set(over.feature) == {1}
    assert over.area.sum() == pytest.approx(11.5 * 4.0)
    values = np.where(GRID.x_cell[None, :] < 10.0, 2.0, 0.0).astype(np.float32) * np.ones(GRID.shape, np.float32)
    assert over.mean_where(values, 0.05).tolist() == [0.0, 2.0, 0.0]


def test_cells_under_buildings_show_the_water_beside_them() -> None:
    bed = np.zeros(GRID.shape)
    ground = Ground.bare(GRID, bed)
    ground.building_cell[5:15, 5:15] = 0
    ground = replace(ground, is_wall=ground.building_cell >= 0, water=np.zeros(GRID.shape, bool))
    ground.water[:, 30:] = True
    values = np.where(GRID.x_cell[None, :] < 50, 1.0, 3.0).astype(np.float32) * np.ones(GRID.shape, np.float32)
    values[ground.is_wall] = np.nan
    filled = Filling.of(ground, raised=False).fill(values)
    assert filled[10, 6] == 1.0
    assert filled[10, 13] == 3.0
    assert np.isnan(filled[:, 30:]).all()
    assert not np.isnan(filled[:, :30]).any()


def test_higher_storeys_of_a_tower_lose_nothing(make_model: Any) -> None:
    damage = _flooded(make_model, _exposed()).tables["damage"]
    house = damage[damage["asset"] == "building"]
    tables = read_damage()
    value = tables.assets["building"].value
    # 0.8 m stand 0.3 m above the floor; the tower's ground floor is a tenth of it
    rate = tables.assets["building"].rates["C"][1]  # the land rises by 5 m within the square
    assert house["value_jpy"].sum() == pytest.approx(1300.0 * value)
    assert house["damage_jpy"].sum() == pytest.approx(rate * (120.0 + 100.0) * value)
    assert (damage["low_jpy"] <= damage["damage_jpy"]).all()
    assert (damage["damage_jpy"] <= damage["high_jpy"]).all()
    goods = damage[damage["asset"] == "household"]["value_jpy"].sum()
    assert goods == pytest.approx(300.0 * tables.assets["household"].value)


@settings(deadline=None, max_examples=60)
@given(st.floats(0.0, 12.0), st.floats(0.0, 3.0), st.integers(1, 20), st.integers(0, 2))
def test_deeper_water_never_costs_less_and_never_more_than_there_is(
    depth: float, more: float, storeys: int, slope: int
) -> None:
    tables = read_damage()
    kind, high = np.array([slope], dtype=np.int8), np.array([float(storeys)])
    for asset in tables.assets.values():
        low, deep = (float(tables.rate_of_storeys(asset, np.array([d]), high, kind)[0]) for d in (depth, depth + more))
        assert 0.0 <= low <= deep + 1e-12 <= 1.0 + 1e-9


@pytest.mark.parametrize(("slope", "number"), [(0.0005, 0), (0.0015, 1), (0.01, 2)])
def test_the_slope_is_that_of_the_land_and_not_of_a_kerb(slope: float, number: int) -> None:
    grid = Grid((60, 60), 5.0, 0.0, 300.0)
    x, y = np.meshgrid(grid.x_cell, grid.y_cell)
    bed = slope * (0.6 * x + 0.8 * y) + 0.1 * np.random.default_rng(3).uniform(-1, 1, grid.shape)
    found = slope_class(Ground.bare(grid, bed), read_damage().model_copy(update={"slope_over": 300.0}))
    assert (found == number).all()


def test_classes_by_building_stand_in_its_table(make_model: Any) -> None:
    ground = Ground.bare(GRID, np.zeros(GRID.shape), 0.03, np.full(GRID.shape, 1.5))
    ground.building_cell[10:13, 4:7] = 0
    held = ground.building_cell >= 0
    ground = replace(ground, is_wall=held, depth=np.where(held, 0.0, ground.depth))
    model = make_model(ground.bed, ground=ground)
    model.consequence = Consequence(_exposed())
    model.step(1.0)
    table = summarise(model).tables["buildings"]
    assert table["depth_class"].tolist() == [4]
    assert table["standard_class"].tolist() == [2]
    assert table["collapse_class"].tolist() == [0]


def _ours(name: str) -> Path:
    """A table that comes with the simulator."""
    beside = Path(damage_module.__file__).with_name(name)
    return beside if beside.exists() else beside.parents[1] / name


def _changed(path: Path, name: str, **changes: Any) -> Path:
    content = yaml.safe_load(_ours(name).read_text(encoding="utf-8"))
    target = path / name
    target.write_text(yaml.safe_dump(content | changes, allow_unicode=True), encoding="utf-8")
    return target


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"bounds": [0.0, 1.0, 0.5]}, "do not increase"),
        ({"slopes": [0.002, 0.001]}, "do not increase"),
        ({"bounds": [0.0, 0.5]}, "has 6 rates"),
        (
            {"assets": {"gold": {"ja": "金", "en": "gold", "per": "worker", "rates": {"A": [0.1] * 6}}}},
            "fixed or stock",
        ),
        (
            {"assets": {"gold": {"ja": "金", "en": "gold", "per": "floor", "rates": {"A": [0.2, 0.1]}}}},
            "fall with depth",
        ),
        ({"floor_height": -1}, "floor_height"),
    ],
)
def test_a_wrong_table_of_damage_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    path = _changed(tmp_path, "damage.yaml", **changes)
    with pytest.raises(LayerError, match=said) as caught:
        read_damage(path)
    assert str(path) in caught.value.where


def test_other_tables_of_the_same_form_are_taken(tmp_path: Path) -> None:
    assert isinstance(read_damage(_changed(tmp_path, "damage.yaml", floor_height=0.3)), DamageTables)
    assert read_damage(tmp_path / "damage.yaml").floor_height == 0.3
    assert read_occupancy(_changed(tmp_path, "exposure.yaml", gross=0.7)).gross == 0.7
    with pytest.raises(LayerError, match="gross"):
        read_occupancy(_changed(tmp_path, "exposure.yaml", gross=1.7))


def test_ranks_can_be_replaced_and_wrong_ones_are_refused(tmp_path: Path, make_model: Any) -> None:
    path = _changed(tmp_path, "ranks.yaml")
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    content["detailed"]["ranks"] = [{"from": 0.0, "color": "#112233", "ja": "浸水", "en": "wet"}]
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    model = make_model(np.zeros((4, 4)), depth=np.ones((4, 4)))
    model.consequence = Consequence(ranks=rank_tables(path))
    model.step(1.0)
    table = summarise(model).tables["exposure"]
    assert table[table["table"] == "depth"]["name_en"].tolist() == ["wet"]
    for wrong, said in (({"duration": None}, "is no table of ranks"), ({"arrival": {"ranks": []}}, "is no table")):
        bad = tmp_path / "bad.yaml"
        bad.write_text(yaml.safe_dump(content | wrong, allow_unicode=True), encoding="utf-8")
        rank_tables.cache_clear()
        with pytest.raises(LayerError, match=said):
            rank_tables(bad)
