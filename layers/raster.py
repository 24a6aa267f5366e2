"""Values on any raster, and how they come onto a grid of the city's frame."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from pyproj import CRS

from layers.bounds import bounds_in
from layers.datum import crs_of, horizontal_code
from layers.source import opened
from twin.errors import FrameError, LayerError
from twin.frame import Frame
from twin.grid import Grid
from twin.memory import require_memory

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from layers.bounds import Bounds

__all__ = ["Raster", "grid_for", "onto", "read_gdal", "round_size", "sample"]

_PLAUSIBLE = (-9000.0, 9000.0)
"""Heights of a city's ground [m or ft] that are taken at face value; beyond lie missing values nobody declared."""


@dataclass(frozen=True, slots=True, eq=False)
class Raster:
    """What a raster file holds.

    Parameters
    ----------
    values : ndarray of float32 (ny, nx)
        NaN where the file has no value.
    transform : Affine
        (column, row) of a cell's corner to (x, y).
    crs : CRS or None
        System the file states, with its height part if it states one.
    """

    values: NDArray[np.float32]
    transform: Affine
    crs: CRS | None

    @property
    def bounds(self) -> Bounds:
        """(west, south, east, north) in `crs`."""
        ny, nx = self.values.shape
        corners = [_at(self.transform, *corner) for corner in ((0, 0), (nx, 0), (0, ny), (nx, ny))]
        xs, ys = [c[0] for c in corners], [c[1] for c in corners]
        return min(xs), min(ys), max(xs), max(ys)


