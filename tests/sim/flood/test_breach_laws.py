"""Breaches by law: widths and times, growth, the water that begins them, restart, wrong input."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.flood.breach_laws import breach_table, erosion_rate, widened_share
from sim.flood.breaches import final_width, growth_time
from sim.flood.ground import Ground
from sim.flood.scenario import Breach, FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.grid import Grid

BASE = {"duration": 600.0, "output_every": 600.0}
EROSION = {"law": "verheij_van_der_knaap", "material": "sand", "initial": 10.0, "limit": 160.0}


def _breach(**given: Any) -> Breach:
    return Breach.model_validate({"at": [0, 0], "invert": 0.0} | given)


def _advance(model: Any, until: float, most: float = 1e9) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), most, until - model.clock.time))
    return model


def test_the_manual_s_width_follows_the_river() -> None:
    """log10 100 = 2 and log10 1000 = 3: 1.6 * 13.93 + 62 and 2.0 * 65.02 + 77."""
    assert final_width(_breach(width={"law": "manual", "river_width": 100})) == pytest.approx(84.3, abs=0.1)
    wide = _breach(width={"law": "manual", "river_width": 1000, "confluence": True})
    assert final_width(wide) == pytest.approx(207.0, abs=0.2)
    assert growth_time(wide) == 3600.0


def test_erosion_slows_down_as_the_curve_of_its_authors() -> None:
    """Its integral at a constant head is f1 sqrt(g) H^1.5 / uc log10(1 + f2 g t / uc), t in hours."""
    seconds = np.linspace(0.0, 7200.0, 20001)
    width = np.trapezoid([erosion_rate(4.0, t, 0.2) for t in seconds], seconds)
    assert width == pytest.approx(1.3 * 9.81**0.5 * 8.0 / 0.2 * np.log10(1 + 0.04 * 9.81 / 0.2 * 2.0), rel=1e-5)
    assert erosion_rate(4.0, 0.0, 0.5) < erosion_rate(4.0, 0.0, 0.2)
    assert erosion_rate(-1.0, 0.0, 0.2) == 0.0


def test_dams_by_volume_and_height() -> None:
    """10 million m3, 20 m: 0.27 * 1.3 * 10^2.24 * 20^0.04 = 68.8 m in 63.2 sqrt(1e7 / 9.81) / 20 s = 53 min."""
    froehlich = _breach(width={"law": "froehlich", "volume": 1e7, "height": 20.0})
    assert (final_width(froehlich), growth_time(froehlich) / 60) == pytest.approx((68.8, 53.2), rel=0.01)
    sand, clay = (
        _breach(width={"law": "von_thun_gillette", "volume": 1e7, "depth": 18.0, "material": name})
        for name in ("sand", "clay")
    )
    assert final_width(sand) == final_width(clay) == pytest.approx(2.5 * 18 + 42.7)
    assert (growth_time(sand), growth_time(clay)) == pytest.approx((3600 * 0.27, 3600 * 0.61))


@pytest.mark.parametrize("shape", ["linear", "sqrt", "log"])
def test_growth_begins_at_nothing_and_ends_whole_and_never_shrinks(shape: str) -> None:
    share = [widened_share(shape, x) for x in np.linspace(0, 1, 50)]
    assert (share[0], share[-1]) == (0.0, pytest.approx(1.0))
    assert (np.diff(share) > 0).all()
    assert widened_share(shape, 7.0) == pytest.approx(1.0)
    assert widened_share(shape, 0.25) >= 0.25


def test_every_material_states_what_the_laws_need() -> None:
    for row in breach_table()["materials"].values():
        assert row["critical_velocity"] > 0
        assert {"is_resistant", "ja", "en"} <= set(row)


def _levee(depth: float = 2.0) -> Any:
    """A levee of 3 m from north to south through 40 x 40 cells of 5 m, `depth` of water west of it."""
    bed = np.zeros((40, 40))
    bed[:, 20] = 3.0
    water = np.zeros_like(bed)
    water[:, :20] = depth
    return bed, water


LINE = [[102.5, 0.0], [102.5, 200.0]]


def _gap(model: Any) -> Any:
    """Width [m] of what has sunk of the levee."""
    z = model._cells("z")[:, 20] + model.datum
    return 5.0 * (z < 3.0 - 1e-4).sum(), float(z.min())


def test_half_of_the_manual_s_width_fails_at_once_and_the_rest_within_the_hour(make_model: Any) -> None:
    bed, depth = _levee()
    # 1.6 log10(300)^3.8 + 62 = 111 m
    breach = {"line": LINE, "width": {"law": "manual", "river_width": 300.0}, "invert": 0.0, "start": 10.0}
    model = make_model(bed, depth=depth, breaches=[breach], duration=5000.0)
    full = final_width(model._breaches[0].given)
    assert _gap(_advance(model, 9.0)) == (0.0, 3.0)
    width, floor = _gap(_advance(model, 12.0))
    assert width == pytest.approx(full / 2, abs=6.0)
    assert floor == 0.0
    assert _gap(_advance(model, 1810.0))[0] == pytest.approx(0.75 * full, abs=6.0)
    assert _gap(_advance(model, 3620.0))[0] == pytest.approx(full, abs=6.0)
    assert abs(model.budget()["relative_error"]) < 1e-6


@pytest.mark.parametrize("scheme", ["local_inertial", "shallow_water"])
def test_a_breach_erodes_as_long_as_there_is_a_head(make_model: Any, scheme: str) -> None:
    bed, depth = _levee()
    breach = {"line": LINE, "width": EROSION, "invert": 0.0, "start": 5.0, "deepening": 20.0}
    edges = [{"edge": "west", "kind": "stage", "value": 2.0}, {"edge": "east", "kind": "stage", "value": -5.0}]
    section = BASE | {"breaches": [breach], "boundaries": edges, "scheme": scheme, "duration": 1000.0}
    if scheme == "local_inertial":
        model = make_model(bed, depth=depth, **section)
    else:
        ground = Ground.bare(Grid(bed.shape, 5.0, 0.0, 200.0), bed, 0.03, depth)
        model = ShallowWaterModel(FloodSection.model_validate(section), ground, InputFiles(Path()))
    width, floor = _gap(_advance(model, 15.0))
    assert width == pytest.approx(10.0, abs=5.0)
    assert floor == pytest.approx(1.5, abs=0.01)
    assert _gap(_advance(model, 26.0))[1] == 0.0
    _advance(model, 600.0)
    most = 10 + 1.3 * 9.81**0.5 * 2.0**1.5 / 0.2 * np.log10(1 + 0.04 * 9.81 / 0.2 * 575 / 3600)
    assert 12.0 < model._breaches[0].width < most
    # equal levels on both sides: it stands still
    level = make_model(bed, depth=np.where(bed > 0, 0.0, 1.0), breaches=[breach])
    assert _advance(level, 200.0)._breaches[0].width == pytest.approx(10.0, abs=0.05)


def _overtopped(make_model: Any, **start: Any) -> Any:
    bed, depth = _levee(2.8)
    breach = {"line": LINE, "width": 30.0, "invert": 0.0, "start": start or "overtopped", "growth": 30.0}
    flow = [{"polygon": [[0, 0], [80, 0], [80, 200], [0, 200]], "discharge": 60.0}]
    return make_model(bed, depth=depth, breaches=[breach], inflows=flow, duration=5000.0)


def test_a_levee_fails_when_the_river_tops_it_and_not_before(make_model: Any) -> None:
    """2.8 m rise to the crest of 3 m by 60 m3/s on 20,000 m2: 3 mm/s, in 67 s."""
    model = _overtopped(make_model)
    assert _gap(_advance(model, 60.0))[0] == 0.0
    assert model.gauges()["breach_0_width_m"] == 0.0
    _advance(model, 110.0)
    assert model.gauges()["breach_0_width_m"] == 30.0
    begun = model._breaches[0].begun
    assert 60.0 < begun < 75.0
    assert _gap(_advance(model, begun + 31.0)) == (pytest.approx(30.0, abs=6.0), 0.0)


def test_a_levee_that_must_be_topped_higher_and_longer_fails_later(make_model: Any) -> None:
    first = _advance(_overtopped(make_model), 200.0)._breaches[0].begun
    later = _advance(_overtopped(make_model, lasting=40.0), 200.0)._breaches[0].begun
    higher = _advance(_overtopped(make_model, by=0.06), 300.0)._breaches[0].begun
    assert later == pytest.approx(first + 40.0, abs=3.0)
    assert higher > first + 10.0
    given = _advance(_overtopped(make_model, crest=2.9), 200.0)._breaches[0].begun
    assert given == pytest.approx(33.0, abs=3.0)
    assert not np.isfinite(_advance(_overtopped(make_model, by=5.0), 200.0)._breaches[0].begun)


def test_rain_that_stands_on_a_crest_tops_nothing(make_model: Any) -> None:
    bed, depth = _levee(1.0)
    breach = {"line": LINE, "width": 30.0, "invert": 0.0, "start": "overtopped"}
    model = make_model(bed, depth=depth, breaches=[breach], rain=100.0)
    assert not np.isfinite(_advance(model, 300.0)._breaches[0].begun)


def test_a_wall_of_faces_is_topped_and_fails(make_model: Any) -> None:
    ground = Ground.bare(Grid((20, 20), 5.0, 0.0, 100.0), np.zeros((20, 20)))
    ground.crest_xface[:, 10] = 1.0
    depth = np.zeros((20, 20))
    depth[:, :10] = 0.98
    breach = {"at": [50.0, 50.0], "width": 20.0, "invert": 0.0, "start": "overtopped"}
    flow = [{"polygon": [[0, 0], [40, 0], [40, 100], [0, 100]], "discharge": 10.0}]
    model = make_model(ground.bed, ground=replace(ground, depth=depth), breaches=[breach], inflows=flow)
    _advance(model, 60.0)
    assert 3.0 < model._breaches[0].begun < 30.0
    assert model.fields()["h_cell"][10, 12] > 0.1


@pytest.mark.parametrize("until", [30.0, 75.0, 90.0])
def test_a_restart_knows_what_has_topped_and_how_wide_it_is(make_model: Any, until: float) -> None:
    def make() -> Any:
        bed, depth = _levee(2.8)
        ground = Ground.bare(Grid(bed.shape, 5.0, 0.0, 200.0), bed, 0.03, depth)
        ground.crest_xface[25:, 21] = 2.9
        breaches = [
            {"line": LINE, "width": 60.0, "invert": 0.0, "start": {"lasting": 8.0}, "growth": 60.0, "shape": "sqrt"},
            {"at": [102.5, 30.0], "width": EROSION, "invert": 0.5, "start": "overtopped", "deepening": 5.0},
        ]
        flow = [{"polygon": [[0, 0], [80, 0], [80, 200], [0, 200]], "discharge": 60.0}]
        return make_model(bed, ground=ground, breaches=breaches, inflows=flow)

    straight = _advance(_advance(make(), until), 130.0)
    resumed = make()
    resumed.load_state(_advance(make(), until).state())
    _advance(resumed, 130.0)
    for name, values in straight.state().items():
        np.testing.assert_array_equal(values, resumed.state()[name], err_msg=name)
    for one, two in zip(straight._faces, resumed._faces, strict=True):
        np.testing.assert_array_equal(one.value, two.value)
    assert straight.budget() == resumed.budget()
    assert np.isfinite([breach.begun for breach in straight._breaches]).all()


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"width": {"law": "guess"}}, "manual"),
        ({"width": {"law": "manual", "river_width": 0.5}}, "river_width"),
        ({"width": EROSION}, "needs deepening"),
        ({"width": EROSION, "deepening": 60, "growth": 60}, "no growth"),
        ({"width": {**EROSION, "material": "cheese"}, "deepening": 60}, "no levee material 'cheese'; there is sand"),
        ({"width": {**EROSION, "critical_velocity": 0.3}, "deepening": 60}, "exactly one of material, critical"),
        ({"width": {**EROSION, "limit": 5.0}, "deepening": 60}, "limit 5.0 m is less than initial 10.0 m"),
        ({"width": EROSION, "deepening": 60, "hydrograph": 5.0}, "give width.head"),
        ({"width": 30, "start": "soon"}, "start"),
        ({"width": 30, "start": {"by": -0.1}}, "by"),
        ({"width": 30, "start": "overtopped", "hydrograph": 5.0}, "nothing tops the crest"),
        ({"width": {"law": "von_thun_gillette", "volume": 1e6, "depth": 5, "material": "mud"}}, "no levee material"),
        ({"width": 30, "shape": "cubic"}, "shape"),
    ],
)
def test_the_section_refuses_a_breach_that_cannot_be(wrong: dict[str, Any], named: str) -> None:
    breach = {"at": [50, 50], "invert": 0.0} | wrong
    with pytest.raises(ValidationError, match=named):
        FloodSection.model_validate(BASE | {"breaches": [breach]})
