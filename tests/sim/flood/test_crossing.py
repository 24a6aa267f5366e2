"""Discharge through lines: exact where the scheme keeps fluxes, whatever way the line is drawn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.flood.crossing import Crossing
from sim.flood.ground import Ground
from sim.flood.outputs import summarise
from sim.flood.scenario import FloodSection
from sim.flood.shallow_model import ShallowWaterModel
from sim.inputs import InputFiles
from twin.errors import ScenarioError
from twin.grid import Grid

GRID = Grid((20, 40), 5.0, 0.0, 100.0)
CHANNEL: dict[str, Any] = {
    "boundaries": [
        {"edge": "west", "kind": "discharge", "value": 30.0},
        {"edge": "east", "kind": "open", "slope": 0.001},
    ],
    "max_dt": 1.0,
}
LINES = {
    "straight": [[100.0, 101.0], [100.0, -1.0]],
    "slanted": [[150.0, 110.0], [50.0, -10.0]],
    "bent": [[60.0, 120.0], [130.0, 60.0], [90.0, 40.0], [90.0, -20.0]],
}


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def _bed() -> Any:
    return np.tile(np.linspace(0.2, 0.0, 40), (20, 1))


def _mirrored(lines: dict[str, Any]) -> dict[str, Any]:
    return {name: line[::-1] for name, line in lines.items()}


def test_a_steady_river_has_one_discharge_through_every_line(make_model: Any) -> None:
    # lines run from north to south: eastward flow passes to their left
    model = _advance(make_model(_bed(), sections=LINES, **CHANNEL), 3000.0)
    gauges = model.gauges()
    for name in LINES:
        assert gauges[f"{name}_discharge_m3_s"] == pytest.approx(30.0, rel=2e-3)
    back = _advance(make_model(_bed(), sections=_mirrored(LINES), **CHANNEL), 3000.0).gauges()
    assert back["slanted_discharge_m3_s"] == -gauges["slanted_discharge_m3_s"]


def test_the_volume_through_a_line_is_what_lies_behind_it(make_model: Any) -> None:
    depth = np.zeros((20, 40))
    depth[:, :12] = 1.5
    model = make_model(np.zeros((20, 40)), depth=depth, sections={"dam": LINES["slanted"]}, precision="double")
    for _ in range(120):
        model.step(model.stable_dt())
    crossing = model.meter.crossings[0]
    behind = np.zeros((20, 40), dtype=bool)  # west of the staircase
    for row, col in crossing.x_faces.T:
        behind[row, :col] = True
    area = model.grid.cell_area
    before = depth[behind].sum() * area
    after = model.fields()["h_cell"][behind].sum(dtype=np.float64) * area
    passed = model.gauges()["dam_volume_m3"]
    assert passed > 200.0
    assert before - after == pytest.approx(passed, rel=1e-5)


def test_shallow_water_takes_the_discharge_at_the_cells(tmp_path: Path) -> None:
    section = FloodSection(
        scheme="shallow_water", duration=4000.0, output_every=4000.0, sections=LINES, cfl=0.5, roughness=0.03, **CHANNEL
    )
    model = _advance(ShallowWaterModel(section, Ground.bare(GRID, _bed(), 0.03), InputFiles(tmp_path)), 3000.0)
    gauges = model.gauges()
    for name in LINES:
        assert gauges[f"{name}_discharge_m3_s"] == pytest.approx(30.0, rel=0.01)
    came = model.budget()["inflow_m3"]
    assert came == pytest.approx(90_000.0, rel=1e-4)
    assert 0.5 * came < gauges["straight_volume_m3"] < came


def test_a_restart_continues_the_volume_to_the_bit(make_model: Any) -> None:
    def make() -> Any:
        return make_model(_bed(), sections=LINES, **CHANNEL)

    straight = make()
    for _ in range(60):
        straight.step(0.5)
    first = make()
    for _ in range(25):
        first.step(0.5)
    second = make()
    second.load_state(first.state())
    for _ in range(35):
        second.step(0.5)
    assert second.gauges() == straight.gauges()
    for name, values in straight.state().items():
        np.testing.assert_array_equal(values, second.state()[name], err_msg=name)


def test_the_table_of_lines_names_volume_and_peak(make_model: Any) -> None:
    model = _advance(make_model(_bed(), sections=LINES, **CHANNEL), 600.0)
    table = summarise(model).tables["sections"]
    assert table["section"].tolist() == list(LINES)
    assert (table["peak_m3_s"] > 5.0).all()
    assert (table["peak_s"] <= 600.0).all()
    assert table.crs.to_epsg() == 6674
    np.testing.assert_array_equal(table["volume_m3"], [model.gauges()[f"{name}_volume_m3"] for name in LINES])


def test_faces_of_a_closed_line_add_up_to_nothing_in_uniform_flow() -> None:
    ring = ((33.0, 12.0), (150.0, 25.0), (120.0, 90.0), (45.0, 70.0), (33.0, 12.0))
    crossing = Crossing.place("ring", ring, GRID)
    assert crossing.x_sign.sum() == 0.0
    assert crossing.y_sign.sum() == 0.0
    assert len(crossing.x_sign) > 10


@pytest.mark.parametrize("line", [[[500.0, 0.0], [500.0, 90.0]], [[51.0, 51.0], [52.0, 51.0]]])
def test_a_line_that_separates_nothing_is_refused(make_model: Any, line: Any) -> None:
    with pytest.raises(ScenarioError, match=r"separates no two cells") as caught:
        make_model(_bed(), sections={"far": line}, **CHANNEL)
    assert caught.value.where == "flood.sections.far"


@pytest.mark.parametrize(
    "wrong", [{"a b": [[0, 0], [1, 1]]}, {"short": [[0, 0]]}, {"flat": [[0, float("nan")], [1, 1]]}]
)
def test_a_wrong_section_is_refused(wrong: Any) -> None:
    with pytest.raises(ValidationError, match="sections"):
        FloodSection(duration=60.0, output_every=60.0, sections=wrong)