def read_gdal(
    path: Path,
    where: str,
    *,
    crs: str | None,
    frame: Frame,
    area: Bounds | None,
    band: int = 1,
    nodata: float | None = None,
) -> Raster:
    """Part of a raster file (GeoTIFF and what else GDAL reads) that `area` needs, as float32 with NaN.

    Raises
    ------
    LayerError
        If GDAL cannot read it, the band does not exist, it holds no real numbers, it does not touch the area, or it
        holds absurd heights (an undeclared missing value).
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError
    from rasterio.windows import Window

    try:
        with warnings.catch_warnings():
            # a file without place is told apart below, by its missing system
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            file = rasterio.open(path)
        with file:
            own = CRS.from_wkt(file.crs.to_wkt()) if file.crs else None
            if not 1 <= band <= file.count:
                raise LayerError(
                    f"option 'band' is {band}, the file has {file.count}", where=where, remedy="Name a band it has."
                )
            if np.dtype(file.dtypes[band - 1]).kind not in "iuf":
                raise LayerError(f"holds {file.dtypes[band - 1]} values", where=where, remedy="Give real numbers.")
            known = own if crs is None else crs_of(crs, where)
            row0, row1, col0, col1 = _window(file.transform, file.shape, known, frame, area, where)
            require_memory((row1 - row0) * (col1 - col0) * 12, where)
            window = Window(col0, row0, col1 - col0, row1 - row0)
            masked = file.read(band, window=window, masked=True)
            values = masked.astype(np.float32).filled(np.nan)
            values = values * np.float32(file.scales[band - 1]) + np.float32(file.offsets[band - 1])
            t = file.transform
            transform = Affine(t.a, t.b, _at(t, col0, row0)[0], t.d, t.e, _at(t, col0, row0)[1])
    except RasterioError as error:
        raise LayerError(
            f"GDAL cannot read it ({error})", where=where, remedy="The file is damaged or no raster: fetch it again."
        ) from error
    return Raster(cleaned(values, nodata, where), transform, own)


def cleaned(values: NDArray[np.float32], nodata: float | None, where: str) -> NDArray[np.float32]:
    """`values` with `nodata` and infinities as NaN.

    Raises
    ------
    LayerError
        If what is left cannot be heights of ground.
    """
    if nodata is not None:
        values = np.where(values == np.float32(nodata), np.float32(np.nan), values)
    values[~np.isfinite(values)] = np.nan
    if not np.isfinite(values).any():
        return values
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    worst = low if low < _PLAUSIBLE[0] else high
    if not (_PLAUSIBLE[0] <= low and high <= _PLAUSIBLE[1]):
        raise LayerError(
            f"{int((values == np.float32(worst)).sum())} cells hold {worst:g}, which is no height of ground",
            where=where,
            remedy=f"If it stands for a missing value, say so: `options: {{nodata: {worst:g}}}`.",
        )
    return values


def grid_for(raster: Raster, frame: Frame, area: Bounds | None, cell_size: float | None, where: str) -> Grid:
    """Grid in the city's frame for `raster`: its own cells where system and shape allow, else cells of a round size.

    Parameters
    ----------
    raster : Raster
        Its `crs` is known.
    frame : Frame
    area : tuple of float or None
        What is wanted, in `frame`.
    cell_size : float or None
        Edge of the wanted cells [m].

    Raises
    ------
    LayerError
        If `raster` and `area` have nothing in common.
    """
    assert raster.crs is not None
    t = raster.transform
    if _is_native(raster, frame) and (cell_size is None or math.isclose(cell_size, t.a, rel_tol=1e-6)):
        row0, row1, col0, col1 = _window(t, raster.values.shape, raster.crs, frame, area, where, margin=0)
        west, north = _at(t, col0, row0)
        return Grid((row1 - row0, col1 - col0), t.a, west, north, frame)
    west, south, east, north = _bounds_in(raster, frame)
    size = cell_size or round_size(_metric_size(raster, frame))
    if area is not None:
        west, south, east, north = max(west, area[0]), max(south, area[1]), min(east, area[2]), min(north, area[3])
    if not (west < east and south < north):
        raise _apart(_bounds_in(raster, frame), area, where)
    west, south = math.floor(west / size + 1e-9) * size, math.floor(south / size + 1e-9) * size
    east, north = math.ceil(east / size - 1e-9) * size, math.ceil(north / size - 1e-9) * size
    return Grid.from_bounds((west, south, east, north), size, frame)


def onto(raster: Raster, grid: Grid, where: str) -> NDArray[np.float32]:
    """Values of `raster` on `grid`: copied where the cells are the same, else bilinear, the mean where cells grow."""
    from rasterio.enums import Resampling
    from rasterio.warp import reproject

    assert raster.crs is not None
    grid.require_memory(8, where)
    t = raster.transform
    if _is_native(raster, grid.frame) and math.isclose(t.a, grid.cell_size, rel_tol=1e-6):
        col, row = (grid.west - t.c) / t.a, (grid.north - t.f) / t.e
        if abs(col - round(col)) < 1e-3 and abs(row - round(row)) < 1e-3:
            c, r = round(col), round(row)
            ny, nx = grid.shape
            if r >= 0 and c >= 0 and r + ny <= raster.values.shape[0] and c + nx <= raster.values.shape[1]:
                return np.ascontiguousarray(raster.values[r : r + ny, c : c + nx])
    out = np.full(grid.shape, np.nan, dtype=np.float32)
    coarser = grid.cell_size > 1.5 * _metric_size(raster, grid.frame)
    reproject(
        raster.values,
        out,
        src_transform=t,
        src_crs=Frame(horizontal_code(raster.crs), None).wkt(),
        dst_transform=Affine(*grid.affine),
        dst_crs=grid.frame.wkt(),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=Resampling.average if coarser else Resampling.bilinear,
    )
    return out


def sample(uri: str, frame: Frame, x: NDArray[np.float64], y: NDArray[np.float64], where: str) -> NDArray[np.float64]:
    """Bilinear values of a raster file at points (x, y) [m in `frame`]; NaN beyond its edge or beside a gap.

    Raises
    ------
    LayerError
        If the file cannot be read, states no system or does not touch the points.
    """
    bounds = (float(np.min(x)), float(np.min(y)), float(np.max(x)) + 1e-3, float(np.max(y)) + 1e-3)
    with opened(uri, where) as source:
        raster = read_gdal(source.path, where, crs=None, frame=frame, area=bounds)
    if raster.crs is None:
        raise LayerError("states no coordinate system", where=where, remedy="Give a georeferenced raster.")
    xs, ys, _ = Frame(horizontal_code(raster.crs), None).from_(frame, x, y)
    inverse = ~raster.transform
    col = inverse.a * xs + inverse.b * ys + inverse.c - 0.5
    row = inverse.d * xs + inverse.e * ys + inverse.f - 0.5
    ny, nx = raster.values.shape
    inside = (col >= -0.5) & (row >= -0.5) & (col <= nx - 0.5) & (row <= ny - 0.5)
    col, row = np.clip(col, 0, nx - 1), np.clip(row, 0, ny - 1)
    c0, r0 = np.minimum(col.astype(np.int64), max(nx - 2, 0)), np.minimum(row.astype(np.int64), max(ny - 2, 0))
    c1, r1 = np.minimum(c0 + 1, nx - 1), np.minimum(r0 + 1, ny - 1)
    u, v, z = col - c0, row - r0, raster.values.astype(np.float64)
    top = z[r0, c0] * (1 - u) + z[r0, c1] * u
    low = z[r1, c0] * (1 - u) + z[r1, c1] * u
    return np.where(inside, top * (1 - v) + low * v, np.nan)


def _at(t: Affine, x: float, y: float) -> tuple[float, float]:
    # spelt out: the operator for it is another one in affine 2 and in affine 3
    return t.a * x + t.b * y + t.c, t.d * x + t.e * y + t.f


def _is_native(raster: Raster, frame: Frame) -> bool:
    assert raster.crs is not None
    t = raster.transform
    square = t.b == 0 == t.d and t.a > 0 > t.e and math.isclose(t.a, -t.e, rel_tol=1e-6)
    return square and horizontal_code(raster.crs) == horizontal_code(crs_of(frame.horizontal, "frame"))


def _bounds_in(raster: Raster, frame: Frame) -> Bounds:
    assert raster.crs is not None
    return bounds_in(raster.bounds, Frame(horizontal_code(raster.crs), None), frame)


def _metric_size(raster: Raster, frame: Frame) -> float:
    """Edge of a raster's cells in metres: the root of the area they have in the middle of it."""
    west, south, east, north = _bounds_in(raster, frame)
    return math.sqrt((east - west) * (north - south) / raster.values.size)


