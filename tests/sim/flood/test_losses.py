"""What the ground and the drains take: formulas, volume, restart, wrong input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
from pydantic import ValidationError
from scipy.optimize import brentq

from sim.flood.ground import Ground
from sim.flood.losses.kernels import TILE_COLS, TILE_ROWS, green_ampt_depth
from sim.flood.losses.scenario import soil_table
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.errors import TwinError
from twin.grid import Grid

BASE = {"duration": 600.0, "output_every": 600.0}
SILT_LOAM = {"kind": "green_ampt", "soil": "silt_loam", "saturation": 0.3}


def _advance(model: Any, until: float, most: float = 1e9) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), most, until - model.clock.time))
    return model


def _raster(path: Path, values: Any, cell: float = 5.0) -> str:
    import rasterio
    from affine import Affine

    values = np.asarray(values, dtype=np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="float32",
        transform=Affine(cell, 0, 0, 0, -cell, values.shape[0] * cell), crs="EPSG:6674",
    ) as file:  # fmt: skip
        file.write(values, 1)
    return path.name


def _ponded(conductivity: float, s: float, time: float, total: float = 0.0) -> float:
    """F - F0 - S ln((F + S) / (F0 + S)) = K t, by bisection."""
    return float(
        brentq(lambda f: f - total - s * np.log((f + s) / (total + s)) - conductivity * time, total + 1e-12, 10.0)
    )


def test_the_tiles_are_those_of_the_flow() -> None:
    from sim.flood import kernels

    assert (TILE_ROWS, TILE_COLS) == (kernels.TILE_ROWS, kernels.TILE_COLS)


def test_ponded_silt_loam_takes_what_the_textbook_says() -> None:
    """Chow, Maidment & Mays (1988), example 4.3.1: 3.17 cm in an hour at an effective saturation of 30 %."""
    soil = soil_table()["silt_loam"]
    s = soil.suction * 1e-3 * soil.porosity * 0.7
    assert 100 * green_ampt_depth(0.0, soil.conductivity * 1e-3 / 3600, s, 3600.0) == pytest.approx(3.17, abs=0.01)


@pytest.mark.parametrize("total", [0.0, 1e-4, 0.02])
@pytest.mark.parametrize("s", [1e-6, 0.05, 3.0])
@pytest.mark.parametrize("span", [0.1, 60.0, 1e5])
def test_the_depth_is_the_root_of_the_implicit_equation(total: float, s: float, span: float) -> None:
    conductivity = 2e-6
    gain = green_ampt_depth(total, conductivity, s, span)
    assert gain == pytest.approx(_ponded(conductivity, s, span, total) - total, rel=1e-7, abs=1e-11)


def test_infiltration_in_two_steps_is_that_in_one() -> None:
    one = green_ampt_depth(0.0, 2e-6, 0.06, 3600.0)
    first = green_ampt_depth(0.0, 2e-6, 0.06, 400.0)
    assert first + green_ampt_depth(first, 2e-6, 0.06, 3200.0) == pytest.approx(one, rel=1e-10)


@pytest.mark.parametrize("scheme", ["local_inertial", "shallow_water"])
def test_ground_under_a_pond_takes_the_analytic_depth(make_model: Any, scheme: str) -> None:
    """The pond is kept at 5 cm; its depth adds to the suction."""
    given = {"infiltration": SILT_LOAM, "scheme": scheme, "precision": "double"}
    boundaries = [{"edge": "all", "kind": "stage", "value": 0.05}]
    bed, depth = np.zeros((3, 3)), np.full((3, 3), 0.05)
    if scheme == "local_inertial":
        model = make_model(bed, depth=depth, n=0.0, boundaries=boundaries, **given)
    else:
        ground = Ground.bare(Grid((3, 3), 5.0, 0.0, 15.0), bed, 0.0, depth)
        section = FloodSection.model_validate(BASE | given | {"boundaries": boundaries})
        model = ShallowWaterModel(section, ground, InputFiles(Path()))
    _advance(model, 3600.0)
    budget = model.budget()
    soil = soil_table()["silt_loam"]
    s = (soil.suction * 1e-3 + 0.05) * soil.porosity * 0.7
    expected = _ponded(soil.conductivity * 1e-3 / 3600, s, 3600.0)
    assert budget["infiltrated_m3"] / 225.0 == pytest.approx(expected, rel=0.01)
    assert abs(budget["relative_error"]) < 1e-12


@pytest.mark.parametrize("every", [10.0, 2.0])
def test_constant_rain_ponds_when_the_theory_says(make_model: Any, every: float) -> None:
    """5 cm/h on silt loam: ponding after K S / (i (i - K)) = 0.17 h, 3.02 cm in the first hour.

    Chow, Maidment & Mays (1988), examples 5.4.1 and 5.4.2: Mein & Larson's shift of the ponded curve in time.
    """
    model = make_model(
        np.zeros((3, 3)), rain=50.0, infiltration=SILT_LOAM | {"every": every}, precision="double", max_dt=1.0
    )
    soil = soil_table()["silt_loam"]
    s, k = soil.suction * 1e-3 * soil.porosity * 0.7, soil.conductivity * 1e-3 / 3600
    i = 50e-3 / 3600
    ponding = k * s / (i * (i - k))
    assert ponding == pytest.approx(0.17 * 3600, rel=0.01)
    _advance(model, 0.9 * ponding)
    assert model.budget()["stored_m3"] <= 225 * i * (every + 1.0)
    _advance(model, 2.0 * ponding)
    runs_off = 2.0 * i * ponding - _ponded(k, s, ponding, i * ponding)
    assert model.budget()["stored_m3"] / 225 == pytest.approx(runs_off, abs=i * (every + 1.0))
    _advance(model, 3600.0)
    expected = _ponded(k, s, 3600.0 - ponding, i * ponding)
    assert expected == pytest.approx(0.0302, abs=1e-4)
    # the pond of 2 cm that stands at the end drives a little more into the ground
    assert model.budget()["infiltrated_m3"] / 225 == pytest.approx(expected, rel=0.04)
    assert model.budget()["infiltrated_m3"] / 225 > expected - 1e-4


def test_smaller_intervals_bring_the_splitting_error_down(make_model: Any) -> None:
    """Rain below the conductivity: all of it goes into the ground but what waits for the next interval."""
    left = []
    for every in (60.0, 10.0):
        given = SILT_LOAM | {"every": every}
        model = make_model(np.zeros((3, 3)), rain=5.0, infiltration=given, precision="double", max_dt=1.0)
        left.append(_advance(model, 600.0).budget()["stored_m3"] / 225)
    assert left[0] == pytest.approx(5e-3 / 3600 * 60, rel=0.05)
    assert left[1] == pytest.approx(5e-3 / 3600 * 10, rel=0.15)


def test_each_class_of_a_map_has_its_soil_and_the_sea_has_none(make_model: Any, tmp_path: Path) -> None:
    classes = np.repeat([[1, 2, 3, 7]], 4, axis=0)
    name = _raster(tmp_path / "soil.tif", np.repeat(np.repeat(classes, 4, axis=0), 4, axis=1))
    given = {
        "kind": "green_ampt", "soil_map": name, "saturation": 1.0, "every": 5.0,
        "classes": {1: "sand", 2: "clay", 3: None, 7: {"porosity": 0.4, "suction": 100, "conductivity": 36}},
    }  # fmt: skip
    ground = Ground.bare(Grid((16, 16), 5.0, 0.0, 80.0), np.zeros((16, 16)), 0.03, np.full((16, 16), 0.5))
    water = np.zeros((16, 16), dtype=bool)
    water[0] = True
    model = make_model(ground.bed, ground=replace(ground, water=water), folder=tmp_path, infiltration=given)
    _advance(model, 5.0)
    model.step(1e-6)
    gone = (model.state()["loss_total"] * 1e3 * 3600 / 5.0).reshape(16, 4, 4).mean(axis=2)
    # a soil that is full takes water at its conductivity
    np.testing.assert_allclose(gone[1:], np.tile([117.8, 0.3, 0.0, 36.0], (15, 1)), rtol=1e-5)
    assert (gone[0] == 0).all()


@pytest.mark.parametrize("scheme", ["local_inertial", "shallow_water"])
@pytest.mark.parametrize(("precision", "bar"), [("single", 1e-6), ("double", 1e-12)])
def test_volume_is_kept_whatever_takes_water(
    make_model: Any, tmp_path: Path, rough_bed: Any, precision: str, bar: float, scheme: str
) -> None:
    rng = np.random.default_rng(2)
    shape = rough_bed.shape
    drains = _raster(tmp_path / "drains.tif", rng.choice([0.0, 40.0], shape))
    rates = _raster(tmp_path / "rates.tif", rng.uniform(0, 30, shape))
    number = _raster(tmp_path / "cn.tif", rng.uniform(40, 100, shape))
    for infiltration in (SILT_LOAM, rates, {"kind": "curve_number", "number": number, "every": 15.0}):
        section = {
            "precision": precision, "scheme": scheme, "rain": [[0, 120], [80, 30]], "drainage": drains,
            "infiltration": infiltration, "boundaries": [{"edge": "east", "kind": "open"}],
        }  # fmt: skip
        if scheme == "local_inertial":
            model = make_model(rough_bed, folder=tmp_path, **section)
        else:
            ground = Ground.bare(Grid(shape, 5.0, 0.0, shape[0] * 5.0), rough_bed, 0.03)
            model = ShallowWaterModel(FloodSection.model_validate(BASE | section), ground, InputFiles(tmp_path))
        _advance(model, 120.0)
        budget = model.budget()
        assert abs(budget["relative_error"]) <= bar
        assert min(budget[name] for name in ("rain_m3", "infiltrated_m3", "drained_m3")) > 1.0
        assert model._cells("h").min() >= 0.0


def test_drains_of_a_raster_take_their_capacity(make_model: Any, tmp_path: Path) -> None:
    name = _raster(tmp_path / "d.tif", np.repeat([[0.0, 36.0]], 8, axis=0).repeat(4, axis=1))
    bed = np.zeros((8, 8))
    model = make_model(bed, depth=np.full((8, 8), 0.3), folder=tmp_path, drainage=name, infiltration=7.2)
    _advance(model, 100.0, most=10.0)
    budget, last = model.budget(), float(model.state()["loss_last"][0])
    assert 90.0 <= last <= 100.0
    assert budget["drained_m3"] == pytest.approx(1e-5 * last * 32 * 25, rel=1e-4)
    assert budget["infiltrated_m3"] == pytest.approx(2e-6 * 100 * 64 * 25, rel=1e-4)


def test_rain_leaves_what_the_curve_number_leaves(make_model: Any, tmp_path: Path) -> None:
    """120 mm on CN 80, 65 and 100: S = 63.5, 136.8 and 0 mm, Ia = 0.2 S (NEH 630, chapter 10)."""
    name = _raster(tmp_path / "cn.tif", np.repeat([[80.0, 65.0, 100.0]], 6, axis=0).repeat(2, axis=1))
    ground = Ground.bare(Grid((6, 6), 5.0, 0.0, 30.0), np.zeros((6, 6)))
    ground.crest_xface[:, [2, 4]] = 9.0
    given = {"kind": "curve_number", "number": name, "every": 60.0}
    rain = [[0, 20], [1800, 200], [3600, 20], [5400, 0]]
    model = make_model(ground.bed, ground=ground, folder=tmp_path, rain=rain, infiltration=given, max_dt=50.0)
    _advance(model, 5400.0)
    left = 1e3 * model.state()["h"].astype(np.float64).mean(axis=0)[::2]
    # P = 120 mm: (120 - 12.7)^2 / (120 + 50.8), (120 - 27.35)^2 / (120 + 109.4)
    np.testing.assert_allclose(left, [67.41, 37.42, 120.0], atol=0.02)
    budget = model.budget()
    assert budget["rain_m3"] == pytest.approx(0.12 * 36 * 25, rel=1e-6)
    assert budget["infiltrated_m3"] == pytest.approx((3 * 120 - 67.41 - 37.42 - 120.0) * 1e-3 * 12 * 25, rel=1e-3)


@pytest.mark.parametrize(
    "infiltration", [SILT_LOAM, "rates.tif", {"kind": "curve_number", "number": 75, "every": 25.0}]
)
def test_a_restart_with_losses_is_the_straight_run_bit_by_bit(
    make_model: Any, tmp_path: Path, infiltration: Any
) -> None:
    _raster(tmp_path / "rates.tif", np.random.default_rng(4).uniform(0, 80, (40, 70)))
    bed = np.random.default_rng(1).normal(0, 0.3, (40, 70))

    def make() -> Any:
        section = {"rain": [[0, 300], [90, 100]], "infiltration": infiltration, "drainage": "rates.tif"}
        return make_model(bed, folder=tmp_path, **section)

    straight = _advance(_advance(make(), 66.0), 130.0)
    resumed = make()
    resumed.load_state(_advance(make(), 66.0).state())
    _advance(resumed, 130.0)
    for name, values in straight.state().items():
        np.testing.assert_array_equal(values, resumed.state()[name], err_msg=name)
    assert straight.budget() == resumed.budget()


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_the_number_of_threads_changes_no_loss(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.flood.model.PARALLEL_CELLS", 1000)
    bed = np.random.default_rng(1).normal(0, 0.3, (120, 120))
    results = []
    for threads in (1, 2):
        monkeypatch.setattr("sim.flood.model.get_num_threads", lambda threads=threads: threads)
        model = _advance(make_model(bed, rain=200.0, infiltration=SILT_LOAM), 60.0)
        results.append((model.state(), model.budget()))
    for name, values in results[0][0].items():
        np.testing.assert_array_equal(values, results[1][0][name], err_msg=name)
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"kind": "horton"}, "green_ampt"),
        ({"kind": "green_ampt"}, "exactly one of soil, soil_map"),
        ({"kind": "green_ampt", "soil": "peat"}, "there is no soil 'peat'; there is sand"),
        ({"kind": "green_ampt", "soil_map": "a.tif"}, "belong together"),
        ({"kind": "green_ampt", "soil": "loam", "classes": {1: "loam"}}, "belong together"),
        ({"kind": "green_ampt", "soil_map": "a.tif", "classes": {1: "mud"}}, "there is no soil 'mud'"),
        ({"kind": "green_ampt", "soil": "loam", "saturation": 1.2}, "saturation"),
        ({"kind": "curve_number", "number": 0}, "number"),
        ({"kind": "curve_number", "number": 101}, "number"),
        ({"kind": "curve_number", "number": 80, "initial": -0.1}, "initial"),
    ],
)
def test_the_section_refuses_infiltration_that_cannot_be(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        FloodSection.model_validate(BASE | {"infiltration": wrong})


@pytest.mark.parametrize(
    ("wrong", "where", "what"),
    [
        ({"drainage": "gap.tif"}, "flood.drainage: gap.tif", "is nan at row 2, column 3 (1 such cells)"),
        ({"infiltration": "negative.tif"}, "flood.infiltration: negative.tif", "is -4.0 at row 0"),
        (
            {"rain": 5, "infiltration": {"kind": "curve_number", "number": "negative.tif"}},
            "flood.infiltration.number", "the curve number is -4.0",
        ),
        (
            {"infiltration": {"kind": "green_ampt", "soil_map": "one.tif", "classes": {2: "loam"}}},
            "flood.infiltration.soil_map: one.tif", "class 1 at row 0, column 0 (64 such cells) has no soil",
        ),
        (
            {"infiltration": {"kind": "green_ampt", "soil": "loam", "saturation": "negative.tif"}},
            "flood.infiltration.saturation: negative.tif", "is -4.0",
        ),
        ({"drainage": "none.tif"}, "none.tif", "there is no file"),
    ],
)  # fmt: skip
def test_an_unusable_raster_of_losses_is_named(
    make_model: Any, tmp_path: Path, wrong: dict[str, Any], where: str, what: str
) -> None:
    gap, negative = np.ones((8, 8)), np.ones((8, 8))
    gap[2, 3], negative[0, 0] = np.nan, -4.0
    for name, values in {"gap": gap, "negative": negative, "one": np.ones((8, 8))}.items():
        _raster(tmp_path / f"{name}.tif", values)
    with pytest.raises(TwinError) as caught:
        make_model(np.zeros((8, 8)), folder=tmp_path, **wrong)
    assert where in caught.value.where
    assert what in caught.value.what


def test_a_curve_number_without_rain_is_refused(make_model: Any) -> None:
    with pytest.raises(ValidationError, match="curve_number takes of the rain, and there is none"):
        make_model(np.zeros((4, 4)), infiltration={"kind": "curve_number", "number": 80})
