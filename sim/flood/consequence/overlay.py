"""Rasters of a flood under polygons: shares of cells, and what a cell inside a building stands for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from twin.grid import Grid

__all__ = ["REACH", "Filling", "Overlay", "largest_class"]

REACH = 10.0
"""Farthest open cell that tells the water in a building's cell [cells]."""
TIE = 1e-6
"""Relative difference of areas that counts as a tie: they come from sums of coverage fractions."""


@dataclass(frozen=True, slots=True, eq=False)
class Filling:
    """Where the water of a cell is read: cells that a building shuts show that of the nearest open cell on land.

    Parameters
    ----------
    source : ndarray of int64 (ny, nx)
        Flat cell to read; -1 where nothing is known (outside the domain, a building's middle far from open ground).
    is_land : ndarray of bool (ny, nx)
        Neither sea nor river nor outside the domain.
    """

    source: NDArray[np.int64]
    is_land: NDArray[np.bool_]

    @classmethod
    def of(cls, ground: Ground, *, raised: bool) -> Filling:
        """Parameters: the ground; whether building cells that are no walls stand raised in the water (``block``)."""
        is_building = ground.building_cell >= 0
        shut = is_building & (ground.is_wall | raised)
        is_open = ground.is_land & ~ground.is_wall & ~shut
        own = np.arange(ground.grid.size).reshape(ground.grid.shape)
        source = np.where(is_open, own, -1)
        inside = shut & np.isfinite(ground.bed)
        if inside.any() and is_open.any():
            away, (row, col) = ndimage.distance_transform_edt(~is_open, return_indices=True)
            near = inside & (away <= REACH)
            source[near] = (row * ground.grid.shape[1] + col)[near]
        return cls(source, is_open | inside)

    def fill(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """`values` as a flood map shows them: NaN off the land, 0 where nothing is known or the value is missing."""
        read = np.where(self.source >= 0, values.reshape(-1)[np.maximum(self.source, 0)], np.float32(0.0))
        return np.where(self.is_land, np.nan_to_num(read, nan=0.0), np.float32(np.nan)).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Overlay:
    """Cells under polygons, exactly: what `exactextract` computes.

    Parameters
    ----------
    feature, cell : ndarray of int64 (n,)
        Polygon and flat cell of each piece.
    area : ndarray of float64 (n,)
        Of each piece [m2].
    count : int
        Number of polygons.
    """

    feature: NDArray[np.int64]
    cell: NDArray[np.int64]
    area: NDArray[np.float64]
    count: int

    @classmethod
    def of(cls, shapes: NDArray[np.object_], grid: Grid) -> Overlay:
        """Lay polygons [m in the area's frame] over a grid; None and empty ones have no pieces."""
        import geopandas as gpd
        import shapely
        from exactextract import exact_extract
        from exactextract.raster import NumPyRasterSource

        none = np.zeros(0, dtype=np.int64)
        is_shape = ~shapely.is_missing(shapes) & ~shapely.is_empty(shapes)
        west, south, east, north = grid.bounds
        is_shape &= shapely.intersects(shapes, shapely.box(west, south, east, north))
        which = np.flatnonzero(is_shape)
        if not len(which):
            return cls(none, none, none.astype(np.float64), len(shapes))
        raster = NumPyRasterSource(
            np.zeros(grid.shape, dtype=np.uint8), xmin=west, ymin=south, xmax=east, ymax=north, srs_wkt=grid.frame.wkt()
        )
        polygons = gpd.GeoDataFrame(geometry=shapes[which], crs=grid.frame.wkt())
        found = exact_extract(raster, polygons, ["cell_id", "coverage"], output="pandas")
        sizes = [len(cells) for cells in found["cell_id"]]
        return cls(
            np.repeat(which, sizes).astype(np.int64),
            np.concatenate(found["cell_id"].to_list()).astype(np.int64),
            np.concatenate(found["coverage"].to_list()).astype(np.float64) * grid.cell_area,
            len(shapes),
        )

    def area_by_class(self, classes: NDArray[np.int8], n: int) -> NDArray[np.float64]:
        """Area of each polygon in classes 0 to `n` [m2], (count, n + 1); `classes` (ny, nx), -1 counts nowhere."""
        found = classes.reshape(-1)[self.cell].astype(np.int64)
        keep = found >= 0
        out = np.zeros((self.count, n + 1))
        np.add.at(out, (self.feature[keep], found[keep]), self.area[keep])
        return out

    def mean_where(self, values: NDArray[np.float32], least: float) -> NDArray[np.float64]:
        """Mean of `values` over the part of each polygon where they are at least `least`; 0 without such a part."""
        here = values.reshape(-1)[self.cell].astype(np.float64)
        weight = np.where(here >= least, self.area, 0.0)
        total = np.bincount(self.feature, weight, self.count)
        gained = np.bincount(self.feature, weight * np.where(here >= least, here, 0.0), self.count)
        return np.divide(gained, total, out=np.zeros(self.count), where=total > 0)


def largest_class(area: NDArray[np.float64]) -> NDArray[np.int8]:
    """Class from 1 on with the largest area in each row, the more dangerous (higher) of two; 0 where there is none.

    PLATEAU's rule for a building that several ranks of an inundation zone touch. What stays dry does not count.

    Examples
    --------
    >>> [int(c) for c in largest_class(np.array([[90.0, 4.0, 4.0], [9.0, 0.0, 0.0], [0.0, 7.0, 2.0]]))]
    [2, 0, 1]
    """
    wet = area[:, 1:]
    most = wet.max(axis=1, initial=0.0)
    is_most = (wet >= most[:, None] * (1.0 - TIE)) & (wet > 0)
    highest = wet.shape[1] - np.argmax(is_most[:, ::-1], axis=1)
    return np.where(is_most.any(axis=1), highest, 0).astype(np.int8)
