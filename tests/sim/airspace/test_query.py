from __future__ import annotations

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import shapely
from scipy.ndimage import map_coordinates

from sim.airspace.compiler import AirspaceOptions, CompiledAirspace, EmergencyArea, compile_airspace
from sim.airspace.schedule import is_active
from sim.airspace.zone import AirRule, Reference, Restriction
from tests.sim.airspace.air_town import (
    AREA,
    HORIZON,
    SOUTH,
    START,
    WEST,
    buildings,
    outlines,
    polygon,
    town,
    whole_town,
    zone_row,
    zones,
)
from twin import GEOGRAPHIC, OSAKA, Grid, ScenarioError

GRID = Grid.from_bounds(AREA, 5.0)
OPTIONS = AirspaceOptions(
    granted=("did",), emergency=(EmergencyArea(polygon((200, 100), (260, 100), (230, 160)), 600.0, 7200.0),)
)


@pytest.fixture(scope="module")
def air() -> CompiledAirspace:
    return compile_airspace(whole_town(), GRID, start=START, horizon=HORIZON, options=OPTIONS)


def draw(n: int, seed: int, top: float = 200.0) -> tuple[np.ndarray, ...]:
    rng = np.random.default_rng(seed)
    x, y = rng.uniform(AREA[0], AREA[2], n), rng.uniform(AREA[1] + 1e-6, AREA[3], n)
    return x, y, rng.uniform(-2.0, top, n), rng.uniform(0, HORIZON, n)


def ground_of(air: CompiledAirspace, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    row, col = (GRID.north - y) / 5.0 - 0.5, (x - GRID.west) / 5.0 - 0.5
    return map_coordinates(air.ground.astype(float), [row, col], order=1, mode="nearest")


class Oracle:
    """Every rule tried on every point with shapely and the calendar: slow and plain."""

    def __init__(self, air: CompiledAirspace, x: Any, y: Any, z: Any, t: Any) -> None:
        self.air, self.x, self.y, self.z, self.t = air, x, y, z, t
        self.ground = ground_of(air, x, y)
        points = shapely.points(x, y)
        shapes, tops = np.array(outlines()), buildings().table["top"].to_numpy()
        flat = shapely.distance(points[:, None], shapes[None])
        up = np.maximum(z[:, None] - tops, 0.0)
        self.away = np.hypot(flat, up).min(axis=1)
        # from inside a house's air shaft or walls the distance is zero: that is its inside
        self.in_house = (self.away == 0.0) & ((flat == 0.0) & (up == 0.0)).any(axis=1)
        self.unsure = np.zeros(len(x), dtype=bool)

    def holds(self, rule: AirRule) -> np.ndarray:
        points = shapely.points(self.x, self.y)
        if rule.kind == "near_object":
            return self._sure(30.0 - self.away) > 0
        if rule.kind == "obstacle":
            return self.in_house | (self._sure(self.ground - self.z) > 0)
        if rule.circle is not None:
            away = np.hypot(self.x - rule.circle[0], self.y - rule.circle[1])
            inside = (self._sure(rule.circle[2] - away) >= 0) & (self._sure(away - rule.circle[3]) >= 0)
        else:
            inside = shapely.contains(rule.footprint, points)
            self._sure(shapely.distance(shapely.boundary(rule.footprint), points))
        low = rule.lower + self.ground * (rule.lower_reference is Reference.AGL)
        if rule.slope is not None:
            low = rule.slope.at(self.x, self.y)
        high = rule.upper + self.ground * (rule.upper_reference is Reference.AGL)
        inside &= (self._sure(self.z - low) >= 0) & (self._sure(high - self.z) >= 0)
        if rule.kind == "height_limit":
            inside &= ~((self.away < 30.0) & ~self.in_house)
        centre = shapely.centroid(rule.footprint)
        lon, lat, _ = GEOGRAPHIC.from_(OSAKA, centre.x, centre.y)
        for k in np.flatnonzero(inside):
            moment = START + timedelta(seconds=float(self.t[k]))
            inside[k] = is_active(rule.schedule, moment, lon=float(lon), lat=float(lat)) and (
                rule.window is None or rule.window[0] <= self.t[k] < rule.window[1]
            )
        return inside

    def _sure(self, margin: np.ndarray) -> np.ndarray:
        self.unsure |= np.abs(margin) < 1e-4
        return margin


def test_answers_are_those_of_trying_every_rule(air: CompiledAirspace) -> None:
    places = draw(4000, 1)
    answers = air.query_many(*places)
    oracle = Oracle(air, *places)
    expected = np.column_stack([oracle.holds(rule) for rule in air.rules])
    found = np.zeros_like(expected)
    found[np.repeat(np.arange(4000), np.diff(answers.start)), answers.number] = True
    sure = ~oracle.unsure
    assert sure.mean() > 0.95
    assert (found[sure] == expected[sure]).all()
    # each rule that can be met at all is met by some of the points, and missed by others
    seen = {rule.kind for rule, hit in zip(air.rules, expected.T, strict=True) if hit.any() and not hit.all()}
    assert seen >= {"geozone", "did", "airport", "no_fly_yellow", "emergency", "night", "near_object", "obstacle"}


def test_the_severest_restriction_leaves_out_what_is_granted(air: CompiledAirspace) -> None:
    answers = air.query_many(*draw(3000, 2))
    for point in range(3000):
        rules = [air.rules[k] for k in answers.at(point)]
        worst = max((r.restriction for r in rules if not r.is_granted), default=Restriction.NO_RESTRICTION)
        assert answers.severest[point] == worst
    assert any(rule.is_granted for rule in air.rules)


def test_one_question_is_answered_with_source_authority_and_permission(air: CompiledAirspace) -> None:
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, WEST + 300, SOUTH + 150)
    at_noon = {f.identifier: f for f in air.query(float(lon), float(lat), 60.0, 0.0)}
    in_the_evening = {f.identifier: f for f in air.query(float(lon), float(lat), 60.0, 1.5 * 3600)}
    assert "HELI" not in at_noon
    assert in_the_evening["HELI"].restriction is Restriction.PROHIBITED
    assert in_the_evening["HELI"].authority == "港湾局"
    assert not {"S1-yellow-300", "emergency-0"} & set(in_the_evening)
    district = at_noon["did-0"]
    assert district.is_granted
    assert (district.permission, district.authority) == ("permission", "国土交通大臣")
    assert "航空法 第132条の85" in district.source
    assert district.name["en"] == "Densely inhabited district"


