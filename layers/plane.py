"""Flat parts of point clouds: roof faces, walls, decks. Needs the extra `pointcloud` (open3d)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Plane", "find_planes"]


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """A flat part of a cloud: a roof face, a wall, a deck.

    Parameters
    ----------
    normal : ndarray (3,)
        Unit vector, never downward.
    offset : float
        ``normal . p = offset`` for points p of the plane [m].
    points : ndarray of int (k,)
        Rows of the cloud that lie on it.
    """

    normal: NDArray[np.float64]
    offset: float
    points: NDArray[np.int64]


def find_planes(
    xyz: NDArray[np.float64], *, tolerance: float = 0.15, least: int = 100, most: int = 20, seed: int = 0
) -> list[Plane]:
    """Planes in a cloud by repeated RANSAC (Fischler & Bolles 1981), the largest first. Needs the extra `pointcloud`.

    Parameters
    ----------
    xyz : ndarray (n, 3)
        Points [m], e.g. those of one building.
    tolerance : float
        Largest distance of a point from its plane [m].
    least : int
        Fewest points of a plane.
    most : int
        Most planes.
    seed : int
        Of the random draws.

    Raises
    ------
    LayerError
        If open3d is not installed or an argument is out of range.
    """
    if not (tolerance > 0 and least >= 3 and xyz.ndim == 2 and xyz.shape[1] == 3 and np.isfinite(xyz).all()):
        raise LayerError(
            f"tolerance {tolerance} m, least {least} points, cloud of shape {xyz.shape}",
            where="find_planes",
            remedy="Give finite points (n, 3), a positive tolerance and at least 3 points a plane.",
        )
    try:
        import open3d
    except ImportError as error:
        raise LayerError(
            "open3d is not installed", where="find_planes", remedy="Install osaka-twin[pointcloud]."
        ) from error
    open3d.utility.random.seed(seed)
    middle = xyz.mean(axis=0) if len(xyz) else np.zeros(3)
    left = np.arange(len(xyz))
    planes: list[Plane] = []
    while len(left) >= least and len(planes) < most:
        cloud = open3d.geometry.PointCloud(open3d.utility.Vector3dVector(xyz[left] - middle))
        # probability 1: all draws are tried, so the outcome does not depend on which thread is first
        model, _ = cloud.segment_plane(distance_threshold=tolerance, ransac_n=3, num_iterations=1000, probability=1.0)
        plane = _refined(xyz, left, middle, np.asarray(model, dtype=np.float64), tolerance)
        if len(plane.points) < least:
            break
        planes.append(plane)
        left = np.setdiff1d(left, plane.points, assume_unique=True)
    return planes


def _refined(
    xyz: NDArray[np.float64],
    left: NDArray[np.int64],
    middle: NDArray[np.float64],
    model: NDArray[np.float64],
    tolerance: float,
) -> Plane:
    """The least-squares plane of the points near `model`, and the points near that one."""
    local = xyz[left] - middle
    normal, offset = model[:3] / np.linalg.norm(model[:3]), -model[3] / np.linalg.norm(model[:3])
    for _ in range(3):
        near = local[np.abs(local @ normal - offset) <= tolerance]
        if len(near) < 3:
            break
        normal = np.linalg.svd(near - near.mean(axis=0), full_matrices=False)[2][2]
        offset = float(normal @ near.mean(axis=0))
    if normal[2] < 0:
        normal, offset = -normal, -offset
    members = left[np.abs(local @ normal - offset) <= tolerance]
    return Plane(normal, float(offset + normal @ middle), members)
