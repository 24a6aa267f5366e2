"""The scenario's ``rain:``: a series, a raster in time, a moving storm, a design storm."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from sim.flood.given import NotNegative, Ring, SeriesInput
from twin.scenario import Finite, Point, Positive, Seconds, Section

__all__ = ["DesignRain", "Rain", "RasterRain", "Storm"]

Degrees = Annotated[float, Field(ge=-360, le=360, allow_inf_nan=False)]


def _rising(entries: tuple[tuple[float, object], ...]) -> tuple[tuple[float, object], ...]:
    if not entries or any(b[0] <= a[0] for a, b in pairwise(entries)):
        raise ValueError("times do not increase; give at least one entry [time in s, ...], in ascending time")
    return entries


Frames = Annotated[tuple[tuple[Finite, Path], ...], AfterValidator(_rising)]
Track = Annotated[tuple[tuple[Finite, Finite, Finite], ...], AfterValidator(_rising)]


class RasterRain(Section):
    """Rain from rasters in time, as a radar gives it.

    Parameters
    ----------
    source : Path or tuple of (time, Path)
        A NetCDF file (CF conventions, one variable over time, y and x), or [[time in s, GeoTIFF or Esri ASCII], ...].
        An intensity holds until the next time, the last one as long as the one before it did (a single one for ever);
        before the first and after the last there is no rain.
    variable : str
        Of a NetCDF file that has several over time, y and x.
    zero : datetime or None
        Time of a NetCDF file, with its offset from UTC, at which the scenario's clock shows zero; by default the first
        one of the file.
    crs : str or None
        Coordinate system of files that state none; the area's by default.
    missing : {"refuse", "zero"}
        What cells of the area are on which a file says nothing: an error, or dry.
    """

    source: Path | Frames
    variable: str = ""
    zero: AwareDatetime | None = None
    crs: str | None = None
    missing: Literal["refuse", "zero"] = "refuse"

    @model_validator(mode="after")
    def _options_fit(self) -> RasterRain:
        if not isinstance(self.source, Path) and (self.variable or self.zero is not None):
            raise ValueError("variable and zero belong to a NetCDF file; times of a list are seconds of the scenario")
        return self


class Storm(Section):
    """A cell of rain that moves.

    Parameters
    ----------
    peak : SeriesInput
        Intensity in the middle [mm/h]; a value holds until the next time.
    track : tuple of (time, x, y) or None
        Where the middle is [s, m in the area's frame]; linear between the times, at rest before and after.
    centre : (x, y) or None
        Where it is at 0 s, in place of a track, with `speed` [m/s] and `towards`, the direction in which it goes
        [degrees clockwise from north].
    radius : float or (float, float)
        [m]; two for an ellipse. ``gaussian``: distance at which the rain has fallen to exp(-1/2) = 0.61 of the peak.
    azimuth : float
        Direction of the first radius [degrees clockwise from north].
    profile : {"gaussian", "flat"}
        ``flat``: the peak everywhere inside, none outside.
    every : float
        The field stands still for so long [s], where it is in the middle of that time.
    """

    peak: SeriesInput
    track: Track | None = None
    centre: Point | None = None
    speed: NotNegative = 0.0
    towards: Degrees = 0.0
    radius: Positive | tuple[Positive, Positive]
    azimuth: Degrees = 0.0
    profile: Literal["gaussian", "flat"] = "gaussian"
    every: Seconds = 60.0

    @model_validator(mode="after")
    def _one_way(self) -> Storm:
        if (self.track is None) == (self.centre is None):
            raise ValueError("give exactly one of track, centre")
        if self.track is not None and self.speed:
            raise ValueError("speed belongs to centre; a track has its own times")
        return self


class DesignRain(Section):
    """A design storm from an intensity formula i = a / (t^n + b), i [mm/h] the mean over t [min].

    Parameters
    ----------
    formula : {"talbot", "sherman", "kuno_ishiguro", "cleveland"}
        Talbot (タルボット): n = 1. Sherman (シャーマン): b = 0. Kuno & Ishiguro (久野・石黒): n = 1/2. Cleveland
        (クリーブランド): all three.
    a, b, n : float or None
        The constants that the formula leaves open, as the prefecture publishes them for a return period.
    points : ((minutes, mm/h), (minutes, mm/h)) or None
        In place of constants two intensities that the curve goes through (not ``cleveland``); with those of 10 and 60
        minutes it is the method of characteristic coefficients (特性係数法).
    length : float
        Length of the rain [s or ISO 8601], a multiple of `step`.
    step : float
        Of the hyetograph [s or ISO 8601].
    peak_at : float
        Place of the heaviest step in the rain, 0 (front) to 1 (rear); 0.5 is 中央集中型.
    start : float
        Begin of the rain [s].
    """

    formula: Literal["talbot", "sherman", "kuno_ishiguro", "cleveland"]
    a: Positive | None = None
    b: Finite | None = None
    n: Positive | None = None
    points: tuple[tuple[Positive, Positive], tuple[Positive, Positive]] | None = None
    length: Seconds
    step: Seconds = 600.0
    peak_at: Annotated[float, Field(ge=0, le=1)] = 0.5
    start: NotNegative = 0.0

    @model_validator(mode="after")
    def _is_a_curve(self) -> DesignRain:
        from sim.flood.rain.design_storm import hyetograph

        open_ = {"talbot": "ab", "sherman": "an", "kuno_ishiguro": "ab", "cleveland": "abn"}[self.formula]
        given = "".join(name for name in "abn" if getattr(self, name) is not None)
        if self.points is not None:
            if given or self.formula == "cleveland":
                raise ValueError("points stand in place of a, b, n, and do not fix the three of cleveland")
        elif given != open_:
            raise ValueError(f"{self.formula} needs {', '.join(open_)}; {', '.join(given) or 'nothing'} given")
        hyetograph(self)
        return self


class Rain(Section):
    """Rain in space and time: exactly one of `intensity`, `raster`, `storm`, `design`.

    Parameters
    ----------
    intensity : SeriesInput or None
        [mm/h]; a value holds until the next time.
    design : DesignRain or None
    polygon : tuple of (x, y) or None
        Where the rain of `intensity` or `design` falls [m in the area's frame]; everywhere by default.
    raster : RasterRain or None
    storm : Storm or None
    factor : float
        All of it is multiplied by this.
    """

    intensity: SeriesInput | None = None
    design: DesignRain | None = None
    polygon: Ring | None = None
    raster: RasterRain | None = None
    storm: Storm | None = None
    factor: NotNegative = 1.0

    @model_validator(mode="after")
    def _one_kind(self) -> Rain:
        kinds = ("intensity", "design", "raster", "storm")
        given = [name for name in kinds if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"{' and '.join(given) or 'no rain'} given; give exactly one of {', '.join(kinds)}")
        if self.polygon is not None and given[0] in {"raster", "storm"}:
            raise ValueError(f"a {given[0]} has its own place; polygon belongs to intensity or design")
        return self