def test_heights_above_ground_and_sea_mean_the_same_place(air: CompiledAirspace) -> None:
    x, y, height, t = draw(2000, 3)
    lon, lat, _ = GEOGRAPHIC.from_(OSAKA, x, y)
    back_x, back_y, _ = OSAKA.from_(GEOGRAPHIC, lon, lat)
    inside = (back_x >= AREA[0]) & (back_x < AREA[2]) & (back_y > AREA[1]) & (back_y <= AREA[3])
    lon, lat, height, t = lon[inside], lat[inside], np.abs(height[inside]), t[inside]
    low = ground_of(air, back_x[inside], back_y[inside])
    above_ground = air.query_lonlat(lon, lat, height, t, "AGL")
    above_sea = air.query_lonlat(lon, lat, height + low, t, "AMSL")
    assert above_ground.number.tolist() == above_sea.number.tolist()
    assert above_ground.height_agl == pytest.approx(height, abs=1e-3)
    with pytest.raises(ScenarioError, match="'FL' is no reference of heights"):
        air.query_lonlat(lon, lat, height, t, "FL")


def test_an_answer_does_not_depend_on_its_company(air: CompiledAirspace) -> None:
    x, y, z, t = draw(150_000, 4)  # more than one chunk
    together = air.query_many(x, y, z, t)
    for point in (0, 131_071, 131_072, 149_999):
        alone = air.query_many(x[point], y[point], z[point], t[point])
        assert alone.number.tolist() == together.at(point).tolist()
    assert together.start[-1] == len(together.number)


def test_the_end_of_the_scenario_can_be_asked_for(air: CompiledAirspace) -> None:
    at_end = air.query_many(WEST + 150, SOUTH + 100, 210.0, HORIZON)
    assert "height_limit" in {air.rules[k].kind for k in at_end.number}


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((WEST - 1, SOUTH + 10, 5.0, 0.0), "1 of 1 points lie outside"),
        ((WEST + 10, SOUTH + 10, np.nan, 0.0), "1 of 1 points lie outside"),
        ((WEST + 10, np.nan, 5.0, 0.0), "1 of 1 points lie outside"),
        ((WEST + 10, SOUTH + 10, 5.0, HORIZON + 1), "times reach"),
        ((WEST + 10, SOUTH + 10, 5.0, np.nan), "times reach"),
    ],
)
def test_what_lies_outside_is_refused(air: CompiledAirspace, place: tuple[float, ...], message: str) -> None:
    with pytest.raises(ScenarioError, match=message):
        air.query_many(*place)


def test_near_a_tall_house_the_height_limit_does_not_hold() -> None:
    heights = [6.0] * 20
    heights[0] = 160.0
    city = town().with_layer(buildings(heights))
    air = compile_airspace(city, GRID, start=START, horizon=60.0)
    roof = shapely.centroid(outlines()[0])
    top = float(buildings(heights).table["top"][0])

    def kinds(east: float, z: float) -> set[str]:
        return {air.rules[k].kind for k in air.query_many(roof.x + east, roof.y, z, 0.0).number}

    assert "height_limit" not in kinds(9 + 29.0, top - 5.0)
    assert "height_limit" in kinds(9 + 31.0, top - 5.0)
    assert "height_limit" not in kinds(0.0, top + 29.0)
    assert "height_limit" in kinds(0.0, top + 31.0)


def test_a_place_with_nothing_at_all_has_no_rule() -> None:
    city = town(zones(zone_row("A", polygon((0, 0), (50, 0), (0, 50)), "PROHIBITED")))
    air = compile_airspace(city, GRID, start=START, horizon=60.0)
    answers = air.query_many([WEST + 20, WEST + 250], [SOUTH + 5, SOUTH + 5], [90.0, 90.0], 0.0)
    assert [answers.at(0).size, answers.at(1).size] == [1, 0]
    assert answers.severest.tolist() == [Restriction.PROHIBITED, Restriction.NO_RESTRICTION]
