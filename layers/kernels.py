"""Compiled loops of the readers: points selected, points gathered into cells."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["add_points", "select_points"]


@njit(cache=True, error_model="numpy")
def select_points(X, Y, Z, kind, scale, offset, box, xyz, kind_out):
    """Scale integer coordinates of a LAS record batch and keep the points in a box.

    X, Y, Z  : (n,) int32    coordinates as stored
    kind     : (n,) uint8    class
    scale, offset : (3,) float64   [m]
    box      : (4,) float64  west, south, east, north; the east and north edges belong to the box
    xyz      : (n, 3) float64  out, the first `k` rows
    kind_out : (n,) uint8      out

    Returns the number k of points kept.
    """
    k = 0
    for i in range(X.shape[0]):
        x = X[i] * scale[0] + offset[0]
        y = Y[i] * scale[1] + offset[1]
        if box[0] <= x <= box[2] and box[1] <= y <= box[3]:
            xyz[k, 0] = x
            xyz[k, 1] = y
            xyz[k, 2] = Z[i] * scale[2] + offset[2]
            kind_out[k] = kind[i]
            k += 1
    return k


@njit(cache=True, error_model="numpy")
def add_points(xyz, kind, is_wanted, west, north, cell_size, total, count):
    """Add the heights of points of wanted classes to the cells they lie in.

    xyz       : (n, 3) float64  [m]
    kind      : (n,) uint8      class
    is_wanted : (256,) bool     by class
    west, north, cell_size : float   the grid [m]
    total     : (ny, nx) float64  in/out, sum of heights
    count     : (ny, nx) int32    in/out, number of points
    """
    ny, nx = total.shape
    for i in range(xyz.shape[0]):
        if is_wanted[kind[i]]:
            col = np.floor((xyz[i, 0] - west) / cell_size)
            row = np.floor((north - xyz[i, 1]) / cell_size)
            if 0 <= col < nx and 0 <= row < ny:
                r, c = int(row), int(col)
                total[r, c] += xyz[i, 2]
                count[r, c] += 1
