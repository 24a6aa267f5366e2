"""Where it rains, piece by piece of time: everywhere, in a polygon, as rasters say, under a storm that moves."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.series import Series
from twin.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from layers.raster_series import RasterSeries
    from sim.flood.rain.section import RasterRain, Storm
    from sim.inputs import InputFiles
    from twin.grid import Grid

__all__ = ["MM_H", "RainField", "RasterField", "StillField", "StormField", "read_raster_rain"]

MM_H = 1e-3 / 3600.0
"""One mm/h in m/s."""

UNITS = {
    "": 1.0, "mm/h": 1.0, "mm h-1": 1.0, "mm/hr": 1.0, "mm hr-1": 1.0, "mm hour-1": 1.0, "mm h^-1": 1.0,
    "kg m-2 h-1": 1.0, "mm/min": 60.0, "mm min-1": 60.0, "mm/s": 3600.0, "mm s-1": 3600.0, "kg m-2 s-1": 3600.0,
    "kg/m2/s": 3600.0, "m/s": 3.6e6, "m s-1": 3.6e6, "m/h": 1e3, "m h-1": 1e3,
}  # fmt: skip
"""mm/h of one unit of a file; a file that states none is in mm/h."""

MOST_RAIN = 10_000.0
"""Intensity that no rain has [mm/h]: 38 mm in a minute are the most that were ever measured (WMO)."""

FARTHEST = 5.0
"""Radii from the middle of a gaussian storm at which its rain has ended: exp(-12.5) of the peak."""


class RainField(ABC):
    """Rain in space, held over pieces of time: in each it is an intensity in time, times a map."""

    def __init__(self, grid: Grid, intensity: Series) -> None:
        self.grid = grid
        self.intensity = intensity
        """[mm/h] of a cell whose share is 1."""

    @abstractmethod
    def piece(self, time: float) -> int:
        """Number of the piece that holds at `time` [s]."""

    @abstractmethod
    def end(self, piece: int) -> float:
        """When it ends [s]."""

    @abstractmethod
    def falls(self, piece: int) -> NDArray[np.float64]:
        """Share of the intensity that falls on each cell (ny, nx) and flows, losses taken off."""

    def fallen(self, piece: int) -> NDArray[np.float64]:
        """The same before losses."""
        return self.falls(piece)

    @property
    def has_losses(self) -> bool:
        """Whether `fallen` is more than `falls`."""
        return False

    @property
    def is_even(self) -> bool:
        """Whether the share is 1 everywhere, always."""
        return False

    def pieces(self, start: float, end: float) -> list[tuple[int, float]]:
        """Pieces that [start, end] touches, with the depth [m] that falls in each on a cell whose share is 1."""
        out = []
        time = start
        while time < end:
            piece = self.piece(time)
            stop = min(max(self.end(piece), np.nextafter(time, np.inf)), end)
            out.append((piece, self.intensity.mean(time, stop) * MM_H * (stop - time)))
            time = stop
        return out

    def state(self) -> dict[str, NDArray[Any]]:
        """What a restart needs beside the time."""
        return {}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        del state


class StillField(RainField):
    """One map for all times.

    Parameters
    ----------
    grid : Grid
    intensity : Series
        [mm/h], held.
    share : ndarray (ny, nx) or None
        None: 1 everywhere.
    """

    def __init__(self, grid: Grid, intensity: Series, share: NDArray[np.float64] | None = None) -> None:
        super().__init__(grid, intensity)
        self.share = share

    @property
    def is_even(self) -> bool:
        """Whether the share is 1 everywhere, always."""
        return self.share is None

    def piece(self, time: float) -> int:
        """Always the same."""
        del time
        return 0

    def end(self, piece: int) -> float:
        """Never."""
        del piece
        return math.inf

    def falls(self, piece: int) -> NDArray[np.float64]:
        """The map."""
        del piece
        return np.ones(self.grid.shape) if self.share is None else self.share


class RasterField(RainField):
    """Rain as rasters give it; the share of a cell is its intensity in mm/h.

    Parameters
    ----------
    grid : Grid
    series : RasterSeries
        In mm/h.
    missing : {"refuse", "zero"}
    factor : float
        Multiplies all of it.
    until : float
        End of the run [s].
    where : str

    Raises
    ------
    LayerError, ScenarioError
        If it says nothing for a cell of the area, is negative, or ends before the run begins.
    """

    def __init__(self, grid: Grid, series: RasterSeries, missing: str, factor: float, until: float, where: str) -> None:
        from layers.raster_series import Resampler

        super().__init__(grid, Series(np.zeros(1), np.array([factor]), held=True))
        self.times = series.times
        last = math.inf if len(self.times) == 1 else 2.0 * self.times[-1] - self.times[-2]
        self.edges = np.append(self.times, last)
        if self.times[0] >= until or last <= 0.0:
            raise ScenarioError(
                f"it rains from {self.times[0]:g} s to {last:g} s, the run from 0 s to {until:g} s",
                where=where,
                remedy="Set `zero` to the moment of the file at which the run begins.",
            )
        self._onto = Resampler(series, grid, where)
        self._check(series, missing, until, where)

    def _check(self, series: RasterSeries, missing: str, until: float, where: str) -> None:
        low = np.where(np.isfinite(series.values), series.values, np.inf).min(axis=(1, 2))
        if low.min() < 0:
            k = int(low.argmin())
            raise LayerError(
                f"rain is {low[k]:g} mm/h at t = {self.times[k]:g} s",
                where=where,
                remedy="Give intensities >= 0; declare the value that stands for missing ones.",
            )
        high = np.nanmax(np.where(np.isfinite(series.values), series.values, 0.0), axis=(1, 2))
        Series(self.times, high).require_within(0.0, MOST_RAIN, "mm/h", where)
        if missing == "zero":
            return
        for number in np.flatnonzero((self.edges[:-1] < until) & (self.edges[1:] > 0.0)):
            k = int(number)
            gaps = ~np.isfinite(self._onto.frame(k))
            if gaps.any():
                raise LayerError(
                    f"says nothing for {int(gaps.sum())} of {gaps.size} cells at t = {self.times[k]:g} s",
                    where=where,
                    remedy="Give rasters that cover the area, or say missing: zero.",
                )
            if self._onto.index is not None and np.isfinite(series.values).all():
                return  # the same cells are covered at all times

    def piece(self, time: float) -> int:
        """Number of the raster, -1 before the first."""
        return int(np.searchsorted(self.edges, time, side="right")) - 1

    def end(self, piece: int) -> float:
        """Time of the next."""
        return float(self.edges[piece + 1]) if piece + 1 < len(self.edges) else math.inf

    def falls(self, piece: int) -> NDArray[np.float64]:
        """[mm/h]."""
        if not 0 <= piece < len(self.times):
            return np.zeros(self.grid.shape)
        values = self._onto.frame(piece).astype(np.float64)
        return np.where(np.isfinite(values), np.maximum(values, 0.0), 0.0)


class StormField(RainField):
    """A storm that moves; the share of a cell is its rain over the peak.

    Parameters
    ----------
    grid : Grid
    storm : Storm
    intensity : Series
        Of the peak.
    until : float
        End of the run [s].

    Raises
    ------
    ScenarioError
        If it never touches the area.
    """

    def __init__(self, grid: Grid, storm: Storm, intensity: Series, until: float) -> None:
        super().__init__(grid, intensity)
        self.storm = storm
        self.radii = storm.radius if isinstance(storm.radius, tuple) else (storm.radius, storm.radius)
        times = (np.arange(min(math.ceil(until / storm.every), 100_000)) + 0.5) * storm.every
        centre = np.array([self.centre(float(t)) for t in times])
        west, south, east, north = grid.bounds
        away = np.hypot(
            np.maximum(np.maximum(west - centre[:, 0], centre[:, 0] - east), 0.0),
            np.maximum(np.maximum(south - centre[:, 1], centre[:, 1] - north), 0.0),
        )
        reach = max(self.radii) * (FARTHEST if storm.profile == "gaussian" else 1.0)
        if away.min() > reach:
            raise ScenarioError(
                f"its middle never comes closer than {away.min():.0f} m, its rain ends at {reach:.0f} m",
                where="flood.rain.storm",
                remedy="Move its track over area.bbox, or give it a larger radius.",
            )

    def centre(self, time: float) -> tuple[float, float]:
        """Where its middle is at `time` [m]."""
        if self.storm.track is not None:
            t, x, y = np.array(self.storm.track, dtype=np.float64).T
            return float(np.interp(time, t, x)), float(np.interp(time, t, y))
        assert self.storm.centre is not None
        angle, way = math.radians(self.storm.towards), self.storm.speed * time
        return self.storm.centre[0] + way * math.sin(angle), self.storm.centre[1] + way * math.cos(angle)

    def piece(self, time: float) -> int:
        """Steps of ``every`` since the start."""
        return math.floor(time / self.storm.every)

    def end(self, piece: int) -> float:
        """End of the step."""
        return (piece + 1) * self.storm.every

    def falls(self, piece: int) -> NDArray[np.float64]:
        """Rain over the peak, where the storm is in the middle of the step."""
        x0, y0 = self.centre((piece + 0.5) * self.storm.every)
        x, y = self.grid.x_cell[None, :] - x0, self.grid.y_cell[:, None] - y0
        sine, cosine = math.sin(math.radians(self.storm.azimuth)), math.cos(math.radians(self.storm.azimuth))
        along, across = (x * sine + y * cosine) / self.radii[0], (x * cosine - y * sine) / self.radii[1]
        square = along**2 + across**2
        return np.exp(-0.5 * square) if self.storm.profile == "gaussian" else np.where(square <= 1.0, 1.0, 0.0)


def read_raster_rain(rain: RasterRain, files: InputFiles, grid: Grid) -> RasterSeries:
    """The rasters of a scenario, in mm/h.

    Raises
    ------
    LayerError, ScenarioError
        If a file is missing, cannot be read, does not touch the area or has a unit that is no intensity.
    """
    from dataclasses import replace

    from layers.raster_series import read_cf_series, read_file_series

    if not isinstance(rain.source, Path):
        given = [(time, files.path(path), str(path)) for time, path in rain.source]
        return read_file_series(given, crs=rain.crs, frame=grid.frame, area=grid.bounds)
    series = read_cf_series(
        files.path(rain.source), str(rain.source), variable=rain.variable, zero=rain.zero, crs=rain.crs,
        frame=grid.frame, area=grid.bounds,
    )  # fmt: skip
    if series.units.strip() not in UNITS:
        raise LayerError(
            f"is in {series.units!r}, which is no intensity of rain",
            where=str(rain.source),
            remedy=f"Give one of {', '.join(sorted(UNITS)[1:])}.",
        )
    return replace(series, values=series.values * np.float32(UNITS[series.units.strip()]))
