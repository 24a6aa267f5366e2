"""The whole simulator on a small city: tables, texts, restarts, bad inputs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import shapely
import yaml
from pydantic import ValidationError

from sim.access.profile import TABLE
from sim.access.scenario import AccessSection
from sim.access.simulator import AccessSimulator
from sim.driver import run
from sim.inputs import InputFiles
from sim.scenario import sections, validate_scenario
from sim.stage import Products, StageInput
from twin.city import CityModel
from twin.errors import ScenarioError, TwinError
from twin.frame import OSAKA
from twin.grid import Grid
from twin.layer import Layer, Provenance, VectorLayer
from twin.network import LinkKind
from twin.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sim.access.model import AccessModel
    from twin.layer import NetworkLayer
    from twin.store import Run

GOOD = {
    "kind": LinkKind.FOOTWAY,
    "width": 3.0,
    "width_most": np.inf,
    "slope_least": 0.0,
    "slope_most": 0.0,
    "step_least": 0.0,
    "step_most": 0.0,
    "level": 0.0,
    "tactile": 0,
}
KERB = GOOD | {"step_least": 0.08, "step_most": 0.08, "name": "坂本通"}
LIFT = {"kind": LinkKind.ELEVATOR, "elevator": 2, "door_width": 0.9, "level": -1.0}
CROSSING = GOOD | {"kind": LinkKind.CROSSING, "audible": 2, "tactile": 1}


@pytest.fixture(scope="module")
def city(make_layer: Callable[..., NetworkLayer]) -> CityModel:
    """A street with a crossing and a kerb, an elevator down to a passage, two shelters, an island."""
    nodes = [
        (0, 0, 2),
        (100, 0, 2),
        (120, 0, 2),
        (220, 0, 2),
        (100, 1, -3),
        (100, 80, -3),
        (120, 150, 2),
        (900, 900, 2),
        (950, 900, 2),
    ]
    links = [
        (0, 1, GOOD | {"name": "本町通"}),
        (1, 2, CROSSING),
        (2, 3, KERB),
        (1, 4, LIFT),
        (4, 5, GOOD | {"kind": LinkKind.UNDERGROUND, "level": -1.0}),
        (2, 6, GOOD),
        (7, 8, GOOD),
    ]
    walk = make_layer(nodes, links, floors=[0, 0, 0, 0, -1, -1, 0, 0, 0])
    points = [shapely.Point(225, 3), shapely.Point(123, 150), shapely.Point(124, 150), shapely.Point(5000, 0)]
    table = gpd.GeoDataFrame(
        {
            "shelter_id": ["S1", "S2", "S3", "S4"],
            "name": ["東小学校", "北公民館", "満員", "遠い"],
            "capacity": [100, 50, 0, 9],
            "flood": [1, 1, 1, 1],
        },
        geometry=points,
        crs=OSAKA.horizontal,
    )
    shelters = VectorLayer("shelters", OSAKA, Provenance("test", "CC0"), table)
    layers: dict[str, Layer] = {"walk": walk, "shelters": shelters}
    return CityModel({"en": "test"}, OSAKA, (0.0, 0.0, 1000.0, 1000.0), layers)


def stage(city: CityModel, upstream: Mapping[str, Run] | None = None, **section: Any) -> StageInput:
    scenario = validate_scenario(
        {
            "schema": 1,
            "name": "test",
            "city": "catalog.yaml",
            "start": "2026-09-01T09:00:00+09:00",
            "area": {"bbox": [0, 0, 1000, 1000]},
            "access": section,
        },
        where="test",
    )
    return StageInput(
        scenario, dict(sections(scenario))["access"], scenario.area.grid(), city, InputFiles(Path()), upstream or {}
    )


def answer(city: CityModel, upstream: Mapping[str, Run] | None = None, **section: Any) -> tuple[AccessModel, Products]:
    simulator = AccessSimulator()
    model = simulator.prepare(stage(city, upstream, **section))
    run(model, until=1.0, every=1.0, observe=lambda _: None)
    return model, simulator.summarise(model)


TRIP = {"name": "trip", "profile": "walker", "from": [0, 0], "to": [220, 0]}


def test_a_route_has_a_line_with_heights_and_figures_that_agree(city: CityModel) -> None:
    _, products = answer(city, requests=[TRIP | {"from": [10, 2]}])
    (route,) = products.tables["routes"].to_dict("records")
    assert route["geometry"].has_z
    assert route["geometry"].length == pytest.approx(route["length_m"]) == pytest.approx(210.0)
    assert route["geometry"].coords[0] == pytest.approx((10, 0, 2))
    assert route["offset_m"] == pytest.approx(2.0)
    assert route["arrival_s"] == pytest.approx(route["departure_s"] + route["time_s"])
    assert route["rank"] == 0
    assert products.summary["feasible_count"] == 1


def test_a_blocked_journey_says_what_blocks_it_in_both_languages(city: CityModel) -> None:
    _, products = answer(city, requests=[TRIP | {"profile": "wheelchair_manual"}])
    (route,) = products.tables["routes"].to_dict("records")
    assert not route["is_feasible"]
    assert route["is_complete"]
    assert "坂本通" in route["binding"]
    assert "段差 8 cm" in route["binding"]
    assert "step 8 cm (limit 5 cm)" in route["binding_en"]
    barriers = products.tables["barriers"]
    hard = barriers[barriers["is_hard"]]
    assert hard["kind"].tolist() == ["step"]
    assert hard["value"].tolist() == pytest.approx([0.08])
    assert hard.geometry.iloc[0].distance(shapely.Point(170, 0)) < 1e-6
    departures = products.tables["departures"]
    assert departures["is_reachable"].tolist() == [False]
    assert departures["arrival_s"].isna().all()


def test_the_nearest_shelter_with_room_is_found(city: CityModel) -> None:
    _, products = answer(
        city,
        requests=[{"name": "n", "profile": ["walker", "wheelchair_manual"], "from": [100, 0], "to": "nearest"}],
    )
    routes = products.tables["routes"]
    assert routes[routes["rank"] == 0].set_index("profile")["goal"].to_dict() == {
        "walker": "東小学校",
        "wheelchair_manual": "北公民館",
    }


def evacuated(tmp_path: Path, city: CityModel, full_s: list[float], flooded_s: list[float]) -> Mapping[str, Run]:
    """A finished evacuation with nobody on the way and what became of each shelter."""
    writer = Store(tmp_path).begin("people", {"name": "n", "stage": "evacuation", "key": "people"})
    fields = {"x_agent": np.zeros(1), "y_agent": np.zeros(1), "state_agent": np.zeros(1, np.uint8)}
    writer.create_fields(Grid.from_bounds((0, 0, 1000, 1000), 5.0, OSAKA), [0.0], fields)
    writer.write_output(0, fields, {})
    shelters = city.require("shelters", VectorLayer).table
    writer.write_table("shelters", shelters[["geometry"]].assign(full_s=full_s, flooded_s=flooded_s))
    return {"evacuation": writer.finish()}


def test_who_comes_after_a_shelter_filled_or_flooded_goes_to_the_next(tmp_path: Path, city: CityModel) -> None:
    trip = {"name": "n", "profile": "walker", "from": [100, 0], "to": "nearest", "departures": [0, 1000, 2000]}
    never = np.inf
    upstream = evacuated(tmp_path, city, [900.0, never, never, never], [never, 1900.0, never, never])
    _, products = answer(city, upstream, requests=[trip])
    routes = products.tables["routes"]
    best = routes[(routes["rank"] == 0) & ~routes["is_last_safe"]]
    assert best["goal"].tolist()[:2] == ["東小学校", "北公民館"]
    assert best["is_feasible"].tolist() == [True, True, False]
    (last,) = products.tables["departures"].query("is_last_safe")["arrival_s"]
    assert last == pytest.approx(1900.0, abs=1.0)
    barriers = products.tables["barriers"]
    (closed,) = barriers[barriers["kind"] == "goal"].to_dict("records")
    assert closed["is_hard"]
    assert closed["text_ja"] in {
        "目的地は開始から 0:15 に満員または浸水で閉まる",
        "目的地は開始から 0:32 に満員または浸水で閉まる",
    }


def test_an_elevator_is_told_with_its_floors(city: CityModel) -> None:
    _, products = answer(
        city,
        requests=[
            {"name": "up", "profile": "wheelchair_manual", "from": [100, 60], "from_level": -1, "to": "shelters:S2"}
        ],
    )
    texts = products.tables["instructions"]
    assert any("B1F から 1F" in text for text in texts["text_ja"])
    assert any("elevator from B1F to 1F" in text for text in texts["text_en"])
    assert texts["text_ja"].iloc[-1].startswith("目的地 北公民館")


def test_a_blind_walker_hears_of_paving_and_sound(city: CityModel) -> None:
    _, products = answer(city, requests=[TRIP | {"profile": "visually_impaired"}])
    texts = " ".join(products.tables["instructions"]["text_en"])
    assert "no tactile paving" in texts
    assert "audible signal, by push button" in texts
    (route,) = products.tables["routes"].to_dict("records")
    assert route["unguided_m"] == pytest.approx(200.0)


def test_turns_are_told_to_the_right_side(city: CityModel) -> None:
    _, products = answer(city, requests=[TRIP | {"to": [120, 150]}])
    texts = products.tables["instructions"]["text_en"].tolist()
    assert texts[0].startswith("Head east along 本町通")
    assert any(text.startswith("Turn left") for text in texts)
    assert not any("right" in text for text in texts)


def test_a_goal_on_an_island_gives_the_way_to_the_end_of_the_network(city: CityModel) -> None:
    _, products = answer(city, requests=[TRIP | {"to": "N7"}])
    (route,) = products.tables["routes"].to_dict("records")
    end = shapely.Point(route["geometry"].coords[-1])
    assert not route["is_complete"]
    assert route["gap_m"] == pytest.approx(end.distance(shapely.Point(900, 900)))
    assert "道がつながっていません" in route["binding"]
    assert products.tables["barriers"]["kind"].tolist()[-1] == "gap"
    assert products.summary["disconnected_count"] == 1


def test_an_elevator_that_is_out_closes_the_way(city: CityModel) -> None:
    _, products = answer(
        city,
        elevators_out="L3",
        requests=[{"name": "up", "profile": "walker", "from": [100, 60], "from_level": -1, "to": [0, 0]}],
    )
    (route,) = products.tables["routes"].to_dict("records")
    assert not route["is_feasible"]
    assert "閉鎖" in route["binding"]


def test_the_last_safe_departure_stands_among_the_departures(city: CityModel) -> None:
    _, products = answer(
        city,
        power_failure_at="PT10M",
        requests=[{"name": "up", "profile": "walker", "from": "N5", "to": [0, 0], "departures": ["PT0S", "PT5M", 900]}],
    )
    rows = products.tables["departures"]
    assert rows["is_reachable"].tolist() == [True, True, False, True]
    (last,) = rows[rows["is_last_safe"]].to_dict("records")
    # 79 m to the elevator at 1.3 m/s, 30 s for it to come, 5 s in it
    assert last["departure_s"] == pytest.approx(600 - 79 / 1.3 - 35, abs=0.1)


def test_reach_and_repairs_have_their_tables(city: CityModel) -> None:
    _, products = answer(
        city,
        reach=[{"name": "here", "profile": "walker", "from": [0, 0], "budget": "PT2M"}],
        repairs={"profile": "wheelchair_manual", "pairs": 200},
    )
    reach, repairs = products.tables["reach"], products.tables["repairs"]
    assert sorted(reach["feature"]) == [0, 1, 2, 3, 4, 5]
    # the passage below: 100 m at 1.3 m/s, 30 s until the elevator is there, 5 s in it
    assert reach.set_index("feature")["time_s"][4] == pytest.approx(100 / 1.3 + 35)
    assert (reach["time_s"] <= 120).all()
    assert repairs["link"].tolist() == ["L2"]
    assert repairs["kind"].tolist() == ["step"]
    assert "8 cm" in repairs["text_en"].iloc[0]
    assert products.summary["repair_journeys_count"] == 200


def test_a_night_start_slows_walkers(city: CityModel) -> None:
    day, night = (
        answer(city, night=dark, requests=[TRIP])[1].tables["routes"]["time_s"].iloc[0] for dark in (False, True)
    )
    assert day / night == pytest.approx(0.8)


def test_a_restored_run_gives_the_same_answers(city: CityModel) -> None:
    simulator = AccessSimulator()
    asked = {"requests": [TRIP | {"departures": [0, 60, 120]}], "repairs": {"profile": "wheelchair_manual"}}
    model = simulator.prepare(stage(city, **asked))
    model.step(0.5)
    restored = simulator.prepare(stage(city, **asked))
    restored.load_state(model.state())
    for half in (model, restored):
        half.step(0.5)
    straight, _ = answer(city, **asked)
    tables = [simulator.summarise(half).tables for half in (model, restored, straight)]
    for other in tables[1:]:
        for name, table in tables[0].items():
            assert table.equals(other[name]), name


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({}, "asks for nothing"),
        ({"requests": [TRIP, TRIP]}, "trip stands twice"),
        ({"requests": [TRIP | {"colour": 1}]}, "unknown"),
        ({"requests": [TRIP | {"departures": [-5]}]}, "departures"),
        ({"requests": [TRIP | {"profile": "dragon"}]}, "no profile 'dragon'"),
        ({"requests": [TRIP | {"from": [500, 400]}]}, "m from the network"),
        ({"requests": [TRIP | {"from_level": 3}]}, "no link on level 3"),
        ({"requests": [TRIP | {"from": "N99"}]}, "no node 'N99'"),
        ({"requests": [TRIP | {"to": "parks:1"}]}, "no layer 'parks'"),
        ({"requests": [TRIP | {"to": "shelters:S9"}]}, "no feature 'S9'"),
        ({"requests": [TRIP | {"to": "walk:L1"}]}, "no points or areas"),
        ({"requests": [TRIP | {"to": "nearest"}], "shelter_purpose": "capacity", "snap_within": 1}, "of 4 shelters"),
        ({"requests": [TRIP | {"to": "nearest"}], "shelter_purpose": "fludd"}, "no column 'fludd'"),
        ({"requests": [TRIP | {"to": "nearest"}], "shelter_purpose": "name"}, "column 'name' holds no numbers"),
        ({"requests": [TRIP], "terrain": "terrrain"}, "access.terrain: the city has no layer 'terrrain'"),
        ({"requests": [TRIP], "elevators_out": ["L77"]}, "no link 'L77'"),
        ({"requests": [TRIP], "network": "nowhere"}, "no layer 'nowhere'"),
        ({"requests": [TRIP], "network": "shelters"}, "NetworkLayer"),
        ({"requests": [TRIP], "profiles": "missing.yaml"}, "no file"),
    ],
)
def test_bad_input_is_refused_with_what_is_wrong(city: CityModel, section: dict[str, Any], message: str) -> None:
    with pytest.raises(TwinError, match=message):
        AccessSimulator().prepare(stage(city, **section))


def test_a_profile_that_nobody_knows_is_refused_before_other_stages_are_computed() -> None:
    for part in ({"requests": [TRIP | {"profile": "dragon"}]}, {"repairs": {"profile": "dragon"}}):
        with pytest.raises(ValidationError, match="no profile 'dragon'; there are walker"):
            AccessSection.model_validate(part)


def test_a_profile_is_sought_in_a_table_of_ones_own(city: CityModel, tmp_path: Path) -> None:
    table = tmp_path / "profiles.yaml"
    walker = yaml.safe_load(TABLE.read_text(encoding="utf-8"))["walker"]
    table.write_text(yaml.safe_dump({"dragon": walker}), encoding="utf-8")
    AccessSimulator().prepare(stage(city, requests=[TRIP | {"profile": "dragon"}], profiles=str(table)))
    with pytest.raises(ScenarioError, match="no profile 'unicorn'"):
        AccessSimulator().prepare(stage(city, requests=[TRIP | {"profile": "unicorn"}], profiles=str(table)))


def test_it_needs_a_city(city: CityModel) -> None:
    whole = stage(city, requests=[TRIP])
    with pytest.raises(ScenarioError, match="needs a city"):
        AccessSimulator().prepare(StageInput(whole.scenario, whole.section, whole.grid, None, whole.files))


def test_the_layers_that_places_are_named_by_are_needed() -> None:
    trip = {"name": "a", "from": "parks:3", "to": ["stations:1", [0.0, 1.0]]}
    section = AccessSection.model_validate({"requests": [trip]})
    assert {"parks", "stations", "walk", "shelters"} <= set(AccessSimulator().needs(section))
