"""A value in time: what a scenario gives as a number, as pairs or as a CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.scenario import SeriesInput
    from sim.inputs import InputFiles

__all__ = ["DISCHARGES", "STAGES", "UNIT_DISCHARGES", "WAVES", "Series"]

STAGES = (-12_000.0, 9_000.0)
"""Water levels that can be [m T.P.]: from the deepest sea to the highest ground."""

DISCHARGES = (-1e7, 1e7)
"""Discharges that can be [m3/s]: twenty-five times the Amazon in flood."""

UNIT_DISCHARGES = (-1e5, 1e5)
"""Discharges for a metre of an edge that can be [m2/s]."""

WAVES = (-1_000.0, 1_000.0)
"""Heights of a wave that can be [m]."""


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Values at times; the nearest holds outside.

    Parameters
    ----------
    times : ndarray (n,)
        Ascending [s].
    values : ndarray (n,)
    held : bool
        Whether a value holds until the next time (rain); linear otherwise (discharge, stage).

    Examples
    --------
    >>> ramp = Series(np.array([0.0, 10.0]), np.array([0.0, 4.0]))
    >>> ramp.at(5.0), ramp.mean(5.0, 15.0)
    (2.0, 3.5)
    >>> hyetograph = Series(np.array([0.0, 10.0]), np.array([70.0, 0.0]), held=True)
    >>> hyetograph.at(9.0), hyetograph.mean(5.0, 15.0)
    (70.0, 35.0)
    """

    times: NDArray[np.float64]
    values: NDArray[np.float64]
    held: bool = False

    @classmethod
    def resolve(cls, given: SeriesInput, files: InputFiles, *, held: bool = False) -> Series:
        """Series from what the scenario says.

        Raises
        ------
        ScenarioError, LayerError
            If a CSV is missing or malformed.
        """
        if isinstance(given, Path):
            times, values = files.series(given)
            return cls(times, values, held)
        if isinstance(given, tuple):
            times, values = np.array(given, dtype=np.float64).T
            return cls(times, values, held)
        return cls(np.zeros(1), np.array([given], dtype=np.float64), held)

    def require_within(self, low: float, high: float, unit: str, where: str) -> Series:
        """Refuse values below `low` or above `high`; returns the series.

        Raises
        ------
        ScenarioError
            Naming the first value that does not, most often one in another unit.
        """
        beyond = np.flatnonzero((self.values < low) | (self.values > high))
        if len(beyond):
            k = int(beyond[0])
            raise ScenarioError(
                f"{self.values[k]:g} {unit} at t = {self.times[k]:g} s is no value that can be",
                where=where,
                remedy=f"Give {low:g} to {high:g} [{unit}].",
            )
        return self

    @property
    def is_constant(self) -> bool:
        """Whether it never changes."""
        return len(self.times) == 1

    def at(self, time: float) -> float:
        """Value at `time`."""
        if self.held:
            return float(self.values[max(int(np.searchsorted(self.times, time, side="right")) - 1, 0)])
        return float(np.interp(time, self.times, self.values))

    def mean(self, start: float, end: float) -> float:
        """Mean over [start, end], exact, so that the volume of a hydrograph is what its author gave."""
        if self.is_constant:
            return float(self.values[0])
        first, last = np.searchsorted(self.times, (start, end), side="right")
        knots = np.concatenate(([start], self.times[first:last], [end]))
        spans = np.diff(knots)
        if self.held:
            return float(sum(self.at(t) * s for t, s in zip(knots[:-1], spans, strict=True)) / (end - start))
        values = np.interp(knots, self.times, self.values)
        return float(np.sum(0.5 * (values[1:] + values[:-1]) * spans) / (end - start))
