"""Spatial IDs (空間ID) z/f/x/y: the voxel names of the Digital Agency's 4D space-time infrastructure.

An ID names a cell of Web-Mercator tiles (x, y) at zoom z with a vertical index f: the height range 2^25 m is halved z
times. Here IDs are arrays of int64 (n, 4): z, f, x, y.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.airspace.spatial_id_kernels import encode_points, fill_polygon, mark_edges
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import ArrayLike, NDArray
    from shapely import Geometry

__all__ = [
    "LATITUDE_LIMIT",
    "MAX_ZOOM",
    "bounds",
    "children",
    "cover_box",
    "cover_cylinder",
    "cover_prism",
    "encode",
    "format_ids",
    "merge",
    "parent",
    "parse_ids",
    "split",
]

MAX_ZOOM = 35
LATITUDE_LIMIT = 85.0511287798
"""Web Mercator ends here [deg]: atan(sinh(pi))."""
_HEIGHT_RANGE = 2.0**25
"""Height of the one cell at zoom 0 [m]."""
_MOST = 50_000_000
"""Most IDs that a cover may have."""
_CORNERS = 128
_EARTH = 6_371_000.0


def encode(lon: ArrayLike, lat: ArrayLike, height: ArrayLike, zoom: int) -> NDArray[np.int64]:
    """Spatial IDs of points.

    Parameters
    ----------
    lon, lat : array_like
        [deg]; the longitude wraps around, the latitude is held at the limit of Web Mercator.
    height : array_like
        [m]; negative below the datum.
    zoom : int
        0 to 35.

    Returns
    -------
    ndarray of int64 (n, 4)
        z, f, x, y.

    Raises
    ------
    LayerError
        If the zoom is out of range or a coordinate is not finite.

    Notes
    -----
    x = floor(2^z (lon + 180) / 360), y = floor(2^z (1 - ln(tan p + sec p) / pi) / 2), f = floor(h 2^z / 2^25).

    Examples
    --------
    >>> format_ids(encode(135.5023, 34.6937, 100.0, 20))
    ['20/3/918967/416425']
    """
    level = _zoom(zoom)
    lon_, lat_, h = np.broadcast_arrays(*(np.atleast_1d(np.asarray(v, dtype=np.float64)) for v in (lon, lat, height)))
    if not (np.isfinite(lon_).all() and np.isfinite(lat_).all() and np.isfinite(h).all()):
        raise LayerError("a coordinate is not finite", where="spatial id", remedy="Leave such points out.")
    out = np.empty((len(lon_), 4), np.int64)
    encode_points(*(np.ascontiguousarray(v) for v in (lon_, lat_, h)), level, out)
    return out


def bounds(ids: ArrayLike) -> NDArray[np.float64]:
    """West, south, bottom, east, north, top of each ID's cell ([deg], [m]), (n, 6).

    Raises
    ------
    LayerError
        If an ID does not exist.
    """
    rows = _checked(ids)
    scale = np.exp2(rows[:, 0].astype(np.float64))
    f, x, y = (rows[:, k].astype(np.float64) for k in (1, 2, 3))
    return np.column_stack(
        [
            x / scale * 360.0 - 180.0,
            _latitude((y + 1) / scale),
            f * (_HEIGHT_RANGE / scale),
            (x + 1) / scale * 360.0 - 180.0,
            _latitude(y / scale),
            (f + 1) * (_HEIGHT_RANGE / scale),
        ]
    )


def format_ids(ids: ArrayLike) -> list[str]:
    """IDs as ``z/f/x/y``."""
    return ["/".join(map(str, row)) for row in np.asarray(ids, dtype=np.int64).tolist()]


def parse_ids(texts: Iterable[str]) -> NDArray[np.int64]:
    """Inverse of :func:`format_ids`.

    Raises
    ------
    LayerError
        If a text is no ID; names it.
    """
    rows = []
    for text in texts:
        try:
            row = [int(part) for part in text.split("/")]
        except ValueError:
            row = []
        if len(row) != 4:
            raise LayerError(f"{text!r} is no spatial ID", where="spatial id", remedy="Write z/f/x/y, e.g. 20/3/1/2.")
        rows.append(row)
    return _checked(np.array(rows, dtype=np.int64).reshape(-1, 4))


def parent(ids: ArrayLike, levels: int = 1) -> NDArray[np.int64]:
    """IDs `levels` zooms up that hold the given ones.

    Raises
    ------
    LayerError
        If there is no such zoom.
    """
    rows = _checked(ids)
    if levels < 0 or (len(rows) and rows[:, 0].min() < levels):
        raise LayerError(f"there is no parent {levels} zooms up", where="spatial id", remedy="Zoom 0 is the highest.")
    return np.column_stack([rows[:, 0] - levels, rows[:, 1:] >> levels])


def children(ids: ArrayLike) -> NDArray[np.int64]:
    """The eight IDs within each ID, (8 n, 4).

    Raises
    ------
    LayerError
        If an ID is at zoom 35 already.
    """
    rows = _checked(ids)
    if len(rows) and rows[:, 0].max() >= MAX_ZOOM:
        raise LayerError(f"there is no zoom beyond {MAX_ZOOM}", where="spatial id", remedy="Stay at 35 or below.")
    part = np.array([[f, x, y] for f in (0, 1) for x in (0, 1) for y in (0, 1)], dtype=np.int64)
    finer = (rows[:, None, 1:] << 1) + part
    zoom = np.broadcast_to(rows[:, None, :1] + 1, (len(rows), 8, 1))
    return np.concatenate([zoom, finer], axis=2).reshape(-1, 4)


def split(ids: ArrayLike, zoom: int) -> NDArray[np.int64]:
    """The same air as IDs of one zoom, none twice.

    Raises
    ------
    LayerError
        If an ID is finer than `zoom`, or there would be too many.
    """
    level, rows = _zoom(zoom), _checked(ids)
    if len(rows) and rows[:, 0].max() > level:
        raise LayerError(
            f"an ID at zoom {rows[:, 0].max()} is finer than {level}",
            where="spatial id",
            remedy="Use parent() to make it coarser.",
        )
    _require_few(float(np.exp2(3.0 * (level - rows[:, 0])).sum()))
    parts = [rows[rows[:, 0] == level]]
    todo = rows[rows[:, 0] < level]
    while len(todo):
        todo = children(todo)
        parts.append(todo[todo[:, 0] == level])
        todo = todo[todo[:, 0] < level]
    return _distinct(np.concatenate(parts))[0]


def merge(ids: ArrayLike) -> NDArray[np.int64]:
    """The same air in the fewest IDs: eight siblings become their parent, what a coarser one holds is dropped."""
    rows = _distinct(_checked(ids))[0]
    done = []
    while len(rows):
        zoom = int(rows[:, 0].max())
        finest, rest = rows[rows[:, 0] == zoom], rows[rows[:, 0] < zoom]
        for coarser in np.unique(rest[:, 0]):
            up = parent(finest, zoom - int(coarser))
            finest = finest[~_is_among(up, rest[rest[:, 0] == coarser])]
        if zoom == 0 or not len(finest):
            done.append(finest)
            rows = rest
            continue
        above, which = _distinct(parent(finest))
        is_whole = np.bincount(which, minlength=len(above)) == 8
        done.append(finest[~is_whole[which]])
        rows = _distinct(np.concatenate([rest, above[is_whole]]))[0]
    return _distinct(np.concatenate(done))[0] if done else rows


def cover_box(
    west: float, south: float, east: float, north: float, bottom: float, top: float, zoom: int
) -> NDArray[np.int64]:
    """IDs that touch a box in longitude, latitude [deg] and height [m]; none is missing.

    Raises
    ------
    LayerError
        If the box is empty, crosses the 180th meridian, or needs too many IDs.
    """
    _require_box(west, south, east, north, bottom, top)
    low, high = encode([west, east], [north, south], [bottom, top], zoom)
    if east == 180.0:
        high[2] = (1 << zoom) - 1
    shape = high[1:] - low[1:] + 1
    _require_few(float(np.prod(shape.astype(np.float64))))
    f, x, y = np.meshgrid(*(np.arange(a, b + 1) for a, b in zip(low[1:], high[1:], strict=True)), indexing="ij")
    return np.column_stack([np.full(f.size, zoom, np.int64), f.ravel(), x.ravel(), y.ravel()])


def cover_prism(polygon: Geometry, bottom: float, top: float, zoom: int) -> NDArray[np.int64]:
    """IDs that touch an upright prism; none is missing.

    A cell either is touched by the outline or lies wholly within or without it. The first kind is marked edge by edge,
    the second told by its centre: so every point of the prism lies in one of the IDs.

    Parameters
    ----------
    polygon : Geometry
        Polygon or multipolygon, longitude and latitude [deg], edges straight between corners in degrees.
    bottom, top : float
        [m].
    zoom : int

    Raises
    ------
    LayerError
        As :func:`cover_box`.
    """
    import shapely

    west, south, east, north = shapely.bounds(polygon).tolist() if not polygon.is_empty else (0.0,) * 4
    _require_box(west, south, east, north, bottom, top)
    level = _zoom(zoom)
    low, high = encode([west, east], [north, south], [bottom, top], level)
    last = (1 << level) - 1
    x0, y0 = max(0, int(low[2]) - 1), max(0, int(low[3]) - 1)
    x1, y1 = min(last, int(high[2] if east < 180.0 else last) + 1), min(last, int(high[3]) + 1)
    _require_few(float(x1 - x0 + 1) * float(y1 - y0 + 1))
    marked = np.zeros((y1 - y0 + 1, x1 - x0 + 1), dtype=np.bool_)
    parts = shapely.get_parts(polygon)  # get_rings would pass over a multipolygon
    if not all(part.geom_type == "Polygon" for part in parts):
        raise LayerError(f"is a {polygon.geom_type}", where="spatial id", remedy="Give a polygon or a multipolygon.")
    rings = shapely.get_rings(parts)
    corners, ring = shapely.get_coordinates(rings, return_index=True)
    start = np.concatenate([[0], np.cumsum(np.bincount(ring, minlength=len(rings)))]).astype(np.int64)
    lon, lat = np.ascontiguousarray(corners[:, 0]), np.ascontiguousarray(corners[:, 1])
    held = np.clip(lat, -LATITUDE_LIMIT, LATITUDE_LIMIT)
    for first, stop in pairwise(start.tolist()):
        mark_edges(lon[first:stop], held[first:stop], level, x0, y0, marked)
    scale = float(1 << level)
    center_lon = (np.arange(x0, x1 + 1) + 0.5) / scale * 360.0 - 180.0
    fill_polygon(lon, held, start, center_lon, _latitude((np.arange(y0, y1 + 1) + 0.5) / scale), marked)
    y, x = np.nonzero(marked)
    levels = np.arange(low[1], high[1] + 1)
    _require_few(float(len(y)) * len(levels))
    n = len(y)
    return np.column_stack(
        [
            np.full(n * len(levels), level, np.int64),
            np.repeat(levels, n),
            np.tile(x + x0, len(levels)),
            np.tile(y + y0, len(levels)),
        ]
    )


def cover_cylinder(lon: float, lat: float, radius: float, bottom: float, top: float, zoom: int) -> NDArray[np.int64]:
    """IDs that touch an upright cylinder about a place; none is missing.

    Parameters
    ----------
    lon, lat : float
        Axis [deg].
    radius : float
        On the ground (GRS80) [m].
    bottom, top : float
        [m].
    zoom : int

    Raises
    ------
    LayerError
        As :func:`cover_box`, and if the radius is not positive.
    """
    import shapely
    from pyproj import Geod

    if not (math.isfinite(radius) and radius > 0):
        raise LayerError(f"radius is {radius} m", where="spatial id", remedy="Give a positive radius.")
    # a polygon about the circle; an edge that is straight in degrees bends away from the geodesic by less than
    # (length of the edge)^2 tan(latitude) / 8 R
    edge = 2 * math.pi * radius / _CORNERS
    bend = edge**2 * math.tan(math.radians(min(abs(lat) + 1.0, 89.0))) / (8 * _EARTH)
    reach = (radius + bend) / math.cos(math.pi / _CORNERS) * (1 + 1e-6)
    azimuth = np.linspace(0.0, 360.0, _CORNERS, endpoint=False)
    full = np.full(_CORNERS, 1.0)
    east, north, _ = Geod(ellps="GRS80").fwd(lon * full, lat * full, azimuth, reach * full)
    return cover_prism(shapely.Polygon(np.column_stack([east, north])), bottom, top, zoom)


def _require_box(west: float, south: float, east: float, north: float, bottom: float, top: float) -> None:
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90 and bottom < top):
        raise LayerError(
            f"box {west}, {south}, {bottom} to {east}, {north}, {top} is empty",
            where="spatial id",
            remedy="Give west < east, south < north, bottom < top; part a box at the 180th meridian.",
        )


def _latitude(share: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Latitude [deg] of a share of the map's height, counted from the north."""
    return np.asarray(np.degrees(np.arctan(np.sinh(np.pi * (1.0 - 2.0 * share)))), dtype=np.float64)


