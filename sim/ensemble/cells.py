"""Members over the grid: probabilities and percentiles block by block, areas and people as running sums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.ensemble.fields import MEAN, SPREAD, arrival_name, depth_name, probability_name
from sim.ensemble.statistics import mean_and_spread, percentiles, share_over

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from sim.ensemble.definition import Ensemble
    from twin.grid import Grid
    from twin.store import Run

__all__ = ["DEPTH", "CellStatistics", "cell_statistics", "common_sea"]

DEPTH, ARRIVAL = "h_max_cell", "arrival_cell"
BLOCK_BYTES = 256_000_000
"""Memory of one block of all members."""
COPIES = 6
"""Arrays of a block that are alive at once: depths, arrivals, their sorted and compared copies."""
CHUNK = 512
"""Edge of a stored block of a map [cells]: smaller windows read it again."""


@dataclass(frozen=True, slots=True, eq=False)
class CellStatistics:
    """What the members say about the cells.

    Parameters
    ----------
    maps : mapping of str to ndarray (ny, nx)
        By registered name; on disk. NaN where no member has ground, or all have the sea.
    area : ndarray (members, thresholds)
        Flooded area of each member [m2].
    people : ndarray (members, thresholds) or None
        People in it.
    """

    maps: dict[str, NDArray[np.float32]]
    area: NDArray[np.float64]
    people: NDArray[np.float64] | None


def cell_statistics(
    runs: Sequence[Run],
    ensemble: Ensemble,
    sea: NDArray[np.bool_] | None,
    people: NDArray[np.float32] | None,
    folder: Path,
    tell: Callable[[float], None],
) -> CellStatistics:
    """Statistics of the members' maximum depth and arrival.

    Parameters
    ----------
    runs : sequence of Run
        Finished floods on one grid.
    ensemble : Ensemble
        Its thresholds and percentiles.
    sea : ndarray (ny, nx) or None
        Cells that are left out.
    people : ndarray (ny, nx) or None
        Persons in each cell.
    folder : Path
        The maps are kept in a file there, not in memory.
    tell : callable
        Called with the share that is done.
    """
    grid = runs[0].grid
    names = _names(runs[0], ensemble)
    stored = np.memmap(folder / "maps.draft", dtype=np.float32, mode="w+", shape=(len(names), *grid.shape))
    depths = np.zeros((len(runs), len(ensemble.thresholds)))
    persons = None if people is None else np.zeros_like(depths)
    windows = list(_windows(grid, len(runs)))
    has_arrival = arrival_name(ensemble.percentiles[0]) in names
    for number, (rows, cols) in enumerate(windows):
        tell(number / len(windows))
        block = _read(runs, DEPTH, rows, cols)
        known = np.isfinite(block).any(axis=0)
        if sea is not None:
            known &= ~sea[rows, cols]
        np.nan_to_num(block, copy=False, nan=0.0)  # a wall of this member
        found: dict[str, NDArray[np.float32]] = {}
        for k, threshold in enumerate(ensemble.thresholds):
            found[probability_name(threshold)] = share_over(block, threshold)
            is_wet = (block >= np.float32(threshold)) & known
            depths[:, k] += is_wet.sum(axis=(1, 2)) * grid.cell_area
            if people is not None and persons is not None:
                persons[:, k] += np.einsum("myx,yx->m", is_wet, people[rows, cols], dtype=np.float64)
        found[MEAN], found[SPREAD] = mean_and_spread(block)
        levels = percentiles(block, ensemble.percentiles)
        found |= {depth_name(p): values for p, values in zip(ensemble.percentiles, levels, strict=True)}
        if has_arrival:
            block = _read(runs, ARRIVAL, rows, cols)
            np.nan_to_num(block, copy=False, nan=np.inf)
            times = percentiles(block, ensemble.percentiles)
            found |= {arrival_name(p): values for p, values in zip(ensemble.percentiles, times, strict=True)}
        for k, name in enumerate(names):
            stored[k, rows, cols] = np.where(known, found[name], np.float32(np.nan))
    tell(1.0)
    return CellStatistics(dict(zip(names, stored, strict=True)), depths, persons)


def common_sea(runs: Sequence[Run]) -> NDArray[np.bool_] | None:
    """Cells that are sea or river in every member, (ny, nx); None where a scenario names no sea level.

    Where only the higher tides of some members reach at the start, the place is flooded in those.
    """
    common: NDArray[np.bool_] | None = None
    for run in runs:
        own = _sea_of(run)
        if own is None:
            return None
        common = own if common is None else common & own
    return common


def _sea_of(run: Run) -> NDArray[np.bool_] | None:
    """Sea and rivers of a flood: what its scenario's sea level fills; None where it names none."""
    if run.manifest()["scenario"].get("flood", {}).get("initial", {}).get("sea_level") is None:
        return None
    at_start: NDArray[np.bool_] = run.fields()["h_cell"][0].to_numpy() > 0
    return at_start


def _names(run: Run, ensemble: Ensemble) -> list[str]:
    names = [probability_name(threshold) for threshold in ensemble.thresholds]
    names += [MEAN, SPREAD, *(depth_name(percent) for percent in ensemble.percentiles)]
    if (run.folder / f"{ARRIVAL}.tif").is_file():
        names += [arrival_name(percent) for percent in ensemble.percentiles]
    return names


def _windows(grid: Grid, members: int) -> Iterator[tuple[slice, slice]]:
    """Squares that cover the grid, as large as the memory allows."""
    side = CHUNK
    while side > 8 and COPIES * 4 * members * side**2 > BLOCK_BYTES:
        side //= 2
    ny, nx = grid.shape
    for row in range(0, ny, side):
        for col in range(0, nx, side):
            yield slice(row, min(row + side, ny)), slice(col, min(col + side, nx))


def _read(runs: Sequence[Run], name: str, rows: slice, cols: slice) -> NDArray[np.float32]:
    """A part of every member's map, (members, rows, columns)."""
    import rasterio
    from rasterio.windows import Window

    window = Window.from_slices(rows, cols)
    out = np.empty((len(runs), rows.stop - rows.start, cols.stop - cols.start), dtype=np.float32)
    for number, run in enumerate(runs):
        with rasterio.open(run.map_path(name)) as source:
            source.read(1, window=window, out=out[number])
    return out
