"""Operational intents: a flight as a list of volumes in space and time, as operators exchange them (ASTM F3548-21)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from sim.airspace.trajectory import GROUND, Trajectory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.airspace.separation import Separation

__all__ = ["OVERLAP", "Claims", "Volume", "find_volume_conflicts", "intent_of"]

OVERLAP = 0.01
"""Volumes that overlap by no more than this do not conflict [m]: the tolerance of F3548-21."""
LONGEST = 30.0
"""Longest time of one volume [s]: a volume holds all its air for all its time."""
ARC = 8
"""Edges of a quarter circle of an outline."""


@dataclass(frozen=True, slots=True, eq=False)
class Volume:
    """A piece of air for a time (Volume4D of F3548-21).

    Parameters
    ----------
    outline : Polygon
        [m in the frame]
    lower, upper : float
        [m T.P.]
    start, end : float
        [s since the scenario's start]
    """

    outline: shapely.Polygon
    lower: float
    upper: float
    start: float
    end: float


def intent_of(trajectory: Trajectory, separation: Separation) -> tuple[Volume, ...]:
    """Volumes that hold the flight with half the separation around it: flights whose intents do not meet are separate.

    Each straight piece of at most `LONGEST` seconds becomes a volume; it begins ``separation.time`` before the
    flight is there and ends as long after. The time on the pads is a volume each.
    """
    side, height = separation.horizontal / 2, separation.vertical / 2
    # the polygon's edges, not its corners, keep the distance
    radius = side / math.cos(math.pi / (4 * ARC))
    out = []
    for a, b, phase in zip(trajectory.points[:-1], trajectory.points[1:], trajectory.phase, strict=True):
        pieces = 1 if phase == GROUND else max(1, math.ceil((b[3] - a[3]) / LONGEST))
        for piece in range(pieces):
            p, q = a + (b - a) * piece / pieces, a + (b - a) * (piece + 1) / pieces
            is_spot = math.dist(p[:2], q[:2]) < OVERLAP
            line = shapely.Point(p[:2]) if is_spot else shapely.LineString([p[:2], q[:2]])
            outline = line.buffer(radius, quad_segs=ARC)
            lower, upper = min(p[2], q[2]) - height, max(p[2], q[2]) + height
            out.append(Volume(outline, lower, upper, p[3] - separation.time, q[3] + separation.time))
    return tuple(out)


def find_volume_conflicts(intents: Sequence[Sequence[Volume]], *, brute: bool = False) -> NDArray[np.int64]:
    """Pairs of intents of which some volumes overlap in the plane, in height and in time, by more than `OVERLAP`.

    Parameters
    ----------
    intents : sequence of sequences of Volume
    brute : bool
        Look at every pair of volumes: slow, the same answer.

    Returns
    -------
    ndarray of int64 (n, 2)
        Numbers of the intents, ascending, no pair twice.
    """
    owner = np.repeat(np.arange(len(intents)), [len(volumes) for volumes in intents])
    flat = [volume for volumes in intents for volume in volumes]
    if not flat:
        return np.zeros((0, 2), dtype=np.int64)
    core, bounds = _cores(flat)
    low, high, begin, end = bounds.T
    if brute:
        i, j = np.triu_indices(len(flat), 1)
    else:
        i, j = shapely.STRtree(core).query(core)
    keep = (
        (owner[i] < owner[j])
        & (np.minimum(high[i], high[j]) - np.maximum(low[i], low[j]) > OVERLAP)
        & (np.minimum(end[i], end[j]) > np.maximum(begin[i], begin[j]))
    )
    i, j = i[keep], j[keep]
    meet = shapely.intersects(core[i], core[j])
    pairs: NDArray[np.int64] = np.unique(np.stack([owner[i[meet]], owner[j[meet]]], axis=1), axis=0).astype(np.int64)
    return pairs


class Claims:
    """Air that intents hold: who comes later must keep out of it."""

    def __init__(self) -> None:
        self._core: NDArray[np.object_] = np.zeros(0, dtype=object)
        self._bounds = np.zeros((0, 4))
        self._box = np.zeros((0, 4))

    def add(self, intent: Sequence[Volume]) -> None:
        """Claim the volumes of an intent."""
        core, bounds = _cores(intent)
        self._core = np.r_[self._core, core]
        self._bounds = np.r_[self._bounds, bounds]
        self._box = np.r_[self._box, shapely.bounds(core)]

    def is_free(self, intent: Sequence[Volume]) -> bool:
        """Whether no volume of an intent overlaps a claimed one by more than `OVERLAP`."""
        cores, bounds = _cores(intent)
        for core, (low, high, begin, end), box in zip(cores, bounds, shapely.bounds(cores), strict=True):
            near = (
                (np.minimum(self._bounds[:, 1], high) - np.maximum(self._bounds[:, 0], low) > OVERLAP)
                & (np.minimum(self._bounds[:, 3], end) > np.maximum(self._bounds[:, 2], begin))
                & np.all(self._box[:, :2] <= box[2:], axis=1)
                & np.all(self._box[:, 2:] >= box[:2], axis=1)
            )
            if shapely.intersects(core, self._core[near]).any():
                return False
        return True


def _cores(volumes: Sequence[Volume]) -> tuple[NDArray[np.object_], NDArray[np.float64]]:
    """Outlines that have lost half the tolerance, and (lower, upper, start, end) (n, 4).

    Two outlines overlap by more than the tolerance if they still meet when each has lost half of it.
    """
    outlines = np.array([v.outline for v in volumes], dtype=object)
    cores: NDArray[np.object_] = shapely.buffer(outlines, -OVERLAP / 2, join_style="mitre")
    return cores, np.array([(v.lower, v.upper, v.start, v.end) for v in volumes])
