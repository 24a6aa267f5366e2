"""Survey points: LAS and LAZ 1.2 to 1.4 (COPC files are read as the LAZ files they are), and what is made of them.

A file is read in chunks; of LAZ 1.4 only coordinates and classes are decompressed. :func:`stream_points` never holds
more than a chunk, so a raster can be made of a file that does not fit into memory (:func:`read_pointcloud_ground`).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from layers.bounds import bounds_in
from layers.datum import HeightUnit, crs_of, heights_of, horizontal_code, with_heights
from layers.raster import round_size
from layers.source import opened
from twin.errors import FrameError, LayerError
from twin.frame import Frame
from twin.grid import Grid
from twin.layer import Access, CloudLayer, Provenance, RasterLayer
from twin.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    import laspy
    from numpy.typing import NDArray
    from pyproj import CRS

    from layers.bounds import Bounds
    from layers.datum import Heights
    from layers.source import Source

    Chunk = tuple[NDArray[np.float64], NDArray[np.uint8]]

__all__ = ["ground_raster", "mean_heights", "read_pointcloud", "read_pointcloud_ground"]

CHUNK = 1_000_000
"""Points that are decompressed at a time."""


@dataclass(frozen=True, slots=True)
class _Survey:
    """An open file: where its points are and how they come into the city's frame."""

    source: Source
    header: laspy.LasHeader
    own: Frame
    frame: Frame
    heights: Heights
    where: str


def read_pointcloud(
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
    classes: tuple[int, ...] | None = None,
    height_datum: str | None = None,
    height_unit: HeightUnit | None = None,
    geoid: str | None = None,
) -> CloudLayer:
    """Points with their classes in the city's frame, those inside the area.

    Parameters
    ----------
    uri : str
        ``.las`` or ``.laz``.
    layer_id, frame, area, licence, access, date
        As every reader takes them (:mod:`layers.registry`).
    vertical : str, optional
        Datum of the heights where the file does not say it in a compound system.
    crs : str, optional
        Horizontal system; goes before the file's own.
    classes : tuple of int, optional
        ASPRS classes to keep (2 ground, 6 building, 9 water); all by default.
    height_datum, height_unit, geoid : optional
        As :func:`layers.elevation.read_elevation`.

    Raises
    ------
    LayerError
        If the file is bad, its system or height datum is unknown, or its points do not fit into memory.
    FrameError
        If its heights are above another datum than the city's.
    """
    where = f"layer {layer_id}: {uri}"
    wanted = _wanted(classes, where)
    parts: list[Chunk] = []
    n_read = 0
    with _survey(uri, frame, where, crs, vertical, height_datum, height_unit, geoid) as survey:
        for xyz, kind in _chunks(survey, area):
            keep = wanted[kind]
            parts.append((xyz[keep], kind[keep]) if not keep.all() else (xyz, kind))
            n_read += len(parts[-1][1])
            # the chunks so far are about to be joined: room for them once more
            require_memory(n_read * 25, f"{where}: {n_read} points", remedy="Choose a smaller area or fewer classes.")
        n_file, sha256 = survey.header.point_count, survey.source.sha256
    xyz = np.concatenate([p[0] for p in parts]) if parts else np.empty((0, 3))
    kind = np.concatenate([p[1] for p in parts]) if parts else np.empty(0, dtype=np.uint8)
    notes = () if len(kind) == n_file else (f"{len(kind)} of {n_file} points lie in the area and the wanted classes",)
    return CloudLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, sha256, access, notes),
        xyz=xyz,
        classification=kind,
    )


def read_pointcloud_ground(
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
    classes: tuple[int, ...] = (2,),
    height_datum: str | None = None,
    height_unit: HeightUnit | None = None,
    geoid: str | None = None,
) -> RasterLayer:
    """Mean height of the points of some classes in each cell, made chunk by chunk: the file may be larger than memory.

    Parameters
    ----------
    cell_size : float, optional
        Edge of a cell [m]; by default a round size at which a cell holds about four points.
    classes : tuple of int
        ASPRS classes, ground by default.
    uri, layer_id, frame, area, licence, access, date, vertical, crs, height_datum, height_unit, geoid
        As :func:`read_pointcloud`.

    Raises
    ------
    LayerError, FrameError
        As :func:`read_pointcloud`, and if no point of the classes lies in the area.
    """
    where = f"layer {layer_id}: {uri}"
    with _survey(uri, frame, where, crs, vertical, height_datum, height_unit, geoid) as survey:
        grid = _grid_over(survey, area, cell_size)
        values, count = mean_heights(_chunks(survey, grid.bounds), grid, classes, where)
        sha256 = survey.source.sha256
    if not count.any():
        raise LayerError(
            f"no point of class {', '.join(map(str, classes))} lies in the area",
            where=where,
            remedy="Check the area and `options: {classes: [...]}`.",
        )
    notes = (f"mean of {int(count.sum())} points; {int((count == 0).sum())} of {grid.size} cells hold none",)
    return RasterLayer(
        id=layer_id,
        frame=frame,
        provenance=Provenance(uri, licence, date, sha256, access, notes),
        grid=grid,
        values=values,
        units="m",
    )


