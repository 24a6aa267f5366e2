"""The Osaka examples of docs/osaka.md on real data: ingest, run, official records; on larger cells than there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from layers.ingest import ingest_city
from sim.flood.official import summarise_difference
from sim.service import Service

EXAMPLES = Path(__file__).resolve().parents[2] / "sample_data" / "osaka"
COAST = ("52350323", "52350324", "52350332", "52350333", "52350343")
LOWLAND = ("52350305",)


@pytest.fixture(scope="module")
def cities(osaka_zip: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the two catalogues that the examples name, taken in as the page says."""
    folder = tmp_path_factory.mktemp("osaka")
    for name, meshes in (("catalog.yaml", COAST), ("lowland-catalog.yaml", LOWLAND)):
        ingest_city(str(osaka_zip), folder / name, meshes=meshes, sea_bed=-5.0)
    return folder


def _example(cities: Path, name: str, cell_size: float) -> dict[str, Any]:
    """An example on other cells."""
    scenario: dict[str, Any] = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    scenario["city"] = str(cities / scenario["city"])
    scenario["area"]["cell_size"] = cell_size
    return scenario


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "cell_size", "meshes", "buildings", "median", "p90"),
    [("storm-surge", 20, COAST, 1096, 0.2, 0.7), ("storm-surge-lowland", 10, LOWLAND, 381, 0.15, 0.5)],
)
def test_a_surge_reaches_the_official_level_building_by_building(
    cities: Path,
    tmp_path: Path,
    name: str,
    cell_size: float,
    meshes: tuple[str, ...],
    buildings: int,
    median: float,
    p90: float,
) -> None:
    scenario = _example(cities, name, cell_size)
    assert scenario["flood"]["scheme"] == "shallow_water"
    scenario["flood"] |= {"duration": "PT2H", "output_every": "PT30M"}
    service = Service(tmp_path)
    (key,) = service.run_scenario(scenario)
    manifest = service.open_run(key).manifest()
    assert abs(manifest["budget"]["relative_error"]) < 1e-9
    assert manifest["summary"]["max_speed_m_s"] < 5
    compared = service.compare_with_official(key, hazard="storm_surge")
    # every building that carries an official depth is there
    assert compared.summary["buildings_count"] == buildings
    assert compared.summary["median_m"] < median
    assert compared.summary["p90_m"] < p90
    assert abs(compared.summary["bias_m"]) < 0.1
    assert compared.summary["rank_agreement_1"] > 0.8
    assert set(compared.table["mesh"]) == set(meshes)


@pytest.mark.real
def test_a_tsunami_is_as_high_at_the_mouth_of_the_yodo_as_the_official_one(cities: Path, tmp_path: Path) -> None:
    scenario = _example(cities, "tsunami", 20)
    scenario["flood"]["output_every"] = "PT2M"
    service = Service(tmp_path)
    (key,) = service.run_scenario(scenario)
    run = service.open_run(key)
    assert abs(run.manifest()["budget"]["relative_error"]) < 1e-9
    assert run.manifest()["summary"]["max_speed_m_s"] < 5
    # tide and wave as the file says: 0.9 m when the wave begins, twice its height above that at the top, nothing stays
    sea = run.gauges().set_index("time_s")["河口_stage_m"]
    assert sea[1800] == pytest.approx(0.9, abs=0.1)
    assert sea.max() == pytest.approx(3.2, abs=0.1)
    assert sea.iloc[-1] == pytest.approx(0.9, abs=0.1)
    compared = service.compare_with_official(key, hazard="tsunami")
    assert compared.summary["buildings_count"] == 268
    by_mesh = {mesh: summarise_difference(part) for mesh, part in compared.table.groupby("mesh")}
    # the two meshes at the open water
    assert by_mesh["52350323"]["median_m"] < 0.25
    assert by_mesh["52350333"]["median_m"] < 0.4
    # ground below the tide is land that gets wet, not sea; with no dike before it the water stands too high there
    assert by_mesh["52350324"]["dry_count"] == 0
    assert 0.3 < by_mesh["52350324"]["bias_m"] < 1.0
    assert compared.summary["median_m"] < 0.5


@pytest.mark.real
def test_people_wheelchairs_and_drones_answer_to_the_surge(cities: Path, tmp_path: Path) -> None:
    scenario = _example(cities, "storm-surge-response", 20)
    scenario["flood"]["output_every"] = scenario["evacuation"]["output_every"] = "PT10M"
    scenario["airspace"]["output_every"] = "PT10M"
    service = Service(tmp_path)
    runs = [service.open_run(key) for key in service.run_scenario(scenario)]
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
