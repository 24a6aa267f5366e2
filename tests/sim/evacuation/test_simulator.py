"""The simulator as a stage: demand, shelters, tables, fields, errors, the joint with crowd rooms."""

from __future__ import annotations

from dataclasses import replace
from importlib.resources import files
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from sim.evacuation import fields as f
from sim.evacuation.assembly import pair_carers
from sim.evacuation.demand import People
from sim.evacuation.groups import read_groups
from sim.evacuation.hazard import GROUPS
from sim.evacuation.scenario import EvacuationSection
from sim.evacuation.simulator import EvacuationSimulator
from sim.inputs import InputFiles
from sim.scenario import validate_scenario
from sim.stage import StageInput
from tests.sim.evacuation.streets_of_test import drive, grid_network
from twin import OSAKA, CityModel, MeshLayer, PolygonMesh, Provenance, ScenarioError, TwinError, VectorLayer
from twin.layer import Surface

SIDE = 400.0
OURS = Provenance("test", "CC0-1.0")


def blocks(usage: list[str], storeys: list[int]) -> MeshLayer:
    """Buildings of 20 x 20 m, one a crossing of the second row of streets, from west to east."""
    vertices, n = [], len(usage)
    for i in range(n):
        x, y = 50.0 * i + 15.0, 65.0
        vertices += [(x, y, 0.0), (x + 20, y, 0.0), (x + 20, y + 20, 0.0), (x, y + 20, 0.0)]
    mesh = PolygonMesh(
        np.array(vertices), 4 * np.arange(n + 1), np.arange(n + 1), np.arange(n),
        np.full(n, Surface.FOOTPRINT, np.uint8), np.zeros(n, np.uint8),
    )  # fmt: skip
    table = pd.DataFrame(
        {"id": [f"b{i}" for i in range(n)], "usage_code": usage, "storeys_above": pd.array(storeys, dtype="Int16")}
    )
    return MeshLayer("buildings", OSAKA, OURS, mesh, table)


def town(**layers) -> CityModel:
    squares = [shapely.box(0, 0, 200, 400), shapely.box(200, 0, 400, 400)]
    population = gpd.GeoDataFrame(
        {"night": [120, 80], "day": [30, 200], "elderly": [40, 10], "needs_support": [10, 2]},
        geometry=squares,
        crs=OSAKA.crs(),
    )
    shelters = gpd.GeoDataFrame(
        {"name": ["東", "西,", "園"], "capacity": [150, 30, 500], "flood": [1, 1, 0], "floor_from": [3, 2, 0]},
        geometry=gpd.points_from_xy([310, 40, 200], [210, 300, 100]),
        crs=OSAKA.crs(),
    )
    have = {
        "streets": grid_network(9, 50.0),
        "population": VectorLayer("population", OSAKA, OURS, population),
        "shelters": VectorLayer("shelters", OSAKA, OURS, shelters),
        "buildings": blocks(["412", "411", "401", "412", "402", "401"], [6, 2, 8, 3, 2, 1]),
        **layers,
    }
    return CityModel({"en": "test"}, OSAKA, (0, 0, SIDE, SIDE), {n: la for n, la in have.items() if la is not None})


def stage(city: CityModel | None, start: str = "2025-09-01T22:00:00+09:00", seed: int = 3, **section) -> StageInput:
    content = {
        "name": "t", "seed": seed, "start": start,
        "area": {"bbox": [0, 0, SIDE, SIDE], "crs": "EPSG:6674", "cell_size": 10},
        "evacuation": {"duration": 3600, "output_every": 600, **section},
    }  # fmt: skip
    scenario = validate_scenario(content, where="test")
    return StageInput(scenario, scenario.evacuation, scenario.area.grid(), city, InputFiles(Path(__file__).parent), {})


def run(given: StageInput):
    simulator = EvacuationSimulator()
    model = drive(simulator.prepare(given), 3600)
    return model, simulator.summarise(model)


