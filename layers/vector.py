"""Points, lines and polygons with attributes: GeoPackage, GeoJSON, shapefile, CSV with coordinates; also in a zip."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS

from layers.column import columns_said
from layers.datum import crs_of, heights_of, horizontal_code, vertical_code
from layers.features import fetch_table
from twin.errors import FrameError, LayerError
from twin.frame import Frame
from twin.layer import Access, Provenance, VectorLayer

if TYPE_CHECKING:
    import geopandas as gpd

    from layers.bounds import Bounds

__all__ = ["in_frame", "read_vector"]


def read_vector(
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
    layer: str | None = None,
    member: str | None = None,
    encoding: str | None = None,
    x: str | None = None,
    y: str | None = None,
    columns: tuple[str, ...] | None = None,
) -> VectorLayer:
    """Features with attributes in the city's frame; those that touch the area, whole.

    Parameters
    ----------
    uri : str
        ``.gpkg``, ``.geojson``, ``.shp``, ``.fgb``, ``.csv``, or a zip archive with one of them.
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).
    vertical : str, optional
        Datum of the geometries' heights. Where neither it nor the file says it, heights are left out, with a note.
    crs : str, optional
        Horizontal system; goes before the file's own. Needed for CSV.
    layer : str, optional
        Layer of a GeoPackage that has several.
    member : str, optional
        File in a zip archive that holds several.
    encoding : str, optional
        Of the text in a shapefile or CSV; by default UTF-8, and cp932 (Shift JIS) where it is not that.
    x, y : str, optional
        Columns of a CSV that hold east and north, or longitude and latitude; usual names are found.
    columns : tuple of str, optional
        Attributes to keep, and to demand.

    Raises
    ------
    LayerError
        If the file is bad, its system unknown, a column or layer is missing, or everything lies outside the city.
    FrameError
        If coordinates cannot be of the stated system, or heights are above another datum.
    """
    where = f"layer {layer_id}: {uri}"
    notes: list[str] = []
    near = None if area is None else (frame, area)
    table, sha256 = fetch_table(uri, where, member=member, layer=layer, encoding=encoding, x=x, y=y, crs=crs, area=near)
    if columns is not None:
        missing = [c for c in columns if c not in table.columns]
        if missing:
            raise LayerError(f"has no column {missing[0]!r}", where=where, remedy=columns_said(table))
        table = table[[*columns, table.geometry.name]]
    table = in_frame(table, frame, area, vertical=vertical, crs=crs, notes=notes, where=where)
    return VectorLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, sha256, access, tuple(notes)),
        table=table,
    )


def in_frame(
    table: gpd.GeoDataFrame,
    frame: Frame,
    area: Bounds | None,
    *,
    vertical: str | None,
    crs: str | None,
    notes: list[str],
    where: str,
) -> gpd.GeoDataFrame:
    """Features moved into the city's frame, those without geometry left out, broken ones mended, cut to the area.

    Parameters
    ----------
    table : GeoDataFrame
        As the file has it.
    frame, area, vertical, crs
        As :func:`read_vector` takes them.
    notes : list of str
        What had to be left out or mended is added to it.
    where : str

    Raises
    ------
    LayerError, FrameError
        As :func:`read_vector`.
    """
    import geopandas as gpd
    import shapely

    own = crs_of(crs, where) if crs is not None else (None if table.crs is None else CRS(table.crs))
    if own is None:
        raise LayerError(
            "states no coordinate system", where=where, remedy="State it in the catalogue: `crs: EPSG:6668`."
        )
    if crs is not None and table.crs is not None and horizontal_code(CRS(table.crs)) != horizontal_code(own):
        notes.append(f"read as {crs}, as the catalogue says; the file says {CRS(table.crs).name}")
    shapes = np.asarray(table.geometry.array)
    usable = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes)) & np.isfinite(shapely.bounds(shapes)).all(axis=1)
    if not usable.all():
        notes.append(f"{int((~usable).sum())} of {len(shapes)} features have no geometry and are left out")
    table, shapes = table[usable], shapes[usable]
    shapes = _with_city_heights(shapes, own, vertical, frame, notes, where)
    source = Frame(horizontal_code(own), None)
    _require_plausible(shapes, source, where)
    given = shapely.total_bounds(shapes)
    shapes = _moved(shapes, source, frame, where)
    broken = ~shapely.is_valid(shapes)
    if broken.any():
        notes.append(f"{int(broken.sum())} geometries cross themselves and were mended")
        shapes[broken] = shapely.make_valid(shapes[broken])
    if area is not None and len(shapes):
        inside = shapely.intersects(shapes, shapely.box(*area))
        if not inside.any():
            if source.is_projected and np.abs(given[[0, 2]]).max() <= 360 and np.abs(given[[1, 3]]).max() <= 90:
                raise FrameError(
                    f"coordinates such as ({given[0]:.6g}, {given[1]:.6g}) look like degrees, not like {own.name}",
                    where=where,
                    remedy="State the file's real system in `crs` of the catalogue, e.g. EPSG:6668.",
                )
            _require_near(shapes, frame, where)
        table, shapes = table[inside], shapes[inside]
    kept = table.drop(columns=table.geometry.name).reset_index(drop=True)
    return gpd.GeoDataFrame(kept, geometry=list(shapes), crs=frame.wkt())


def _with_city_heights(
    shapes: np.ndarray[tuple[int], np.dtype[np.object_]],
    own: CRS,
    vertical: str | None,
    frame: Frame,
    notes: list[str],
    where: str,
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    """Heights are kept only where it is known that they are above the city's datum."""
    import shapely

    if not shapely.has_z(shapes).any():
        return shapes
    if vertical is None and (not own.is_compound or vertical_code(own) is None):
        notes.append("its heights are left out: nothing says above what they are (`vertical` in the catalogue)")
        return np.asarray(shapely.force_2d(shapes))
    heights_of(stated=vertical, file_crs=own, frame=frame, height_datum=None, height_unit=None, geoid=None, where=where)
    return shapes


