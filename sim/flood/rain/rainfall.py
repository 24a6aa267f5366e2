"""Rain of a scenario, step by step: how much, and the share of each cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.losses.curve_number import CurveNumberField
from sim.flood.losses.scenario import CurveNumber
from sim.flood.rain.design_storm import hyetograph
from sim.flood.rain.field import MOST_RAIN, RainField, RasterField, StillField, StormField, read_raster_rain
from sim.flood.rain.roofs import RoofRunoff
from sim.flood.rain.section import Rain
from sim.flood.series import Series
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.flood.given import SeriesInput
    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles

__all__ = ["RainDrive", "place_rain"]


class RainDrive:
    """Rain on a grid.

    Parameters
    ----------
    field : RainField
    roofs : RoofRunoff
    """

    def __init__(self, field: RainField, roofs: RoofRunoff) -> None:
        self.field = field
        self.roofs = roofs
        self.weight = None if field.is_even and not roofs.is_needed else np.zeros(field.grid.shape)
        """What arrives in each cell of a rain of 1 (ny, nx); None: 1 everywhere."""
        self.lost = 0.0
        """What is lost of a rain of 1 before it flows, over all cells [cells]."""
        self._made: tuple[tuple[int, float], ...] = ()

    def take(self, start: float, end: float) -> tuple[float, bool]:
        """Depth [m] from `start` to `end` [s] of a rain whose share is 1, and whether the weight is another now."""
        pieces = [(piece, depth) for piece, depth in self.field.pieces(start, end) if depth > 0.0]
        depth = float(sum(part for _, part in pieces))
        if self.weight is None or not pieces:
            return depth, False
        made = tuple((piece, part / depth) for piece, part in pieces)
        changed = made != self._made
        if changed:
            self._made = made
            falls = sum(share * self.field.falls(piece) for piece, share in made)
            self.weight = self.roofs.spread(np.asarray(falls))
            if self.field.has_losses:
                fallen = sum(share * self.field.fallen(piece) for piece, share in made)
                self.lost = float((self.roofs.spread(np.asarray(fallen)) - self.weight).sum())
        return depth if self.lost or self.weight.any() else 0.0, changed

    def state(self) -> dict[str, NDArray[Any]]:
        """What a restart needs beside the time."""
        return self.field.state()

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave; the next step makes the weight."""
        self.field.load_state(state)
        self._made = ()


def place_rain(section: FloodSection, ground: Ground, files: InputFiles) -> RainDrive | None:
    """The section's rain on the grid, with the losses of a curve number; None without rain.

    Raises
    ------
    ScenarioError, LayerError
        If it is negative at some time, falls outside the area, or a file does not fit.
    """
    if section.rain is None:
        return None
    rain = section.rain if isinstance(section.rain, Rain) else Rain(intensity=section.rain)
    field = _field(rain, section.duration, ground, files)
    if isinstance(section.infiltration, CurveNumber):
        field = CurveNumberField.place(section.infiltration, field, files)
    return RainDrive(field, RoofRunoff.of(ground))


def _field(rain: Rain, until: float, ground: Ground, files: InputFiles) -> RainField:
    grid = ground.grid
    if rain.raster is not None:
        source = rain.raster.source
        series = read_raster_rain(rain.raster, files, grid)
        where = "flood.rain.raster" + ("" if isinstance(source, tuple) else f": {source}")
        return RasterField(grid, series, rain.raster.missing, rain.factor, until, where)
    if rain.storm is not None:
        peak = _intensity(rain.storm.peak, files, rain.factor, "flood.rain.storm.peak")
        return StormField(grid, rain.storm, peak, until)
    if rain.design is not None:
        times, values = hyetograph(rain.design)
        series_ = Series(times, rain.factor * values, held=True)
    else:
        assert rain.intensity is not None
        series_ = _intensity(rain.intensity, files, rain.factor, "flood.rain")
    return StillField(grid, series_, _inside(rain, ground))


def _intensity(given: SeriesInput, files: InputFiles, factor: float, where: str) -> Series:
    series = Series.resolve(given, files, held=True)
    if series.values.min() < 0:
        k = int(series.values.argmin())
        raise ScenarioError(
            f"rain is {series.values[k]} mm/h at t = {series.times[k]} s",
            where=where,
            remedy="Give intensities >= 0.",
        )
    series.require_within(0.0, MOST_RAIN, "mm/h", where)
    return Series(series.times, factor * series.values, held=True) if factor != 1.0 else series


def _inside(rain: Rain, ground: Ground) -> NDArray[np.float64] | None:
    from shapely import Polygon

    from twin.footprint import burn

    if rain.polygon is None:
        return None
    falls = (burn([Polygon(rain.polygon)], ground.grid) >= 0).astype(np.float64)
    if not falls.any():
        raise ScenarioError(
            f"it holds the centre of no cell of the area {ground.grid.bounds} (west, south, east, north, in m)",
            where="flood.rain.polygon",
            remedy="Move it into area.bbox, or enlarge the area.",
        )
    return falls
