from __future__ import annotations

import numpy as np
import pytest

from sim.airspace.airway import Airways
from sim.airspace.contingency import APPROACH, Escapes, find_escapes
from sim.airspace.energy import Aircraft, read_aircraft
from sim.airspace.errand import Flown
from sim.airspace.site import Site, enter
from sim.airspace.trajectory import CLIMB, CRUISE, DESCEND, Trajectory
from tests.sim.airspace.made_air import made_air, made_airways

WIND = (4.0, -2.0)
SURVEY = read_aircraft()["survey"]


@pytest.fixture(scope="module")
def airways() -> Airways:
    return made_airways(made_air(towers=tuple((row, 25, 90.0) for row in range(5, 35))))


def _flown(machine: Aircraft = SURVEY, load: float = 0.0) -> Flown:
    points = np.array(
        [[55.0, 205.0, 0.0, 0.0], [55.0, 205.0, 62.5, 20.0], [205.0, 205.0, 62.5, 40.0], [205.0, 205.0, 0.0, 65.0]]
    )
    trajectory = Trajectory(points, np.array([CLIMB, CRUISE, DESCEND], dtype=np.uint8))
    loads = np.full(3, load)
    return Flown(trajectory, loads, np.zeros(3, dtype=bool), machine.energy(trajectory, WIND, loads))


def _look(airways: Airways, *sites: Site, machine: Aircraft = SURVEY, reserve: float = 0.25) -> Escapes:
    (escapes,) = find_escapes([(_flown(machine), machine)], sites, airways, WIND, reserve)
    return escapes


def test_the_energy_is_that_of_the_best_path_to_the_site(airways: Airways) -> None:
    site = Site("A", "A", "ground", 405.0, 105.0, 0.0)
    escapes = _look(airways, site)
    thrifty = SURVEY.thriftiest(WIND)
    planner = airways.planner(0.0, 0.0, 1.0, thrifty)
    port = enter(planner.space, site.x, site.y, site.z)
    assert port is not None
    for time, energy in zip(escapes.time, escapes.energy, strict=True):
        place = _flown().trajectory.at(time)[0]
        start = enter(planner.space, *place)
        assert start is not None
        path = planner.optimal(start.cell, port.cell)
        assert path is not None
        down = thrifty.cost([[0.0, 0.0, port.z - port.entry]])[0]
        # a level is added for the climb within the first voxel
        assert energy == pytest.approx(path.cost + down + thrifty.cost([[0.0, 0.0, 5.0]])[0], rel=1e-3)


def test_every_corner_and_every_ten_seconds_are_looked_at(airways: Airways) -> None:
    escapes = _look(airways, Site("A", "A", "ground", 405.0, 105.0, 0.0))
    assert set(_flown().trajectory.points[:, 3]) <= set(escapes.time)
    assert np.diff(escapes.time).max() <= 10.0 + 1e-9


def test_the_nearer_site_is_taken_and_a_wall_between_makes_a_site_far(airways: Airways) -> None:
    behind, near = Site("A", "A", "ground", 405.0, 205.0, 0.0), Site("B", "B", "ground", 205.0, 305.0, 0.0)
    assert _look(airways, behind, near).site[-1] == 1
    open_plain = made_airways()
    assert _look(airways, behind).energy[-1] > 1.1 * _look(open_plain, behind).energy[-1]
    assert _look(airways, near).energy[-1] == pytest.approx(_look(open_plain, near).energy[-1])


def test_a_site_that_is_about_to_be_flooded_is_no_escape(airways: Airways) -> None:
    wet = Site("A", "A", "ground", 205.0, 305.0, 0.0, wet_from=APPROACH + 30.0)
    dry = Site("B", "B", "roof", 455.0, 105.0, 20.0)
    escapes = _look(airways, wet, dry)
    assert np.all(escapes.site[escapes.time < 29.0] == 0)
    assert np.all(escapes.site[escapes.time > 31.0] == 1)
    alone = _look(airways, wet)
    assert np.all(alone.site[alone.time > 31.0] == -1)
    assert np.all(np.isinf(alone.energy[alone.time > 31.0]))


def test_a_battery_that_reaches_nothing_with_its_reserve_is_flagged(airways: Airways) -> None:
    site = Site("A", "A", "ground", 405.0, 105.0, 0.0)
    plenty = _look(airways, site)
    needed = np.cumsum(np.r_[0.0, _flown().energy])[-1] + plenty.energy[-1]
    for share, is_reached in ((1.001, True), (0.999, False)):
        small = read_aircraft()["survey"]
        small = type(small)(**{n: getattr(small, n) for n in small.__slots__} | {"battery": needed * share / 0.75})
        assert (_look(airways, site, machine=small).site[-1] == 0) == is_reached


def test_without_sites_every_point_is_flagged(airways: Airways) -> None:
    assert np.all(_look(airways).site == -1)
