"""What a case's files become before a scenario can name them: rasters, series, points and polygons."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
from pydantic import Field

from sim.validation.shape import GRAVITY, AnyShape
from sim.validation.table import Table, column_of
from twin.errors import LayerError
from twin.scenario import Finite, Positive, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.grid import Grid

__all__ = ["AnySource", "FileSource", "ValueSource"]


class ShapeRaster(Section):
    """A raster from a formula."""

    kind: Literal["shape"]
    form: AnyShape

    def write(self, folder: Path, grid: Grid, path: Path) -> None:
        """Write it to `path`."""
        del folder
        _write_raster(path, self.form.on(grid), grid)


class TableRaster(Section):
    """A raster from a table of points: along x alone, or in the plane.

    Parameters
    ----------
    table : Table
    x, y : str
        Columns of the positions; without `y` every row of the raster is the same.
    value : str
        Column of the values; linear between the positions along x, and in the plane at exactly the cell centres.
    """

    kind: Literal["table"]
    table: Table
    x: str
    y: str | None = None
    value: str

    def write(self, folder: Path, grid: Grid, path: Path) -> None:
        """Write it to `path`."""
        table, where = self.table.read(folder), self.table.file
        x, value = column_of(table, self.x, where), column_of(table, self.value, where)
        if self.y is None:
            order = np.argsort(x)
            values = np.tile(np.interp(grid.x_cell, x[order], value[order]), (grid.shape[0], 1))
        else:
            values = np.full(grid.shape, np.nan)
            values[grid.row_col(x, column_of(table, self.y, where))] = value
        _write_raster(path, values, grid)


class Reframed(Section):
    """A raster whose file says its place wrongly or not at all.

    Parameters
    ----------
    file : str
        Relative to the case's folder.
    crs : str
        System of its coordinates; empty: the scenario's.
    shift : (dx, dy)
        Added to its coordinates, in their unit: half a cell for values at nodes that are written as cells, -360 for
        longitudes that count eastward all the way.
    offset : float
        Added to its values.
    """

    kind: Literal["raster"]
    file: str
    crs: str = ""
    shift: tuple[Finite, Finite] = (0.0, 0.0)
    offset: Finite = 0.0

    def write(self, folder: Path, grid: Grid, path: Path) -> None:
        """Write it to `path`, with its own cells."""
        import rasterio
        from affine import Affine
        from rasterio.errors import RasterioError

        del grid
        try:
            with rasterio.open(folder / self.file) as source:
                values = source.read(1, masked=True).astype(np.float64).filled(np.nan) + self.offset
                transform = Affine.translation(*self.shift) @ source.transform
        except RasterioError as error:
            raise LayerError(
                f"cannot be read ({error})", where=str(folder / self.file), remedy="Fetch the case again."
            ) from error
        _write(path, values.astype(np.float32), transform, self.crs or None)


class Zones(Section):
    """A raster with one value inside a polygon and another outside.

    Parameters
    ----------
    table : Table
        Corners of the polygon.
    x, y : str
    inside, outside : float
    """

    kind: Literal["zones"]
    table: Table
    x: str = "x"
    y: str = "y"
    inside: Finite
    outside: Finite

    def write(self, folder: Path, grid: Grid, path: Path) -> None:
        """Write it to `path`."""
        from shapely import Polygon

        from twin.footprint import burn

        table, where = self.table.read(folder), self.table.file
        ring = Polygon(np.c_[column_of(table, self.x, where), column_of(table, self.y, where)])
        _write_raster(path, np.where(burn([ring], grid) >= 0, self.inside, self.outside), grid)


class SeriesFile(Section):
    """A series in time from two columns of a table.

    Parameters
    ----------
    table : Table
    time, value : str
        Columns.
    scale, offset : float
        value = scale * value of the table + offset.
    zero_by : float or None
        The mean over that many seconds at the beginning is taken off first.
    then : float or None
        Value from right after the last time on; the last one holds by default.
    from_depth : float or None
        `value` is the velocity [m/s] of a wave maker in water of this depth [m] at rest; what is written is the
        unit discharge [m2/s] of the simple wave that enters: h = (sqrt(g h0) + u/2)^2 / g along its characteristics
        (Stoker 1957, Water Waves, ch. 10).
    """

    kind: Literal["series"]
    table: Table
    time: str
    value: str
    scale: Finite = 1.0
    offset: Finite = 0.0
    zero_by: Positive | None = None
    then: Finite | None = None
    from_depth: Positive | None = None

    def write(self, folder: Path, grid: Grid, path: Path) -> None:
        """Write it to `path`."""
        del grid
        table, where = self.table.read(folder), self.table.file
        time, value = column_of(table, self.time, where), column_of(table, self.value, where)
        if self.zero_by is not None:
            value = value - value[time <= time[0] + self.zero_by].mean()
        if self.from_depth is not None:
            value = value * (np.sqrt(GRAVITY * self.from_depth) + 0.5 * value) ** 2 / GRAVITY
        value = self.scale * value + self.offset
        if self.then is not None:
            time, value = np.r_[time, time[-1] + 1e-3], np.r_[value, self.then]
        _write_series(path, time, value)


class Points(Section):
    """Named points from a table: gauges of a scenario.

    Parameters
    ----------
    table : Table
    x, y : str
        Columns.
    name : str
        What the points are called, from the columns: ``"G{id:.0f}"``; ``{place}`` is the entry of `places`.
    places : tuple of str
        Names in the order of the rows.
    crs : str
        System of the coordinates where it is not the area's, longitudes from -180 or from 0 on.
    """

    kind: Literal["points"]
    table: Table
    x: str
    y: str
    name: str
    places: tuple[str, ...] = ()
    crs: str = ""

    def value(self, folder: Path, grid: Grid) -> dict[str, list[float]]:
        """Name -> [x, y]."""
        from twin.frame import Frame

        table, where = self.table.read(folder), self.table.file
        x, y = column_of(table, self.x, where), column_of(table, self.y, where)
        if self.crs:
            x, y, _ = grid.frame.from_(Frame(self.crs, None), np.where(x > 180.0, x - 360.0, x), y)
        rows: list[dict[str, Any]] = [{str(k): v for k, v in row.items()} for row in table.to_dict(orient="records")]
        for row, place in zip(rows, self.places, strict=False):
            row["place"] = place
        return {self.name.format(**row): [float(a), float(b)] for row, a, b in zip(rows, x, y, strict=True)}


class Buildings(Section):
    """Buildings of a scenario, from polygons.

    Parameters
    ----------
    files : tuple of str
        GeoJSON files, or CSV files of the corners (x, y in the first two columns, one header line).
    height : float
        [m].
    """

    kind: Literal["buildings"]
    files: tuple[str, ...]
    height: Positive

    def value(self, folder: Path, grid: Grid) -> list[dict[str, Any]]:
        """Edits of the scenario."""
        del grid
        rings = [ring for name in self.files for ring in _rings(folder / name)]
        return [{"kind": "building", "polygon": ring, "height": self.height} for ring in rings]


FileSource = ShapeRaster | TableRaster | Reframed | Zones | SeriesFile
ValueSource = Points | Buildings
AnySource = Annotated[FileSource | ValueSource, Field(discriminator="kind")]
"""A source, told apart by its ``kind``."""


def _rings(path: Path) -> list[list[list[float]]]:
    try:
        if path.suffix == ".geojson":
            features = json.loads(path.read_text(encoding="utf-8"))["features"]
            return [[list(map(float, p[:2])) for p in f["geometry"]["coordinates"][0][:-1]] for f in features]
        lines = list(csv.reader(path.read_text(encoding="utf-8").splitlines()))[1:]
        return [[[float(row[0]), float(row[1])] for row in lines if row]]
    except (OSError, ValueError, KeyError, IndexError) as error:
        raise LayerError(
            f"holds no polygon ({type(error).__name__}: {error})", where=str(path), remedy="Fetch the case again."
        ) from error


def _write_series(path: Path, time: NDArray[np.float64], value: NDArray[np.float64]) -> None:
    rows = np.c_[time, value][np.isfinite(time) & np.isfinite(value)]
    np.savetxt(path, rows, delimiter=",", header="time_s,value", comments="", fmt="%.9g")


def _write_raster(path: Path, values: NDArray[np.float64], grid: Grid) -> None:
    from affine import Affine

    _write(path, values.astype(np.float32), Affine(*grid.affine), None)


def _write(path: Path, values: NDArray[np.float32], transform: Any, crs: str | None) -> None:
    import rasterio

    ny, nx = values.shape
    with rasterio.open(
        path, "w", driver="GTiff", height=ny, width=nx, count=1, dtype="float32", nodata=np.nan,
        transform=transform, crs=crs, compress="deflate",
    ) as file:  # fmt: skip
        file.write(values, 1)
