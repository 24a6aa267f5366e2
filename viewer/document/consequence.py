"""What the flood means, for its chapter: durations, dangers, people and buildings by class, damage, sections."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from viewer.document.blocks import Block, Heading, Paragraph, Picture, Table
from viewer.document.drawing import drawing, picture
from viewer.document.maps import MAP_WIDTH, base_map, draw_classes, draw_polygons, map_height, seal
from viewer.document.quantity import clock_text, figure_text
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from viewer.document.findings import Findings, Flooding
    from viewer.strings import Lang

__all__ = ["class_picture", "consequences", "depth_entries"]

MAPS = (
    ("duration", "duration_cell", "report.duration_map", "report.duration_note"),
    ("collapse", "collapse_cell", "report.collapse_map", "report.collapse_note"),
    ("vulnerability", "vulnerability_cell", "report.vulnerability_map", "report.vulnerability_note"),
)
"""Table of the exposure, map, title and note."""
COUNTED = ("depth", "duration", "collapse", "vulnerability")
"""Tables of the exposure that are printed."""


def consequences(found: Findings, flooding: Flooding) -> Iterator[Block]:
    """Maps of durations and dangers, tables of exposure, damage and sections; of a run that has them."""
    exposure = found.table("flood", "exposure")
    if exposure is None:
        return
    for name, stored, title, note in MAPS:
        ranks = exposure[exposure["table"] == name]
        yield Heading(2, say(found.lang, title))
        if not (ranks["area_ha"] > 0).any():
            yield Paragraph(_nothing(found.lang, name))
            continue
        yield class_picture(found, flooding, stored, ranks, title)
        yield Paragraph(say(found.lang, note, source=_source(found, name)), is_note=True)
    yield from _exposure(found, exposure)
    yield from _damage(found)
    yield from _sections(found)


def depth_entries(found: Findings) -> list[dict[str, Any]] | None:
    """Classes of depth as the run was evaluated with, for the map's legend; None where it does not say."""
    exposure = found.table("flood", "exposure")
    if exposure is None:
        return None
    ranks = exposure[exposure["table"] == "depth"]
    uppers = [*ranks["lower"].iloc[1:], None]
    return [
        {"upper": upper, "color": rank.color, "name": {"ja": rank.name_ja, "en": rank.name_en}}
        for upper, rank in zip(uppers, ranks.itertuples(), strict=True)
    ]


def class_picture(found: Findings, flooding: Flooding, stored: str, ranks: pd.DataFrame, title: str) -> Picture:
    """A map in the classes of its table, with those that occur in the legend."""
    from matplotlib.patches import Patch

    values = found.runs["flood"].map(stored).astype(np.float64)
    values = np.where(flooding.is_water | ~(values > 0), np.nan, values)
    lower, colors = ranks["lower"].to_numpy(dtype=np.float64), ranks["color"].tolist()
    # a class holds its lower bound: the table of numbers 1, 2, 3 as well as bounds in seconds
    edges = [*np.nextafter(lower, -np.inf), 1e12]
    shown = ranks[ranks["area_ha"] > 0]
    with drawing(MAP_WIDTH, map_height(found)) as (figure, axes):
        base_map(axes, found)
        draw_classes(axes, flooding, values, colors, edges)
        draw_polygons(axes, found.buildings, facecolor="none", edgecolor="#7b8794", linewidth=0.25, zorder=5)
        patches = [Patch(facecolor=color, edgecolor="#52606d", linewidth=0.4, label=name)
                   for color, name in zip(shown["color"], shown[f"name_{found.lang}"], strict=True)]  # fmt: skip
        seal(axes, found.lang, patches)
        return picture(figure, f"flood-{stored.removesuffix('_cell')}", say(found.lang, title))


def _nothing(lang: Lang, name: str) -> str:
    return say(lang, "report.no_collapse") if name == "collapse" else "–"


