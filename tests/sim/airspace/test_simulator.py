from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import yaml

from sim.airspace.fields import FlightState
from sim.airspace.scenario import AirspaceSection
from sim.airspace.simulator import AirspaceSimulator
from sim.driver import run
from sim.inputs import InputFiles
from sim.scenario import sections, validate_scenario
from sim.service import Service
from sim.stage import StageInput
from tests.town import AREA, surge, write_town
from twin.errors import ScenarioError, TwinError

if TYPE_CHECKING:
    from pathlib import Path

    from twin.store import Run

SOUTH_WEST = (AREA[0], AREA[1])
PLOT = [(-51900, -145850), (-51650, -145850), (-51650, -145650), (-51900, -145650)]
MISSIONS = [
    {"kind": "survey", "name": "look", "area": PLOT, "count": 2, "start": 60},
    {"kind": "delivery", "name": "food", "to": [(-51800, -145700), (-51700, -145800)], "count": 2, "priority": 2},
]
SITES = [
    {"id": "roof", "at": (-51620, -145620), "kind": "roof", "name": "役場屋上"},
    {"id": "beach", "at": (-51850, -145890), "kind": "ground"},
]


def _scenario(**airspace: Any) -> dict[str, Any]:
    given = {"after": "flood", "duration": 900, "output_every": 30, "sites": SITES, "missions": MISSIONS, **airspace}
    return {**surge(duration=900, output_every=300), "start": "2026-07-01T10:00:00+09:00", "airspace": given}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("airspace")
    write_town(folder)
    return folder


@pytest.fixture(scope="module")
def done(town: Path) -> Run:
    path = town / "scenarios" / "drones.yaml"
    path.write_text(yaml.safe_dump(_scenario(), allow_unicode=True), encoding="utf-8")
    service = Service(town / "runs")
    keys = service.run_scenario(path)
    assert len(keys) == 2
    return service.open_run(keys[-1])


def test_a_run_after_a_flood_plans_every_flight_and_keeps_them_apart(done: Run) -> None:
    summary = done.manifest()["summary"]
    assert summary["flights_count"] == 4
    assert summary["planned_count"] == 4
    assert summary["conflicts_after_count"] == 0
    assert summary["conflicts_before_count"] > 0
    assert summary["delivered_count"] == 2
    assert summary["surveyed_share"] > 0.95
    assert summary["least_reserve_1"] > 0.25
    assert done.manifest()["budget"]["relative_error"] == 0


def test_stored_positions_are_those_of_the_plans(done: Run) -> None:
    fields, points = done.fields(), done.table("flight_points")
    state = fields["state_flight"].to_numpy()
    assert state.dtype == np.uint8
    flights = done.table("flights")
    for number, rows in points.groupby("flight"):
        flying = (fields.time.to_numpy() >= rows.time_s.min()) & (fields.time.to_numpy() <= rows.time_s.max())
        np.testing.assert_array_equal(state[:, number] == FlightState.FLYING, flying)
        for name, corner in (("x", SOUTH_WEST[0]), ("y", SOUTH_WEST[1]), ("z", 0.0)):
            expected = np.interp(fields.time, rows.time_s, rows[name]) - corner
            np.testing.assert_allclose(fields[f"{name}_flight"][:, number], expected, atol=0.01)
    assert state[-1].tolist() == [FlightState.LANDED] * 4
    held = int(flights["held_s"].to_numpy().argmax())
    waits = (fields.time >= flights.start_s[held] - flights.held_s[held]) & (fields.time < flights.start_s[held])
    assert np.all(state[waits, held] == FlightState.HOLDING)
    assert waits.any()


def test_gauges_count_what_the_fields_show(done: Run) -> None:
    gauges, state = done.gauges(), done.fields()["state_flight"].to_numpy()
    np.testing.assert_array_equal(gauges["airborne"], (state == FlightState.FLYING).sum(axis=1))
    np.testing.assert_array_equal(gauges["held"], (state == FlightState.HOLDING).sum(axis=1))
    assert set(gauges.columns) >= {"time_s", "airborne", "planned", "conflicts", "held"}


def test_tables_say_what_others_read(done: Run) -> None:
    columns = {
        "flights": "flight mission kind aircraft priority state start_s end_s held_s length_m energy_wh reserve "
        "from_site to_site reason_ja reason_en geometry",
        "flight_points": "flight time_s x y z phase",
        "volumes": "flight number lower_m upper_m start_s end_s geometry",
        "zones": "zone identifier kind restriction lower_m upper_m reference from_s until_s source authority name_ja "
        "name_en geometry",
        "sites": "site id name kind is_dry wet_from_s geometry",
        "conflicts": "flight_a flight_b kind time_s horizontal_m vertical_m x y z is_resolved",
        "contingency": "flight time_s site energy_wh",
    }
    for name, wanted in columns.items():
        assert set(wanted.split()) <= set(done.table(name).columns), name


def test_the_flood_closes_the_low_site_and_not_the_roof(done: Run) -> None:
    sites = done.table("sites").set_index("id")
    assert not sites.is_dry["beach"]
    assert 0 < sites.wet_from_s["beach"] < 900
    assert sites.is_dry["roof"]
    flights = done.table("flights")
    assert set(flights.from_site) == {int(sites.site["roof"])}


