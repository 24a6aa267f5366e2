from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.airspace.compiler import AirspaceOptions, CompiledAirspace, EmergencyArea, compile_airspace
from sim.airspace.voxel_kernels import fill_clearance
from sim.airspace.zone import Restriction
from tests.sim.airspace.air_town import (
    AREA,
    HORIZON,
    SOUTH,
    START,
    WEST,
    buildings,
    circle_row,
    dated,
    outlines,
    polygon,
    terrain,
    town,
    whole_town,
    zone_row,
    zones,
)
from twin import Grid, LayerError, ScenarioError

GRID = Grid.from_bounds(AREA, 5.0)
OPTIONS = AirspaceOptions(
    granted=("did",), emergency=(EmergencyArea(polygon((200, 100), (260, 100), (230, 160)), 600.0),)
)

ELLIPSOIDAL = zone_row("W", polygon((0, 0), (90, 0), (0, 90)), "PROHIBITED", upper_reference="WGS84", upper=99.0)


@pytest.fixture(scope="module")
def air() -> CompiledAirspace:
    return compile_airspace(whole_town(), GRID, start=START, horizon=HORIZON, options=OPTIONS)


def draw(air: CompiledAirspace, n: int, seed: int) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(AREA[0], AREA[2], n), rng.uniform(AREA[1] + 1e-6, AREA[3], n)
    voxels = air.voxels
    z = rng.uniform(voxels.bottom, voxels.bottom + voxels.n_levels * voxels.level_height - 1e-6, n)
    return x, y, z, rng.uniform(0, HORIZON, n)


def voxel_of(air: CompiledAirspace, x: Any, y: Any, z: Any) -> tuple[np.ndarray, ...]:
    row, col = GRID.row_col(x, y)
    return np.floor((z - air.voxels.bottom) / air.voxels.level_height).astype(int), row, col


def test_voxels_are_never_laxer_than_the_exact_answer(air: CompiledAirspace) -> None:
    x, y, z, t = draw(air, 60_000, 1)
    answers = air.query_many(x, y, z, t)
    codes = np.array([0 if r.is_granted or r.kind in ("near_object", "obstacle") else r.restriction for r in air.rules])
    exact = np.zeros(len(x), int)
    np.maximum.at(exact, np.repeat(np.arange(len(x)), np.diff(answers.start)), codes[answers.number])
    k, row, col = voxel_of(air, x, y, z)
    slices = np.array([air.slice_at(moment) for moment in t])
    voxels = air.classes[air.slice_class[slices], k, row, col]
    assert (voxels >= exact).all()
    assert (voxels == exact).mean() > 0.8
    assert set(np.unique(exact)) == {0, 1, 2, 3, 4}


def test_everything_in_a_house_or_the_ground_is_solid(air: CompiledAirspace) -> None:
    x, y, z, t = draw(air, 60_000, 2)
    answers = air.query_many(x, y, z, t)
    obstacle = next(k for k, r in enumerate(air.rules) if r.kind == "obstacle")
    hit = np.zeros(len(x), dtype=bool)
    hit[np.repeat(np.arange(len(x)), np.diff(answers.start))[answers.number == obstacle]] = True
    solid = air.solid[voxel_of(air, x, y, z)]
    assert hit.sum() > 1000
    assert solid[hit].all()
    assert (solid & ~hit).mean() < 0.15


def test_clearance_is_never_more_than_the_distance_from_houses_and_ground(air: CompiledAirspace) -> None:
    rng = np.random.default_rng(3)
    k, row, col = (rng.integers(0, n, 3000) for n in air.voxels.shape)
    x, y, z = GRID.x_cell[col], GRID.y_cell[row], air.voxels.z_cell[k]
    tops = buildings().table["top"].to_numpy()
    flat = shapely.distance(shapely.points(x, y)[:, None], np.array(outlines())[None])
    houses = np.hypot(flat, np.maximum(z[:, None] - tops, 0.0)).min(axis=1)
    clearance = air.clearance[k, row, col]
    assert (clearance <= houses + 1e-3).all()
    assert (clearance <= np.maximum(z - air.ground[row, col], 0) + 1e-3).all()
    free = (clearance > 0) & (clearance < 50)
    assert (np.minimum(houses, z - air.ground[row, col]) - clearance)[free].mean() < 5.0
    assert (clearance[air.solid[k, row, col]] == 0).all()
    assert (clearance[~air.solid[k, row, col]] > 0).all()


