"""Official inundation maps of the National Land Numerical Information in one schema: floods, tsunami, storm surge."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
from pydantic import Field

from layers.features import feature_file, layer_names, read_table
from layers.replaceable_table import TablePart, read_replaceable_table
from layers.source import opened
from layers.vector import in_frame
from twin.errors import LayerError
from twin.layer import Access, Provenance, VectorLayer

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd

    from layers.bounds import Bounds
    from twin.frame import Frame

__all__ = ["HAZARD_COLUMNS", "HazardTables", "depth_range", "read_hazard", "read_hazard_tables"]

HAZARD_COLUMNS = (
    "hazard",
    "scale",
    "kind",
    "river_code",
    "river",
    "manager",
    "rank",
    "label",
    "depth_min",
    "depth_max",
    "duration_min",
    "duration_max",
    "geometry",
)
"""Columns of a hazard layer.

hazard ``river_flood``, ``tsunami`` or ``storm_surge``; scale ``planned`` (計画規模), ``maximum`` (想定最大規模);
kind ``depth``, ``duration`` or ``collapse`` (家屋倒壊等氾濫想定区域); rank the code as in the file; label in Japanese;
depth_* [m] and duration_* [h], NaN unknown, inf open above.
"""

_SPOTTED = re.compile(r"(\d+(?:\.\d+)?)\s*(cm|m)?")


class HazardSchema(TablePart):
    """Which columns of a data set hold what, and what its ranks stand for."""

    rank: str
    river_code: str | None = None
    river: str | None = None
    manager: str | None = None
    hazard: Literal["river_flood", "inland_flood", "tsunami", "storm_surge"]
    scale: str
    kind: Literal["depth", "duration", "collapse"]
    ranks: str


class HazardRank(TablePart):
    """One class of a data set; `lower` and `upper` [m or h]."""

    label: str
    lower: Annotated[float, Field(ge=0)] | None = None
    upper: Annotated[float, Field(gt=0)] | None = None


class HazardTables(TablePart):
    """Contents of ``layers/tables/hazard.yaml``."""

    schemas: tuple[HazardSchema, ...]
    ranks: dict[str, dict[str, HazardRank]]


def read_hazard_tables(uri: str | None = None) -> HazardTables:
    """The tables that come with the twin, or others of the same form.

    Raises
    ------
    LayerError
        If the file is not of that form.
    """
    return read_replaceable_table(HazardTables, "hazard.yaml", uri, "hazard ranks")


def read_hazard(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    crs: str | None = None,
    layer: str | None = None,
    member: str | None = None,
    encoding: str | None = None,
    tables: str | None = None,
) -> VectorLayer:
    """Inundation polygons (A31a, A31b, A40, A49) as a layer with the columns `HAZARD_COLUMNS`.

    Parameters
    ----------
    uri : str
        GeoPackage, GeoJSON, shapefile, or a zip archive with one of them.
    layer_id, frame, area, licence, access, date, crs, member, encoding
        As :func:`layers.vector.read_vector` takes them.
    layer : str, optional
        Layer of a GeoPackage; by default all layers with a known rank column are joined.
    tables : str, optional
        File that replaces ``layers/tables/hazard.yaml``.

    Raises
    ------
    LayerError
        If the file is bad or no column holds a known rank.
    FrameError
        As :func:`layers.vector.read_vector`.
    """
    import pandas as pd

    where = f"layer {layer_id}: {uri}"
    known = read_hazard_tables(tables)
    notes: list[str] = []
    parts: list[gpd.GeoDataFrame] = []
    seen: list[str] = []
    with opened(uri, where) as source, feature_file(source.path, member, where) as path:
        near = None if area is None else (frame, area)
        names: list[str | None] = [layer] if layer is not None or path.suffix == ".csv" else [*layer_names(path, where)]
        for name in names:
            table = read_table(path, where, layer=name, encoding=encoding, crs=crs, area=near)
            seen += [c for c in table.columns if c not in seen and c != table.geometry.name]
            found = [schema for schema in known.schemas if schema.rank in table.columns]
            if not found:
                continue
            placed = in_frame(table, frame, area, vertical=None, crs=crs, notes=notes, where=where)
            parts += [_normalised(placed, schema, known, notes) for schema in found]
        sha256 = source.sha256
    if not parts:
        raise LayerError(
            f"has no rank column; its columns are {', '.join(map(str, seen)) or 'none'}",
            where=where,
            remedy=f"Known: {', '.join(schema.rank for schema in known.schemas)} (layers/tables/hazard.yaml).",
        )
    joined = pd.concat(parts, ignore_index=True)
    return VectorLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, sha256, access, tuple(notes)),
        table=joined,
    )


def depth_range(text: str) -> tuple[float, float]:
    """Lower and upper depth [m] of a class described in words; NaN where it says none, inf where it is open above.

    Examples
    --------
    >>> depth_range("0.5m以上 ～ 3.0m未満"), depth_range("５ｍ以上"), depth_range("30cm未満")
    ((0.5, 3.0), (5.0, inf), (0.0, 0.3))
    """
    plain = unicodedata.normalize("NFKC", text).replace(",", "")
    found = [float(n) / (100 if unit == "cm" else 1) for n, unit in _SPOTTED.findall(plain)]
    if len(found) == 2:
        return min(found), max(found)
    if len(found) == 1:
        if re.search(r"未満|以下|まで", plain) or re.match(r"\s*[~〜≦<]", plain):
            return 0.0, found[0]
        if re.search(r"以上|超|より|[~〜]\s*$", plain):
            return found[0], float("inf")
    return float("nan"), float("nan")


def _normalised(
    table: gpd.GeoDataFrame, schema: HazardSchema, tables: HazardTables, notes: list[str]
) -> gpd.GeoDataFrame:
    import geopandas as gpd

    table = table[table[schema.rank].notna() & (table[schema.rank].astype(str).str.strip() != "")]
    rank = table[schema.rank].map(_code)
    ranges = {code: _meaning(code, schema, tables) for code in rank.unique()}
    unknown = [code for code, (label, *_) in ranges.items() if not label]
    if unknown:
        count = int(rank.isin(unknown).sum())
        notes.append(f"{count} features have an unknown rank in {schema.rank}: {', '.join(unknown[:5])}")
    lower, upper = (rank.map({c: r[i] for c, r in ranges.items()}).to_numpy(dtype=np.float64) for i in (1, 2))
    nothing = np.full(len(table), np.nan)
    is_depth, is_duration = schema.kind == "depth", schema.kind == "duration"
    columns = {
        "hazard": schema.hazard,
        "scale": schema.scale,
        "kind": schema.kind,
        "river_code": _text(table, schema.river_code),
        "river": _text(table, schema.river),
        "manager": _text(table, schema.manager),
        "rank": rank,
        "label": rank.map({c: r[0] for c, r in ranges.items()}),
        "depth_min": lower if is_depth else nothing,
        "depth_max": upper if is_depth else nothing,
        "duration_min": lower if is_duration else nothing,
        "duration_max": upper if is_duration else nothing,
    }
    return gpd.GeoDataFrame(columns, geometry=table.geometry, index=table.index, crs=table.crs)


def _meaning(code: str, schema: HazardSchema, tables: HazardTables) -> tuple[str, float, float]:
    if schema.ranks == "text":
        lower, upper = depth_range(code)
        return (code if not np.isnan(lower) else ""), lower, upper
    found = tables.ranks.get(schema.ranks, {}).get(code)
    if found is None:
        return "", float("nan"), float("nan")
    if schema.kind == "collapse":
        return found.label, float("nan"), float("nan")
    return found.label, found.lower or 0.0, float("inf") if found.upper is None else found.upper


def _code(value: object) -> str:
    """``2``, ``2.0`` and ``"2"`` are the same code."""
    text = str(value).strip()
    return text.removesuffix(".0") if re.fullmatch(r"\d+\.0", text) else text


def _text(table: pd.DataFrame, column: str | None) -> pd.Series[str] | str:
    if column is None or column not in table.columns:
        return ""
    import pandas as pd

    return table[column].map(lambda v: "" if pd.isna(v) else _code(v))
