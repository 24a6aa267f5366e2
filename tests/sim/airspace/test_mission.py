from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from sim.airspace.airway import Airways
from sim.airspace.energy import read_aircraft
from sim.airspace.mission import draw_up
from sim.airspace.program import make_programme
from sim.airspace.site import Site, enter, read_sites
from sim.airspace.sweep import footprint, share_out, sweeps_over
from sim.airspace.zone import Restriction
from tests.sim.airspace.made_air import made_air, made_airways, made_section
from twin.city import CityModel
from twin.errors import ScenarioError
from twin.frame import OSAKA
from twin.layer import Provenance, VectorLayer

if TYPE_CHECKING:
    from sim.airspace.scenario import AirspaceSection

AIRCRAFT = read_aircraft()
SITES = (
    Site("A", "A", "ground", 35.0, 35.0, 0.0, wet_from=600.0),
    Site("B", "B", "roof", 465.0, 365.0, 0.0),
    Site("C", "C", "ground", 465.0, 35.0, 0.0),
)
CITY = CityModel({"en": "plain"}, OSAKA, (0.0, 0.0, 500.0, 400.0), {})
TOWERS = ((20, 20, 100.0), (21, 20, 100.0), (10, 33, 80.0))


def _drawn(section: AirspaceSection, airways: Airways, sites: tuple[Site, ...] = SITES) -> Any:
    return draw_up(section, CITY, airways, sites, AIRCRAFT, None)


@pytest.mark.parametrize(
    "area",
    [
        shapely.box(60, 60, 440, 340),
        shapely.Polygon([(60, 60), (440, 60), (440, 160), (180, 160), (180, 340), (60, 340)]),
        shapely.Polygon([(250, 30), (470, 200), (250, 370), (30, 200)]),
    ],
)
def test_sweeps_over_open_ground_are_seen_in_full(area: shapely.Polygon) -> None:
    airways = made_airways()
    section = made_section(missions=[{"kind": "survey", "name": "look", "area": list(area.exterior.coords)[:-1]}])
    programme = make_programme(_drawn(section, airways).errands, SITES, airways, section)
    seen = shapely.union_all(
        [footprint(f.flown, 70.0, np.zeros(len(f.flown.trajectory.points))) for f in programme.flights if f.flown]
    )
    assert seen.intersection(area).area / area.area > 0.99


def test_what_lies_below_closed_air_is_not_swept() -> None:
    classes = np.zeros((1, 30, 40, 50), dtype=np.uint8)
    classes[0, :, :, 25:] = Restriction.PROHIBITED
    airways = made_airways(made_air(classes=classes))
    lines = sweeps_over(shapely.box(60, 60, 440, 340), airways, 60.0, 50.0, 0.0, 10.0)
    assert max(max(a[0], b[0]) for a, b in lines) < 250.0
    assert min(min(a[0], b[0]) for a, b in lines) < 80.0


def test_sweeps_run_there_and_back_at_the_wanted_height_and_spacing() -> None:
    lines = sweeps_over(shapely.box(60, 60, 440, 340), made_airways(), 60.0, 56.0, 0.0, 10.0)
    assert len(lines) == 5
    directions = [np.sign(b[0] - a[0]) for a, b in lines]
    assert all(p == -q for p, q in pairwise(directions))
    assert {z for a, b in lines for z in (a[2], b[2])} == {62.5}
    assert np.all(np.abs(np.diff([a[1] for a, _ in lines])) <= 60.0 + 1e-9)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_all_sweeps_are_shared_out_and_every_sortie_is_within_the_battery(count: int) -> None:
    lines = sweeps_over(shapely.box(60, 60, 440, 340), made_airways(), 60.0, 20.0, 0.0, 10.0)
    machine, wind, home = AIRCRAFT["survey"], (3.0, 1.0), (35.0, 35.0, 0.0)
    usable = 20.0
    shares = share_out(lines, count, home, machine, wind, usable)
    assert len(shares) == count
    flown = [line for sorties in shares for sortie in sorties for line in sortie]
    length = [sum(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in part) for part in (lines, flown)]
    assert length[1] == pytest.approx(length[0])
    assert sum(len(sorties) for sorties in shares) > count
    thrifty = machine.thriftiest(wind)
    for sorties in shares:
        for sortie in sorties:
            stops = np.array([home, *(p for line in sortie for p in line), home])
            assert thrifty.cost(np.diff(stops, axis=0)).sum() <= usable


