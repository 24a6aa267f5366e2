"""Rain less its losses after the curve number method."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.rain.field import RainField
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.flood.losses.scenario import CurveNumber
    from sim.inputs import InputFiles

__all__ = ["CurveNumberField", "runoff_depth"]


def runoff_depth(rain: NDArray[np.float64], storage: NDArray[np.float64], initial: float) -> NDArray[np.float64]:
    """Depth that runs off of a depth of `rain` since the start, with `storage` S [m] and Ia = `initial` S."""
    excess = np.maximum(rain - initial * storage, 0.0)
    total = excess + storage
    return np.asarray(np.divide(excess**2, total, out=np.zeros_like(total), where=total > 0.0), dtype=np.float64)


class CurveNumberField(RainField):
    """Another field's rain, evened out over intervals, and what of it runs off.

    Parameters
    ----------
    rain : RainField
    storage : ndarray of float64, broadcastable to (ny, nx)
        S [m].
    initial : float
        Ia / S.
    every : float
        Interval [s].
    """

    def __init__(self, rain: RainField, storage: NDArray[np.float64], initial: float, every: float) -> None:
        super().__init__(rain.grid, rain.intensity)
        self.rain = rain
        self.storage, self.initial, self.every = storage, initial, every
        self._fallen = np.zeros(self.grid.shape)
        self._number = 0
        self._gross: dict[int, NDArray[np.float64]] = {}

    @classmethod
    def place(cls, given: CurveNumber, rain: RainField, files: InputFiles) -> CurveNumberField:
        """Field of a scenario.

        Raises
        ------
        LayerError
            If a raster has no number above 0 to 100 for a cell.
        """
        if isinstance(given.number, Path):
            number = files.raster(given.number, rain.grid).astype(np.float64)
            bad = ~((number > 0) & (number <= 100))
            if bad.any():
                row, col = (int(i) for i in np.argwhere(bad)[0])
                raise LayerError(
                    f"the curve number is {number[row, col]} at row {row}, column {col} ({int(bad.sum())} such cells)",
                    where=f"flood.infiltration.number: {given.number}",
                    remedy="Give a number above 0 and at most 100 for every cell of the area.",
                )
        else:
            number = np.full((1, 1), given.number)
        return cls(rain, 0.0254 * (1000.0 / number - 10.0), given.initial, given.every)

    @property
    def has_losses(self) -> bool:
        """Whether `fallen` is more than `falls`."""
        return True

    def piece(self, time: float) -> int:
        """Interval."""
        return math.floor(time / self.every)

    def end(self, piece: int) -> float:
        """End of the interval."""
        return (piece + 1) * self.every

    def pieces(self, start: float, end: float) -> list[tuple[int, float]]:
        """Intervals that [start, end] touches, with the mean depth [m] over the area that falls in each."""
        out = []
        time = start
        while time < end:
            piece = self.piece(time)
            stop = min(max(self.end(piece), np.nextafter(time, np.inf)), end)
            out.append((piece, float(self._depth(piece).mean()) * (stop - time) / self.every))
            time = stop
        return out

    def fallen(self, piece: int) -> NDArray[np.float64]:
        """Rain over the area's mean."""
        depth = self._depth(piece)
        return depth / float(depth.mean())

    def falls(self, piece: int) -> NDArray[np.float64]:
        """Runoff over the area's mean of the rain; pieces must be asked for in ascending order."""
        while self._number < piece:
            self._fallen += self._depth(self._number)
            self._number += 1
        depth = self._depth(piece)
        before = runoff_depth(self._fallen, self.storage, self.initial)
        return (runoff_depth(self._fallen + depth, self.storage, self.initial) - before) / float(depth.mean())

    def state(self) -> dict[str, NDArray[Any]]:
        """Rain until the present interval, and its number."""
        return {"rain_fallen": self._fallen.copy(), "rain_number": np.array([self._number])}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        self._fallen[...] = state["rain_fallen"]
        self._number = int(state["rain_number"][0])

    def _depth(self, piece: int) -> NDArray[np.float64]:
        """Rain [m] on each cell in an interval (ny, nx)."""
        if piece not in self._gross:
            # a step touches few intervals
            for old in [key for key in self._gross if key < piece - 2]:
                del self._gross[old]
            depth = np.zeros(self.grid.shape)
            for part, metres in self.rain.pieces(piece * self.every, self.end(piece)):
                if metres > 0.0:
                    depth += metres * (1.0 if self.rain.is_even else self.rain.falls(part))
            self._gross[piece] = depth
        return self._gross[piece]