def _zoom(zoom: int) -> int:
    if not 0 <= zoom <= MAX_ZOOM or zoom != int(zoom):
        raise LayerError(f"zoom {zoom} does not exist", where="spatial id", remedy=f"Give 0 to {MAX_ZOOM}.")
    return int(zoom)


def _checked(ids: ArrayLike) -> NDArray[np.int64]:
    rows = np.asarray(ids, dtype=np.int64).reshape(-1, 4)
    scale = np.int64(1) << np.clip(rows[:, 0], 0, MAX_ZOOM)
    good = (rows[:, 0] >= 0) & (rows[:, 0] <= MAX_ZOOM)
    good &= (rows[:, 2:] >= 0).all(axis=1) & (rows[:, 2:] < scale[:, None]).all(axis=1)
    good &= (rows[:, 1] >= -scale) & (rows[:, 1] < scale)
    if not good.all():
        bad = rows[int(np.flatnonzero(~good)[0])]
        raise LayerError(
            f"{format_ids([bad])[0]} does not exist",
            where="spatial id",
            remedy="z is 0 to 35, x and y 0 to 2^z - 1, f -2^z to 2^z - 1.",
        )
    return rows


def _is_among(rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row is one of `others`."""
    both, which = _distinct(np.concatenate([others, rows]))
    known = np.zeros(len(both), dtype=bool)
    known[which[: len(others)]] = True
    return known[which[len(others) :]]


def _distinct(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows without repetition in order, and where each given row went; ``np.unique(axis=0)`` is ten times slower."""
    order = np.lexsort(rows.T[::-1])
    ordered = rows[order]
    is_new = np.ones(len(rows), dtype=bool)
    is_new[1:] = (ordered[1:] != ordered[:-1]).any(axis=1)
    which = np.empty(len(rows), np.int64)
    which[order] = np.cumsum(is_new) - 1
    return ordered[is_new], which


def _require_few(count: float) -> None:
    if count > _MOST:
        raise LayerError(
            f"{count:.3g} IDs are too many (at most {_MOST})", where="spatial id", remedy="Choose a coarser zoom."
        )