def test_planned_sorties_leave_the_reserve_and_one_aircraft_flies_one_after_the_other() -> None:
    airways = made_airways(made_air(towers=TOWERS))
    section = made_section(missions=[{"kind": "survey", "name": "look", "area": [(60, 60), (440, 60), (440, 340)],
                                      "overlap": 0.9, "count": 2, "turnaround": 100}], duration=7200)  # fmt: skip
    small = {"survey": _with(AIRCRAFT["survey"], battery=45.0)}
    plan = draw_up(section, CITY, airways, SITES, small, None)
    programme = make_programme(plan.errands, SITES, airways, section)
    assert len(plan.errands) > 2
    for flight in programme.flights:
        assert flight.flown is not None
        assert flight.flown.energy.sum() <= 0.75 * 45.0
        if flight.errand.follows >= 0:
            before = programme.flights[flight.errand.follows].flown
            assert before is not None
            assert flight.flown.trajectory.start >= before.trajectory.end + 100.0


def _with(machine: Any, **given: Any) -> Any:
    return type(machine)(**{name: getattr(machine, name) for name in machine.__slots__} | given)


def test_deliveries_go_round_all_places_from_one_dry_base_and_carry_their_load_there() -> None:
    airways = made_airways(made_air(towers=TOWERS))
    mission = {"kind": "delivery", "name": "food", "to": [(205, 195), (105, 305)], "trips": 2, "count": 2, "payload": 4}
    section = made_section(missions=[mission])
    plan = _drawn(section, airways)
    assert [e.target for e in plan.errands] == [0, 1, 0, 1]
    assert {e.base for e in plan.errands} <= {1, 2}
    assert len({e.base for e in plan.errands}) == 1
    assert [e.follows for e in plan.errands] == [-1, -1, 0, 1]
    programme = make_programme(plan.errands, SITES, airways, section)
    for flight in programme.flights:
        assert flight.flown is not None
        trajectory, target = flight.flown.trajectory, plan.targets[flight.errand.target]
        loaded = flight.flown.load > 0
        assert np.all(np.diff(loaded.astype(int)) <= 0)
        place = trajectory.points[np.flatnonzero(loaded)[-1] + 1, :3]
        np.testing.assert_allclose(place, (target.x, target.y, target.z))
    assert plan.targets[0].z == pytest.approx(110.0)
    assert plan.targets[1].z == pytest.approx(10.0)


def test_flights_keep_their_clearance_from_towers_and_their_band() -> None:
    air = made_air(towers=TOWERS)
    airways = made_airways(air)
    section = made_section(missions=[{"kind": "delivery", "name": "food", "to": [(105, 205)], "base": "C"}])
    plan = _drawn(section, airways)
    (flight,) = make_programme(plan.errands, SITES, airways, section).flights
    assert flight.flown is not None
    trajectory = flight.flown.trajectory
    along = trajectory.at(np.linspace(trajectory.start, trajectory.end, 2000))
    for row, col, top in TOWERS:
        west, south = 10.0 * col, 400.0 - 10.0 * (row + 1)
        outside = np.maximum(np.abs(along[:, :2] - [west + 5, south + 5]) - 5.0, 0.0)
        distance = np.sqrt((outside**2).sum(axis=1) + np.maximum(along[:, 2] - top, 0.0) ** 2)
        assert distance.min() >= 5.0
    cruising = along[np.hypot(*(along[:, :2] - along[0, :2]).T) > 15.0]
    away = np.hypot(*(cruising[:, :2] - [105, 205]).T) > 15.0
    assert cruising[away, 2].min() >= 30.0
    assert cruising[away, 2].max() <= 150.0


