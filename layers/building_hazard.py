"""Inundation zones from the official records that PLATEAU buildings carry, where the zones themselves are not at hand.

What it is: the land within a few metres of buildings whose record says so. What it is not: the official polygon.
Open land between far-apart buildings belongs to no zone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from layers.hazard import HAZARD_COLUMNS, read_hazard_tables
from twin.errors import LayerError
from twin.footprint import footprints
from twin.layer import Access, MeshLayer, VectorLayer

if TYPE_CHECKING:
    from layers.bounds import Bounds
    from twin.frame import Frame

__all__ = ["read_building_hazard"]


def read_building_hazard(
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    buildings: MeshLayer,
    hazard: Literal["river_flood", "inland_flood", "tsunami", "storm_surge"],
    scale: str = "",
    reach: float = 25.0,
) -> VectorLayer:
    """One polygon a depth class: the surroundings of the buildings that are recorded in it.

    Where surroundings overlap the deeper class holds.

    Parameters
    ----------
    layer_id, frame, area, licence, access
        As every reader takes them (:mod:`layers.registry`).
    buildings : MeshLayer
        With ``records["risk"]``.
    hazard : str
        Kind of record.
    scale : str
        ``planned`` or ``maximum`` where the records tell; any by default, the deepest record a building counts.
    reach : float
        How far around a building its record is taken to hold [m].

    Returns
    -------
    VectorLayer
        Columns ``layers.hazard.HAZARD_COLUMNS``; classes of the national inundation maps (``depth`` in
        ``layers/tables/hazard.yaml``).

    Raises
    ------
    LayerError
        If no building has such a record, or `reach` is negative.
    """
    import geopandas as gpd
    import shapely

    where = f"layer {layer_id}"
    if not (np.isfinite(reach) and reach >= 0):
        raise LayerError(f"reach is {reach} m", where=where, remedy="Give 0 m or more.")
    frame.require_same_datum(buildings.frame, where)
    risk = buildings.records.get("risk")
    chosen = (
        None
        if risk is None
        else risk[(risk["hazard"] == hazard) & risk["depth"].notna() & ((risk["scale"] == scale) | (scale == ""))]
    )
    if chosen is None or chosen.empty:
        there = "none" if risk is None else ", ".join(sorted({str(value) for value in risk["hazard"]})) or "none"
        raise LayerError(f"no building has a {hazard} record", where=where, remedy=f"Records there are: {there}.")
    deepest = chosen.groupby("feature")["depth"].max()
    shape = shapely.buffer(footprints(buildings)[deepest.index.to_numpy()], reach, join_style="mitre")
    depth = deepest.to_numpy(dtype=np.float64)
    rows = []
    taken = shapely.MultiPolygon()
    for code, rank in sorted(read_hazard_tables().ranks["depth"].items(), reverse=True):
        lower, upper = rank.lower or 0.0, rank.upper if rank.upper is not None else np.inf
        zone = shapely.union_all([s for s in shape[(depth >= lower) & (depth < upper)] if s is not None])
        rows.append((code, rank.label, lower, upper, zone.difference(taken)))
        taken = taken.union(zone)
    table = gpd.GeoDataFrame(
        [
            {
                **dict.fromkeys(HAZARD_COLUMNS, ""),
                "hazard": hazard,
                "scale": scale,
                "kind": "depth",
                "rank": code,
                "label": label,
                "depth_min": lower,
                "depth_max": upper,
                "duration_min": np.nan,
                "duration_max": np.nan,
                "geometry": zone,
            }
            for code, label, lower, upper, zone in reversed(rows)
            if not zone.is_empty
        ],
        geometry="geometry",
        crs=frame.crs(),
    )
    if area is not None:
        table = table.clip(shapely.box(*area)).sort_index().reset_index(drop=True)
    notes = (f"drawn {reach:g} m around the {len(deepest)} buildings with a record; no official polygon",)
    provenance = replace(
        buildings.provenance, licence=licence or buildings.provenance.licence, access=access, notes=notes
    )
    return VectorLayer(layer_id, frame, provenance, table)
