"""Ways to every exit of a plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.evacuation.crowd.navigation.kernels import UNREACHED, find_directions, march

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.evacuation.crowd.plan import FloorPlan

__all__ = ["Navigation"]

ELBOW = 0.1
"""Ways avoid a strip this wide along walls [m]. Bodies keep off walls by themselves; a wider strip would draw all into
the middle of a door."""
SQUEEZE = 0.05
"""Share of the speed right at a wall: a way of the last resort, so that a slit is never taken for a door."""
REMARCH = 0.05
"""Change of the pace from which the ways are found anew: what people judge by is no finer."""


class Navigation:
    """Travel time to each exit and the direction in which it falls, over the plan's nodes.

    Parameters
    ----------
    plan : FloorPlan

    Attributes
    ----------
    time : (exits, ny, nx) float32
        [s] for somebody who walks 1 m/s on the level.
    direction : (exits, ny, nx, 2) int8
        127ths of a unit vector.
    pace : (ny, nx) float32
        Share of the own speed, 1 at first; :meth:`refresh` after a change.
    marched : (ny, nx) float32
        The pace that the ways were found with.
    """

    def __init__(self, plan: FloorPlan) -> None:
        self._plan = plan
        self.pace = np.ones(plan.is_free.shape, np.float32)
        self.marched = self.pace.copy()
        self._scale = 1.0
        exits = sum(opening.exit >= 0 for opening in plan.openings)
        self.time = np.empty((exits, *plan.is_free.shape), np.float32)
        self.direction = np.zeros((max(exits, 1), *plan.is_free.shape, 2), np.int8)
        self._is_floor = plan.is_free.copy()
        self._is_throat = np.zeros(plan.is_free.shape, np.bool_)
        for throat in plan.throats:
            self._is_throat.ravel()[throat] = True
        self._is_floor |= self._is_throat
        self._jump_start, self._jump_to = self._join_levels()

    def refresh(self) -> None:
        """Take account of a change of the pace.

        One factor for all of the floor (water of one depth) lengthens every time alike and changes no way; else the
        ways are found anew as soon as the pace has changed by more than `REMARCH` somewhere, or from or to nothing.
        """
        now, then = self.pace[self._plan.is_free], self.marched[self._plan.is_free]
        if not now.any():
            self._scale = np.inf
        elif np.all((now > 0.0) == (then > 0.0)) and np.ptp(ratios := then[now > 0.0] / now[now > 0.0]) < 1e-6:
            self._scale = float(ratios[0])
        else:
            self._scale = 1.0
            if np.any(np.abs(now - then) > REMARCH) or np.any((now > 0.0) != (then > 0.0)):
                self.marched[:] = self.pace
                self.find_ways()

    def find_ways(self) -> None:
        """March to every exit with the pace that is marked as marched."""
        plan = self._plan
        pace = self.marched.astype(np.float64)
        if plan.stair_up.size:
            on_stair = plan.stair > 0
            pace[on_stair] *= plan.stair_up[:, 2:].mean(axis=1)[plan.stair[on_stair] - 1]
        pace *= np.where(self._is_throat, 1.0, np.clip(plan.clearance / ELBOW, SQUEEZE, 1.0))
        with np.errstate(divide="ignore"):
            slowness = np.where(self._is_floor, 1.0 / pace, np.inf).astype(np.float32)
        for opening, seeds in zip(plan.openings, plan.throats, strict=True):
            if opening.exit >= 0:
                march(slowness, seeds, self._jump_start, self._jump_to, plan.h, self.time[opening.exit])
                find_directions(self.time[opening.exit], self.direction[opening.exit])

    def times_at(self, x: NDArray[np.float32], y: NDArray[np.float32]) -> NDArray[np.float32]:
        """Travel time to every exit from places (n,) in the local frame, (exits, n).

        Where a place's node has no way its best neighbour's counts: somebody leaning on a wall may be nearer to a node
        inside it.
        """
        ny, nx = self._plan.is_free.shape
        i = np.clip((x / self._plan.h).astype(np.int64), 0, nx - 1)
        j = np.clip((y / self._plan.h).astype(np.int64), 0, ny - 1)
        times = self.time[:, j, i]
        if (times >= UNREACHED).any():
            around = [
                self.time[:, np.clip(j + dj, 0, ny - 1), np.clip(i + di, 0, nx - 1)]
                for dj in (-1, 0, 1)
                for di in (-1, 0, 1)
            ]
            times = np.where(times < UNREACHED, times, np.min(around, axis=0))
        return np.minimum(times * np.float32(self._scale), UNREACHED)

    def _join_levels(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """From the floor beyond a passage back to the nodes in its throat."""
        plan = self._plan
        ny, nx = plan.is_free.shape
        pairs = []
        for opening, throat, (c, s, tx, ty) in zip(plan.openings, plan.throats, plan.turn, strict=True):
            if opening.partner < 0 or not opening.is_passable:
                continue
            x, y = (throat % nx + 0.5) * plan.h, (throat // nx + 0.5) * plan.h
            i = np.clip(((c * x - s * y + tx) / plan.h).astype(np.int64), 0, nx - 1)
            j = np.clip(((s * x + c * y + ty) / plan.h).astype(np.int64), 0, ny - 1)
            is_floor = plan.is_free[j, i]
            pairs.append(np.column_stack([(j * nx + i)[is_floor], throat[is_floor]]))
        if not pairs:
            return np.zeros(1, np.int64), np.zeros(0, np.int64)
        joined = np.concatenate(pairs)
        joined = joined[np.argsort(joined[:, 0], kind="stable")]
        start = np.zeros(ny * nx + 1, np.int64)
        np.add.at(start, joined[:, 0] + 1, 1)
        return np.cumsum(start), np.ascontiguousarray(joined[:, 1])
