"""Curves of a scenario's runs as JSON, for whoever draws them.

``GET /api/runs/{key}/charts`` (any run of the scenario) answers::

    {"charts": [
      {"id": "evacuation.people",              # <stage>.<name>, unique
       "stage": "evacuation", "key": "<run>",  # whose data these are
       "shape": "line",                        # "line": linear between points; "step": value holds until the next;
                                               # "dots": separate values
       "stacked": false,                       # true: the series add up to a constant and may be drawn as areas
       "title": {"ja": "…", "en": "…"},
       "x": {"label": {"ja": "…", "en": "…"}, "unit": "s", "is_time": true},   # is_time: the page's clock, same zero
       "y": {"label": {"ja": "…", "en": "…"}, "unit": "1", "unit_text": {"ja": "人", "en": "persons"}},
       "series": [{"id": "safe", "name": {"ja": "…", "en": "…"}, "color": "#009E73",
                   "x": [0.0, 60.0], "y": [0.0, 12.0],     # same length; null in y: nothing known, a gap
                   "limit": 450.0,                         # optional: capacity of what the series shows
                   "marks": [1800.0]}]}                    # optional: x of special points (the last safe departure)
    ]}

Times are seconds since the scenario's start. A chart is listed as soon as it has a point; while a run computes, its
curves grow. Charts by id: ``evacuation.people`` (waiting, moving, safe, stranded, dead; stacked),
``evacuation.shelters`` (one series a shelter, ``limit`` = capacity once the run is done), ``evacuation.queue``,
``access.departures`` (travel time by departure, one series a request and profile; x is a time of day on the clock),
``airspace.airborne`` (airborne, held), ``airspace.conflicts`` (now, by output),
``flood.gauges``, ``flood.sections``, and of an ensemble ``ensemble.area``, ``ensemble.people`` (what is
reached with each probability) and ``ensemble.convergence``.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import yaml

from viewer.api.words import request_name, series_color

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike

    from viewer.api.group import Member, RunGroup

__all__ = ["charts_document"]

CONVERGENCE_DEPTH = 0.5
"""Threshold whose area shows how an ensemble converges, or the nearest to it [m]."""
SHELTER = "shelter:"
"""Beginning of the gauges that count people in a shelter."""


def charts_document(group: RunGroup) -> dict[str, Any]:
    """Every chart that the runs of a scenario can fill now; see the module's text for the format."""
    made = []
    for stage, makers in MAKERS.items():
        member = group.get(stage)
        if member is not None and (member.outputs_done > 0 or member.is_done):
            made += [chart for maker in makers if (chart := maker(member)) is not None]
    return {"charts": made}


def _people(member: Member) -> dict[str, Any] | None:
    states = ("waiting", "moving", "safe", "stranded", "dead")
    if member.has_table("clearance"):
        return _from_table(member, "evacuation.people", states, member.run.table("clearance"))
    return _from_gauges(member, "evacuation.people", states)


def _queue(member: Member) -> dict[str, Any] | None:
    return _from_gauges(member, "evacuation.queue", ("queue",))


def _shelters(member: Member) -> dict[str, Any] | None:
    gauges = _gauges(member)
    capacity: dict[str, float] = {}
    if member.has_table("shelters"):
        table = member.run.table("shelters")
        capacity = dict(zip(table["name"].astype(str), table["capacity"].astype(float), strict=True))
    series = []
    for number, column in enumerate(c for c in gauges.columns if str(c).startswith(SHELTER)):
        name = str(column).removeprefix(SHELTER)
        extra = {"limit": capacity[name]} if np.isfinite(capacity.get(name, np.nan)) else {}
        text = {"ja": name, "en": name}
        series.append(_series(name, text, series_color(number), gauges["time_s"], gauges[column]) | extra)
    return _chart(member, "evacuation.shelters", series)


def _departures(member: Member) -> dict[str, Any] | None:
    if not member.has_table("departures"):
        return None
    table = member.run.table("departures").sort_values("departure_s", kind="stable")
    series = []
    for number, ((request, profile), rows) in enumerate(table.groupby(["request", "profile"], sort=True)):
        name = request_name(request, profile)
        taken = rows["time_s"].astype(float).where(rows["is_reachable"].astype(bool))
        last = rows.loc[rows["is_last_safe"].astype(bool), "departure_s"].astype(float)
        made = _series(f"{request}/{profile}", name, series_color(number), rows["departure_s"], taken)
        series.append(made | {"marks": [float(t) for t in last]})
    return _chart(member, "access.departures", series)


def _airborne(member: Member) -> dict[str, Any] | None:
    return _from_gauges(member, "airspace.airborne", ("airborne", "held"))


def _conflicts(member: Member) -> dict[str, Any] | None:
    return _from_gauges(member, "airspace.conflicts", ("conflicts",))


