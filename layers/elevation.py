"""Elevation rasters: GeoTIFF (and what else GDAL reads), Esri ASCII, the GSI's JPGIS GML."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS

from layers.bounds import bounds_in
from layers.datum import HeightUnit, crs_of, heights_of, horizontal_code, with_heights
from layers.esri_ascii import read_esri_ascii
from layers.gsi_dem import read_gsi_dem
from layers.raster import Raster, grid_for, onto, read_gdal
from layers.source import member_names, opened, unpacked
from twin.errors import FrameError, LayerError
from twin.frame import GEOGRAPHIC
from twin.layer import Access, Provenance, RasterLayer

if TYPE_CHECKING:
    from pathlib import Path

    from layers.bounds import Bounds
    from layers.datum import Heights
    from twin.frame import Frame
    from twin.grid import Grid

__all__ = ["read_elevation"]

_ASCII = (".asc", ".grd")
_GML = (".xml", ".gml")
_TIFF = (".tif", ".tiff")


def read_elevation(
    uri: str,
    *,
    layer_id: str,
    frame: Frame,
    area: Bounds | None = None,
    licence: str = "",
    access: Access = Access.OPEN,
    date: str = "",
    vertical: str | None = None,
    crs: str | None = None,
    cell_size: float | None = None,
    band: int = 1,
    nodata: float | None = None,
    height_datum: str | None = None,
    height_unit: HeightUnit | None = None,
    geoid: str | None = None,
    member: str | None = None,
) -> RasterLayer:
    """Heights of the ground on a grid of the city's frame.

    Parameters
    ----------
    uri : str
        GeoTIFF, Esri ASCII grid (``.asc``), GSI mesh (``.xml``), or a zip archive with one of the first two or any
        number of the last, which are joined; coarser meshes fill what finer ones leave open.
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).
    vertical : str, optional
        Datum of the heights where the file does not say it in a compound system.
    crs : str, optional
        Horizontal system; goes before the file's own.
    cell_size : float, optional
        Edge of the layer's cells [m]. By default the file's own cells are kept where its system is the city's; else
        cells of a round size near the file's. Cells are interpolated bilinearly, averaged where they grow.
    band : int
        Band of a GeoTIFF.
    nodata : float, optional
        A missing value that the file does not declare.
    height_datum : str, optional
        Local datum, e.g. ``O.P.`` (:data:`twin.frame.DATUM_OFFSETS`).
    height_unit : {"m", "ft", "us-ft"}, optional
    geoid : str, optional
        Raster of geoid heights, subtracted from ellipsoidal heights.
    member : str, optional
        File in a zip archive that holds several.

    Raises
    ------
    LayerError
        If the file is bad, its system or height datum is unknown, or it does not touch the area.
    FrameError
        If its heights are above another datum than the city's.
    """
    where = f"layer {layer_id}: {uri}"
    if cell_size is not None and not cell_size > 0:
        raise LayerError(f"option 'cell_size' is {cell_size} m", where=where, remedy="Give a positive size.")
    notes: list[str] = []
    with opened(uri, where) as source, ExitStack() as stack:
        path = _file(source.path, member, stack, where)
        rasters = _read(path, where, crs=crs, frame=frame, area=area, band=band, nodata=nodata)
        sha256 = source.sha256
    heights = heights_of(
        stated=vertical,
        file_crs=with_heights(None if crs is None else crs_of(crs, where), rasters[0].crs),
        frame=frame,
        height_datum=height_datum,
        height_unit=height_unit,
        geoid=geoid,
        where=where,
    )
    placed = [_placed(raster, crs, where, notes) for raster in rasters]
    grid = grid_for(_span(placed), frame, area, cell_size, where)
    values = onto(placed[0], grid, where)
    for coarser in placed[1:]:
        values = np.where(np.isnan(values), onto(coarser, grid, where), values)
    values = _shifted(values, grid, heights)
    if not np.isfinite(values).any():
        raise LayerError("has no height in the area", where=where, remedy="Choose another area or another file.")
    missing = int(np.isnan(values).sum())
    if missing:
        notes.append(f"{missing} of {values.size} cells have no height")
    return RasterLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, sha256, access, tuple(notes)),
        grid=grid,
        values=values,
        units="m",
    )


def _file(path: Path, member: str | None, stack: ExitStack, where: str) -> Path:
    """The file to read: `path`, or the one raster in a zip archive (GSI meshes stay in it)."""
    if path.suffix.lower() != ".zip":
        return path
    rasters = member_names(path, (*_TIFF, *_ASCII), where)
    if member is not None:
        rasters = [name for name in rasters if name == member or name.endswith(f"/{member}")]
        if not rasters:
            raise LayerError(f"has no raster {member!r}", where=where, remedy="Check option 'member'.")
    if len(rasters) > 1:
        raise LayerError(
            f"holds {len(rasters)} rasters ({', '.join(rasters[:3])}, ...)", where=where, remedy="Name one in `member`."
        )
    return stack.enter_context(unpacked(path, rasters[0], where)) if rasters else path


def _read(
    path: Path, where: str, *, crs: str | None, frame: Frame, area: Bounds | None, band: int, nodata: float | None
) -> list[Raster]:
    suffix = path.suffix.lower()
    if suffix in _ASCII:
        return [read_esri_ascii(path, where, nodata=nodata)]
    if suffix in (*_GML, ".zip"):
        return read_gsi_dem(path, where, within=_degrees(area, frame))
    return [read_gdal(path, where, crs=crs, frame=frame, area=area, band=band, nodata=nodata)]


def _degrees(area: Bounds | None, frame: Frame) -> Bounds | None:
    if area is None:
        return None
    return bounds_in(area, frame, GEOGRAPHIC)


def _placed(raster: Raster, stated: str | None, where: str, notes: list[str]) -> Raster:
    """`raster` with a system that is known: the catalogue's before the file's."""
    if stated is None:
        if raster.crs is None:
            raise LayerError(
                "states no coordinate system", where=where, remedy="State it in the catalogue: `crs: EPSG:6674`."
            )
        return raster
    known = crs_of(stated, where)
    if raster.crs is not None and horizontal_code(raster.crs) != horizontal_code(known):
        notes.append(f"read as {stated}, as the catalogue says; the file says {raster.crs.name}")
    _require_degrees(known, raster, where)
    return replace(raster, crs=known)


def _require_degrees(crs: CRS, raster: Raster, where: str) -> None:
    west, south, east, north = raster.bounds
    if crs.is_geographic and not (-360 <= west <= 360 and south >= -91 and north <= 91 and east <= 540):
        raise FrameError(
            f"lies at ({west:.6g}, {south:.6g}), which are no degrees of {crs.name}",
            where=where,
            remedy="State the file's real system in `crs`.",
        )


def _span(rasters: list[Raster]) -> Raster:
    """The finest raster's cells over the place of all of them, without values to look at: for choosing a grid."""
    first = rasters[0]
    if len(rasters) == 1:
        return first
    boxes = [raster.bounds for raster in rasters]
    west, north = min(b[0] for b in boxes), max(b[3] for b in boxes)
    east, south = max(b[2] for b in boxes), min(b[1] for b in boxes)
    t = first.transform
    shape = max(1, round((north - south) / -t.e)), max(1, round((east - west) / t.a))
    transform = type(t)(t.a, 0.0, west, 0.0, t.e, north)
    return Raster(np.broadcast_to(np.float32(0), shape), transform, first.crs)


def _shifted(
    values: np.ndarray[tuple[int, int], np.dtype[np.float32]], grid: Grid, heights: Heights
) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    if heights.is_identity:
        return values
    x, y = np.meshgrid(grid.x_cell, grid.y_cell)
    z = heights.to_city(x.ravel(), y.ravel(), values.ravel().astype(np.float64))
    return z.astype(np.float32).reshape(grid.shape)
