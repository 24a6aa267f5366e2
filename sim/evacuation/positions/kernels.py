"""Kernels that turn a person's progress on a link into coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["locate", "place_queues", "progress"]

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""How every kernel is compiled; without reference counts, for they allocate nothing."""

QUEUE_DENSITY = 3.0
"""Density at which a queue is drawn [persons/m2]."""
WIDEST = 6.0
"""People keep within this width of a street's middle [m]."""


@njit(**KERNEL)
def progress(
    time: float,
    is_walking: NDArray[np.bool_],
    link: NDArray[np.int32],
    pace: NDArray[np.float32],
    rest: NDArray[np.float64],
    since: NDArray[np.float64],
    whole: NDArray[np.float32],
    begin: NDArray[np.float32],
    share: NDArray[np.float32],
) -> None:
    """Share of the link that lies behind each person, 0 to 1 in walking direction.

    is_walking : (n,)   others stand where they are
    link       : (n,)   -1 for people in no street: their share is 0
    pace       : (n,)   share of the dry pace that the water leaves
    rest, since, whole, begin : (n,)   see ``sim.evacuation.kernels.Agents``
    share      : (n,)   out
    """
    for a in range(len(link)):
        if link[a] < 0:
            share[a] = 0.0
            continue
        left = rest[a]
        if is_walking[a]:
            left = max(0.0, left - pace[a] * max(0.0, time - since[a]))
        part = left / whole[a] if whole[a] > 0.0 else 0.0
        share[a] = 1.0 - (1.0 - begin[a]) * min(1.0, part)


@njit(**KERNEL)
def place_queues(
    active: NDArray[np.int32],
    first: NDArray[np.int32],
    after: NDArray[np.int32],
    width: NDArray[np.float64],
    length: NDArray[np.float64],
    share: NDArray[np.float32],
) -> None:
    """Line the people of each queue up from the end of the link backwards.

    active        : (n_active,)  links with a queue
    first, after  : (n_links,), (n,)   the lists
    width, length : (n_links,)   [m]
    share         : (n,)         out
    """
    for e in active:
        a, rank = first[e], 0
        while a >= 0:
            back = rank / (QUEUE_DENSITY * width[e]) / length[e]
            share[a] = max(0.0, 1.0 - back)
            a = after[a]
            rank += 1


@njit(**KERNEL)
def _scatter(a: int) -> float:
    """A number in [-0.5, 0.5) that belongs to a person (Knuth's multiplicative hash)."""
    return float((a * 2654435761) & 0xFFFFFFFF) / 4294967296.0 - 0.5


@njit(**KERNEL)
def locate(
    at: NDArray[np.int32],
    index: NDArray[np.int32],
    share: NDArray[np.float32],
    against: NDArray[np.bool_],
    spot: Any,
    vertex: NDArray[np.float64],
    vertex_start: NDArray[np.int64],
    width: NDArray[np.float64],
    xyz: NDArray[np.float64],
) -> None:
    """Coordinates of everybody.

    at      : (n,)          0 on a feature, 1 at a spot
    index   : (n,)          feature or spot
    share   : (n,)          share of the feature that lies behind, in walking direction
    against : (n,)          whether that is against the feature's geometry
    spot    : (n_spots, 4)  x, y, z and the radius that people are scattered in
    vertex, vertex_start    lines of the features
    width   : (n_features,) [m]
    xyz     : (n, 3)        out
    """
    for a in range(len(at)):
        i = index[a]
        aside = _scatter(a)
        if at[a] == 1:
            xyz[a, 0] = spot[i, 0] + 2.0 * aside * spot[i, 3]
            xyz[a, 1] = spot[i, 1] + 2.0 * _scatter(a + 7919) * spot[i, 3]
            xyz[a, 2] = spot[i, 2]
            continue
        low, high = vertex_start[i], vertex_start[i + 1]
        total = 0.0
        for v in range(low + 1, high):
            total += np.hypot(vertex[v, 0] - vertex[v - 1, 0], vertex[v, 1] - vertex[v - 1, 1])
        left = total * (1.0 - share[a] if against[a] else share[a])
        v = low + 1
        while True:
            dx, dy = vertex[v, 0] - vertex[v - 1, 0], vertex[v, 1] - vertex[v - 1, 1]
            step = np.hypot(dx, dy)
            if left <= step or v == high - 1:
                break
            left -= step
            v += 1
        part = min(1.0, left / step) if step > 0.0 else 0.0
        off = 0.8 * aside * min(width[i], WIDEST) / step if step > 0.0 else 0.0
        xyz[a, 0] = vertex[v - 1, 0] + part * dx - off * dy
        xyz[a, 1] = vertex[v - 1, 1] + part * dy + off * dx
        xyz[a, 2] = vertex[v - 1, 2] + part * (vertex[v, 2] - vertex[v - 1, 2])
