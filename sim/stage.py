"""What a simulator is given and what it leaves: the two ends of a stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.inputs import InputFiles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.city import CityModel
    from twin.grid import Grid
    from twin.scenario import ScenarioBase, Section
    from twin.store import Run

__all__ = ["Products", "StageInput"]


@dataclass(frozen=True, slots=True, eq=False)
class StageInput:
    """Everything a simulator may use.

    Parameters
    ----------
    scenario : ScenarioBase
        The whole scenario (seed, area, edits).
    section : Section
        The simulator's own section.
    grid : Grid
        Raster domain of the scenario's area.
    city : CityModel or None
        The city with the scenario's edits; None for a case that brings its own rasters.
    files : InputFiles
        Rasters and series that the section names, read through ``layers``.
    upstream : mapping of str to Run
        Finished runs of the stages that this one comes after.
    """

    scenario: ScenarioBase
    section: Section
    grid: Grid
    city: CityModel | None
    files: InputFiles
    upstream: Mapping[str, Run] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Products:
    """What a finished stage leaves beside its fields in time.

    Parameters
    ----------
    maps : mapping of str to (Grid, ndarray)
        Registered field name -> raster; written as Cloud Optimized GeoTIFF ``<name>.tif``.
    tables : mapping of str to DataFrame
        Written as ``<name>.parquet`` (GeoParquet where the table has a geometry).
    summary : mapping of str to float
        Figures for the manifest; the name ends in the unit (``max_depth_m``).
    """

    maps: Mapping[str, tuple[Grid, NDArray[Any]]] = field(default_factory=dict)
    tables: Mapping[str, Any] = field(default_factory=dict)
    summary: Mapping[str, float] = field(default_factory=dict)
