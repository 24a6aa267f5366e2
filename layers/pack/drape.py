"""Surfaces, lines and points laid on the terrain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from layers.pack.terrain import quantise
from layers.pack.triangulate import subdivide, triangulate
from twin.layer import PolygonMesh, Surface

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray
    from shapely import Geometry

    from layers.pack.terrain import Ground
    from twin.layer import MeshLayer

    Shapes: TypeAlias = Sequence[Geometry | None] | NDArray[np.object_]

__all__ = ["line_arrays", "point_arrays", "road_arrays", "surface_arrays"]

LIFT = 0.15
"""Height of a draped thing above the terrain [m]."""
LONGEST = 12.0
"""Longest edge of a draped triangle or line [m]: a street follows a river bank, and stays cheap."""
LONGEST_CELLS = 2.5
"""The same in cells of the terrain, where those are large: finer than the ground it lies on helps nobody."""

Arrays = dict[str, "NDArray[Any]"]


def surface_arrays(
    shapes: Shapes,
    classes: NDArray[np.uint8],
    origin: tuple[float, float],
    ground: Ground | None,
) -> Arrays:
    """Polygons on the terrain.

    Parameters
    ----------
    shapes : sequence of shapely geometry
        Polygons and multipolygons; anything else is left out.
    classes : ndarray of uint8 (n,)
        Class of each shape.
    origin : tuple of float
        Plane-rectangular place of the scene's (0, 0).
    ground : Ground or None
        None: at height 0.

    Returns
    -------
    dict
        ``positions`` f4 (nv, 3), ``indices`` u4, ``vclass`` u1 (nv,); what lies beyond the known terrain is left out.
    """
    import shapely

    parts, owner = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
    parts = shapely.make_valid(parts)
    parts, again = shapely.get_parts(parts, return_index=True)
    flat = (shapely.get_type_id(parts) == shapely.GeometryType.POLYGON) & (shapely.area(parts) > 0)
    mesh = _plan_mesh(parts[flat])
    triangles, polygons = triangulate(mesh, np.arange(mesh.n_polygons))
    return _draped(mesh.vertices[:, :2], triangles, classes[owner[again[flat]]][polygons], origin, ground)


def road_arrays(
    layer: MeshLayer, classes: NDArray[np.uint8], origin: tuple[float, float], ground: Ground | None
) -> Arrays:
    """Road surfaces on the terrain: the finest level of detail of each road.

    Parameters
    ----------
    layer : MeshLayer
        Roads.
    classes : ndarray of uint8 (n_features,)
        Class of each road.
    origin, ground
        As in :func:`surface_arrays`.
    """
    mesh = layer.mesh
    is_road = mesh.polygon_surface == Surface.ROAD
    best = np.full(len(layer.table), -1)
    np.maximum.at(best, mesh.polygon_feature[is_road], mesh.polygon_lod[is_road].astype(np.int64))
    which = np.flatnonzero(is_road & (mesh.polygon_lod == best[mesh.polygon_feature]))
    triangles, polygons = triangulate(mesh, which)
    owner = classes[mesh.polygon_feature[polygons]]
    return _draped(mesh.vertices[:, :2], triangles, owner, origin, ground)


def line_arrays(
    shapes: Shapes, classes: NDArray[np.uint8], origin: tuple[float, float], ground: Ground | None
) -> Arrays:
    """Lines on the terrain: ``positions`` f4 (nv, 3), ``segments`` u4 (ns, 2), ``vclass`` u1 (nv,)."""
    import shapely

    parts, owner = shapely.get_parts(np.asarray(shapes, dtype=object), return_index=True)
    is_line = np.isin(shapely.get_type_id(parts), (shapely.GeometryType.LINESTRING, shapely.GeometryType.LINEARRING))
    lines = shapely.segmentize(parts[is_line], _longest(ground))
    points, line = shapely.get_coordinates(lines, return_index=True)
    z = _height(points, ground) + LIFT
    joined = (line[1:] == line[:-1]) & np.isfinite(z[1:]) & np.isfinite(z[:-1])
    first = np.flatnonzero(joined)
    used, segments = np.unique(np.stack([first, first + 1], axis=1), return_inverse=True)
    positions = np.column_stack([points[used] - origin, z[used]])
    return {
        "positions": quantise(positions),
        "segments": segments.reshape(-1, 2).astype(np.uint32),
        "vclass": classes[owner[is_line]][line[used]],
    }


def point_arrays(
    xy: NDArray[np.float64],
    z: NDArray[np.float64],
    classes: NDArray[np.uint8],
    origin: tuple[float, float],
    ground: Ground | None,
) -> Arrays:
    """Points: ``positions`` f4 (n, 3), ``vclass`` u1 (n,); a point without a height (NaN) stands on the terrain."""
    known = np.nan_to_num(_height(xy, ground), nan=0.0)
    height = np.where(np.isfinite(z), z, known + LIFT)
    return {"positions": quantise(np.column_stack([xy - origin, height])), "vclass": classes}


def _draped(
    xy: NDArray[np.float64],
    triangles: NDArray[np.int64],
    classes: NDArray[np.uint8],
    origin: tuple[float, float],
    ground: Ground | None,
) -> Arrays:
    """Welded, subdivided and lifted; one vertex a place and class."""
    local = np.round((xy[triangles.ravel()] - origin) * 100) / 100
    points, corner = np.unique(local, axis=0, return_inverse=True)
    welded = corner.reshape(-1, 3)
    a, b, c = welded.T
    proper = (a != b) & (b != c) & (c != a)
    points, faces, parent = subdivide(points, welded[proper], _longest(ground))
    z = _height(points + origin, ground) + LIFT
    whole = np.isfinite(z[faces]).all(axis=1)
    faces, kind = faces[whole], classes[proper][parent[whole]].astype(np.int64)
    key, index = np.unique(faces * 256 + kind[:, None], return_inverse=True)
    vertex = key // 256
    faces = _facing_up(points, faces, index.reshape(-1, 3))
    return {
        "positions": quantise(np.column_stack([points[vertex], z[vertex]])),
        "indices": faces.ravel().astype(np.uint32),
        "vclass": (key % 256).astype(np.uint8),
    }


def _facing_up(points: NDArray[np.float64], faces: NDArray[np.int64], index: NDArray[np.int64]) -> NDArray[np.int64]:
    a, b, c = (points[faces[:, k]] for k in range(3))
    turn = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    out = index.copy()
    out[turn < 0] = index[turn < 0][:, [0, 2, 1]]
    return out


def _longest(ground: Ground | None) -> float:
    return LONGEST if ground is None else max(LONGEST, LONGEST_CELLS * ground.cell_size)


def _height(points: NDArray[np.float64], ground: Ground | None) -> NDArray[np.float64]:
    return np.zeros(len(points)) if ground is None else ground.at(points)


def _plan_mesh(polygons: NDArray[np.object_]) -> PolygonMesh:
    """Shapely polygons as flat arrays, z = 0."""
    import shapely

    rings, owner = shapely.get_rings(polygons, return_index=True)
    points, ring = shapely.get_coordinates(rings, return_index=True)
    closing = np.append(ring[1:] != ring[:-1], True) if len(ring) else np.zeros(0, dtype=bool)
    sizes = np.bincount(ring[~closing], minlength=len(rings))
    n = len(polygons)
    return PolygonMesh(
        vertices=np.column_stack([points[~closing], np.zeros(int((~closing).sum()))]),
        ring_start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        polygon_start=np.concatenate([[0], np.cumsum(np.bincount(owner, minlength=n))]).astype(np.int64),
        polygon_feature=np.arange(n),
        polygon_surface=np.full(n, Surface.OTHER, dtype=np.uint8),
        polygon_lod=np.zeros(n, dtype=np.uint8),
    )
