"""Kernels that take standing water out of the cells of wet tiles."""

from __future__ import annotations

import math

from numba import njit

__all__ = ["TILE_COLS", "TILE_ROWS", "green_ampt_depth", "infiltrate", "sink"]

# the tiles of the flow's kernels (sim.flood.kernels)
TILE_ROWS, TILE_COLS = 16, 32

STEPS = 40
"""Newton steps at most; two or three do."""


@njit(cache=True, error_model="numpy")
def green_ampt_depth(total, conductivity, suction_deficit, span):
    """Depth [m] that soil under water takes in `span` [s] after it has taken `total` [m] (Chow et al. 1988, sec. 4.3).

    F - F0 - S ln((F + S) / (F0 + S)) = K t by Newton's method, from the root with ln(1 + x) = 2 x / (2 + x).

    total : float            F0 [m]
    conductivity : float     K [m/s]
    suction_deficit : float  S = (psi + h) deficit [m]
    """
    flow, s = conductivity * span, suction_deficit
    if flow <= 0.0 or s <= 0.0:
        return max(flow, 0.0)
    start = total + s
    half = 0.5 * flow - total
    # the smaller root of the two would be a difference of large numbers late in a flood
    root = math.sqrt(half * half + 2.0 * flow * start)
    gain = half + root if half > 0.0 else 2.0 * flow * start / (root - half)
    for _ in range(STEPS):
        change = (gain - s * math.log1p(gain / start) - flow) / (1.0 - s / (start + gain))
        gain -= change
        if abs(change) <= 1e-7 * gain:
            # the error is the square of the change
            break
    return gain


@njit(cache=True, error_model="numpy")
def take(h, rest, i, j, wanted, keep):
    """Take up to `wanted` [m] out of a cell; `rest` carries what rounding takes off (two-sum). Returns what it took."""
    kind = h.dtype.type
    old = h[i, j]
    loss = kind(min(wanted, keep * old))
    y = kind(rest[i, j] - loss)
    new = kind(old + y)
    part = kind(new - old)
    rest[i, j] = kind(old - kind(new - part)) + kind(y - part)
    h[i, j] = new
    return float(loss)


@njit(cache=True, error_model="numpy")
def infiltrate(h, rest, tops, storage, conductivity, suction, deficit, total, span, keep, taken):
    """Green-Ampt infiltration in the tiles that hold water.

    h, rest : (ny, nx)                        in/out, depth and what rounding took off it [m]
    tops : (tile rows, tile columns)          deepest water, or more
    storage : (ny, nx) or (1, 1)              share of the cell that holds water
    conductivity, suction, deficit : (ny, nx) [m/s], [m], [-]
    total : (ny, nx)                          in/out, taken since the start [m]
    taken : (ny,)                             in/out, sum of a row [m over whole cells]
    """
    for t in range(tops.shape[0]):
        for c in range(tops.shape[1]):
            if tops[t, c] <= 0:
                continue
            for i in range(t * TILE_ROWS, min((t + 1) * TILE_ROWS, h.shape[0])):
                for j in range(c * TILE_COLS, min((c + 1) * TILE_COLS, h.shape[1])):
                    depth = float(h[i, j])
                    if depth <= 0.0 or conductivity[i, j] <= 0.0:
                        continue
                    flow = float(conductivity[i, j]) * span
                    s = (float(suction[i, j]) + depth) * float(deficit[i, j])
                    # a film goes whole where the rate at its end would take it
                    wanted = depth
                    if flow * (total[i, j] + depth + s) < depth * (total[i, j] + depth):
                        wanted = green_ampt_depth(total[i, j], float(conductivity[i, j]), s, span)
                    loss = take(h, rest, i, j, wanted, keep)
                    total[i, j] += loss
                    taken[i] += loss * storage[min(i, storage.shape[0] - 1), min(j, storage.shape[1] - 1)]


@njit(cache=True, error_model="numpy")
def sink(h, rest, tops, storage, first, second, span, keep, taken):
    """Take two rates out of the tiles that hold water, in proportion where there is less.

    storage : (ny, nx) or (1, 1)         share of the cell that holds water
    first, second : (ny, nx) or (1, 1)   [m/s]
    taken : (ny, 2)                      in/out, sums of a row [m over whole cells]
    """
    for t in range(tops.shape[0]):
        for c in range(tops.shape[1]):
            if tops[t, c] <= 0:
                continue
            for i in range(t * TILE_ROWS, min((t + 1) * TILE_ROWS, h.shape[0])):
                for j in range(c * TILE_COLS, min((c + 1) * TILE_COLS, h.shape[1])):
                    one = float(first[min(i, first.shape[0] - 1), min(j, first.shape[1] - 1)])
                    both = one + float(second[min(i, second.shape[0] - 1), min(j, second.shape[1] - 1)])
                    if h[i, j] <= 0 or both <= 0.0:
                        continue
                    loss = take(h, rest, i, j, both * span, keep)
                    loss *= storage[min(i, storage.shape[0] - 1), min(j, storage.shape[1] - 1)]
                    taken[i, 0] += loss * (one / both)
                    taken[i, 1] += loss - loss * (one / both)
