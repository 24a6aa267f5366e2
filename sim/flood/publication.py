"""A finished flood in the official formats: zones of 国土数値情報 A31a, PLATEAU's inundation zones (fld)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import ndimage

from sim.flood.consequence.overlay import REACH
from sim.flood.consequence.section import River
from sim.flood.ranks import rank_tables
from twin.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from twin.grid import Grid
    from twin.store import Run

__all__ = ["dissolved_zones", "hazard_layers", "map_on_land", "save_a31a", "save_fld"]

ZONE_NUMBER = {"planned": 1, "maximum": 2}
"""x of A31a_x01 to _x05: 1 計画規模, 2 想定最大規模; 3 浸水継続時間 and 4 家屋倒壊等 belong to the maximum."""
FLOW = 1
"""Code of 氾濫流 in A31a_405 (危険区域区分コード)."""


def hazard_layers(job: Run) -> dict[str, gpd.GeoDataFrame]:
    """Zones in EPSG:6668, a row a rank, with the attributes of A31a (version 3).

    ``A31a_10`` or ``A31a_20`` depth, ``A31a_30`` duration of 0.5 m and more, ``A31a_41`` 家屋倒壊等氾濫想定区域
    (氾濫流): the highest class of the table ``collapse``. The ground under buildings belongs to the zones; sea and
    rivers do not. A layer without a zone is left out.

    Raises
    ------
    StoreError
        If the run is no flood, or computed nothing that can be a zone.
    """
    depth = _map(job, "flood_depth_cell")
    river = _river(job)
    tables = rank_tables()
    x = ZONE_NUMBER[river.scale]
    ranks = {
        f"A31a_{x}0": (x, _standard(depth)),
        "A31a_30": (3, tables["duration"].classify(map_on_land(job, "duration_cell"))),
    }
    collapse = map_on_land(job, "collapse_cell")
    highest = float(job.table("exposure").query("table == 'collapse'")["rank"].max())
    ranks["A31a_41"] = (4, np.where(collapse >= highest, FLOW, 0).astype(np.int8))
    layers = {}
    for name, (number, rank) in ranks.items():
        zones = dissolved_zones(rank, job.grid)
        if len(zones):
            layers[name] = _with_attributes(zones, number, river)
    if not layers:
        raise StoreError("flooded no land: there is no zone", where=f"run {job.key}", remedy="Export another run.")
    return layers


def dissolved_zones(rank: NDArray[np.int8], grid: Grid) -> gpd.GeoDataFrame:
    """One multipolygon a rank above 0, along the cells' edges; columns ``rank`` and geometry, in the grid's frame."""
    import geopandas as gpd
    import shapely
    from affine import Affine
    from rasterio.features import shapes

    found: dict[int, list[Any]] = {}
    for outline, value in shapes(rank.astype(np.uint8), mask=rank > 0, connectivity=4, transform=Affine(*grid.affine)):
        found.setdefault(int(value), []).append(shapely.geometry.shape(outline))
    numbers = sorted(found)
    whole = [shapely.union_all(found[number]) for number in numbers]
    multi = [shapely.MultiPolygon([shape]) if shape.geom_type == "Polygon" else shape for shape in whole]
    return gpd.GeoDataFrame({"rank": np.array(numbers, dtype=np.int64)}, geometry=multi, crs=grid.frame.crs())


def map_on_land(job: Run, name: str) -> NDArray[np.float32]:
    """A map of a flood on land, with the value of the nearest open cell under buildings; 0 off the land.

    Raises
    ------
    StoreError
        If the run has no such map.
    """
    depth, values, h_max = _map(job, "flood_depth_cell"), _map(job, name), _map(job, "h_max_cell")
    is_open = np.isfinite(depth) & np.isfinite(h_max)
    shut = np.isfinite(depth) & ~is_open
    out = np.where(is_open, np.nan_to_num(values, nan=0.0), np.float32(0.0))
    if shut.any() and is_open.any():
        away, (row, col) = ndimage.distance_transform_edt(~is_open, return_indices=True)
        near = shut & (away <= REACH)
        out[near] = out[row[near], col[near]]
    return out.astype(np.float32)


def save_a31a(job: Run, path: Path) -> None:
    """Write :func:`hazard_layers` as a GeoPackage.

    Raises
    ------
    StoreError
        As :func:`hazard_layers`.
    """
    import pyogrio

    for number, (name, table) in enumerate(hazard_layers(job).items()):
        pyogrio.write_dataframe(table, path, layer=name, driver="GPKG", promote_to_multi=True, append=number > 0)


def save_fld(job: Run, path: Path) -> None:
    """Write the zones of depth as PLATEAU-like CityGML (``fld``), at the height of the water's surface.

    Raises
    ------
    StoreError
        As :func:`hazard_layers`.
    """
    from layers.inundation_export import Zone, save_inundation

    depth, grid, river = _map(job, "flood_depth_cell"), job.grid, _river(job)
    zones = dissolved_zones(_standard(depth), grid)
    if not len(zones):
        raise StoreError("flooded no land: there is no zone", where=f"run {job.key}", remedy="Export another run.")
    scale = {"planned": "計画規模", "maximum": "想定最大規模"}[river.scale]
    name = f"{river.name}洪水浸水想定区域（{scale}）" if river.name else f"{job.manifest()['name']}（{scale}）"
    bodies = [
        Zone(name, river.name, int(rank), river.scale, shape)
        for rank, shape in zip(zones["rank"], zones.geometry, strict=True)
    ]
    stage = _map(job, "stage_max_cell")
    known = np.isfinite(stage)
    row, col = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    stage = stage[row, col]

    def surface(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
        i, j = grid.row_col(x, y)
        ny, nx = grid.shape
        height: NDArray[np.float64] = stage[np.clip(i, 0, ny - 1), np.clip(j, 0, nx - 1)].astype(np.float64)
        return height

    created = time.strftime("%Y-%m-%d", time.localtime(float(job.manifest().get("started", 0.0))))
    save_inundation(bodies, path, frame=grid.frame, surface=surface, created=created)


def _standard(depth: NDArray[np.float32]) -> NDArray[np.int8]:
    """Official ranks 1 to 6, whatever table the run was evaluated with; 0 dry or off the land."""
    return rank_tables()["standard"].classify(np.nan_to_num(depth, nan=0.0))


def _with_attributes(zones: gpd.GeoDataFrame, number: int, river: River) -> gpd.GeoDataFrame:
    prefix = f"A31a_{number}"
    columns = {"01": river.code, "02": river.name, "03": river.manager_code, "04": river.manager}
    zones = zones.assign(**{f"{prefix}{end}": text for end, text in columns.items()})
    zones[f"{prefix}05"] = zones["rank"]
    return zones[[*(f"{prefix}{end}" for end in ("01", "02", "03", "04", "05")), "geometry"]].to_crs("EPSG:6668")


def _river(job: Run) -> River:
    section = job.manifest()["scenario"].get("flood", {})
    return River.model_validate(section.get("evaluation", {}).get("river", {}))


def _map(job: Run, name: str) -> NDArray[np.float32]:
    if not (job.folder / f"{name}.tif").is_file():
        raise StoreError(
            f"has no map {name}", where=f"run {job.key}", remedy="Compute it again: zones need a flood of this version."
        )
    values: NDArray[np.float32] = job.map(name)
    return values
