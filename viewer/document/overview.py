"""The first pages: the scenario, its stages with their cost, the main figures; the last: sources and limits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from layers.catalog import read_catalog
from sim.registry import simulator
from sim.scenario import sections, validate_scenario
from viewer.api.answer import named_source
from viewer.dash.words import stage_name
from viewer.document.blocks import Block, Heading, Paragraph, Table
from viewer.document.quantity import memory_text, rows_of
from viewer.fields import fields_of, shown_value
from viewer.strings import say, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from viewer.api.group import Member
    from viewer.document.findings import Findings
    from viewer.strings import Lang

__all__ = ["limits", "sources", "stage_figures", "stage_table", "the_scenario"]


def the_scenario(found: Findings) -> Iterator[Block]:
    """What was assumed."""
    lang, scenario = found.lang, found.scenario
    west, south, east, north = found.bounds
    area = scenario["area"]
    start = scenario.get("start")
    yield Heading(2, say(lang, "report.scenario"))
    rows = [
        (say(lang, "report.scenario_name"), str(scenario["name"])),
        (say(lang, "report.extent"), say(lang, "report.area_size", width=f"{east - west:,.0f}",
                                       height=f"{north - south:,.0f}", crs=area.get("crs", ""))),
        (say(lang, "report.cell"), f"{float(area['cell_size']):g} m"),
        (say(lang, "report.start"), str(start).replace("T", " ") if start else "–"),
        (say(lang, "report.seed"), str(scenario.get("seed", 0))),
    ]  # fmt: skip
    rows += [
        (f"{stage_name(lang, one.stage)}: {one.label(lang)}", shown_value(lang, one, value))
        for one in fields_of(dict(scenario))
        if (value := one.get(scenario)) is not None
    ]
    yield Table((say(lang, "report.item"), say(lang, "report.value")), rows, widths=(1.0, 1.2))


def stage_table(found: Findings) -> Table:
    """A row a stage: status, size, time, memory."""
    lang = found.lang
    rows = [_stage_row(lang, one) for one in found.group.members.values()]
    keys = ("stage", "state", "size", "outputs", "wall", "memory")
    head = tuple(say(lang, f"report.{key}") for key in keys)
    return Table(head, rows, frozenset({3, 4, 5}), (1.4, 1.0, 1.8, 0.9, 1.2, 1.2), say(lang, "report.stage_table"))


def _stage_row(lang: Lang, one: Member) -> tuple[str, ...]:
    manifest = one.manifest
    memory = manifest.get("peak_memory_bytes")
    wall = manifest.get("wall_s")
    return (
        stage_name(lang, one.stage),
        say(lang, f"status.{one.status}"),
        _size(lang, one),
        f"{one.outputs_done:,}",
        "–" if wall is None else f"{float(wall):,.1f} s",
        "–" if memory is None else memory_text(float(memory)),
    )


def _size(lang: Lang, one: Member) -> str:
    """Cells of a flood, people of an evacuation, flights, routes: what the work was about."""
    summary = one.manifest.get("summary", {})
    for figure, key in (
        ("people_count", "report.size_people"), ("journeys_count", "report.size_requests"),
        ("flights_count", "report.size_flights"), ("members_count", "report.size_members"),
    ):  # fmt: skip
        if figure in summary:
            return say(lang, key, count=f"{summary[figure]:,.0f}")
    grid = one.manifest.get("grid")
    if one.stage == "flood" and grid:
        ny, nx = grid["shape"]
        return say(lang, "report.size_cells", nx=f"{nx:,}", ny=f"{ny:,}")
    return "–"


def stage_figures(found: Findings, stage: str) -> Iterator[Block]:
    """What came out of a stage, as figures; or why nothing did."""
    lang, one = found.lang, found.group.members[stage]
    if stage not in found.runs:
        reason = str(one.manifest.get("reason", ""))
        yield Paragraph(say(lang, "report.not_done", status=say(lang, f"status.{one.status}"), reason=reason))
        return
    rows = list(rows_of(lang, stage, one.manifest.get("summary", {})))
    if rows:
        head = (say(lang, "report.figure_name"), say(lang, "report.value"))
        yield Table(head, rows, frozenset({1}), (2.0, 1.0), say(lang, "report.main_figures"))


def sources(found: Findings) -> Iterator[Block]:
    """The layers that were used: source, licence, date."""
    lang, scenario = found.lang, found.scenario
    yield Heading(1, say(lang, "report.sources"))
    if "city" not in scenario:
        yield Paragraph(say(lang, "report.no_city"))
        return
    folder = Path(found.manifest(found.last)["folder"])
    layers = read_catalog(folder / scenario["city"]).layers
    checked = validate_scenario(scenario, where=str(scenario["name"]))
    used = {layer for name, section in sections(checked) for layer in simulator(name).needs(section)}
    used |= set(found.manifest(found.last).get("layers", ()))
    rows = [
        (entry.name.get(lang) or layer_id, named_source(entry.source or entry.uri), entry.licence or "–", entry.date)
        for layer_id, entry in layers.items()
        if layer_id in used
    ]
    head = tuple(say(lang, f"report.{key}") for key in ("layer", "source", "licence", "date"))
    yield Table(head, rows, widths=(1.3, 2.2, 1.8, 0.9))
    keys = ", ".join(f"{stage_name(lang, name)} {one.run.key[:12]}" for name, one in found.group.members.items())
    versions = found.manifest(found.last).get("versions", {})
    made = ", ".join(f"{name} {value}" for name, value in versions.items())
    yield Paragraph(say(lang, "report.keys", keys=keys, versions=made), is_note=True)


def limits(found: Findings) -> Iterator[Block]:
    """What the figures do not say."""
    lang = found.lang
    yield Heading(1, say(lang, "report.limits"))
    yield Paragraph(say(lang, "report.limits_all"))
    for stage in found.group.members:
        told = (f"limits.{stage}_{_scheme(found, stage)}", f"limits.{stage}")
        texts = [table(lang)[key] for key in told if key in table(lang)]
        if texts:
            yield Heading(3, stage_name(lang, stage))
            yield from (Paragraph(text) for text in texts)


def _scheme(found: Findings, stage: str) -> str:
    """The scheme that a stage was computed with, empty where its section names none."""
    return str((found.manifest(stage)["scenario"].get(stage) or {}).get("scheme", ""))
