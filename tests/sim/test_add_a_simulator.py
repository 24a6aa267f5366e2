"""The toy of docs/add-a-simulator.md runs as the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from sim.service import Service
from tests.toy import registered
from twin.errors import ScenarioError
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = Path(__file__).resolve().parents[2] / "docs" / "add-a-simulator.md"


def _block(language: str, number: int = 0) -> str:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[number]


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The page's simulator, registered, and its scenario."""
    with registered(tmp_path, "dust", _block("python"), monkeypatch, dust="DustSimulator"):
        yield yaml.safe_load(_block("yaml"))


def test_the_page_s_toy_runs_from_its_scenario_to_its_results(toy: dict[str, Any], tmp_path: Path) -> None:
    service = Service(tmp_path / "runs")
    (key,) = service.run_scenario(toy)
    job = service.open_run(key)
    assert job.status is Status.DONE
    dust = job.fields()["dust_cell"]
    assert dust.shape == (6, 20, 40)
    assert dust.attrs["units"] == "kg m-2"
    mass = dust.sum(("y", "x")).to_numpy() * 25.0
    np.testing.assert_allclose(mass, 3.0, rtol=1e-6)
    assert np.all(np.diff(job.gauges()["peak_kg_m2"]) < 0)


def test_the_same_scenario_is_answered_from_the_store(toy: dict[str, Any], tmp_path: Path) -> None:
    service = Service(tmp_path / "runs")
    (key,) = service.run_scenario(toy)
    written = (service.open_run(key).folder / "manifest.json").stat().st_mtime_ns
    assert service.run_scenario(toy) == (key,)
    assert (service.open_run(key).folder / "manifest.json").stat().st_mtime_ns == written


def test_another_value_makes_another_run(toy: dict[str, Any], tmp_path: Path) -> None:
    service = Service(tmp_path / "runs")
    (first,) = service.run_scenario(toy)
    (second,) = service.run_scenario({**toy, "dust": {**toy["dust"], "mass": 4.0}})
    assert first != second
    assert {job.key for job in service.list_runs()} == {first, second}


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"duration": -5}, "dust.duration"),
        ({"duration": "five minutes"}, "dust.duration"),
        ({"mas": 1.0}, "dust.mas: this key is unknown"),
        ({"mass": float("nan")}, "dust.mass"),
        ({"at": [1]}, "dust.at"),
    ],
)
def test_a_wrong_section_is_refused_by_name_and_leaves_no_run(
    toy: dict[str, Any], tmp_path: Path, change: dict[str, Any], named: str
) -> None:
    service = Service(tmp_path / "runs")
    with pytest.raises(ScenarioError, match=re.escape(named)):
        service.run_scenario({**toy, "dust": {**toy["dust"], **change}})
    assert service.list_runs() == []
    assert not (tmp_path / "runs").exists()
