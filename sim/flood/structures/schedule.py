"""Values in time of many structures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.flood.series import Series

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.flood.given import SeriesInput
    from sim.inputs import InputFiles

__all__ = ["Schedule"]


class Schedule:
    """One value in time a structure; only those that change are looked up.

    Parameters
    ----------
    given : sequence of SeriesInput or None
        None is NaN for ever.
    files : InputFiles

    Raises
    ------
    ScenarioError, LayerError
        If a CSV is missing or malformed.
    """

    def __init__(self, given: Sequence[SeriesInput | None], files: InputFiles) -> None:
        series = [None if one is None else Series.resolve(one, files) for one in given]
        self._values = np.array([np.nan if one is None else one.values[0] for one in series], dtype=np.float64)
        self._moving = [(k, one) for k, one in enumerate(series) if one is not None and not one.is_constant]
        self._most = [np.nan if one is None else one.values.max() for one in series]
        self.lowest = np.array([np.nan if one is None else one.values.min() for one in series], dtype=np.float64)

    def highest(self, number: int) -> float:
        """Largest value of a structure, NaN where it has none."""
        return float(self._most[number])

    def at(self, time: float) -> NDArray[np.float64]:
        """Values at `time` [s], (n,)."""
        for number, series in self._moving:
            self._values[number] = series.at(time)
        return self._values
