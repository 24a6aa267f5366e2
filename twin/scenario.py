"""The base of every scenario section, and what all scenarios share.

A scenario is one YAML file; it is the only input of every face. Simulators add their own sections
(``sim/flood/scenario.py``); ``sim/scenario.py`` joins them.
"""

from __future__ import annotations

import math
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from twin.edit import BuildingEdit, LeveeEdit, TerrainEdit, WallEdit
from twin.errors import FrameError
from twin.frame import Frame
from twin.grid import Grid

__all__ = ["Area", "Finite", "Names", "NotNegative", "Point", "Positive", "Seconds", "Section", "StageSection"]


class Section(BaseModel):
    """A part of a scenario: frozen, and a key that it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, populate_by_name=True)


def _names(value: Any) -> Any:
    """A tuple of names from one name or several."""
    return (value,) if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
"""Names; one may be given without brackets."""


class StageSection(Section):
    """A simulator's section: it may name the stages whose results it reads.

    Parameters
    ----------
    after : tuple of str
        Sections of this scenario that are computed before; their runs are given to the simulator.
    """

    after: Names = ()


def _seconds(value: Any) -> Any:
    """Seconds from a number or an ISO 8601 duration (``PT6H``)."""
    if isinstance(value, str):
        try:
            return TypeAdapter(timedelta).validate_python(value).total_seconds()
        except ValidationError as error:
            raise ValueError(f"{value!r} is no duration; give seconds or ISO 8601, e.g. PT1H30M") from error
    return value


def _positive(value: float) -> float:
    if not (math.isfinite(value) and value > 0):
        raise ValueError(f"{value} is not positive; give a positive number")
    return value


Finite = Annotated[float, Field(allow_inf_nan=False)]
"""A finite number."""

Positive = Annotated[float, AfterValidator(_positive)]
"""A finite number above zero."""

Seconds = Annotated[float, BeforeValidator(_seconds), AfterValidator(_positive)]
"""A positive duration [s], given as a number or in ISO 8601 (``PT5M``)."""

NotNegative = Annotated[float, Field(ge=0, allow_inf_nan=False)]
"""A finite number, zero or above."""

Point = tuple[Finite, Finite]
"""(x, y) [m in the area's frame]."""


class Area(Section):
    """The part of the city that is simulated.

    Parameters
    ----------
    bbox : tuple of float
        west, south, east, north [m in `crs`].
    crs : str
        A system in metres; Osaka: EPSG:6674.
    cell_size : float
        Edge of a raster cell [m].
    """

    bbox: tuple[Finite, Finite, Finite, Finite]
    crs: str = "EPSG:6674"
    cell_size: Positive = 5.0

    @model_validator(mode="after")
    def _has_area(self) -> Area:
        west, south, east, north = self.bbox
        if not (west < east and south < north):
            raise ValueError(f"bbox {self.bbox} has no area; give west, south, east, north")
        try:
            Frame(self.crs).require_metres("area.crs")
        except FrameError as error:
            raise ValueError(str(error)) from error
        return self

    def grid(self) -> Grid:
        """The raster domain."""
        return Grid.from_bounds(self.bbox, self.cell_size, Frame(self.crs))


AnyEdit = Annotated[LeveeEdit | WallEdit | BuildingEdit | TerrainEdit, Field(discriminator="kind")]
"""One change of the city, told apart by its ``kind``."""


class ScenarioBase(Section):
    """What every scenario has; the simulators' sections are joined to it in ``sim/scenario.py``.

    Parameters
    ----------
    schema_ : int
        Version of this format: 1 (``schema:`` in the file).
    name : str
        Short name; letters of any language, digits, ``-`` and ``_``.
    title : mapping
        Shown to people, by language.
    seed : int
        Seed of every random number.
    start : datetime or None
        Date and time of day at which the clock shows zero, with its offset from UTC; schedules (opening hours,
        airspace) need it.
    city : Path or None
        Catalogue (YAML) of the city; relative to the scenario file. None for a case that brings its own rasters.
    area : Area
    edits : tuple of edits
        What is changed in the city before anything runs.
    """

    schema_: Annotated[int, Field(alias="schema", ge=1, le=1)] = 1
    name: Annotated[str, Field(pattern=r"^[\w][\w.-]*$", max_length=100)]
    title: dict[str, str] = Field(default_factory=dict)
    seed: Annotated[int, Field(ge=0)] = 0
    start: AwareDatetime | None = None
    city: Path | None = None
    area: Area
    edits: tuple[AnyEdit, ...] = ()

    @model_validator(mode="after")
    def _edits_touch_the_area(self) -> ScenarioBase:
        west, south, east, north = self.area.bbox
        for number, edit in enumerate(self.edits):
            points = edit.polygon if isinstance(edit, BuildingEdit | TerrainEdit) else edit.line
            x, y = [point[0] for point in points], [point[1] for point in points]
            if max(x) < west or min(x) > east or max(y) < south or min(y) > north:
                raise ValueError(
                    f"edits.{number} ({edit.kind}) lies outside the area {self.area.bbox}; move it or widen the area"
                )
        return self
