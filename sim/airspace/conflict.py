"""Conflicts between flights: of planned trajectories (exact), and of aircraft that keep their velocity (tactical)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

import sim.airspace.conflict_kernels as k
from sim.airspace.separation import Separation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sim.airspace.trajectory import Trajectory

__all__ = ["Conflicts", "Separation", "Traffic", "find_conflicts", "predict_conflicts"]

BIN = 30.0
"""Bin of time in which trajectories are compared [s]: some hundred metres of flight."""


@dataclass(frozen=True, slots=True, eq=False)
class Traffic:
    """Many trajectories in one array, as the kernels take them.

    Parameters
    ----------
    points : ndarray (m, 4)
        x, y, z, t of all flights, one after the other.
    start : ndarray of int64 (n + 1,)
        Flight i has the points ``start[i]:start[i + 1]``.
    """

    points: NDArray[np.float64]
    start: NDArray[np.int64]

    @classmethod
    def of(cls, trajectories: Sequence[Trajectory]) -> Traffic:
        """The trajectories in their order."""
        counts = [len(t.points) for t in trajectories]
        points = np.concatenate([t.points for t in trajectories]) if trajectories else np.zeros((0, 4))
        return cls(points, np.r_[0, np.cumsum(counts, dtype=np.int64)].astype(np.int64))

    def __len__(self) -> int:
        return len(self.start) - 1

    def at(self, flight: int, time: float) -> NDArray[np.float64]:
        """(3,) x, y, z of a flight at a time [s]."""
        points = self.points[self.start[flight] : self.start[flight + 1]]
        return np.array([np.interp(time, points[:, 3], points[:, axis]) for axis in range(3)])


@dataclass(frozen=True, slots=True, eq=False)
class Conflicts:
    """Pairs that come too near, ascending.

    Parameters
    ----------
    pair : ndarray of int64 (n, 2)
        Flights, the smaller number first; no pair twice.
    first : ndarray (n,)
        First moment in conflict [s].
    time : ndarray (n,)
        Moment of the least horizontal distance while in conflict [s].
    horizontal, vertical : ndarray (n,)
        Distances at that moment [m].
    """

    pair: NDArray[np.int64]
    first: NDArray[np.float64]
    time: NDArray[np.float64]
    horizontal: NDArray[np.float64]
    vertical: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.pair)


def find_conflicts(traffic: Traffic, separation: Separation, *, brute: bool = False) -> Conflicts:
    """All pairs of flights that are at some moment nearer than `separation`, exact.

    Parameters
    ----------
    traffic : Traffic
    separation : Separation
    brute : bool
        Look at every pair: slow, the same answer.
    """
    if len(traffic) < 2:
        found = np.zeros((0, 2), dtype=np.int32)
    elif brute:
        found = _gather(
            lambda out: k.find_pairs_brute(
                traffic.points, traffic.start, separation.horizontal, separation.vertical, out
            )
        )
    else:
        found = _gather(
            lambda out: k.find_pairs(
                traffic.points, traffic.start, separation.horizontal, separation.vertical, BIN, out
            )
        )
    pairs = np.unique(found, axis=0).astype(np.int64)
    told = np.empty((len(pairs), 4))
    if len(pairs):
        k.examine_pairs(traffic.points, traffic.start, pairs, separation.horizontal, separation.vertical, told)
    return Conflicts(pairs, *told.T)


def predict_conflicts(
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    separation: Separation,
    lookahead: float = 60.0,
    *,
    brute: bool = False,
) -> Conflicts:
    """Pairs of aircraft that would come too near within `lookahead` if all kept their velocity (state-based).

    Parameters
    ----------
    position, velocity : ndarray (n, 3)
        [m] and [m/s]: east, north, up.
    separation : Separation
    lookahead : float
        [s]
    brute : bool
        Look at every pair: slow, the same answer.

    Returns
    -------
    Conflicts
        `first` is 0 for aircraft that are in conflict now; `time` and `horizontal` are those of the closest approach
        in the plane, which may lie before or after the conflict in height; `vertical` is the distance then.
    """
    columns = [np.ascontiguousarray(values[:, axis]) for values in (position, velocity) for axis in range(3)]
    kernel = k.detect_states_brute if brute else k.detect_states
    room = max(1024, 4 * len(position))
    while True:
        pair, told = np.empty((room, 2), dtype=np.int32), np.empty((room, 3))
        arguments = (*columns, separation.horizontal, separation.vertical, lookahead, pair, told)
        found = 0 if len(position) < 2 else int(kernel(*arguments))
        if found <= room:
            break
        room = found
    order = np.lexsort((pair[:found, 1], pair[:found, 0]))
    chosen, told = pair[:found][order].astype(np.int64), told[:found][order]
    i, j = chosen.T
    above = position[j, 2] - position[i, 2] + (velocity[j, 2] - velocity[i, 2]) * told[:, 1]
    return Conflicts(chosen, told[:, 0], told[:, 1], told[:, 2], np.abs(above))


def _gather(search: Callable[[NDArray[np.int32]], int]) -> NDArray[np.int32]:
    """Pairs that a kernel writes, with room for all of them."""
    pair = np.empty((4096, 2), dtype=np.int32)
    while (found := search(pair)) > len(pair):
        pair = np.empty((found, 2), dtype=np.int32)
    return pair[:found]
