"""What the ground and the drains take where that differs from cell to cell."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.losses.kernels import infiltrate, sink
from sim.flood.losses.scenario import GreenAmpt, Soil, soil_table
from sim.flood.rain.field import MM_H
from twin.errors import LayerError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles

__all__ = ["SINK_EVERY", "GroundLoss", "even_rates"]

SINK_EVERY = 10.0
"""Interval at which rates from rasters take their water [s]: 50 mm/h take 0.14 mm in it."""

NOTHING = np.zeros((1, 1), dtype=np.float32)
ALL = np.ones((1, 1), dtype=np.float32)


def even_rates(section: FloodSection) -> tuple[float, float]:
    """Infiltration and drainage [mm/h] that are the same everywhere: the step itself takes them."""
    given = section.infiltration, section.drainage
    infiltration, drainage = (float(rate) if isinstance(rate, int | float) else 0.0 for rate in given)
    return infiltration, drainage


class GroundLoss:
    """Rates from rasters, and Green-Ampt infiltration, at intervals between the steps.

    Parameters
    ----------
    section : FloodSection
    ground : Ground
    files : InputFiles

    Raises
    ------
    LayerError
        If a raster says nothing, or what cannot be, for an open cell of the area.
    """

    def __init__(self, section: FloodSection, ground: Ground, files: InputFiles) -> None:
        self.ground = ground
        self._storage = ALL if ground.porosity is None else ground.porosity
        ny, nx = ground.grid.shape
        self._rates = tuple(
            _rate(getattr(section, name), f"flood.{name}", ground, files) for name in ("infiltration", "drainage")
        )
        self._has_rates = any(rate.size > 1 or rate[0, 0] > 0 for rate in self._rates)
        self._green_ampt = section.infiltration if isinstance(section.infiltration, GreenAmpt) else None
        if self._green_ampt is not None:
            self._soil = _soils(self._green_ampt, ground, files)
            self._total = np.zeros((ny, nx))
        self._sums = np.zeros((ny, 2))
        self._soaked = np.zeros(ny)
        # times at which the sinks and the soil last took something
        self._last = np.zeros(2)

    @property
    def infiltrated(self) -> float:
        """Depth that went into the ground, over all cells [m]."""
        return float(self._sums[:, 0].sum() + self._soaked.sum())

    @property
    def drained(self) -> float:
        """Depth that went into the drains, over all cells [m]."""
        return float(self._sums[:, 1].sum())

    def take(self, time: float, h: NDArray[Any], rest: NDArray[Any], tops: NDArray[Any], keep: float) -> None:
        """Take what is due at `time` [s] out of the depth `h` and its rest [m]."""
        if self._has_rates and time - self._last[0] >= SINK_EVERY - 1e-9:
            into_ground, into_drains = self._rates
            sink(h, rest, tops, self._storage, into_ground, into_drains, time - self._last[0], keep, self._sums)
            self._last[0] = time
        if self._green_ampt is not None and time - self._last[1] >= self._green_ampt.every - 1e-9:
            span = time - self._last[1]
            infiltrate(h, rest, tops, self._storage, *self._soil, self._total, span, keep, self._soaked)
            self._last[1] = time

    def state(self) -> dict[str, NDArray[Any]]:
        """What a restart needs."""
        out = {"loss_sums": self._sums, "loss_soaked": self._soaked, "loss_last": self._last}
        if self._green_ampt is not None:
            out["loss_total"] = self._total
        return {name: values.copy() for name, values in out.items()}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        for name in self.state():
            getattr(self, name.removeprefix("loss"))[...] = state[name]


def _rate(given: object, where: str, ground: Ground, files: InputFiles) -> NDArray[np.float32]:
    """[m/s] where it differs from cell to cell, else nothing."""
    if not isinstance(given, Path):
        return NOTHING
    values = _raster(given, where, ground, files, "a rate in mm/h, 0 or more", 0.0, np.inf)
    return (values * MM_H).astype(np.float32)


def _raster(
    path: Path, where: str, ground: Ground, files: InputFiles, what: str, low: float, high: float
) -> NDArray[np.float64]:
    values = files.raster(path, ground.grid).astype(np.float64)
    bad = ~((values >= low) & (values <= high)) & ~ground.is_wall
    if bad.any():
        row, col = (int(i) for i in np.argwhere(bad)[0])
        raise LayerError(
            f"is {values[row, col]} at row {row}, column {col} ({int(bad.sum())} such cells)",
            where=f"{where}: {path}",
            remedy=f"Give {what}, for every open cell of the area.",
        )
    return np.where(ground.is_wall, 0.0, values)


def _soils(
    given: GreenAmpt, ground: Ground, files: InputFiles
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Conductivity [m/s], suction [m] and deficit [-] of each cell; none conducts under the sea and the rivers."""
    shape = ground.grid.shape
    ground.grid.require_memory(40, "flood.infiltration")
    conductivity, suction, porosity = (np.zeros(shape, dtype=np.float32) for _ in range(3))
    if given.soil_map is None:
        classes = {0: given.soil}
        number = np.zeros(shape, dtype=np.int64)
    else:
        classes = dict(given.classes)
        number = _classes(given.soil_map, classes, ground, files)
    for key, entry in classes.items():
        soil = soil_table()[entry] if isinstance(entry, str) else entry
        if isinstance(soil, Soil):
            mine = number == key
            conductivity[mine], suction[mine] = soil.conductivity * MM_H, soil.suction * 1e-3
            porosity[mine] = soil.porosity
    if ground.water is not None:
        conductivity[ground.water] = 0.0
    full: float | NDArray[np.float64]
    if isinstance(given.saturation, Path):
        where = "flood.infiltration.saturation"
        full = _raster(given.saturation, where, ground, files, "a share from 0 to 1", 0.0, 1.0)
    else:
        full = given.saturation
    return conductivity, suction, (porosity * (1.0 - full)).astype(np.float32)


def _classes(path: Path, classes: dict[int, Any], ground: Ground, files: InputFiles) -> NDArray[np.int64]:
    from layers.raster_series import Resampler, read_file_series

    name, grid = str(path), ground.grid
    series = read_file_series([(0.0, files.path(path), name)], crs=None, frame=grid.frame, area=grid.bounds)
    values = Resampler(series, grid, name, nearest=True).frame(0)
    unknown = ~np.isin(values, list(classes)) & ~ground.is_wall
    if unknown.any():
        row, col = (int(i) for i in np.argwhere(unknown)[0])
        raise LayerError(
            f"class {values[row, col]:g} at row {row}, column {col} ({int(unknown.sum())} such cells) has no soil",
            where=f"flood.infiltration.soil_map: {path}",
            remedy=f"Name it in classes, which has {', '.join(map(str, classes))}.",
        )
    return np.where(np.isfinite(values), values, -1).astype(np.int64)