def _flood_gauges(member: Member) -> dict[str, Any] | None:
    gauges = _gauges(member)
    series = []
    for number, column in enumerate(c for c in gauges.columns if str(c).endswith("_depth_m")):
        name = str(column).removesuffix("_depth_m")
        series.append(_series(name, {"ja": name, "en": name}, series_color(number), gauges["time_s"], gauges[column]))
    return _chart(member, "flood.gauges", series)


def _flood_sections(member: Member) -> dict[str, Any] | None:
    gauges = _gauges(member)
    series = []
    for number, column in enumerate(c for c in gauges.columns if str(c).endswith("_discharge_m3_s")):
        name = str(column).removesuffix("_discharge_m3_s")
        series.append(_series(name, {"ja": name, "en": name}, series_color(number), gauges["time_s"], gauges[column]))
    return _chart(member, "flood.sections", series)


def _extent(member: Member, chart: str, quantity: str) -> dict[str, Any] | None:
    """What is reached with each probability, one series a threshold; all have the members' ranks as x."""
    if not member.has_table("exceedance"):
        return None
    table = member.run.table("exceedance")
    series = []
    for number, (depth, rows) in enumerate(table[table["quantity"] == quantity].groupby("threshold_m", sort=True)):
        name = {lang: text.format(depth=f"{depth:g}") for lang, text in _entries()[chart]["of"].items()}
        # the largest value is reached with any probability up to that of one member, and so on
        share = 100.0 * np.arange(len(rows) + 1) / len(rows)
        value = np.append(rows["value"], rows["value"].iloc[-1])
        series.append(_series(f"{depth:g}", name, series_color(number), share, value))
    return _chart(member, chart, series)


def _exceeded_area(member: Member) -> dict[str, Any] | None:
    return _extent(member, "ensemble.area", "area_ha")


def _exceeded_people(member: Member) -> dict[str, Any] | None:
    return _extent(member, "ensemble.people", "people_count")


def _convergence(member: Member) -> dict[str, Any] | None:
    if not member.has_table("convergence"):
        return None
    table = member.run.table("convergence")
    depth = min(table["threshold_m"], key=lambda one: abs(one - CONVERGENCE_DEPTH))
    rows = table[(table["quantity"] == "area_ha") & (table["threshold_m"] == depth)]
    mean, error = rows["mean"], rows["standard_error"]
    entry = _entries()["ensemble.convergence"]["series"]
    curves = {"mean": mean, "low": mean - error, "high": mean + error}
    series = [
        _series(name, {lang: text.format(depth=f"{depth:g}") for lang, text in entry[name]["name"].items()},
                entry[name]["color"], rows["members"], values)
        for name, values in curves.items()
    ]  # fmt: skip
    return _chart(member, "ensemble.convergence", series)


MAKERS: dict[str, tuple[Callable[[Member], dict[str, Any] | None], ...]] = {
    "flood": (_flood_gauges, _flood_sections),
    "evacuation": (_people, _shelters, _queue),
    "access": (_departures,),
    "airspace": (_airborne, _conflicts),
    "ensemble": (_exceeded_area, _exceeded_people, _convergence),
}


def _gauges(member: Member) -> pd.DataFrame:
    """Gauge records of the outputs that are complete: a line may be half written behind them."""
    path = member.run.folder / "gauges.csv"
    if not path.is_file():
        return pd.DataFrame({"time_s": []})
    return pd.read_csv(path, nrows=member.outputs_done)


def _from_gauges(member: Member, chart: str, columns: Sequence[str]) -> dict[str, Any] | None:
    return _from_table(member, chart, columns, _gauges(member))


def _from_table(member: Member, chart: str, columns: Sequence[str], table: pd.DataFrame) -> dict[str, Any] | None:
    entry = _entries()[chart]["series"]
    series = [
        _series(name, entry[name]["name"], entry[name]["color"], table["time_s"], table[name])
        for name in columns
        if name in table.columns
    ]
    return _chart(member, chart, series)


def _chart(member: Member, chart: str, series: list[dict[str, Any]]) -> dict[str, Any] | None:
    entry = _entries()[chart]
    if not any(one["x"] for one in series):
        return None
    axes = {name: entry[name] for name in ("title", "shape", "stacked", "x", "y")}
    return {"id": chart, "stage": member.stage, "key": member.run.key, **axes, "series": series}


def _series(name: str, text: dict[str, str], color: str, x: ArrayLike, y: ArrayLike) -> dict[str, Any]:
    times, values = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    known = [float(v) if np.isfinite(v) else None for v in values]
    return {"id": name, "name": dict(text), "color": color, "x": times.tolist(), "y": known}


@cache
def _entries() -> dict[str, Any]:
    """Titles, axes and series of ``charts.yaml`` by chart."""
    text = files("viewer.api").joinpath("charts.yaml").read_text("utf-8")
    content: dict[str, Any] = yaml.safe_load(text)
    return content
