"""The chapter on the evacuation."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.document.blocks import Block, Heading, Paragraph, Picture, Table
from viewer.document.drawing import drawing, picture
from viewer.document.maps import MAP_WIDTH, base_map, draw_depth, draw_lines, map_height, seal
from viewer.document.quantity import clock_text
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray

    from viewer.document.findings import Findings
    from viewer.strings import Lang

__all__ = ["evacuation_chapter"]

STRANDED, DEAD = 3, 4
"""``state_agent`` of those who need help."""
MOST_CAUSES = 12


def evacuation_chapter(found: Findings) -> Iterator[Block]:
    """Shelters, who is stranded and where, closed streets."""
    lang = found.lang
    shelters = found.table("evacuation", "shelters")
    if shelters is not None and len(shelters):
        yield Heading(2, say(lang, "report.shelters"))
        yield _shelter_bars(lang, shelters)
        yield _shelter_table(lang, shelters)
    yield Heading(2, say(lang, "report.stranded_map"))
    yield _stranded_map(found)
    agents = found.table("evacuation", "agents")
    if agents is not None:
        yield from _causes(lang, agents)
    links = found.table("evacuation", "links")
    if links is not None:
        yield from _closures(found, links)


def _shelter_bars(lang: Lang, table: pd.DataFrame) -> Picture:
    rows = table.sort_values("load", ascending=True).tail(30)
    capacity = rows["capacity"].to_numpy(dtype=np.float64)
    load = rows["load"].to_numpy(dtype=np.float64)
    place = np.arange(len(rows))
    with drawing(17.0, 2.5 + 0.55 * len(rows)) as (figure, axes):
        room = np.where(np.isfinite(capacity), capacity, 0.0)
        axes.barh(place, room, color="white", edgecolor="#1f2933", linewidth=0.7, label=say(lang, "report.capacity"))
        axes.barh(place, load, height=0.55, color="#52606d", label=say(lang, "report.load"))
        full = np.isfinite(capacity) & (load >= capacity)
        for row in np.flatnonzero(full):
            axes.annotate(say(lang, "report.full"), (load[row], row), xytext=(3, 0), textcoords="offset points",
                          va="center", fontsize=7)  # fmt: skip
        axes.set_yticks(place, rows["name"].astype(str))
        axes.set_xlabel(say(lang, "report.persons"))
        axes.margins(x=0.08, y=0.01)
        figure.legend(loc="outside lower center", ncols=2)
        return picture(figure, "evacuation-shelters-load", say(lang, "report.shelter_bars"))


def _shelter_table(lang: Lang, table: pd.DataFrame) -> Table:
    head = tuple(
        say(lang, key)
        for key in (
            "report.name", "report.kind", "report.capacity", "report.load", "report.full_at", "report.flooded_at",
        )
    )  # fmt: skip
    rows = []
    for row in table.sort_values("load", ascending=False).to_dict("records"):
        capacity = float(row["capacity"])
        rows.append(
            (
                str(row["name"]),
                str(row["kind"]),
                f"{capacity:,.0f}" if np.isfinite(capacity) else "–",
                f"{float(row['load']):,.0f}",
                clock_text(lang, float(row["full_s"])),
                clock_text(lang, float(row["flooded_s"])),
            )
        )
    full = frozenset(number for number, row in enumerate(rows) if row[4] != "–")
    return Table(head, rows, frozenset({2, 3, 4, 5}), (3.0, 1.6, 1.0, 1.0, 1.0, 1.0), strong=full)


def _stranded_map(found: Findings) -> Picture:
    """Where those are who need help at the end, on the depths and the streets that closed."""
    from matplotlib.lines import Line2D

    lang = found.lang
    west, south, _, _ = found.bounds
    fields = found.runs["evacuation"].fields()
    state = fields["state_agent"][-1].to_numpy()
    x = fields["x_agent"][-1].to_numpy() + west
    y = fields["y_agent"][-1].to_numpy() + south
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found)
        handles: list[Any] = []
        if found.flooding is not None:
            handles += draw_depth(axes, found, found.flooding, alpha=0.55)
        closed = _is_closed(found)
        if closed.any():
            draw_lines(axes, found.streets[closed], color="#7f0000", linewidth=1.2, linestyle=(0, (2, 1)), zorder=6)
            handles.append(Line2D([], [], color="#7f0000", linestyle=(0, (2, 1)), label=say(lang, "report.closed")))
        for code, marker, color, key in (
            (STRANDED, "o", "#e69f00", "report.stranded"), (DEAD, "X", "#000000", "report.dead"),
        ):  # fmt: skip
            here = state == code
            if here.any():
                style: dict[str, Any] = {"marker": marker, "linestyle": "", "markersize": 3.2, "markerfacecolor": color}
                axes.plot(x[here], y[here], markeredgecolor="#1f2933", markeredgewidth=0.4, zorder=9, **style)
                label = f"{say(lang, key)}: {int(here.sum()):,}"
                handles.append(Line2D([], [], markeredgecolor="#1f2933", label=label, **style))
        shapes = found.shapes("evacuation", "shelters")
        if len(shapes):
            place = np.array([[point.x, point.y] for point in shapes])
            axes.plot(*place.T, marker="s", linestyle="", color="#1e8e5a", markersize=4, zorder=8)
            handles.append(Line2D([], [], marker="s", linestyle="", color="#1e8e5a", label=say(lang, "report.shelter")))
        seal(axes, lang, handles)
        return picture(figure, "evacuation-stranded", say(lang, "report.stranded_map"))


def _is_closed(found: Findings) -> NDArray[np.bool_]:
    links = found.table("evacuation", "links")
    if links is None:
        return np.zeros(0, dtype=bool)
    return np.asarray(np.isfinite(links["closed_s"].to_numpy(dtype=np.float64)))


def _causes(lang: Lang, agents: pd.DataFrame) -> Iterator[Block]:
    """How many were kept from safety by what, by group of people."""
    kept = agents[agents["state"].isin([STRANDED, DEAD])]
    if not len(kept):
        yield Paragraph(say(lang, "report.nobody_stranded"))
    kept = kept[kept["cause"].astype(str) != ""]
    if not len(kept):
        return
    pairs = zip(kept["cause"].astype(str), kept["group"].astype(str), strict=True)
    rows = [
        (
            say(lang, f"cause.{cause}") if cause in CAUSES else cause,
            say(lang, f"group.{group}") if group in GROUPS else group,
            f"{count:,}",
        )
        for (cause, group), count in Counter(pairs).most_common(MOST_CAUSES)
    ]
    head = (say(lang, "report.cause"), say(lang, "report.group"), say(lang, "report.persons"))
    yield Table(head, rows, frozenset({2}), (2.0, 2.0, 1.0), say(lang, "report.causes"))


GROUPS = ("adult", "man", "woman", "child", "elderly", "elderly_man", "elderly_woman", "supported")
"""Groups of people with a word of their own."""
CAUSES = ("depth", "force", "island", "full")
"""Causes with a sentence of their own."""


def _closures(found: Findings, links: pd.DataFrame) -> Iterator[Block]:
    """Length of the streets that closed, by time."""
    lang = found.lang
    closed = links[np.isfinite(links["closed_s"].to_numpy(dtype=np.float64))]
    yield Heading(2, say(lang, "report.closures"))
    if not len(closed):
        yield Paragraph(say(lang, "report.no_closures"))
        return
    duration = float(found.manifest("evacuation")["times"][-1])
    step = max(900.0, float(np.ceil(duration / 8 / 900.0) * 900.0))
    time = closed["closed_s"].to_numpy(dtype=np.float64)
    length = closed["length_m"].to_numpy(dtype=np.float64)
    rows = []
    for until in np.arange(step, duration + step, step):
        gone = time <= until
        rows.append((clock_text(lang, float(until)), f"{int(gone.sum()):,}", f"{length[gone].sum():,.0f}"))
    head = (say(lang, "report.time"), say(lang, "report.links"), say(lang, "report.length"))
    yield Table(head, rows, frozenset({1, 2}), caption=say(lang, "report.closures_note"))