def ground_raster(
    points: CloudLayer, grid: Grid, *, classes: Collection[int] = (2,), layer_id: str = "terrain"
) -> RasterLayer:
    """Mean height of a cloud's points of some classes in each cell; NaN where there is none.

    Parameters
    ----------
    points : CloudLayer
    grid : Grid
        In the cloud's frame.
    classes : collection of int
        ASPRS classes, ground by default.
    layer_id : str

    Raises
    ------
    LayerError
        If the class codes are out of range or the grid does not fit into memory.
    FrameError
        If grid and points are in different frames.
    """
    if points.frame != grid.frame:
        raise FrameError(
            f"points are in {points.frame}, the grid in {grid.frame}",
            where=f"layer {points.id}",
            remedy="Make the grid in the layer's frame.",
        )
    chunks = [(points.xyz, points.classification)]
    values, count = mean_heights(chunks, grid, classes, f"layer {layer_id}")
    note = f"mean of {int(count.sum())} points; {int((count == 0).sum())} of {grid.size} cells hold none"
    source = points.provenance
    return RasterLayer(
        id=layer_id,
        frame=grid.frame,
        provenance=Provenance(
            source.source, source.licence, source.date, source.sha256, source.access, (*source.notes, note)
        ),
        grid=grid,
        values=values,
        units="m",
    )


def mean_heights(
    chunks: Iterable[Chunk], grid: Grid, classes: Collection[int], where: str
) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """(ny, nx) mean heights (NaN without a point) and numbers of points, of chunks ((n, 3) coordinates, (n,) classes).

    Raises
    ------
    LayerError
        If the grid does not fit into memory or a class code is out of range.
    """
    from layers.kernels import add_points

    grid.require_memory(24, where)
    wanted = _wanted(classes, where)
    total = np.zeros(grid.shape)
    count = np.zeros(grid.shape, dtype=np.int32)
    for xyz, kind in chunks:
        add_points(xyz, kind, wanted, grid.west, grid.north, grid.cell_size, total, count)
    mean = np.full(grid.shape, np.nan, dtype=np.float32)
    np.divide(total, count, out=mean, where=count > 0, casting="unsafe")
    return mean, count


@contextmanager
def _survey(
    uri: str,
    frame: Frame,
    where: str,
    crs: str | None,
    vertical: str | None,
    height_datum: str | None,
    height_unit: HeightUnit | None,
    geoid: str | None,
) -> Iterator[_Survey]:
    import laspy

    with opened(uri, where) as source:
        try:
            with laspy.open(source.path) as file:
                header = file.header
        except (laspy.errors.LaspyException, ValueError, OSError, RuntimeError) as error:
            raise _unreadable(where, error) from error
        stated = _stated(header, crs is None, where)
        known = crs_of(crs, where) if crs is not None else stated
        if known is None:
            raise LayerError(
                "states no coordinate system", where=where, remedy="State it in the catalogue: `crs: EPSG:6674`."
            )
        heights = heights_of(
            stated=vertical,
            file_crs=with_heights(known, stated),
            frame=frame,
            height_datum=height_datum,
            height_unit=height_unit,
            geoid=geoid,
            where=where,
        )
        yield _Survey(source, header, Frame(horizontal_code(known), None), frame, heights, where)


def _stated(header: laspy.LasHeader, is_needed: bool, where: str) -> CRS | None:
    """System in the file's own records."""
    import laspy
    from pyproj.exceptions import CRSError

    try:
        found: CRS | None = header.parse_crs()
    except (CRSError, laspy.errors.LaspyException, ValueError, KeyError) as error:
        if not is_needed:
            return None
        raise LayerError(
            f"the coordinate system in it cannot be understood ({error})",
            where=where,
            remedy="State it in the catalogue: `crs: EPSG:6674`.",
        ) from error
    return found


