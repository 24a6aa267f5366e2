"""The ready-made scenarios, on the ward that they were made for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from sim.service import Service

SCENARIOS = Path(__file__).resolve().parents[2] / "sample_data" / "scenarios"
LOW_DISTRICT = [-52250, -145250]
"""Behind the right bank, T.P. -0.5 m: the lowest ground beside the river."""


def _scenario(folder: Path, name: str) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load((SCENARIOS / f"{name}.yaml").read_text(encoding="utf-8"))
    return content | {"city": str(folder / "catalog.yaml")}


@pytest.mark.parametrize("name", sorted(path.stem for path in SCENARIOS.glob("*.yaml")))
def test_every_scenario_is_accepted_with_the_files_it_names(folder: Path, tmp_path: Path, name: str) -> None:
    stages = Service(tmp_path).plan(_scenario(folder, name))
    assert stages[0].simulator == "flood"


def test_the_river_alone_is_water_before_the_breach(folder: Path, tmp_path: Path) -> None:
    """An edge that reaches beyond the levee makes the low district behind it a part of the sea."""
    content = _scenario(folder, "breach-underground")
    content["flood"] |= {"duration": 1, "output_every": 1}
    content["flood"]["gauges"]["低地"] = LOW_DISTRICT
    service = Service(tmp_path)
    (key,) = service.run_scenario(content)
    gauges = service.open_run(key).gauges()
    assert gauges["河川_depth_m"].min() > 4.0
    assert gauges["低地_stage_m"].max() < 0.5
    assert gauges["低地_depth_m"].max() == 0.0


@pytest.fixture(scope="module")
def breach(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The left bank fails after ten minutes of 35, on large cells, in a river that stands high from the beginning."""
    service = Service(tmp_path_factory.mktemp("breach"))

    def run(shutters_close: float) -> tuple[dict[str, float], Any]:
        content = _scenario(folder, "breach-underground")
        content["area"]["cell_size"] = 10
        flood = content["flood"]
        flood |= {"duration": 2100, "output_every": 60, "initial": {"sea_level": 2.6}}
        west, east, _ = flood["boundaries"]
        west["value"], east["value"] = 2.6, [[0, 0], [480, 1100]]
        flood["breaches"][0]["start"] = 600
        flood["structures"]["underground"][0]["shutters_close"] = shutters_close
        (key,) = service.run_scenario(content)
        return service.open_run(key).manifest()["summary"], service.open_run(key).gauges()

    return run


def test_water_of_the_breach_and_no_other_runs_through_the_streets_into_the_mall(breach: Any) -> None:
    summary, gauges = breach(2100)
    assert abs(summary["volume_relative_error_1"]) < 1e-6
    # the river flows, it does not shoot: a stage at the eastern edge made 10 m/s along one bank
    assert 1.0 < summary["max_speed_m_s"] < 4.0
    has_failed = gauges["time_s"].to_numpy() > 600
    for column in ("決壊口_volume_m3", "駅前_depth_m", "ミオツクシ地下街_underground_depth_m"):
        values = gauges[column].to_numpy()
        # on cells of 10 m the levee's crest has a low place or two: some litres run over
        assert values[~has_failed].max() < 0.01 * values[-1], column
    assert summary["underground_m3"] > 10.0


def test_shutters_that_close_before_the_water_comes_keep_it_out_of_their_entrances(breach: Any) -> None:
    late, early = (breach(time)[0]["underground_m3"] for time in (2100, 600))
    assert early < late
