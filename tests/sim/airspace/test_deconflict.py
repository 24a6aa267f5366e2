from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.airspace.conflict import Traffic, find_conflicts
from sim.airspace.deconflict import Obstacle, Request, Reservations, plan_in_turn
from sim.airspace.separation import Separation
from sim.airspace.trajectory import CLIMB, CRUISE, DESCEND, GROUND, HOVER, Stop, Trajectory, fly
from tests.sim.airspace.made_air import random_traffic
from twin.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Callable

RULE = Separation(50.0, 15.0, 5.0)
SEEDS = st.integers(0, 2**32 - 1)


def _flights(n: int, seed: int, **given: float) -> list[Trajectory]:
    traffic = random_traffic(n, seed, **given)
    parts = [traffic.points[a:b] for a, b in zip(traffic.start[:-1], traffic.start[1:], strict=True)]
    return [Trajectory(p, np.full(len(p) - 1, CRUISE, dtype=np.uint8)).on_pads(20.0, 20.0) for p in parts]


def _just(trajectory: Trajectory | None) -> Callable[[Obstacle | None], Trajectory | None]:
    return lambda _: trajectory


def _line(y: float = 0.0, height: float = 60.0, start: float = 0.0) -> Trajectory:
    points = np.array([[-500.0, y, height, start], [500.0, y, height, start + 50.0]])
    return Trajectory(points, np.array([CRUISE], dtype=np.uint8))


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_what_is_planned_keeps_apart_start_and_landing_included(seed: int) -> None:
    flights = _flights(40, seed, side=1200.0, hour=120.0)
    requests = [Request(i % 3, (_just(flight),)) for i, flight in enumerate(flights)]
    decisions, left = plan_in_turn(requests, RULE, fastest=25.0)
    planned = [d.trajectory for d in decisions if d.trajectory is not None]
    assert len(left) == 0
    assert len(find_conflicts(Traffic.of(planned), RULE, brute=True)) == 0
    for flight, decision in zip(flights, decisions, strict=True):
        if decision.trajectory is None:
            assert decision.blocked_by is not None
        else:
            np.testing.assert_allclose(decision.trajectory.points[:, :3], flight.points[:, :3])
            assert decision.trajectory.start == pytest.approx(flight.start + decision.held)


def test_the_same_requests_give_the_same_plan_to_the_last_bit() -> None:
    flights = _flights(30, 3, side=900.0, hour=60.0)
    plans = [plan_in_turn([Request(0, (_just(f),)) for f in flights], RULE, fastest=25.0)[0] for _ in range(2)]
    for one, other in zip(*plans, strict=True):
        assert (one.held, one.way) == (other.held, other.way)


def test_the_higher_priority_goes_first_and_among_equals_the_earlier_request() -> None:
    ways = (_just(_line()),)
    decisions, _ = plan_in_turn([Request(0, ways), Request(5, ways), Request(0, ways)], RULE, fastest=25.0)
    assert decisions[1].held == 0.0
    assert 0.0 < decisions[0].held < decisions[2].held
    assert decisions[0].blocked_by is not None
    assert decisions[0].blocked_by.flight == 1


def test_a_flight_that_has_no_free_time_is_not_planned_and_told_what_is_in_its_way() -> None:
    hover = Trajectory(np.array([[0.0, 0.0, 60.0, 0.0], [0.0, 0.0, 60.0, 5000.0]]), np.array([HOVER], dtype=np.uint8))
    requests = [Request(1, (_just(hover),)), Request(0, (_just(_line(start=100.0)),))]
    decisions, left = plan_in_turn(requests, RULE, fastest=25.0, longest_hold=300.0)
    assert decisions[1].trajectory is None
    assert decisions[1].blocked_by is not None
    assert decisions[1].blocked_by.flight == 0
    assert abs(decisions[1].blocked_by.x) == pytest.approx(50.0, abs=1e-3)
    assert len(left) == 0


def test_a_higher_way_is_taken_when_waiting_takes_too_long() -> None:
    hover = Trajectory(np.array([[0.0, 0.0, 60.0, 0.0], [0.0, 0.0, 60.0, 500.0]]), np.array([HOVER], dtype=np.uint8))
    ways = (_just(_line(start=100.0)), _just(None), _just(_line(height=80.0, start=100.0)))
    decisions, _ = plan_in_turn([Request(1, (_just(hover),)), Request(0, ways)], RULE, fastest=25.0, patience=60.0)
    assert (decisions[1].way, decisions[1].held) == (2, 0.0)
    patient, _ = plan_in_turn([Request(1, (_just(hover),)), Request(0, ways)], RULE, fastest=25.0, patience=600.0)
    assert patient[1].way == 0
    assert 300.0 < patient[1].held <= 450.0


