"""Buildings as porosity, in both schemes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.flood.simulator import FloodSimulator
from sim.inputs import InputFiles
from sim.stage import StageInput
from twin.edit import BuildingEdit
from twin.grid import Grid
from twin.scenario import Area, ScenarioBase

MODELS = {"local_inertial": FloodModel, "shallow_water": ShallowWaterModel}
SCHEMES = sorted(MODELS)


def _model(scheme: str, bed: Any, porosity: Any, *, n: float = 0.03, depth: Any = None, **section: Any) -> Any:
    grid = Grid(np.shape(bed), 5.0, 0.0, np.shape(bed)[0] * 5.0)
    ground = Ground.bare(grid, bed, n, depth)
    if porosity is not None:
        ground = replace(ground, porosity=np.where(ground.is_wall, 1.0, porosity).astype(np.float32))
    given = {"duration": 1e4, "output_every": 1e4, "scheme": scheme} | section
    return MODELS[scheme](FloodSection.model_validate(given), ground, InputFiles(Path()))


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def _cover(shape: tuple[int, int], seed: int = 3) -> Any:
    return 0.1 + 0.9 * np.random.default_rng(seed).random(shape)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_lake_among_buildings_stays_at_rest(scheme: str) -> None:
    bed = np.random.default_rng(7).normal(0.0, 1.0, (24, 70))
    model = _model(scheme, bed, _cover(bed.shape), depth=np.maximum(0.4 - bed, 0.0), precision="double")
    for _ in range(2000):
        model.step(model.stable_dt())
    state = model.state()
    assert max(np.abs(state[name]).max() for name in ("u", "v", "qx", "qy") if name in state) < 1e-12


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize(("precision", "bar"), [("single", 1e-6), ("double", 1e-12)])
def test_volume_is_kept_under_every_forcing(scheme: str, precision: str, bar: float) -> None:
    bed = np.random.default_rng(7).normal(0.0, 0.5, (40, 90)) + np.linspace(3.0, 0.0, 90)
    bed[20:23, 30:40] = np.nan
    depth = np.zeros(bed.shape)
    depth[5:15, 60:80] = 1.5
    model = _model(
        scheme, bed, _cover(bed.shape), depth=depth, precision=precision, rain=60.0, infiltration=20.0, drainage=40.0,
        inflows=[{"at": [100.0, 30.0], "radius": 9.0, "discharge": 3.0}, {"at": [350.0, 150.0], "discharge": -2.0}],
        boundaries=[
            {"edge": "east", "kind": "sea", "value": 0.8, "wave": 0.3},
            {"edge": "west", "kind": "discharge", "value": 4.0},
            {"edge": "south", "kind": "open"},
        ],
    )  # fmt: skip
    budget = _advance(model, 90.0).budget()
    assert abs(budget["relative_error"]) <= bar
    assert budget["inflow_m3"] > 300.0
    assert budget["rain_m3"] == pytest.approx(60e-3 / 3600 * 90 * (bed.size - 30) * 25, rel=1e-3)
    assert min(budget["outflow_m3"], budget["infiltrated_m3"]) > 1.0
    assert model.state()["h"].min() >= 0.0


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_city_of_one_porosity_floods_like_open_ground(scheme: str) -> None:
    """Storage and conveyance fall alike: depth and velocity of a dam break do not know of them."""
    bed = np.random.default_rng(1).normal(0.0, 0.1, (20, 60))
    depth = np.where(np.arange(60) < 20, 2.0, 0.1) * np.ones((20, 1))
    built = _advance(_model(scheme, bed, 0.25, depth=depth, precision="double"), 30.0)
    bare = _advance(_model(scheme, bed, None, depth=depth, precision="double"), 30.0)
    np.testing.assert_allclose(built._cells("h"), bare._cells("h"), rtol=0, atol=1e-10)
    for name in ("u_cell", "v_cell"):
        np.testing.assert_allclose(built.fields()[name], bare.fields()[name], rtol=0, atol=1e-5)
    assert built.budget()["stored_m3"] == pytest.approx(0.25 * bare.budget()["stored_m3"])


@pytest.mark.parametrize("scheme", SCHEMES)
def test_the_same_water_stands_deeper_where_buildings_stand(scheme: str) -> None:
    model = _model(scheme, np.zeros((12, 12)), 0.5, rain=[[0, 36], [600, 0]])
    _advance(model, 700.0)
    np.testing.assert_allclose(model.fields()["h_cell"], 0.012, rtol=1e-3)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_built_up_reach_holds_water_back(scheme: str) -> None:
    """A steady flow through a narrow reach keeps its discharge and stands higher before it."""
    porosity = np.ones((4, 100))
    porosity[:, 40:60] = 0.3
    edges = [{"edge": "west", "kind": "unit_discharge", "value": 1.0}, {"edge": "east", "kind": "stage", "value": 1.0}]
    start = {"depth": np.full((4, 100), 1.0), "boundaries": edges, "precision": "double"}
    narrow = _advance(_model(scheme, np.zeros((4, 100)), porosity, **start), 3000.0)
    wide = _advance(_model(scheme, np.zeros((4, 100)), None, **start), 3000.0)
    assert narrow._cells("h")[1, 10] > wide._cells("h")[1, 10] + 0.05
    speed = narrow.fields()["u_cell"][1]
    through = speed * narrow._cells("h")[1] * porosity[1]
    # a cell beside the reach has one face of either width
    np.testing.assert_allclose(through[np.r_[5:38, 42:58, 62:95]], 1.0, rtol=0.05)
    assert speed[50] > 2.0 * speed[20]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_restart_and_threads_change_nothing(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    where = "sim.flood.model" if scheme == "local_inertial" else "sim.flood.shallow_model"
    monkeypatch.setattr(f"{where}.PARALLEL_CELLS", 1000)
    bed = np.random.default_rng(5).normal(0.0, 0.3, (70, 90))
    depth = np.zeros(bed.shape)
    depth[20:50, 10:40] = 2.0

    def make() -> Any:
        return _model(scheme, bed, _cover(bed.shape), depth=depth, rain=20.0, precision="double")

    monkeypatch.setattr(f"{where}.get_num_threads", lambda: 1)
    straight = _advance(_advance(make(), 10.0), 20.0)
    half = _advance(make(), 10.0)
    monkeypatch.setattr(f"{where}.get_num_threads", lambda: 2)
    resumed = make()
    resumed.load_state(half.state())
    _advance(resumed, 20.0)
    for name, values in straight.state().items():
        np.testing.assert_array_equal(values, resumed.state()[name], err_msg=name)
    assert straight.budget() == resumed.budget()


def test_cover_of_the_cells_becomes_porosity_and_full_cells_are_blocked() -> None:
    edits = (BuildingEdit(((0.0, 0.0), (32.5, 0.0), (32.5, 60.0), (0.0, 60.0)), height=8.0),)
    scenario = ScenarioBase(name="case", area=Area(bbox=(0, 0, 60, 60), cell_size=5.0), edits=edits)
    section = FloodSection.model_validate(
        {"duration": 60, "output_every": 60, "bed": "z", "buildings": "porosity", "rain": 36.0}
    )

    class Flat(InputFiles):
        def raster(self, name: str | Path, grid: Grid) -> Any:
            assert str(name) == "z"
            return np.zeros(grid.shape, dtype=np.float32)

    model = FloodSimulator().prepare(StageInput(scenario, section, scenario.area.grid(), None, Flat(Path())))
    ground = model.ground
    assert ground.porosity is not None
    np.testing.assert_array_equal(ground.is_wall.sum(axis=0), [12] * 6 + [0] * 6)
    np.testing.assert_allclose(ground.porosity[:, 6], 0.5, atol=0.02)
    np.testing.assert_array_equal(ground.porosity[:, 7:], 1.0)
    # rain on the roofs comes down beside them
    _advance(model, 60.0)
    assert model.budget()["stored_m3"] == pytest.approx(36e-3 / 60 * 3600, rel=1e-6)
