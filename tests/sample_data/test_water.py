"""Hazard depths, their polygons, and the contours that they are made of."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from sample_data.contour import area_above
from sample_data.hazards import hazard_layers
from sample_data.water import depth_rank
from twin.grid import Grid


@given(x=st.floats(30, 70), y=st.floats(30, 70), radius=st.floats(6, 25), cell=st.sampled_from([1.0, 2.0]))
def test_the_contour_of_a_cone_is_a_circle(x, y, radius, cell):
    grid = Grid.from_bounds((0, 0, 100, 100), cell)
    xx, yy = np.meshgrid(grid.x_cell, grid.y_cell)
    area = area_above(radius - np.hypot(xx - x, yy - y), grid, 0.0)
    circle = shapely.Point(x, y).buffer(radius, quad_segs=64)
    assert area.symmetric_difference(circle).area < 0.05 * cell * circle.length


def test_a_contour_keeps_islands_and_holes():
    grid = Grid.from_bounds((0, 0, 60, 60), 1.0)
    xx, yy = np.meshgrid(grid.x_cell, grid.y_cell)
    r = np.hypot(xx - 30, yy - 30)
    area = area_above(np.cos(r / 4.0), grid, 0.0)
    assert area.contains(shapely.Point(30, 30))
    assert not area.contains(shapely.Point(30 + 4 * np.pi, 30))
    assert area.contains(shapely.Point(30 + 4 * 2 * np.pi, 30))


def test_nothing_above_the_level_is_an_empty_area():
    grid = Grid.from_bounds((0, 0, 5, 5), 1.0)
    assert area_above(np.zeros(grid.shape), grid, 1.0).is_empty


@pytest.mark.parametrize(("depth", "rank"), [(0.0, 1), (0.499, 1), (0.5, 2), (2.999, 2), (3.0, 3), (5.0, 4), (25.0, 6)])
def test_rank_bounds_belong_to_the_deeper_class(depth, rank):
    assert depth_rank(depth) == rank


def test_buildings_and_polygons_tell_the_same_rank(sample):
    layers = hazard_layers(sample.plan, sample.waters)
    for number, name, hazard in ((1, "A31a_10", "river_planned"), (2, "A31a_20", "river_maximum")):
        table = layers[name].to_crs("EPSG:6674")
        ranks = table[f"A31a_{number}05"].to_numpy()
        agree = []
        for b in sample.buildings:
            c = b.outline.representative_point()
            depth = sample.waters[hazard].depth_at(c.x, c.y, b.base)
            hit = ranks[table.geometry.contains(c).to_numpy()]
            assert len(hit) <= 1
            agree.append((int(hit[0]) if len(hit) else 0) == (depth_rank(depth) if depth >= 0.01 else 0))
        assert np.mean(agree) > 0.93


def test_hazard_outlines_are_contours_not_squares(sample):
    for name, table in hazard_layers(sample.plan, sample.waters).items():
        xy = shapely.get_coordinates(table.to_crs("EPSG:6674").geometry.to_numpy())
        step = np.abs(np.diff(xy, axis=0))
        assert np.mean((step < 1e-3).any(axis=1)) < 0.1, name


def test_hazard_polygons_have_the_columns_of_a31a_and_stay_on_land(sample):
    for name, table in hazard_layers(sample.plan, sample.waters).items():
        x = name[5]
        assert list(table.columns) == [f"A31a_{x}0{k}" for k in range(1, 6)] + ["geometry"]
        assert table.crs.to_epsg() == 6668
        assert table.geometry.is_valid.all()
        assert table.to_crs("EPSG:6674").geometry.intersection(sample.plan.river).area.sum() < 5.0


def test_the_maximum_flood_is_nowhere_shallower_than_the_planned_one(sample):
    planned, maximum = sample.waters["river_planned"], sample.waters["river_maximum"]
    assert (maximum.depth >= planned.depth - 1e-9).all()


def test_no_hazard_reaches_the_levee_crest(sample):
    crest = sample.plan.river.buffer(6.0).boundary.difference(sample.plan.sea.buffer(80.0))
    stops = [part.interpolate(s) for part in shapely.get_parts(crest) for s in np.arange(0, part.length, 40.0)]
    for water in sample.waters.values():
        assert sum(water.depth_at(p.x, p.y, 4.4) for p in stops) == 0.0
