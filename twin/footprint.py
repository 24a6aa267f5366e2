"""Plan outlines of features, and polygons burnt onto a grid."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from twin.layer import Surface

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from twin.grid import Grid
    from twin.layer import MeshLayer, PolygonMesh

__all__ = ["burn", "cover_fraction", "footprints", "polygons_of"]


def polygons_of(mesh: PolygonMesh, which: NDArray[np.int64]) -> NDArray[np.object_]:
    """Plan polygons (x, y) of the mesh polygons `which`, holes kept; None where a ring has fewer than three vertices.

    Parameters
    ----------
    mesh : PolygonMesh
    which : ndarray (n,)
        Polygon numbers.

    Returns
    -------
    ndarray of shapely geometry (n,)
    """
    import shapely

    first, last = mesh.polygon_start[which], mesh.polygon_start[which + 1]
    rings = _ranges(first, last)
    owner = np.repeat(np.arange(len(which)), last - first)
    is_exterior = np.zeros(len(rings), dtype=bool)
    is_exterior[np.cumsum(last - first) - (last - first)] = True
    sizes = mesh.ring_start[rings + 1] - mesh.ring_start[rings]
    usable = sizes >= 3
    points = _ranges(mesh.ring_start[rings][usable], mesh.ring_start[rings + 1][usable])
    out = np.full(len(which), None, dtype=object)
    if not usable.any():
        return out
    linear = shapely.linearrings(
        mesh.vertices[points, :2], indices=np.repeat(np.arange(int(usable.sum())), sizes[usable])
    )
    exterior = linear[is_exterior[usable]]
    exterior_owner = owner[usable][is_exterior[usable]]
    holes, hole_owner = linear[~is_exterior[usable]], owner[usable][~is_exterior[usable]]
    out[exterior_owner] = shapely.polygons(exterior)
    for polygon in np.unique(hole_owner):
        if out[polygon] is not None:
            out[polygon] = shapely.polygons(shapely.get_exterior_ring(out[polygon]), holes[hole_owner == polygon])
    return out


@lru_cache(maxsize=8)
def footprints(layer: MeshLayer) -> NDArray[np.object_]:
    """Plan outline of every feature: LOD0 footprint, else roof edge, else ground surface, else the union of its faces.

    Returns
    -------
    ndarray of shapely geometry (n_features,)
        Valid polygons or multipolygons; None for a feature without geometry.
    """
    import shapely

    mesh, n = layer.mesh, len(layer.table)
    out = np.full(n, None, dtype=object)
    for surfaces in (
        (Surface.FOOTPRINT,),
        (Surface.ROOF_EDGE,),
        (Surface.GROUND,),
        (Surface.SOLID, Surface.ROOF, Surface.OTHER, Surface.ROAD),
    ):
        missing = np.array([g is None for g in out], dtype=bool)
        if not missing.any():
            break
        which = np.flatnonzero(np.isin(mesh.polygon_surface, surfaces) & missing[mesh.polygon_feature])
        polygons = polygons_of(mesh, which)
        present = np.array([p is not None for p in polygons], dtype=bool)
        polygons = shapely.make_valid(polygons[present])
        flat = shapely.area(polygons) > 0
        polygons, owner = polygons[flat], mesh.polygon_feature[which][present][flat]
        order = np.argsort(owner, kind="stable")
        cuts = np.flatnonzero(np.diff(owner[order])) + 1
        for group in np.split(order, cuts) if len(order) else []:
            out[owner[group[0]]] = polygons[group[0]] if len(group) == 1 else shapely.union_all(polygons[group])
    return out


def burn(shapes: Sequence[Geometry | None], grid: Grid) -> NDArray[np.int32]:
    """Number of the shape that holds each cell centre, -1 where none does; a later shape wins.

    Returns
    -------
    ndarray of int32 (ny, nx)
    """
    from affine import Affine
    from rasterio.features import rasterize

    pairs = [(shape, number) for number, shape in enumerate(shapes) if shape is not None and not shape.is_empty]
    if not pairs:
        return np.full(grid.shape, -1, dtype=np.int32)
    burnt = rasterize(pairs, out_shape=grid.shape, transform=Affine(*grid.affine), fill=-1, dtype="int32")
    return np.asarray(burnt, dtype=np.int32)


def cover_fraction(shapes: Sequence[Geometry | None], grid: Grid, oversample: int = 4) -> NDArray[np.float32]:
    """Share of each cell that the shapes cover, counted on a grid `oversample` times finer.

    Returns
    -------
    ndarray of float32 (ny, nx), 0 to 1
    """
    from twin.grid import Grid as _Grid

    fine = _Grid(
        (grid.shape[0] * oversample, grid.shape[1] * oversample),
        grid.cell_size / oversample,
        grid.west,
        grid.north,
        grid.frame,
    )
    inside = burn(shapes, fine) >= 0
    ny, nx = grid.shape
    return np.asarray(inside.reshape(ny, oversample, nx, oversample).mean(axis=(1, 3)), dtype=np.float32)


def _ranges(first: NDArray[np.int64], last: NDArray[np.int64]) -> NDArray[np.int64]:
    """Concatenate ``arange(first[i], last[i])``."""
    sizes = last - first
    offset = np.repeat(first - (np.cumsum(sizes) - sizes), sizes)
    return offset + np.arange(int(sizes.sum()), dtype=np.int64)
