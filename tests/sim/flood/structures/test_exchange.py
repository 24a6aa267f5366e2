"""Structures in a flood: what settles, what switches, what is kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.errors import ScenarioError
from twin.grid import Grid

SCHEMES = {"local_inertial": FloodModel, "shallow_water": ShallowWaterModel}


def _model(basins: Any, folder: Any, scheme: str = "local_inertial", **section: Any) -> Any:
    bed, depth = basins
    grid = Grid(bed.shape, 5.0, 0.0, bed.shape[0] * 5.0)
    given = {"duration": 3600.0, "output_every": 3600.0, "scheme": scheme} | section
    ground = Ground.bare(grid, bed, 0.03, depth)
    return SCHEMES[scheme](FloodSection.model_validate(given), ground, InputFiles(folder))


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_culvert_between_two_basins_settles_at_one_level(basins: Any, tmp_path: Any, scheme: str) -> None:
    culvert = {"from": [22, 25], "to": [82, 25], "height": 1.0, "width": 1.5, "inverts": [0, 0], "length": 20}
    model = _advance(_model(basins, tmp_path, scheme, structures={"culverts": [culvert]}), 3000.0)
    h = model.fields()["h_cell"]
    assert h[:, :10].mean() == pytest.approx(1.0, abs=1e-3)
    assert h[:, 11:].mean() == pytest.approx(1.0, abs=1e-3)
    # it does not ring: what passes in the end is nothing beside what passed
    discharges = []
    for _ in range(50):
        model.step(model.stable_dt())
        discharges.append(model.gauges()["culvert_1_discharge_m3_s"])
    assert np.abs(discharges).max() < 0.01
    row = next(model.exchange.rows())
    assert row["moved_m3"] - row["back_m3"] == pytest.approx(2500.0, rel=1e-3)


def test_many_culverts_between_two_cells_do_not_ring(basins: Any, tmp_path: Any) -> None:
    bed, _ = basins
    depth = np.zeros(bed.shape)
    depth[4:6, 4:6], depth[4:6, 15:17] = 0.5, 0.3
    one = {"from": [22, 25], "to": [82, 25], "height": 2.0, "width": 4.0, "inverts": [0, 0], "length": 20}
    model = _model((bed, depth), tmp_path, structures={"culverts": [one] * 8})
    near, far = ((int(model.exchange.row[k]), int(model.exchange.col[k])) for k in (0, 8))
    h = model._cells("h")
    assert h[near] - h[far] == pytest.approx(0.2, abs=1e-6)
    for _ in range(40):
        higher = h[near] - h[far]
        model._exchange(model.clock.time, model.clock.time + 5.0)
        # the higher end never becomes the lower one by more than a rounding
        assert -1e-6 <= h[near] - h[far] <= higher + 1e-6
    assert h[near] - h[far] < 1e-3


def test_a_pump_empties_at_its_capacity_and_obeys_its_levels(basins: Any, tmp_path: Any) -> None:
    pump = {"name": "p", "at": [22, 25], "capacity": 1.0, "start": 1.5, "stop": 0.5}
    model = _advance(_model(basins, tmp_path, structures={"pumps": [pump]}), 600.0)
    assert model.budget()["outflow_m3"] == pytest.approx(600.0, rel=1e-6)
    assert model.gauges()["p_discharge_m3_s"] == pytest.approx(1.0, rel=1e-6)
    # below start but above stop it goes on; then it rests
    _advance(model, 2000.0)
    assert model.gauges()["p_discharge_m3_s"] == pytest.approx(1.0, rel=1e-6)
    _advance(model, 6000.0)
    row = next(model.exchange.rows())
    assert model.gauges()["p_discharge_m3_s"] == 0.0
    assert row["starts"] == 1
    # 5000 m3 down to about 0.5 m in the basin of 2500 m2; a step takes some centimetres of the intake's cell
    assert row["moved_m3"] == pytest.approx(3750.0, rel=0.05)
    assert row["hours"] == pytest.approx(row["moved_m3"] / 3600.0, rel=0.01)


def test_a_catchment_is_drained_evenly_over_its_wet_cells(basins: Any, tmp_path: Any) -> None:
    bed, depth = basins
    depth = depth.copy()
    depth[:, :5] = 0.0
    pump = {"at": [47, 25], "catchment": [[0, 0], [50, 0], [50, 50], [0, 50]], "capacity": 50.0}
    model = _model((bed, depth), tmp_path, structures={"pumps": [pump]})
    model._exchange(0.0, 1.0)
    lost = depth - model._cells("h")
    # 50 m3 over 50 wet cells of 25 m2
    assert lost[:, 5:10] == pytest.approx(0.04, abs=1e-6)
    assert lost[:, :5].max() == 0.0


def test_a_pump_onto_dry_ground_does_not_run_away(basins: Any, tmp_path: Any) -> None:
    pump = {"at": [22, 25], "to": [82, 25], "capacity": 20.0}
    for scheme in SCHEMES:
        model = _advance(_model(basins, tmp_path, scheme, structures={"pumps": [pump]}), 60.0)
        fields = model.fields()
        assert np.hypot(fields["u_cell"], fields["v_cell"]).max() < 8.0
        assert fields["h_cell"].min() >= 0.0


def test_a_gate_closes_by_rule_and_takes_its_time(basins: Any, tmp_path: Any) -> None:
    gate = {"name": "g", "from": [22, 25], "to": [82, 25], "width": 1, "sill": 0.0, "opening": 0.5,
            "close_above": 0.5, "open_below": 0.1, "closing_time": 60}  # fmt: skip
    model = _model(basins, tmp_path, structures={"gates": [gate]})
    seen = []
    while model.clock.time < 1500.0:
        model.step(min(model.stable_dt(), 2.0))
        seen.append((model.clock.time, model._cells("h")[5, 16], model.gauges()["g_discharge_m3_s"]))
    time, level, discharge = np.array(seen).T
    closing = time[level >= 0.5][0]
    shut = time[discharge > 0][-1]
    assert shut - closing == pytest.approx(60.0, abs=5.0)
    half = discharge[np.searchsorted(time, closing + 30.0)]
    assert half == pytest.approx(0.5 * discharge[np.searchsorted(time, closing)], rel=0.15)
    assert discharge[-1] == 0.0


def test_a_gate_against_backflow_lets_nothing_in(basins: Any, tmp_path: Any) -> None:
    gate = {"name": "g", "from": [82, 25], "to": [22, 25], "width": 4, "sill": 0.0, "opening": 2.0,
            "against_backflow": True}  # fmt: skip
    model = _advance(_model(basins, tmp_path, structures={"gates": [gate]}), 300.0)
    assert model.fields()["h_cell"][:, 11:].max() == 0.0


def test_water_outside_comes_in_over_a_weir_and_is_counted(basins: Any, tmp_path: Any) -> None:
    bed, _ = basins
    weir = {"from": [22, 25], "outside": 1.0, "width": 2, "crest": 0.5}
    model = _advance(_model((bed, np.zeros(bed.shape)), tmp_path, structures={"weirs": [weir]}), 100.0)
    # 1.7048 2 0.5^1.5 for 100 s, free while the cell stands below the crest
    assert model.budget()["inflow_m3"] == pytest.approx(120.5, rel=0.01)
    assert abs(model.budget()["relative_error"]) < 1e-6


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_barrier_holds_while_it_is_up(tmp_path: Any, scheme: str) -> None:
    depth = np.zeros((10, 20))
    depth[:, :10] = 1.0
    barrier = {"line": [[50, -5], [50, 55]], "crest": 1.2, "down_at": 60}
    model = _advance(_model((np.zeros((10, 20)), depth), tmp_path, scheme, structures={"barriers": [barrier]}), 59.0)
    assert model.fields()["h_cell"][:, 10:].max() == 0.0
    _advance(model, 600.0)
    assert model.fields()["h_cell"][:, 10:].mean() == pytest.approx(0.5, abs=0.1)


def test_a_barrier_that_is_not_up_changes_nothing_on_flat_ground(tmp_path: Any) -> None:
    depth = np.full((10, 20), 1.0)
    depth[:, :10] = 1.2
    barrier = {"line": [[50, -5], [50, 55]], "crest": 3.0, "up_at": 1e6}
    with_it, without = (
        _advance(_model((np.zeros((10, 20)), depth), tmp_path, structures=structures), 60.0).fields()["h_cell"]
        for structures in ({"barriers": [barrier]}, {})
    )
    assert np.abs(with_it - without).max() < 0.01


def test_a_barrier_that_nowhere_rises_above_the_ground_is_refused(tmp_path: Any) -> None:
    wall = {"line": [[25, 0], [25, 50]], "crest": 0.5}
    with pytest.raises(ScenarioError, match=r"barriers.0.crest: its crest, 0.5 m T.P., is nowhere above .* 2.00 m"):
        _model((np.full((10, 10), 2.0), np.zeros((10, 10))), tmp_path, structures={"barriers": [wall]})


@pytest.mark.parametrize(
    ("scheme", "width", "share"),
    [
        ("shallow_water", 4.0, 0.05),
        ("shallow_water", 20.0, 0.05),
        # without advection the surface falls more on its way from the gauge to the weir
        ("local_inertial", 20.0, 0.08),
        ("local_inertial", 4.0, 0.03),
    ],
)
def test_a_free_weir_passes_what_its_law_says(tmp_path: Any, scheme: str, width: float, share: float) -> None:
    bed, depth = np.zeros((30, 40)), np.zeros((30, 40))
    bed[:, 20], depth[:, :20] = 5.0, 2.0
    weir = {"name": "w", "from": [92, 75], "to": [112, 75], "width": width, "crest": 1.0}
    model = _advance(_model((bed, depth), tmp_path, scheme, structures={"weirs": [weir]}), 10.0)
    passed, level = 0.0, []
    while model.clock.time < 20.0:
        dt = model.stable_dt()
        model.step(dt)
        passed += model.gauges()["w_discharge_m3_s"] * dt
        level.append(np.median(model.fields()["h_cell"][11:19, 17]))
    law = 1.7048 * width * (np.mean(level) - 1.0) ** 1.5
    assert passed / (model.clock.time - 10.0) == pytest.approx(law, rel=share)


def test_drains_take_what_their_pipes_carry(basins: Any, tmp_path: Any) -> None:
    drains = {"name": "ku", "at": [[12, 12], [32, 32]], "perimeter": 2.0, "area": 0.3, "capacity": 0.05}
    model = _advance(_model(basins, tmp_path, structures={"drains": [drains]}), 600.0)
    assert model.budget()["outflow_m3"] == pytest.approx(60.0, rel=1e-6)


@pytest.mark.parametrize(("scheme", "precision"), [("local_inertial", "single"), ("shallow_water", "double")])
def test_with_everything_on_a_restart_equals_the_straight_run(
    basins: Any, everything: Any, tmp_path: Any, scheme: str, precision: str
) -> None:
    pytest.importorskip("pyswmm", reason="pyswmm is not installed (osaka-twin[sewer])")

    def make() -> Any:
        return _model(basins, tmp_path, scheme, precision=precision, structures=everything)

    half = _advance(make(), 100.0)
    again = make()
    again.load_state({name: values.copy() for name, values in half.state().items()})
    _advance(half, 200.0)
    _advance(again, 200.0)
    one, other = half.state(), again.state()
    assert one.keys() == other.keys()
    for name, values in one.items():
        assert np.array_equal(values, other[name], equal_nan=True), name
    assert half.gauges() == again.gauges()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_volume_is_kept_with_everything_on(basins: Any, everything: Any, tmp_path: Any, scheme: str) -> None:
    pytest.importorskip("pyswmm", reason="pyswmm is not installed (osaka-twin[sewer])")
    for precision, tolerance in (("single", 1e-6), ("double", 1e-12)):
        model = _advance(_model(basins, tmp_path, scheme, precision=precision, structures=everything), 240.0)
        assert abs(model.budget()["relative_error"]) < tolerance
        assert {row["kind"] for row in model.exchange.rows() if row["moved_m3"] + row["back_m3"] > 0} == {
            "culvert", "pump", "gate", "weir", "drain", "entrance", "sewer",
        }  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    depths=st.tuples(st.floats(0.0, 3.0), st.floats(0.0, 3.0)),
    size=st.floats(0.2, 4.0),
    sill=st.floats(-1.0, 1.5),
    capacity=st.floats(0.01, 30.0),
    step=st.floats(0.0, 1.0),
    area=st.floats(1.0, 500.0),
)
def test_volume_is_kept_whatever_the_structures(
    tmp_path: Any, depths: tuple[float, float], size: float, sill: float, capacity: float, step: float, area: float
) -> None:
    bed, depth = np.zeros((6, 11)), np.zeros((6, 11))
    bed[:, 5] = 5.0
    depth[:, :5], depth[:, 6:] = depths
    ends = {"from": [12, 12], "to": [42, 12]}
    structures = {
        "culverts": [{**ends, "height": size, "width": size, "inverts": [sill, sill - 0.1], "length": 20}],
        "gates": [{**ends, "width": size, "sill": sill, "opening": size, "against_backflow": True}],
        # a crest below the ground is refused
        "weirs": [{**ends, "width": size, "crest": max(sill, 0.0)},
                  {"from": [2, 2], "outside": 1.0, "width": 1, "crest": max(sill, 0.0)}],
        "pumps": [{"at": [12, 12], "to": [42, 12], "capacity": capacity}],
        "drains": [{"at": [[42, 12]], "perimeter": size, "area": size}],
        "underground": [
            {"floors": [{"height": -4, "area": area, "ceiling": 2.5}],
             "entrances": [{"at": at, "width": size, "step": step} for at in ([12, 12], [42, 12])]}
        ],
    }  # fmt: skip
    for scheme in SCHEMES:
        model = _model((bed, depth), tmp_path, scheme, precision="double", structures=structures)
        for _ in range(60):
            model.step(model.stable_dt())
        assert abs(model.budget()["relative_error"]) < 1e-12
        assert model.fields()["h_cell"].min() >= 0.0
        assert np.isfinite(model.fields()["u_cell"]).all()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_volume_is_kept_where_buildings_are_a_porosity(basins: Any, tmp_path: Any, scheme: str) -> None:
    bed, depth = basins
    grid = Grid(bed.shape, 5.0, 0.0, 50.0)
    free = np.random.default_rng(3).uniform(0.2, 1.0, bed.shape).astype(np.float32)
    ground = replace(Ground.bare(grid, bed, 0.03, depth), porosity=free)
    structures = {
        "culverts": [{"from": [22, 25], "to": [82, 25], "height": 1.0, "width": 1.5, "inverts": [0, 0], "length": 20}],
        "pumps": [{"at": [12, 25], "capacity": 0.5}],
    }
    given = {"duration": 600.0, "output_every": 600.0, "scheme": scheme, "structures": structures}
    for precision, tolerance in (("single", 1e-6), ("double", 1e-12)):
        section = FloodSection.model_validate(given | {"precision": precision})
        model = _advance(SCHEMES[scheme](section, ground, InputFiles(tmp_path)), 200.0)
        assert abs(model.budget()["relative_error"]) < tolerance
        assert model.budget()["outflow_m3"] == pytest.approx(100.0, rel=1e-5)
