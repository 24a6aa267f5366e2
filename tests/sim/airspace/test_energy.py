from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml

from sim.airspace.energy import AIRCRAFT, GRAVITY, read_aircraft
from sim.airspace.trajectory import CLIMB, CRUISE, HOVER, Trajectory
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from pathlib import Path


def _flight(*points: tuple[float, float, float, float]) -> Trajectory:
    return Trajectory(np.array(points), np.full(len(points) - 1, CRUISE, dtype=np.uint8))


def test_the_reference_aircraft_has_the_powers_of_the_paper() -> None:
    # Zeng, Xu and Zhang 2019, table I: P0 = 79.86 W and Pi = 88.63 W; v0 = 4.03 m/s
    aircraft = read_aircraft()["reference"]
    assert aircraft.power(0.0) == pytest.approx(79.86 + 88.63, rel=1e-3)
    # beyond 20 m/s the induced power is Pi v0 / V: what is left is blades and drag
    v = 30.0
    drag = 0.5 * 0.6 * 1.225 * 0.05 * 0.503 * v**3
    assert aircraft.power(v) == pytest.approx(79.86 * (1 + 3 * v**2 / 120**2) + 88.63 * 4.03 / v + drag, rel=1e-3)


def test_power_falls_from_hover_to_a_least_and_rises_again() -> None:
    # the paper's figure 2: a least near 10 m/s
    aircraft = read_aircraft()["reference"]
    speeds = np.linspace(0.0, 30.0, 301)
    least = speeds[np.argmin(aircraft.power(speeds))]
    assert 9.0 < least < 12.0
    assert np.all(np.diff(aircraft.power(speeds[speeds > least + 0.2])) > 0)


def test_a_climb_costs_its_lift_and_a_descent_gives_nothing_back() -> None:
    aircraft = read_aircraft()["reference"]
    assert aircraft.power(5.0, 3.0) - aircraft.power(5.0) == pytest.approx(aircraft.mass * GRAVITY * 3.0)
    assert aircraft.power(5.0, -3.0) == aircraft.power(5.0)


def test_a_load_costs_power() -> None:
    aircraft = read_aircraft()["delivery"]
    assert np.all(np.diff(aircraft.power(10.0, 0.0, np.linspace(0.0, aircraft.payload, 20))) > 0)


def test_energy_is_power_over_time_to_a_ten_thousandth() -> None:
    aircraft = read_aircraft()["survey"]
    flight = _flight((0, 0, 0, 0), (0, 0, 60, 15), (1200, 0, 60, 115), (1200, 0, 60, 175))
    times = np.linspace(0, 175, 70_001)
    middle = 0.5 * (times[:-1] + times[1:])
    velocity = np.diff(flight.at(times), axis=0) / np.diff(times)[:, None]
    wind = np.array([-4.0, 3.0])
    airspeed = np.hypot(*(velocity[:, :2] - wind).T)
    load = np.where(middle < 115, 0.5, 0.0)
    expected = float(np.sum(aircraft.power(airspeed, velocity[:, 2], load) * np.diff(times))) / 3600.0
    found = aircraft.energy(flight, (-4.0, 3.0), [0.5, 0.5, 0.0]).sum()
    assert found == pytest.approx(expected, rel=1e-4)


def test_flying_against_the_wind_costs_more_than_with_it_and_hovering_in_wind_is_flying() -> None:
    aircraft = read_aircraft()["survey"]
    objective = aircraft.thriftiest((6.0, 0.0))
    east, west = objective.cost([[1000.0, 0.0, 0.0], [-1000.0, 0.0, 0.0]])
    assert west > 2.5 * east
    spot = Trajectory(np.array([[0.0, 0, 50, 0], [0.0, 0, 50, 3600]]), np.array([HOVER], dtype=np.uint8))
    assert aircraft.energy(spot, (6.0, 0.0)).sum() == pytest.approx(float(aircraft.power(6.0)))


def test_the_search_costs_what_the_flight_then_uses() -> None:
    aircraft = read_aircraft()["survey"]
    wind = (3.0, -2.0)
    thrifty = aircraft.thriftiest(wind, 0.5)
    for apart in ([800.0, 300.0, 0.0], [-500.0, 900.0, 0.0], [600.0, 0.0, 40.0]):
        seconds = float(aircraft.fastest(wind).seconds(apart)[0])
        flight = Trajectory(np.array([[0, 0, 0, 0], [*apart, seconds]]), np.array([CLIMB], dtype=np.uint8))
        assert thrifty.cost(apart)[0] == pytest.approx(aircraft.energy(flight, wind, 0.5).sum(), rel=1e-9)


@pytest.mark.parametrize("name", ["survey", "delivery"])
def test_the_classes_fly_for_as_long_as_such_aircraft_do(name: str) -> None:
    # multicopters of these sizes are sold with half an hour to an hour
    aircraft = read_aircraft()[name]
    assert 0.4 < aircraft.battery / float(aircraft.power(0.0)) < 1.1
    assert 0.3 < aircraft.battery / float(aircraft.power(aircraft.cruise_speed, 0.0, aircraft.payload)) < 1.1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"mass": -1.0}, "mass is -1.0"),
        ({"mass": "heavy"}, "mass is 'heavy'"),
        ({"efficiency": 1.4}, "efficiency is 1.4"),
        ({"wings": 2}, "has unknown wings"),
        ({"battery": None}, "battery is None"),
    ],
)
def test_a_table_of_aircraft_that_cannot_be_is_refused(tmp_path: Path, change: dict[str, object], message: str) -> None:
    entry = yaml.safe_load(AIRCRAFT.read_text(encoding="utf-8"))["survey"] | change
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({"mine": entry}), encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        read_aircraft(path)


@pytest.mark.parametrize(("text", "message"), [("[]", "no aircraft"), ("a: [", "cannot be read"), ("a: 3", "lacks")])
def test_a_file_that_is_no_table_of_aircraft_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        read_aircraft(path)