@given(st.integers(0, 2**32 - 1), st.floats(0.5, 7), st.floats(0.5, 7), st.floats(1, 40))
@settings(max_examples=30, deadline=None)
def test_clearance_is_the_distance_to_the_nearest_box(seed: int, cell: float, level: float, cap: float) -> None:
    rng = np.random.default_rng(seed)
    nz, ny, nx = (int(v) for v in rng.integers(1, 9, 3))
    solid = np.where(rng.random((ny, nx)) < 0.3, rng.integers(0, nz + 1, (ny, nx)), 0).astype(np.int32)
    out = np.empty((nz, ny, nx), np.float32)
    fill_clearance(solid, cell, level, cap, out)
    k, j, i = np.meshgrid(*(np.arange(n) for n in out.shape), indexing="ij")
    best = np.full(out.shape, cap)
    for b in range(ny):
        for a in range(nx):
            up = np.maximum(k + 0.5 - solid[b, a], 0) * level
            away = np.hypot(np.maximum(abs(i - a) - 0.5, 0) * cell, np.maximum(abs(j - b) - 0.5, 0) * cell)
            best = np.minimum(best, np.hypot(up, away))
    best[k < solid[j, i]] = 0.0
    assert out == pytest.approx(best, rel=1e-4, abs=1e-4)


def test_slices_change_exactly_when_a_rule_begins_or_ends(air: CompiledAirspace) -> None:
    assert air.slices[0] == 0.0
    assert air.slices[-1] == HORIZON
    assert (np.diff(air.slices) > 0).all()
    edges = {600.0, 3600.0, 3 * 3600.0}  # emergency, heliport, the dated zone and the heliport's end
    assert edges <= set(air.slices.tolist())
    first, second = air.restriction_at(599.0), air.restriction_at(600.0)
    assert (second >= first).all()
    assert (second > first).any()
    assert air.slice_at(-5.0) == 0
    assert air.slice_at(1e9) == len(air.slice_class) - 1


def test_a_granted_rule_leaves_the_voxels_free() -> None:
    city = town(zones(zone_row("A", polygon((0, 0), (400, 0), (400, 300), (0, 300)), "PROHIBITED")))
    closed = compile_airspace(city, GRID, start=START, horizon=60.0)
    opened = compile_airspace(city, GRID, start=START, horizon=60.0, options=AirspaceOptions(granted=("A",)))
    free = ~closed.solid
    free[30:] = False  # the height limit begins there
    assert (closed.restriction_at(0.0)[free] == Restriction.PROHIBITED).all()
    assert opened.restriction_at(0.0)[free].max() == Restriction.NO_RESTRICTION
    assert opened.rules[1].is_granted


def test_levels_reach_the_stated_height_above_the_highest_ground(air: CompiledAirspace) -> None:
    voxels = air.voxels
    assert voxels.bottom <= air.ground.min()
    assert voxels.bottom + voxels.n_levels * voxels.level_height >= air.ground.max() + 150.0
    assert air.top.max() >= buildings().table["top"].max() - 1e-3


def test_the_zones_table_is_what_is_stored(air: CompiledAirspace) -> None:
    table = air.zones_table()
    agreed = "zone identifier kind restriction lower_m upper_m reference from_s until_s source authority"
    assert {*agreed.split(), "name_ja", "name_en", "geometry"} <= set(table.columns)
    assert table["zone"].tolist() == list(range(len(air.rules)))
    heli = table[table["identifier"] == "HELI"].iloc[0]
    assert (heli["from_s"], heli["until_s"]) == (3600.0, 3 * 3600.0)
    assert json.loads(heli["windows"]) == [[3600.0, 10800.0]]
    assert table.crs == GRID.frame.wkt()
    surface = table[table["kind"] == "airport"]
    assert (surface["lower_m"] > 2.999).all()
    assert (surface["reference"] == "AMSL").all()


