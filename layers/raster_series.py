"""Rasters that follow each other in time: CF NetCDF files, or a list of raster files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from affine import Affine
from pyproj import CRS
from pyproj.exceptions import CRSError

from layers.bounds import bounds_in
from layers.datum import crs_of, horizontal_code
from layers.raster import Raster, onto, read_gdal
from twin.errors import LayerError
from twin.frame import Frame
from twin.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from layers.bounds import Bounds
    from twin.grid import Grid

__all__ = ["RasterSeries", "Resampler", "read_cf_series", "read_file_series"]

SECONDS = {
    "s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "minute": 60.0, "minutes": 60.0, "h": 3600.0,
    "hr": 3600.0, "hour": 3600.0, "hours": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0,
}  # fmt: skip
CALENDARS = {"", "standard", "gregorian", "proleptic_gregorian"}
MARGIN = 2
"""Cells beyond the area that are kept: a neighbour of an edge cell."""


@dataclass(frozen=True, slots=True, eq=False)
class RasterSeries:
    """One raster at several times.

    Parameters
    ----------
    times : ndarray of float64 (n,)
        Ascending [s].
    values : ndarray of float32 (n, ny, nx)
        NaN where the file says nothing; row 0 is the northern one.
    transform : Affine
        (column, row) of a cell's corner to (x, y).
    crs : CRS
    units : str
        As the file says, "" where it says none.
    """

    times: NDArray[np.float64]
    values: NDArray[np.float32]
    transform: Affine
    crs: CRS
    units: str


class Resampler:
    """Brings frames of a series onto a grid.

    A raster whose cells are at least two thirds of the grid's gives each grid cell the value of the raster cell that
    holds its centre; a finer one gives the mean of what lies in the grid cell.

    Parameters
    ----------
    series : RasterSeries
    grid : Grid
    where : str
        Named in errors.
    nearest : bool
        Never the mean: for classes.
    """

    def __init__(self, series: RasterSeries, grid: Grid, where: str, *, nearest: bool = False) -> None:
        self.series, self.grid, self.where = series, grid, where
        ny, nx = series.values.shape[1:]
        t = series.transform
        own = Frame(horizontal_code(series.crs), None)
        west, south, east, north = bounds_in((t.c, t.f + ny * t.e, t.c + nx * t.a, t.f), own, grid.frame)
        size = float(np.sqrt((east - west) * (north - south) / (ny * nx)))
        self.index = self._nearest(own) if nearest or size >= grid.cell_size / 1.5 else None

    def frame(self, number: int) -> NDArray[np.float32]:
        """Values of a frame on the grid (ny, nx), NaN where the file says nothing."""
        values = self.series.values[number]
        if self.index is None:
            return onto(Raster(values, self.series.transform, self.series.crs), self.grid, self.where)
        # the last entry stands for cells that the raster does not reach
        return np.append(values.reshape(-1), np.float32(np.nan))[self.index]

    def _nearest(self, own: Frame) -> NDArray[np.int32]:
        from rasterio.enums import Resampling
        from rasterio.warp import reproject

        ny, nx = self.series.values.shape[1:]
        index = np.full(self.grid.shape, -1, dtype=np.int32)
        reproject(
            np.arange(ny * nx, dtype=np.int32).reshape(ny, nx),
            index,
            src_transform=self.series.transform,
            src_crs=own.wkt(),
            dst_transform=Affine(*self.grid.affine),
            dst_crs=self.grid.frame.wkt(),
            src_nodata=-1,
            dst_nodata=-1,
            resampling=Resampling.nearest,
        )
        return index


def read_file_series(
    files: Sequence[tuple[float, Path, str]], *, crs: str | None, frame: Frame, area: Bounds
) -> RasterSeries:
    """Series from (time [s], path, name in errors) of GeoTIFF or Esri ASCII files on one and the same raster.

    Parameters
    ----------
    crs : str or None
        Of files that state none; `frame`'s by default.
    frame, area : Frame, (west, south, east, north)
        What is needed.

    Raises
    ------
    LayerError
        If a file cannot be read, does not touch the area or is another raster than the first.
    """
    from layers.esri_ascii import read_esri_ascii

    rasters = []
    for _, path, where in files:
        if path.suffix.lower() == ".asc":
            raster = read_esri_ascii(path, where, nodata=None)
        else:
            raster = read_gdal(path, where, crs=crs, frame=frame, area=area)
        rasters.append(raster)
        first = rasters[0]
        same = raster.values.shape == first.values.shape and raster.transform.almost_equals(first.transform, 1e-6)
        if not same or raster.crs != first.crs:
            raise LayerError(
                f"has {raster.values.shape} cells with {tuple(raster.transform)[:6]} in the area, "
                f"{files[0][2]} has {first.values.shape} with {tuple(first.transform)[:6]}",
                where=where,
                remedy="Give files of one and the same raster.",
            )
        require_memory(raster.values.nbytes * len(files), where)
    stated = rasters[0].crs or (crs_of(crs, files[0][2]) if crs else frame.crs())
    times = np.array([time for time, _, _ in files], dtype=np.float64)
    return RasterSeries(times, np.stack([r.values for r in rasters]), rasters[0].transform, stated, "")


def read_cf_series(
    path: Path,
    where: str,
    *,
    variable: str,
    zero: datetime | None,
    crs: str | None,
    frame: Frame,
    area: Bounds,
) -> RasterSeries:
    """Series from a variable over time, y and x of a NetCDF file that keeps to the CF conventions.

    Parameters
    ----------
    variable : str
        "" for the only one.
    zero : datetime or None
        The moment that is 0 s, with its offset; the file's first by default. A file whose times have no date counts
        from 0 s.
    crs, frame, area
        As for `read_file_series`.

    Raises
    ------
    LayerError
        If it is no such file, its axes are not regular, or it does not touch the area.
    """
    import xarray as xr

    with path.open("rb") as stream:
        engine = "scipy" if stream.read(3) == b"CDF" else "h5netcdf"
    try:
        data = xr.open_dataset(path, engine=engine, decode_times=False, decode_coords="all")
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise LayerError(f"is no NetCDF file ({error})", where=where, remedy="Give NetCDF 3 or 4 (CF).") from error
    with data:
        array = _variable(data, variable, where)
        t, y, x = _axes(array, where)
        array = array.transpose(t, y, x)
        times = _seconds(array[t], zero, where)
        known = _system(data, array, y, crs, frame, where)
        xs, ys = _centres(array[x], where), _centres(array[y], where)
        if ys[0] < ys[-1]:
            array, ys = array.isel({y: slice(None, None, -1)}), ys[::-1]
        if xs[0] > xs[-1]:
            array, xs = array.isel({x: slice(None, None, -1)}), xs[::-1]
        box = bounds_in(area, frame, Frame(horizontal_code(known), None))
        dx, dy = xs[1] - xs[0], ys[0] - ys[1]
        cols = np.flatnonzero((xs > box[0] - (MARGIN + 0.5) * dx) & (xs < box[2] + (MARGIN + 0.5) * dx))
        rows = np.flatnonzero((ys > box[1] - (MARGIN + 0.5) * dy) & (ys < box[3] + (MARGIN + 0.5) * dy))
        if not len(cols) or not len(rows):
            raise LayerError(
                f"covers x {xs[0]:g} to {xs[-1]:g}, y {ys[-1]:g} to {ys[0]:g}, the area there is {box}",
                where=where,
                remedy="Give a raster of the same place, or its crs.",
            )
        require_memory(len(times) * len(rows) * len(cols) * 12, where)
        part = array.isel({y: slice(rows[0], rows[-1] + 1), x: slice(cols[0], cols[-1] + 1)})
        try:
            values = np.ascontiguousarray(part.to_numpy(), dtype=np.float32)
        except (OSError, ValueError, TypeError) as error:
            raise LayerError(f"cannot be read ({error})", where=where, remedy="The file is damaged.") from error
        units = str(array.attrs.get("units", ""))
    transform = Affine(dx, 0.0, xs[cols[0]] - 0.5 * dx, 0.0, -dy, ys[rows[0]] + 0.5 * dy)
    return RasterSeries(times, values, transform, known, units)


def _variable(data: xr.Dataset, name: str, where: str) -> xr.DataArray:
    found = [str(key) for key, array in data.data_vars.items() if array.ndim == 3]
    if name not in found if name else len(found) != 1:
        wanted = f"no variable {name!r} over time, y and x" if name else f"{len(found)} variables over time, y and x"
        raise LayerError(
            f"has {wanted}: {', '.join(found) or 'none'}", where=where, remedy="Name one of them: `variable`."
        )
    return data[name or found[0]]


def _axes(array: xr.DataArray, where: str) -> tuple[str, str, str]:
    marks = {
        "T": ("time",),
        "Y": ("y", "lat", "latitude", "northing", "projection_y_coordinate"),
        "X": ("x", "lon", "longitude", "easting", "projection_x_coordinate"),
    }
    out = []
    for axis, names in marks.items():
        mine = [
            str(dim)
            for dim in array.dims
            if dim in array.coords
            and (
                array[dim].attrs.get("axis") == axis
                or str(array[dim].attrs.get("standard_name", "")) in names
                or str(dim).lower() in names
            )
        ]
        if len(mine) != 1:
            raise LayerError(
                f"{array.name} has dimensions {', '.join(map(str, array.dims))}, none of which is told to be {axis}",
                where=where,
                remedy="Give coordinate variables time, y and x, or the attribute axis of CF.",
            )
        out.append(mine[0])
    return out[0], out[1], out[2]


def _seconds(time: xr.DataArray, zero: datetime | None, where: str) -> NDArray[np.float64]:
    """Times [s] after `zero`."""
    import pandas as pd

    text = str(time.attrs.get("units", ""))
    unit, _, since = (part.strip() for part in text.partition(" since "))
    scale = SECONDS.get(unit.lower())
    if scale is None or str(time.attrs.get("calendar", "")).lower() not in CALENDARS:
        raise LayerError(
            f"time is in {text!r}, calendar {time.attrs.get('calendar', 'standard')!r}",
            where=where,
            remedy="Give 'seconds since 2018-07-06 00:00:00' in the standard calendar.",
        )
    values: NDArray[np.float64] = np.asarray(time.to_numpy(), dtype=np.float64) * scale
    if not len(values) or not np.isfinite(values).all() or np.any(np.diff(values) <= 0):
        raise LayerError("times do not increase", where=where, remedy="Sort the file by time.")
    if not since:
        if zero is not None:
            raise LayerError("its times have no date", where=where, remedy="Leave `zero` out.")
        return values
    if zero is None:
        return values - float(values[0])
    try:
        epoch = pd.Timestamp(since)
    except ValueError as error:
        raise LayerError(f"time is in {text!r}", where=where, remedy="Give an ISO date after 'since'.") from error
    # CF: a date without an offset is UTC
    epoch = epoch.tz_localize("UTC") if epoch.tzinfo is None else epoch.tz_convert("UTC")
    return np.asarray(values + (epoch - pd.Timestamp(zero)).total_seconds(), dtype=np.float64)


def _system(data: xr.Dataset, array: xr.DataArray, y: str, crs: str | None, frame: Frame, where: str) -> CRS:
    mapping = array.attrs.get("grid_mapping", array.encoding.get("grid_mapping"))
    if mapping is not None and str(mapping) in data.variables:
        try:
            return CRS.from_cf({str(k): _plain(v) for k, v in data[str(mapping)].attrs.items()})
        except (CRSError, KeyError) as error:
            raise LayerError(
                f"PROJ does not understand its grid mapping {mapping} ({error})", where=where, remedy="Give `crs`."
            ) from error
    if crs is not None:
        return crs_of(crs, where)
    if "degree" in str(array[y].attrs.get("units", "")):
        return CRS.from_epsg(4326)
    return frame.crs()


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


def _centres(axis: xr.DataArray, where: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = np.asarray(axis.to_numpy(), dtype=np.float64)
    steps = np.diff(values)
    if len(values) < 2 or not np.isfinite(steps).all() or steps[0] == 0 or np.ptp(steps) > 1e-3 * abs(steps.mean()):
        raise LayerError(
            f"{axis.name} is no regular axis of at least two cells", where=where, remedy="Give evenly spaced cells."
        )
    return values
