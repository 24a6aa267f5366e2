"""Polygons with holes, anywhere in space, as triangles that keep the polygon's orientation."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.layer import PolygonMesh

__all__ = ["polygon_normals", "subdivide", "triangulate"]


def polygon_normals(mesh: PolygonMesh) -> NDArray[np.float64]:
    """Area vectors of the polygons' exterior rings (Newell's method), right-handed; length = area [m2].

    Returns
    -------
    ndarray (n_polygons, 3)
    """
    starts = mesh.ring_start
    sizes = np.diff(starts)
    following = np.arange(len(mesh.vertices)) + 1
    filled = sizes > 0
    following[starts[1:][filled] - 1] = starts[:-1][filled]
    # relative to a vertex near by: products of plane-rectangular coordinates lose all digits of a small wall
    local = mesh.vertices - np.repeat(mesh.vertices[np.minimum(starts[:-1], len(mesh.vertices) - 1)], sizes, axis=0)
    edge = 0.5 * np.cross(local, local[following]) if len(local) else np.zeros((0, 3))
    rings = np.zeros((len(sizes), 3))
    if filled.any():
        rings[filled] = np.add.reduceat(edge, starts[:-1][filled], axis=0)
    return np.asarray(rings[mesh.polygon_start[:-1]], dtype=np.float64)


def triangulate(
    mesh: PolygonMesh, which: NDArray[np.int64], normals: NDArray[np.float64] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Triangles of the polygons `which`.

    Parameters
    ----------
    mesh : PolygonMesh
    which : ndarray (n,)
        Polygon numbers.
    normals : ndarray (n_polygons, 3), optional
        From :func:`polygon_normals`.

    Returns
    -------
    triangles : ndarray (n_triangles, 3)
        Numbers of vertices of the mesh; counter-clockwise seen from where the polygon is.
    polygon : ndarray (n_triangles,)
        Polygon number of each triangle. A polygon without area has none.
    """
    normals = polygon_normals(mesh) if normals is None else normals
    which = which[np.linalg.norm(normals[which], axis=1) > 1e-6]
    rings = mesh.polygon_start[which + 1] - mesh.polygon_start[which]
    first = mesh.ring_start[mesh.polygon_start[which]]
    corners = mesh.ring_start[mesh.polygon_start[which] + 1] - first
    is_three, is_four = (rings == 1) & (corners == 3), (rings == 1) & (corners == 4)
    found = [first[is_three, None] + np.arange(3), *_quads(mesh, first[is_four], normals[which[is_four]])]
    owner = [which[is_three], which[is_four], which[is_four]]
    for polygon in which[~(is_three | is_four)]:
        triangles = _ears(mesh, int(polygon), normals[polygon])
        found.append(triangles)
        owner.append(np.full(len(triangles), polygon))
    triangles, polygons = np.concatenate(found), np.concatenate(owner)
    a, b, c = (mesh.vertices[triangles[:, k]] for k in range(3))
    turn = np.einsum("ij,ij->i", np.cross(b - a, c - a), normals[polygons])
    triangles[turn < 0] = triangles[turn < 0][:, [0, 2, 1]]
    keep = turn != 0
    return triangles[keep], polygons[keep]


