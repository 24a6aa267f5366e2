"""A terrain from the bases of buildings, for a city whose data brings no elevation model.

What it is: PLATEAU's LOD1 blocks stand on the ground that the survey found below them, so their lowest heights are
scattered samples of the terrain, dense where the city is dense. What it is not: it knows nothing of river banks,
levees, embankments and quays between the buildings, and nothing of water. It is good enough for a first simulation of
built-up lowland and for nothing else; use an elevation model wherever there is one.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError
from twin.footprint import burn, footprints
from twin.grid import Grid
from twin.layer import Access, MeshLayer, Provenance, RasterLayer, VectorLayer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from shapely import Geometry

    from layers.bounds import Bounds
    from twin.frame import Frame

__all__ = ["read_building_bases", "sound_bases", "terrain_from_bases"]

NEIGHBOURS = 12
"""Buildings around one that its base is compared with."""

TOLERANCE = 1.5
"""Departure from the neighbours' median [m] that is always taken for ground: a terrace, a slope between them."""

DEVIATIONS = 4.0
"""Departure in units of the neighbours' own scatter (1.4826 times the median absolute deviation) that still is."""

_MAD_TO_SIGMA = 1.4826
"""Standard deviation over median absolute deviation of a normal distribution."""


def terrain_from_bases(
    buildings: MeshLayer,
    grid: Grid,
    *,
    layer_id: str = "terrain",
    reach: float = 150.0,
    outside: float | None = None,
    land: Sequence[Geometry] | None = None,
    smooth: float = 1.0,
    tolerance: float = TOLERANCE,
) -> RasterLayer:
    """Ground on `grid` from the bases of `buildings`.

    Bases that stand off from their neighbours' median (podiums, decks, viaducts: :func:`sound_bases`) are rejected.
    Between the others the ground is linear on their Delaunay triangles, beyond their hull it is that of the nearest
    one; then it is smoothed. Where no base lies within `reach` nothing is known.

    Parameters
    ----------
    buildings : MeshLayer
        Column ``base`` [m T.P.].
    grid : Grid
        In the frame of the buildings.
    layer_id : str
    reach : float
        Distance from the nearest accepted base within which the ground counts as known [m].
    outside : float or None
        Level of the rest [m T.P.], e.g. the sea bed's; None leaves NaN.
    land : sequence of polygons, optional
        Where they lie the ground is known at any distance, where they do not it is unknown whatever lies near.
    smooth : float
        Standard deviation of the smoothing [cells]; 0 leaves the triangles' creases.
    tolerance : float
        Departure from the neighbours' median [m] up to which a base is always taken for ground.

    Returns
    -------
    RasterLayer
        Notes tell how many bases were used and rejected and how many cells got the level `outside`.

    Raises
    ------
    LayerError
        If there are fewer than three usable bases, or an argument is out of range.
    """
    where = f"layer {layer_id}"
    if not (reach > 0 and smooth >= 0):
        raise LayerError(f"reach is {reach} m, smooth {smooth} cells", where=where, remedy="Give a positive reach.")
    buildings.frame.require_same_datum(grid.frame, where)
    grid.require_memory(80, where)
    xy, base = _samples(buildings, where)
    sound = sound_bases(xy, base, tolerance=tolerance)
    z, distance = _interpolate(xy[sound], base[sound], grid)
    known = distance <= reach if land is None else burn(land, grid) >= 0
    z = _smoothed(np.where(known, z, np.nan), smooth)
    n_open = int((~known).sum())
    if outside is not None:
        z[~known] = outside
    fill = "have no height" if outside is None else f"were set to {outside:g} m"
    notes = (
        f"made from the bases of {int(sound.sum())} buildings, {int((~sound).sum())} rejected as not on the ground;"
        f" no levee, bank or quay between them is known",
        f"{n_open} of {grid.size} cells lie {'off the land' if land is not None else f'over {reach:g} m from a base'}"
        f" and {fill}",
    )
    source = buildings.provenance
    return RasterLayer(
        id=layer_id,
        frame=grid.frame,
        provenance=Provenance(
            f"bases of {source.source}", source.licence, source.date, source.sha256, source.access, notes
        ),
        grid=grid,
        values=z.astype(np.float32),
        units="m",
    )


