"""Running statistics of a flood: what the maps at the end are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.fields import ARRIVAL_DEPTHS, DURATION_DEPTH
from sim.flood.kernels import Active, join_runs, track_depth
from sim.flood.memory import spread_array

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

__all__ = ["Tracker"]

RISE = 1e-3
"""Rise of the maximum that moves its time [m]: a lake that creeps up by micrometres has long had its peak."""


@dataclass(slots=True, eq=False)
class Tracker:
    """Maxima of speed, unit discharge and u^2 h, arrival times, time of the maximum, duration.

    The maximum depth itself is kept by the step. All arrays are float32 (ny, nx); times are -1 where nothing came.

    Parameters
    ----------
    every : float
        Time between two samples [s].
    touched : ndarray of bool
        Tiles that were computed since the last sample; the model's step marks them.
    """

    every: float
    touched: NDArray[np.bool_]
    speed_max: NDArray[np.float32]
    discharge_max: NDArray[np.float32]
    force_max: NDArray[np.float32]
    early: NDArray[np.float32]
    late: NDArray[np.float32]
    time_max: NDArray[np.float32]
    counted: NDArray[np.float32]
    duration: NDArray[np.float32]
    sampled: float = 0.0

    @classmethod
    def start(cls, depth: NDArray[np.float64], tiles: tuple[int, int], every: float) -> Tracker:
        """Statistics of a run that begins with `depth` [m]."""
        zero = np.zeros(depth.shape)
        early, late, time_max = (np.where(depth >= least, 0.0, -1.0) for least in (*ARRIVAL_DEPTHS, RISE))
        first = (zero, zero, zero, early, late, time_max, depth, zero)
        made: Any = (spread_array(values, np.float32, slot) for slot, values in enumerate(first))
        return cls(every, np.zeros(tiles, dtype=np.bool_), *made)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """What a restart needs."""
        return {
            "speed_max": self.speed_max,
            "discharge_max": self.discharge_max,
            "force_max": self.force_max,
            "early": self.early,
            "late": self.late,
            "time_max": self.time_max,
            "counted": self.counted,
            "duration": self.duration,
            "touched": self.touched,
        }

    def load(self, arrays: Mapping[str, NDArray[Any]], sampled: float) -> None:
        """Take up what :meth:`arrays` gave."""
        for name, values in self.arrays().items():
            values[...] = arrays[name]
        self.sampled = sampled

    def look(
        self,
        time: float,
        h: NDArray[Any],
        h_max: NDArray[Any],
        active: Active,
        track_flow: Callable[..., None],
        *,
        final: bool = False,
    ) -> None:
        """Take a sample if it is time for one, or, with `final`, if anything happened since the last.

        Parameters
        ----------
        time : float
            Now [s].
        h, h_max : ndarray (ny, nx)
            Depth and its running maximum [m].
        active : Active
            Room for the runs of tiles; its content is lost.
        track_flow : callable
            Brings `speed_max`, `discharge_max` and `force_max`, its arguments, up to date in the runs of `active`.
        """
        span = time - self.sampled
        if span < (1e-9 if final else self.every):
            return
        join_runs(self.touched, h.shape[1], active)
        track_flow(self.speed_max, self.discharge_max, self.force_max)
        limits = np.array([time, span, *ARRIVAL_DEPTHS, DURATION_DEPTH, RISE], dtype=h.dtype)
        track_depth(h, h_max, active, limits, self.early, self.late, self.time_max, self.counted, self.duration)
        self.touched[:] = False
        self.sampled = time
