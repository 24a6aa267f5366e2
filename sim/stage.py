"""What a simulator is given and what it leaves: the two ends of a stage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sim.inputs import InputFiles
from twin.errors import ScenarioError

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

    def require_renamed(self, stage: str, *fields: str) -> None:
        """Check the layers that are taken where the city has them: one that the section renames must be there.

        What keeps its default may be missing; another name is a wish, and a misspelt one would be dropped silently.

        Parameters
        ----------
        stage : str
            Name of the section, for the message.
        *fields : str
            Fields of the section that hold a layer's id, several, or None.

        Raises
        ------
        ScenarioError
            If a layer is not there.
        """
        present = () if self.city is None else tuple(self.city)
        for name in fields:
            value, usual = getattr(self.section, name), type(self.section).model_fields[name].default
            if value == usual or value is None:
                continue
            for layer in (value,) if isinstance(value, str) else value:
                if layer not in present:
                    raise ScenarioError(
                        f"the city has no layer {layer!r}",
                        where=f"{stage}.{name}",
                        remedy=f"It has: {', '.join(sorted(present)) or 'none'}.",
                    )


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
