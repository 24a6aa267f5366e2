"""The buildings of the ward and their solids."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import shapely

from sample_data.citygml_brid import deck_faces
from sample_data.roofs import lod1_faces, lod2_faces, roof_height
from sample_data.ward import Kind


def test_footprints_do_not_overlap(sample):
    outlines = [b.outline for b in sample.buildings]
    assert all(shape.is_valid for shape in outlines)
    pairs = shapely.STRtree(outlines).query(outlines, predicate="intersects")
    shared = [outlines[i].intersection(outlines[j]).area for i, j in pairs.T if i < j]
    assert max(shared, default=0.0) < 0.01


def test_no_building_stands_on_a_road_in_the_water_or_on_the_levee(sample):
    plan = sample.plan
    outlines = [b.outline for b in sample.buildings]
    tree = shapely.STRtree(outlines)
    for shape in (plan.river, plan.sea, plan.levee, *(r.surface for r in plan.roads)):
        hit = [outlines[i].intersection(shape).area for i in tree.query(shape, predicate="intersects")]
        assert max(hit, default=0.0) < 0.05


def test_bases_lie_on_the_terrain(sample):
    c = [b.outline.representative_point() for b in sample.buildings]
    ground = sample.terrain.at(np.array([p.x for p in c]), np.array([p.y for p in c]))
    off = np.abs(np.array([b.base for b in sample.buildings]) - ground)
    assert np.median(off) < 0.05
    assert np.percentile(off, 99) < 0.3


def test_the_ward_has_the_size_and_mixture_that_it_promises(sample):
    kinds = Counter(b.kind for b in sample.buildings)
    assert 1500 <= len(sample.buildings) <= 2300
    assert kinds[Kind.OLD] > 300
    assert kinds[Kind.DANCHI] > 20
    assert 0.09 < np.mean([b.has_lod2 for b in sample.buildings]) < 0.16
    assert {b.roof for b in sample.buildings if b.has_lod2} == {"flat", "gable", "hip"}
    assert sum(60.0 <= b.eaves <= 150.0 for b in sample.buildings) >= 6
    assert max(b.eaves for b in sample.buildings) <= 150.0
    assert any(b.outline.interiors for b in sample.buildings)


def test_old_quarter_is_wooden_and_low(sample):
    old = [b for b in sample.buildings if b.kind is Kind.OLD]
    assert np.mean([b.structure == "601" for b in old]) > 0.7
    assert max(b.storeys for b in old) <= 3
    assert np.median([b.outline.area for b in old]) < 100.0


def test_podium_and_tower_share_a_number(sample):
    parts = [b for b in sample.buildings if b.branch is not None]
    assert parts
    assert all(count == 2 for count in Counter(b.building_id for b in parts).values())


def edges_of(faces):
    count: Counter[tuple[tuple[float, ...], tuple[float, ...]]] = Counter()
    for _, rings in faces:
        for ring in rings:
            points = [tuple(np.round(p, 6)) for p in ring]
            for a, b in zip(points, points[1:] + points[:1], strict=True):
                count[a, b] += 1
    return count


def volume_of(faces):
    """Divergence theorem over fans; holes run the other way round and take off their share."""
    origin = faces[0][1][0][0]
    return sum(
        np.dot(ring[0] - origin, np.cross(ring[k] - origin, ring[k + 1] - origin)) / 6.0
        for _, rings in faces
        for ring in rings
        for k in range(1, len(ring) - 1)
    )


def assert_closed(faces):
    edges = edges_of(faces)
    assert all(n == 1 and edges[b, a] == 1 for (a, b), n in edges.items())
    assert volume_of(faces) > 1.0


def test_every_block_is_a_closed_solid_of_the_right_volume(sample):
    for building in sample.buildings:
        faces = lod1_faces(building)
        assert_closed(faces)
        assert volume_of(faces) == pytest.approx(building.outline.area * building.lod1_height, rel=1e-3)


def test_every_lod2_solid_is_closed_and_its_faces_are_plane(sample):
    for building in (b for b in sample.buildings if b.has_lod2):
        faces = lod2_faces(building)
        assert_closed(faces)
        for _, rings in faces:
            p = np.vstack(rings)
            normal = np.linalg.svd(p - p.mean(axis=0))[2][2]
            assert np.abs((p - p.mean(axis=0)) @ normal).max() < 0.02


def test_bridge_decks_are_closed_solids(sample):
    for deck in sample.bridges:
        assert_closed(deck_faces(deck, is_block=False))
        assert_closed(deck_faces(deck, is_block=True))


def test_roof_height_lies_on_the_roof_faces(sample):
    for building in [b for b in sample.buildings if b.has_lod2 and b.roof != "flat"][:40]:
        corners = np.vstack([rings[0] for role, rings in lod2_faces(building) if role == "roof"])
        np.testing.assert_allclose(roof_height(building, corners[:, 0], corners[:, 1]), corners[:, 2], atol=1e-6)
