"""The scenario's ``infiltration:`` where it is more than a rate."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, model_validator

from sim.flood.given import NotNegative
from twin.scenario import Seconds, Section

__all__ = ["CurveNumber", "GreenAmpt", "Soil", "soil_table"]

Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(gt=0, le=100)]


class Soil(Section):
    """A soil of the Green-Ampt infiltration.

    Parameters
    ----------
    porosity : float
        Effective: what water can fill between dry and wet [-].
    suction : float
        At the wetting front [mm].
    conductivity : float
        Of the wet soil [mm/h]; 0 seals it.
    """

    porosity: Share
    suction: NotNegative
    conductivity: NotNegative


@cache
def soil_table() -> dict[str, Soil]:
    """Soils by texture (``soils.yaml``)."""
    text = files("sim.flood.losses").joinpath("soils.yaml").read_text(encoding="utf-8")
    return {name: Soil.model_validate(entry) for name, entry in yaml.safe_load(text).items()}


class GreenAmpt(Section):
    """Infiltration after Green & Ampt (1911): F' = K (1 + (psi + h) deficit / F), h the depth of the water.

    Parameters
    ----------
    kind : {"green_ampt"}
    soil : str or Soil or None
        A texture of ``soils.yaml``, or a soil of one's own.
    soil_map : Path or None
        In its place a raster of class numbers.
    classes : mapping of int to (str or Soil or None)
        Soil of each class number of the map; None: nothing infiltrates (roads, water).
    saturation : float or Path
        Share of the porosity that is full of water at the start, a number or a raster; the rest is the deficit.
    every : float
        Interval at which the ground takes its water [s]: until then rain lies on the ground and may run off.
    """

    kind: Literal["green_ampt"]
    soil: str | Soil | None = None
    soil_map: Path | None = None
    classes: dict[int, str | Soil | None] = Field(default_factory=dict)
    saturation: Share | Path = 0.3
    every: Seconds = 10.0

    @model_validator(mode="after")
    def _soils_exist(self) -> GreenAmpt:
        if (self.soil is None) == (self.soil_map is None):
            raise ValueError("give exactly one of soil, soil_map")
        if bool(self.classes) != (self.soil_map is not None):
            raise ValueError("a soil_map of class numbers and classes belong together: classes: {1: loam, 2: null}")
        for soil in (self.soil, *self.classes.values()):
            if isinstance(soil, str) and soil not in soil_table():
                raise ValueError(f"there is no soil {soil!r}; there is {', '.join(soil_table())}")
        return self


class CurveNumber(Section):
    """Losses of the rain after the Soil Conservation Service: Q = (P - Ia)^2 / (P - Ia + S), S = 25400 / CN - 254 mm.

    P is the rain on a cell since the start of the run (USDA National Engineering Handbook, part 630, chapter 10).

    Parameters
    ----------
    kind : {"curve_number"}
    number : float or Path
        CN, above 0 to 100, a number or a raster.
    initial : float
        Ia / S.
    every : float
        Interval over which the rain and its losses are even [s].
    """

    kind: Literal["curve_number"]
    number: Number | Path
    initial: Share = 0.2
    every: Seconds = 60.0
