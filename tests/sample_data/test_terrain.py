"""The terrain model."""

from __future__ import annotations

import numpy as np
import shapely

from sample_data.terrain import CREST, make_terrain
from sample_data.ward import place


def heights(sample, shape, every=4.0):
    west, south, east, north = shape.bounds
    x, y = np.meshgrid(np.arange(west, east, every), np.arange(south, north, every))
    inside = shapely.contains_xy(shape, x, y)
    return sample.terrain.at(x[inside], y[inside])


def test_the_same_seed_gives_the_same_heights(sample):
    np.testing.assert_array_equal(make_terrain(sample.plan, 7).z, sample.terrain.z)


def test_levees_stand_at_their_crest_all_along_the_river_above_the_harbour(sample):
    plan = sample.plan
    crest = plan.river.buffer(6.5).boundary.intersection(plan.area.buffer(-20.0)).difference(plan.sea.buffer(60.0))
    stops = [
        p for part in shapely.get_parts(crest) for p in (part.interpolate(s) for s in np.arange(0, part.length, 7.0))
    ]
    z = sample.terrain.at(np.array([p.x for p in stops]), np.array([p.y for p in stops]))
    assert np.min(z) > CREST - 0.3


def test_river_and_sea_beds_lie_where_ships_and_water_need_them(sample):
    channel = sample.plan.river_line.intersection(sample.plan.area.buffer(-10)).buffer(20.0)
    assert np.max(heights(sample, channel)) < -2.0
    sea = heights(sample, sample.plan.sea.intersection(sample.plan.area).difference(
        shapely.union_all([m.buffer(2.0) for m in sample.plan.breakwaters])), 10.0)  # fmt: skip
    assert sea.min() > -9.0
    assert np.percentile(sea, 99) < -2.5


def test_the_low_district_lies_between_minus_one_and_plus_half_a_metre(sample):
    low = shapely.Point(place(((690, 1110),))[0]).buffer(170.0)
    z = heights(sample, low)
    assert -1.4 < np.percentile(z, 5) < np.percentile(z, 95) < 0.5


def test_the_underpass_dips_to_minus_three_below_the_railway(sample):
    plan = sample.plan
    road = plan.road("潮路通")
    crossing = road.line.intersection(plan.railway)
    z = heights(sample, crossing.buffer(5.0), 1.0)
    assert -3.3 < z.min() < z.max() < -2.7
    assert sample.terrain.at(np.array([crossing.x]), np.array([crossing.y + 25.0]))[0] > 0.5


def test_ramps_climb_no_steeper_than_a_road_may(sample):
    for name, profile in sample.terrain.profiles.items():
        slope = np.abs(np.diff(profile.height) / np.diff(profile.station))
        assert slope.max() < 0.062, name


def test_streets_lie_a_little_below_the_lots(sample):
    blocks = shapely.union_all([b.outline for b in sample.plan.blocks])
    shapely.prepare(blocks)
    lower = []
    for road in [r for r in sample.plan.roads if r.is_local and r.line.length > 30]:
        a, b = road.line.interpolate(0.49, normalized=True), road.line.interpolate(0.51, normalized=True)
        normal = np.array([-(b.y - a.y), b.x - a.x]) / a.distance(b) * (road.width / 2 + 3.0)
        sides = [shapely.Point(a.x + k * normal[0], a.y + k * normal[1]) for k in (-1.0, 1.0)]
        if all(blocks.contains(side) for side in sides):
            z = sample.terrain.at(np.array([p.x for p in [a, *sides]]), np.array([p.y for p in [a, *sides]]))
            lower.append((z[1] + z[2]) / 2 - z[0])
    assert len(lower) > 100
    assert 0.08 < np.median(lower) < 0.25