def test_the_hold_is_the_shortest_of_the_steps_that_is_free() -> None:
    table = Reservations(RULE, 25.0)
    table.add(_line(), 0)
    delays = np.arange(0.0, 60.0, 0.5)
    number, obstacle = table.free_delay(_line(), delays)
    # 20 m/s: 50 m are 2.5 s
    assert delays[number] in (2.5, 3.0)
    assert obstacle is not None
    assert obstacle.flight == 0


def test_times_at_which_a_way_may_not_be_flown_are_passed_over_and_decisions_are_told_in_turn() -> None:
    told: list[float] = []
    requests = [
        Request(0, (_just(_line(y=500.0 * i)),), lambda t: t.start >= 33.0, lambda d: told.append(d.held))
        for i in range(2)
    ]
    decisions, _ = plan_in_turn(requests, RULE, fastest=25.0, hold_step=5.0)
    assert [d.held for d in decisions] == [35.0, 35.0] == told


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_table_of_reservations_blocks_exactly_what_conflicts(seed: int) -> None:
    flights = _flights(25, seed, side=800.0, hour=100.0)
    table = Reservations(RULE, 25.0)
    for number, flight in enumerate(flights[:-1]):
        table.add(flight, number)
    chosen, _ = table.free_delay(flights[-1], np.zeros(1))
    conflicts = find_conflicts(Traffic.of(flights), RULE, brute=True)
    assert (chosen < 0) == (24 in conflicts.pair[:, 1])


def test_flying_takes_the_time_that_wind_climb_and_stops_take() -> None:
    from sim.airspace.objective import Objective

    objective = Objective(0.0, 1.0, airspeed=12.0, wind=(2.0, 0.0), climb_speed=4.0, descent_speed=2.0)
    stops = [Stop(0, 0, 0), Stop(0, 0, 40), Stop(280, 0, 40, 30.0), Stop(280, 0, 40), Stop(280, 0, 0)]
    trajectory, leaves = fly(stops, objective, start=5.0)
    np.testing.assert_allclose(trajectory.points[:, 3], [5.0, 15.0, 35.0, 65.0, 85.0])
    assert trajectory.phase.tolist() == [CLIMB, CRUISE, HOVER, DESCEND]
    np.testing.assert_allclose(leaves, [5.0, 15.0, 65.0, 65.0, 85.0])
    np.testing.assert_allclose(trajectory.at([0.0, 25.0, 99.0]), [[0, 0, 0], [140, 0, 40], [280, 0, 0]])
    pads = trajectory.on_pads(10.0, 20.0)
    assert (pads.start, pads.end) == (-5.0, 105.0)
    assert pads.phase[[0, -1]].tolist() == [GROUND, GROUND]
    np.testing.assert_array_equal(pads.airborne().points, trajectory.points)


def test_a_trajectory_that_goes_back_in_time_is_refused() -> None:
    with pytest.raises(SimulationError, match="point 1 is not later than point 0"):
        Trajectory(np.zeros((2, 4)), np.zeros(1, dtype=np.uint8))
    with pytest.raises(SimulationError, match="phases"):
        Trajectory(np.zeros((2, 4)), np.zeros(5, dtype=np.uint8))


def test_flights_a_whole_separation_apart_are_both_planned_without_waiting() -> None:
    requests = [Request(0, (_just(_line(height=height)),)) for height in (60.0, 75.0, 90.0)]
    decisions, left = plan_in_turn(requests, RULE, fastest=25.0)
    assert [d.held for d in decisions] == [0.0, 0.0, 0.0]
    assert len(left) == 0


def test_what_the_search_let_pass_the_exact_test_takes_off_the_later_flight(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Reservations, "free_delay", lambda *_: (0, None))
    requests = [Request(p, (_just(_line(y=y)),)) for p, y in ((0, 0.0), (3, 10.0), (1, 300.0), (0, 20.0))]
    decisions, left = plan_in_turn(requests, RULE, fastest=25.0)
    assert [d.trajectory is not None for d in decisions] == [False, True, True, False]
    assert decisions[0].blocked_by is not None
    assert decisions[0].blocked_by.flight == 1
    assert len(left) == 0