@pytest.mark.parametrize(
    ("mission", "sites", "given", "reason"),
    [
        ({"to": [(105, 205)]}, SITES[:1], {}, "no_site"),
        ({"to": [(105, 205)], "base": "A"}, SITES, {}, "wet"),
        ({"to": [(105, 205)], "base": "C", "start": 3590}, SITES, {}, "late"),
        ({"to": [(105, 205)], "base": "C"}, SITES, {"planning": {"reserve": 0.99}}, "energy"),
    ],
)
def test_a_flight_that_cannot_be_is_not_planned_and_says_why(
    mission: dict[str, Any], sites: tuple[Site, ...], given: dict[str, Any], reason: str
) -> None:
    wet = tuple(_with(site, wet_from=60.0) if site.id == "A" else site for site in sites)
    section = made_section(missions=[{"kind": "delivery", "name": "food", **mission}], **given)
    airways = made_airways(None, **given)
    (flight,) = make_programme(_drawn(section, airways, wet).errands, wet, airways, section).flights
    assert (flight.flown, flight.reason) == (None, reason)


def test_closed_air_over_target_base_or_between_is_told_apart() -> None:
    def planned(closed: tuple[slice, slice]) -> str:
        classes = np.zeros((1, 30, 40, 50), dtype=np.uint8)
        classes[0, :, *closed] = Restriction.PROHIBITED
        airways = made_airways(made_air(classes=classes))
        section = made_section(missions=[{"kind": "delivery", "name": "food", "to": [(105, 205)], "base": "C"}])
        (flight,) = make_programme(_drawn(section, airways).errands, SITES, airways, section).flights
        return flight.reason

    assert planned((slice(15, 25), slice(5, 15))) == "closed_target"
    assert planned((slice(35, 40), slice(44, 50))) == "closed_site"
    assert planned((slice(None), slice(30, 32))) == "no_path"
    assert planned((slice(0, 2), slice(0, 2))) == ""


def test_a_flight_waits_until_a_zone_on_its_way_opens() -> None:
    classes = np.zeros((2, 30, 40, 50), dtype=np.uint8)
    classes[0, :, :, 30:32] = Restriction.PROHIBITED
    air = made_air(classes=classes, slices=[0.0, 400.0, 1e9])
    airways = made_airways(air)
    mission = {"kind": "delivery", "name": "food", "to": [(105, 205)], "base": "C"}
    section = made_section(missions=[mission])
    plan = _drawn(section, airways)
    # no air on the way is open all the time
    (flight,) = make_programme(plan.errands, SITES, airways, section).flights
    assert flight.flown is not None
    assert 300.0 < flight.held < 400.0
    assert airways.is_open_along(flight.flown.trajectory)
    assert not airways.is_open_along(flight.flown.at(20.0).trajectory)
    impatient = made_section(missions=[mission], planning={"longest_hold": 200})
    (late,) = make_programme(plan.errands, SITES, Airways(air, impatient), impatient).flights
    assert (late.flown, late.reason) == (None, "no_path")


def test_flights_by_volumes_claim_air_that_nobody_else_enters() -> None:
    from sim.airspace.intent import find_volume_conflicts, intent_of

    airways = made_airways()
    missions = [{"kind": "delivery", "name": "food", "to": [(105, 205), (105, 305), (205, 105)], "count": 3}]
    counts = {}
    for by in ("trajectories", "volumes"):
        section = made_section(missions=missions, separation={"by": by})
        flights = make_programme(_drawn(section, airways).errands, SITES, airways, section).flights
        flown = [f.flown.trajectory.on_pads(20.0, 20.0) for f in flights if f.flown is not None]
        assert len(flown) == 3
        counts[by] = len(find_volume_conflicts([intent_of(t, section.separation.rule()) for t in flown]))
    assert counts["volumes"] == 0 < counts["trajectories"]


