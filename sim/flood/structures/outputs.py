"""What structures leave at the end of a run: tables ``structures`` and ``underground``, and figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sim.flood.structures.sewer import Sewers
from sim.flood.structures.underground import Malls

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from shapely import Geometry

    from sim.flood.surface import SurfaceModel

__all__ = ["structure_figures", "structure_tables"]

COLUMNS = ("kind", "name", "moved_m3", "back_m3", "max_discharge_m3_s", "hours", "starts", "flooded_s")


def structure_tables(model: SurfaceModel) -> dict[str, pd.DataFrame]:
    """Tables of the structures, none where the scenario has none.

    ``structures``, a row each: ``kind``, ``name``, ``moved_m3`` (from ``from`` to ``to``, out of the street, into the
    mall), ``back_m3`` (the other way), ``max_discharge_m3_s``, ``hours`` (with flow; pumps: running; barriers: up),
    ``starts`` of pumps, ``flooded_s`` (when a pump's floor was flooded, NaN if never), ``geometry``.

    ``underground``, a row a floor: ``name`` of the mall, ``floor``, ``height`` [m T.P.], ``area_m2``,
    ``first_water_s`` (NaN if dry), ``depth_m`` at the end, ``max_depth_m``, ``volume_m3``, ``mall_volume_m3``,
    ``geometry`` where the city's layer has it.
    """
    import geopandas as gpd
    import shapely

    rows = list(model.exchange.rows())
    if model.barriers is not None:
        rows += model.barriers.rows(model.clock.time)
    if not rows:
        return {}
    crs = model.grid.frame.wkt()
    shapes = [_shape(row.pop("points")) for row in rows]
    table = gpd.GeoDataFrame(rows, geometry=shapes, crs=crs)
    tables = {"structures": table.reindex(columns=[*COLUMNS, "geometry"]).set_geometry("geometry", crs=crs)}
    floors = [row for one in model.exchange.structures if isinstance(one, Malls) for row in one.floors()]
    if floors:
        outlines = [shapely.Polygon() if row["outline"] is None else row["outline"] for row in floors]
        plain = [{name: value for name, value in row.items() if name != "outline"} for row in floors]
        tables["underground"] = gpd.GeoDataFrame(plain, geometry=outlines, crs=crs)
    return tables


def structure_figures(model: SurfaceModel) -> dict[str, float]:
    """Figures for the summary: what pumps moved and how long they ran, and what is underground."""
    rows = list(model.exchange.rows())
    pumps = [row for row in rows if row["kind"] == "pump"]
    malls = [one for one in model.exchange.structures if isinstance(one, Malls)]
    out = {}
    if pumps:
        out["pumped_m3"] = float(sum(row["moved_m3"] for row in pumps))
        out["longest_pump_running_h"] = float(max(row["hours"] for row in pumps))
        out["flooded_pumps_count"] = float(sum(row["flooded_s"] == row["flooded_s"] for row in pumps))
    for one in model.exchange.structures:
        if isinstance(one, Sewers):
            out["sewer_balance_error_share"] = one.lost
    if malls:
        out["underground_m3"] = float(sum(one.account().held for one in malls))
    return out


def _shape(points: Sequence[tuple[float, float]]) -> Geometry:
    import shapely

    if not points:
        return shapely.Point()
    return shapely.Point(points[0]) if len(points) == 1 else shapely.LineString(points)