def round_size(metres: float) -> float:
    """The size among 1, 2, 2.5 and 5 times a power of ten that is nearest to `metres`."""
    decade = 10.0 ** math.floor(math.log10(metres))
    return min((decade * m for m in (1, 2, 2.5, 5, 10)), key=lambda size: abs(math.log(size / metres)))


def _window(
    transform: Affine,
    shape: tuple[int, ...],
    crs: CRS | None,
    frame: Frame,
    area: Bounds | None,
    where: str,
    margin: int = 2,
) -> tuple[int, int, int, int]:
    """(first row, last row, first column, last column) of the cells that `area` needs, ends excluded."""
    ny, nx = shape
    if area is None or crs is None:
        return 0, ny, 0, nx
    box = area
    own = Frame(horizontal_code(crs), None)
    if own.horizontal != frame.horizontal:
        try:
            box = bounds_in(area, frame, own)
        except FrameError as error:
            raise FrameError(error.what, where=where, remedy=error.remedy) from error
    inverse = ~transform
    corners = [_at(inverse, x, y) for x in (box[0], box[2]) for y in (box[1], box[3])]
    cols, rows = [c[0] for c in corners], [c[1] for c in corners]
    col0, col1 = max(0, math.floor(min(cols) + 1e-6) - margin), min(nx, math.ceil(max(cols) - 1e-6) + margin)
    row0, row1 = max(0, math.floor(min(rows) + 1e-6) - margin), min(ny, math.ceil(max(rows) - 1e-6) + margin)
    if col0 >= col1 or row0 >= row1:
        xs, ys = zip(*(_at(transform, *corner) for corner in ((0, 0), (nx, ny))), strict=True)
        raise _apart((min(xs), min(ys), max(xs), max(ys)), box, where)
    return row0, row1, col0, col1


def _apart(have: Bounds, want: Bounds | None, where: str) -> LayerError:
    return LayerError(
        f"covers ({', '.join(f'{v:.6g}' for v in have)}), the area asked for is"
        f" ({', '.join(f'{v:.6g}' for v in want or have)}) there",
        where=where,
        remedy="Check `crs` in the catalogue and the area; west, south, east, north.",
    )
