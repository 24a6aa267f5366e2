"""What a flood keeps: rest, volume, symmetry, sign, its own past."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.protocol import Model


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


@pytest.mark.parametrize(("precision", "bar"), [("single", 1e-6), ("double", 1e-12)])
def test_a_lake_stays_at_rest_for_3000_steps_over_noise_and_islands(
    make_model: Any, rough_bed: Any, precision: str, bar: float
) -> None:
    depth = np.maximum(0.4 - rough_bed, 0.0)
    model = make_model(rough_bed, depth=depth, precision=precision)
    for _ in range(3000):
        model.step(model.stable_dt())
    fields, state = model.fields(), model.state()
    wet = depth > 0
    assert 0.4 < wet.mean() < 0.8
    stage = state["z"].astype(np.float64) + model.datum + state["h"]
    assert np.abs(stage - 0.4)[wet].max() <= bar
    assert max(np.abs(state["qx"]).max(), np.abs(state["qy"]).max()) <= bar
    assert fields["h_cell"][~wet].max() == 0


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000), roughness=st.floats(0.1, 3.0), level=st.floats(-1.0, 2.0), shape=st.sampled_from(
        [(1, 9), (7, 1), (16, 64), (17, 65), (33, 70)]
    )
)  # fmt: skip
def test_any_lake_stays_at_rest(
    make_model: Any, seed: int, roughness: float, level: float, shape: tuple[int, int]
) -> None:
    bed = np.random.default_rng(seed).normal(0.0, roughness, shape)
    model = make_model(bed, depth=np.maximum(level - bed, 0.0), precision="double")
    for _ in range(50):
        model.step(model.stable_dt())
    state = model.state()
    assert max(np.abs(state["qx"]).max(), np.abs(state["qy"]).max()) < 1e-12


@pytest.mark.parametrize(("precision", "bar"), [("single", 1e-6), ("double", 1e-12)])
def test_volume_is_kept_through_rain_inflow_sinks_and_open_edges(
    make_model: Any, rough_bed: Any, precision: str, bar: float
) -> None:
    bed = rough_bed + np.linspace(8.0, 0.0, rough_bed.shape[1])
    model = make_model(
        bed,
        precision=precision,
        rain=[[0, 80], [300, 20]],
        infiltration=3.0,
        drainage=9.0,
        inflows=[{"at": [100.0, 120.0], "radius": 12.0, "discharge": [[0, 0], [200, 4]]}],
        boundaries=[
            {"edge": "east", "kind": "open"},
            {"edge": "west", "from": 50, "to": 90, "kind": "discharge", "value": 2.0},
            {"edge": "south", "kind": "stage", "value": [[0, 0.5], [600, 1.5]]},
        ],
    )
    _advance(model, 900.0)
    budget = model.budget()
    assert abs(budget["relative_error"]) <= bar
    assert min(budget[name] for name in ("inflow_m3", "outflow_m3", "rain_m3", "infiltrated_m3", "drained_m3")) > 1.0
    assert budget["drained_m3"] == pytest.approx(3.0 * budget["infiltrated_m3"])
    assert model.state()["h"].min() >= 0.0


def test_depth_never_becomes_negative_on_steep_noise(make_model: Any, rough_bed: Any) -> None:
    model = make_model(4.0 * rough_bed, 1.0, n=0.01, rain=500.0)
    for _ in range(400):
        model.step(model.stable_dt())
        assert model.state()["h"].min() >= 0.0
    assert abs(model.budget()["relative_error"]) < 1e-6


def test_drizzle_on_a_deep_lake_is_not_rounded_away(make_model: Any) -> None:
    """1 mm/h is a tenth of the last bit of 4 m in single precision, a step."""
    model = make_model(np.zeros((20, 80)), depth=np.full((20, 80), 4.0), rain=1.0)
    for _ in range(400):
        model.step(0.05)
    assert model.budget()["rain_m3"] == pytest.approx(20 / 3600 * 1e-3 * 1600 * 25, rel=1e-6)
    assert abs(model.budget()["relative_error"]) < 1e-12


def test_what_is_symmetric_stays_symmetric(make_model: Any) -> None:
    x = np.arange(80) - 39.5
    r2 = x[:, None] ** 2 + x[None, :] ** 2
    model = make_model(0.002 * r2, depth=np.where(r2 < 100, 2.0, 0.0), precision="double")
    h = _advance(model, 120.0).state()["h"]
    for turned in (h[::-1], h[:, ::-1], h.T, h[::-1].T):
        np.testing.assert_allclose(turned, h, rtol=0, atol=1e-12)


def test_a_turned_world_gives_the_turned_flood(make_model: Any, rough_bed: Any) -> None:
    depth = np.zeros_like(rough_bed)
    depth[20:30, 50:70] = 3.0
    edges = ["west", "north", "east", "south"]
    straight = make_model(
        rough_bed, depth=depth, precision="double",
        boundaries=[{"edge": "east", "kind": "open"}, {"edge": "south", "kind": "stage", "value": 0.5}],
    )  # fmt: skip
    # rot90 turns counter-clockwise: what was east is north
    after = {edge: edges[(edges.index(edge) - 1) % 4] for edge in edges}
    turned = make_model(
        np.rot90(rough_bed), depth=np.rot90(depth), precision="double",
        boundaries=[{"edge": after["east"], "kind": "open"}, {"edge": after["south"], "kind": "stage", "value": 0.5}],
    )  # fmt: skip
    a, b = _advance(straight, 60.0).state()["h"], _advance(turned, 60.0).state()["h"]
    np.testing.assert_allclose(np.rot90(a), b, rtol=0, atol=1e-10)


@pytest.mark.parametrize("theta", [0.7, 0.9])
def test_a_checkerboard_does_not_grow_at_the_largest_courant_number(make_model: Any, theta: float) -> None:
    """The shortest wave of two dimensions, without friction, where the scheme is weakest."""
    board = np.indices((24, 24)).sum(axis=0) % 2 - 0.5
    depth = 1.0 + 1e-3 * board
    model = make_model(0.0 * board, n=0.0, depth=depth, theta=theta, cfl=0.99 * np.sqrt(theta / 2), precision="double")
    for _ in range(2000):
        model.step(model.stable_dt())
    assert np.abs(model.state()["h"] - 1.0).max() < 2e-3


def _busy_model(make_model: Any, **more: Any) -> Any:
    rng = np.random.default_rng(5)
    bed = rng.normal(0.0, 0.3, (300, 300)) + np.linspace(2.0, 0.0, 300)
    depth = np.zeros_like(bed)
    depth[100:200, 20:60] = 2.0
    return make_model(
        bed, depth=depth,
        boundaries=[{"edge": "east", "kind": "open"}, {"edge": "west", "kind": "stage", "value": 3.0}],
        inflows=[{"line": [[700, 700], [760, 800]], "discharge": [[0, 0], [100, 30]]}],
        breaches=[{"at": [900, 900], "width": 60, "invert": -1.0, "start": 5, "growth": 20}], **more,
    )  # fmt: skip


def test_a_restart_is_the_straight_run_bit_by_bit(make_model: Any) -> None:
    straight = _advance(_advance(_busy_model(make_model), 20.0), 40.0)
    half = _advance(_busy_model(make_model), 20.0)
    resumed = _busy_model(make_model)
    resumed.load_state(half.state())
    _advance(resumed, 40.0)
    for name, values in straight.state().items():
        np.testing.assert_array_equal(values, resumed.state()[name], err_msg=name)
    for name, values in straight.statistics().items():
        np.testing.assert_array_equal(values, resumed.statistics()[name], err_msg=name)
    assert straight.budget() == resumed.budget()


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_the_number_of_threads_changes_nothing(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.flood.model.PARALLEL_CELLS", 1000)
    results = []
    for threads in (1, 2):
        monkeypatch.setattr("sim.flood.model.get_num_threads", lambda threads=threads: threads)
        model = _advance(_busy_model(make_model, rain=[[0, 0], [10, 30]], infiltration=5.0), 30.0)
        results.append((model.state(), model.budget()))
    for name, values in results[0][0].items():
        np.testing.assert_array_equal(values, results[1][0][name], err_msg=name)
    assert results[0][1] == results[1][1]


def test_resting_tiles_change_nothing(make_model: Any) -> None:
    """The same flood with every tile computed: a stage far below the ground keeps nothing wet, but all edges awake."""
    lazy, awake = _busy_model(make_model), _busy_model(make_model)
    awake._forced[:] = True
    a, b = _advance(lazy, 40.0).state(), _advance(awake, 40.0).state()
    for name in ("h", "rest", "qx", "qy", "h_max", "early", "time_max", "duration"):
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)
    assert lazy._busy.mean() < 0.9


def test_it_is_a_model(make_model: Any) -> None:
    model = make_model(np.zeros((4, 5)), gauges={"here": [12.0, 7.0]})
    assert isinstance(model, Model)
    assert list(model.gauges()) == ["here_stage_m", "here_depth_m", "here_speed_m_s"]
    assert {name: values.shape for name, values in model.fields().items()} == dict.fromkeys(
        ("h_cell", "u_cell", "v_cell"), (4, 5)
    )


def test_velocities_point_east_and_north(make_model: Any) -> None:
    depth = np.zeros((21, 21))
    depth[10, 10] = 1.0
    fields = _advance(make_model(np.zeros((21, 21)), depth=depth), 2.0).fields()
    assert fields["u_cell"][10, 11] > 0 > fields["u_cell"][10, 9]
    assert fields["v_cell"][9, 10] > 0 > fields["v_cell"][11, 10]
