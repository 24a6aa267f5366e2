"""The chapter on the flood."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.flood.ranks import rank_tables
from viewer.document.blocks import Block, Heading, Paragraph, Picture
from viewer.document.consequence import consequences, depth_entries
from viewer.document.drawing import drawing, picture
from viewer.document.maps import MAP_WIDTH, base_map, draw_classes, draw_depth, draw_polygons, map_height, seal
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viewer.document.findings import Findings, Flooding

__all__ = ["flood_chapter"]


def flood_chapter(found: Findings) -> Iterator[Block]:
    """Depth and arrival maps, and what the flood means."""
    lang, flooding = found.lang, found.flooding
    if flooding is None:
        return
    yield Heading(2, say(lang, "report.depth_map"))
    yield _depth_map(found, flooding)
    given = found.scenario.get("flood", {}).get("evaluation", {}).get("ranks")
    source = given or rank_tables()["detailed"].source
    yield Paragraph(say(lang, "report.depth_note", source=source), is_note=True)
    yield Heading(2, say(lang, "report.arrival_map"))
    yield _arrival_map(found, flooding)
    yield from consequences(found, flooding)


def _depth_map(found: Findings, flooding: Flooding) -> Picture:
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found)
        handles = draw_depth(axes, found, flooding, classes=depth_entries(found))
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

    lang, ranks = found.lang, rank_tables()["arrival"].ranks
    arrival = np.where(flooding.is_water, np.nan, flooding.arrival).astype(np.float64)
    edges = [-1e-6, *(rank.lower for rank in ranks[1:]), 1e12]
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found)
        draw_classes(axes, flooding, arrival, [rank.color for rank in ranks], edges)
        draw_polygons(axes, found.buildings, facecolor="none", edgecolor="#7b8794", linewidth=0.25, zorder=5)
        shown = [rank for rank, low, high in zip(ranks, edges[:-1], edges[1:], strict=True)
                 if ((arrival >= low) & (arrival < high)).any()]  # fmt: skip
        patches = [Patch(facecolor=rank.color, edgecolor="#52606d", linewidth=0.4, label=rank.name[lang])
                   for rank in shown]  # fmt: skip
        seal(axes, lang, patches)
        return picture(figure, "flood-arrival", say(lang, "report.arrival_map"))
