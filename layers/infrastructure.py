"""Bridges, tunnels, roads with the year and the result of their last inspection, from open data of road authorities."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import yaml

from layers.column import columns_said, match_columns, texts_of
from layers.features import fetch_table
from layers.vector import in_frame
from twin.errors import LayerError
from twin.layer import Access, Provenance, VectorLayer

if TYPE_CHECKING:
    from collections.abc import Callable

    import geopandas as gpd
    import pandas as pd

    from layers.bounds import Bounds
    from twin.frame import Frame

__all__ = ["INFRASTRUCTURE_COLUMNS", "grade_of", "read_infrastructure", "year_of"]

INFRASTRUCTURE_COLUMNS = (
    "kind",
    "name",
    "route",
    "manager",
    "built_year",
    "inspection_year",
    "grade",
    "grade_label",
    "length",
    "width",
)
"""First columns of the layer; the source's other columns follow.

kind as the catalogue says; years Int16; grade Int8 from 1 (健全) to 4 (緊急措置段階); length, width [m]; NA unknown.
"""

_TABLES = Path(__file__).with_name("tables") / "infrastructure.yaml"
_GRADES = {"1": 1, "I": 1, "2": 2, "II": 2, "3": 3, "III": 3, "4": 4, "IV": 4}
_YEARS = range(1868, 2101)


@lru_cache(maxsize=1)
def _tables() -> dict[str, dict[str, Any]]:
    form: dict[str, dict[str, Any]] = yaml.safe_load(_TABLES.read_text(encoding="utf-8"))
    return form


def read_infrastructure(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    crs: str | None = None,
    kind: str = "bridge",
    columns: dict[str, str] | None = None,
    layer: str | None = None,
    member: str | None = None,
    encoding: str | None = None,
    x: str | None = None,
    y: str | None = None,
) -> VectorLayer:
    """Structures with inspection years and grades in one schema (`INFRASTRUCTURE_COLUMNS`).

    Parameters
    ----------
    uri : str
        Vector file or CSV with coordinates.
    layer_id, frame, area, licence, access, date, crs, layer, member, encoding, x, y
        As :func:`layers.vector.read_vector` takes them.
    kind : str
        What they are: ``bridge``, ``road``, ``tunnel``.
    columns : mapping of str to str, optional
        The file's names of the twin's columns, where ``layers/tables/infrastructure.yaml`` does not know them.

    Raises
    ------
    LayerError
        If the file is bad, a named column is missing, or neither an inspection year nor a grade is found.
    FrameError
        As :func:`layers.vector.read_vector`.
    """
    where = f"layer {layer_id}: {uri}"
    notes: list[str] = []
    near = None if area is None else (frame, area)
    table, sha256 = fetch_table(uri, where, member=member, layer=layer, encoding=encoding, x=x, y=y, crs=crs, area=near)
    found = _matched(table, columns or {}, where)
    table = in_frame(table, frame, area, vertical=None, crs=crs, notes=notes, where=where)
    table = _normalised(table, found, kind, notes)
    return VectorLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, sha256, access, tuple(notes)),
        table=table,
    )


def year_of(text: object) -> int | None:
    """Western year in a text: ``2021``, ``2021年度``, ``令和3年``, ``R3``, ``H30.5.1``; None where there is none.

    Examples
    --------
    >>> year_of("令和元年度"), year_of("H30"), year_of("2016/03/31"), year_of("不明")
    (2019, 2018, 2016, None)
    """
    plain = unicodedata.normalize("NFKC", str(text)).strip().upper()
    western = re.match(r"((?:18|19|20)\d\d)(?!\d)", plain) or re.match(r"((?:18|19|20)\d\d)(?=\d{4}$)", plain)
    if western:
        return int(western.group(1))
    eras = _tables()["eras"]
    japanese = re.match(rf"({'|'.join(eras)})\s*\.?\s*(\d{{1,2}}|元)", plain)
    if not japanese:
        return None
    year = 1 if japanese.group(2) == "元" else int(japanese.group(2))
    return int(str(eras[japanese.group(1)])) + year


def grade_of(text: object) -> int | None:
    """Grade 1 to 4 in a text: ``Ⅱ``, ``II``, ``2``, ``判定区分Ⅲ``; None where there is none.

    Examples
    --------
    >>> grade_of("Ⅲ"), grade_of("判定区分 II"), grade_of("健全性4"), grade_of("未点検")
    (3, 2, 4, None)
    """
    plain = unicodedata.normalize("NFKC", str(text)).strip().upper().removesuffix(".0")
    found = re.search(r"(?<![0-9A-Z])(IV|I{1,3}|[1-4])(?![0-9A-Z])", plain)
    return _GRADES[found.group(1)] if found else None


def _matched(table: pd.DataFrame, given: dict[str, str], where: str) -> dict[str, str]:
    found = match_columns(table, given, _tables()["columns"], where)
    if not {"grade", "inspection_year"} & found.keys():
        raise LayerError(
            "has neither an inspection year nor a grade",
            where=where,
            remedy=f"Name them: `options: {{columns: {{grade: ..., inspection_year: ...}}}}`. {columns_said(table)}",
        )
    return found


def _normalised(table: gpd.GeoDataFrame, found: dict[str, str], kind: str, notes: list[str]) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    def texts(name: str) -> pd.Series[str]:
        return texts_of(table, found.get(name))

    def codes(
        name: str, read: Callable[[str], int | None], least: int, most: int, dtype: Literal["Int8", "Int16"]
    ) -> pd.Series[int]:
        text = texts(name)
        value: pd.Series[Any] = text.map(read)
        value = value.where(value.between(least, most))
        unread = int((value.isna() & (text != "")).sum())
        if unread:
            notes.append(f"{unread} values of {found[name]} are no {name} and stay unknown")
        return value.astype(dtype)

    def metres(name: str) -> pd.Series[float]:
        return pd.to_numeric(texts(name).str.replace(r"[m,\s]", "", regex=True), errors="coerce").astype("float64")

    grade = codes("grade", grade_of, 1, 4, "Int8")
    labels = {int(number): label["ja"] for number, label in _tables()["grades"].items()}
    own = {
        "kind": pd.Series(kind, index=table.index, dtype="str"),
        **{name: texts(name) for name in ("name", "route", "manager")},
        "built_year": codes("built_year", year_of, _YEARS[0], _YEARS[-1], "Int16"),
        "inspection_year": codes("inspection_year", year_of, _YEARS[0], _YEARS[-1], "Int16"),
        "grade": grade,
        "grade_label": grade.map(labels).fillna("").astype("str"),
        "length": metres("length"),
        "width": metres("width"),
    }
    rest = table.drop(columns=[*found.values(), table.geometry.name])
    rest = rest.drop(columns=[c for c in own if c in rest.columns])
    return gpd.GeoDataFrame(pd.concat([pd.DataFrame(own), rest], axis=1), geometry=table.geometry, crs=table.crs)
