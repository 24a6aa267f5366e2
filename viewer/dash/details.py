"""The panel of a selected building or place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dash_mantine_components as dmc
from dash import html

from viewer.dash.attributes import attributes
from viewer.dash.words import clock, metres
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Mapping

    from viewer.strings import Lang

__all__ = ["building_panel", "feature_panel", "place_panel"]


def building_panel(
    lang: Lang,
    document: Mapping[str, Any],
    result: Mapping[str, Any] | None,
    series: Mapping[str, Any] | None,
    *,
    run_state: str,
) -> list[Any]:
    """Result, depth over time, attributes, official records, source.

    Parameters
    ----------
    lang : {"ja", "en"}
    document : mapping
        From ``building_document``.
    result : mapping or None
        From ``RunShelf.building``.
    series : mapping or None
        From ``RunShelf.at``.
    run_state : {"", "running", "done"}
        Whether a run is shown, and whether it is finished.
    """
    values = {entry["key"]: entry["text"][lang] for entry in document["attributes"]}
    title = values.get("name") or values.get("usage") or say(lang, "detail.building")
    subtitle = values.get("usage", "") if values.get("name") else ""
    parts: list[Any] = [_head(lang, str(title), str(subtitle))]
    if run_state == "done":
        parts.append(_result(lang, result))
    elif run_state == "running":
        parts.append(html.P(say(lang, "detail.running"), className="note block"))
    parts += _chart(lang, series, say(lang, "detail.series_building"))
    parts.append(_attributes(lang, document["attributes"]))
    parts.append(_risks(lang, document["risk"]))
    parts += _generic(lang, document["generic"])
    parts.append(_source(lang, document["source"]))
    return parts


def place_panel(
    lang: Lang, place: tuple[float, float], frame: str, ground: float | None, series: Mapping[str, Any] | str | None
) -> list[Any]:
    """Value now, depth over time, coordinates.

    Parameters
    ----------
    lang : {"ja", "en"}
    place : tuple of float
        Plane-rectangular x, y [m].
    frame : str
        Their system.
    ground : float or None
        Ground [m T.P.].
    series : mapping, str or None
        From ``RunShelf.at``; a sentence where there is none; None without a run.
    """
    parts: list[Any] = [_head(lang, say(lang, "detail.ground"), "")]
    facts = []
    if isinstance(series, str):
        parts.append(html.P(series, className="note block"))
    elif series is not None:
        depth, bed = series.get("value_m"), series["bed_m"]
        parts.append(_chip_row(lang, "detail.depth_now", depth, series.get("class")))
        if depth is not None and bed is not None and series.get("class") is not None:
            facts.append((say(lang, "detail.stage_now"), f"T.P. {depth + bed:+.2f} m"))
        ground = bed if bed is not None else ground
    if ground is not None:
        facts.append((say(lang, "detail.ground_height"), f"T.P. {ground:+.2f} m"))
    facts.append((say(lang, "detail.position"), f"{place[0]:,.1f}, {place[1]:,.1f} ({frame})"))
    parts.append(_facts(facts))
    if not isinstance(series, str):
        parts += _chart(lang, series, say(lang, "detail.series_place"))
    return parts


def feature_panel(lang: Lang, document: Mapping[str, Any]) -> list[Any]:
    """A thing of a run: what it is, its attributes, the steps of a route.

    Parameters
    ----------
    lang : {"ja", "en"}
    document : mapping
        From ``RunShelf.feature``.
    """
    kind, title = document["kind"][lang], document["title"][lang]
    rows = [(entry["label"][lang], entry["text"][lang]) for entry in document["attributes"]]
    parts: list[Any] = [_head(lang, title or kind, kind if title else ""), html.Div(_facts(rows), className="block")]
    if document["steps"]:
        steps = html.Ol([html.Li(step[lang]) for step in document["steps"]], className="steps")
        parts.append(html.Div([html.H3(say(lang, "detail.steps")), steps], className="block"))
    return parts


def _head(lang: Lang, title: str, subtitle: str) -> html.Div:
    return html.Div(
        className="detail-head",
        children=[
            html.Div([html.H2(title, id="detail-title"), html.Span(subtitle, className="subtitle")]),
            html.Button(
                html.Span(className="icon icon-close"), id={"type": "close-detail", "id": 0}, className="icon-button",
                **attributes(aria_label=say(lang, "page.close")),
            ),
        ],
    )  # fmt: skip


def _result(lang: Lang, result: Mapping[str, Any] | None) -> html.Div:
    if result is None or result["max_depth_m"] is None:
        return html.Div(html.P(say(lang, "detail.no_result"), className="note"), className="block")
    arrival = result["arrival_s"]
    arrives = say(lang, "detail.not_reached")
    if arrival is not None:
        arrives = say(lang, "detail.after", time=clock(arrival))
    return html.Div(
        [
            _chip_row(lang, "detail.max_depth", result["max_depth_m"], result["class"]),
            _facts([(say(lang, "detail.arrival"), arrives)]),
        ],
        className="result",
    )


def _chip_row(lang: Lang, key: str, depth: float | None, entry: Mapping[str, Any] | None) -> html.Div:
    chip = say(lang, "detail.dry") if entry is None else entry["name"][lang]
    colour = "#ECEBE7" if entry is None else entry["color"]
    exact = "" if depth is None else repr(depth)
    return html.Div(
        className="big",
        children=[
            html.Span(say(lang, key), className="big-label"),
            html.Span(metres(depth), className="big-value", **attributes(data_value=exact)),
            html.Span(chip, className="chip", style={"background": colour}),
        ],
    )


def _chart(lang: Lang, series: Mapping[str, Any] | None, note: str) -> list[Any]:
    if series is None or len(series["times_s"]) < 2 or not any(series["depth_m"]):
        return []
    rows = [
        {"t": clock(t), "depth": None if d is None else round(d, 3)}
        for t, d in zip(series["times_s"], series["depth_m"], strict=True)
    ]
    return [
        html.Div(
            className="block",
            children=[
                html.H3(say(lang, "detail.series")),
                dmc.AreaChart(
                    h=150,
                    data=rows,
                    dataKey="t",
                    series=[{"name": "depth", "color": "#1769aa", "label": say(lang, "detail.depth_axis")}],
                    curveType="linear",
                    withDots=False,
                    withGradient=False,
                    fillOpacity=0.18,
                    strokeWidth=2,
                    gridAxis="x",
                    tickLine="none",
                    unit=" m",
                    yAxisProps={"width": 52, "tickCount": 4},
                    xAxisProps={"interval": "preserveStartEnd", "minTickGap": 28},
                    areaProps={"isAnimationActive": False},
                    tooltipAnimationDuration=0,
                ),
                html.P(note, className="note"),
            ],
        )
    ]


def _facts(rows: list[tuple[str, str]]) -> html.Dl:
    return html.Dl([part for name, value in rows for part in (html.Dt(name), html.Dd(value))], className="facts")


def _attributes(lang: Lang, attributes: list[dict[str, Any]]) -> html.Div:
    rows = [(entry["label"][lang], entry["text"][lang]) for entry in attributes if entry["key"] != "name"]
    return html.Div([html.H3(say(lang, "detail.attributes")), _facts(rows)], className="block")


def _risks(lang: Lang, risks: list[dict[str, Any]]) -> html.Div:
    title = html.H3(say(lang, "detail.risks"))
    if not risks:
        return html.Div([title, html.P(say(lang, "detail.no_risk"), className="note")], className="block")
    items = []
    for risk in risks:
        head = " · ".join(part for part in (risk["hazard_name"][lang], risk["scale"][lang]) if part)
        facts = [metres(risk["depth_m"])] if risk["depth_m"] is not None else []
        facts += [risk["rank"]] if risk["rank"] else []
        if risk["duration_hours"] is not None:
            facts.append(say(lang, "detail.duration", hours=f"{risk['duration_hours']:g}"))
        about = " · ".join(part for part in (risk["description"], risk["admin"]) if part)
        items.append(
            html.Li([html.Div([html.B(head), html.Span(" / ".join(facts))]), html.Div(about, className="note")])
        )
    return html.Div([title, html.Ul(items, className="risks")], className="block")


def _generic(lang: Lang, generic: Mapping[str, Any]) -> list[Any]:
    rows: list[tuple[str, str]] = []
    for name, value in generic.items():
        if isinstance(value, dict):
            rows += [(f"{name} / {inner}", str(text)) for inner, text in value.items()]
        elif value not in (None, ""):
            rows.append((name, str(value)))
    if not rows:
        return []
    return [html.Details([html.Summary(say(lang, "detail.generic")), _facts(rows)], className="block")]


def _source(lang: Lang, source: Mapping[str, str]) -> html.P:
    text = " · ".join(part for part in (source["source"], source["licence"], source["date"]) if part)
    return html.P(f"{say(lang, 'page.source')}: {text or say(lang, 'layers.no_source')}", className="note source")
