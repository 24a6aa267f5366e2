"""A fine one-dimensional dam break, against which bench_flood_peers.py takes errors.

    python benchmarks/flood_reference.py     how far the reference itself is from its limit

The shallow-water equations with Manning's friction on a flat bed between two walls: MUSCL with the limiter of van Leer,
HLL fluxes, Heun in time, friction implicit after each stage; nothing is shared with the product or with a peer.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

G = 9.81


@njit(cache=True, error_model="numpy")
def _limited(a: float, b: float) -> float:
    return 2.0 * a * b / (a + b) if a * b > 0.0 else 0.0


@njit(cache=True, error_model="numpy")
def _rates(h: Any, u: Any, dx: float, dh: Any, dq: Any) -> float:
    """Rates of depth and discharge; returns the fastest wave."""
    n, fastest = h.size - 4, 0.0
    for k in (0, 1):
        # mirror images beyond the walls
        h[1 - k], u[1 - k], h[n + 2 + k], u[n + 2 + k] = h[2 + k], -u[2 + k], h[n + 1 - k], -u[n + 1 - k]
    mass, momentum = 0.0, 0.0
    for j in range(1, n + 2):
        a = h[j] + 0.5 * _limited(h[j] - h[j - 1], h[j + 1] - h[j])
        b = h[j + 1] - 0.5 * _limited(h[j + 1] - h[j], h[j + 2] - h[j + 1])
        ua = u[j] + 0.5 * _limited(u[j] - u[j - 1], u[j + 1] - u[j])
        ub = u[j + 1] - 0.5 * _limited(u[j + 1] - u[j], u[j + 2] - u[j + 1])
        ca, cb = math.sqrt(G * a), math.sqrt(G * b)
        west, east = min(ua - ca, ub - cb, 0.0), max(ua + ca, ub + cb, 0.0)
        fastest = max(fastest, east, -west)
        fa, fb = a * ua * ua + 0.5 * G * a * a, b * ub * ub + 0.5 * G * b * b
        f = (east * a * ua - west * b * ub + east * west * (b - a)) / (east - west)
        m = (east * fa - west * fb + east * west * (b * ub - a * ua)) / (east - west)
        if j > 1:
            dh[j], dq[j] = (mass - f) / dx, (momentum - m) / dx
        mass, momentum = f, m
    return fastest


@njit(cache=True, error_model="numpy")
def _friction(h: float, q: float, k: float) -> float:
    """The discharge that solves q' (1 + k h^(-7/3) |q'|) = q."""
    c = k * h ** (-7.0 / 3.0)
    return 2.0 * q / (1.0 + math.sqrt(1.0 + 4.0 * c * abs(q)))


@njit(cache=True, error_model="numpy")
def _march(h: Any, dx: float, n2: float, until: float) -> None:
    u, t, dt = np.zeros_like(h), 0.0, 0.0
    h1, u1, dh, dq = np.zeros_like(h), np.zeros_like(h), np.zeros_like(h), np.zeros_like(h)
    while t < until:
        fastest = _rates(h, u, dx, dh, dq)
        dt = min(0.45 * dx / fastest, until - t)
        for j in range(2, h.size - 2):
            h1[j] = h[j] + dt * dh[j]
            u1[j] = _friction(h1[j], h[j] * u[j] + dt * dq[j], G * n2 * dt) / h1[j]
        _rates(h1, u1, dx, dh, dq)
        for j in range(2, h.size - 2):
            # the mean of the start and of two steps of Euler, each with its friction
            again = h1[j] + dt * dh[j]
            q = _friction(again, h1[j] * u1[j] + dt * dq[j], G * n2 * dt)
            q = 0.5 * (h[j] * u[j] + q)
            h[j] = 0.5 * (h[j] + again)
            u[j] = q / h[j]
        t += dt


class Reference:
    """Depth of the dam break at `until`, finer than any cell.

    Parameters
    ----------
    length, cell_size : float
        Of the channel and of the cells that are compared [m].
    west, east : float
        Depths on either side of the middle [m].
    n : float
        Manning's n [s m-1/3].
    until : float
        Time [s].
    parts : int
        Cells of the reference in each of the cells.
    """

    def __init__(
        self, length: float, cell_size: float, west: float, east: float, n: float, until: float, parts: int = 16
    ) -> None:
        cells = round(length / cell_size) * parts
        dx = length / cells
        depth = np.where((np.arange(cells) + 0.5) * dx < 0.5 * length, west, east)
        padded = np.pad(depth, 2, mode="edge")
        _march(padded, dx, n * n, until)
        self.depth: NDArray[Any] = padded[2:-2]
        self._edges = np.arange(cells + 1) * dx
        self._sums = np.concatenate([[0.0], np.cumsum(self.depth) * dx])

    def mean(self, x: NDArray[Any], width: float) -> NDArray[Any]:
        """Mean depth over a stretch of `width` around each x [m]."""
        low, high = np.clip(x - 0.5 * width, 0.0, None), np.clip(x + 0.5 * width, None, self._edges[-1])
        sums = np.interp(high, self._edges, self._sums) - np.interp(low, self._edges, self._sums)
        out: NDArray[Any] = sums / (high - low)
        return out


def main() -> None:
    x = (np.arange(512) + 0.5) * 5.0
    found = {parts: Reference(2560.0, 5.0, 2.0, 0.5, 0.03, 60.0, parts).mean(x, 5.0) for parts in (4, 8, 16, 32)}
    for parts in (4, 8, 16):
        print(f"{parts} parts a cell: mean difference to 32 parts {np.abs(found[parts] - found[32]).mean():.1e} m")


if __name__ == "__main__":
    main()