def test_by_night_the_people_are_in_the_dwellings_and_by_day_where_they_work():
    night = EvacuationSimulator().prepare(stage(town()))
    day = EvacuationSimulator().prepare(stage(town(), start="2025-09-01T14:00:00+09:00"))
    assert len(night.start.place) == 200
    assert len(day.start.place) == 230
    at_night = np.bincount((night.spots[night.start.place, 0] // 50).astype(int), minlength=6)
    by_day = np.bincount((day.spots[day.start.place, 0] // 50).astype(int), minlength=6)
    assert at_night[2] == 0  # offices
    assert at_night[0] > at_night[3] > at_night[1] > 0  # six and three storeys of flats, a house
    assert by_day[2] > by_day[0]


def test_groups_are_those_of_the_squares():
    model = EvacuationSimulator().prepare(stage(town()))
    count = np.bincount(model.start.group, minlength=len(GROUPS))
    assert count[GROUPS.index("supported")] == 12
    assert count[2:4].sum() == 38
    assert count.sum() == 200


def test_a_square_that_the_area_cuts_keeps_its_share():
    cut = gpd.GeoDataFrame({"night": [400]}, geometry=[shapely.box(-400, 0, 400, 400)], crs=OSAKA.crs())
    model = EvacuationSimulator().prepare(stage(town(population=VectorLayer("population", OSAKA, OURS, cut))))
    assert len(model.start.place) == 200


def test_without_a_population_layer_people_come_from_floor_area_and_the_summary_says_so():
    model, products = run(stage(town(population=None)))
    assert products.summary["from_floor_area_count"] == products.summary["people_count"] == len(model.start.place)
    # 400 m2 x 0.82: flats 9 storeys x 0.028, house 2 x 0.023
    assert len(model.start.place) == pytest.approx(328 * (9 * 0.028 + 2 * 0.023), abs=1)


def test_only_who_is_in_the_zone_is_called_and_counted():
    west = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 200, 400)], crs=OSAKA.crs())
    city = town(zones=VectorLayer("zones", OSAKA, OURS, west))
    _, products = run(stage(city, zone="zones"))
    assert products.summary["people_count"] == 120
    assert products.tables["agents"]["x"].max() < 200
    far = gpd.GeoDataFrame(geometry=[shapely.box(-90, -90, -80, -80)], crs=OSAKA.crs())
    with pytest.raises(ScenarioError, match="nobody is in the zones of layer 'zones'"):
        run(stage(town(zones=VectorLayer("zones", OSAKA, OURS, far)), zone="zones"))


def test_only_shelters_that_are_fit_take_people_and_their_names_are_columns():
    model, _ = run(stage(town()))
    assert model.shelters.names == ("東", "西、")
    gauges = model.gauges()
    assert gauges["shelter:東"] + gauges["shelter:西、"] == gauges["safe"]
    assert {"waiting", "moving", "safe", "stranded", "dead", "queue"} <= set(gauges)


def test_tables_and_summary_agree_with_the_states():
    model, products = run(stage(town()))
    agents, shelters, links = (products.tables[name] for name in ("agents", "shelters", "links"))
    assert list(agents.columns) == [
        "agent", "group", "x", "y", "departure_s", "arrival_s", "shelter", "state", "cause", "level",
    ]  # fmt: skip
    safe = agents[agents["state"] == f.SAFE]
    assert len(safe) == products.summary["safe_count"] == shelters["load"].sum()
    assert (safe["arrival_s"] > safe["departure_s"]).all()
    assert np.isinf(agents.loc[agents["state"] != f.SAFE, "arrival_s"]).all()
    assert safe["shelter"].value_counts().to_dict() == dict(enumerate(shelters["load"]))
    assert len(links) == len(model.plan.given.links)
    assert links["passed"].sum() > 200
    assert products.summary["t50_s"] <= products.summary["t95_s"]
    assert products.tables["clearance"]["time_s"].is_monotonic_increasing
    for table in (shelters, links):
        assert table.crs == OSAKA.crs()


def test_fields_have_their_registered_sizes_and_are_relative_to_the_corner():
    from twin import field_spec

    model = EvacuationSimulator().prepare(stage(town()))
    drive(model, 700)
    fields = model.fields()
    for name, values in fields.items():
        size = 200 if field_spec(name).dims == ("agent",) else len(model.plan.given.links)
        assert values.shape == (size,)
    assert fields["x_agent"].min() > -10
    assert fields["x_agent"].max() < SIDE + 10
    assert fields["state_agent"].dtype == np.uint8
    # a few are between the street and a shelter's door
    moving = (fields["state_agent"] == f.MOVING).sum()
    assert 0.9 * moving <= fields["load_link"].sum() <= moving


def test_people_on_a_street_are_drawn_on_it():
    model = EvacuationSimulator().prepare(stage(town()))
    drive(model, 900)
    walking = np.flatnonzero(model.agents.phase == 1)
    xyz = model.positions()[walking]
    feature = model.streets.feature[model.agents.link[walking]]
    on_layer = feature < model.plan.n_features
    lines = model.plan.layer.links.geometry.to_numpy()[feature[on_layer]]
    away = shapely.distance(lines, shapely.points(xyz[on_layer, :2]))
    assert len(away) > 10
    assert away.max() <= 0.4 * 4.0 + 1e-9


def test_the_same_seed_gives_the_same_run_and_another_one_does_not():
    first, second, other = (run(stage(town(), seed=seed))[0] for seed in (3, 3, 4))
    np.testing.assert_array_equal(first.agents.arrival, second.agents.arrival)
    assert not np.array_equal(first.agents.arrival, other.agents.arrival)


def test_the_threads_do_not_matter():
    from numba import get_num_threads, set_num_threads

    threads = get_num_threads()
    try:
        set_num_threads(1)
        one = run(stage(town()))[0]
    finally:
        set_num_threads(threads)
    np.testing.assert_array_equal(one.agents.arrival, run(stage(town()))[0].agents.arrival)


def test_night_is_slower_and_later():
    night, day = (EvacuationSimulator().prepare(stage(town(), night=dark, column="night")) for dark in (True, False))
    assert night.start.speed.mean() == pytest.approx(0.8 * day.start.speed.mean(), rel=0.02)
    assert np.median(night.start.departure) - np.median(day.start.departure) == pytest.approx(300, abs=120)


def test_a_carer_of_the_same_house_goes_with_whom_he_supports():
    supported, man = GROUPS.index("supported"), GROUPS.index("man")
    people = People(
        *[np.zeros(2)] * 4, np.array([0, 0, 0, 1, 1], np.int32), np.array([supported, man, man, supported, 4]), 0
    )
    who, carer = pair_carers(people)
    assert who.tolist() == [0]
    assert carer[0] in (1, 2)


def test_pairs_leave_and_walk_together():
    model = EvacuationSimulator().prepare(stage(town()))
    supported = np.flatnonzero(model.start.group == GROUPS.index("supported"))
    same = [
        np.flatnonzero(
            (model.start.place == model.start.place[a])
            & (model.start.departure == model.start.departure[a])
            & (model.start.speed == model.start.speed[a])
        )
        for a in supported
    ]
    assert sum(len(group) >= 2 for group in same) >= 10


def test_shares_of_behaviour_are_met():
    section = EvacuationSection(duration=60, output_every=60, behaviour="low")
    departure = read_groups(section, None).draw_departures(
        np.zeros(20_000, np.int64), 600.0, 1.0, False, np.random.default_rng(0)
    )
    assert np.isinf(departure).mean() == pytest.approx(0.3, abs=0.01)
    finite = departure[np.isfinite(departure)]
    # two sevenths at 5 min, five sevenths at 15 min after the warning
    assert finite.mean() == pytest.approx(600 + (2 * 300 + 5 * 900) / 7, rel=0.02)


def test_people_go_upstairs_where_the_scenario_says_so():
    _, products = run(stage(town(), vertical={"share": 1.0, "storeys": 3}))
    agents = products.tables["agents"]
    up = agents[agents["level"] > 0]
    assert len(up) == products.summary["upstairs_count"] > 50
    assert (up["state"] == f.SAFE).all()
    assert (up["shelter"] == -1).all()
    assert up["level"].max() == 5  # above the ground floor of six storeys


def test_shelters_of_the_scenario_take_the_place_of_the_layer():
    model, _ = run(stage(town(shelters=None), shelters=[{"name": "丘", "at": [100, 100], "capacity": 40}]))
    assert model.gauges()["shelter:丘"] == 40


def test_a_floor_underground_empties_through_its_stairs_into_the_street():
    floors = gpd.GeoDataFrame(
        {"floor_id": ["B1"], "floor": [-1], "floor_height": [-4.0], "area_m2": [800.0], "volume_m3": [2400.0]},
        geometry=[shapely.box(90, 110, 130, 130)],
        crs=OSAKA.crs(),
    )
    entrances = gpd.GeoDataFrame(
        {
            "name": ["A", "B", "C"], "floor": [-1] * 3, "kind": ["stairs", "escalator", "elevator"],
            "step_height": [0.2, 0.3, 0.0], "width": [2.0, 2.0, 1.6], "ground_height": [1.0, 1.0, 1.0],
        },
        geometry=gpd.points_from_xy([90, 130, 110], [120, 118, 130]),
        crs=OSAKA.crs(),
    )  # fmt: skip
    city = town(
        underground=VectorLayer("underground", OSAKA, OURS, floors),
        entrances=VectorLayer("entrances", OSAKA, OURS, entrances),
    )
    simulator = EvacuationSimulator()
    given = stage(city, crowd=[{"floor": "B1", "people": 30}], behaviour="high")
    assert {"underground", "entrances"} <= set(simulator.needs(given.section))
    model = drive(simulator.prepare(given), 240)
    room = model.start.is_in_room
    assert room.sum() == 30
    xyz = model.positions()[room]
    assert shapely.contains_xy(shapely.box(89, 109, 131, 131), xyz[:, 0], xyz[:, 1]).sum() >= 20
    assert (xyz[:, 2] == -4.0).sum() >= 20
    restored = simulator.prepare(given)
    restored.load_state(model.state())
    for either in (model, restored):
        for minute in range(5, 41):
            drive(either, 60.0 * minute)
            assert either.budget()["relative_error"] == 0.0
    np.testing.assert_array_equal(model.agents.arrival, restored.agents.arrival)
    assert (model.states()[room] == f.SAFE).sum() >= 28
    agents = simulator.summarise(model).tables["agents"]
    assert shapely.contains_xy(floors.geometry[0], agents["x"][room], agents["y"][room]).all()


BAD = {
    "no city": (None, {}, "needs a city"),
    "no streets": (town(streets=None), {}, "no layer 'streets'"),
    "no column": (town(), {"column": "noon"}, "no column 'noon'"),
    "shelter outside": (town(), {"shelters": [{"name": "a", "at": [9000, 0], "capacity": 3}]}, "lies outside the area"),
    "closure outside": (town(), {"closures": [{"at": [-5, 0]}]}, "lies outside the area"),
    "no shelter fits": (town(), {"fit": "capacity", "shelters": "none"}, "no layer 'none'"),
    "no people, no buildings": (town(population=None, buildings=None), {}, "neither people"),
    "preset": (town(), {"hazard": {"life_loss": "optimism"}}, "preset 'optimism' does not exist"),
    "table missing": (town(), {"groups": "./none.yaml"}, "there is no file"),
    "population misspelt": (town(), {"population": "popultion"}, "evacuation.population: the city has no layer"),
    "terrain misspelt": (town(), {"terrain": "terrrain"}, "evacuation.terrain: the city has no layer 'terrrain'"),
    "fit misspelt": (town(), {"fit": "floood"}, "no column 'floood'"),
    "fit is text": (town(), {"fit": "name"}, "column 'name' holds no numbers"),
    "no floors": (town(), {"crowd": [{"floor": "B1", "people": 5}]}, "no layer 'underground'"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_ends_in_an_error_that_says_what_is_wrong(case):
    city, section, message = BAD[case]
    with pytest.raises(TwinError, match=message):
        EvacuationSimulator().prepare(stage(city, **section))


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"behaviour": {"direct": 0.5, "after_chores": 0.1, "when_water_comes": 0.1}}, "add up to 0.7"),
        ({"share": 1.2}, "less than or equal to 1"),
        ({"reroute_every": 0}, "is not positive"),
        ({"shelters": []}, "at least 1 item"),
        ({"shelters": [{"name": "a", "at": [1, 1], "capacity": -1}]}, "greater than or equal to 0"),
        ({"shelters": [{"name": "a", "at": [1, 1], "capacity": 1}] * 2}, "same name"),
        ({"closures": [{"at": [1, 1], "start": 60, "end": 30}]}, "not after start"),
        ({"warnings": {}}, "this key is unknown"),
    ],
)
def test_the_section_refuses_what_cannot_be(section, message):
    with pytest.raises(ScenarioError, match=message):
        stage(None, **section)


