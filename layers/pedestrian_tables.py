"""Columns and codes of the MLIT pedestrian network's generations, and which generation a file is of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field

from layers.replaceable_table import TablePart, read_replaceable_table
from twin.errors import LayerError
from twin.network import LinkKind

if TYPE_CHECKING:
    from layers.pedestrian_cells import Cells

__all__ = ["CodeColumn", "Generation", "PedestrianTables", "detect_generation", "read_pedestrian_tables"]


def _link_kind(name: str) -> str:
    if name not in LinkKind.__members__:
        raise ValueError(f"{name} is none of {', '.join(LinkKind.__members__)}")
    return name


def _ordered(bounds: tuple[float, float]) -> tuple[float, float]:
    if not bounds[0] <= bounds[1]:
        raise ValueError(f"{bounds[0]} to {bounds[1]} is no range")
    return bounds


_Kinds = dict[str, Annotated[str, AfterValidator(_link_kind)]]
_Classes = dict[str, Annotated[tuple[float, float], AfterValidator(_ordered)]]


class CodeColumn(TablePart):
    """A column of codes and what they stand for; with `ignore`, other codes mean that the question does not arise."""

    column: str
    codes: dict[str, int]
    ignore: bool = False


class RankColumn(TablePart):
    """The three letters of 2024: width, slope, step; and the letter that a code of each field stands for."""

    column: str
    width: dict[str, str]
    slope: dict[str, str]
    step: dict[str, str]


class Generation(TablePart):
    """One generation of the specification."""

    columns: dict[str, str]
    node_columns: dict[str, str]
    unknown: tuple[str, ...]
    direction: dict[str, Literal["both", "forward", "backward"]]
    structure: _Kinds
    route: _Kinds
    route_none: tuple[str, ...]
    width: _Classes
    slope: _Classes = Field(default_factory=dict)
    step: _Classes
    codes: dict[str, CodeColumn]
    rank: RankColumn | None = None


class PedestrianTables(TablePart):
    """Contents of ``layers/tables/pedestrian.yaml``."""

    generations: dict[Literal["2010", "2018", "2024"], Generation]


def read_pedestrian_tables(uri: str | None = None) -> PedestrianTables:
    """The tables that come with the twin, or others of the same form.

    Raises
    ------
    LayerError
        If the file is not of that form.
    """
    return read_replaceable_table(PedestrianTables, "pedestrian.yaml", uri, "pedestrian networks")


def detect_generation(cells: Cells, stated: int | None, where: str) -> Literal["2010", "2018", "2024"]:
    """Which generation a table of links is of.

    Parameters
    ----------
    cells : Cells
        The links as text.
    stated : int, optional
        What the user says; it must not contradict the file.

    Raises
    ------
    LayerError
        If nothing tells 2018 from 2024, or `stated` contradicts the file.

    Notes
    -----
    Columns ``rank`` or ``r_method``, a ``vtcl_slope`` above 3 or a ``lev_diff`` above 2 exist in 2024 only; Japanese
    column names in 2010 only.
    """
    found: Literal["2010", "2018", "2024"] | None = None
    reason = ""
    if "リンクID" in cells:
        found, reason = "2010", "column リンクID"
    for column in ("rank", "r_method"):
        if column in cells:
            found, reason = "2024", f"column {column}"
    for column, most in (("vtcl_slope", 3), ("lev_diff", 2)):
        high = [code for code in cells.distinct(column) if code.isdecimal() and most < int(code) < 99]
        if high and found is None:
            found, reason = "2024", f"{column} {high[0]}"
    if found is not None:
        if stated is not None and str(stated) != found:
            raise LayerError(
                f"option 'version' is {stated}, but {reason} exists in {found} only",
                where=where,
                remedy=f"Leave `version` out, or say {found}.",
            )
        return found
    if "link_id" not in cells:
        raise LayerError(
            "has no column link_id",
            where=where,
            remedy="Give the link file of 歩行空間ネットワークデータ as uri, the node file as `options: {nodes: ...}`. "
            f"It has: {', '.join(cells.names)}.",
        )
    if stated is None:
        raise LayerError(
            "may be of the specification of 2018 or of 2024: vtcl_slope 2 is over 5 % uphill in 2018 and up to 5 % in "
            "2024, lev_diff 2 is over 2 cm in 2018 and up to 2 cm in 2024",
            where=where,
            remedy="Ask who made it and say it in the catalogue: `options: {version: 2018}` or `{version: 2024}`.",
        )
    if stated == 2010:
        raise LayerError(
            "option 'version' is 2010, but column リンクID is missing", where=where, remedy="Say 2018 or 2024."
        )
    return "2018" if stated == 2018 else "2024"
