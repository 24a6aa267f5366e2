"""What the coupling must know of a SWMM input file: its manholes, where they are, and how long it runs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from twin.errors import LayerError

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["FLOW_UNITS", "REPORT", "SwmmFile", "read_swmm_file", "reported_errors"]

FLOW_UNITS = {"CMS": 1.0, "LPS": 1e-3, "MLD": 1e3 / 86400.0}
"""Flow units of SWMM that go with metres, in m3/s."""

REPORT = "sewer.rpt"
"""File in which SWMM reports on a run."""

MOST_ERRORS = 3
"""Errors of a report that a message repeats: the first ones cause the others."""


@dataclass(frozen=True, slots=True)
class SwmmFile:
    """A SWMM model as its file describes it.

    Parameters
    ----------
    junctions : mapping of str to (x, y)
        Manholes with their coordinates, in the file's order.
    flow_unit : float
        Of its discharges [m3/s].
    duration : float
        [s].
    routing_step : float
        [s].
    """

    junctions: dict[str, tuple[float, float]]
    flow_unit: float
    duration: float
    routing_step: float


def read_swmm_file(path: Path) -> SwmmFile:
    """Read the parts of a ``.inp`` that the coupling needs.

    Raises
    ------
    LayerError
        If it is no SWMM file, is in feet, routes by another method, names files of its own, or lacks coordinates.
    """
    parts = _sections(path)
    if "JUNCTIONS" not in parts or "OPTIONS" not in parts:
        raise LayerError(
            "has no [JUNCTIONS] or no [OPTIONS]", where=str(path), remedy="Give an input file of EPA SWMM 5 (.inp)."
        )
    options = {words[0].upper(): words[1] for words in parts["OPTIONS"] if len(words) > 1}
    unit = options.get("FLOW_UNITS", "CFS").upper()
    if unit not in FLOW_UNITS:
        raise LayerError(
            f"FLOW_UNITS is {unit}, its lengths are feet", where=str(path), remedy=f"Use: {', '.join(FLOW_UNITS)}."
        )
    if options.get("FLOW_ROUTING", "").upper() not in {"DYNWAVE", "DW"}:
        raise LayerError(
            f"FLOW_ROUTING is {options.get('FLOW_ROUTING', 'not given')}", where=str(path),
            remedy="Surcharge needs DYNWAVE.",
        )  # fmt: skip
    if options.get("ALLOW_PONDING", "NO").upper() != "NO":
        raise LayerError(
            "ALLOW_PONDING is YES", where=str(path), remedy="Say NO: the flood keeps the water on the street."
        )
    # what the run's key does not see must not change its result
    named = [
        name for name, rows in parts.items() for words in rows
        if name == "FILES" or (name != "TITLE" and "FILE" in (word.upper() for word in words[1:]))
    ]  # fmt: skip
    if named:
        raise LayerError(
            f"[{named[0]}] names another file", where=str(path), remedy="Write its values into the input file."
        )
    points = {words[0]: words[1:3] for words in parts.get("COORDINATES", [])}
    try:
        junctions = {words[0]: (float(points[words[0]][0]), float(points[words[0]][1])) for words in parts["JUNCTIONS"]}
    except (KeyError, ValueError, IndexError) as error:
        raise LayerError(
            f"a junction has no place ({error})", where=f"{path}: [COORDINATES]",
            remedy="Give the name, x and y of every junction, in the area's frame [m].",
        ) from error  # fmt: skip
    try:
        start, end = (
            datetime.strptime(f"{options[f'{k}_DATE']} {options.get(f'{k}_TIME', '00:00:00')}", "%m/%d/%Y %H:%M:%S")
            for k in ("START", "END")
        )
        step = _seconds(options.get("ROUTING_STEP", "20"))
    except (KeyError, ValueError, IndexError) as error:
        raise LayerError(
            f"the start, the end or the routing step cannot be read ({error})", where=f"{path}: [OPTIONS]",
            remedy="Give START_DATE and END_DATE as MM/DD/YYYY, times as HH:MM:SS.",
        ) from error  # fmt: skip
    return SwmmFile(junctions, FLOW_UNITS[unit], (end - start).total_seconds(), step)


def reported_errors(report: Path) -> list[str]:
    """The first errors that SWMM's report names, each with the line of the input file that it is about."""
    if not report.is_file():
        return []
    lines = [line.strip() for line in report.read_text(encoding="utf-8", errors="replace").splitlines()]
    found = []
    for line, after in zip(lines, [*lines[1:], ""], strict=True):
        if line.startswith("ERROR"):
            found.append(f"{line} {after}" if line.endswith(":") else line)
    return found[:MOST_ERRORS]


def _sections(path: Path) -> dict[str, list[list[str]]]:
    """Words of each line, by section."""
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise LayerError(f"cannot be read ({error})", where=str(path), remedy="Check the path.") from error
    parts: dict[str, list[list[str]]] = {}
    now: list[list[str]] = []
    for line in text.splitlines():
        words = line.split(";")[0].split()
        if words and words[0].startswith("["):
            now = parts.setdefault(words[0].strip("[]").upper(), [])
        elif words:
            now.append(words)
    return parts


def _seconds(text: str) -> float:
    hours, _, rest = text.rpartition(":")
    total = 0.0
    for word in [*hours.split(":"), rest] if hours else [rest]:
        total = total * 60.0 + float(word)
    return total
