"""Elevation of the Fundamental Geospatial Data (基盤地図情報 数値標高モデル, JPGIS GML): DEM1A, DEM5A-C, DEM10A-B.

One XML file is one mesh: a lattice in longitude and latitude whose points are the centres of its cells, listed from
the north-west corner row by row (``+x-y``), perhaps starting late (``startPoint``) and ending early; each tuple is a
kind of ground and a height, -9999 where there is none. They come in zip archives, and those in one zip archive again.
Source: 基盤地図情報ダウンロードデータ ファイル仕様書 (Geospatial Information Authority of Japan).
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine
from pyproj import CRS

from layers.raster import Raster, cleaned
from twin.errors import LayerError
from twin.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from lxml.etree import _Element
    from numpy.typing import NDArray

    from layers.bounds import Bounds

__all__ = ["read_gsi_dem"]

_NO_VALUE = -9999.0

_SYSTEMS = {
    "jgd2000.bl": "EPSG:4612+6694",
    "jgd2011.bl": "EPSG:6668+6695",
    # JGD2024 revised the heights alone; PROJ has no code for them yet, so the catalogue has to state `vertical`
    "jgd2024.bl": "EPSG:6668",
}
"""``srsName`` without its ``fguuid:``; heights are above Tokyo Peil in the realisation of the same year."""


@dataclass(frozen=True, slots=True, eq=False)
class _Tile:
    name: str
    system: str
    bounds: Bounds
    values: NDArray[np.float32]

    @property
    def spacing(self) -> tuple[int, int]:
        """(dlon, dlat) in thousandths of a second of arc."""
        west, south, east, north = self.bounds
        ny, nx = self.values.shape
        return round((east - west) / nx * 3.6e6), round((north - south) / ny * 3.6e6)


def read_gsi_dem(path: Path, where: str, *, within: Bounds | None) -> list[Raster]:
    """Mosaics of the meshes in an XML file or a zip archive, one for each spacing, finest first.

    Parameters
    ----------
    path : Path
    where : str
    within : tuple of float or None
        (west, south, east, north) [deg]; meshes outside are skipped.

    Returns
    -------
    list of Raster
        Longitude and latitude; where meshes overlap, DEM5A goes before DEM5B, the newer before the older.

    Raises
    ------
    LayerError
        If the archive or a file is damaged, or no mesh lies `within`.
    """
    groups: dict[tuple[int, int], list[_Tile]] = defaultdict(list)
    n_meshes = 0
    for name, text in _documents(path, where):
        n_meshes += 1
        if within is None or _touches(text, within):
            tile = _parse(text, f"{where}: {name}", name)
            groups[tile.spacing].append(tile)
    if not groups:
        raise LayerError(
            f"none of its {n_meshes} meshes lies in the area" if n_meshes else "holds no elevation mesh (.xml)",
            where=where,
            remedy="Fetch the meshes of the area from the Fundamental Geospatial Data (基盤地図情報).",
        )
    return [_mosaic(groups[spacing], where) for spacing in sorted(groups)]


def _documents(path: Path, where: str) -> Iterator[tuple[str, bytes]]:
    if path.suffix.lower() != ".zip":
        yield path.name, path.read_bytes()
        return
    try:
        yield from _members(path.read_bytes(), depth=0)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise LayerError(
            f"cannot be unpacked ({error})", where=where, remedy="The archive is damaged or cut short: fetch it again."
        ) from error


def _members(archive: bytes, depth: int) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        for name in sorted(members.namelist()):
            if name.lower().endswith(".xml") and "meta" not in name.lower():
                yield name.rpartition("/")[2], members.read(name)
            elif name.lower().endswith(".zip") and depth == 0:
                yield from _members(members.read(name), depth + 1)


def _touches(text: bytes, within: Bounds) -> bool:
    """Whether the envelope lies in the area, looked up in the head of the file without parsing it."""
    head = text[:8192]
    corners = [re.search(rb"<gml:%sCorner>\s*([\d.]+)\s+([\d.]+)" % which, head) for which in (b"lower", b"upper")]
    if corners[0] is None or corners[1] is None:
        return True
    (south, west), (north, east) = (tuple(map(float, c.groups())) for c in corners if c)
    return west < within[2] and east > within[0] and south < within[3] and north > within[1]


def _parse(text: bytes, where: str, name: str) -> _Tile:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    try:
        root = etree.fromstring(text, parser)
    except etree.XMLSyntaxError as error:
        raise LayerError(
            f"is not well-formed XML ({error.msg})", where=f"{where} line {error.lineno}", remedy="Fetch it again."
        ) from error
    envelope = _find(root, "Envelope", where)
    system = str(envelope.get("srsName", "")).rpartition("fguuid:")[2]
    if system not in _SYSTEMS:
        raise LayerError(
            f"srsName is {envelope.get('srsName')!r}",
            where=f"{where} line {envelope.sourceline}",
            remedy=f"Known: {', '.join('fguuid:' + s for s in _SYSTEMS)}.",
        )
    order = _find(root, "sequenceRule", where).get("order", "+x-y")
    if order != "+x-y":
        raise LayerError(f"the points run {order!r}", where=where, remedy="Only +x-y (from the north-west) is known.")
    south, west = _numbers(root, "lowerCorner", where)
    north, east = _numbers(root, "upperCorner", where)
    low, high = _numbers(root, "low", where), _numbers(root, "high", where)
    nx, ny = int(high[0] - low[0]) + 1, int(high[1] - low[1]) + 1
    if nx < 1 or ny < 1 or not (west < east and south < north):
        raise LayerError(f"a lattice of {nx} x {ny} points is empty", where=where, remedy="Fetch the file again.")
    first = _numbers(root, "startPoint", where)
    heights = _heights(_find(root, "tupleList", where), where)
    begin = int(first[0] - low[0]) + int(first[1] - low[1]) * nx
    if begin < 0 or begin + len(heights) > nx * ny:
        raise LayerError(
            f"{len(heights)} heights from point {begin} on do not fit into {nx} x {ny}",
            where=where,
            remedy="Fetch the file again.",
        )
    values = np.full(nx * ny, np.nan, dtype=np.float32)
    values[begin : begin + len(heights)] = np.where(heights == _NO_VALUE, np.nan, heights)
    return _Tile(name, system, (west, south, east, north), cleaned(values.reshape(ny, nx), None, where))


def _find(root: _Element, tag: str, where: str) -> _Element:
    found = next(root.iter(f"{{*}}{tag}"), None)
    if found is None:
        raise LayerError(f"has no element {tag}", where=where, remedy="Is this an elevation mesh of the GSI?")
    return found


def _numbers(root: _Element, tag: str, where: str) -> tuple[float, float]:
    element = _find(root, tag, where)
    try:
        first, second = (float(word) for word in (element.text or "").split())
    except ValueError as error:
        raise LayerError(
            f"{tag} is {element.text!r}", where=f"{where} line {element.sourceline}", remedy="Two numbers are needed."
        ) from error
    return first, second


def _heights(element: _Element, where: str) -> NDArray[np.float64]:
    tuples = (element.text or "").split()
    try:
        return np.fromiter((float(t.rpartition(",")[2]) for t in tuples), dtype=np.float64, count=len(tuples))
    except ValueError as error:
        for number, tuple_ in enumerate(tuples, start=1):
            if not re.fullmatch(r"[^,]*,[-+]?[\d.]+", tuple_):
                raise LayerError(
                    f"{tuple_!r} is no 'kind,height'",
                    where=f"{where} tuple {number}",
                    remedy="Fetch the file again.",
                ) from error
        raise LayerError(f"its heights cannot be read ({error})", where=where, remedy="Fetch it again.") from error


def _mosaic(tiles: list[_Tile], where: str) -> Raster:
    systems = {tile.system for tile in tiles}
    if len(systems) > 1:
        raise LayerError(
            f"mixes meshes of {' and '.join(sorted(systems))}", where=where, remedy="Read them as two layers."
        )
    west, north = min(t.bounds[0] for t in tiles), max(t.bounds[3] for t in tiles)
    east, south = max(t.bounds[2] for t in tiles), min(t.bounds[1] for t in tiles)
    dlon = (tiles[0].bounds[2] - tiles[0].bounds[0]) / tiles[0].values.shape[1]
    dlat = (tiles[0].bounds[3] - tiles[0].bounds[1]) / tiles[0].values.shape[0]
    shape = round((north - south) / dlat), round((east - west) / dlon)
    require_memory(shape[0] * shape[1] * 8, f"{where}: mosaic of {len(tiles)} meshes")
    values = np.full(shape, np.nan, dtype=np.float32)
    for tile in sorted(tiles, key=_rank, reverse=True):
        row, col = round((north - tile.bounds[3]) / dlat), round((tile.bounds[0] - west) / dlon)
        part = values[row : row + tile.values.shape[0], col : col + tile.values.shape[1]]
        np.copyto(part, tile.values, where=np.isfinite(tile.values))
    return Raster(values, Affine(dlon, 0, west, 0, -dlat, north), CRS(_SYSTEMS[tiles[0].system]))


def _rank(tile: _Tile) -> tuple[str, int]:
    """Best first: DEM5A (airborne laser) before DEM5B and DEM5C (photogrammetry), a newer survey before an older."""
    kind = re.search(r"DEM\d+([A-C])", tile.name)
    day = re.search(r"-(\d{8})", tile.name)
    return kind.group(1) if kind else "Z", -int(day.group(1)) if day else 0
