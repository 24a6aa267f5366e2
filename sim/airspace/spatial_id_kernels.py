"""Kernels of Spatial IDs: encoding, and the cells that a polygon touches."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from numba import njit

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["encode_points", "fill_polygon", "mark_edges"]

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "nogil": True}


@njit(**KERNEL)
def tile_y(lat: float, scale: float) -> float:
    """Row, with its fraction, of a latitude [deg]; `scale` is the number of rows."""
    p = math.radians(lat)
    return scale * (1.0 - math.asinh(math.tan(p)) / math.pi) / 2.0


@njit(**KERNEL)
def encode_points(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    height: NDArray[np.float64],
    zoom: int,
    out: NDArray[np.int64],
) -> None:
    """Spatial ID of each point.

    lon, lat, height : (n,)     [deg], [deg], [m]
    zoom             : int
    out              : (n, 4)   out: z, f, x, y
    """
    scale = 2.0**zoom
    n = 1 << zoom
    for i in range(len(lon)):
        x = math.floor(scale * ((lon[i] + 180.0) / 360.0)) % n
        y = math.floor(tile_y(min(max(lat[i], -85.0511287798), 85.0511287798), scale))
        out[i, 0] = zoom
        layer = height[i] * scale / 33554432.0
        # a height that vanishes in the product is still below the datum
        out[i, 1] = -1 if layer == 0.0 and height[i] < 0.0 else math.floor(layer)
        out[i, 2] = x
        out[i, 3] = min(max(y, 0), n - 1)


@njit(**KERNEL)
def mark_edges(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    zoom: int,
    x0: int,
    y0: int,
    out: NDArray[np.bool_],
) -> None:
    """Mark the cells that a closed ring's edges touch, straight between corners in degrees.

    Along an edge the row is a monotone function of the longitude, so the rows within a column are those between the
    edge's rows at the two ends of its part in that column. A hair is added on either side for rounding.

    lon, lat : (n,)      closed ring [deg]
    zoom, x0, y0 : int   the window's zoom, first column and first row
    out      : (my, mx)  in/out
    """
    scale = 2.0**zoom
    my, mx = out.shape
    hair = 1e-6
    for k in range(len(lon) - 1):
        ax, ay, bx, by = lon[k], lat[k], lon[k + 1], lat[k + 1]
        if ax > bx:
            ax, ay, bx, by = bx, by, ax, ay
        left = scale * ((ax + 180.0) / 360.0)
        right = scale * ((bx + 180.0) / 360.0)
        first = max(math.floor(left - hair) - x0, 0)
        last = min(math.floor(right + hair) - x0, mx - 1)
        for i in range(first, last + 1):
            low = ay
            high = by
            if right > left:
                s = min(max((x0 + i - left) / (right - left), 0.0), 1.0)
                e = min(max((x0 + i + 1 - left) / (right - left), 0.0), 1.0)
                low = ay + s * (by - ay)
                high = ay + e * (by - ay)
            top = tile_y(max(low, high), scale) - hair
            bottom = tile_y(min(low, high), scale) + hair
            for j in range(max(math.floor(top) - y0, 0), min(math.floor(bottom) - y0, my - 1) + 1):
                out[j, i] = True


@njit(**KERNEL)
def fill_polygon(
    lon: NDArray[np.float64],
    lat: NDArray[np.float64],
    ring_start: NDArray[np.int64],
    center_lon: NDArray[np.float64],
    center_lat: NDArray[np.float64],
    out: NDArray[np.bool_],
) -> None:
    """Mark the cells whose centres lie within the rings (odd number of crossings); marked ones are left.

    lon, lat   : (n,)      corners of closed rings, one after the other [deg]
    ring_start : (r + 1,)
    center_lon : (mx,)     [deg]
    center_lat : (my,)     [deg]
    out        : (my, mx)  in/out
    """
    for j in range(len(center_lat)):
        for i in range(len(center_lon)):
            if out[j, i]:
                continue
            inside = False
            for r in range(len(ring_start) - 1):
                for k in range(ring_start[r], ring_start[r + 1] - 1):
                    if (lat[k] > center_lat[j]) != (lat[k + 1] > center_lat[j]):
                        s = (center_lat[j] - lat[k]) / (lat[k + 1] - lat[k])
                        if center_lon[i] < lon[k] + s * (lon[k + 1] - lon[k]):
                            inside = not inside
            out[j, i] = inside
