"""EPA SWMM below the street."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim.flood.structures.sewer as module
from sim.flood.ground import Ground
from sim.flood.model import FloodModel
from sim.flood.scenario import FloodSection
from sim.flood.structures.outputs import structure_figures, structure_tables
from sim.flood.structures.swmm_file import read_swmm_file
from sim.inputs import InputFiles
from twin.errors import LayerError, ScenarioError, SimulationError
from twin.grid import Grid


@pytest.fixture(autouse=True)
def _needs_swmm() -> None:
    pytest.importorskip("pyswmm", reason="pyswmm is not installed (osaka-twin[sewer])")


def _model(basins: Any, file: Path, **section: Any) -> Any:
    bed, depth = basins
    grid = Grid(bed.shape, 5.0, 0.0, bed.shape[0] * 5.0)
    given = {"duration": 3600.0, "output_every": 3600.0, "structures": {"sewer": {"file": str(file)}}} | section
    return FloodModel(FloodSection.model_validate(given), Ground.bare(grid, bed, 0.03, depth), InputFiles(file.parent))


def _advance(model: Any, until: float) -> Any:
    while model.clock.time < until - 1e-9:
        model.step(min(model.stable_dt(), until - model.clock.time))
    return model


def test_the_sewer_drains_the_street_at_the_rate_of_its_pipe(basins: Any, sewer_file: Path) -> None:
    model = _advance(_model(basins, sewer_file), 1200.0)
    budget = model.budget()
    assert abs(budget["relative_error"]) < 1e-6
    # full pipe of 0.3 m, 100 m, falling about 2 m: 0.13 m3/s, and the pipes' 27 m3
    assert 100.0 < budget["outflow_m3"] - budget["inflow_m3"] < 210.0
    assert structure_figures(model)["sewer_balance_error_share"] == pytest.approx(0.0, abs=0.01)
    table = structure_tables(model)["structures"]
    assert table["name"].tolist() == ["J1", "J2"]
    assert (table["moved_m3"] - table["back_m3"]).sum() == pytest.approx(
        budget["outflow_m3"] - budget["inflow_m3"] + budget["structures_m3"], abs=1e-3
    )


def test_a_surcharged_main_comes_up_in_the_lower_street(basins: Any, sewer_file: Path, tmp_path: Path) -> None:
    # the second manhole's rim lies 1 m lower: the head of the first lifts its water onto the street
    low = tmp_path / "low.inp"
    text = (
        sewer_file.read_text(encoding="utf-8")
        .replace("J2 -2.1 2.0", "J2 -2.1 1.0")
        .replace("C2 CIRCULAR 0.3", "C2 CIRCULAR 0.1")
    )
    low.write_text(text, encoding="utf-8")
    model = _advance(_model(basins, low), 600.0)
    assert model.fields()["h_cell"][:, 11:].sum() * 25.0 > 20.0
    assert abs(model.budget()["relative_error"]) < 1e-6


def test_the_inflow_of_a_dry_street_is_nothing(basins: Any, sewer_file: Path) -> None:
    bed, _ = basins
    model = _advance(_model((bed, np.zeros(bed.shape)), sewer_file), 60.0)
    assert model.fields()["h_cell"].max() == 0.0
    assert model.budget()["outflow_m3"] == 0.0


def test_without_the_package_it_says_what_to_install(
    basins: Any, sewer_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ScenarioError, match="pyswmm"):
        _model(basins, sewer_file)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("FLOW_UNITS CMS", "FLOW_UNITS CFS", "feet"),
        ("FLOW_ROUTING DYNWAVE", "FLOW_ROUTING KINWAVE", "KINWAVE"),
        ("ALLOW_PONDING NO", "ALLOW_PONDING YES", "ALLOW_PONDING"),
        ("J1 22 25", "J9 22 25", "COORDINATES"),
        ("END_DATE 01/01/2020", "END_DATE 2020-01-01", "cannot be read"),
        ("[JUNCTIONS]", "[NODES]", "JUNCTIONS"),
        ("[OUTFALLS]", "[FILES]\nUSE RAINFALL rain.txt\n[OUTFALLS]", "another file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused(tmp_path: Path, sewer_file: Path, old: str, new: str, says: str) -> None:
    bad = tmp_path / "bad.inp"
    bad.write_text(sewer_file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(LayerError, match=says):
        read_swmm_file(bad)


def test_a_file_that_ends_too_early_or_lies_elsewhere_is_refused(basins: Any, sewer_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="ends after 7200 s"):
        _model(basins, sewer_file, duration=7200.0)
    away = tmp_path / "away.inp"
    away.write_text(
        sewer_file.read_text(encoding="utf-8").replace("J1 22", "J1 9922").replace("J2 82", "J2 9982"), encoding="utf-8"
    )
    with pytest.raises(ScenarioError, match="no junction"):
        _model(basins, away)
    with pytest.raises(ScenarioError, match="'J7'"):
        _model(basins, sewer_file, structures={"sewer": {"file": str(sewer_file), "nodes": ["J7"]}})


def test_what_swmm_refuses_is_told(basins: Any, sewer_file: Path, tmp_path: Path) -> None:
    bad = tmp_path / "bad.inp"
    bad.write_text(sewer_file.read_text(encoding="utf-8").replace("C1 J1 J2", "C1 J1 J5"), encoding="utf-8")
    with pytest.raises(SimulationError, match=r"SWMM stopped: ERROR 209: undefined object J5 .*: C1 J1 J5"):
        _model(basins, bad)
