"""Analytic and published cases within reach of local inertia (no advection: no dam breaks)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.driver import run
from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.inputs import InputFiles
from twin.grid import Grid


def _model(bed: Any, cell_size: float, n: float, depth: Any = None, **section: Any) -> FloodModel:
    grid = Grid(np.shape(bed), cell_size, 0.0, np.shape(bed)[0] * cell_size)
    given = FloodSection.model_validate({"duration": 1e6, "output_every": 1e6} | section)
    return FloodModel(given, Ground.bare(grid, bed, n, depth), InputFiles(Path()))


def _run(model: FloodModel, until: float, every: float | None = None, look: Any = lambda _: None) -> FloodModel:
    run(model, until=until, every=every or until, observe=look)
    return model


@pytest.mark.parametrize(("slope", "q"), [(0.001, 0.5), (0.01, 0.5), (0.005, 1 / 2.06)])
def test_uniform_flow_on_a_plane_keeps_its_normal_depth(slope: float, q: float) -> None:
    n, nx = 0.03, 80
    bed = np.tile(slope * 5.0 * (nx - np.arange(nx)), (3, 1))
    normal = (n * q / np.sqrt(slope)) ** 0.6
    model = _model(
        bed, 5.0, n, precision="double",
        boundaries=[{"edge": "west", "kind": "unit_discharge", "value": q}, {"edge": "east", "kind": "open"}],
    )  # fmt: skip
    _run(model, 4 * 3600.0)
    assert np.abs(model.state()["h"] - normal).max() < 1e-6
    assert abs(model.budget()["relative_error"]) < 1e-12


def test_uniform_flow_across_the_grid_has_the_friction_of_the_whole() -> None:
    """A plane that falls along the diagonal: each component is q / sqrt 2 (one-component friction gives 19 % more)."""
    n, slope, size, dx = 0.03, 0.004, 200, 5.0
    along = (np.arange(size)[:, None] + np.arange(size)[None, :]) * dx / np.sqrt(2)
    depth = 0.5
    q = depth ** (5 / 3) * np.sqrt(slope) / n
    model = _model(-slope * along + 10.0, dx, n, np.full((size, size), depth), precision="double")
    _run(model, 120.0)
    state = model.state()
    middle = np.s_[95:105, 95:105]
    np.testing.assert_allclose(state["qx"][middle], q / np.sqrt(2), rtol=0.01)
    np.testing.assert_allclose(state["qy"][middle], q / np.sqrt(2), rtol=0.01)


@pytest.mark.parametrize(("slope", "n", "length", "dx"), [(0.01, 0.03, 200.0, 2.0), (0.05, 0.05, 200.0, 2.0)])
def test_rain_on_a_plane_reaches_the_kinematic_steady_state(slope: float, n: float, length: float, dx: float) -> None:
    nx, rain_mm = int(length / dx), 50.0
    bed = np.tile(slope * (length - (np.arange(nx) + 0.5) * dx), (3, 1))
    model = _model(bed, dx, n, rain=rain_mm, boundaries=[{"edge": "east", "kind": "open"}])
    times, discharge = [], []

    def look(m: Any) -> None:
        times.append(m.clock.time)
        discharge.append(float(m.state()["qx"][1, -1]))

    _run(model, 3600.0, 20.0, look)
    rain = rain_mm / 3.6e6
    t, q = np.array(times), np.array(discharge)
    concentration = (n * length / (np.sqrt(slope) * rain ** (2 / 3))) ** 0.6
    exact = np.where(t < concentration, np.sqrt(slope) / n * (rain * t) ** (5 / 3), rain * length)
    assert t[-1] > 2 * concentration
    assert 1 - np.sum((q - exact) ** 2) / np.sum((exact - exact.mean()) ** 2) >= 0.98
    x = (np.arange(nx) + 0.5) * dx
    h = model.state()["h"][1]
    np.testing.assert_allclose(h[10:], ((n * rain * x / np.sqrt(slope)) ** 0.6)[10:], rtol=0.04)
    assert abs(model.budget()["relative_error"]) < 1e-6


@pytest.mark.parametrize(
    ("file", "q", "rain", "bar"), [("mcdo_norain", 2.0, None, 0.021), ("mcdo_rain", 1.0, 3600.0, 0.035)]
)
def test_macdonald_channel(shared: Path, file: str, q: float, rain: float | None, bar: float) -> None:
    """Stage within the peer's bars (itzi: 0.03 m without, 0.035 m with rain); what is left is the missing advection.

    With rain the discharge grows from 1 to 2 m2/s along the channel: the bed's slope at both ends says so.
    """
    table = np.loadtxt(shared / "cases" / "itzi_macdonald" / f"{file}.csv", delimiter=",", skiprows=1)
    _, bed, stage = table[:, :3].T
    # the stage of the cell outside: the solution goes on as it arrives
    outside = float(stage[-1] + (stage[-1] - stage[-2]))
    model = _model(
        np.tile(bed, (3, 1)), 5.0, 0.033, rain=rain,
        boundaries=[
            {"edge": "west", "kind": "unit_discharge", "value": q},
            {"edge": "east", "kind": "stage", "value": outside},
        ],
    )  # fmt: skip
    _run(model, 7200.0)
    got = model.state()["z"][1] + model.datum + model.state()["h"][1]
    assert np.abs(got - stage).mean() <= bar
    assert abs(model.budget()["relative_error"]) < 1e-6


def test_flood_over_a_floodplain_keeps_its_volume_and_arrives_in_time(shared: Path) -> None:
    """UK EA test 4; arrival and peak stage of the packages in Neelz & Pender (2013), read with their scatter."""
    table = np.loadtxt(shared / "cases" / "ea4_floodplain" / "inputs" / "hydrograph.csv", delimiter=",", skiprows=1)
    points = np.loadtxt(shared / "cases" / "ea4_floodplain" / "inputs" / "points.csv", delimiter=",", skiprows=1)
    flow = [[float(t), float(q)] for t, _, q in table]
    model = _model(
        np.zeros((400, 200)), 5.0, 0.05,
        boundaries=[{"edge": "west", "from": 990, "to": 1010, "kind": "discharge", "value": flow}],
        gauges={f"p{int(i)}": (x, y) for i, x, y in points},
    )  # fmt: skip
    rows = []
    _run(
        model,
        5 * 3600.0,
        60.0,
        lambda m: rows.append([m.clock.time, *(m.gauges()[f"p{k}_depth_m"] for k in range(1, 7))]),
    )
    series = np.array(rows)
    budget = model.budget()
    volume = float(np.trapezoid(table[:, 2], table[:, 0]))
    assert budget["inflow_m3"] == pytest.approx(volume, rel=1e-6)
    assert budget["stored_m3"] == pytest.approx(volume, rel=1e-6)
    arrival = [series[np.argmax(series[:, k] > 0.01), 0] for k in range(1, 7)]
    assert arrival == sorted(arrival)
    # packages: about 0.31 to 0.34 m at point 1, and about an hour until the wave is 400 m away
    assert 0.30 < series[:, 1].max() < 0.35
    assert 3000 < arrival[4] < 4200
