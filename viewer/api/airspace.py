"""What an airspace run shows: flights along their tracks, reserved volumes, zones, sites, conflicts."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from layers.pack import point_arrays
from layers.pack.terrain import quantise
from viewer.api.paths import FOREVER, window_arrays
from viewer.api.volumes import coarse_ground, volume_arrays

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from numpy.typing import NDArray

    from layers.pack import Ground
    from viewer.api.group import Member

__all__ = ["conflict_pack", "flight_pack", "site_pack", "volume_pack", "zone_pack"]

Pack = tuple[dict[str, Any], dict[str, "NDArray[Any]"]]
Bounds = tuple[float, float, float, float]
EVERYWHERE = 0.95
"""Share of what is shown from which on a zone counts as everywhere."""
SHOWN_AROUND = 60.0
"""A conflict is shown this long before and after its time [s]."""


def flight_pack(member: Member, style: Mapping[str, Any], origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Tracks: ``positions`` f4 (m, 3) at ``time`` f4 (m,), ``ground`` f4 (m,) height below, those of flight k from
    ``start[k]`` to ``start[k + 1]`` u4 (n + 1,); ``vclass`` u1 (n,); meta has names as ``labels``."""  # noqa: D205, D209
    flights = member.run.table("flights")
    points = member.run.table("flight_points")
    row = {str(flight): number for number, flight in enumerate(flights["flight"])}
    owner = points["flight"].astype(str).map(row).to_numpy(dtype=np.float64)
    points, owner = points[np.isfinite(owner)], owner[np.isfinite(owner)].astype(np.int64)
    order = np.lexsort((points["time_s"].to_numpy(), owner))
    xyz = points[["x", "y", "z"]].to_numpy(dtype=np.float64)[order]
    below = np.zeros(len(xyz)) if ground is None else np.nan_to_num(ground.at(xyz[:, :2]), nan=0.0)
    start = np.searchsorted(owner[order], np.arange(len(flights) + 1))
    names = zip(flights["flight"].astype(str), flights["mission"].astype(str), strict=True)
    labels = [f"{mission} {flight}".strip() for flight, mission in names]
    return {"labels": [{"ja": text, "en": text} for text in labels]}, {
        "positions": quantise(xyz - np.array([*origin, 0.0])),
        "time": points["time_s"].to_numpy(dtype=np.float32)[order],
        "ground": quantise(below),
        "start": start.astype(np.uint32),
        "vclass": _classes(flights["kind"], style),
    }


