"""Four simulators in one scenario: all stages run, what is unchanged is taken up, an interruption costs little."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from layers.load import load_city
from sample_data.generate import write_sample_city
from sim.coupling import water_on_links
from sim.executor import SerialExecutor
from sim.service import Service
from twin.layer import NetworkLayer
from twin.store import Status

if TYPE_CHECKING:
    from sim.protocol import Model

SCENARIO = Path(__file__).parents[2] / "sample_data/scenarios/levee-breach-night.yaml"
TABLES = {
    "flood": ("buildings",),
    "evacuation": ("agents", "shelters", "links"),
    "access": ("routes", "barriers", "instructions", "reach", "departures"),
    "airspace": ("flights", "flight_points", "zones", "sites", "conflicts", "contingency"),
}


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_sample_city(tmp_path_factory.mktemp("city") / "ward", seed=7)


def _scenario(city: Path, **changes: Any) -> dict[str, Any]:
    """The sample scenario on large cells, two hours long."""
    content: dict[str, Any] = yaml.safe_load(SCENARIO.read_text(encoding="utf-8"))
    content["city"] = str(city)
    content["area"]["cell_size"] = 10
    for stage in ("flood", "evacuation", "airspace"):
        content[stage]["duration"] = 7200
    content["flood"] |= {"output_every": 600, "gauges": {}}
    content["evacuation"] |= {"output_every": 300, "crowd": [], **changes}
    content["access"]["repairs"]["pairs"] = 20
    return content


@pytest.fixture(scope="module")
def straight(city: Path, tmp_path_factory: pytest.TempPathFactory) -> Service:
    service = Service(tmp_path_factory.mktemp("straight"))
    service.run_scenario(_scenario(city))
    return service


def _runs(service: Service, content: dict[str, Any]) -> dict[str, Any]:
    return {stage.simulator: service.open_run(stage.key) for stage in service.plan(content)}


def test_every_stage_leaves_its_tables_on_one_clock(city: Path, straight: Service) -> None:
    runs = _runs(straight, _scenario(city))
    assert set(runs) == set(TABLES)
    for stage, tables in TABLES.items():
        assert runs[stage].status is Status.DONE
        for table in tables:
            assert len(runs[stage].table(table)) > 0 or table == "conflicts", table
        assert set(runs[stage].manifest()["siblings"]) == set(TABLES)
    gauges = runs["evacuation"].gauges()
    people = gauges[["waiting", "moving", "safe", "stranded", "dead"]].sum(axis=1)
    assert people.nunique() == 1
    assert gauges["time_s"].max() == runs["flood"].gauges()["time_s"].max() == 7200.0


def test_water_reaches_the_stages_after_it(city: Path, straight: Service) -> None:
    runs = _runs(straight, _scenario(city))
    content = _scenario(city)
    streets = load_city(city, only=["streets"], area=tuple(content["area"]["bbox"])).require("streets", NetworkLayer)
    deepest = water_on_links(runs["flood"], streets).depth.max(axis=0)
    is_closed = np.isfinite(runs["evacuation"].table("links")["closed_s"])
    assert is_closed[deepest > 0.8].all()  # deeper than anybody walks in
    assert not is_closed[deepest < 0.05].any()
    assert is_closed.any()
    assert not runs["airspace"].table("sites")["is_dry"].all()
    departures = runs["access"].table("departures")
    late, early = departures["departure_s"] >= 7200.0, departures["departure_s"] <= 1800.0
    assert departures[early]["is_reachable"].sum() > departures[late]["is_reachable"].sum()


def test_another_warning_time_takes_flood_and_flights_up_again(city: Path, straight: Service) -> None:
    before, after = (
        {stage.simulator: stage.key for stage in straight.plan(content)}
        for content in (_scenario(city), _scenario(city, warning={"at": 1800}))
    )
    assert {name for name in before if before[name] == after[name]} == {"flood", "airspace"}


class _Interrupt:
    """Presses Ctrl-C when the evacuation has begun."""

    def progress(self, model: Model, fraction: float) -> None:
        if type(model).__name__ == "EvacuationModel" and fraction > 0.2:
            raise KeyboardInterrupt

    def is_cancelled(self) -> bool:
        return False


def test_an_interrupted_scenario_goes_on_and_ends_in_the_same_result(
    city: Path, straight: Service, tmp_path: Path
) -> None:
    content = _scenario(city)
    broken = Service(tmp_path, executor=SerialExecutor(_Interrupt()))
    with pytest.raises(KeyboardInterrupt):
        broken.run_scenario(content)
    flood = _runs(broken, content)["flood"]
    assert flood.status is Status.DONE
    started = flood.manifest()["started"]
    resumed = Service(tmp_path)
    resumed.run_scenario(content)
    runs, wanted = _runs(resumed, content), _runs(straight, content)
    assert runs["flood"].manifest()["started"] == started
    agents, routes = (runs[stage].table(table) for stage, table in (("evacuation", "agents"), ("access", "routes")))
    assert agents.equals(wanted["evacuation"].table("agents"))
    assert routes.drop(columns="geometry").equals(wanted["access"].table("routes").drop(columns="geometry"))