def sound_bases(
    xy: NDArray[np.float64],
    base: NDArray[np.float64],
    *,
    neighbours: int = NEIGHBOURS,
    tolerance: float = TOLERANCE,
) -> NDArray[np.bool_]:
    """Which bases agree with the median of their neighbours'.

    Parameters
    ----------
    xy : ndarray (n, 2)
        Positions [m].
    base : ndarray (n,)
        Heights [m].
    neighbours : int
        How many others each is compared with.
    tolerance : float
        [m].

    Returns
    -------
    ndarray of bool (n,)
        False where a base departs by more than both `tolerance` and `DEVIATIONS` times the neighbours' own scatter.
    """
    from scipy.spatial import cKDTree

    count = min(neighbours, len(base) - 1)
    if count < 3:
        return np.ones(len(base), dtype=bool)
    _, nearest = cKDTree(xy).query(xy, k=count + 1)
    others = base[nearest[:, 1:]]
    middle = np.median(others, axis=1)
    scatter = _MAD_TO_SIGMA * np.median(np.abs(others - middle[:, None]), axis=1)
    return np.asarray(np.abs(base - middle) <= np.maximum(tolerance, DEVIATIONS * scatter))


def read_building_bases(
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    buildings: MeshLayer,
    land: VectorLayer | None = None,
    cell_size: float = 5.0,
    reach: float = 150.0,
    outside: float | None = None,
    smooth: float = 1.0,
    tolerance: float = TOLERANCE,
) -> RasterLayer:
    """Reader ``building_bases``: :func:`terrain_from_bases` over the area, from layers that were read before.

    Parameters
    ----------
    layer_id, frame, area, licence, access
        As every reader takes them (:mod:`layers.registry`).
    buildings : MeshLayer
        The catalogue names it: ``options: {buildings: buildings}``.
    land : VectorLayer, optional
        Polygons of the land.
    cell_size : float
        [m].
    reach, outside, smooth, tolerance
        See :func:`terrain_from_bases`.

    Raises
    ------
    LayerError
        As :func:`terrain_from_bases`.
    """
    for option, value, kind in (("buildings", buildings, MeshLayer), ("land", land, VectorLayer)):
        if value is not None and not isinstance(value, kind):
            raise LayerError(
                f"option {option!r} names a {type(value).__name__}, a {kind.__name__} is needed",
                where=f"layer {layer_id}",
                remedy="Check the id.",
            )
    if area is None:
        xy, _ = _samples(buildings, f"layer {layer_id}")
        (west, south), (east, north) = xy.min(axis=0) - reach, xy.max(axis=0) + reach
        area = (float(west), float(south), float(east), float(north))
    made = terrain_from_bases(
        buildings,
        Grid.from_bounds(area, cell_size, frame),
        layer_id=layer_id,
        reach=reach,
        outside=outside,
        land=None if land is None else list(land.table.geometry),
        smooth=smooth,
        tolerance=tolerance,
    )
    provenance = made.provenance
    stricter = max(access, provenance.access, key=list(Access).index)
    return replace(made, provenance=replace(provenance, licence=licence or provenance.licence, access=stricter))


def _samples(buildings: MeshLayer, where: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 2) places and (n,) bases of the buildings that have both."""
    import shapely

    outlines = footprints(buildings)
    base = buildings.table["base"].to_numpy(dtype=np.float64, na_value=np.nan)
    usable = np.isfinite(base) & ~shapely.is_missing(outlines)
    if int(usable.sum()) < 3:
        raise LayerError(
            f"{int(usable.sum())} buildings have an outline and a base",
            where=where,
            remedy="At least three are needed: choose a larger area or read an elevation model.",
        )
    return shapely.get_coordinates(shapely.point_on_surface(outlines[usable])), base[usable]


def _interpolate(
    xy: NDArray[np.float64], base: NDArray[np.float64], grid: Grid
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(ny, nx) heights, and distances to the nearest base [m]."""
    from scipy.interpolate import LinearNDInterpolator
    from scipy.spatial import QhullError, cKDTree

    x, y = np.meshgrid(grid.x_cell, grid.y_cell)
    cells = np.column_stack([x.ravel(), y.ravel()])
    distance, nearest = cKDTree(xy).query(cells)
    try:
        # from a near origin: the triangulation works in squares of coordinates
        z = LinearNDInterpolator(xy - xy.mean(axis=0), base)(cells - xy.mean(axis=0))
    except QhullError:  # all bases on one line: no triangle, the nearest one is all there is
        z = np.full(len(cells), np.nan)
    z = np.where(np.isnan(z), base[nearest], z)
    return z.reshape(grid.shape), distance.reshape(grid.shape)


def _smoothed(z: NDArray[np.float64], sigma: float) -> NDArray[np.float64]:
    """Gaussian mean of the known cells around each known cell; unknown ones stay unknown and weigh nothing."""
    from scipy.ndimage import gaussian_filter

    if sigma == 0:
        return z
    known = np.isfinite(z)
    weight = gaussian_filter(known.astype(np.float64), sigma, truncate=3.0)
    total = gaussian_filter(np.where(known, z, 0.0), sigma, truncate=3.0)
    return np.where(known, total / np.where(known, weight, 1.0), np.nan)
