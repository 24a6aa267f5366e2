"""What a finished flood leaves: maps, a row for each building, figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from sim.flood.consequence.table import Consequence
from sim.flood.fields import ARRIVAL_DEPTHS
from sim.flood.ranks import rank_tables
from sim.flood.structures.outputs import structure_figures, structure_tables
from sim.stage import Products

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from sim.flood.surface import SurfaceModel

REACH = 10.0
"""Farthest open cell that tells the water at a building which has none beside it [cells]."""

__all__ = ["building_table", "cells_of_buildings", "summarise"]


def summarise(model: SurfaceModel) -> Products:
    """Maps, table ``buildings`` and summary of a run; the sea and the rivers are not flooded land."""
    maps = model.statistics()
    z = np.where(np.isfinite(model.ground.bed), model.ground.bed, np.nan).astype(np.float32)
    h_max = maps["h_max_cell"]
    buildings = building_table(model, maps)
    is_land = model.ground.is_land
    rank = rank_tables()["detailed"].classify(np.where(is_land & (h_max >= ARRIVAL_DEPTHS[0]), h_max, 0.0))
    hectare = model.grid.cell_area / 1e4
    budget = model.budget()
    summary = {
        "max_depth_m": float(np.nanmax(h_max)),
        "max_speed_m_s": float(maps["speed_max_cell"].max()),
        "flooded_area_ha": float((rank > 0).sum() * hectare),
        "flooded_area_over_0.5m_ha": float((is_land & (h_max >= 0.5)).sum() * hectare),
        "max_depth_on_land_m": float(np.nanmax(h_max[is_land], initial=0.0)),
        "max_duration_on_land_h": float(np.nanmax(maps["duration_cell"][is_land], initial=0.0) / 3600.0),
        "steps_count": float(model.clock.step),
        "cells_without_bed_count": float(model.ground.cells_without_bed),
        "volume_relative_error_1": budget["relative_error"],
    }
    ranks = rank_tables()["detailed"].ranks
    for number, entry in enumerate(ranks, start=1):
        above = f"to_{ranks[number].lower:g}m" if number < len(ranks) else "and_more"
        summary[f"flooded_area_{entry.lower:g}m_{above}_ha"] = float((rank == number).sum() * hectare)
    summary["flooded_buildings_count"] = float((buildings["rank"] > 0).sum())
    summary["flooded_buildings_over_0.5m_count"] = float((buildings["max_depth"] >= 0.5).sum())
    assessed = (model.consequence or Consequence()).assess(model, maps)
    of_feature = buildings["feature"].to_numpy(dtype=np.int64)
    for column, classes in assessed.found.building_class.items():
        # a building that no city knows (made in memory) has no outline to lay over the classes
        known = of_feature < len(classes)
        buildings[f"{column}_class"] = np.where(known, np.append(classes, 0)[np.where(known, of_feature, -1)], 0)
    tables = {"buildings": buildings, **assessed.tables}
    if model.meter.crossings:
        tables["sections"] = model.meter.table(model.grid.frame.wkt())
    tables |= structure_tables(model)
    return Products(
        maps={
            name: (model.grid, values)
            for name, values in {"z_cell": z, **maps, "flood_depth_cell": assessed.depth}.items()
        },
        tables=tables,
        summary={**summary, **assessed.summary, **structure_figures(model)},
    )


def building_table(model: SurfaceModel, maps: dict[str, NDArray[np.float32]]) -> pd.DataFrame:
    """One row a building that touches the area.

    Columns: ``feature`` (row of the city's buildings), ``id``, ``building_id``, ``max_depth`` and ``mean_depth`` [m]
    and ``max_stage`` [m T.P.] over the open land cells of and beside the footprint, ``arrival_s`` (first time
    with 5 cm at one of them), ``max_speed`` [m s-1], ``rank`` of the maximum depth in the detailed table (0: dry),
    ``geometry`` (footprint, WKB in the area's frame). :func:`summarise` adds ``<table>_class`` for each table of the
    exposure: the class with the largest part of the footprint, of two the more dangerous (PLATEAU's rule).
    """
    import pandas as pd

    ground = model.ground
    feature, cell = cells_of_buildings(ground.building_cell, ground.is_wall | ~ground.is_land, ground.building_point)
    flat = {name: maps[name].reshape(-1)[cell] for name in maps}
    rows = pd.DataFrame(
        {
            "feature": feature,
            "max_depth": flat["h_max_cell"],
            "max_stage": flat["stage_max_cell"],
            "arrival_s": flat["arrival_cell"],
            "max_speed": flat["speed_max_cell"],
        }
    )
    # a film on higher ground beside the building is not the level of its flood
    rows["max_stage"] = rows["max_stage"].where(rows["max_depth"] >= ARRIVAL_DEPTHS[0])
    grouped = rows.groupby("feature")
    table = grouped.agg({"max_depth": "max", "max_stage": "max", "arrival_s": "min", "max_speed": "max"})
    table.insert(1, "mean_depth", grouped["max_depth"].mean())
    # far from any open cell nothing is known: dry
    held = np.unique(ground.building_cell[ground.building_cell >= 0])
    everyone = np.union1d(held, np.flatnonzero(ground.building_point >= 0))
    table = table.reindex(pd.Index(everyone, name="feature"))
    table[["max_depth", "mean_depth", "max_speed"]] = table[["max_depth", "mean_depth", "max_speed"]].fillna(0.0)
    wet = np.where(table["max_depth"] >= ARRIVAL_DEPTHS[0], table["max_depth"], 0.0)
    table["rank"] = rank_tables()["detailed"].classify(wet)
    table = table.reset_index()
    for position, name in enumerate(("id", "building_id"), start=1):
        known = ground.building_names.get(name)
        table.insert(position, name, [""] * len(table) if known is None else known[table["feature"].to_numpy()])
    if "geometry" in ground.building_names:
        table["geometry"] = ground.building_names["geometry"][table["feature"].to_numpy()]
    return table


def cells_of_buildings(
    building_cell: NDArray[np.int32], is_shut: NDArray[np.bool_], building_point: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs (building, flat cell) of the open cells of each footprint and of the ring of cells that touch it.

    A building that holds no cell centre counts with the cell of its `building_point`. One without an open cell beside
    it (a block in the middle of other blocks, a house on a quay) counts with the nearest one, at most `REACH` cells
    away.

    Returns
    -------
    tuple of ndarray (n,)
        Buildings ascending, no pair twice.
    """
    ny, nx = building_cell.shape
    row, col = np.nonzero(building_cell >= 0)
    building = building_cell[row, col].astype(np.int64)
    small = np.setdiff1d(np.flatnonzero(building_point >= 0), building)
    building = np.r_[building, small]
    row, col = np.r_[row, building_point[small] // nx], np.r_[col, building_point[small] % nx]
    pairs = []
    for dr in (-1, 0, 1):
        for dc in (-1, 0, 1):
            r, c = row + dr, col + dc
            ok = (r >= 0) & (r < ny) & (c >= 0) & (c < nx)
            ok[ok] = ~is_shut[r[ok], c[ok]]
            pairs.append(np.c_[building[ok], r[ok] * nx + c[ok]])
    enclosed = np.isin(building, np.concatenate(pairs)[:, 0], invert=True)
    if enclosed.any() and not is_shut.all():
        away, (r, c) = ndimage.distance_transform_edt(is_shut, return_indices=True)
        near = enclosed & (away[row, col] <= REACH)
        pairs.append(np.c_[building[near], r[row[near], col[near]] * nx + c[row[near], col[near]]])
    unique = np.unique(np.concatenate(pairs), axis=0)
    return unique[:, 0], unique[:, 1]
