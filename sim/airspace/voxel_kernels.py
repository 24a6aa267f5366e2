"""Kernels that fill voxels: distance from obstacles, and the severest restriction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["fill_clearance", "paint_restriction"]


@njit(cache=True, error_model="numpy", nogil=True)
def fill_clearance(
    solid_levels: NDArray[np.int32], cell_size: float, level_height: float, cap: float, out: NDArray[np.float32]
) -> None:
    """Distance of each voxel's centre from the nearest solid box, at most `cap`.

    The squared distance from a box is a sum of one term an axis, so its minimum is taken along z, x and y in turn.

    solid_levels : (ny, nx)     levels from the bottom that are solid
    cell_size, level_height, cap : float  [m]
    out          : (nz, ny, nx) out [m]; 0 in solid voxels
    """
    nz, ny, nx = out.shape
    reach = int(np.ceil(cap / cell_size + 0.5))
    most = np.float32(cap * cap)
    step = np.empty(reach + 1, np.float32)
    for d in range(reach + 1):
        step[d] = (max(d - 0.5, 0.0) * cell_size) ** 2
    flat = np.empty((ny, nx), np.float32)
    wide = np.empty((ny, nx), np.float32)
    for k in range(nz):
        for j in range(ny):
            for i in range(nx):
                up = max(k + 0.5 - solid_levels[j, i], 0.0) * level_height
                flat[j, i] = min(np.float32(up * up), most)
                if k < solid_levels[j, i]:
                    flat[j, i] = 0.0
        for j in range(ny):
            for i in range(nx):
                best = flat[j, i]
                for m in range(max(0, i - reach), min(nx, i + reach + 1)):
                    best = min(best, flat[j, m] + step[abs(m - i)])
                wide[j, i] = best
        for j in range(ny):
            low, high = max(0, j - reach), min(ny, j + reach + 1)
            row = out[k, j]
            for i in range(nx):
                row[i] = wide[j, i]
            for m in range(low, high):
                if m != j:
                    more = step[abs(m - j)]
                    for i in range(nx):
                        row[i] = min(row[i], wide[m, i] + more)
            for i in range(nx):
                row[i] = np.sqrt(row[i])


@njit(cache=True, error_model="numpy", nogil=True)
def paint_restriction(
    inside: NDArray[np.bool_],
    lower: NDArray[np.float32],
    upper: NDArray[np.float32],
    row0: int,
    col0: int,
    bottom: float,
    level_height: float,
    code: int,
    out: NDArray[np.uint8],
) -> None:
    """Raise to `code` the voxels that a volume touches.

    inside       : (my, mx)     cells of a window of the grid that the outline touches
    lower, upper : (my, mx)     limits there [m T.P.]
    row0, col0   : int          the window's first row and column
    bottom, level_height : float [m T.P.], [m]
    out          : (nz, ny, nx) in/out
    """
    nz = out.shape[0]
    for j in range(inside.shape[0]):
        for i in range(inside.shape[1]):
            if not inside[j, i]:
                continue
            first = min(max(np.floor((lower[j, i] - bottom) / level_height), 0.0), float(nz))
            last = min(max(np.floor((upper[j, i] - bottom) / level_height) + 1.0, 0.0), float(nz))
            for k in range(int(first), int(last)):
                out[k, row0 + j, col0 + i] = max(out[k, row0 + j, col0 + i], code)
