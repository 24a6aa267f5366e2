"""The report of a scenario: put together from its stages, written as Markdown and PDF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.export import written
from twin.errors import StoreError
from viewer.api.charts import charts_document
from viewer.api.group import group_of
from viewer.dash.words import stage_name, title_of
from viewer.document.access import access_chapter
from viewer.document.airspace import airspace_chapter
from viewer.document.blocks import Block, Document, Heading, Paragraph
from viewer.document.curves import curve_picture
from viewer.document.ensemble import ensemble_chapter
from viewer.document.evacuation import evacuation_chapter
from viewer.document.findings import Findings
from viewer.document.flood import flood_chapter
from viewer.document.markdown import write_markdown
from viewer.document.overview import limits, sources, stage_figures, stage_table, the_scenario
from viewer.document.pdf import write_pdf
from viewer.strings import say

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from sim.service import Service
    from viewer.strings import Lang

__all__ = ["report_document", "write_report"]

CHAPTERS: dict[str, Callable[[Findings], Iterator[Block]]] = {
    "flood": flood_chapter,
    "evacuation": evacuation_chapter,
    "access": access_chapter,
    "airspace": airspace_chapter,
    "ensemble": ensemble_chapter,
}
"""What is said about a finished stage beyond its figures and curves."""
DRAWN_AS_TABLE = ("evacuation.shelters",)
"""Charts that stand in their chapter in another form."""


def report_document(service: Service, key: str, lang: Lang) -> Document:
    """The report of the scenario that a run belongs to.

    Parameters
    ----------
    service : Service
    key : str
        Of any stage's run; a unique beginning is enough.
    lang : {"ja", "en"}

    Raises
    ------
    StoreError
        If there is no such run, or no stage of its scenario is finished.
    """
    found = Findings(lang, group_of(service, service.open_run(key).key))
    if not found.runs:
        raise StoreError("no stage of the scenario is finished", where=f"run {key}", remedy="Run it: `osaka-twin run`.")
    title = title_of(lang, found.scenario.get("title", {}), str(found.scenario["name"]))
    stages = "・".join if lang == "ja" else ", ".join
    subtitle = say(lang, "report.subtitle", stages=stages(stage_name(lang, name) for name in found.group.members))
    return Document(lang, say(lang, "report.title", title=title), subtitle, tuple(_blocks(found)))


def write_report(service: Service, key: str, to: Path, lang: Lang, *, overwrite: bool = False) -> tuple[Path, Path]:
    """Write ``report.md`` with its pictures, and ``report.pdf``, into a folder.

    Returns
    -------
    tuple of Path
        The two files.

    Raises
    ------
    StoreError
        If nothing can be reported, or the files are there and may not be replaced, or the folder cannot be written.
    """
    document = report_document(service, key, lang)
    text, sheet = to / "report.md", to / "report.pdf"
    with written(text, overwrite=overwrite) as text_draft, written(sheet, overwrite=overwrite) as sheet_draft:
        write_pdf(document, sheet_draft)
        write_markdown(document, text_draft)
    return text, sheet


def _blocks(found: Findings) -> Iterator[Block]:
    lang = found.lang
    yield from the_scenario(found)
    yield Heading(2, say(lang, "report.results"))
    yield stage_table(found)
    for stage in found.group.members:
        figures = tuple(stage_figures(found, stage)) if stage in found.runs else ()
        if figures:
            yield Heading(3, stage_name(lang, stage))
            yield from figures
    charts = charts_document(found.group)["charts"]
    for stage in found.group.members:
        yield Heading(1, stage_name(lang, stage))
        if stage not in found.runs:
            yield from stage_figures(found, stage)
            continue
        mine = [chart for chart in charts if chart["stage"] == stage and chart["id"] not in DRAWN_AS_TABLE]
        if stage in CHAPTERS:
            yield from CHAPTERS[stage](found)
        if mine:
            yield Heading(2, say(lang, "report.curves"))
            for chart in mine:
                yield curve_picture(lang, chart)
        elif stage not in CHAPTERS:
            yield Paragraph(say(lang, "report.no_chapter"), is_note=True)
    yield from sources(found)
    yield from limits(found)