def subdivide(
    vertices: NDArray[np.float64], triangles: NDArray[np.int64], longest: float
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Split until no edge is longer than `longest`; neighbours split a shared edge at the same point: no cracks.

    Parameters
    ----------
    vertices : ndarray (n, 2)
    triangles : ndarray (m, 3)
    longest : float
        [m]

    Returns
    -------
    vertices : ndarray (n', 2)
    triangles : ndarray (m', 3)
    parent : ndarray (m',)
        The triangle that each one came from.
    """
    parent = np.arange(len(triangles))
    while True:
        edges = np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=-1)  # (m, 3, 2): 0-1, 1-2, 2-0
        length = np.linalg.norm(vertices[edges[..., 0]] - vertices[edges[..., 1]], axis=-1)
        is_long = length > longest
        if not is_long.any():
            return vertices, triangles, parent
        keys, inverse = np.unique(np.sort(edges[is_long], axis=1), axis=0, return_inverse=True)
        middle = np.full(is_long.shape, -1, dtype=np.int64)
        middle[is_long] = len(vertices) + inverse.ravel()
        vertices = np.concatenate([vertices, vertices[keys].mean(axis=1)])
        triangles, parent = _split(triangles, middle, length, parent)


def _split(
    triangles: NDArray[np.int64], middle: NDArray[np.int64], length: NDArray[np.float64], parent: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """One round: 1, 2, 3 or 4 triangles for 0, 1, 2 or 3 split edges."""
    count = (middle >= 0).sum(axis=1)
    # turn each triangle so that its split edges come first: edge 0 for one, edges 0 and 1 for two
    start = np.where(count == 2, (np.argmin(middle >= 0, axis=1) + 1) % 3, np.argmax(middle >= 0, axis=1))
    turned = (start[:, None] + np.arange(3)) % 3
    t, m = np.take_along_axis(triangles, turned, axis=1), np.take_along_axis(middle, turned, axis=1)
    size = np.take_along_axis(length, turned, axis=1)
    a, b, c = t.T
    p, q, r = m.T
    parts: list[tuple[NDArray[np.bool_], tuple[NDArray[np.int64], ...]]] = [
        (count == 0, (a, b, c)),
        (count == 1, (a, p, c)),
        (count == 1, (p, b, c)),
        (count >= 2, (p, b, q)),
        (count == 3, (a, p, r)),
        (count == 3, (r, q, c)),
        (count == 3, (p, q, r)),
    ]
    # the quadrilateral a-p-q-c that two split edges leave is cut at the middle of its longer edge
    by_p = (count == 2) & (size[:, 0] >= size[:, 1])
    by_q = (count == 2) & ~by_p
    parts += [(by_p, (a, p, c)), (by_p, (p, q, c)), (by_q, (a, p, q)), (by_q, (a, q, c))]
    made = [np.stack([corner[mask] for corner in corners], axis=1) for mask, corners in parts]
    return np.concatenate(made), np.concatenate([parent[mask] for mask, _ in parts])


def _quads(
    mesh: PolygonMesh, first: NDArray[np.int64], normals: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two triangles a quadrilateral, cut along the diagonal that stays inside."""
    p = mesh.vertices[first[:, None] + np.arange(4)]

    def turn(i: int, j: int, k: int) -> NDArray[np.float64]:
        cross = np.cross(p[:, j] - p[:, i], p[:, k] - p[:, i])
        return np.asarray(np.einsum("ij,ij->i", cross, normals))

    is_02 = (np.minimum(turn(0, 1, 2), turn(0, 2, 3)) >= np.minimum(turn(1, 2, 3), turn(1, 3, 0)))[:, None]
    one = np.where(is_02, [0, 1, 2], [1, 2, 3])
    two = np.where(is_02, [0, 2, 3], [1, 3, 0])
    return first[:, None] + one, first[:, None] + two


def _ears(mesh: PolygonMesh, polygon: int, normal: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ear clipping (mapbox_earcut) in the coordinate plane that sees most of the polygon."""
    from mapbox_earcut import triangulate_float64

    rings = mesh.ring_start[mesh.polygon_start[polygon] : mesh.polygon_start[polygon + 1] + 1]
    axes = [axis for axis in range(3) if axis != int(np.argmax(np.abs(normal)))]
    points = mesh.vertices[rings[0] : rings[-1]][:, axes]
    ends = (rings[1:] - rings[0]).astype(np.uint32)
    local = np.ascontiguousarray(points - points[0])
    return np.asarray(triangulate_float64(local, ends).reshape(-1, 3), dtype=np.int64) + int(rings[0])
