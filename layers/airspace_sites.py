"""Sites of facilities about which drones are forbidden (小型無人機等飛行禁止法)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from layers.column import columns_said, match_columns, texts_of
from layers.features import fetch_table
from layers.vector import in_frame
from twin.errors import LayerError
from twin.layer import Access, Provenance, VectorLayer

if TYPE_CHECKING:
    from layers.bounds import Bounds
    from twin.frame import Frame

__all__ = ["SITE_COLUMNS", "read_no_fly_sites"]

SITE_COLUMNS = ("site_id", "name_ja", "name_en", "category", "authority", "valid_from", "valid_to")
"""Columns of the layer, before the geometry; texts, dates in ISO 8601, "" unknown."""

_ALIASES = {
    "site_id": ("site_id", "id", "番号", "施設番号"),
    "name_ja": ("name_ja", "name", "施設名", "施設名称", "対象施設", "対象施設の名称", "名称"),
    "name_en": ("name_en",),
    "category": ("category", "kind", "区分", "種別"),
    "authority": ("authority", "指定者", "管理者", "同意"),
    "valid_from": ("valid_from", "指定日", "施行日"),
    "valid_to": ("valid_to", "解除日"),
}


def read_no_fly_sites(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    crs: str | None = None,
    reach: float = 2000.0,
    columns: dict[str, str] | None = None,
    layer: str | None = None,
    member: str | None = None,
    encoding: str | None = None,
    x: str | None = None,
    y: str | None = None,
) -> VectorLayer:
    """Sites (polygons of their grounds; a point where only that is known) whose surroundings may touch the area.

    Parameters
    ----------
    uri : str
        Vector file or CSV with coordinates.
    layer_id, frame, area, licence, access, date, crs, layer, member, encoding, x, y
        As :func:`layers.vector.read_vector` takes them.
    reach : float
        How far outside the area a site is still read [m]; at least the widest radius of the table of rules.
    columns : mapping of str to str, optional
        The file's names of the twin's columns (:data:`SITE_COLUMNS`), where they are not the usual ones.

    Raises
    ------
    LayerError
        If the file is bad, a named column is missing, or a date cannot be read (names the site).
    FrameError
        As :func:`layers.vector.read_vector`.
    """
    import geopandas as gpd

    where = f"layer {layer_id}: {uri}"
    if not reach >= 0:
        raise LayerError(f"reach is {reach} m", where=where, remedy="Give zero or more.")
    wide = None if area is None else (area[0] - reach, area[1] - reach, area[2] + reach, area[3] + reach)
    notes: list[str] = []
    near = None if wide is None else (frame, wide)
    table, sha256 = fetch_table(uri, where, member=member, layer=layer, encoding=encoding, x=x, y=y, crs=crs, area=near)
    found = _matched(table, columns or {}, where)
    table = in_frame(table, frame, wide, vertical=None, crs=crs, notes=notes, where=where)
    own = pd.DataFrame({name: texts_of(table, found.get(name)) for name in SITE_COLUMNS}, dtype="str")
    own.loc[own["site_id"] == "", "site_id"] = [str(k) for k in own.index[own["site_id"] == ""]]
    for name in ("valid_from", "valid_to"):
        for row in own.index[own[name] != ""]:
            own.loc[row, name] = _date(str(own.loc[row, name]), f"{where}: site {own.loc[row, 'site_id']}: {name}")
    return VectorLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, sha256, access, tuple(notes)),
        table=gpd.GeoDataFrame(own, geometry=list(table.geometry), crs=frame.wkt()),
    )


def _matched(table: pd.DataFrame, given: dict[str, str], where: str) -> dict[str, str]:
    found = match_columns(table, given, _ALIASES, where)
    if "name_ja" not in found:
        raise LayerError(
            "has no column with the sites' names",
            where=where,
            remedy=f"Name it in `columns`. {columns_said(table)}",
        )
    return found


def _date(value: str, where: str) -> str:
    try:
        return str(pd.Timestamp(value).date().isoformat())
    except ValueError as error:
        raise LayerError(f"{value!r} is no date", where=where, remedy="Write it as 2026-04-01.") from error