def volume_pack(member: Member, bounds: Bounds, origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Volumes reserved for flights, each with the time it is reserved for."""
    table = gpd.read_parquet(member.run.folder / "volumes.parquet")
    n = len(table)
    lower, upper = _limits(table)
    level = np.zeros(n, dtype=bool)
    shapes = table.geometry.to_numpy()
    arrays = volume_arrays(shapes, lower, upper, level, level, bounds, origin, coarse_ground(ground))
    window = window_arrays(table["start_s"], table["end_s"])
    return _labelled(table["flight"]), {**arrays, **window, "vclass": np.zeros(n, dtype=np.uint8)}


def zone_pack(
    member: Member, style: Mapping[str, Any], bounds: Bounds, origin: tuple[float, float], ground: Ground | None
) -> Pack:
    """Zones, one volume for every time that one is in force; ``rows`` of the meta are those of the table.

    Zones over all that is shown are left out and named in ``note``.
    """
    table = gpd.read_parquet(member.run.folder / "zones.parquet")
    names = [{"ja": str(ja), "en": str(en)} for ja, en in zip(table["name_ja"], table["name_en"], strict=True)]
    area = shapely.box(*bounds)
    covers = shapely.area(shapely.intersection(shapely.make_valid(table.geometry.to_numpy()), area)) / area.area
    rows, since, until = [], [], []
    for row, record in enumerate(table.to_dict("records")):
        if covers[row] < EVERYWHERE:
            for start, end in _windows(record):
                rows.append(row)
                since.append(float(start))
                until.append(float(end))
    shown = table.iloc[rows]
    low_agl = (shown["reference"].astype(str) == "AGL").to_numpy()
    high_agl = (shown["upper_reference"].astype(str) == "AGL").to_numpy() if "upper_reference" in shown else low_agl
    lower, upper = _limits(shown)
    shapes = shown.geometry.to_numpy()
    arrays = volume_arrays(shapes, lower, upper, low_agl, high_agl, bounds, origin, coarse_ground(ground))
    window = window_arrays(since, until)
    meta: dict[str, Any] = {"labels": [names[row] for row in rows], "rows": rows}
    wide = np.flatnonzero(covers >= EVERYWHERE)
    if len(wide):
        parts = {"ja": "、", "en": ", "}
        joined = {lang: glue.join(names[row][lang] for row in wide) for lang, glue in parts.items()}
        meta["note"] = {lang: style["note"][lang].format(names=text) for lang, text in joined.items()}
    return meta, {**arrays, **window, "vclass": _classes(shown["restriction"], style)}


def site_pack(member: Member, origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Landing sites: points, class 0 until ``switch`` f4 (n,) s, then 1: under water."""
    table = gpd.read_parquet(member.run.folder / "sites.parquet")
    wet = table["wet_from_s"].to_numpy(dtype=np.float64)
    dry = table["is_dry"].to_numpy(dtype=bool)
    switch = np.where(np.isfinite(wet), wet, np.where(dry, FOREVER, -FOREVER))
    points = table.geometry.representative_point()
    xy = np.column_stack([points.x, points.y])
    return _labelled(table["name"]), {
        **point_arrays(xy, np.full(len(xy), np.nan), np.zeros(len(xy), np.uint8), origin, ground),
        "switch": switch.astype(np.float32),
        "vclass2": np.ones(len(xy), np.uint8),
    }


def conflict_pack(member: Member, origin: tuple[float, float], ground: Ground | None) -> Pack:
    """Conflicts: points at their places, shown around their times."""
    table = member.run.table("conflicts")
    time = table["time_s"].to_numpy(dtype=np.float64)
    kinds = np.where(table["is_resolved"].to_numpy(dtype=bool), 0, 1).astype(np.uint8)
    xy = table[["x", "y"]].to_numpy(dtype=np.float64)
    z = table["z"].to_numpy(dtype=np.float64)
    pairs = table["flight_a"].astype(str) + " / " + table["flight_b"].astype(str)
    return _labelled(pairs), {
        **point_arrays(xy, z, kinds, origin, ground),
        **window_arrays(time - SHOWN_AROUND, time + SHOWN_AROUND),
    }


def _windows(record: dict[str, Any]) -> list[tuple[float, float]]:
    """When a zone is in force: its `windows` (JSON) where the table has them, else from its first to its last time."""
    if isinstance(record.get("windows"), str):
        return [(start, end) for start, end in json.loads(record["windows"])]
    return [(record["from_s"], record["until_s"])]


def _limits(table: pd.DataFrame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lower = np.nan_to_num(table["lower_m"].to_numpy(dtype=np.float64), nan=0.0)
    upper = np.nan_to_num(table["upper_m"].to_numpy(dtype=np.float64), nan=np.inf, posinf=np.inf)
    return lower, upper


def _classes(column: pd.Series[Any], style: Mapping[str, Any]) -> NDArray[np.uint8]:
    """Class of every row by `values`; the class without takes the rest."""
    classes = style["classes"]
    rest = next((k for k, entry in enumerate(classes) if "values" not in entry), 0)
    by_value = {value: k for k, entry in enumerate(classes) for value in entry.get("values", ())}
    return np.array([by_value.get(str(value), rest) for value in column], dtype=np.uint8)


def _labelled(column: pd.Series[Any]) -> dict[str, Any]:
    return {"labels": [{"ja": str(text), "en": str(text)} for text in column]}
