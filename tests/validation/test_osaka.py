"""The Osaka example of docs/osaka.md on real data: ingest, storm surge, official records; at 10 m here, 5 m there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from layers.ingest import ingest_city
from sim.service import Service

EXAMPLES = Path(__file__).resolve().parents[2] / "sample_data" / "osaka"
COAST = ("52350323", "52350324", "52350332", "52350333", "52350343")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "meshes", "buildings", "median", "p90"),
    [("storm-surge", COAST, 1096, 0.25, 0.8), ("storm-surge-lowland", ("52350305",), 381, 0.2, 0.6)],
)
def test_a_surge_reaches_the_official_level_building_by_building(
    osaka_zip: Path, tmp_path: Path, name: str, meshes: tuple[str, ...], buildings: int, median: float, p90: float
) -> None:
    scenario = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    scenario["area"]["cell_size"] = 10
    scenario["flood"] |= {"duration": "PT2H", "output_every": "PT30M"}
    ingest_city(str(osaka_zip), tmp_path / scenario["city"], meshes=meshes, sea_bed=-5.0)
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(scenario, allow_unicode=True), encoding="utf-8")
    service = Service(tmp_path / "runs")
    (key,) = service.run_scenario(path)
    manifest = service.open_run(key).manifest()
    assert abs(manifest["budget"]["relative_error"]) < 1e-9
    assert manifest["summary"]["max_speed_m_s"] < 15
    compared = service.compare_with_official(key, hazard="storm_surge")
    # every building that carries an official depth is there
    assert compared.summary["buildings_count"] == buildings
    assert compared.summary["median_m"] < median
    assert compared.summary["p90_m"] < p90
    assert compared.summary["rank_agreement_1"] > 0.8
    assert set(compared.table["mesh"]) == set(meshes)


@pytest.mark.real
def test_people_wheelchairs_and_drones_answer_to_the_surge_at_maishima(osaka_zip: Path, tmp_path: Path) -> None:
    scenario = yaml.safe_load((EXAMPLES / "storm-surge-response.yaml").read_text(encoding="utf-8"))
    scenario["area"]["cell_size"] = 20
    scenario["flood"]["output_every"] = scenario["evacuation"]["output_every"] = "PT10M"
    scenario["airspace"]["output_every"] = "PT10M"
    ingest_city(str(osaka_zip), tmp_path / scenario["city"], meshes=COAST, sea_bed=-5.0)
    path = tmp_path / "scenario.yaml"
    path.write_text(yaml.safe_dump(scenario, allow_unicode=True), encoding="utf-8")
    service = Service(tmp_path / "runs")
    runs = [service.open_run(key) for key in service.run_scenario(path)]
    figures = {run.manifest()["stage"]: run.manifest()["summary"] for run in runs}
    people = figures["evacuation"]
    assert people["people_count"] == people["from_floor_area_count"] > 1000  # the data set has no census
    states = ("waiting", "moving", "safe", "stranded", "dead")
    assert sum(people[f"{state}_count"] for state in states) == people["people_count"]
    assert people["closed_links_count"] > 100
    assert figures["access"]["disconnected_count"] == 0
    assert 0 < figures["access"]["feasible_count"] < figures["access"]["journeys_count"]
    assert figures["airspace"]["conflicts_after_count"] == 0
    assert figures["airspace"]["surveyed_share"] > 0.9
    assert figures["airspace"]["points_without_escape_count"] == 0
