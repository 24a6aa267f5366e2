"""The chapter on routes without barriers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.api.words import request_name
from viewer.document.blocks import Block, Heading, Paragraph, Picture, Steps, Table
from viewer.document.drawing import DASHES, drawing, picture
from viewer.document.maps import MAP_WIDTH, base_map, bounds_around, draw_depth, draw_lines, map_height, seal
from viewer.document.quantity import clock_text
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from viewer.document.findings import Findings
    from viewer.strings import Lang

__all__ = ["access_chapter"]

COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
MOST_STEPS = 60
"""Instructions of one route; a longer one ends with a remark."""
MOST_ROWS = 40
REACH_MINUTES = (5, 10, 15, 20, 30)
REACH_COLORS = ("#fde725", "#90d743", "#35b779", "#21918c", "#31688e", "#443983")


def access_chapter(found: Findings) -> Iterator[Block]:
    """Routes on the map, what stands in the way, when to leave at the latest, instructions, reach."""
    lang = found.lang
    routes = found.table("access", "routes")
    barriers = found.table("access", "barriers")
    if routes is not None and len(routes):
        yield Heading(2, say(lang, "report.routes"))
        yield _route_map(found, routes)
        yield _route_table(lang, routes)
        if barriers is not None and len(barriers):
            yield _barrier_table(lang, routes, barriers)
    departures = found.table("access", "departures")
    if departures is not None and len(departures):
        yield Heading(2, say(lang, "report.departures"))
        yield from _departure_tables(lang, departures)
    instructions = found.table("access", "instructions")
    if routes is not None and instructions is not None:
        yield from _instructions(lang, routes, instructions)
    yield from _reach_maps(found)
    yield from _repairs(found)


def _best(routes: pd.DataFrame) -> pd.DataFrame:
    """The first route of each request and profile: within the limits where there is one."""
    order = routes.sort_values(["is_feasible", "rank"], ascending=[False, True], kind="stable")
    return order.drop_duplicates(["request", "profile"]).sort_index()


def _route_map(found: Findings, routes: pd.DataFrame) -> Picture:
    from matplotlib.lines import Line2D

    lang = found.lang
    shapes = found.shapes("access", "routes")
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found, bounds_around(found, shapes))
        handles: list[Any] = []
        if found.flooding is not None:
            draw_depth(axes, found, found.flooding, alpha=0.45)
        draw_lines(axes, shapes, color="#52606d", linewidth=0.8, zorder=6)
        for number, row in enumerate(_best(routes).to_dict("records")):
            color, dash = COLORS[number % len(COLORS)], DASHES[number % len(DASHES)]
            line = shapes[(routes["route"] == row["route"]).to_numpy()]
            draw_lines(axes, line, color=color, linewidth=2.0, linestyle=dash, zorder=7)
            label = request_name(row["request"], row["profile"])[lang]
            if not row["is_feasible"]:
                label = say(lang, "report.beyond", name=label)
            handles.append(Line2D([], [], color=color, linestyle=dash, linewidth=2.0, label=label))
        points = found.shapes("access", "barriers")
        barriers = found.table("access", "barriers")
        if barriers is not None and len(points):
            points = points[barriers["route"].isin(_best(routes)["route"]).to_numpy()]
        if len(points):
            place = np.array([[point.x, point.y] for point in points])
            axes.plot(*place.T, marker="X", linestyle="", color="#1f2933", markersize=5, zorder=9)
            handles.append(Line2D([], [], marker="X", linestyle="", color="#1f2933", label=say(lang, "report.barrier")))
        seal(axes, lang, handles)
        return picture(figure, "access-routes", say(lang, "report.route_map"))


def _route_table(lang: Lang, routes: pd.DataFrame) -> Table:
    keys = ("request", "departure", "duration", "length", "steep", "worst_step", "wet_depth", "within", "binding")
    rows = []
    # the first of each departure; alternatives are on the map
    shown = routes[routes["rank"] == 0].head(MOST_ROWS)
    for row in shown.to_dict("records"):
        binding = row["binding"] if lang == "ja" else row["binding_en"]
        rows.append(
            (
                request_name(row["request"], row["profile"])[lang],
                clock_text(lang, row["departure_s"]),
                f"{row['time_s'] / 60:,.1f}",
                f"{row['length_m']:,.0f}",
                f"{row['steep_m']:,.0f}",
                f"{row['worst_step_m'] * 100:,.0f}",
                f"{row['wet_depth_m']:,.2f}",
                say(lang, "report.yes" if row["is_feasible"] else "report.no"),
                str(binding or "–"),
            )
        )
    head = tuple(say(lang, f"report.{key}") for key in keys)
    beyond = frozenset(k for k, is_feasible in enumerate(shown["is_feasible"]) if not is_feasible)
    widths = (2.4, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 3.6)
    return Table(head, rows, frozenset(range(1, 7)), widths, say(lang, "report.route_table"), beyond)


def _barrier_table(lang: Lang, routes: pd.DataFrame, barriers: pd.DataFrame) -> Table:
    names = {row["route"]: request_name(row["request"], row["profile"])[lang] for row in routes.to_dict("records")}
    text = "text_ja" if lang == "ja" else "text_en"
    asked = barriers["route"].map(lambda route: names.get(route, str(route)))
    rows = []
    for (name, _), mine in barriers.groupby([asked, barriers["kind"].astype(str)], sort=False):
        beyond = (mine["value"] - mine["limit"]).abs().fillna(0.0).to_numpy()
        worst = mine[text].iloc[int(beyond.argmax())]
        rows.append((str(name), str(worst), f"{mine['feature'].nunique():,}"))
    head = (say(lang, "report.request"), say(lang, "report.worst_barrier"), say(lang, "report.places"))
    return Table(head, rows[:MOST_ROWS], frozenset({2}), (1.5, 2.2, 0.6), say(lang, "report.barrier_table"))


def _departure_tables(lang: Lang, departures: pd.DataFrame) -> Iterator[Block]:
    for (request, profile), rows in departures.groupby(["request", "profile"], sort=False):
        name = request_name(request, profile)[lang]
        ordered = rows.sort_values("departure_s")
        last = ordered[ordered["is_last_safe"].astype(bool)]
        if len(last):
            time = clock_text(lang, float(last["departure_s"].iloc[-1]), at_latest=True)
            yield Paragraph(say(lang, "report.last_safe", name=name, time=time))
        elif not ordered["is_reachable"].astype(bool).any():
            yield Paragraph(say(lang, "report.never_reachable", name=name))
        body, strong = [], set()
        for number, row in enumerate(ordered.head(MOST_ROWS).to_dict("records")):
            reached = bool(row["is_reachable"])
            if row["is_last_safe"]:
                strong.add(number)
            body.append(
                (
                    clock_text(lang, row["departure_s"], at_latest=bool(row["is_last_safe"])),
                    say(lang, "report.yes" if reached else "report.no"),
                    f"{row['time_s'] / 60:,.1f}" if reached else "–",
                    clock_text(lang, row["arrival_s"]) if reached else "–",
                )
            )
        head = tuple(say(lang, f"report.{key}") for key in ("departure", "reachable", "duration", "arrival"))
        yield Table(head, body, frozenset({0, 2, 3}), caption=name, strong=frozenset(strong))


def _instructions(lang: Lang, routes: pd.DataFrame, instructions: pd.DataFrame) -> Iterator[Block]:
    yield Heading(2, say(lang, "report.instructions"))
    for row in _best(routes).to_dict("records"):
        steps = instructions[instructions["route"] == row["route"]].sort_values("number")
        if not len(steps):
            continue
        yield Heading(3, request_name(row["request"], row["profile"])[lang])
        texts = tuple(str(text) for text in steps["text_ja" if lang == "ja" else "text_en"])
        yield Steps(texts[:MOST_STEPS])
        if len(texts) > MOST_STEPS:
            yield Paragraph(say(lang, "report.more_steps", count=len(texts) - MOST_STEPS), is_note=True)


def _reach_maps(found: Findings) -> Iterator[Block]:
    """Where one gets to in how many minutes."""
    from matplotlib.lines import Line2D

    lang, table = found.lang, found.table("access", "reach")
    if table is None or not len(table):
        return
    shapes = found.shapes("access", "reach")
    yield Heading(2, say(lang, "report.reach"))
    minutes = table["time_s"].to_numpy(dtype=np.float64) / 60.0
    band = np.searchsorted(REACH_MINUTES, minutes, side="right")
    asked = table["request"].astype(str) + "/" + table["profile"].astype(str)
    for number, (_, rows) in enumerate(table.groupby(asked, sort=False)):
        mine = table.index.isin(rows.index)
        name = request_name(rows["request"].iloc[0], rows["profile"].iloc[0])[lang]
        with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
            base_map(axes, found)
            handles = []
            for k, color in enumerate(REACH_COLORS):
                here = mine & (band == k)
                if here.any():
                    draw_lines(axes, shapes[here], color=color, linewidth=2.2 - 0.25 * k, zorder=6)
                    bound = REACH_MINUTES[min(k, len(REACH_MINUTES) - 1)]
                    key = "report.minutes" if k < len(REACH_MINUTES) else "report.minutes_over"
                    handles.append(Line2D([], [], color=color, linewidth=2.5, label=say(lang, key, minutes=bound)))
            seal(axes, lang, handles)
            yield picture(figure, f"access-reach-{number + 1}", say(lang, "report.reach_map", name=name))


def _repairs(found: Findings) -> Iterator[Block]:
    lang, table = found.lang, found.table("access", "repairs")
    if table is None or not len(table):
        return
    yield Heading(2, say(lang, "report.repairs"))
    best = table.sort_values("gained", ascending=False, kind="stable").head(10)
    text = "text_ja" if lang == "ja" else "text_en"
    rows = [(str(row[text]), f"{row['gained']:,.0f}") for row in best.to_dict("records")]
    head = (say(lang, "report.link"), say(lang, "report.gained"))
    yield Table(head, rows, frozenset({1}), (4.0, 1.0), say(lang, "report.repairs_note"))
