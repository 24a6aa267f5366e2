"""Kernels of the danger at an instant: depth and speed against limits, in rows that the compiler packs.

A row's speed goes into a buffer first; then one loop a limit, so that tables of any length keep the loops plain.
"""

# numba gives kernels their types: mypy treats this module as it treats the kernel modules that pyproject.toml names
# mypy: allow-untyped-defs, allow-untyped-decorators, allow-untyped-calls

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit, uint64

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.kernels import Active

__all__ = ["PIECE", "Limits", "Worst", "judge_discharge", "judge_velocity"]

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
TILE_ROWS = 16
PIECE = 128
"""Cells that are judged together, or passed over together where none is deep enough."""


class Limits(NamedTuple):
    """Tables of ``danger.yaml`` as arrays of float32."""

    least: np.float32
    """Depth below which nothing is judged [m]."""
    offset: np.float32
    """Added to the speed in the rating [m s-1]."""
    debris_depth: NDArray[np.float32]
    """Depths at which the debris factor rises [m]."""
    debris_rise: NDArray[np.float32]
    debris_speed: np.float32
    """Speed from which the whole debris factor counts [m s-1]."""
    debris_most: np.float32
    vulnerability: NDArray[np.float32]
    """(n, 3) largest d v [m2 s-1], d [m] and v [m s-1] of each class but the last."""
    force: NDArray[np.float32]
    """(n,) u^2 h at which a class of collapse begins [m3 s-2], inf where a curve says it."""
    curve_first: NDArray[np.int64]
    """(n + 1,) first point of each class's curve."""
    curve_depth: NDArray[np.float32]
    curve_speed: NDArray[np.float32]


class Worst(NamedTuple):
    """Running maxima of float32 (ny, nx)."""

    rating: NDArray[np.float32]
    vulnerability: NDArray[np.float32]
    collapse: NDArray[np.float32]


@njit(**KERNEL)
def rate_row(h: Any, speed: Any, limits: Any, room: Any, rating: Any) -> None:
    """Hazard to people, h (v + offset) + debris."""
    zero, offset, least = np.float32(0.0), limits.offset, limits.least
    fast, most = limits.debris_speed, limits.debris_most
    for j in range(uint64(rating.size)):
        room[j] = zero
    for k in range(limits.debris_depth.size):
        from_depth, rise = limits.debris_depth[k], limits.debris_rise[k]
        for j in range(uint64(rating.size)):
            room[j] += rise if np.float32(h[j]) >= from_depth else zero
    for j in range(uint64(rating.size)):
        depth, v = np.float32(h[j]), speed[j]
        now = depth * (v + offset) + (most if v > fast else room[j])
        rating[j] = max(rating[j], now if depth >= least else zero)


@njit(**KERNEL)
def class_row(h: Any, speed: Any, limits: Any, room: Any, vulnerability: Any) -> None:
    """Number of the class: one more than the number of classes whose limits are passed."""
    zero, one, least = np.float32(0.0), np.float32(1.0), limits.least
    for j in range(uint64(vulnerability.size)):
        room[j] = one
    for k in range(limits.vulnerability.shape[0]):
        most_dv, most_d, most_v = limits.vulnerability[k, 0], limits.vulnerability[k, 1], limits.vulnerability[k, 2]
        for j in range(uint64(vulnerability.size)):
            depth, v = np.float32(h[j]), speed[j]
            passed = max(depth * v - most_dv, depth - most_d, v - most_v)
            room[j] += one if passed > zero else zero
    for j in range(uint64(vulnerability.size)):
        vulnerability[j] = max(vulnerability[j], room[j] if h[j] >= least else zero)


@njit(**KERNEL)
def critical_speed(depth: Any, first: Any, last: Any, curve_depth: Any, curve_speed: Any) -> Any:
    """Speed of a curve at a depth; infinite before its first point."""
    if depth < curve_depth[first]:
        return np.float32(np.inf)
    for k in range(first, last - 1):
        if depth < curve_depth[k + 1]:
            share = (depth - curve_depth[k]) / (curve_depth[k + 1] - curve_depth[k])
            return curve_speed[k] + share * (curve_speed[k + 1] - curve_speed[k])
    return curve_speed[last - 1]


