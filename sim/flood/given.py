"""Types of what a flood scenario gives: series in time, lines, rings."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, TypeAlias

from pydantic import AfterValidator, Field

from twin.scenario import Finite, NotNegative, Point

__all__ = ["Line", "NotNegative", "Pairs", "Ring", "SeriesInput"]


def _ascending(pairs: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
    if not pairs:
        raise ValueError("the series is empty; give [[time in s, value], ...]")
    if any(b[0] <= a[0] for a, b in pairwise(pairs)):
        raise ValueError("times do not increase; give [[time in s, value], ...] in ascending time")
    return pairs


Pairs = Annotated[tuple[tuple[Finite, Finite], ...], AfterValidator(_ascending)]
"""[[time in s, value], ...] in ascending time."""

SeriesInput: TypeAlias = Finite | Pairs | Path
"""A value in time: a number, [[time in s, value], ...], or a CSV of two columns (time_s, value) with a header line.

Between two times discharge and stage are linear, rain holds the earlier value; before the first and after the last
time the nearest value holds.
"""

Line = Annotated[tuple[Point, ...], Field(min_length=2)]
Ring = Annotated[tuple[Point, ...], Field(min_length=3)]
