"""Files beside a scenario."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.flood.scenario import FloodSection
from sim.flood.series import Series
from sim.inputs import InputFiles
from sim.scenario import input_paths
from twin.errors import LayerError, ScenarioError
from twin.grid import Grid


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("0,30\n300,60\n", "begins with figures, '0,30'"),
        ("t,v\n0,1,5\n10,2,5\n", "'0,1,5' is no pair of numbers"),
        ("t;v\n0;1\n", "'0;1' is no pair of numbers"),
        ("t,v\n0,nan\n", "'0,nan' is no pair of numbers"),
        ("t,v\n", "has no rows"),
        ("t,v\n10,1\n0,2\n", "times do not increase"),
    ],
)
def test_a_series_that_would_be_misread_is_refused(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "s.csv").write_text(text, encoding="utf-8")
    with pytest.raises(LayerError, match=said):
        InputFiles(tmp_path).series("s.csv")


def test_blank_lines_and_empty_cells_at_the_end_are_no_error(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text("time_s,mm_h,\n0,30,\n,,\n300,60,\n\n", encoding="utf-8-sig")
    times, values = InputFiles(tmp_path).series("s.csv")
    assert times.tolist() == [0, 300]
    assert values.tolist() == [30, 60]


def test_a_file_that_is_not_there_is_named_with_its_place_in_the_scenario(tmp_path: Path) -> None:
    section = FloodSection.model_validate(
        {
            "duration": 60,
            "output_every": 60,
            "rain": {"raster": {"source": [[0, "a.tif"], [60, "b.tif"]]}},
            "structures": {"gates": [{"from": [1, 1], "outside": "tide.csv", "width": 1, "sill": 0, "opening": 1}]},
        }
    )
    named = {str(path): place for place, path in input_paths(section, "flood")}
    assert named == {
        "a.tif": "flood.rain.raster.source.0.1",
        "b.tif": "flood.rain.raster.source.1.1",
        "tide.csv": "flood.structures.gates.0.outside",
    }
    with pytest.raises(ScenarioError, match=r"^flood.rain: there is no file .*60 mm\. .* without its unit"):
        InputFiles(tmp_path).path("60 mm", "flood.rain")


def test_a_raster_without_a_value_in_the_area_is_no_raster_of_another_place(tmp_path: Path) -> None:
    (tmp_path / "n.asc").write_text(
        "ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 5\nNODATA_value -9999\n" + "-9999 -9999\n" * 2,
        encoding="utf-8",
    )
    with pytest.raises(LayerError, match="holds no value in the area"):
        InputFiles(tmp_path).raster("n.asc", Grid((2, 2), 5.0, 0.0, 10.0))


def test_a_value_in_another_unit_is_refused_with_the_limits() -> None:
    stage = Series(np.array([0.0, 60.0]), np.array([1.0, 30_000.0]))
    with pytest.raises(ScenarioError, match=r"tide: 30000 m T.P. at t = 60 s .* Give -12000 to 9000"):
        stage.require_within(-12_000.0, 9_000.0, "m T.P.", "tide")
    assert stage.require_within(0.0, 1e5, "m T.P.", "tide") is stage
