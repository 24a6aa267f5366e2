"""The chapter on drones in the airspace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.api.words import name_of
from viewer.document.blocks import Block, Heading, Paragraph, Picture, Table
from viewer.document.drawing import DASHES, drawing, picture
from viewer.document.maps import MAP_WIDTH, base_map, draw_depth, draw_lines, draw_polygons, map_height, seal
from viewer.document.quantity import clock_text
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from viewer.document.findings import Findings
    from viewer.strings import Lang

__all__ = ["airspace_chapter"]

COLORS = {"survey": "#0072B2", "delivery": "#D55E00", "patrol": "#CC79A7"}
OTHER = "#5B4B8A"
EVERYWHERE = 0.98
"""Share of the area from which a zone counts as being everywhere."""
HIGHEST = 150.0
"""Zones that begin above this height [m] are not drawn: flights stay below (航空法第132条の85)."""
KINDS = ("trajectory", "volume")
"""Kinds of conflicts: of the flights themselves, and of the volumes reserved for them."""
RESTRICTIONS = ("PROHIBITED", "REQ_AUTHORIZATION", "REQ_AUTHORISATION", "CONDITIONAL", "NO_RESTRICTION")
"""Codes of ED-318 (and of ED-269, which spells the third so) with words of their own."""
MOST_ROWS = 40


def airspace_chapter(found: Findings) -> Iterator[Block]:
    """Plan of zones, flights and sites; flights, zones, conflicts before and after."""
    lang = found.lang
    flights = found.table("airspace", "flights")
    zones = found.table("airspace", "zones")
    if flights is not None:
        yield Heading(2, say(lang, "report.flights"))
        yield _plan(found, flights, zones)
        if len(flights):
            yield _flight_table(found, flights)
        else:
            yield Paragraph(say(lang, "report.no_flights"))
    yield from _conflicts(found)
    if zones is not None and len(zones):
        yield Heading(2, say(lang, "report.zones"))
        yield _zone_table(lang, zones)
    yield from _sites(found)


def _plan(found: Findings, flights: pd.DataFrame, zones: pd.DataFrame | None) -> Picture:
    from matplotlib.lines import Line2D

    lang = found.lang
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found)
        handles: list[Any] = []
        if found.flooding is not None:
            draw_depth(axes, found, found.flooding, alpha=0.35)
        if zones is not None and len(zones):
            handles += _draw_zones(axes, found, zones)
        shapes = found.shapes("airspace", "flights")
        for number, (kind, rows) in enumerate(flights.groupby(flights["kind"].astype(str), sort=True)):
            color, dash = COLORS.get(str(kind), OTHER), DASHES[number % len(DASHES)]
            mine = flights.index.isin(rows.index)
            draw_lines(axes, shapes[mine], color=color, linewidth=1.1, linestyle=dash, zorder=7)
            label = f"{_kind(lang, kind)}: {len(rows):,}"
            handles.append(Line2D([], [], color=color, linestyle=dash, label=label))
        handles += _draw_sites(axes, found)
        seal(axes, lang, handles)
        return picture(figure, "airspace-plan", say(lang, "report.flight_map"))


def _draw_zones(axes: Any, found: Findings, zones: pd.DataFrame) -> list[Any]:
    """Hatched where flying is prohibited, a dashed outline where something else is asked for."""
    import shapely
    from matplotlib.patches import Patch

    shapes, area = found.shapes("airspace", "zones"), shapely.box(*found.bounds)
    # what holds everywhere tells nothing in plan: it stands in the table
    is_part = shapely.area(shapely.intersection(shapes, area)) < EVERYWHERE * area.area
    is_drawn = is_part & (zones["lower_m"].to_numpy(dtype=np.float64) < HIGHEST)
    zones, shapes = zones[is_drawn], shapes[is_drawn]
    is_closed = (zones["restriction"].astype(str) == "PROHIBITED").to_numpy()
    base: dict[str, Any] = {"facecolor": "none", "edgecolor": "#cc3311"}
    kinds: tuple[tuple[Any, Any, str], ...] = (
        (is_closed, {"hatch": "////", "linewidth": 0.9}, "restriction.PROHIBITED"),
        (~is_closed, {"linestyle": "--", "linewidth": 0.8}, "report.zone_other"),
    )
    handles = []
    for here, style, key in kinds:
        if here.any():
            draw_polygons(axes, shapes[here], zorder=5, **base, **style)
            handles.append(Patch(label=say(found.lang, key), **base, **style))
    return handles


def _draw_sites(axes: Any, found: Findings) -> list[Any]:
    from matplotlib.lines import Line2D

    sites = found.table("airspace", "sites")
    points = found.shapes("airspace", "sites")
    handles = []
    if sites is not None and len(points):
        place = np.array([[point.x, point.y] for point in points])
        is_dry = sites["is_dry"].to_numpy(dtype=bool)
        for here, face, key in ((is_dry, "#117733", "report.site_dry"), (~is_dry, "white", "report.site_wet")):
            style: dict[str, Any] = {"marker": "o", "linestyle": "", "markersize": 5, "markerfacecolor": face}
            if here.any():
                axes.plot(*place[here].T, markeredgecolor="#1f2933", zorder=8, **style)
                handles.append(Line2D([], [], markeredgecolor="#1f2933", label=say(found.lang, key), **style))
    return handles


def _kind(lang: Lang, kind: object) -> str:
    return say(lang, f"mission.{kind}") if str(kind) in COLORS else str(kind)


def _site_names(found: Findings) -> dict[str, str]:
    """Name by number and by id."""
    sites = found.table("airspace", "sites")
    names: dict[str, str] = {}
    if sites is not None:
        for row in sites.to_dict("records"):
            names |= {str(row["site"]): str(row["name"]), str(row["id"]): str(row["name"])}
    return names


def _flight_table(found: Findings, flights: pd.DataFrame) -> Table:
    lang, sites = found.lang, _site_names(found)
    keys = ("flight", "kind", "from_site", "to_site", "takeoff", "landing", "held", "length", "energy", "remark")
    rows, strong = [], set()
    for number, row in enumerate(flights.head(MOST_ROWS).to_dict("records")):
        is_planned = bool(np.isfinite(row["start_s"]))
        if not is_planned:
            strong.add(number)
        rows.append(
            (
                str(row["flight"]),
                _kind(lang, row["kind"]),
                sites.get(str(row["from_site"]), str(row["from_site"])),
                sites.get(str(row["to_site"]), str(row["to_site"])),
                clock_text(lang, row["start_s"]) if is_planned else "–",
                clock_text(lang, row["end_s"]) if is_planned else "–",
                f"{row['held_s'] / 60:,.1f}" if is_planned else "–",
                f"{row['length_m']:,.0f}" if is_planned else "–",
                f"{row['energy_wh']:,.0f}" if is_planned else "–",
                str(row["reason_ja" if lang == "ja" else "reason_en"] or ""),
            )
        )
    head = tuple(say(lang, f"report.{key}") for key in keys)
    widths = (0.8, 1.1, 1.3, 1.3, 1.0, 1.0, 1.0, 1.0, 1.0, 2.4)
    caption = say(lang, "report.flight_table", shown=len(rows), count=len(flights))
    return Table(head, rows, frozenset(range(4, 9)), widths, caption, frozenset(strong))


def _conflicts(found: Findings) -> Iterator[Block]:
    lang, summary = found.lang, found.manifest("airspace").get("summary", {})
    yield Heading(2, say(lang, "report.conflicts"))
    before, after = summary.get("conflicts_before_count"), summary.get("conflicts_after_count")
    if before is not None and after is not None:
        yield Paragraph(say(lang, "report.conflict_counts", before=f"{before:,.0f}", after=f"{after:,.0f}"))
    table = found.table("airspace", "conflicts")
    if table is None or not len(table):
        return
    left = table.sort_values("is_resolved", kind="stable").head(MOST_ROWS)
    rows = [
        (
            f"{row['flight_a']} – {row['flight_b']}",
            say(lang, f"conflict.{row['kind']}") if str(row["kind"]) in KINDS else str(row["kind"]),
            clock_text(lang, row["time_s"]),
            f"{row['horizontal_m']:,.1f}",
            f"{row['vertical_m']:,.1f}",
            say(lang, "report.yes" if row["is_resolved"] else "report.no"),
        )
        for row in left.to_dict("records")
    ]
    head = tuple(say(lang, f"report.{key}") for key in ("pair", "kind", "time", "horizontal", "vertical", "resolved"))
    remaining = frozenset(k for k, row in enumerate(left["is_resolved"]) if not row)
    caption = say(lang, "report.conflict_table", shown=len(rows), count=len(table))
    yield Table(head, rows, frozenset({2, 3, 4}), caption=caption, strong=remaining)


def _zone_table(lang: Lang, zones: pd.DataFrame) -> Table:
    rows = [
        (
            str(row["identifier"]),
            str(row["name_ja" if lang == "ja" else "name_en"]),
            _restriction(lang, str(row["restriction"])),
            f"{row['lower_m']:,.0f}",
            f"{row['upper_m']:,.0f}" if np.isfinite(row["upper_m"]) else "–",
            str(row["reference"]),
            str(row["authority"]),
        )
        for row in zones.head(MOST_ROWS).to_dict("records")
    ]
    keys = ("zone", "name", "restriction", "lower", "upper", "reference", "authority")
    return Table(tuple(say(lang, f"report.{key}") for key in keys), rows, frozenset({3, 4}),
                 (1.0, 2.2, 1.6, 0.9, 0.9, 0.9, 1.6))  # fmt: skip


def _restriction(lang: Lang, code: str) -> str:
    return say(lang, f"restriction.{code}") if code in RESTRICTIONS else code


def _sites(found: Findings) -> Iterator[Block]:
    lang, table = found.lang, found.table("airspace", "sites")
    if table is None or not len(table):
        return
    yield Heading(2, say(lang, "report.sites"))
    rows = [
        (
            str(row["name"]),
            name_of("kind", row["kind"])[lang],
            say(lang, "report.yes" if row["is_dry"] else "report.no"),
            clock_text(lang, row["wet_from_s"]),
        )
        for row in table.head(MOST_ROWS).to_dict("records")
    ]
    keys = ("name", "kind", "stays_dry", "wet_from")
    yield Table(tuple(say(lang, f"report.{key}") for key in keys), rows, frozenset({3}), (3.0, 1.5, 1.0, 1.0))
