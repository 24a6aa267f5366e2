"""The ward in plan."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest
import shapely

from sample_data.plan import make_plan
from sample_data.ward import Kind


def fingerprint(plan):
    shapes = [b.outline for b in plan.blocks] + [r.line for r in plan.roads] + [s.outline for s in plan.sites]
    return hashlib.sha256(shapely.get_coordinates(shapes).tobytes()).hexdigest()


def test_the_same_seed_gives_the_same_plan(sample):
    assert fingerprint(make_plan(7)) == fingerprint(sample.plan)


def test_another_seed_gives_other_streets_and_the_same_coast(sample):
    other = make_plan(8)
    assert fingerprint(other) != fingerprint(sample.plan)
    assert other.sea.equals(sample.plan.sea)


def test_the_river_is_80_to_130_m_wide_where_it_runs_between_levees(sample):
    line = sample.plan.river_line.intersection(sample.plan.river)
    half = [
        sample.plan.river.boundary.distance(line.interpolate(s)) for s in np.arange(150.0, line.length - 100.0, 50.0)
    ]
    assert min(half) > 38.0
    assert max(half) < 65.0


def test_blocks_and_sites_keep_off_roads_water_and_railway(sample):
    plan = sample.plan
    closed = shapely.union_all([plan.sea, plan.river, plan.rail_corridor, *(r.surface for r in plan.main_roads)])
    land = [b.outline for b in plan.blocks] + [s.outline for s in plan.sites]
    # blocks are simplified by 0.1 m after they were cut
    assert max(shape.buffer(-0.3).intersection(closed).area for shape in land) == 0.0


def test_every_kind_of_district_occurs(sample):
    found = {block.kind for block in sample.plan.blocks} | {site.kind for site in sample.plan.sites}
    assert found == set(Kind)


@pytest.mark.parametrize("seed", [1, 23])
def test_blocks_of_other_seeds_do_not_overlap(seed):
    outlines = [b.outline.buffer(-0.2) for b in make_plan(seed).blocks]
    pairs = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    assert all(i == j for i, j in pairs.T)
