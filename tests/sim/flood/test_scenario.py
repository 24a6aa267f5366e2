"""What a scenario may say, and how it is told that it is wrong."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from sim.flood.ground import Ground
from sim.flood.scenario import FloodSection
from sim.flood.simulator import FloodSimulator
from sim.inputs import InputFiles
from sim.scenario import scenario_content, validate_scenario
from sim.stage import StageInput
from twin.edit import BuildingEdit, LeveeEdit, WallEdit
from twin.errors import LayerError, ScenarioError, TwinError
from twin.grid import Grid
from twin.scenario import Area, ScenarioBase

BASE = {"duration": 600, "output_every": 60}


def test_each_scheme_has_its_courant_number() -> None:
    given = {"duration": 60, "output_every": 60}
    assert FloodSection.model_validate(given).cfl == 0.65
    assert FloodSection.model_validate(given | {"scheme": "shallow_water"}).cfl == 0.9
    assert FloodSection.model_validate(given | {"scheme": "shallow_water", "cfl": 0.5}).cfl == 0.5


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"duration": -1}, "duration"),
        ({"duration": "PT1M", "output_every": "PT2M"}, "output_every is 120.0 s, longer than duration 60.0 s"),
        ({"roughness": -0.03}, "roughness"),
        ({"rain": {"intensity": 10, "polygon": [[0, 0], [1, 1]]}}, "polygon"),
        ({"rain": [[0, 10], [0, 20]]}, "times do not increase"),
        ({"rain": []}, "the series is empty"),
        ({"inflows": [{"discharge": 1.0}]}, "exactly one of at, line, polygon"),
        ({"inflows": [{"at": [0, 0], "line": [[0, 0], [1, 1]], "discharge": 1.0}]}, "at and line given"),
        ({"boundaries": [{"edge": "west", "kind": "stage"}]}, "kind stage needs a value"),
        ({"boundaries": [{"edge": "west", "kind": "open", "value": 1.0}]}, "takes no value"),
        ({"boundaries": [{"edge": "west", "kind": "sea", "wave": 1.0}]}, "kind sea needs a value"),
        ({"boundaries": [{"edge": "west", "kind": "stage", "value": 0, "wave": 1.0}]}, "belongs to kind sea"),
        ({"boundaries": [{"edge": "up", "kind": "open"}]}, "edge"),
        ({"boundaries": [{"edge": "all", "from": 3, "kind": "open"}]}, "belong to one edge"),
        ({"boundaries": [{"edge": "west", "from": 30, "to": 20, "kind": "open"}]}, "is empty"),
        ({"breaches": [{"width": 10, "invert": 0}]}, "exactly one of at, line"),
        ({"breaches": [{"at": [0, 0], "width": 0, "invert": 0}]}, "width"),
        ({"initial": {"stage": 1.0, "sea_level": 0.5}}, "stage and sea_level are given"),
        ({"cfl": 1.5}, "cfl"),
        ({"cfl": 0.7}, "cfl 0.7 is unstable with theta 0.9; give at most 0.671"),
        ({"infiltration": -2}, "infiltration"),
        ({"precision": "half"}, "precision"),
        ({"gauges": {"a b": [0, 0]}}, "gauges"),
        ({"gaugez": {}}, "gaugez"),
        (
            {
                "sections": {"a": [[0, 0], [5, 5]]},
                "structures": {"pumps": [{"name": "a", "at": [0, 0], "capacity": 1}]},
            },
            "both named 'a'",
        ),
        ({"roughness": float("nan")}, "roughness"),
    ],
)
def test_the_section_refuses_what_cannot_be(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValidationError, match=named):
        FloodSection.model_validate(BASE | wrong)


@pytest.mark.parametrize(
    ("wrong", "field", "remedy"),
    [
        ({"gauges": {"far": [500.0, 5.0]}}, "flood.gauges.far", "area.bbox"),
        ({"gauges": {"inside": [27.0, 27.0]}}, "flood.gauges.inside", "open ground"),
        ({"gauges": {"hole": [72.0, 72.0]}}, "flood.gauges.hole", "open ground"),
        ({"inflows": [{"name": "river", "at": [-3, 0], "discharge": 1}]}, "flood.inflows.0 (river)", "area.bbox"),
        ({"inflows": [{"at": [27, 27], "discharge": 1}]}, "flood.inflows.0", "open ground"),
        ({"inflows": [{"line": [[200, 0], [300, 0]], "discharge": 1}]}, "flood.inflows.0", "area.bbox"),
        ({"boundaries": [{"edge": "west", "from": 90, "to": 130, "kind": "open"}]}, "flood.boundaries.0", "metres"),
        ({"boundaries": [{"edge": "west", "from": 3, "to": 4, "kind": "open"}]}, "flood.boundaries.0", "longer"),
        ({"breaches": [{"at": [300, 5], "width": 9, "invert": 0}]}, "flood.breaches.0", "area.bbox"),
        ({"breaches": [{"at": [50, 5], "width": 9, "invert": 7}]}, "flood.breaches.0", "lower the invert"),
        ({"rain": [[0, 5], [60, -1]]}, "flood.rain", ">= 0"),
        ({"rain": {"intensity": 1, "polygon": [[900, 0], [950, 0], [950, 50]]}}, "flood.rain.polygon", "area.bbox"),
        ({"inflows": [{"at": [5, 5], "discharge": "nowhere.csv"}]}, "nowhere.csv", "relative to the scenario"),
    ],
)
def test_an_error_names_the_field_and_the_remedy(
    make_model: Any, wrong: dict[str, Any], field: str, remedy: str
) -> None:
    bed = np.zeros((20, 20))
    bed[5, 14] = np.nan
    ground = Ground.bare(Grid((20, 20), 5.0, 0.0, 100.0), bed)
    ground.building_cell[14, 5] = 0
    ground = replace(ground, is_wall=ground.is_wall | (ground.building_cell >= 0))
    with pytest.raises(TwinError) as caught:
        make_model(bed, ground=ground, **wrong)
    assert field in caught.value.where
    assert remedy in caught.value.remedy


@dataclass(frozen=True)
class _Rasters(InputFiles):
    """Rasters from memory, by name."""

    values: dict[str, Any] | None = None

    def raster(self, name: str | Path, grid: Grid) -> Any:
        assert self.values is not None
        return np.asarray(self.values[str(name)], dtype=np.float32).reshape(grid.shape)


def _stage(values: dict[str, Any], edits: tuple[Any, ...] = (), bbox: Any = (0, 0, 60, 60), **section: Any) -> Any:
    scenario = ScenarioBase(name="case", area=Area(bbox=bbox, cell_size=5.0), edits=edits)
    given = FloodSection.model_validate(BASE | section)
    return StageInput(scenario, given, scenario.area.grid(), None, _Rasters(Path(), values))


def test_a_case_brings_its_own_rasters() -> None:
    bed, n, depth = np.linspace(0, 3, 144).reshape(12, 12), np.full((12, 12), 0.04), np.full((12, 12), 0.2)
    model = FloodSimulator().prepare(
        _stage({"z.tif": bed, "n.tif": n, "h.tif": depth}, bed="z.tif", roughness="n.tif", initial={"depth": "h.tif"})
    )
    np.testing.assert_allclose(model.state()["z"] + model.datum, bed, atol=1e-6)
    np.testing.assert_allclose(model.fields()["h_cell"], 0.2)
    assert FloodSimulator().horizon(model.section) == (600.0, 60.0)


def test_edits_shape_a_case_without_a_city() -> None:
    edits = (
        LeveeEdit(((0.0, 30.0), (60.0, 30.0)), crest=2.0),
        WallEdit(((20.0, 0.0), (20.0, 60.0)), crest=1.0),
        BuildingEdit(((40.0, 40.0), (50.0, 40.0), (50.0, 50.0), (40.0, 50.0)), height=8.0),
    )
    model = FloodSimulator().prepare(_stage({"z": np.zeros(144)}, edits, bed="z"))
    assert model.ground.bed.max() == 2.0
    assert np.isfinite(model.ground.crest_xface).any()
    assert model.ground.is_wall.sum() == 4
    block = FloodSimulator().prepare(_stage({"z": np.zeros(144)}, edits, bed="z", buildings="block"))
    assert block.ground.bed[3, 9] == 8.0
    assert not block.ground.is_wall.any()


def test_a_cell_without_a_bed_is_a_wall_and_is_counted() -> None:
    bed = np.zeros(144)
    bed[:5] = np.nan
    model = FloodSimulator().prepare(_stage({"z": bed}, bed="z", rain=10.0))
    for _ in range(5):
        model.step(model.stable_dt())
    assert model.ground.cells_without_bed == 5
    assert model.fields()["h_cell"].reshape(-1)[:5].max() == 0
    products = FloodSimulator().summarise(model)
    assert products.summary["cells_without_bed_count"] == 5
    with pytest.raises(LayerError, match="5 cells have no bed"):
        FloodSimulator().prepare(_stage({"z": bed}, bed="z", no_bed="refuse"))


def test_cover_raises_the_roughness_where_buildings_are_roughness() -> None:
    edits = (BuildingEdit(((0.0, 0.0), (30.0, 0.0), (30.0, 60.0), (0.0, 60.0)), height=8.0),)
    ground = FloodSimulator().prepare(_stage({"z": np.zeros(144)}, edits, bed="z", buildings="roughness")).ground
    assert not ground.is_wall.any()
    assert ground.roughness[0, -1] == pytest.approx(0.05)
    # cover 60 per cent at most: 0.05^2 + 0.020 * 60 / 40
    assert ground.roughness[0, 0] == pytest.approx(np.sqrt(0.0025 + 0.03))


@pytest.mark.parametrize(
    ("values", "section", "message"),
    [
        ({}, {}, "neither a city nor a bed"),
        ({"z": np.zeros(144)}, {"bed": "z", "scheme": "kinematic"}, "'kinematic' does not exist yet"),
        ({"z": np.full(144, np.nan)}, {"bed": "z"}, "covers|every cell"),
        ({"z": np.zeros(144), "n": np.full(144, np.nan)}, {"bed": "z", "roughness": "n"}, "Manning's n is nan"),
        ({"z": np.zeros(144), "h": np.full(144, -1.0)}, {"bed": "z", "initial": {"depth": "h"}}, "depth is -1.0 m"),
    ],
)
def test_preparing_refuses_what_cannot_run(values: dict[str, Any], section: dict[str, Any], message: str) -> None:
    with pytest.raises((ScenarioError, LayerError), match=message):
        FloodSimulator().prepare(_stage(values, **section))


def test_a_grid_that_does_not_fit_into_memory_is_refused_with_the_numbers() -> None:
    with pytest.raises(LayerError, match=r"GB of memory, .* GB are free"):
        FloodSimulator().prepare(_stage({}, bbox=(0, 0, 5e6, 5e6), bed="z"))


def test_an_edit_beside_the_area_is_refused_instead_of_doing_nothing() -> None:
    far = LeveeEdit(((500.0, 500.0), (600.0, 500.0)), crest=3.0, width=5.0)
    with pytest.raises(ValueError, match=r"edits\.0 \(levee\) lies outside the area"):
        ScenarioBase(name="case", area=Area(bbox=(0, 0, 60, 60), cell_size=5.0), edits=(far,))


def test_what_a_scenario_sets_to_null_stays_null_on_its_way_to_a_worker() -> None:
    content = {
        "name": "case",
        "area": {"bbox": [0, 0, 60, 60]},
        "evacuation": {"duration": 600, "output_every": 60, "population": None},
    }
    scenario = validate_scenario(content, where="test")
    assert validate_scenario(scenario_content(scenario), where="test") == scenario
    assert scenario.evacuation.population is None
