from __future__ import annotations

import sys

import numpy as np
import pytest

from layers.plane import find_planes
from twin import LayerError


def roof() -> tuple[np.ndarray, np.ndarray]:
    """A gable roof of two faces and some chimneys' worth of noise, far from the origin; and whose point is whose."""
    rng = np.random.default_rng(1)
    x, y = rng.uniform(-5, 5, 3000), rng.uniform(-8, 8, 3000)
    z = 10 - 0.6 * np.abs(x) + rng.normal(0, 0.02, 3000)
    z[:60] += rng.uniform(1, 3, 60)
    return np.column_stack([x - 53000, y - 146000, z]), np.where(np.arange(3000) < 60, -1, (x > 0).astype(int))


@pytest.mark.pointcloud
def test_the_two_faces_of_a_roof_are_found_with_their_slope() -> None:
    pytest.importorskip("open3d", reason="extra pointcloud is not installed")
    xyz, face = roof()
    planes = find_planes(xyz, tolerance=0.1, least=300)
    assert len(planes) == 2
    for plane in planes:
        assert np.linalg.norm(plane.normal) == pytest.approx(1)
        assert abs(plane.normal[0] / plane.normal[2]) == pytest.approx(0.6, abs=0.02)
        assert np.abs(xyz[plane.points] @ plane.normal - plane.offset).max() <= 0.1 + 1e-6
        assert plane.normal[2] > 0
        share = np.bincount(face[plane.points] + 1, minlength=3) / len(plane.points)
        assert share.max() > 0.9
    assert len(np.intersect1d(planes[0].points, planes[1].points)) == 0


@pytest.mark.pointcloud
def test_the_same_seed_gives_the_same_planes() -> None:
    pytest.importorskip("open3d", reason="extra pointcloud is not installed")
    xyz, _ = roof()
    one, two = find_planes(xyz, seed=5), find_planes(xyz, seed=5)
    assert [p.offset for p in one] == [p.offset for p in two]


def test_without_the_extra_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open3d", None)
    with pytest.raises(LayerError, match=r"osaka-twin\[pointcloud\]"):
        find_planes(np.zeros((5, 3)))


@pytest.mark.parametrize(
    ("xyz", "tolerance", "least"),
    [
        (np.zeros((5, 2)), 0.1, 3),
        (np.full((5, 3), np.nan), 0.1, 3),
        (np.zeros((5, 3)), 0.0, 3),
        (np.zeros((5, 3)), 0.1, 2),
    ],
)
def test_unusable_arguments_are_refused(xyz: np.ndarray, tolerance: float, least: int) -> None:
    with pytest.raises(LayerError, match="find_planes"):
        find_planes(xyz, tolerance=tolerance, least=least)
