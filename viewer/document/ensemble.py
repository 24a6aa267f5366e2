"""The chapter on an ensemble, and its overview on one sheet."""

from __future__ import annotations

import io
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.ensemble.fields import arrival_name, depth_name, probability_name
from viewer.api.charts import charts_document
from viewer.api.ensemble import probability_class, shown_first, thresholds
from viewer.api.overlays import overlay_styles
from viewer.document.blocks import Block, Heading, Paragraph, Table
from viewer.document.drawing import drawing, picture
from viewer.document.findings import Flooding
from viewer.document.maps import (
    MAP_WIDTH,
    base_map,
    draw_classes,
    draw_depth,
    draw_polygons,
    draw_water,
    map_height,
    seal,
)
from viewer.document.quantity import clock_text, figure_text
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from viewer.api.group import Member
    from viewer.document.findings import Findings

__all__ = ["ensemble_chapter", "overview_png"]

STAGE, PROBABILITY = "ensemble", "ensemble.probability"
OUTLINE: dict[str, Any] = {"facecolor": "none", "edgecolor": "#7b8794", "linewidth": 0.25, "zorder": 5}
ARRIVAL_PARTS = 6
"""Classes of the arrival map."""
ARRIVAL_COLORS = ("#2d004b", "#542788", "#8073ac", "#b2abd2", "#fdb863", "#e08214")
"""Early is dark: the order is readable in grey."""
STEPS = (300, 600, 900, 1200, 1800, 3600, 7200, 10800, 21600, 43200)
"""Widths of a class of arrival [s]."""


@dataclass(frozen=True, slots=True, eq=False)
class _Ensemble:
    """What the maps are drawn from."""

    found: Findings
    member: Member
    ground: Flooding
    """Percentile of the depth; sea, rivers and what else is no ground."""

    def map(self, name: str) -> NDArray[np.float32]:
        return self.member.run.map(name)

    @property
    def buildings(self) -> NDArray[np.object_]:
        return self.found.shapes(STAGE, "buildings")

    @property
    def percents(self) -> list[int]:
        return [int(percent) for percent in self.member.manifest["ensemble"]["percentiles"]]


def ensemble_chapter(found: Findings) -> Iterator[Block]:
    """What is uncertain, probabilities, percentiles, means with their errors, members that failed."""
    lang, one = found.lang, _open(found)
    yield from _uncertain(found)
    depth = shown_first(one.member, PROBABILITY)
    yield Heading(2, say(lang, "report.probability_map", depth=f"{depth:g}"))
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        _draw_probability(axes, one, depth)
        yield picture(figure, "ensemble-probability", say(lang, "report.probability_map", depth=f"{depth:g}"))
    done = found.manifest(STAGE)["summary"]["done_count"]
    yield Paragraph(say(lang, "report.probability_note", count=f"{done:,.0f}"), is_note=True)
    yield _by_threshold(found, one.member)
    for percent in sorted({_middle(one.percents), one.percents[-1]}):
        yield Heading(2, say(lang, "report.percentile_map", percent=percent))
        with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
            _draw_depth(axes, one, percent)
            yield picture(figure, f"ensemble-depth-{percent:02d}", say(lang, "report.percentile_map", percent=percent))
    if _has(one.member, arrival_name(_middle(one.percents))):
        percent = _middle(one.percents)
        yield Heading(2, say(lang, "report.arrival_percentile_map", percent=percent))
        with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
            _draw_arrival(axes, one, percent)
            caption = say(lang, "report.arrival_percentile_map", percent=percent)
            yield picture(figure, f"ensemble-arrival-{percent:02d}", caption)
    yield from _failures(found)


def overview_png(found: Findings) -> bytes:
    """Probability, a high percentile of the depth, arrival and the curve of the area on one sheet."""
    lang, one = found.lang, _open(found)
    depth, percent = shown_first(one.member, PROBABILITY), one.percents[-1]
    with drawing(2 * MAP_WIDTH, 2 * map_height(found)) as (figure, first):
        first.remove()
        axes: Any = figure.subplots(2, 2).ravel()
        _draw_probability(axes[0], one, depth)
        axes[0].set_title(say(lang, "report.probability_map", depth=f"{depth:g}"))
        _draw_depth(axes[1], one, percent)
        axes[1].set_title(say(lang, "report.percentile_map", percent=percent))
        if _has(one.member, arrival_name(_middle(one.percents))):
            _draw_arrival(axes[2], one, _middle(one.percents))
            axes[2].set_title(say(lang, "report.arrival_percentile_map", percent=_middle(one.percents)))
        else:
            axes[2].remove()
        chart = next(c for c in charts_document(found.group)["charts"] if c["id"] == "ensemble.area")
        _draw_curve(axes[3], found, chart)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", metadata={"Software": "osaka-twin"})
    return stream.getvalue()


def _open(found: Findings) -> _Ensemble:
    member = found.group.members[STAGE]
    highest = int(member.manifest["ensemble"]["percentiles"][-1])
    depth = member.run.map(depth_name(highest))
    return _Ensemble(found, member, Flooding(member.run.grid, depth, np.full_like(depth, np.nan), np.isnan(depth)))


def _base(axes: Axes, one: _Ensemble) -> None:
    base_map(axes, one.found)
    draw_water(axes, one.ground)
    draw_polygons(axes, one.buildings, facecolor="#d9dde2", linewidth=0, zorder=2)


