"""The chapter on the flood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.flood.ranks import rank_tables
from viewer.document.blocks import Block, Heading, Paragraph, Picture, Table
from viewer.document.drawing import drawing, picture
from viewer.document.maps import MAP_WIDTH, base_map, draw_classes, draw_depth, draw_polygons, map_height, seal
from viewer.document.quantity import clock_text, figure_text
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viewer.document.findings import Findings, Flooding
    from viewer.strings import Lang

__all__ = ["flood_chapter"]

ARRIVAL_HOURS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 6.0)
"""Upper bounds of the arrival classes [h]."""
ARRIVAL_COLORS = ("#2d004b", "#542788", "#8073ac", "#b2abd2", "#d8daeb", "#fee0b6", "#fdb863", "#f0e8d0")
"""Early is dark: the order is readable in grey."""


def flood_chapter(found: Findings) -> Iterator[Block]:
    """Depth and arrival maps, areas by class, the deepest buildings."""
    lang, flooding = found.lang, found.flooding
    if flooding is None:
        return
    yield Heading(2, say(lang, "report.depth_map"))
    yield _depth_map(found, flooding)
    yield Paragraph(say(lang, "report.depth_note", source=rank_tables()["detailed"].source), is_note=True)
    yield from _areas(found)
    yield Heading(2, say(lang, "report.arrival_map"))
    yield _arrival_map(found, flooding)


def _depth_map(found: Findings, flooding: Flooding) -> Picture:
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found)
        handles = draw_depth(axes, found, flooding)
        draw_polygons(axes, found.buildings, facecolor="none", edgecolor="#7b8794", linewidth=0.25, zorder=5)
        for name, (x, y) in _gauges(found).items():
            axes.plot(x, y, marker="v", color="#1f2933", markersize=4, zorder=8)
            axes.annotate(name, (x, y), xytext=(3, 3), textcoords="offset points", fontsize=7, zorder=8)
        seal(axes, found.lang, handles)
        return picture(figure, "flood-depth", say(found.lang, "report.depth_map"))


def _gauges(found: Findings) -> dict[str, tuple[float, float]]:
    places: dict[str, tuple[float, float]] = found.scenario.get("flood", {}).get("gauges", {})
    return places


def _arrival_map(found: Findings, flooding: Flooding) -> Picture:
    from matplotlib.patches import Patch

    lang = found.lang
    arrival = np.where(flooding.is_water, np.nan, flooding.arrival) / 3600.0
    last = float(np.nanmax(arrival, initial=0.0))
    first = float(np.nanmin(arrival, initial=last))
    uppers = [hour for hour in ARRIVAL_HOURS if first < hour < last] or [ARRIVAL_HOURS[0]]
    colors = ARRIVAL_COLORS[: len(uppers) + 1]
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found)
        draw_classes(axes, flooding, arrival, colors, [-1e-6, *uppers, 1e6])
        draw_polygons(axes, found.buildings, facecolor="none", edgecolor="#7b8794", linewidth=0.25, zorder=5)
        names = [say(lang, "report.until", time=clock_text(lang, hour * 3600)) for hour in uppers]
        names.append(say(lang, "report.later", time=clock_text(lang, uppers[-1] * 3600)))
        patches = [Patch(facecolor=c, edgecolor="#52606d", linewidth=0.4, label=n)
                   for c, n in zip(colors, names, strict=True)]  # fmt: skip
        seal(axes, lang, patches)
        return picture(figure, "flood-arrival", say(lang, "report.arrival_map"))


def _areas(found: Findings) -> Iterator[Block]:
    """Area and buildings of each class."""
    lang: Lang = found.lang
    summary = found.manifest("flood").get("summary", {})
    buildings = found.table("flood", "buildings")
    rows = []
    for number, rank in enumerate(rank_tables()["detailed"].ranks, start=1):
        start = f"flooded_area_{rank.lower:g}m_"
        area = next((value for name, value in summary.items() if name.startswith(start)), None)
        count = 0 if buildings is None else int((buildings["rank"] == number).sum())
        if area or count:
            rows.append((rank.name[lang], figure_text(lang, "area_ha", area), f"{count:,}"))
    head = (say(lang, "report.class"), say(lang, "report.area"), say(lang, "report.buildings"))
    if rows:
        yield Table(head, rows, frozenset({1, 2}), (2.0, 1.0, 1.0), say(lang, "report.by_class"))
