"""Rain in space and time: what falls is what the source says, wherever, whenever and however the steps are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numba
import numpy as np
import pytest
import xarray as xr
from pydantic import ValidationError

from sim.flood.ground import Ground
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.errors import TwinError
from twin.grid import Grid

BASE = {"duration": 600.0, "output_every": 600.0}
FRAMES = np.array([[[10.0, 0.0], [30.0, 80.0]], [[5.0, 60.0], [0.0, 20.0]], [[90.0, 0.0], [0.0, 40.0]]])
"""Three rasters of 2 x 2 cells of 100 m [mm/h]."""


def _advance(model: Any, until: float, most: float = 1e9) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), most, until - model.clock.time))
    return model


def _netcdf(path: Path, times: Any, frames: Any, *, xs: Any, ys: Any, units: str = "mm h-1", **attrs: Any) -> Path:
    values = xr.DataArray(np.asarray(frames, dtype=np.float32), dims=("time", "y", "x"), name="rain")
    values.attrs["units"] = units
    data = values.to_dataset().assign_coords(time=("time", np.asarray(times)), y=("y", ys), x=("x", xs))
    data["time"].attrs["units"] = attrs.pop("time_units", "seconds since 2018-07-06 03:00:00")
    for name, given in attrs.items():
        data[name].attrs.update(given)
    data.to_netcdf(path, engine="h5netcdf")
    return path


def _geotiff(path: Path, values: Any, cell: float, north: float, **more: Any) -> Path:
    import rasterio
    from affine import Affine

    values = np.asarray(values, dtype=np.float32)
    with rasterio.open(
        path, "w", driver="GTiff", height=values.shape[0], width=values.shape[1], count=1, dtype="float32",
        transform=Affine(cell, 0, 0, 0, -cell, north), crs="EPSG:6674", **more,
    ) as file:  # fmt: skip
        file.write(values, 1)
    return path


def _radar(folder: Path) -> Path:
    # the file runs southwards in no order: y ascends
    return _netcdf(folder / "radar.nc", [0, 60, 120], FRAMES[:, ::-1], xs=[50.0, 150.0], ys=[50.0, 150.0])


@pytest.mark.parametrize("scheme", ["local_inertial", "shallow_water"])
@pytest.mark.parametrize("precision", ["single", "double"])
def test_the_rain_of_a_radar_is_its_integral_over_the_area(
    make_model: Any, tmp_path: Path, precision: str, scheme: str
) -> None:
    """40 x 40 cells of 5 m over 2 x 2 cells of 100 m; 150 s of frames of 60 s, the steps land nowhere on them."""
    _radar(tmp_path)
    section = {"rain": {"raster": {"source": "radar.nc"}}, "precision": precision}
    if scheme == "local_inertial":
        model = make_model(np.zeros((40, 40)), folder=tmp_path, **section)
    else:
        ground = Ground.bare(Grid((40, 40), 5.0, 0.0, 200.0), np.zeros((40, 40)))
        model = ShallowWaterModel(FloodSection.model_validate(BASE | section), ground, InputFiles(tmp_path))
    _advance(model, 150.0, most=7.3)
    budget = model.budget()
    # mm/h x 1e4 m2 each, 60 + 60 + 30 s
    expected = float((FRAMES.sum(axis=(1, 2)) * [60, 60, 30]).sum()) * 1e4 * 1e-3 / 3600
    assert budget["rain_m3"] == pytest.approx(expected, rel=1e-6 if precision == "single" else 1e-12)
    assert abs(budget["relative_error"]) <= (1e-6 if precision == "single" else 1e-12)
    assert budget["stored_m3"] == pytest.approx(expected, rel=1e-6)


def test_each_frame_falls_where_it_says_and_until_the_next(make_model: Any, tmp_path: Path) -> None:
    """On walls between all cells of the raster nothing flows from one to the other."""
    _radar(tmp_path)
    ground = Ground.bare(Grid((40, 40), 5.0, 0.0, 200.0), np.zeros((40, 40)))
    ground.crest_xface[:, 20] = ground.crest_yface[20] = 9.0
    model = make_model(ground.bed, ground=ground, folder=tmp_path, rain={"raster": {"source": "radar.nc"}})
    for until, depth in ((50.0, FRAMES[0] * 50), (100.0, FRAMES[0] * 60 + FRAMES[1] * 40)):
        h = _advance(model, until, most=9.0).fields()["h_cell"]
        mean = h.reshape(2, 20, 2, 20).mean(axis=(1, 3))
        np.testing.assert_allclose(mean, depth * 1e-3 / 3600, rtol=1e-5)
    # the last frame holds as long as the one before it: until 180 s
    _advance(model, 180.0)
    rain = model.budget()["rain_m3"]
    assert _advance(model, 400.0).budget()["rain_m3"] == rain > 0


def test_a_list_of_geotiffs_is_the_same_rain(make_model: Any, tmp_path: Path) -> None:
    _radar(tmp_path)
    source = [
        [60.0 * k, str(_geotiff(tmp_path / f"{k}.tif", frame, 100.0, 200.0).name)] for k, frame in enumerate(FRAMES)
    ]
    results = []
    for given in ("radar.nc", source):
        model = make_model(np.zeros((40, 40)), folder=tmp_path, rain={"raster": {"source": given}})
        results.append(_advance(model, 200.0, most=11.0).state()["h"])
    np.testing.assert_array_equal(*results)


def test_a_raster_finer_than_the_grid_gives_its_mean(make_model: Any, tmp_path: Path) -> None:
    fine = np.random.default_rng(3).gamma(0.5, 40.0, (80, 80))
    _geotiff(tmp_path / "fine.tif", fine, 2.5, 200.0)
    model = make_model(np.zeros((20, 20)), 10.0, folder=tmp_path, rain={"raster": {"source": [[0, "fine.tif"]]}})
    _advance(model, 100.0, most=10.0)
    assert model.budget()["rain_m3"] == pytest.approx(fine.sum() * 2.5**2 * 100 * 1e-3 / 3600, rel=1e-4)


def test_a_raster_in_degrees_falls_on_the_same_place(make_model: Any, tmp_path: Path) -> None:
    """A cell of rain of 250 m somewhere in Osaka, in latitude and longitude as radars give it."""
    from pyproj import Transformer

    to_degrees = Transformer.from_crs("EPSG:6674", "EPSG:6668", always_xy=True)
    lon, lat = to_degrees.transform(*np.array([[1e3 + 37.0], [1e3 - 81.0]]))
    step = 0.0025
    xs, ys = lon[0] + step * np.arange(-6, 7), lat[0] + step * np.arange(-6, 7)
    frame = np.zeros((1, 13, 13))
    frame[0, 6, 6] = 100.0
    _netcdf(tmp_path / "geo.nc", [0], frame, xs=xs, ys=ys, y={"units": "degrees_north"}, x={"units": "degrees_east"})
    ground = Ground.bare(Grid((100, 100), 10.0, 500.0, 1500.0), np.zeros((100, 100)))
    model = make_model(ground.bed, ground=ground, folder=tmp_path, rain={"raster": {"source": "geo.nc"}})
    model.step(10.0)
    h = model.fields()["h_cell"].astype(np.float64)
    x, y = (float((h * at).sum() / h.sum()) for at in (ground.grid.x_cell[None], ground.grid.y_cell[:, None]))
    assert (x, y) == pytest.approx((1037.0, 919.0), abs=10.0)
    # 0.0025 degrees are 277 m northwards and 231 m eastwards there
    assert (h > 0).sum() * 100.0 == pytest.approx(277.4 * 231.4, rel=0.03)


def test_zero_places_the_file_on_the_scenario_s_clock(make_model: Any, tmp_path: Path) -> None:
    """12:01 in Japan is 03:01 UTC, a minute into the file."""
    _radar(tmp_path)
    raster = {"source": "radar.nc", "zero": "2018-07-06T12:01:00+09:00"}
    model = _advance(make_model(np.zeros((40, 40)), folder=tmp_path, rain={"raster": raster}), 60.0, most=20.0)
    assert model.budget()["rain_m3"] == pytest.approx(FRAMES[1].sum() * 60 * 10 / 3600, rel=1e-6)


def test_rain_of_a_radar_on_roofs_runs_off_and_none_is_lost(make_model: Any, tmp_path: Path) -> None:
    _radar(tmp_path)
    bed = np.zeros((40, 40))
    ground = Ground.bare(Grid((40, 40), 5.0, 0.0, 200.0), bed)
    ground.building_cell[15:25, 17:30] = 0
    ground = replace(ground, is_wall=ground.building_cell >= 0)
    model = make_model(bed, ground=ground, folder=tmp_path, rain={"raster": {"source": "radar.nc"}})
    _advance(model, 120.0, most=5.0)
    expected = float(FRAMES[:2].sum()) * 60 * 1e4 * 1e-3 / 3600
    assert model.budget()["rain_m3"] == pytest.approx(expected, rel=1e-6)
    assert model.fields()["h_cell"][ground.is_wall].max() == 0


def _storm(**more: Any) -> dict[str, Any]:
    return {"storm": {"peak": [[0, 60], [100, 120]], "radius": [300, 150], "every": 20} | more}


def test_a_gaussian_storm_brings_its_volume_and_moves(make_model: Any) -> None:
    """Its integral over the plane is 2 pi a b peak; it stays inside 4 km."""
    storm = _storm(centre=[1000, 2000], speed=8.0, towards=90.0, azimuth=30.0)
    model = make_model(np.zeros((100, 100)), 40.0, rain=storm)
    centre = []
    for until in (40.0, 200.0):
        h = _advance(model, until, most=7.0).state()["h"]
        centre.append((h * (20 + 40 * np.arange(100))).sum() / h.sum())
    plane = 2 * np.pi * 300 * 150 * (60 * 100 + 120 * 100) * 1e-3 / 3600
    assert model.budget()["rain_m3"] == pytest.approx(plane, rel=1e-4)
    # after 40 s it fell on average where the storm was at 20 s
    assert centre[0] == pytest.approx(1000 + 8 * 20, abs=3.0)
    assert centre[1] == pytest.approx(1000 + 8 * (100 * 60 * 50 + 100 * 120 * 150) / (100 * 180), abs=10.0)


def test_a_track_and_a_speed_are_the_same_storm(make_model: Any) -> None:
    ways: list[dict[str, Any]] = [
        {"centre": [100, 100], "speed": 5.0, "towards": 0.0},
        {"track": [[0, 100, 100], [600, 100, 3100]]},
    ]
    results = [_advance(make_model(np.zeros((80, 20)), 50.0, rain=_storm(**way)), 200.0).state()["h"] for way in ways]
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_a_flat_ellipse_stands_along_its_azimuth(make_model: Any) -> None:
    storm = _storm(centre=[1000, 1000], azimuth=90.0, profile="flat", peak=36.0)
    model = make_model(np.zeros((100, 100)), 20.0, rain=storm)
    model.step(10.0)
    wet = model.fields()["h_cell"] > 0
    assert (wet.any(axis=0).sum() * 20, wet.any(axis=1).sum() * 20) == pytest.approx((600, 300), abs=20)
    assert model.fields()["h_cell"].max() == pytest.approx(1e-4, rel=0.01)


@pytest.mark.parametrize(
    ("given", "intensity"),
    [
        ({"formula": "talbot", "a": 5000.0, "b": 40.0}, lambda t: 5000.0 / (t + 40.0)),
        ({"formula": "sherman", "a": 600.0, "n": 0.6}, lambda t: 600.0 / t**0.6),
        ({"formula": "kuno_ishiguro", "a": 400.0, "b": 0.5}, lambda t: 400.0 / (t**0.5 + 0.5)),
        ({"formula": "cleveland", "a": 900.0, "b": 4.0, "n": 0.7}, lambda t: 900.0 / (t**0.7 + 4.0)),
    ],
)
@pytest.mark.parametrize("peak_at", [0.0, 0.5, 1.0])
def test_the_heaviest_part_of_a_design_storm_has_the_formula_s_intensity(
    make_model: Any, given: dict[str, Any], intensity: Any, peak_at: float
) -> None:
    design = given | {"length": "PT3H", "step": "PT10M", "peak_at": peak_at}
    model = make_model(np.zeros((2, 2)), duration=20000.0, rain={"design": design})
    series = model._rain.field.intensity
    values = series.values[:-1]
    assert (series.values[-1], series.times[-1], len(values)) == (0.0, 10800.0, 18)
    for count in (1, 3, 6, 18):
        heaviest = max(values[k : k + count].mean() for k in range(18 - count + 1))
        assert heaviest == pytest.approx(intensity(10.0 * count))
    assert values.argmax() == pytest.approx(peak_at * 17, abs=0.6)


def test_two_characteristic_intensities_fix_the_formula(make_model: Any) -> None:
    for formula in ("talbot", "sherman", "kuno_ishiguro"):
        design = {"formula": formula, "points": [[10, 120], [60, 50]], "length": 7200, "step": 600}
        values = make_model(np.zeros((2, 2)), rain={"design": design})._rain.field.intensity.values
        assert values.max() == pytest.approx(120.0)
        assert max(values[k : k + 6].mean() for k in range(7)) == pytest.approx(50.0)


def test_a_factor_multiplies_all_of_it(make_model: Any) -> None:
    for rain in ({"intensity": [[0, 10], [60, 40]]}, _storm(centre=[50, 50])):
        one, two = (_advance(make_model(np.zeros((9, 9)), rain=rain | {"factor": f}), 200.0) for f in (1.0, 2.5))
        assert two.budget()["rain_m3"] == pytest.approx(2.5 * one.budget()["rain_m3"], rel=1e-6)


@pytest.mark.parametrize("losses", [0.0, {"kind": "curve_number", "number": 70.0, "every": 37.0}])
def test_a_restart_under_moving_rain_is_the_straight_run_bit_by_bit(make_model: Any, losses: Any) -> None:
    def make() -> Any:
        storm = _storm(centre=[0, 100], speed=3.0, towards=80.0, peak=900.0, every=17.0)
        return make_model(np.random.default_rng(1).normal(0, 0.3, (60, 90)), rain=storm, infiltration=losses)

    straight = _advance(_advance(make(), 61.0), 130.0)
    resumed = make()
    resumed.load_state(_advance(make(), 61.0).state())
    _advance(resumed, 130.0)
    for name, values in straight.state().items():
        np.testing.assert_array_equal(values, resumed.state()[name], err_msg=name)
    assert straight.budget() == resumed.budget()
    assert straight.budget()["rain_m3"] > 1.0


@pytest.mark.skipif(numba.config.NUMBA_NUM_THREADS < 2, reason="one thread only")
def test_the_number_of_threads_changes_no_rain(make_model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.flood.model.PARALLEL_CELLS", 1000)
    bed = np.random.default_rng(1).normal(0, 0.3, (120, 120))
    storm = _storm(centre=[0, 300], speed=5.0, towards=90.0)
    results = []
    for threads in (1, 2):
        monkeypatch.setattr("sim.flood.model.get_num_threads", lambda threads=threads: threads)
        model = _advance(make_model(bed, rain=storm), 60.0)
        results.append((model.state(), model.budget()))
    for name, values in results[0][0].items():
        np.testing.assert_array_equal(values, results[1][0][name], err_msg=name)
    assert results[0][1] == results[1][1]


@pytest.mark.parametrize(
    ("rain", "named"),
    [
        ({}, "no rain given; give exactly one of intensity, design, raster, storm"),
        ({"intensity": 3, "storm": {"peak": 3, "radius": 3, "centre": [0, 0]}}, "intensity and storm given"),
        (
            {"storm": {"peak": 3, "radius": 3, "centre": [0, 0]}, "polygon": [[0, 0], [1, 0], [1, 1]]},
            "a storm has its own place",
        ),
        ({"storm": {"peak": 3, "radius": 3}}, "exactly one of track, centre"),
        ({"storm": {"peak": 3, "radius": 0, "centre": [0, 0]}}, "radius"),
        ({"storm": {"peak": 3, "radius": 3, "track": [[5, 0, 0], [0, 9, 9]]}}, "times do not increase"),
        ({"storm": {"peak": 3, "radius": 3, "track": [[0, 0, 0]], "speed": 2}}, "a track has its own times"),
        ({"raster": {"source": []}}, "at least one entry"),
        ({"raster": {"source": [[0, "a.tif"], [0, "b.tif"]]}}, "times do not increase"),
        ({"raster": {"source": [[0, "a.tif"]], "zero": "2018-07-06T00:00:00Z"}}, "belong to a NetCDF file"),
        ({"raster": {"source": "a.nc", "zero": "2018-07-06T00:00:00"}}, "zero"),
        ({"design": {"formula": "talbot", "a": 5000, "length": 3600}}, "talbot needs a, b; a given"),
        ({"design": {"formula": "sherman", "a": 500, "n": 1.2, "length": 3600}}, "the depth of the rain must grow"),
        ({"design": {"formula": "talbot", "a": 500, "b": -20, "length": 3600}}, "no positive intensity at 10 min"),
        ({"design": {"formula": "talbot", "a": 500, "b": 20, "length": 3700}}, "no multiple"),
        ({"design": {"formula": "talbot", "points": [[10, 50], [60, 80]], "length": 3600}}, "must fall as time grows"),
        ({"design": {"formula": "cleveland", "points": [[10, 80], [60, 50]], "length": 3600}}, "points stand in"),
        ({"intensity": 10, "factor": -1}, "factor"),
    ],
)
def test_the_section_refuses_rain_that_cannot_be(rain: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        FloodSection.model_validate(BASE | {"rain": rain})


@pytest.mark.parametrize(
    ("raster", "where", "what", "remedy"),
    [
        ({"source": "none.nc"}, "none.nc", "no file", "relative"),
        ({"source": "text.nc"}, "text.nc", "no NetCDF file", "NetCDF 3 or 4"),
        ({"source": "good.nc", "variable": "snow"}, "good.nc", "no variable 'snow'", "variable"),
        ({"source": "units.nc"}, "units.nc", "'dBZ'", "mm/h"),
        ({"source": "small.nc"}, "flood.rain.raster: small.nc", "says nothing for 200 of 400", "missing: zero"),
        ({"source": "gap.nc"}, "flood.rain.raster: gap.nc", "at t = 60 s", "missing: zero"),
        ({"source": "negative.nc"}, "flood.rain.raster: negative.nc", "-5 mm/h at t = 0 s", ">= 0"),
        ({"source": "far.nc"}, "far.nc", "covers x 50050", "same place"),
        ({"source": "good.nc", "zero": "2019-07-06T00:00:00Z"}, "flood.rain.raster", "it rains from -", "zero"),
        ({"source": "clock.nc"}, "clock.nc", "'fortnights since 2018-01-01'", "seconds since"),
        ({"source": "odd.nc"}, "odd.nc", "no regular axis", "evenly"),
        ({"source": "axis.nc"}, "axis.nc", "none of which is told to be Y", "CF"),
        ({"source": [[0, "a.tif"], [60, "b.tif"]]}, "b.tif", "a.tif has", "one and the same raster"),
        ({"source": [[0, "none.tif"]]}, "none.tif", "no file", "relative"),
    ],
)
def test_an_unusable_raster_of_rain_is_named(
    make_model: Any, tmp_path: Path, raster: dict[str, Any], where: str, what: str, remedy: str
) -> None:
    near, far = np.array([50.0, 150.0]), np.array([50050.0, 50150.0])
    two, times = FRAMES[:2], [0, 60]
    gap, negative = two.copy(), two.copy()
    gap[1, 0, 0], negative[0, 1, 1] = np.nan, -5.0
    (tmp_path / "text.nc").write_text("time,rain\n0,3\n")
    _netcdf(tmp_path / "good.nc", times, two, xs=near, ys=near)
    _netcdf(tmp_path / "units.nc", times, two, xs=near, ys=near, units="dBZ")
    _netcdf(tmp_path / "small.nc", times, two, xs=near - 100, ys=near)
    _netcdf(tmp_path / "gap.nc", times, gap, xs=near, ys=near)
    _netcdf(tmp_path / "negative.nc", times, negative, xs=near, ys=near)
    _netcdf(tmp_path / "far.nc", times, two, xs=far, ys=near)
    _netcdf(tmp_path / "clock.nc", times, two, xs=near, ys=near, time_units="fortnights since 2018-01-01")
    _netcdf(tmp_path / "odd.nc", times, np.zeros((2, 2, 3)), xs=[0.0, 50.0, 200.0], ys=near)
    with xr.open_dataset(tmp_path / "good.nc", decode_times=False, engine="h5netcdf") as data:
        data.rename(y="beam").to_netcdf(tmp_path / "axis.nc", engine="h5netcdf")
    _geotiff(tmp_path / "a.tif", FRAMES[0], 100.0, 200.0)
    _geotiff(tmp_path / "b.tif", FRAMES[0], 90.0, 200.0)
    with pytest.raises(TwinError) as caught:
        make_model(np.zeros((20, 20)), 10.0, folder=tmp_path, rain={"raster": raster})
    assert where in caught.value.where
    assert what in caught.value.what
    assert remedy in caught.value.remedy


def test_a_storm_that_never_comes_is_refused(make_model: Any) -> None:
    with pytest.raises(TwinError, match="never comes closer than"):
        make_model(np.zeros((20, 20)), rain=_storm(centre=[9000, 0]))


def test_missing_cells_can_be_declared_dry(make_model: Any, tmp_path: Path) -> None:
    _netcdf(tmp_path / "small.nc", [0, 60], FRAMES[:2], xs=[-50.0, 50.0], ys=[50.0, 150.0])
    rain = {"raster": {"source": "small.nc", "missing": "zero"}}
    model = make_model(np.zeros((20, 20)), 10.0, folder=tmp_path, rain=rain)
    model.step(1.0)
    assert (model.fields()["h_cell"] > 0).sum() == 100
