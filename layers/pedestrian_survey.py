"""What a surveyed link says, as intervals and codes: classes and measured figures brought together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from layers.pedestrian import Column
from layers.pedestrian_cells import day_mask, second_of_day
from twin.errors import LayerError
from twin.network import LinkKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from layers.pedestrian_cells import Cells
    from layers.pedestrian_tables import Generation

__all__ = ["WidthUnit", "require_columns", "survey_columns"]

WidthUnit = Literal["m", "dm"]
"""Unit of ``w_min``: metres with one decimal, or tenths of a metre."""

_HALF = 0.5
"""A slope in whole per cent is known to half of one, a step in whole centimetres as well."""
_TENTH = 0.1
"""A width to a tenth of a metre may be cut off or rounded: the truth is at most this much more."""
_AGREEMENT = 0.9
"""Share of links whose class and measured width must agree in a unit, for the unit to be taken."""


def survey_columns(
    cells: Cells, generation: Generation, *, width_unit: WidthUnit | None, notes: list[str], where: str
) -> dict[str, Column]:
    """Attributes of every link by the names of :data:`layers.pedestrian.ATTRIBUTES`, in the direction of its line.

    Parameters
    ----------
    cells : Cells
        The links as text.
    generation : Generation
        Columns and codes.
    width_unit : str, optional
        Unit of the measured width; by default the one in which it agrees with the class of width.
    notes : list of str
        What could not be read or contradicts itself is added to it.
    where : str

    Raises
    ------
    LayerError
        If a column of the generation that a network cannot do without is missing.
    """
    require_columns(cells, generation, where)
    _note_codes(cells, generation, notes)
    kind = _kinds(cells, generation)
    columns = {**kind, **_plain_codes(cells, generation)}
    is_elevator = kind["kind"].values == LinkKind.ELEVATOR
    width = _width(cells, generation, width_unit, notes)
    for name, column in width.items():
        columns[name] = column._replace(known=column.known & ~is_elevator)
    door = width["width"]
    columns["door_width"] = door._replace(known=door.known & is_elevator)
    for name, column in {**_slope(cells, generation, notes), **_step(cells, generation, notes)}.items():
        columns[name] = column._replace(known=column.known & ~is_elevator)
    return {**columns, **_figures(cells, generation, notes), **_hours(cells, generation, notes)}


def require_columns(cells: Cells, generation: Generation, where: str) -> None:
    """Raise LayerError if the columns of ids are not all there."""
    missing = [generation.columns[name] for name in ("id", "start", "end") if generation.columns[name] not in cells]
    if missing:
        raise LayerError(f"has no column {missing[0]}", where=where, remedy=f"It has: {', '.join(cells.names)}.")


def _note_codes(cells: Cells, generation: Generation, notes: list[str]) -> None:
    """Say which codes stand in no table: they are unknown, and may mean that the file is of another generation."""
    c = generation.columns
    tables: list[tuple[str | None, set[str]]] = [
        (c.get("structure"), {*generation.structure, *generation.route, *generation.route_none}),
        (c.get("route"), {*generation.route, *generation.route_none}),
        (c.get("direction"), set(generation.direction)),
        (c.get("width"), set(generation.width)),
        (c.get("slope"), set(generation.slope)),
        (c.get("step"), set(generation.step)),
        *((code.column, set(code.codes)) for code in generation.codes.values() if not code.ignore),
    ]
    for column, codes in tables:
        strange = cells.unread(column, {*codes, *generation.unknown}) if column else {}
        if strange:
            listed = ", ".join(f"{text!r} ({count})" for text, count in list(strange.items())[:5])
            notes.append(f"{column}: {listed} stand for nothing in the specification and are unknown")


def _kinds(cells: Cells, generation: Generation) -> dict[str, Column]:
    """Kind from the route's type, else from its structure."""
    c = generation.columns
    other = LinkKind.OTHER
    structures = {code: LinkKind[name] for code, name in generation.structure.items()}
    routes = {code: LinkKind[name] for code, name in generation.route.items()}
    structure, has_structure = cells.codes(c.get("structure"), structures, dtype="int8", blank=other)
    route, has_route = cells.codes(c.get("route"), routes, dtype="int8", blank=other)
    is_plain = np.isin(cells.get(c.get("route")).astype(str), generation.route_none)
    source = f"{c.get('route')}, {c.get('structure')}"
    return {
        "kind": Column(np.where(has_route, route, structure), has_route | (is_plain & has_structure), source),
        "structure": Column(structure, has_structure, _source(cells, c.get("structure"))),
    }


