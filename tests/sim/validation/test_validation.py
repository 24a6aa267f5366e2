"""The machinery of the published cases, on files made here: nothing of a published case is needed."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import yaml
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sim.scenario import read_scenario
from sim.service import Service
from sim.validation.case import Case, read_case_file
from sim.validation.difference import difference
from sim.validation.page import write_page
from sim.validation.result import read_results
from sim.validation.shape import Solitary
from sim.validation.source import Points, Reframed, SeriesFile, TableRaster, Zones
from sim.validation.suite import check_case, choose_cases, validate
from sim.validation.workshop import lay_out
from twin.errors import LayerError, ScenarioError, StoreError
from twin.grid import Grid

LAKE: dict[str, Any] = {
    "title": "A lake",
    "source": "made for this test",
    "folder": "lake",
    "inputs": {
        "bed.tif": {"kind": "table", "table": {"file": "bed.csv"}, "x": "x", "value": "z"},
        "gauges": {"kind": "points", "table": {"file": "gauges.csv"}, "x": "x", "y": "y", "name": "g{number:.0f}"},
    },
    "scenario": {
        "area": {"bbox": [0, 0, 10, 3], "cell_size": 1},
        "flood": {
            "duration": 4,
            "output_every": 1,
            "bed": "bed.tif",
            "initial": {"stage": 2},
            "gauges": "@gauges",
        },
    },
    "measures": {
        "rest": {"kind": "rest", "stage": 2},
        "bed": {"kind": "profile", "quantity": "depth", "table": {"file": "bed.csv"}, "x": "x", "at": {"depth": None}},
        "gauge": {
            "kind": "gauges",
            "quantity": "stage",
            "gauges": ["g1"],
            "table": {"file": "seen.csv"},
            "time": "t",
            "value": "{gauge}",
            "time_scale": 60,
        },
    },
    "bars": {"rest.speed": {"at_most": 1e-6}},
    "peers": [{"name": "somebody", "figure": "rest.speed", "value": 1e-3, "source": "nowhere"}],
}


@pytest.fixture
def published(tmp_path: Path) -> Path:
    folder = tmp_path / "published" / "lake"
    folder.mkdir(parents=True)
    x = np.arange(10) + 0.5
    bed = 0.1 * x
    np.savetxt(folder / "bed.csv", np.c_[x, bed, 2 - bed], delimiter=",", header="x,z,depth", comments="")
    (folder / "gauges.csv").write_text("number,x,y\n1,4.5,1.5\n", encoding="utf-8")
    (folder / "seen.csv").write_text("# a comment\nt,g1\n0,2.0\n0.05,2.1\n9,50\n", encoding="utf-8")
    return tmp_path / "published"


def _case(**changes: Any) -> Case:
    return Case.model_validate({"name": "lake", **copy.deepcopy(LAKE), **changes})


def _grid(nx: int = 4, ny: int = 2) -> Grid:
    return Grid((ny, nx), 1.0, 0.0, float(ny))


def _read(path: Path) -> Any:
    with rasterio.open(path) as file:
        return file.read(1), file.transform, file.crs


@given(arrays(np.float64, st.integers(3, 30), elements=st.floats(-100, 100)), st.floats(-5, 5))
def test_a_shift_is_bias_and_rmse_and_worst(truth, shift):
    found = difference(truth + shift, truth)
    for name in ("rmse", "mae", "worst"):
        assert found[name] == pytest.approx(abs(shift), abs=1e-9)
    assert found["bias"] == pytest.approx(shift, abs=1e-9)


def test_the_mean_of_what_was_seen_has_no_efficiency_and_a_perfect_model_one():
    truth = np.array([1.0, 2.0, np.nan, 6.0])
    assert difference(np.full(4, 3.0), truth)["nse"] == pytest.approx(0.0)
    assert difference(truth, truth)["nse"] == 1.0


def test_a_table_in_the_plane_lands_on_its_cells_with_north_up(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("x,y,h\n0.5,0.5,1\n3.5,1.5,2\n", encoding="utf-8")
    source = TableRaster.model_validate({"kind": "table", "table": {"file": "t.csv"}, "x": "x", "y": "y", "value": "h"})
    source.write(tmp_path, _grid(), tmp_path / "h.tif")
    values, *_ = _read(tmp_path / "h.tif")
    assert values[1, 0] == 1
    assert values[0, 3] == 2
    assert np.isnan(values).sum() == 6


def test_a_raster_is_moved_by_its_shift_and_keeps_its_cells(tmp_path: Path) -> None:
    text = "ncols 3\nnrows 2\nxllcorner 200\nyllcorner 10\ncellsize 2\nNODATA_value -9999\n1 2 3\n4 -9999 6\n"
    (tmp_path / "a.asc").write_text(text, encoding="utf-8")
    source = Reframed.model_validate(
        {"kind": "raster", "file": "a.asc", "shift": [-1, -1], "offset": 0.5, "crs": "EPSG:6674"}
    )
    source.write(tmp_path, _grid(), tmp_path / "a.tif")
    values, transform, crs = _read(tmp_path / "a.tif")
    assert (transform.c, transform.f) == (199.0, 13.0)
    assert crs.to_epsg() == 6674
    assert values[0].tolist() == [1.5, 2.5, 3.5]
    assert np.isnan(values[1, 1])


def test_zones_tell_inside_from_outside(tmp_path: Path) -> None:
    (tmp_path / "ring.csv").write_text("0,0\n2,0\n2,2\n0,2\n", encoding="utf-8")
    source = Zones.model_validate(
        {"kind": "zones", "table": {"file": "ring.csv", "columns": ["x", "y"]}, "inside": 0.02, "outside": 0.04}
    )
    source.write(tmp_path, _grid(), tmp_path / "n.tif")
    assert _read(tmp_path / "n.tif")[0][0].tolist() == pytest.approx([0.02, 0.02, 0.04, 0.04])


def test_a_wave_maker_moves_as_much_water_as_a_long_wave_of_its_speed(tmp_path: Path) -> None:
    (tmp_path / "u.csv").write_text("t,u\n0,0.1\n1,0.101\n2,0.1\n", encoding="utf-8")
    given = {"kind": "series", "table": {"file": "u.csv"}, "time": "t", "value": "u", "from_depth": 10.0, "then": 0}
    SeriesFile.model_validate(given).write(tmp_path, _grid(), tmp_path / "q.csv")
    rows = np.loadtxt(tmp_path / "q.csv", delimiter=",", skiprows=1)
    # u h0 is the linear wave's; the crest adds less than 2 % here
    assert np.all((rows[:3, 1] > 1.0) & (rows[:3, 1] < 1.03))
    assert rows[-1, 1] == 0
    SeriesFile.model_validate(given | {"zero_by": 0.5}).write(tmp_path, _grid(), tmp_path / "q.csv")
    assert np.loadtxt(tmp_path / "q.csv", delimiter=",", skiprows=1)[0, 1] == 0


def test_a_solitary_wave_has_its_height_at_its_crest_and_the_volume_of_boussinesq() -> None:
    grid = Grid((3, 401), 0.1, 0.0, 0.3)
    wave = Solitary(height=0.1, depth=1.0, crest=20.05, quantity="stage")
    stage = wave.on(grid)[1]
    assert stage.max() == pytest.approx(0.1)
    assert grid.x_cell[stage.argmax()] == pytest.approx(20.05)
    assert stage.sum() * 0.1 == pytest.approx(np.sqrt(16 / 3 * 0.1), rel=1e-3)
    # what passes a fixed section while it goes by is what it holds: u (d + eta) = c eta
    speed = wave.model_copy(update={"quantity": "speed"}).on(grid)[1]
    assert (speed * (1.0 + stage)).sum() == pytest.approx(np.sqrt(9.81 * 1.1) * stage.sum())
    small = wave.model_copy(update={"quantity": "speed", "is_small": True, "scale": -1.0}).on(grid)[1]
    assert small.min() == pytest.approx(-0.1 * np.sqrt(9.81))


def test_points_in_degrees_come_into_the_area_whichever_way_longitudes_are_counted(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("lon, lat\n135.5, 34.7\n495.5, 34.7\n", encoding="utf-8")
    source = Points.model_validate(
        {"kind": "points", "table": {"file": "p.csv"}, "x": "lon", "y": "lat", "name": "{place}", "places": ["a", "b"],
         "crs": "EPSG:6668"}
    )  # fmt: skip
    found = source.value(tmp_path, _grid())
    assert found["a"] == pytest.approx(found["b"])
    # a degree of longitude is 91.6 km there, the origin of zone VI is 136 degrees east, 36 north
    assert found["a"] == pytest.approx([-45800, -144100], abs=100)


def test_the_scenario_that_is_laid_out_is_one_that_anybody_can_run(published: Path, tmp_path: Path) -> None:
    path = lay_out(_case(), published / "lake", tmp_path / "work")
    scenario = read_scenario(path)
    assert scenario.name == "lake"
    assert yaml.safe_load(path.read_text(encoding="utf-8"))["flood"]["gauges"] == {"g1": [4.5, 1.5]}


def test_a_case_is_measured_through_the_service(published: Path, tmp_path: Path) -> None:
    result, _ = check_case(_case(), published, tmp_path / "work", Service(tmp_path / "runs"))
    assert result.is_good
    assert result.figures["bed.l1"] < 1e-6
    # at rest at 2 m, seen at 2 and, three seconds on, at 2.1 m; what was seen after the end counts not
    assert result.figures["gauge.mae"] == pytest.approx(0.05, abs=1e-6)
    assert result.figures["gauge.peak_m"] == pytest.approx(0.1, abs=1e-6)


def test_a_bar_that_is_missed_is_said(published: Path, tmp_path: Path) -> None:
    case = _case(bars={"gauge.mae": {"at_most": 0.01}})
    result, _ = check_case(case, published, tmp_path / "work", Service(tmp_path / "runs"))
    assert result.missed == {"gauge.mae": "<= 0.01"}
    write_page(tmp_path / "page.md", [(case, result)])
    assert "**0.05** (missed)" in (tmp_path / "page.md").read_text(encoding="utf-8")


def test_a_bar_for_a_figure_that_is_not_there_is_an_error(published: Path, tmp_path: Path) -> None:
    case = _case(bars={"gauge.mea": {"at_most": 0.01}})
    with pytest.raises(ScenarioError, match=r"gauge\.mea"):
        check_case(case, published, tmp_path / "work", Service(tmp_path / "runs"))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda c: c["inputs"]["bed.tif"].update(value="zz"), "there is no column 'zz'"),
        (lambda c: c["inputs"]["bed.tif"]["table"].update(file="none.csv"), "none.csv"),
        (lambda c: c["scenario"]["flood"].update(gauges="@points"), "names @points"),
        (lambda c: c["scenario"].pop("area"), "no usable area"),
    ],
)
def test_a_case_that_cannot_be_laid_out_says_why(published: Path, tmp_path: Path, spoil: Any, message: str) -> None:
    content = {"name": "lake", **copy.deepcopy(LAKE)}
    spoil(content)
    with pytest.raises((ScenarioError, LayerError), match=message):
        lay_out(Case.model_validate(content), published / "lake", tmp_path / "work")


def test_variants_are_laid_over_the_rest(tmp_path: Path) -> None:
    content = {**LAKE, "title": "{variant} water"}
    deeper = {"scenario": {"flood": {"initial": {"stage": 9}}}}
    content["variants"] = {"bare": {"measures": {"rest": None}}, "deep": deeper}
    (tmp_path / "lake.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    bare, deep = read_case_file(tmp_path / "lake.yaml")
    assert (deep.name, deep.title, bare.name) == ("lake-deep", "deep water", "lake-bare")
    assert deep.scenario["flood"]["initial"] == {"stage": 9}
    assert deep.scenario["flood"]["duration"] == 4
    assert "rest" not in bare.measures
    assert "rest" in deep.measures


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("- a list", "no mapping"),
        ("title: [", "cannot be read"),
        ("title: x\nsource: y\nfolder: z\nscenario: {}\nmeasures: {m: {kind: guess}}", "guess"),
        ("title: x\nsource: y\nfolder: z\nscenario: {}\nbars: {a.b: {}}", "exactly one of"),
    ],
)
def test_a_case_file_that_is_wrong_names_itself(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "odd.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message) as caught:
        read_case_file(tmp_path / "odd.yaml")
    assert "odd.yaml" in str(caught.value)


def test_a_name_means_a_case_or_all_variants_of_a_file():
    assert [case.name for case in choose_cases(["monai"])] == ["monai"]
    assert len(choose_cases(["itzi_macdonald"])) == 4
    assert {case.cost for case in choose_cases(quick=True)} == {"quick"}
    with pytest.raises(ScenarioError, match="moani"):
        choose_cases(["moani"])


def test_without_its_files_a_case_is_told_not_run_and_others_stay_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "validation.md"
    told: list[str] = []
    (result,) = validate(
        tmp_path, names=["monai"], work=tmp_path / "work", page=page, progress=lambda _, name: told.append(name)
    )
    assert "there is no folder" in result.reason
    assert not result.is_good
    assert told == ["monai"]
    validate(tmp_path, names=["hilo_tohoku"], work=tmp_path / "work", page=page, lang="ja")
    assert set(read_results(page.with_suffix(".json"))) == {"monai", "hilo_tohoku"}
    text = page.read_text(encoding="utf-8")
    assert "## monai" in text
    assert "未計算" in text


def test_a_page_that_somebody_else_wrote_is_not_written_over(tmp_path: Path) -> None:
    page = tmp_path / "README.md"
    page.write_text("mine", encoding="utf-8")
    with pytest.raises(StoreError, match=r"README\.md.*no page of an earlier validation"):
        validate(tmp_path, names=["monai"], work=tmp_path / "work", page=page)
    with pytest.raises(StoreError, match="no Markdown page"):
        validate(tmp_path, names=["monai"], work=tmp_path / "work", page=tmp_path / "page.html")
    assert page.read_text(encoding="utf-8") == "mine"


def test_a_folder_that_is_not_there_is_said_before_anything_runs(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="--cases"):
        validate(tmp_path / "nowhere", work=tmp_path / "work")
    assert not (tmp_path / "work").exists()


def test_results_that_are_damaged_are_refused(tmp_path: Path) -> None:
    (tmp_path / "validation.json").write_text(json.dumps([{"case": "monai"}]), encoding="utf-8")
    with pytest.raises(StoreError, match=r"validation\.json"):
        read_results(tmp_path / "validation.json")


def test_the_page_and_its_stored_figures_are_of_the_same_runs() -> None:
    """A page copied without its figures hides what changed: the next `--case` would bring the old ones back."""
    docs = Path(__file__).parents[3] / "docs"
    page = (docs / "validation.md").read_text(encoding="utf-8")
    results = read_results(docs / "validation.json")
    assert len(results) == len(choose_cases())
    for result in results.values():
        line = next((line for line in page.splitlines() if f"(run {result.key[:8]})" in line), "")
        assert f"{result.cells:,} cells, {result.steps:,} steps" in line, result.case