def test_sites_of_the_scenario_stand_on_ground_or_roof() -> None:
    air = made_air(towers=((39, 4, 33.0),))
    section = made_section(
        sites=[
            {"id": "g", "at": (45, 5)},
            {"id": "r", "at": (45, 5), "kind": "roof"},
            {"id": "h", "at": (9, 9), "height": 7},
        ]
    )
    sites = read_sites(None, section.sites, air, None, 0.1)
    assert [site.z for site in sites] == [0.0, 33.0, 7.0]
    assert all(site.is_dry(1e9) for site in sites)
    port = enter(made_airways(air).open_air(0.0, 0.0, 1.0), 45.0, 5.0, 33.0)
    assert port is not None
    assert port.entry >= 33.0 + 10.0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"missions": [{"kind": "delivery", "name": "f", "to": [(9999, 0)]}]}, r"\(9999.*outside the area"),
        ({"missions": [{"kind": "delivery", "name": "f"}]}, "the city has no layer 'shelters'"),
        ({"missions": [{"kind": "delivery", "name": "f", "to": [(9, 9)], "aircraft": "kite"}]}, "no aircraft 'kite'"),
        ({"missions": [{"kind": "delivery", "name": "f", "to": [(9, 9)], "payload": 50}]}, "50.0 kg are more"),
        ({"missions": [{"kind": "delivery", "name": "f", "to": [(9, 9)], "base": "Z"}]}, "no landing site 'Z'"),
        ({"missions": [{"kind": "survey", "name": "s"}]}, "no flood is computed before"),
        ({"missions": [{"kind": "survey", "name": "s", "area": [(0, 0), (9, 9), (9, 0), (0, 9)]}]}, "not valid"),
        ({"wind": {"speed": 11.9}}, "wind of 11.9 m/s is more"),
        ({"sites": [{"id": "a", "at": (9, 9)}, {"id": "a", "at": (9, 9)}]}, "share an id: a"),
        ({"sites": [{"id": "a", "at": (-9, 9)}]}, "lies outside the area"),
    ],
)
def test_a_mission_that_cannot_be_is_refused(given: dict[str, Any], message: str) -> None:
    section = made_section(**given)
    with pytest.raises(ScenarioError, match=message):
        _prepare(section)


def _prepare(section: AirspaceSection) -> None:
    air = made_air()
    sites = read_sites(None, section.sites, air, None, 0.1)
    _drawn(section, Airways(air, section), sites or SITES)


def _city_with(name: str, table: gpd.GeoDataFrame) -> CityModel:
    return CITY.with_layer(VectorLayer(name, OSAKA, Provenance("test", "CC0"), table))


def test_a_survey_may_take_its_area_from_a_layer() -> None:
    zone = shapely.box(100, 100, 300, 300)
    city = _city_with("zones", gpd.GeoDataFrame({"rank": ["1", "2"]}, geometry=[zone, shapely.box(600, 0, 900, 90)]))
    section = made_section(missions=[{"kind": "survey", "name": "look", "area": "zones", "smallest": 100}])
    drawn = draw_up(section, city, made_airways(), SITES, AIRCRAFT, None)
    assert drawn.areas["look"].symmetric_difference(zone).area < 0.05 * zone.area


def test_supplies_go_only_to_the_places_that_are_named() -> None:
    points = [shapely.Point(100, 300), shapely.Point(300, 300), shapely.Point(400, 100)]
    city = _city_with("shelters", gpd.GeoDataFrame({"name": ["a", "b", "c"]}, geometry=points))
    mission = {"kind": "delivery", "name": "food", "to": "shelters", "which": "all", "only": ["b", "c"]}
    drawn = draw_up(made_section(missions=[mission]), city, made_airways(), SITES, AIRCRAFT, None)
    assert [(target.x, target.y) for target in drawn.targets] == [(300.0, 300.0), (400.0, 100.0)]
    with pytest.raises(ScenarioError, match="has no nowhere in the area"):
        draw_up(made_section(missions=[mission | {"only": ["nowhere"]}]), city, made_airways(), SITES, AIRCRAFT, None)
