from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.airspace.conflict import Traffic, find_conflicts, predict_conflicts
from sim.airspace.intent import OVERLAP, Claims, Volume, find_volume_conflicts, intent_of
from sim.airspace.separation import Separation
from sim.airspace.trajectory import CRUISE, Trajectory
from tests.sim.airspace.made_air import random_traffic

RULE = Separation(50.0, 15.0, 5.0)
SEEDS = st.integers(0, 2**32 - 1)


def _reordered(traffic: Traffic, order: np.ndarray) -> Traffic:
    parts = [traffic.points[traffic.start[i] : traffic.start[i + 1]] for i in order]
    return Traffic(np.concatenate(parts), np.r_[0, np.cumsum([len(p) for p in parts])].astype(np.int64))


@settings(max_examples=40, deadline=None)
@given(SEEDS, st.integers(2, 60), st.sampled_from([600.0, 3000.0, 20000.0]))
def test_hashed_conflicts_are_those_of_every_pair_in_any_order(seed: int, n: int, side: float) -> None:
    traffic = random_traffic(n, seed, side=side)
    brute, hashed = find_conflicts(traffic, RULE, brute=True), find_conflicts(traffic, RULE)
    for name in ("pair", "first", "time", "horizontal", "vertical"):
        np.testing.assert_array_equal(getattr(hashed, name), getattr(brute, name))
    order = np.random.default_rng(seed).permutation(n)
    turned = find_conflicts(_reordered(traffic, order), RULE)
    pairs = np.unique(np.sort(order[turned.pair].reshape(-1, 2), axis=1), axis=0)
    np.testing.assert_array_equal(pairs, brute.pair)


@settings(max_examples=30, deadline=None)
@given(SEEDS)
def test_conflicts_are_where_the_flights_are_too_near_and_nowhere_else(seed: int) -> None:
    traffic = random_traffic(8, seed, side=800.0, hour=60.0)
    found = find_conflicts(traffic, RULE)
    told = {tuple(pair): row for row, pair in enumerate(found.pair.tolist())}
    for i in range(8):
        for j in range(i + 1, 8):
            a, b = (traffic.points[traffic.start[f] : traffic.start[f + 1]] for f in (i, j))
            times = np.linspace(max(a[0, 3], b[0, 3]), min(a[-1, 3], b[-1, 3]), 4000)
            if times[0] >= times[-1]:
                assert (i, j) not in told
                continue
            apart = np.stack(
                [np.interp(times, a[:, 3], a[:, c]) - np.interp(times, b[:, 3], b[:, c]) for c in range(3)]
            )
            flat, above = np.hypot(apart[0], apart[1]), np.abs(apart[2])
            if np.any((flat < RULE.horizontal - 1e-6) & (above < RULE.vertical - 1e-6)):
                assert (i, j) in told
            if (i, j) in told:
                row = told[i, j]
                assert found.horizontal[row] < RULE.horizontal + 1e-6
                assert found.vertical[row] < RULE.vertical + 1e-6
                near = flat[(above < RULE.vertical - 1e-6)]
                assert found.horizontal[row] <= near.min(initial=np.inf) + 1e-6
                place = [traffic.at(f, found.time[row]) for f in (i, j)]
                assert np.hypot(*(place[0] - place[1])[:2]) == pytest.approx(found.horizontal[row], abs=1e-6)


def _pair_of(offset: tuple[float, float, float, float]) -> Traffic:
    one = np.array([[0.0, 0.0, 60.0, 0.0], [1000.0, 0.0, 60.0, 100.0]])
    return Traffic(np.concatenate([one, one + np.array(offset)]), np.array([0, 2, 4], dtype=np.int64))


@pytest.mark.parametrize(
    ("offset", "is_conflict"),
    [
        ((0.0, 49.99, 0.0, 0.0), True),
        ((0.0, 50.01, 0.0, 0.0), False),
        ((0.0, 0.0, 14.99, 0.0), True),
        ((0.0, 0.0, 15.01, 0.0), False),
        ((0.0, 0.0, 0.0, 4.99), True),
        ((0.0, 0.0, 0.0, 5.01), False),
    ],
)
def test_a_centimetre_decides(offset: tuple[float, float, float, float], is_conflict: bool) -> None:
    for brute in (False, True):
        assert len(find_conflicts(_pair_of(offset), RULE, brute=brute)) == is_conflict


def test_flights_that_cross_at_different_heights_or_times_do_not_conflict() -> None:
    west_east = np.array([[-500.0, 0.0, 60.0, 0.0], [500.0, 0.0, 60.0, 50.0]])
    south_north = np.array([[0.0, -500.0, 60.0, 0.0], [0.0, 500.0, 60.0, 50.0]])
    start = np.array([0, 2, 4], dtype=np.int64)
    both = np.concatenate([west_east, south_north])
    met = find_conflicts(Traffic(both, start), RULE)
    assert met.time[0] == pytest.approx(25.0)
    assert met.horizontal[0] == pytest.approx(0.0, abs=1e-9)
    # they close at 20 sqrt(2) m/s: 50 m before they meet
    assert met.first[0] == pytest.approx(25.0 - 50.0 / (20.0 * np.sqrt(2.0)))
    for offset in ((0, 0, 20.0, 0), (0, 0, 0, 10.0)):
        assert not len(
            find_conflicts(Traffic(np.concatenate([west_east, south_north + np.array(offset)]), start), RULE)
        )