def _require_plausible(shapes: np.ndarray[tuple[int], np.dtype[np.object_]], source: Frame, where: str) -> None:
    import shapely

    if source.is_projected or not len(shapes):
        return
    west, south, east, north = (float(v) for v in shapely.total_bounds(shapes))
    if not (west >= -180 and east <= 360 and south >= -90 and north <= 90):
        raise FrameError(
            f"coordinates from ({west:.6g}, {south:.6g}) to ({east:.6g}, {north:.6g}) are no degrees",
            where=where,
            remedy="State the file's real system in `crs` of the catalogue (and x before y in a CSV).",
        )


def _moved(
    shapes: np.ndarray[tuple[int], np.dtype[np.object_]], source: Frame, frame: Frame, where: str
) -> np.ndarray[tuple[int], np.dtype[np.object_]]:
    import shapely

    if source.horizontal == frame.horizontal or not len(shapes):
        return shapes
    try:
        x, y, _ = frame.from_(source, *shapely.get_coordinates(shapes).T)
    except FrameError as error:
        raise FrameError(error.what, where=where, remedy=error.remedy) from error
    z = shapely.get_coordinates(shapes, include_z=True)[:, 2]
    has_z = bool(shapely.has_z(shapes).any())
    return np.asarray(shapely.set_coordinates(shapes.copy(), np.column_stack([x, y, z] if has_z else [x, y])))


def _require_near(shapes: np.ndarray[tuple[int], np.dtype[np.object_]], frame: Frame, where: str) -> None:
    """Nothing in the area is fine; everything where the city's system is not even defined is a wrong system."""
    import shapely

    use = crs_of(frame.horizontal, where).area_of_use
    if use is None:
        return
    west, south, east, north = (float(v) for v in shapely.total_bounds(shapes))
    try:
        lon, lat, _ = Frame("EPSG:4326", None).from_(frame, [west, east], [south, north])
    except FrameError:
        lon, lat = np.array([np.inf, np.inf]), np.array([np.inf, np.inf])
    if lon[0] > use.east or lon[1] < use.west or lat[0] > use.north or lat[1] < use.south:
        raise FrameError(
            f"everything lies about {lon[0]:.4g} E, {lat[0]:.4g} N, where {frame.horizontal} is not used",
            where=where,
            remedy="State the file's real system in `crs` of the catalogue (and x before y in a CSV).",
        )