def test_a_zone_that_begins_after_the_scenario_is_listed_but_does_not_hold() -> None:
    late = zone_row(
        "LATE", polygon((0, 0), (50, 0), (0, 50)), "PROHIBITED", schedule=dated(START.replace(year=2030), None)
    )
    air = compile_airspace(town(zones(late)), GRID, start=START, horizon=60.0)
    row = air.zones_table().set_index("identifier").loc["LATE"]
    assert np.isinf(row["from_s"])
    assert air.restriction_at(0.0)[:20].max() == 0


def test_gaps_in_the_terrain_are_filled_and_told() -> None:
    layer = terrain()
    values = layer.values.copy()
    values[:, 60:] = np.nan
    city = town().with_layer(replace(layer, values=values))
    air = compile_airspace(city, GRID, start=None, horizon=60.0)
    assert np.isfinite(air.ground).all()
    assert any("have no terrain" in note for note in air.notes)
    assert any("night" in note for note in air.notes)


def test_a_house_without_a_height_is_told() -> None:
    layer = buildings()
    table = layer.table.assign(top=np.nan)
    table.loc[0, "height"] = np.nan
    city = town().with_layer(replace(layer, table=table))
    air = compile_airspace(city, GRID, start=START, horizon=60.0, options=AirspaceOptions(unknown_height=33.0))
    assert "1 buildings have no height and are taken as 33 m high" in air.notes
    known = compile_airspace(town(), GRID, start=START, horizon=60.0)
    row, col = GRID.row_col(WEST + 110, SOUTH + 37)
    assert air.top[row, col] == pytest.approx(known.top[row, col], abs=1.0)
    row, col = GRID.row_col(WEST + 49, SOUTH + 37)
    assert air.top[row, col] == pytest.approx(air.ground[row, col] + 33.0, abs=1.0)


def test_a_city_without_houses_has_only_ground() -> None:
    city = replace(town(), layers={"terrain": terrain()})
    air = compile_airspace(city, GRID, start=START, horizon=60.0)
    assert (air.top == air.ground).all()
    assert "the city has no buildings" in air.notes


@pytest.mark.parametrize(
    ("city", "changes", "error", "message"),
    [
        (
            town(zones(circle_row("HELI", 50, 50, 30, "PROHIBITED", schedule=dated(START, None)))),
            {"start": None},
            ScenarioError,
            "rule HELI has dates or hours, and the scenario has no date",
        ),
        (town(), {"horizon": 0.0}, ScenarioError, "horizon: is 0"),
        (town(), {"options": AirspaceOptions(level_height=-1.0)}, ScenarioError, "level_height: is -1"),
        (town(), {"options": AirspaceOptions(level_height=1e-7)}, LayerError, "voxels"),
        (
            town(),
            {"options": AirspaceOptions(emergency=(EmergencyArea(shapely.Polygon()),))},
            ScenarioError,
            "emergency area 0 is empty",
        ),
        (
            town(zones(ELLIPSOIDAL)),
            {},
            LayerError,
            "zone W: upper limit: 99 m is above the ellipsoid",
        ),
        (town(replace(terrain(), id="did")), {}, LayerError, "layer did: is a RasterLayer"),
    ],
)
def test_what_cannot_be_compiled_is_said(city: Any, changes: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=message):
        compile_airspace(city, GRID, **{"start": START, "horizon": 60.0, **changes})


def test_heights_above_the_ellipsoid_are_lowered_by_the_geoid() -> None:
    air = compile_airspace(
        town(zones(ELLIPSOIDAL)), GRID, start=START, horizon=60.0, options=AirspaceOptions(geoid_height=37.5)
    )
    found = [len(air.query_many(WEST + 10, SOUTH + 5, z).number) for z in (61.4, 61.6)]
    assert found == [1, 0]