def test_more_people_than_memory_holds_are_refused_before_they_are_made():
    layer = town()["population"]
    crowded = replace(layer, table=layer.table.assign(night=[1e13, 80]))
    with pytest.raises(TwinError, match="GB of memory"):
        EvacuationSimulator().prepare(stage(town(population=crowded)))


@pytest.mark.parametrize(
    ("old", "new"), [("child: 0.11", "child: 0.9"), ("child: 0.11", "kid: 0.11"), ("sd: 0.0", "sd: -0.1")]
)
def test_a_table_of_groups_that_would_fail_in_a_draw_is_refused_when_it_is_read(tmp_path, old, new):
    text = (files("sim.evacuation") / "groups.yaml").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "own.yaml").write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ScenarioError, match=r"not of the form of groups\.yaml"):
        EvacuationSimulator().prepare(stage(town(), groups=str(tmp_path / "own.yaml")))


@pytest.mark.parametrize("value", [-3, np.nan, np.inf])
def test_a_capacity_that_cannot_be_is_named(value):
    layer = town()["shelters"]
    table = layer.table.assign(capacity=[100.0, value, 5.0])
    with pytest.raises(TwinError, match="row 1: capacity of '西,' is"):
        EvacuationSimulator().prepare(stage(town(shelters=replace(layer, table=table))))