def _chunks(survey: _Survey, area: Bounds | None) -> Iterator[Chunk]:
    """Points in `area`, in the city's frame, chunk by chunk."""
    import laspy

    from layers.kernels import select_points

    header, frame = survey.header, survey.frame
    box = np.array([-np.inf, -np.inf, np.inf, np.inf])
    is_same = survey.own.horizontal == frame.horizontal
    if area is not None:
        box = np.array(_own_box(survey, area))
    needed = laspy.DecompressionSelection
    selection = needed.XY_RETURNS_CHANNEL | needed.Z | needed.CLASSIFICATION
    try:
        with laspy.open(survey.source.path, decompression_selection=selection) as file:
            n_read = 0
            for points in file.chunk_iterator(CHUNK):
                record = points.array
                n_read += len(record)
                xyz, kind = np.empty((len(record), 3)), np.empty(len(record), dtype=np.uint8)
                given = np.ascontiguousarray(points.classification, dtype=np.uint8)
                n = select_points(
                    record["X"], record["Y"], record["Z"], given, header.scales, header.offsets, box, xyz, kind
                )
                yield _to_city(survey, xyz[:n], kind[:n], None if is_same else area)
        if n_read != header.point_count:  # laspy only logs it
            raise _unreadable(survey.where, f"{n_read} points of {header.point_count} are there")
    except (laspy.errors.LaspyException, ValueError, OSError, RuntimeError) as error:
        raise _unreadable(survey.where, error) from error


def _own_box(survey: _Survey, area: Bounds) -> Bounds:
    """The area in the file's own system.

    Raises
    ------
    LayerError
        If the file's box and the area have nothing in common.
    """
    try:
        box = bounds_in(area, survey.frame, survey.own)
    except FrameError as error:
        raise FrameError(error.what, where=survey.where, remedy=error.remedy) from error
    low, high = survey.header.mins, survey.header.maxs
    if low[0] > box[2] or high[0] < box[0] or low[1] > box[3] or high[1] < box[1]:
        raise LayerError(
            f"its points lie in ({low[0]:.6g}, {low[1]:.6g}, {high[0]:.6g}, {high[1]:.6g}), the area asked for is"
            f" ({', '.join(f'{v:.6g}' for v in box)}) there",
            where=survey.where,
            remedy="Check `crs` in the catalogue and the area.",
        )
    return box


def _to_city(survey: _Survey, xyz: NDArray[np.float64], kind: NDArray[np.uint8], area: Bounds | None) -> Chunk:
    if survey.own.horizontal != survey.frame.horizontal and len(xyz):
        try:
            xyz[:, 0], xyz[:, 1], _ = survey.frame.from_(survey.own, xyz[:, 0], xyz[:, 1])
        except FrameError as error:
            raise FrameError(error.what, where=survey.where, remedy=error.remedy) from error
    if area is not None:
        # the box in the file's own system is wider than the area: the rest goes here
        x, y = xyz[:, 0], xyz[:, 1]
        inside = (x >= area[0]) & (x <= area[2]) & (y >= area[1]) & (y <= area[3])
        xyz, kind = xyz[inside], kind[inside]
    if not survey.heights.is_identity and len(xyz):
        xyz[:, 2] = survey.heights.to_city(xyz[:, 0], xyz[:, 1], xyz[:, 2])
        known = np.isfinite(xyz[:, 2])
        xyz, kind = xyz[known], kind[known]
    return xyz, kind


def _grid_over(survey: _Survey, area: Bounds | None, cell_size: float | None) -> Grid:
    header = survey.header
    box: Bounds = (header.mins[0], header.mins[1], header.maxs[0], header.maxs[1])
    west, south, east, north = (float(v) for v in bounds_in(box, survey.own, survey.frame))
    size = cell_size
    if size is None:
        size = round_size(2.0 * float(np.sqrt(max((east - west) * (north - south), 1.0) / max(header.point_count, 1))))
    elif not size > 0:
        raise LayerError(f"option 'cell_size' is {size} m", where=survey.where, remedy="Give a positive size.")
    if area is not None:
        _own_box(survey, area)
        west, south, east, north = max(west, area[0]), max(south, area[1]), min(east, area[2]), min(north, area[3])
    west, south = np.floor(west / size) * size, np.floor(south / size) * size
    # a point on the east or north edge still lies in a cell
    east, north = (np.floor(east / size) + 1) * size, (np.floor(north / size) + 1) * size
    return Grid.from_bounds((float(west), float(south), float(east), float(north)), size, survey.frame)


def _wanted(classes: Collection[int] | None, where: str) -> NDArray[np.bool_]:
    """(256,) whether each class is wanted."""
    if classes is None:
        return np.ones(256, dtype=bool)
    wanted = np.zeros(256, dtype=bool)
    for code in classes:
        if not 0 <= code <= 255:
            raise LayerError(f"class {code} does not exist", where=where, remedy="ASPRS classes are 0 to 255.")
        wanted[code] = True
    return wanted


def _unreadable(where: str, error: Exception | str) -> LayerError:
    return LayerError(
        f"cannot be read as LAS or LAZ ({error})",
        where=where,
        remedy="The file is damaged or cut short: fetch it again.",
    )