def _states(n: int, seed: int, side: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    velocity = np.c_[rng.normal(0, 10, (n, 2)), rng.choice([0.0, 0.0, -2.0, 3.0], n)]
    velocity[rng.random(n) < 0.2] = 0.0
    return np.c_[rng.uniform(0, side, (n, 2)), rng.uniform(0, 150, n)], velocity


@settings(max_examples=60, deadline=None)
@given(SEEDS, st.integers(2, 200), st.sampled_from([300.0, 3000.0, 30000.0]))
def test_tactical_detection_is_that_of_every_pair_in_any_order(seed: int, n: int, side: float) -> None:
    position, velocity = _states(n, seed, side)
    brute, hashed = (predict_conflicts(position, velocity, RULE, brute=flag) for flag in (True, False))
    for name in ("pair", "first", "time", "horizontal", "vertical"):
        np.testing.assert_array_equal(getattr(hashed, name), getattr(brute, name))
    order = np.random.default_rng(seed).permutation(n)
    turned = predict_conflicts(position[order], velocity[order], RULE)
    pairs = np.unique(np.sort(order[turned.pair].reshape(-1, 2), axis=1), axis=0)
    np.testing.assert_array_equal(pairs, brute.pair)


def test_more_conflicts_than_there_was_room_for_are_all_told() -> None:
    position = np.zeros((200, 3)) + np.linspace(0, 10, 200)[:, None]
    assert len(predict_conflicts(position, np.zeros((200, 3)), RULE)) == 200 * 199 // 2


def test_a_lookahead_that_ends_before_the_conflict_does_not_see_it() -> None:
    position = np.array([[0.0, 0.0, 50.0], [1000.0, 0.0, 50.0]])
    velocity = np.array([[10.0, 0.0, 0.0], [-10.0, 0.0, 0.0]])
    assert predict_conflicts(position, velocity, RULE, 48.0).first.tolist() == [47.5]
    assert not len(predict_conflicts(position, velocity, RULE, 47.0))


def _volume(x: float = 0.0, lower: float = 0.0, start: float = 0.0) -> Volume:
    return Volume(shapely.box(x, 0, x + 100, 100), lower, lower + 20, start, start + 60)


@pytest.mark.parametrize(
    ("other", "is_conflict"),
    [
        (_volume(x=100 - 2 * OVERLAP), True),
        (_volume(x=100 - 0.5 * OVERLAP), False),
        (_volume(x=100.0), False),
        (_volume(lower=20 - 2 * OVERLAP), True),
        (_volume(lower=20 - 0.5 * OVERLAP), False),
        (_volume(start=59.0), True),
        (_volume(start=60.0), False),
    ],
)
def test_volumes_conflict_only_when_they_overlap_by_more_than_a_centimetre(other: Volume, is_conflict: bool) -> None:
    for brute in (False, True):
        assert len(find_volume_conflicts([(_volume(),), (other,)], brute=brute)) == is_conflict
        assert len(find_volume_conflicts([(other,), (_volume(),)], brute=brute)) == is_conflict


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_indexed_volume_conflicts_are_those_of_every_pair(seed: int) -> None:
    traffic = random_traffic(12, seed, side=1500.0, hour=200.0)
    intents = [intent_of(flight, RULE) for flight in _flights(traffic)]
    expected = find_volume_conflicts(intents, brute=True)
    np.testing.assert_array_equal(find_volume_conflicts(intents), expected)
    turned = find_volume_conflicts(intents[::-1])
    np.testing.assert_array_equal(np.unique(np.sort(11 - turned, axis=1), axis=0), expected)


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_flights_whose_intents_are_apart_keep_the_separation(seed: int) -> None:
    traffic = random_traffic(10, seed, side=1000.0, hour=100.0)
    apart = {tuple(p) for p in find_conflicts(traffic, RULE).pair.tolist()}
    claimed = {tuple(p) for p in find_volume_conflicts([intent_of(f, RULE) for f in _flights(traffic)]).tolist()}
    assert apart <= claimed


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_claimed_air_is_refused_exactly_where_intents_conflict(seed: int) -> None:
    intents = [intent_of(flight, RULE) for flight in _flights(random_traffic(10, seed, side=1500.0, hour=200.0))]
    claims = Claims()
    assert claims.is_free(intents[-1])
    for intent in intents[:-1]:
        claims.add(intent)
    assert claims.is_free(intents[-1]) == (9 not in find_volume_conflicts(intents)[:, 1])


def test_an_intent_holds_its_flight_at_every_moment() -> None:
    (flight,) = _flights(random_traffic(1, 4))
    volumes = intent_of(flight, RULE)
    for time in np.linspace(flight.start, flight.end, 200):
        x, y, z = flight.at(time)[0]
        now = [v for v in volumes if v.start <= time <= v.end]
        assert any(v.lower <= z <= v.upper and v.outline.contains(shapely.Point(x, y)) for v in now)
        # with half the separation around it
        assert any(v.outline.buffer(1e-6).contains(shapely.Point(x, y).buffer(RULE.horizontal / 2)) for v in now)


def _flights(traffic: Traffic) -> list[Trajectory]:
    parts = [traffic.points[a:b] for a, b in zip(traffic.start[:-1], traffic.start[1:], strict=True)]
    return [Trajectory(p, np.full(len(p) - 1, CRUISE, dtype=np.uint8)) for p in parts]
