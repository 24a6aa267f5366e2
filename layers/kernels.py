"""Compiled loops of the readers: points selected, points gathered into cells, chains of pixels followed."""

from __future__ import annotations

import numpy as np
from numba import njit

__all__ = ["add_points", "select_points", "trace_chains"]


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


@njit(cache=True, error_model="numpy")
def trace_chains(thin, label, most):
    """Follow the chains of pixels between the nodes of a skeleton.

    thin  : (ny, nx) bool    skeleton with an empty rim
    label : (ny, nx) int32   number of the node of a pixel, 0 on a chain
    most  : int              room for pixels

    Returns pixels (n, 2), start of each chain (k + 1,), nodes at its ends (k, 2).
    """
    ny, nx = thin.shape
    pixels = np.empty((most, 2), np.int64)
    start = np.zeros(most + 1, np.int64)
    ends = np.empty((most, 2), np.int64)
    is_done = np.zeros((ny, nx), np.bool_)
    n, k = 0, 0
    for row in range(1, ny - 1):
        for col in range(1, nx - 1):
            if label[row, col] == 0:
                continue
            for dr in range(-1, 2):
                for dc in range(-1, 2):
                    r, c = row + dr, col + dc
                    if not thin[r, c] or label[r, c] != 0 or is_done[r, c]:
                        continue
                    back_r, back_c = row, col
                    while True:
                        is_done[r, c] = True
                        pixels[n, 0], pixels[n, 1] = r, c
                        n += 1
                        next_r, next_c = -1, -1
                        for er in range(-1, 2):
                            for ec in range(-1, 2):
                                a, b = r + er, c + ec
                                if (er == 0 and ec == 0) or not thin[a, b] or (a == back_r and b == back_c):
                                    continue
                                if label[a, b] != 0 or not is_done[a, b]:
                                    next_r, next_c = a, b
                        if next_r < 0:
                            next_r, next_c = back_r, back_c
                        if label[next_r, next_c] != 0:
                            ends[k, 0], ends[k, 1] = label[row, col], label[next_r, next_c]
                            break
                        if is_done[next_r, next_c]:
                            ends[k, 0], ends[k, 1] = label[row, col], label[row, col]
                            break
                        back_r, back_c = r, c
                        r, c = next_r, next_c
                    k += 1
                    start[k] = n
    return pixels[:n], start[: k + 1], ends[:k]