def _draw_probability(axes: Axes, one: _Ensemble, depth: float) -> None:
    from matplotlib.patches import Patch

    _base(axes, one)
    style = overlay_styles()[PROBABILITY]
    kind = probability_class(one.map(probability_name(depth)), style).astype(np.float64)
    kind[kind < 0] = np.nan
    colors = [entry["color"] for entry in style["classes"]]
    draw_classes(axes, one.ground, kind, colors, [k - 0.5 for k in range(len(colors) + 1)])
    draw_polygons(axes, one.buildings, **OUTLINE)
    names = [entry["name"][one.found.lang] for entry in style["classes"]]
    seal(axes, one.found.lang, [_patch(Patch, c, n) for c, n in zip(colors, names, strict=True)])


def _draw_depth(axes: Axes, one: _Ensemble, percent: int) -> None:
    _base(axes, one)
    shown = Flooding(one.ground.grid, one.map(depth_name(percent)), one.ground.arrival, one.ground.is_water)
    handles = draw_depth(axes, one.found, shown)
    draw_polygons(axes, one.buildings, **OUTLINE)
    seal(axes, one.found.lang, handles)


def _draw_arrival(axes: Axes, one: _Ensemble, percent: int) -> None:
    from matplotlib.patches import Patch

    lang = one.found.lang
    _base(axes, one)
    arrival = one.map(arrival_name(percent)).astype(np.float64)
    last = float(np.nanmax(arrival)) if np.isfinite(arrival).any() else 0.0
    width = next((step for step in STEPS if last <= step * ARRIVAL_PARTS), STEPS[-1])
    count = int(np.clip(np.ceil(last / width), 1, ARRIVAL_PARTS))
    uppers = [width * (k + 1) for k in range(count)]
    draw_classes(axes, one.ground, arrival, ARRIVAL_COLORS[:count], [-1e-6, *uppers[:-1], 1e9])
    draw_polygons(axes, one.buildings, **OUTLINE)
    names = [say(lang, "report.until", time=clock_text(lang, upper)) for upper in uppers]
    seal(axes, lang, [_patch(Patch, c, n) for c, n in zip(ARRIVAL_COLORS, names, strict=False)])


def _draw_curve(axes: Axes, found: Findings, chart: Mapping[str, Any]) -> None:
    lang = found.lang
    for series in chart["series"]:
        axes.step(series["x"], series["y"], where="post", color=series["color"], label=series["name"][lang])
    axes.set_title(chart["title"][lang])
    axes.set_xlabel(chart["x"]["label"][lang])
    axes.set_ylabel(f"{chart['y']['label'][lang]} ({chart['y']['unit_text'][lang]})")
    axes.set_ylim(bottom=0)
    axes.grid(True, axis="y")
    axes.legend()


def _uncertain(found: Findings) -> Iterator[Block]:
    lang, table = found.lang, found.table(STAGE, "uncertain")
    if table is None:
        return
    yield Heading(2, say(lang, "report.uncertain"))
    rows = [
        (str(row["label"]), str(row["path"]), say(lang, f"effect.{row['effect']}"), _law(found, row["distribution"]))
        for row in table.to_dict("records")
    ]
    head = tuple(say(lang, f"report.{key}") for key in ("quantity", "place_in_file", "effect", "distribution"))
    yield Table(head, rows, widths=(0.8, 1.6, 0.9, 1.7))


def _law(found: Findings, text: str) -> str:
    """A distribution in words: its kind and its figures, or the choices with their weights."""
    law: dict[str, Any] = json.loads(text)
    if isinstance(law.get("values"), dict):
        weights = law.get("weights") or [1] * len(law["values"])
        return ", ".join(f"{name} ({weight:g})" for name, weight in zip(law["values"], weights, strict=True))
    figures = ", ".join(f"{key} {_plain(value)}" for key, value in law.items() if key != "kind" and value != [])
    return f"{say(found.lang, 'distribution.' + law['kind'])}: {figures}"


def _plain(value: Any) -> str:
    return " / ".join(f"{one:g}" for one in value) if isinstance(value, list) else f"{value:g}"


def _by_threshold(found: Findings, member: Member) -> Table:
    lang, summary = found.lang, found.manifest(STAGE)["summary"]
    rows = []
    for depth in thresholds(member):
        at = f"{depth:g}m"
        rows.append(
            (
                f"{at[:-1]} m",
                figure_text(lang, "area_ha", summary.get(f"mean_area_{at}_ha")),
                figure_text(lang, "area_ha", summary.get(f"standard_error_area_{at}_ha")),
                figure_text(lang, "people_count", summary.get(f"mean_people_{at}_count")),
                figure_text(lang, "buildings_count", summary.get(f"buildings_likely_{at}_count")),
            )
        )
    keys = ("threshold", "mean_area", "standard_error", "mean_people", "likely_buildings")
    head = tuple(say(lang, f"report.{key}") for key in keys)
    return Table(head, rows, frozenset({1, 2, 3, 4}), caption=say(lang, "report.by_threshold"))


def _failures(found: Findings) -> Iterator[Block]:
    lang, table = found.lang, found.table(STAGE, "members")
    assert table is not None
    bad = table[table["status"] != "done"]
    yield Heading(2, say(lang, "report.failed_members"))
    if bad.empty:
        yield Paragraph(say(lang, "report.no_failures"))
        return
    rows = [(f"{row['member']}", str(row["reason"])) for row in bad.to_dict("records")]
    yield Table((say(lang, "report.member"), say(lang, "report.reason")), rows, frozenset({0}), (0.3, 3.0))


def _middle(percents: list[int]) -> int:
    """The percentile nearest to the median."""
    return min(percents, key=lambda percent: abs(percent - 50))


def _has(member: Member, name: str) -> bool:
    return (member.run.folder / f"{name}.tif").is_file()


def _patch(patch: Any, color: str, name: str) -> Any:
    return patch(facecolor=color, edgecolor="#52606d", linewidth=0.4, label=name)
