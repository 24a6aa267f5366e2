"""The curves of the page's charts, drawn for print."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from viewer.document.drawing import DASHES, HATCHES, drawing, picture
from viewer.document.quantity import clock_text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from viewer.document.blocks import Picture
    from viewer.strings import Lang

__all__ = ["curve_picture"]

WIDTH, HEIGHT = 17.0, 8.0
"""Size of a drawing [cm]."""
MOST_SERIES = 8
"""Curves in one drawing; those with the largest values are drawn."""
STEP_HOURS = (1 / 12, 1 / 6, 0.25, 0.5, 1.0, 2.0, 3.0, 6.0, 12.0, 24.0)


def curve_picture(lang: Lang, chart: Mapping[str, Any]) -> Picture:
    """A chart of ``viewer.api.charts`` as a picture: told apart by line style, not by colour alone."""
    with drawing(WIDTH, HEIGHT) as (figure, axes):
        is_time = bool(chart["x"].get("is_time"))
        y_factor, y_unit = _y_unit(lang, chart)
        series = sorted(chart["series"], key=_largest, reverse=True)[:MOST_SERIES]
        shown = [one for one in chart["series"] if one in series]
        columns = [[math.nan if v is None else v * y_factor for v in one["y"]] for one in shown]
        times = [[x / 3600 if is_time else x for x in one["x"]] for one in shown]
        if chart["stacked"] and shown:
            bands = axes.stackplot(
                times[0], columns, labels=[one["name"][lang] for one in shown],
                colors=[one["color"] for one in shown], edgecolor="white", linewidth=0.4,
            )  # fmt: skip
            for band, hatch in zip(bands, HATCHES, strict=False):
                band.set_hatch(hatch)
        else:
            for number, (one, x, y) in enumerate(zip(shown, times, columns, strict=True)):
                axes.plot(
                    x, y, color=one["color"], linestyle=DASHES[number % len(DASHES)], linewidth=1.3,
                    drawstyle="steps-post" if chart["shape"] == "step" else "default",
                    marker="o" if len(x) < 2 or chart["shape"] == "dots" else None, markersize=3,
                    label=one["name"][lang],
                )  # fmt: skip
                for mark in one.get("marks", ()):
                    axes.axvline(mark / 3600 if is_time else mark, color=one["color"], linewidth=0.6, linestyle=":")
        axes.set_xlabel(chart["x"]["label"][lang])
        axes.set_ylabel(f"{chart['y']['label'][lang]} ({y_unit})")
        axes.set_ylim(bottom=min(0.0, *(v for y in columns for v in y if not math.isnan(v)), 0.0))
        axes.margins(x=0.01)
        axes.grid(True, axis="y")
        if is_time:
            last = max((x[-1] for x in times if x), default=1.0)
            step = next((step for step in STEP_HOURS if last / step <= 9), STEP_HOURS[-1])
            hours = [k * step for k in range(int(last / step + 1e-9) + 1)]
            axes.set_xticks(hours, [clock_text(lang, hour * 3600) for hour in hours])
        figure.legend(loc="outside lower center", ncols=4)
        return picture(figure, chart["id"].replace(".", "-"), chart["title"][lang])


def _y_unit(lang: Lang, chart: Mapping[str, Any]) -> tuple[float, str]:
    """Factor and unit of the upright axis: durations in minutes."""
    if chart["y"]["unit"] == "s":
        return 1 / 60, "min" if lang == "en" else "分"
    return 1.0, chart["y"]["unit_text"][lang]


def _largest(series: Mapping[str, Any]) -> float:
    return max((v for v in series["y"] if v is not None), default=0.0)
