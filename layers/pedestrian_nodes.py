"""Nodes of a surveyed pedestrian network: where they are, on which floor, inside or outside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from layers.pedestrian_cells import Cells
from layers.vector import in_frame
from twin.errors import LayerError

if TYPE_CHECKING:
    import geopandas as gpd
    import pandas as pd
    from numpy.typing import NDArray

    from layers.bounds import Bounds
    from layers.pedestrian_tables import Generation
    from twin.frame import Frame

__all__ = ["Nodes", "place_nodes", "require_unique"]


@dataclass(frozen=True, slots=True, eq=False)
class Nodes:
    """Nodes with positions.

    Parameters
    ----------
    cells : Cells
        The source's columns.
    id : ndarray of str (n,)
    xy : ndarray (n, 2)
        Positions [m in the city's frame].
    is_inside : ndarray of bool (n,)
        Whether a node lies in the area.
    floor, elevation : ndarray (n,)
        Floor (0 ground) and height [m T.P.], NaN unknown.
    in_out : ndarray of int8 (n,)
        1 outside, 2 border, 3 inside, 0 unknown.
    """

    cells: Cells
    id: NDArray[np.object_]
    xy: NDArray[np.float64]
    is_inside: NDArray[np.bool_]
    floor: NDArray[np.float64]
    elevation: NDArray[np.float64]
    in_out: NDArray[np.int8]

    def taken(self, rows: NDArray[np.int64]) -> Nodes:
        """Some nodes, in the order given."""
        return Nodes(
            self.cells.taken(rows),
            self.id[rows],
            self.xy[rows],
            self.is_inside[rows],
            self.floor[rows],
            self.elevation[rows],
            self.in_out[rows],
        )

    def table(self) -> pd.DataFrame:
        """As the ``nodes`` of a network layer."""
        import pandas as pd

        own = {
            "id": pd.Series(self.id, dtype="str"),
            "floor": self.floor,
            "in_out": self.in_out,
            "elevation": self.elevation,
        }
        return pd.DataFrame({**own, **self.cells.as_source()})


def place_nodes(
    table: pd.DataFrame,
    generation: Generation,
    frame: Frame,
    area: Bounds | None,
    *,
    crs: str | None,
    notes: list[str],
    where: str,
) -> Nodes:
    """Nodes of a file in the city's frame.

    Parameters
    ----------
    table : DataFrame or GeoDataFrame
        As the file has it; without geometry the columns of longitude and latitude are read.
    generation : Generation
    frame, area, crs
        As every reader takes them.
    notes : list of str
        Nodes without a place are counted in it.
    where : str

    Raises
    ------
    LayerError
        If a column is missing, or an id blank or double.
    FrameError
        If the coordinates cannot be of the stated system.
    """
    import geopandas as gpd
    import shapely

    columns = generation.node_columns
    cells = Cells(table.drop(columns="geometry", errors="ignore"))
    if columns["id"] not in cells:
        raise LayerError(
            f"has no column {columns['id']}",
            where=where,
            remedy=f"Give the node file of the same network. It has: {', '.join(cells.names)}.",
        )
    require_unique(cells[columns["id"]], columns["id"], where)
    points = table.geometry if isinstance(table, gpd.GeoDataFrame) else _points(cells, columns, crs, where)
    rows = gpd.GeoDataFrame({"row": np.arange(len(table))}, geometry=np.asarray(points.array), crs=points.crs)
    moved = in_frame(rows, frame, None, vertical=None, crs=crs, notes=[], where=where)
    taken = moved["row"].to_numpy(dtype=np.int64)
    if len(taken) < len(table):
        notes.append(f"{len(table) - len(taken)} nodes have no place")
    xy = shapely.get_coordinates(shapely.centroid(np.asarray(moved.geometry.array)))
    is_inside = np.ones(len(xy), dtype=np.bool_)
    if area is not None and len(xy):
        west, south, east, north = area
        is_inside = (xy[:, 0] >= west) & (xy[:, 0] <= east) & (xy[:, 1] >= south) & (xy[:, 1] <= north)
        if not is_inside.any():
            # raises where a wrong system is the reason
            in_frame(rows, frame, area, vertical=None, crs=crs, notes=[], where=where)
            notes.append("no node lies in the area")
    cells = cells.taken(taken)
    floor = cells.numbers(columns.get("floor"), ())
    in_out, _ = cells.codes(columns.get("in_out"), {"1": 1, "2": 2, "3": 3}, dtype="int8", blank=0)
    return Nodes(
        cells,
        cells[columns["id"]],
        xy,
        is_inside,
        np.where(np.abs(floor) < 99, floor, np.nan),
        cells.numbers(columns.get("elevation"), ()),
        in_out,
    )


def require_unique(ids: NDArray[np.object_], column: str, where: str) -> None:
    """Raise LayerError if an id is blank or stands in two rows."""
    blank = np.flatnonzero(ids == "")
    if blank.size:
        raise LayerError(
            f"{column} is blank in {blank.size} rows, the first is row {blank[0] + 1}",
            where=where,
            remedy="Give every row an id.",
        )
    values, counts = np.unique(ids.astype(str), return_counts=True)
    double = values[counts > 1]
    if double.size:
        raise LayerError(
            f"{column} {', '.join(double[:5])} stands in several rows ({double.size} such ids)",
            where=where,
            remedy="Ids must be unique: where files were joined, keep one row of each.",
        )


def _points(cells: Cells, columns: dict[str, str], crs: str | None, where: str) -> gpd.GeoSeries:
    """Places from columns of degrees: decimal, or degrees.minutes.seconds as in 2010."""
    import geopandas as gpd

    missing = [columns[name] for name in ("lon", "lat") if columns[name] not in cells]
    if missing:
        raise LayerError(f"has no column {missing[0]}", where=where, remedy=f"It has: {', '.join(cells.names)}.")
    lon, lat = (np.array([_degrees(text) for text in cells[columns[name]]]) for name in ("lon", "lat"))
    return gpd.GeoSeries(gpd.points_from_xy(lon, lat, crs=crs or "EPSG:6668"))


def _degrees(text: str) -> float:
    """Degrees in ``139.7698`` or ``139.46.11.28`` (degrees, minutes, seconds); NaN where it is neither."""
    sexagesimal = re.fullmatch(r"[EN]?(\d{1,3})[.°](\d{1,2})[.'](\d{1,2}(?:\.\d+)?)\"?", text)
    if sexagesimal:
        return int(sexagesimal[1]) + int(sexagesimal[2]) / 60 + float(sexagesimal[3]) / 3600
    try:
        return float(text)
    except ValueError:
        return float("nan")
