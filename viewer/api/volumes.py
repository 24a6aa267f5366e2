"""Volumes of the air as triangles: a polygon between two heights, above sea level or above the ground."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from layers.pack import surface_arrays
from layers.pack.terrain import quantise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from layers.pack import Ground

__all__ = ["OPEN_TOP", "coarse_ground", "volume_arrays"]

OPEN_TOP = 150.0
"""Height above the ground up to which a volume without an upper limit is drawn [m]: below it drones fly without a
permit for the height (Civil Aeronautics Act of Japan, Article 132-85, and its Ordinance, Article 236-71)."""
LEAST = 1.0
"""Thickness of a volume whose limits coincide [m]."""
COARSE = 30.0
"""Cell of the ground that volumes follow [m]: a finer one gives more triangles than anybody sees."""

Arrays = dict[str, "NDArray[Any]"]


def coarse_ground(ground: Ground | None) -> Ground | None:
    """The ground at cells of about :data:`COARSE`, sea level where nothing is known."""
    if ground is None:
        return None
    factor = max(1, round(COARSE / ground.cell_size))
    ny, nx = (-(-size // factor) for size in ground.z.shape)
    z = np.pad(
        ground.z,
        ((0, ny * factor - ground.z.shape[0]), (0, nx * factor - ground.z.shape[1])),
        constant_values=np.nan,
    )
    blocks = z.reshape(ny, factor, nx, factor).astype(np.float64)
    known = np.isfinite(blocks)
    mean = np.where(known, blocks, 0.0).sum(axis=(1, 3)) / np.maximum(known.sum(axis=(1, 3)), 1)
    return replace(ground, z=mean.astype(np.float32), cell_size=ground.cell_size * factor)


def volume_arrays(
    shapes: Sequence[Any] | NDArray[np.object_],
    lower: NDArray[np.float64],
    upper: NDArray[np.float64],
    lower_above_ground: NDArray[np.bool_],
    upper_above_ground: NDArray[np.bool_],
    bounds: tuple[float, float, float, float],
    origin: tuple[float, float],
    ground: Ground | None,
) -> Arrays:
    """Faces and edges of volumes.

    Parameters
    ----------
    shapes : sequence of shapely geometry (n,)
        Polygons in the city's frame; cut at `bounds`.
    lower, upper : ndarray (n,)
        Limits [m]; an infinite upper one is drawn up to :data:`OPEN_TOP` above the ground.
    lower_above_ground, upper_above_ground : ndarray of bool (n,)
        Whether a limit counts from the ground instead of T.P.
    bounds : tuple of float
        west, south, east, north of what is shown.
    origin : tuple of float
        Plane-rectangular place of the scene's (0, 0).
    ground : Ground or None
        From :func:`coarse_ground`.

    Returns
    -------
    dict
        ``positions`` f4 (nv, 3), ``indices`` u4, ``item`` u4 (nv,) number of the volume, ``edges`` u4 (ne, 2)
        outlines at both limits.
    """
    area = shapely.box(*bounds)
    points: list[NDArray[np.float64]] = []
    faces: list[NDArray[np.int64]] = []
    edges: list[NDArray[np.int64]] = []
    items: list[NDArray[np.int64]] = []
    offset = 0
    for row, shape in enumerate(shapes):
        cut = None if shape is None else shapely.make_valid(shape).intersection(area)
        if cut is None or cut.is_empty:
            continue
        base = ground if lower_above_ground[row] else None
        open_top = not np.isfinite(upper[row])
        top_base = ground if open_top or upper_above_ground[row] else None
        top = OPEN_TOP if open_top else float(upper[row])
        top = max(top, float(lower[row]) + LEAST) if base is top_base else top
        for part in (
            _lid(cut, top, origin, top_base),
            _lid(cut, float(lower[row]), origin, base),
            _walls(cut, float(lower[row]), top, origin, base, top_base),
        ):
            own, triangles, outline = part
            points.append(own)
            faces.append(triangles + offset)
            edges.append(outline + offset)
            items.append(np.full(len(own), row))
            offset += len(own)
    if not points:
        points, faces, edges = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], [np.zeros((0, 2), np.int64)]
        items = [np.zeros(0, np.int64)]
    return {
        "positions": quantise(np.concatenate(points)),
        "indices": np.concatenate(faces).ravel().astype(np.uint32),
        "edges": np.concatenate(edges).astype(np.uint32),
        "item": np.concatenate(items).astype(np.uint32),
    }


Part = tuple["NDArray[np.float64]", "NDArray[np.int64]", "NDArray[np.int64]"]


def _lid(shape: Any, height: float, origin: tuple[float, float], ground: Ground | None) -> Part:
    none = np.zeros((0, 2), np.int64)
    if ground is None:
        return *_flat(shape, height, origin), none
    arrays = surface_arrays([shape], np.zeros(1, dtype=np.uint8), origin, ground)
    own = arrays["positions"].astype(np.float64)
    own[:, 2] += height
    return own, arrays["indices"].reshape(-1, 3).astype(np.int64), none


def _flat(shape: Any, height: float, origin: tuple[float, float]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """A level lid: as few triangles as its corners need."""
    from mapbox_earcut import triangulate_float64

    points, faces, offset = [np.zeros((0, 3))], [np.zeros((0, 3), np.int64)], 0
    for part in shapely.get_parts(shape):
        if part.geom_type != "Polygon":
            continue
        rings = [np.asarray(ring.coords)[:-1, :2] - origin for ring in (part.exterior, *part.interiors)]
        ends = np.cumsum([len(ring) for ring in rings]).astype(np.uint32)
        flat = np.concatenate(rings)
        found = np.asarray(triangulate_float64(flat, ends), dtype=np.int64).reshape(-1, 3)
        points.append(np.column_stack([flat, np.full(len(flat), height)]))
        faces.append(found + offset)
        offset += len(flat)
    return np.concatenate(points), np.concatenate(faces)


def _walls(
    shape: Any,
    lower: float,
    upper: float,
    origin: tuple[float, float],
    low_ground: Ground | None,
    high_ground: Ground | None,
) -> Part:
    longest = 2.5 * max((g.cell_size for g in (low_ground, high_ground) if g is not None), default=1e6)
    rings = shapely.segmentize(shapely.get_rings(shapely.get_parts(shape)), longest)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    z = [
        height + (0.0 if ground is None else np.nan_to_num(ground.at(xy), nan=0.0))
        for height, ground in ((lower, low_ground), (upper, high_ground))
    ]
    n = len(xy)
    own = np.concatenate([np.column_stack([xy - origin, np.broadcast_to(level, n)]) for level in z])
    first = np.flatnonzero(ring[1:] == ring[:-1])
    low, high = np.stack([first, first + 1], axis=1), np.stack([first, first + 1], axis=1) + n
    quads = np.concatenate(
        [
            np.column_stack([low[:, 0], low[:, 1], high[:, 1]]),
            np.column_stack([low[:, 0], high[:, 1], high[:, 0]]),
        ]
    )
    return own, quads, np.concatenate([low, high])
