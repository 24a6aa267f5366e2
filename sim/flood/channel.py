"""The scenario's ``channels:``: rivers that the terrain does not show."""

from __future__ import annotations

from pathlib import Path

from pydantic import model_validator

from sim.flood.given import Line, NotNegative
from twin.scenario import Finite, Positive, Section

__all__ = ["Channel"]


class Channel(Section):
    """A river or ditch carved into the bed along a line; ground that is lower stays.

    Parameters
    ----------
    name : str
    line : tuple of (x, y)
        Its middle, in the direction of `bed` [m in the area's frame].
    width : float
        Of the water surface when it is full [m]; the section is a rectangle.
    bed : float or (float, float) or Path
        [m T.P.]: everywhere, at the first and the last point (linear along the line), or a raster.
    roughness : float or None
        Manning's n [s m-1/3]; the ground's by default.
    """

    name: str = ""
    line: Line
    width: Positive
    bed: Finite | tuple[Finite, Finite] | Path
    roughness: NotNegative | None = None

    @model_validator(mode="after")
    def _has_length(self) -> Channel:
        if len(set(self.line)) < 2:
            raise ValueError(f"the line has no length, all its points are {self.line[0]}")
        return self