@njit(**KERNEL)
def collapse_row(h: Any, speed: Any, limits: Any, collapse: Any) -> None:
    """Class of the collapse of houses."""
    zero = np.float32(0.0)
    for k in range(limits.force.size):
        first, last, number = limits.curve_first[k], limits.curve_first[k + 1], np.float32(k + 1)
        least = limits.force[k]
        if first == last:
            for j in range(uint64(collapse.size)):
                depth, v = np.float32(h[j]), speed[j]
                collapse[j] = max(collapse[j], number if depth * (v * v) >= least else zero)
        else:
            for j in range(collapse.size):
                depth = np.float32(h[j])
                if speed[j] > 0 and collapse[j] < number:
                    most = critical_speed(depth, first, last, limits.curve_depth, limits.curve_speed)
                    if speed[j] >= most:
                        collapse[j] = number


@njit(**KERNEL)
def is_deep(h: Any, least: Any) -> Any:
    """Whether any cell is deep enough to be judged."""
    deepest = h[0]
    for j in range(uint64(h.size)):
        deepest = max(deepest, h[j])
    return deepest >= least


@njit(**KERNEL)
def judge_row(h: Any, speed: Any, limits: Any, room: Any, rating: Any, vulnerability: Any, collapse: Any) -> None:
    """Bring a run of cells up to date."""
    rate_row(h, speed, limits, room, rating)
    class_row(h, speed, limits, room, vulnerability)
    collapse_row(h, speed, limits, collapse)


@njit(**KERNEL)
def judge_velocity(
    h: Any, u: Any, v: Any, corner: tuple[int, int], active: Active, limits: Limits, room: Any, worst: Worst
) -> None:
    """Judge the active tiles of a scheme that keeps velocities.

    h, u, v : (ny + ..., nx + ...)   depth [m], velocity [m s-1]; cell (0, 0) lies at `corner`
    room : (2, PIECE)                of float32, lost
    """
    down, right = corner
    for i in range(worst.rating.shape[0]):
        t = i // TILE_ROWS
        for g in range(active.runs[t]):
            for a in range(active.first[t, g], active.last[t, g], PIECE):
                b = min(a + PIECE, active.last[t, g])
                p, q = a + right, b + right
                depth, speed, least = h[i + down, p:q], room[0, : b - a], limits.least
                if not is_deep(depth, least):
                    continue
                x, y = u[i + down, p:q], v[i + down, p:q]
                for j in range(uint64(b - a)):
                    now = math.sqrt(x[j] * x[j] + y[j] * y[j])
                    speed[j] = now if depth[j] >= least else now * 0
                judge_row(
                    depth, speed, limits, room[1, : b - a], worst.rating[i, a:b], worst.vulnerability[i, a:b],
                    worst.collapse[i, a:b],
                )  # fmt: skip


@njit(**KERNEL)
def judge_discharge(
    h: Any, qx: Any, qy: Any, critical: float, active: Active, limits: Limits, room: Any, worst: Worst
) -> None:
    """Judge the active tiles of a scheme that keeps unit discharges at faces.

    As in ``kernels.track_row`` the depth of a speed is at least the one at which the discharge has the largest Froude
    number that faces allow.

    h : (ny, nx)                        depth [m]
    qx, qy : (ny, nx + 1), (ny + 1, nx) unit discharge [m2 s-1]
    critical : float                    largest Froude number times sqrt(g) [m1/2 s-1]
    room : (2, PIECE)                   of float32, lost
    """
    half, square = np.float32(0.5), np.float32(critical * critical)
    for i in range(worst.rating.shape[0]):
        t = i // TILE_ROWS
        for g in range(active.runs[t]):
            for a in range(active.first[t, g], active.last[t, g], PIECE):
                b = min(a + PIECE, active.last[t, g])
                depth, speed, least = h[i, a:b], room[0, : b - a], limits.least
                if not is_deep(depth, least):
                    continue
                west, east, north, south = qx[i, a:b], qx[i, a + 1 : b + 1], qy[i, a:b], qy[i + 1, a:b]
                for j in range(uint64(b - a)):
                    along, across = half * (west[j] + east[j]), half * (north[j] + south[j])
                    now = math.sqrt(along * along + across * across) / max(depth[j], least)
                    speed[j] = now if depth[j] >= least else now * 0
                for j in range(uint64(b - a)):
                    if speed[j] * speed[j] > square * depth[j]:
                        # q / max(h, (q / critical)^(2/3))
                        speed[j] = np.cbrt(speed[j] * depth[j] * square)
                judge_row(
                    depth, speed, limits, room[1, : b - a], worst.rating[i, a:b], worst.vulnerability[i, a:b],
                    worst.collapse[i, a:b],
                )  # fmt: skip