def _source(found: Findings, name: str) -> str:
    """Where a table comes from: the official one, or the file that the scenario names."""
    from sim.flood.consequence.danger import read_danger
    from sim.flood.ranks import rank_tables

    given = found.scenario.get("flood", {}).get("evaluation", {})
    own = given.get("ranks" if name == "duration" else "danger")
    if own:
        return str(own)
    return {**rank_tables(), **read_danger().rank_tables()}[name].source


def _exposure(found: Findings, exposure: pd.DataFrame) -> Iterator[Block]:
    lang = found.lang
    yield Heading(2, say(lang, "report.exposure"))
    yield Paragraph(say(lang, "report.exposure_note"), is_note=True)
    names = {
        "depth": say(lang, "report.depth_map"), "duration": say(lang, "report.duration_map"),
        "collapse": say(lang, "report.collapse_map"), "vulnerability": say(lang, "report.vulnerability_map"),
    }  # fmt: skip
    has_people = bool(exposure["people"].notna().any())
    head = [say(lang, "report.class"), say(lang, "report.area")]
    head += [say(lang, "report.persons")] if has_people else []
    head += [say(lang, "report.buildings"), say(lang, "report.floor_area")]
    for name in COUNTED:
        rows = []
        for rank in exposure[(exposure["table"] == name) & (exposure["area_ha"] > 0)].to_dict("records"):
            people = [f"{rank['people']:,.0f}"] if has_people else []
            area = figure_text(lang, "area_ha", rank["area_ha"])
            label, floor = str(rank[f"name_{lang}"]), f"{rank['floor_area_m2']:,.0f}"
            rows.append((label, area, *people, f"{rank['buildings']:,}", floor))
        if rows:
            widths = (2.0, *(1.0 for _ in head[1:]))
            caption = say(lang, "report.exposure_of", name=names[name])
            yield Table(tuple(head), rows, frozenset(range(1, len(head))), widths, caption)


def _damage(found: Findings) -> Iterator[Block]:
    lang, damage = found.lang, found.table("flood", "damage")
    if damage is None or not (damage["damage_jpy"] > 0).any():
        return
    from sim.flood.consequence.damage import read_damage

    error = float(found.manifest("flood")["summary"]["damage_depth_error_m"])
    sums = damage.groupby("asset", sort=False)[["value_jpy", "damage_jpy", "low_jpy", "high_jpy"]].sum()
    names = damage.groupby("asset", sort=False)[f"name_{lang}"].first()
    rows = [(str(name), *_money(lang, row)) for name, (_, row) in zip(names, sums.iterrows(), strict=True)]
    rows.append((say(lang, "report.total"), *_money(lang, sums.sum())))
    yield Heading(2, say(lang, "report.damage"))
    head = tuple(say(lang, f"report.{key}") for key in ("asset", "asset_value", "lost", "range"))
    yield Table(
        head, rows, frozenset({1, 2, 3}), (1.4, 1.2, 1.0, 1.6), say(lang, "report.damage_table"),
        frozenset({len(rows) - 1}),
    )  # fmt: skip
    own = found.scenario.get("flood", {}).get("evaluation", {}).get("damage")
    note = say(lang, "report.damage_note", source=own or read_damage().source, error=f"{error:g}")
    yield Paragraph(note, is_note=True)


def _money(lang: Lang, row: Any) -> tuple[str, str, str]:
    value, lost, low, high = (figure_text(lang, name, float(row[name])) for name in row.index)
    return value, lost, f"{low} – {high}"


def _sections(found: Findings) -> Iterator[Block]:
    lang, table = found.lang, found.table("flood", "sections")
    if table is None:
        return
    yield Heading(2, say(lang, "report.sections"))
    rows = [
        (
            str(row["section"]),
            figure_text(lang, "volume_m3", row["volume_m3"]),
            figure_text(lang, "peak_m3_s", row["peak_m3_s"]),
            clock_text(lang, row["peak_s"]),
        )
        for row in table.to_dict("records")
    ]
    head = tuple(say(lang, f"report.{key}") for key in ("section", "passed_volume", "largest_discharge", "time"))
    yield Table(head, rows, frozenset({1, 2, 3}), (1.6, 1.0, 1.0, 0.8))
    yield Paragraph(say(lang, "report.section_note"), is_note=True)