def _model(folder: Path, **airspace: Any) -> Any:
    content = _scenario(**{"after": (), **airspace})
    content.pop("flood")
    scenario = validate_scenario(content, where="test")
    from layers.load import load_city

    section = dict(sections(scenario))["airspace"]
    simulator = AirspaceSimulator()
    city = load_city(folder / "catalog.yaml", only=("terrain", "buildings"))
    stage = StageInput(scenario, section, scenario.area.grid(), city, InputFiles(folder))
    return simulator, simulator.prepare(stage)


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped_and_replays_are_the_same(town: Path) -> None:
    _, straight = _model(town)
    _, first = _model(town)
    run(straight, until=600.0, every=100.0, observe=lambda _: None)
    run(first, until=300.0, every=100.0, observe=lambda _: None)
    _, again = _model(town)
    again.load_state(first.state())
    run(again, until=600.0, every=100.0, observe=lambda _: None)
    assert again.clock.time == straight.clock.time
    for name, values in straight.fields().items():
        np.testing.assert_array_equal(again.fields()[name], values)


def test_flights_that_are_not_planned_stand_at_their_base_and_say_why(town: Path) -> None:
    simulator, model = _model(town, planning={"reserve": 0.99})
    assert set(model.fields()["state_flight"]) == {FlightState.NOT_PLANNED}
    products = simulator.summarise(model)
    assert products.summary["planned_count"] == 0
    assert set(products.tables["flights"]["reason_en"]) == {"the battery is not enough with its reserve"}
    assert products.summary["surveyed_share"] == 0


def test_a_survey_of_an_area_outside_the_city_is_no_flight(town: Path) -> None:
    nowhere = [{**MISSIONS[0], "area": [(0, 0), (9, 0), (9, 9)]}]
    simulator, model = _model(town, missions=nowhere)
    assert model.fields()["x_flight"].shape == (0,)
    assert model.budget()["relative_error"] == 0
    summary = simulator.summarise(model).summary
    assert summary["flights_count"] == 0
    assert not {"surveyed_share", "least_reserve_1", "mean_held_s"} & set(summary), "of nothing there is no share"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"zones": ["airspace_zone"]}, "airspace.zones: the city has no layer 'airspace_zone'"),
        ({"landing_sites": "pads"}, "airspace.landing_sites: the city has no layer 'pads'"),
        ({"planning": {"cell_size": 0.005}}, "GB of memory"),
        ({"levels": {"level_height": 1e-7}}, "GB of memory"),
    ],
)
def test_what_cannot_be_planned_in_is_refused_before_it_is_compiled(
    town: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(TwinError, match=message):
        _model(town, **change)


def test_emergency_airspace_closes_what_it_covers_while_it_lasts(town: Path) -> None:
    west, south, east, north = AREA
    everything = [(west, south), (east, south), (east, north), (west, north)]
    _, model = _model(town, emergency=[{"polygon": everything, "start": 0, "until": 850}])
    assert model.gauges()["planned"] == 0
    _, granted = _model(town, emergency=[{"polygon": everything}], granted=["emergency"])
    assert granted.gauges()["planned"] == 4


def test_wind_from_the_west_blows_to_the_east() -> None:
    section = AirspaceSection.model_validate({"missions": MISSIONS, "wind": {"speed": 8, "from": 270}})
    np.testing.assert_allclose(section.wind.velocity, (8.0, 0.0), atol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"missions": []}, "at least 1"),
        ({"missions": [MISSIONS[0], MISSIONS[0]]}, "share a name"),
        ({"missions": [{**MISSIONS[0], "kind": "dance"}]}, "dance"),
        ({"duration": 10, "output_every": 20}, "longer than duration"),
        ({"output_every": 0.01}, "longer output_every"),
        ({"levels": {"bottom": 145}}, "holds no two levels"),
        ({"planning": {"dear_factor": 99}}, "dear_factor"),
        ({"colour": "red"}, "this key is unknown"),
    ],
)
def test_a_section_that_cannot_be_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        validate_scenario(_scenario(**change), where="test")


def test_without_a_city_there_is_nothing_to_fly_over(tmp_path: Path) -> None:
    content = _scenario(after=())
    content.pop("flood")
    content.pop("city")
    scenario = validate_scenario(content, where="test")
    stage = StageInput(scenario, dict(sections(scenario))["airspace"], scenario.area.grid(), None, InputFiles(tmp_path))
    with pytest.raises(TwinError, match="no city to fly over"):
        AirspaceSimulator().prepare(stage)


def test_the_layers_that_it_needs_follow_from_the_section() -> None:
    section = AirspaceSection.model_validate(
        {
            "missions": [{"kind": "delivery", "name": "x", "to": "shelters"}],
            "zones": ["a", "b"],
            "landing_sites": "pads",
        }
    )
    assert set(AirspaceSimulator().needs(section)) >= {"terrain", "buildings", "a", "b", "pads", "shelters"}