def _plain_codes(cells: Cells, generation: Generation) -> dict[str, Column]:
    out = {}
    for name, code in generation.codes.items():
        values, known = cells.codes(code.column, code.codes, dtype="int8", blank=-1)
        out[name] = Column(values, known, _source(cells, code.column))
    return out


def _source(cells: Cells, *columns: str | None) -> str:
    return ", ".join(c for c in columns if c is not None and c in cells) or "not surveyed"


def _classes(
    cells: Cells, column: str | None, classes: Mapping[str, tuple[float, float]], unknown: tuple[float, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.bool_]]:
    least, known = cells.codes(column, {k: v[0] for k, v in classes.items()}, dtype="float64", blank=unknown[0])
    most, _ = cells.codes(column, {k: v[1] for k, v in classes.items()}, dtype="float64", blank=unknown[1])
    return least, most, known


def _joined(
    by_class: tuple[NDArray[np.float64], NDArray[np.float64]],
    measured: tuple[NDArray[np.float64], NDArray[np.float64]],
    is_measured: NDArray[np.bool_],
    what: str,
    notes: list[str],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What class and figure say together; where they contradict each other, all that either allows."""
    least = np.where(is_measured, np.maximum(by_class[0], measured[0]), by_class[0])
    most = np.where(is_measured, np.minimum(by_class[1], measured[1]), by_class[1])
    apart = is_measured & (least > most + 1e-9)
    if apart.any():
        notes.append(f"{what} contradict each other on {int(apart.sum())} links: both are allowed for")
        least = np.where(apart, np.minimum(by_class[0], measured[0]), least)
        most = np.where(apart, np.maximum(by_class[1], measured[1]), most)
    return least, np.maximum(least, most)


def _width(cells: Cells, generation: Generation, unit: WidthUnit | None, notes: list[str]) -> dict[str, Column]:
    c = generation.columns
    column, figure = c.get("width"), c.get("width_measured")
    least, most, has_class = _classes(cells, column, generation.width, (0.0, np.inf))
    given = cells.numbers(figure, generation.unknown)
    has_figure = np.isfinite(given) & (given > 0)
    if has_figure.any():
        chosen = unit or _width_unit(given, least, most, has_class & has_figure)
        if chosen is None:
            notes.append(
                f"{figure} is left unread: it fits {column} neither in metres nor in tenths of one; say which in "
                "`options: {width_unit: m}` or `{width_unit: dm}`"
            )
            has_figure[:] = False
        metres = given / (10.0 if chosen == "dm" else 1.0)
        least, most = _joined((least, most), (metres, metres + _TENTH), has_figure, f"{column} and {figure}", notes)
    known, source = has_class | has_figure, _source(cells, figure, column)
    return {"width": Column(least, known, source), "width_most": Column(most, known, source)}


def _width_unit(
    given: NDArray[np.float64], least: NDArray[np.float64], most: NDArray[np.float64], both: NDArray[np.bool_]
) -> WidthUnit | None:
    """The unit in which figures agree with classes; None where both or none do."""
    if not both.any():
        return None
    fits: list[WidthUnit] = []
    units: tuple[tuple[WidthUnit, float], ...] = (("m", 1.0), ("dm", 10.0))
    for unit, parts in units:
        metres = given[both] / parts
        agree = (metres >= least[both] - _TENTH / 2) & (metres <= most[both] + _TENTH / 2)
        if agree.mean() >= _AGREEMENT:
            fits.append(unit)
    return fits[0] if len(fits) == 1 else None


def _slope(cells: Cells, generation: Generation, notes: list[str]) -> dict[str, Column]:
    """Steepness by class and figure, then signed: by the class, or by a minus sign of the figure."""
    c = generation.columns
    column, figure = c.get("slope"), c.get("slope_measured")
    least, most, has_class = _classes(cells, column, generation.slope, (-np.inf, np.inf))
    given = cells.numbers(figure, generation.unknown)
    has_figure, percent = np.isfinite(given), np.abs(given)
    steep = percent / 100.0
    is_up = has_class & (least >= 0) & (most > 0)
    is_down = (has_class & (most <= 0) & (least < 0)) | (~has_class & (given < 0))
    by_class = (
        np.where(is_up, least, np.where(has_class & is_down, -most, 0.0)),
        np.maximum(np.abs(least), np.abs(most)),
    )
    by_figure = np.maximum(percent - _HALF, 0.0) / 100.0, (percent + _HALF) / 100.0
    low, high = _joined(by_class, by_figure, has_figure, f"{column} and {figure}", notes)
    known, source = has_class | has_figure, _source(cells, figure, column)
    is_level = known & (high == 0) | (has_figure & (steep == 0))
    return {
        "slope": Column(
            np.where(is_level, 0.0, np.where(is_down, -steep, steep)),
            is_level | (has_figure & (is_up | is_down)),
            source,
        ),
        "slope_least": Column(np.where(is_up, low, -high), known, source),
        "slope_most": Column(np.where(is_down, -low, high), known, source),
    }


def _step(cells: Cells, generation: Generation, notes: list[str]) -> dict[str, Column]:
    c = generation.columns
    column, figure = c.get("step"), c.get("step_measured")
    least, most, has_class = _classes(cells, column, generation.step, (0.0, np.inf))
    given = cells.numbers(figure, generation.unknown)
    has_figure = np.isfinite(given) & (given >= 0)
    low, high = np.maximum(given - _HALF, 0.0) / 100.0, (given + _HALF) / 100.0
    least, most = _joined((least, most), (low, high), has_figure, f"{column} and {figure}", notes)
    known, source = has_class | has_figure, _source(cells, figure, column)
    return {"step_least": Column(least, known, source), "step_most": Column(most, known, source)}


def _figures(cells: Cells, generation: Generation, notes: list[str]) -> dict[str, Column]:
    c = generation.columns
    crossfall = np.abs(cells.numbers(c.get("crossfall"), generation.unknown)) / 100.0
    stairs = cells.numbers(c.get("stairs"), generation.unknown)
    if (stairs < 0).any():
        notes.append(f"{c['stairs']}: {int((stairs < 0).sum())} negative numbers are unknown")
    return {
        "crossfall": Column(crossfall, np.isfinite(crossfall), _source(cells, c.get("crossfall"))),
        "stairs": Column(stairs, np.isfinite(stairs) & (stairs >= 0), _source(cells, c.get("stairs"))),
    }


def _hours(cells: Cells, generation: Generation, notes: list[str]) -> dict[str, Column]:
    out = {}
    for name in ("opens", "closes"):
        column = generation.columns.get(name)
        texts = cells.get(column)
        seconds = np.array([second_of_day(text) for text in texts], dtype=np.float64)
        bad = sum(bool(text) and not np.isfinite(s) for text, s in zip(texts, seconds, strict=True))
        if bad:
            notes.append(f"{column}: {bad} values are no time of day and are unknown")
        out[name] = Column(seconds, np.isfinite(seconds), _source(cells, column))
    column = generation.columns.get("closed_days")
    texts = cells.get(column)
    masks = np.array([day_mask(text) if text else -1 for text in texts], dtype=np.int16)
    bad = int(((masks < 0) & (texts != "")).sum())
    if bad:
        notes.append(f"{column}: {bad} values name no days of the week and are unknown")
    out["closed_days"] = Column(masks, masks >= 0, _source(cells, column))
    return out
