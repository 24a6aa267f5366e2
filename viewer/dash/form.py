"""The scenario form: what a scenario says in a few numbers, and those numbers put back into it."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sim.scenario import read_scenario
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from twin.city import CityModel

__all__ = ["FormValues", "content_of", "free_scenario", "values_of", "with_values"]

FREE = "free"
"""Name of the scenario that the form makes by itself: rain on the whole city."""
MOST_CELLS = 250_000
"""Cells of the free scenario: an hour of rain takes minutes on two cores."""


@dataclass(frozen=True, slots=True)
class FormValues:
    """The numbers of the form.

    Parameters
    ----------
    hours : float
        Simulated time [h].
    minutes : float
        Output interval [min].
    sea_level : float or None
        Peak of the stage at the area's edges [m T.P.]; None where the scenario has none, or in a file.
    rain : float or None
        Peak intensity [mm/h]; None likewise.
    """

    hours: float
    minutes: float
    sea_level: float | None
    rain: float | None


def content_of(path: Path) -> dict[str, Any]:
    """A scenario file as plain data: durations in seconds, defaults filled in.

    Raises
    ------
    ScenarioError
        If the file is bad.
    """
    return dict(read_scenario(path).model_dump(mode="json", by_alias=True, exclude_none=True))


def free_scenario(city: CityModel, catalog: Path) -> dict[str, Any]:
    """Rain on the whole city, in cells that keep the grid below :data:`MOST_CELLS`."""
    west, south, east, north = city.area
    size = max(2.0, math.ceil(math.sqrt((east - west) * (north - south) / MOST_CELLS)))
    return {
        "schema": 1,
        "name": FREE,
        "title": {"ja": "全域の降雨", "en": "Rain on the whole city"},
        "city": str(catalog),
        "area": {"bbox": [west, south, east, north], "crs": city.frame.horizontal, "cell_size": size},
        "flood": {"duration": 3600.0, "output_every": 300.0, "rain": 60.0},
    }


def values_of(content: dict[str, Any]) -> FormValues:
    """The form's numbers of a scenario.

    Raises
    ------
    ScenarioError
        If it has no flood.
    """
    flood = _flood(content)
    stages = [_peak(edge["value"]) for edge in _stages(flood)]
    known = [peak for peak in stages if peak is not None]
    return FormValues(
        hours=flood["duration"] / 3600,
        minutes=flood["output_every"] / 60,
        sea_level=max(known) if known else None,
        rain=_peak(_intensity(flood)),
    )


def with_values(content: dict[str, Any], values: FormValues) -> dict[str, Any]:
    """The scenario with the form's numbers.

    A stage series keeps its lowest value and its shape, its rise is stretched to the new peak; rain is scaled.

    Raises
    ------
    ScenarioError
        If a number is missing.
    """
    before, out = values_of(content), copy.deepcopy(content)
    flood = _flood(out)
    for name, number in (("duration", values.hours * 3600), ("output_every", values.minutes * 60)):
        if not number > 0:
            raise ScenarioError(f"{name} is {number:g} s", where=f"flood.{name}", remedy="Give a positive time.")
        flood[name] = number
    if values.sea_level is not None and before.sea_level is not None and values.sea_level != before.sea_level:
        for edge in _stages(flood):
            edge["value"] = _stretched(edge["value"], before.sea_level, values.sea_level)
    if values.rain is not None and before.rain is not None and values.rain != before.rain:
        new, old = values.rain, before.rain
        scaled = _mapped(_intensity(flood), lambda value: value * new / old if old else new)
        if isinstance(flood["rain"], dict):
            flood["rain"]["intensity"] = scaled
        else:
            flood["rain"] = scaled
    return out


def _flood(content: dict[str, Any]) -> dict[str, Any]:
    flood: dict[str, Any] | None = content.get("flood")
    if flood is None:
        raise ScenarioError("has no flood", where=str(content.get("name", "scenario")), remedy="Add a section flood.")
    return flood


def _stages(flood: dict[str, Any]) -> list[dict[str, Any]]:
    return [edge for edge in flood.get("boundaries", ()) if edge["kind"] == "stage"]


def _intensity(flood: dict[str, Any]) -> Any:
    rain = flood.get("rain")
    return rain["intensity"] if isinstance(rain, dict) else rain


def _peak(series: Any) -> float | None:
    """Largest value of a number or of pairs; None for a file or nothing."""
    if isinstance(series, int | float):
        return float(series)
    if isinstance(series, list | tuple):
        return max(float(value) for _, value in series)
    return None


def _mapped(series: Any, change: Callable[[float], Any]) -> Any:
    if isinstance(series, int | float):
        return change(float(series))
    return [[time, change(float(value))] for time, value in series]


def _stretched(series: Any, before: float, after: float) -> Any:
    if not isinstance(series, list | tuple):
        return series if isinstance(series, str) else after
    low = min(float(value) for _, value in series)
    if before <= low:
        return _mapped(series, lambda value: value - before + after)
    return _mapped(series, lambda value: low + (value - low) * (after - low) / (before - low))
