"""Where a flight is at every moment: corners with a time each, straight and steady between them."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import SimulationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from sim.airspace.objective import Objective

__all__ = ["PHASES", "Stop", "Trajectory", "fly"]

PHASES = ("climb", "cruise", "descend", "hover", "hold", "ground")
"""Codes of ``Trajectory.phase``: `hover` works on the spot, `hold` waits in the air, `ground` stands on a pad."""
CLIMB, CRUISE, DESCEND, HOVER, HOLD, GROUND = range(len(PHASES))
LEVEL = 1e-6
"""Changes of height below this are level flight [m]."""
SHORTEST = 1e-3
"""Pieces that take less are left out [s]: a few centimetres."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectory:
    """A timed path.

    Parameters
    ----------
    points : ndarray (m, 4)
        x, y [m in the frame], z [m T.P.], t [s since the scenario's start], times strictly ascending.
    phase : ndarray of uint8 (m - 1,)
        What the aircraft does until the next point, a code of :data:`PHASES`.

    Raises
    ------
    SimulationError
        If times do not ascend, or the arrays do not fit each other.
    """

    points: NDArray[np.float64]
    phase: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if len(self.points) < 2 or len(self.phase) != len(self.points) - 1 or self.points.shape[1:] != (4,):
            raise SimulationError(
                f"a trajectory of {len(self.points)} points has {len(self.phase)} phases",
                where="trajectory",
                remedy="Give at least two points (x, y, z, t), and a phase between two.",
            )
        if not np.all(np.diff(self.points[:, 3]) > 0):
            at = int(np.flatnonzero(~(np.diff(self.points[:, 3]) > 0))[0])
            raise SimulationError(
                f"point {at + 1} is not later than point {at} (t = {self.points[at, 3]:.3f} s)",
                where="trajectory",
                remedy="Leave out points that are given twice.",
            )

    @property
    def start(self) -> float:
        """First moment [s]."""
        return float(self.points[0, 3])

    @property
    def end(self) -> float:
        """Last moment [s]."""
        return float(self.points[-1, 3])

    @property
    def length(self) -> float:
        """Length of the path [m]."""
        return float(np.sqrt((np.diff(self.points[:, :3], axis=0) ** 2).sum(axis=1)).sum())

    def at(self, times: ArrayLike) -> NDArray[np.float64]:
        """(n, 3) x, y, z at `times` [s]; before the first and after the last moment where it begins and ends."""
        t = np.asarray(times, dtype=np.float64).reshape(-1)
        return np.stack([np.interp(t, self.points[:, 3], self.points[:, axis]) for axis in range(3)], axis=1)

    def later(self, delay: float) -> Trajectory:
        """The same flight, `delay` seconds later."""
        return replace(self, points=self.points + np.array([0.0, 0.0, 0.0, delay]))

    def on_pads(self, before: float, after: float) -> Trajectory:
        """The flight with the time for which it holds its first and last place: it stands on the pad."""
        points, phase = self.points, self.phase
        if before > 0:
            points = np.r_[points[:1] - np.array([0.0, 0.0, 0.0, before]), points]
            phase = np.r_[np.uint8(GROUND), phase]
        if after > 0:
            points = np.r_[points, points[-1:] + np.array([0.0, 0.0, 0.0, after])]
            phase = np.r_[phase, np.uint8(GROUND)]
        return Trajectory(points, phase)

    def airborne(self) -> Trajectory:
        """The flight without the time on the pads at its ends."""
        flown = np.flatnonzero(self.phase != GROUND)
        return Trajectory(self.points[flown[0] : flown[-1] + 2], self.phase[flown[0] : flown[-1] + 1])


@dataclass(frozen=True, slots=True)
class Stop:
    """A place on the way, and how long the aircraft stays there.

    Parameters
    ----------
    x, y, z : float
        [m in the frame, m T.P.]
    seconds : float
        Time that it hovers there [s].
    """

    x: float
    y: float
    z: float
    seconds: float = 0.0


def fly(stops: Sequence[Stop], objective: Objective, start: float = 0.0) -> tuple[Trajectory, NDArray[np.float64]]:
    """Fly through `stops` at the objective's speeds; stops at the same place are one.

    Returns
    -------
    trajectory : Trajectory
    leaves : ndarray (n,)
        When each stop is left [s].

    Raises
    ------
    SimulationError
        If there is no way to go.
    """
    places = np.array([(stop.x, stop.y, stop.z) for stop in stops])
    seconds = objective.seconds(np.diff(places, axis=0)).tolist()
    points, phases, now = [[*places[0], start]], [], start
    leaves = np.empty(len(stops))
    for number, stop in enumerate(stops):
        if number and seconds[number - 1] > SHORTEST:
            now += seconds[number - 1]
            phases.append(_phase(places[number - 1], places[number]))
            points.append([*places[number], now])
        if stop.seconds > 0:
            now += stop.seconds
            points.append([*places[number], now])
            phases.append(HOVER)
        leaves[number] = now
    return Trajectory(np.array(points), np.array(phases, dtype=np.uint8)), leaves


def _phase(before: NDArray[np.float64], after: NDArray[np.float64]) -> int:
    up = after[2] - before[2]
    flat = math.hypot(after[0] - before[0], after[1] - before[1])
    if abs(up) <= max(LEVEL, flat):
        return CRUISE
    return CLIMB if up > 0 else DESCEND
