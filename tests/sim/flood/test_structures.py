"""Walls, weirs, breaches, edges, inflows, rain on roofs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.flood.arithmetic import WEIR
from sim.flood.ground import Ground, initial_depth
from sim.flood.rain.roofs import RoofRunoff
from sim.flood.scenario import FloodSection
from sim.flood.series import Series
from sim.inputs import InputFiles
from twin.grid import Grid


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def _walled(crest: float, depth_west: float, depth_east: float = 0.0) -> Ground:
    """Two flat basins of 10 x 10 cells of 5 m with a wall between them."""
    ground = Ground.bare(Grid((10, 20), 5.0, 0.0, 50.0), np.zeros((10, 20)))
    ground.crest_xface[:, 10] = crest
    depth = np.zeros((10, 20))
    depth[:, :10], depth[:, 10:] = depth_west, depth_east
    return replace(ground, depth=depth)


def test_a_wall_holds_the_water_below_its_crest(make_model: Any) -> None:
    ground = _walled(1.5, 1.49)
    h = _advance(make_model(ground.bed, ground=ground), 300.0).fields()["h_cell"]
    assert h[:, 10:].max() == 0
    assert h[:, :10].min() == pytest.approx(1.49, abs=1e-6)


def test_a_wall_of_higher_stage_is_overtopped_down_to_its_crest(make_model: Any) -> None:
    ground = _walled(1.0, 1.6)
    model = make_model(ground.bed, ground=ground)
    first = float(_advance(model, 2.0).state()["qx"][5, 10])
    assert 0.6 * WEIR * 0.6**1.5 < first <= WEIR * 0.6**1.5
    h = _advance(model, 4000.0).fields()["h_cell"]
    assert h[:, :10].mean() == pytest.approx(1.0, abs=0.03)
    assert h[:, 10:].mean() == pytest.approx(0.6, abs=0.03)
    assert abs(model.budget()["relative_error"]) < 1e-6


def test_a_drowned_wall_does_not_ring(make_model: Any) -> None:
    ground = _walled(0.5, 2.0, 1.8)
    state = _advance(make_model(ground.bed, ground=ground), 1500.0).state()
    assert np.ptp(state["h"]) < 0.015


def test_a_breach_opens_a_wall_when_its_time_comes(make_model: Any) -> None:
    ground = _walled(2.0, 1.5)
    breach = {"line": [[50.0, 0.0], [50.0, 50.0]], "width": 20.0, "invert": 0.0, "start": 60.0, "growth": 30.0}
    model = make_model(ground.bed, ground=ground, breaches=[breach])
    assert _advance(model, 60.0).fields()["h_cell"][:, 10:].max() == 0
    assert _advance(model, 90.0).fields()["h_cell"][:, 10:].max() > 0.1
    assert np.ptp(_advance(model, 1500.0).state()["h"]) < 0.02
    assert abs(model.budget()["relative_error"]) < 1e-6


def test_a_breach_lowers_a_levee_only_within_its_width(make_model: Any) -> None:
    bed = np.zeros((20, 20))
    bed[:, 10] = 3.0
    depth = np.zeros_like(bed)
    depth[:, :10] = 2.0
    model = make_model(
        bed, depth=depth, breaches=[{"at": [52.5, 52.5], "width": 30.0, "invert": 0.5, "start": 10.0, "growth": 20.0}]
    )
    before = _advance(model, 9.0).state()
    assert before["h"][:, 11:].max() == 0
    half = _advance(model, 20.0).state()["z"] + model.datum
    assert half[9, 10] == pytest.approx(3.0 - 0.5 * 2.5)
    final = _advance(model, 40.0).state()["z"] + model.datum
    np.testing.assert_allclose(final[7:12, 10], 0.5)
    np.testing.assert_allclose(final[[0, 4, 15, 19], 10], 3.0)
    assert model.state()["h"][:, 11:].max() > 0.1


def test_a_breach_narrower_than_a_cell_opens_the_one_that_holds_its_middle(make_model: Any) -> None:
    bed = np.zeros((6, 9))
    bed[:, 4] = 3.0
    # on the corner of four cells, nearer to none
    model = make_model(bed, breaches=[{"at": [20.0, 15.0], "width": 2.0, "invert": 0.0}])
    model.step(1.0)
    sunk = np.argwhere((bed - model.datum - model._cells("z")) > 1.0)
    assert sunk.tolist() == [[2, 4]]


def test_water_enters_through_a_breach_with_a_hydrograph(make_model: Any) -> None:
    bed = np.zeros((20, 20))
    bed[:, 0] = 3.0
    breach = {"at": [2.5, 50.0], "width": 20.0, "invert": 0.0, "hydrograph": [[0, 0], [100, 10], [200, 0]]}
    model = _advance(make_model(bed, breaches=[breach]), 300.0)
    assert model.budget()["inflow_m3"] == pytest.approx(1000.0, rel=1e-6)


def test_a_hydrograph_enters_with_its_exact_volume(make_model: Any) -> None:
    flow = [[0, 0], [37, 11], [91, 3], [140, 0]]
    volume = float(np.trapezoid([q for _, q in flow], [t for t, _ in flow]))
    for place in ({"edge": "north", "from": 20, "to": 60}, None):
        section: dict[str, Any]
        if place is None:
            section = {"inflows": [{"polygon": [[20, 20], [60, 20], [60, 60]], "discharge": flow}]}
        else:
            section = {"boundaries": [{**place, "kind": "discharge", "value": flow}]}
        model = _advance(make_model(np.zeros((20, 20)), **section), 200.0)
        assert model.budget()["inflow_m3"] == pytest.approx(volume, rel=1e-6)


def test_an_abstraction_takes_no_more_than_there_is(make_model: Any) -> None:
    model = make_model(np.zeros((4, 4)), depth=np.full((4, 4), 0.1), inflows=[{"at": [10, 10], "discharge": -5.0}])
    _advance(model, 60.0)
    budget = model.budget()
    assert 20.0 < budget["outflow_m3"] < 40.0
    assert abs(budget["relative_error"]) < 1e-6
    assert model.state()["h"].min() >= 0


def test_an_edge_takes_its_stretch_from_south_and_west(make_model: Any) -> None:
    model = make_model(
        np.zeros((10, 12)),
        boundaries=[
            {"edge": "west", "from": 0, "to": 10, "kind": "unit_discharge", "value": 0.1},
            {"edge": "north", "from": 50, "kind": "unit_discharge", "value": 0.2},
        ],
    )
    model.step(0.5)
    state = model.state()
    np.testing.assert_allclose(state["qx"][:, 0], [0] * 8 + [0.1] * 2, rtol=1e-6)
    np.testing.assert_allclose(state["qy"][0], [0] * 10 + [0.2] * 2, rtol=1e-6)


def test_a_later_edge_wins_where_two_overlap(make_model: Any) -> None:
    model = make_model(
        np.zeros((6, 6)),
        boundaries=[
            {"edge": "all", "kind": "unit_discharge", "value": 0.1},
            {"edge": "west", "kind": "wall"},
        ],
    )
    model.step(0.5)
    state = model.state()
    assert state["qx"][:, 0].max() == 0
    assert state["qx"][:, -1].max() < 0


def test_a_basin_fills_to_the_stage_outside(make_model: Any) -> None:
    outside = {"edge": "south", "kind": "stage", "value": [[0, 0], [60, 1]]}
    model = make_model(np.zeros((10, 10)), n=0.1, boundaries=[outside])
    np.testing.assert_allclose(_advance(model, 3000.0).fields()["h_cell"], 1.0, atol=0.01)


def test_an_open_edge_lets_nothing_in_and_empties_a_slope(make_model: Any) -> None:
    bed = np.tile(np.linspace(2.0, 0.0, 40), (5, 1))
    model = make_model(bed, depth=np.full_like(bed, 0.3), boundaries=[{"edge": "east", "kind": "open"}])
    _advance(model, 1800.0)
    budget = model.budget()
    assert budget["outflow_m3"] > 0.97 * budget["initial_m3"]
    assert budget["inflow_m3"] == 0


def test_rain_on_a_roof_runs_off_around_its_block() -> None:
    bed = np.zeros((12, 12))
    ground = Ground.bare(Grid((12, 12), 5.0, 0.0, 60.0), bed)
    ground.building_cell[3:5, 3:6] = 0
    ground.building_cell[5, 3:6] = 1
    ground = replace(ground, is_wall=ground.building_cell >= 0)
    weight = RoofRunoff.of(ground).spread(np.ones((12, 12)))
    assert weight.sum() == pytest.approx(144)
    assert weight[4, 4] == 0
    assert weight[2, 3] == pytest.approx(1 + 9 / 12)
    assert weight[2, 2] == weight[8, 8] == 1


def test_rain_falls_only_inside_its_polygon(make_model: Any) -> None:
    rain = {"intensity": 36.0, "polygon": [[0, 0], [50, 0], [50, 100], [0, 100]]}
    model = make_model(np.zeros((20, 20)), rain=rain)
    _advance(model, 100.0)
    assert model.budget()["rain_m3"] == pytest.approx(100 * 1e-5 * 50 * 100, rel=1e-6)


def test_no_water_enters_a_building_hole(make_model: Any) -> None:
    bed = np.zeros((20, 20))
    ground = Ground.bare(Grid((20, 20), 5.0, 0.0, 100.0), bed, depth=np.full((20, 20), 0.0))
    ground.building_cell[5:12, 6:9] = 0
    ground = replace(ground, is_wall=ground.building_cell >= 0)
    model = make_model(bed, ground=ground, rain=200.0, boundaries=[{"edge": "west", "kind": "stage", "value": 2.0}])
    h = _advance(model, 300.0).fields()["h_cell"]
    assert h[ground.is_wall].max() == 0
    assert h[~ground.is_wall].min() > 0.1
    assert abs(model.budget()["relative_error"]) < 1e-6


def test_the_sea_stays_out_of_low_land_behind_a_dike() -> None:
    bed = np.zeros((10, 20))
    bed[:, 8] = 3.0
    bed[:, 12:] = 5.0
    bed[4, 15] = -2.0
    section = FloodSection(duration=1, output_every=1, initial={"sea_level": 1.0})
    # columns 9 to 11 touch the northern and southern edge; close them
    bed[0, 9:12] = bed[-1, 9:12] = 3.0
    depth = initial_depth(section, InputFiles(Path()), Grid(bed.shape, 5.0, 0, 50.0), bed, np.zeros(bed.shape, bool))
    np.testing.assert_array_equal(depth[:, :8], 1.0)
    assert depth[:, 8:].max() == 0


def test_the_sea_comes_in_where_the_edge_has_a_stage_not_where_low_land_touches_the_edge() -> None:
    bed = np.zeros((10, 20))
    bed[:, 8] = 3.0
    given: dict[str, Any] = {"duration": 1, "output_every": 1, "initial": {"sea_level": 1.0}}
    section = FloodSection(**given, boundaries=[{"edge": "west", "kind": "stage", "value": 1.0}])
    depth = initial_depth(section, InputFiles(Path()), Grid(bed.shape, 5.0, 0, 50.0), bed, np.zeros(bed.shape, bool))
    assert depth[:, :8].min() == 1.0
    assert depth[:, 8:].max() == 0


def test_a_held_series_jumps_and_a_linear_one_ramps() -> None:
    times, values = np.array([10.0, 20.0, 40.0]), np.array([2.0, 6.0, 0.0])
    fine = np.linspace(5.0, 45.0, 400_001)
    linear, held = Series(times, values), Series(times, values, held=True)
    assert linear.mean(5.0, 45.0) == pytest.approx(np.mean([linear.at(float(t)) for t in fine[::40]]), rel=1e-3)
    assert held.mean(5.0, 45.0) == pytest.approx((2 * 15 + 6 * 20 + 0 * 5) / 40)
    assert (linear.at(0.0), linear.at(99.0), held.at(19.999), held.at(20.0)) == (2.0, 0.0, 2.0, 6.0)
