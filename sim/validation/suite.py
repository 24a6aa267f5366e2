"""Runs published cases through the service and says how good they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.service import Service
from sim.validation.case import CASES, Bar, read_cases
from sim.validation.record import Record
from sim.validation.result import Result, read_results, write_results
from sim.validation.workshop import lay_out
from twin.errors import ScenarioError, StoreError, TwinError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from sim.validation.case import Case
    from sim.validation.page import Lang

__all__ = ["check_case", "choose_cases", "validate"]

VOLUME = "volume.error"
"""Figure that every case has: relative error of the volume."""
VOLUME_BAR = Bar(at_most=1e-6)


def choose_cases(names: Iterable[str] = (), *, quick: bool = False, folder: Path = CASES) -> list[Case]:
    """Cases by name; a file's name means all its variants, no name means all.

    Raises
    ------
    ScenarioError
        If a name means none, or a case file is wrong.
    """
    known, wanted = read_cases(folder), list(names)
    for name in wanted:
        if not any(_is_meant(case, name) for case in known):
            raise ScenarioError(f"there is no case {name!r}", where="--case", remedy=f"There is: {', '.join(known)}.")
    chosen = [case for name, case in known.items() if not wanted or any(_is_meant(name, one) for one in wanted)]
    return [case for case in chosen if case.cost == "quick"] if quick else chosen


def check_case(case: Case, published: Path, work: Path, service: Service) -> tuple[Result, Record]:
    """Run one case and measure it.

    Raises
    ------
    TwinError
        If it cannot be laid out or run.
    """
    scenario = lay_out(case, published / case.folder, work / case.name)
    key = service.run_scenario(scenario)[0]
    run = service.open_run(key)
    record = Record(run, published / case.folder)
    manifest = run.manifest()
    figures = {VOLUME: abs(float(manifest["budget"]["relative_error"]))}
    for name, measure in case.measures.items():
        figures |= {f"{name}.{figure}": float(value) for figure, value in measure.figures(record).items()}
    for figure in case.bars:
        if figure not in figures:
            raise ScenarioError(
                f"there is no figure {figure!r}", where=f"case {case.name}: bars", remedy=f"Use {', '.join(figures)}."
            )
    bars = {VOLUME: VOLUME_BAR, **case.bars}
    missed = {figure: str(bar) for figure, bar in bars.items() if not bar.is_met(figures[figure])}
    result = Result(
        case.name, case.scheme, key, figures, missed, "", record.grid.size, int(manifest["steps"]),
        float(manifest["solve_s"]),
    )  # fmt: skip
    return result, record


def validate(
    published: Path,
    *,
    names: Iterable[str] = (),
    quick: bool = False,
    work: Path,
    page: Path | None = None,
    lang: Lang = "en",
    progress: Callable[[float, str], None] = lambda _part, _case: None,
) -> list[Result]:
    """Run cases, and write the page about them.

    Parameters
    ----------
    published : Path
        Folder of the published cases, a folder each.
    names : iterable of str
        Cases or files of cases; all by default.
    quick : bool
        Only those that take seconds.
    work : Path
        Scenarios and their inputs are written here, and the runs (``runs/``): what has been computed is not again.
    page : Path, optional
        Markdown page to write; figures of all cases beside it as JSON (those of cases that are not asked for stay),
        drawings in ``images/<page>/``.
    lang : {"en", "ja"}
        Of the page's own words; a case's title and notes are as in its file.
    progress : callable
        Told the share of the cases that are done and the name of the next one.

    Returns
    -------
    list of Result
        A case that cannot be run has a reason in place of figures.

    Raises
    ------
    ScenarioError
        If the folder is missing, a name means no case, or a case file is wrong.
    StoreError
        If `page` is something else, or the figures of an earlier one cannot be read.
    """
    if not published.is_dir():
        raise ScenarioError(
            f"there is no folder {published}", where="--cases", remedy="Name the folder that holds a folder a case."
        )
    cases = choose_cases(names, quick=quick)
    known = {} if page is None else _known_results(page)
    service = Service(work / "runs")
    results = []
    for number, case in enumerate(cases):
        progress(number / len(cases), case.name)
        try:
            result, record = check_case(case, published, work, service)
            if page is not None:
                _draw(case, record, page)
        except TwinError as error:
            result = Result(case.name, case.scheme, reason=str(error))
        results.append(result)
    if page is not None:
        from sim.validation.page import write_page

        known |= {result.case: result for result in results}
        shown = [(case, known[case.name]) for case in choose_cases() if case.name in known]
        write_results(page.with_suffix(".json"), [result for _, result in shown])
        write_page(page, shown, lang)
    return results


def _known_results(page: Path) -> dict[str, Result]:
    """Results of an earlier page."""
    record = page.with_suffix(".json")
    if page.suffix != ".md" or (page.exists() and not record.is_file()):
        raise StoreError(
            "is no page of an earlier validation" if page.exists() else "is no Markdown page",
            where=str(page),
            remedy="Give a new file that ends in .md, or the page of an earlier validation.",
        )
    return read_results(record)


def _draw(case: Case, record: Record, page: Path) -> None:
    from sim.validation.drawing import draw_panels

    panels = [panel for measure in case.measures.values() for panel in measure.panels(record)]
    if panels:
        draw_panels(panels, page.parent / "images" / page.stem / f"{case.name}.png")


def _is_meant(case: str, name: str) -> bool:
    return case == name or case.startswith(f"{name}-")
