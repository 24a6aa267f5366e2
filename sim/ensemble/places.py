"""Members at places: every building and every street link, and the people of the grid's cells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sim.coupling import cells_of_links
from sim.ensemble.cells import DEPTH
from sim.ensemble.fields import centimetres
from sim.ensemble.statistics import mean_and_spread, percentiles, share_over
from twin.footprint import burn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from sim.ensemble.definition import Ensemble
    from twin.grid import Grid
    from twin.layer import NetworkLayer, VectorLayer
    from twin.store import Run

__all__ = ["building_statistics", "link_statistics", "people_on_cells"]

BLOCK_VALUES = 20_000_000
"""Values of all members that are looked at together."""
SHOWN = ("feature", "id", "building_id", "geometry")
"""Columns of a run's buildings that are not results."""


def building_statistics(runs: Sequence[Run], ensemble: Ensemble, folder: Path) -> pd.DataFrame | None:
    """A row a building: ``probability_<cm>`` of every threshold, ``max_depth_mean``, ``max_depth_sd``,
    ``max_depth_p<percent>`` [m], ``arrival_p<percent>`` [s, NaN where it comes in fewer members].

    Returns
    -------
    DataFrame or None
        With the columns ``feature``, ``id``, ``building_id`` and ``geometry`` of the members; a building that only
        some members have is dry in the others. None where the members have no such table.
    """  # noqa: D205 - one sentence
    import pandas as pd

    if not all((run.folder / "buildings.parquet").is_file() for run in runs):
        return None
    first = runs[0].table("buildings")
    table = first[[name for name in SHOWN if name in first]]
    for run in runs[1:]:
        other = run.table("buildings")
        new = ~other["feature"].isin(table["feature"])
        if new.any():
            table = pd.concat([table, other.loc[new, list(table.columns)]], ignore_index=True)
    rows = pd.Index(table["feature"])

    def fill(depth: NDArray[np.float32], arrival: NDArray[np.float32]) -> None:
        for number, run in enumerate(runs):
            own = run.table("buildings").set_index("feature").reindex(rows)
            depth[number] = own["max_depth"].fillna(0.0)
            arrival[number] = own["arrival_s"].fillna(np.inf)

    return table.assign(**_columns(len(runs), len(table), ensemble, folder, fill))


def link_statistics(
    runs: Sequence[Run], ensemble: Ensemble, layer: NetworkLayer, is_open: NDArray[np.bool_], folder: Path
) -> pd.DataFrame:
    """A row a row of ``layer.links``, with the columns of :func:`building_statistics` but the arrival.

    The depth on a link is the worst along it, less the height of a deck; an underground link has none.

    Parameters
    ----------
    runs : sequence of Run
    ensemble : Ensemble
    layer : NetworkLayer
        In the runs' frame.
    is_open : ndarray (ny, nx)
        Land that is no building.
    folder : Path
        For what does not stay in memory.
    """
    import geopandas as gpd

    is_building = np.isnan(runs[0].map(DEPTH))
    cell, start, above = cells_of_links(runs[0].grid, layer, is_open, is_building)
    inside = np.add.reduceat((cell >= 0).astype(np.int64), start) > 0 if len(start) else np.zeros(0, dtype=bool)

    def fill(depth: NDArray[np.float32], arrival: NDArray[np.float32]) -> None:
        del arrival
        for number, run in enumerate(runs):
            along = np.where(cell >= 0, np.nan_to_num(run.map(DEPTH), nan=0.0).reshape(-1)[cell], np.float32(0))
            depth[number] = np.maximum(np.maximum.reduceat(along, start) - above, 0.0) if len(start) else 0.0

    columns = _columns(len(runs), len(start), ensemble, folder, fill, has_arrival=False)
    names = layer.links["id"].astype(str) if "id" in layer.links else layer.links.index.astype(str)
    table = gpd.GeoDataFrame(
        {"link": np.arange(len(start)), "id": names.to_numpy(), **columns},
        geometry=layer.links.geometry.to_numpy(),
        crs=layer.links.crs,
    )
    shown: pd.DataFrame = table[inside].reset_index(drop=True)
    return shown


def people_on_cells(layer: VectorLayer, column: str, grid: Grid, is_open: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Persons in each cell, (ny, nx): those of a polygon that live in the area, evenly over its open land there.

    Raises
    ------
    LayerError
        If the layer lacks the column.
    """
    import shapely

    shapes = layer.table.geometry.to_numpy()
    number = np.nan_to_num(layer.numbers(column), nan=0.0)
    whole = shapely.area(shapes)
    inside = shapely.area(shapely.intersection(shapes, shapely.box(*grid.bounds)))
    persons = number * np.divide(inside, whole, out=np.zeros_like(whole), where=whole > 0)
    owner = burn(list(shapes), grid)
    owner[~is_open] = -1
    cells = np.bincount(owner[owner >= 0], minlength=len(shapes))
    each = np.divide(persons, cells, out=np.zeros_like(persons), where=cells > 0)
    return np.where(owner >= 0, each[owner], 0.0).astype(np.float32)


def _columns(
    members: int,
    places: int,
    ensemble: Ensemble,
    folder: Path,
    fill: Callable[[NDArray[np.float32], NDArray[np.float32]], None],
    *,
    has_arrival: bool = True,
) -> dict[str, NDArray[np.float32]]:
    """Statistics of places; the values of all members lie on disk and are taken in blocks."""
    depth, arrival = (_stored(folder / f"{name}.draft", members, places) for name in ("depth", "arrival"))
    fill(depth, arrival)
    out: dict[str, NDArray[np.float32]] = {}

    def put(name: str, part: slice, values: Any) -> None:
        out.setdefault(name, np.empty(places, dtype=np.float32))[part] = values

    for part in _parts(members, places):
        block = np.array(depth[:, part])
        for threshold in ensemble.thresholds:
            put(f"probability_{centimetres(threshold)}", part, share_over(block, threshold))
        mean, spread = mean_and_spread(block)
        put("max_depth_mean", part, mean)
        put("max_depth_sd", part, spread)
        for percent, level in zip(ensemble.percentiles, percentiles(block, ensemble.percentiles), strict=True):
            put(f"max_depth_p{percent:02d}", part, level)
        if has_arrival:
            times = percentiles(np.array(arrival[:, part]), ensemble.percentiles)
            for percent, time in zip(ensemble.percentiles, times, strict=True):
                put(f"arrival_p{percent:02d}", part, time)
    return out


def _stored(path: Path, members: int, places: int) -> NDArray[np.float32]:
    # a file of no bytes cannot be mapped
    return np.memmap(path, dtype=np.float32, mode="w+", shape=(members, max(places, 1)))[:, :places]


def _parts(members: int, places: int) -> Iterator[slice]:
    step = max(BLOCK_VALUES // members, 1)
    for first in range(0, max(places, 1), step):
        yield slice(first, min(first + step, places))
