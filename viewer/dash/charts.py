"""The charts of a scenario: curves with a line at the time that the view shows, shelters and how full they are."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from viewer.dash.attributes import attributes
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from viewer.strings import Lang

__all__ = ["chart_panel"]

AXIS = 46
"""Width of the upright axis [px]; the time line of page.css stands beside it."""
MOST_SERIES = 8
"""Curves in one chart; those with the largest values are drawn."""
STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)
"""Distances of the times at the axis [min]."""
SHELTERS = "evacuation.shelters"
DASHES = ("0", "6 3", "2 3", "8 3 2 3")


def chart_panel(lang: Lang, charts: Sequence[Mapping[str, Any]]) -> list[Any]:
    """A block a chart of ``viewer.api.charts``; a sentence where there is none."""
    if not charts:
        return [html.P(say(lang, "charts.none"), className="note section")]
    return [_shelters(lang, chart) if chart["id"] == SHELTERS else _chart(lang, chart) for chart in charts]


def _chart(lang: Lang, chart: Mapping[str, Any]) -> html.Section:
    factor, unit = (1 / 60, say(lang, "charts.minutes")) if chart["y"]["unit"] == "s" else (1.0, "")
    unit = unit or chart["y"]["unit_text"][lang]
    largest = sorted(chart["series"], key=_largest, reverse=True)[:MOST_SERIES]
    shown = [one for one in chart["series"] if one in largest]
    rows = _rows(shown, factor)
    end = max((row["t"] for row in rows), default=1.0)
    curves = [
        {"name": f"s{k}", "label": one["name"][lang], "color": one["color"], "strokeDasharray": DASHES[k % len(DASHES)]}
        for k, one in enumerate(shown)
    ]
    is_time = bool(chart["x"].get("is_time"))
    clock: dict[str, Any] = {"ticks": _ticks(end), "tickFormatter": {"function": "clock"}} if is_time else {}
    tooltip: dict[str, Any] = {"labelFormatter": {"function": "clock"}} if is_time else {}
    common: dict[str, Any] = {
        "h": 190, "data": rows, "dataKey": "t", "series": curves, "withDots": len(rows) < 3, "gridAxis": "xy",
        "curveType": "stepAfter" if chart["shape"] == "step" else "linear", "tickLine": "none", "connectNulls": False,
        "withLegend": len(shown) > 1, "legendProps": {"verticalAlign": "bottom", "height": 44},
        "tooltipAnimationDuration": 0,
        "yAxisProps": {"width": AXIS, "tickCount": 5, "interval": 0, "allowDecimals": chart["y"]["unit"] != "1"},
        "xAxisProps": {
            "type": "number", "domain": [0, end], **clock, "interval": "preserveStartEnd", "minTickGap": 24,
        },
        "tooltipProps": tooltip,
        "referenceLines": [
            {"x": mark, "color": one["color"], "label": say(lang, "charts.last_safe")}
            for one in shown for mark in one.get("marks", ())
        ],
    }  # fmt: skip
    if chart["stacked"]:
        area = {"isAnimationActive": False}
        drawn = dmc.AreaChart(type="stacked", withGradient=False, fillOpacity=0.55, areaProps=area, **common)
    else:
        drawn = dmc.LineChart(strokeWidth=2, lineProps={"isAnimationActive": False}, **common)
    axis = "" if is_time else f" / {chart['x']['label'][lang]}"
    cursor = [html.Div(className="chart-cursor")] if is_time else []
    return html.Section(
        className="section chart",
        children=[
            html.H3(chart["title"][lang]),
            html.P(f"{chart['y']['label'][lang]} ({unit}){axis}", className="note"),
            html.Div([drawn, *cursor], className="chart-box"),
        ],
        **attributes(data_chart=chart["id"], data_end=str(end)),
    )  # fmt: skip


def _ticks(end: float) -> list[float]:
    """At most seven times on the clock that are easy to read [s]."""
    step = next((minutes * 60.0 for minutes in STEPS if end <= 6 * minutes * 60.0), STEPS[-1] * 60.0)
    return [k * step for k in range(int(end / step + 1e-9) + 1)]


def _rows(series: Sequence[Mapping[str, Any]], factor: float) -> list[dict[str, Any]]:
    """One row a time, with what each series says then."""
    rows: dict[float, dict[str, Any]] = {}
    for number, one in enumerate(series):
        for x, y in zip(one["x"], one["y"], strict=True):
            row = rows.setdefault(float(x), {"t": float(x)})
            row[f"s{number}"] = None if y is None else round(y * factor, 3)
    return [rows[time] for time in sorted(rows)]


def _shelters(lang: Lang, chart: Mapping[str, Any]) -> html.Section:
    """A bar a shelter; page.js fills it as the time of the view moves."""
    ordered = sorted(chart["series"], key=_largest, reverse=True)
    bars = [
        html.Li(
            [
                html.Span(one["name"][lang], className="load-name"),
                html.Span(className="load-text"),
                html.Div(html.Div(className="load-fill"), className="load-bar"),
            ],
            **attributes(data_limit="" if one.get("limit") is None else str(one["limit"])),
        )
        for one in ordered
    ]
    data = {"x": ordered[0]["x"] if ordered else [], "y": [[v or 0 for v in one["y"]] for one in ordered]}
    return html.Section(
        className="section chart loads",
        children=[
            html.H3(chart["title"][lang]),
            html.P(say(lang, "charts.load_note"), className="note"),
            html.Ul(bars, className="load-list"),
        ],
        **attributes(data_chart=chart["id"], data_series=json.dumps(data, separators=(",", ":"))),
    )


def _largest(series: Mapping[str, Any]) -> float:
    return max((value for value in series["y"] if value is not None), default=0.0)
