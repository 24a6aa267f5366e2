"""Figures of a run's summary in words: name, value, unit."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

from viewer.dash.words import duration
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from viewer.strings import Lang

__all__ = ["clock_text", "figure_name", "figure_text", "memory_text", "rows_of"]

UNITS: tuple[tuple[str, str, float, str], ...] = (
    ("_m3_s", ",.1f", 1.0, " m³/s"),
    ("_m_s", ".2f", 1.0, " m/s"),
    ("_m2", ",.0f", 1.0, " m²"),
    ("_m3", ",.0f", 1.0, " m³"),
    ("_mm", ",.1f", 1.0, " mm"),
    ("_ha", ",.1f", 1.0, " ha"),
    ("_wh", ",.0f", 1.0, " Wh"),
    ("_kg", ",.1f", 1.0, " kg"),
    ("_km", ",.2f", 1.0, " km"),
    ("_h", ".1f", 1.0, " h"),
    ("_m", ",.2f", 1.0, " m"),
    ("_share", ".1f", 100.0, " %"),
    ("_count", ",.0f", 1.0, ""),
    ("_1", ".3g", 1.0, ""),
)
"""End of a figure's name -> form, factor and unit; the first that fits."""

MONEY: dict[str, float] = {"ja": 1e8, "en": 1e9}
"""What an amount of money is counted in [JPY]: 億円, and billions."""


def figure_name(lang: Lang, stage: str, name: str) -> str:
    """What a figure is; one without a name of its own is called as in the manifest."""
    found = _names().get(stage, {}).get(name)
    return found[lang] if found is not None else name


def figure_text(lang: Lang, name: str, value: float | None) -> str:
    """Value with its unit, by the end of the figure's name."""
    if value is None or math.isnan(value):
        return "–"
    if name.endswith("_s") and not name.endswith("_m_s") and not name.endswith("_m3_s"):
        return "–" if math.isinf(value) else duration(lang, value)
    if name.endswith("_jpy"):
        return say(lang, "report.money", amount=f"{value / MONEY[lang]:,.2f}")
    for end, form, factor, unit in UNITS:
        if name.endswith(end):
            return f"{value * factor:{form}}{unit}"
    return f"{value:,.3g}"


def rows_of(lang: Lang, stage: str, summary: Mapping[str, float]) -> Iterable[tuple[str, str]]:
    """(name, value) of every figure that has a name, in the order of the names; all of them for other simulators."""
    named = [name for name in _names().get(stage, {}) if name in summary]
    for name in named or list(summary):
        yield figure_name(lang, stage, name), figure_text(lang, name, float(summary[name]))


def clock_text(lang: Lang, seconds: float | None, *, at_latest: bool = False) -> str:
    """Time since the start (``1:05``); a dash where it never comes.

    Whole minutes: the nearest, or with `at_latest` the one before, where a later one would be too late.
    """
    if seconds is None or not math.isfinite(seconds):
        return "–"
    # a departure stands a hundredth of a second before the instant that it must not miss
    minutes = int((seconds + 0.02) / 60 if at_latest else seconds / 60 + 0.5)
    return say(lang, "report.clock", hours=minutes // 60, minutes=minutes % 60)


def memory_text(size: float) -> str:
    """Bytes in MB."""
    return f"{size / 1e6:,.0f} MB"


@cache
def _names() -> dict[str, dict[str, dict[str, str]]]:
    content: dict[str, dict[str, dict[str, str]]] = yaml.safe_load(
        files("viewer.document").joinpath("names.yaml").read_text(encoding="utf-8")
    )
    return content
