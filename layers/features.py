"""Tables of features as the file has them: GDAL's vector formats and CSV, before anything is moved or judged."""

from __future__ import annotations

import io
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypedDict, Unpack

from layers.bounds import bounds_in
from layers.datum import crs_of, horizontal_code
from layers.source import member_names, opened, unpacked
from twin.errors import LayerError
from twin.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import geopandas as gpd
    import pandas as pd

    from layers.bounds import Bounds

__all__ = ["feature_file", "fetch_table", "layer_names", "read_csv", "read_table"]

_SUFFIXES = (".gpkg", ".geojson", ".json", ".shp", ".csv", ".fgb")
_INDEXED = (".gpkg", ".shp", ".fgb")
_LARGE = 100_000_000
"""Bytes from which only the part of an indexed file that the area needs is read."""
_LON = ("lon", "lng", "long", "longitude", "経度", "x")
_LAT = ("lat", "latitude", "緯度", "y")


class TableOptions(TypedDict, total=False):
    """How a table is read; what is left out or None is what the file says of itself."""

    layer: str | None
    """Of a file with several."""
    encoding: str | None
    x: str | None
    """Column of the eastward coordinate of a CSV; `y`: of the northward one."""
    y: str | None
    crs: str | None
    """Coordinate system, where the file states none or a wrong one."""
    area: tuple[Frame, Bounds] | None
    """Frame and box: of a large file with an index only features whose boxes touch it are read."""


def fetch_table(
    uri: str, where: str, *, member: str | None = None, **options: Unpack[TableOptions]
) -> tuple[gpd.GeoDataFrame, str]:
    """Features of a file anywhere, also in a zip archive, in the file's own system; and the file's sha256.

    Raises
    ------
    LayerError
        If it cannot be read.
    """
    with opened(uri, where) as source, feature_file(source.path, member, where) as path:
        return read_table(path, where, **options), source.sha256


def read_table(path: Path, where: str, **options: Unpack[TableOptions]) -> gpd.GeoDataFrame:
    """Features of a local file, in the file's own system.

    If none lies in the area, one feature of any place is read, so that a wrong system shows.

    Raises
    ------
    LayerError
        If it cannot be read.
    """
    layer, encoding, crs = options.get("layer"), options.get("encoding"), options.get("crs")
    if path.suffix.lower() == ".csv":
        return _read_csv(path, where, encoding, options.get("x"), options.get("y"), crs)
    import pyogrio
    from pyogrio.errors import DataLayerError, DataSourceError

    try:
        names = [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
        if layer is None and len(names) > 1:
            raise LayerError(
                f"holds {len(names)} layers",
                where=where,
                remedy=f"Name one in `options: {{layer: ...}}`: {', '.join(names)}.",
            )
        if layer is not None and layer not in names:
            raise LayerError(f"has no layer {layer!r}", where=where, remedy=f"It has: {', '.join(names) or 'none'}.")
        if not names:
            raise LayerError("holds no layer with geometry", where=where, remedy="Fetch the file again.")
        layer = layer or names[0]
        table = _read_ogr(path, layer, encoding, _box(path, layer, crs, options.get("area"), where))
    except (DataSourceError, DataLayerError) as error:
        raise LayerError(
            f"GDAL cannot read it ({error})", where=where, remedy="The file is damaged or of another format."
        ) from error
    except UnicodeDecodeError as error:
        raise LayerError(
            f"its text is not {error.encoding}", where=where, remedy="State `options: {encoding: ...}`."
        ) from error
    return table


def layer_names(path: Path, where: str) -> list[str]:
    """Layers with geometry in a local file.

    Raises
    ------
    LayerError
        If it cannot be read.
    """
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        return [str(name) for name, kind in pyogrio.list_layers(path) if kind is not None]
    except DataSourceError as error:
        raise LayerError(
            f"GDAL cannot read it ({error})", where=where, remedy="The file is damaged or of another format."
        ) from error


def _box(path: Path, layer: str, crs: str | None, area: tuple[Frame, Bounds] | None, where: str) -> Bounds | None:
    import pyogrio

    if area is None or path.suffix.lower() not in _INDEXED or path.stat().st_size < _LARGE:
        return None
    stated = crs or pyogrio.read_info(path, layer=layer)["crs"]
    return bounds_in(area[1], area[0], Frame(horizontal_code(crs_of(stated, where)), None)) if stated else None


def _read_ogr(path: Path, layer: str, encoding: str | None, box: Bounds | None) -> gpd.GeoDataFrame:
    import pyogrio

    encodings: tuple[str | None, ...] = (None,)
    if path.suffix.lower() == ".shp" and (encoding or not path.with_suffix(".cpg").exists()):
        # a shapefile without .cpg says nothing about its text; Japanese ones are in UTF-8 or in cp932
        encodings = (encoding,) if encoding else ("UTF-8", "cp932")
    for attempt in encodings:
        try:
            table = pyogrio.read_dataframe(path, layer=layer, encoding=attempt, bbox=box)
            if box is not None and table.empty:
                table = pyogrio.read_dataframe(path, layer=layer, encoding=attempt, max_features=1)
        except UnicodeDecodeError:
            if attempt == encodings[-1]:
                raise
        else:
            return table
    raise AssertionError("the last encoding returns or raises")


@contextmanager
def feature_file(path: Path, member: str | None, where: str) -> Iterator[Path]:
    """The file with the features: `path`, or the one in a zip archive, unpacked for the time of reading.

    Raises
    ------
    LayerError
        If the archive is damaged, holds none, or several and `member` names none of them.
    """
    if path.suffix.lower() != ".zip":
        yield path
        return
    names = member_names(path, _SUFFIXES, where)
    if member is not None:
        names = [n for n in names if n == member or n.endswith(f"/{member}")]
    if len(names) != 1:
        what = f"holds {len(names)} files that could be meant" if names else f"holds no {member or 'vector file'}"
        remedy = f"Name one in `options: {{member: ...}}`: {', '.join(names[:5])}." if names else "Check the archive."
        raise LayerError(what, where=where, remedy=remedy)
    with unpacked(path, names[0], where) as file:
        yield file


def read_csv(path: Path, where: str, encoding: str | None = None) -> pd.DataFrame:
    """A CSV file as text columns; UTF-8, else cp932.

    Raises
    ------
    LayerError
        If it is no CSV in either encoding, or has no row.
    """
    import pandas as pd

    text = None
    raw = path.read_bytes()
    for candidate in (encoding,) if encoding else ("utf-8-sig", "cp932"):
        try:
            text = raw.decode(str(candidate))
            break
        except (UnicodeDecodeError, LookupError):
            continue
    if text is None:
        raise LayerError(
            f"its text is not {encoding or 'UTF-8 or cp932'}", where=where, remedy="State `options: {encoding: ...}`."
        )
    try:
        table = pd.read_csv(io.StringIO(text), dtype=str, keep_default_na=False, skipinitialspace=True)
    except (pd.errors.ParserError, pd.errors.EmptyDataError) as error:
        raise LayerError(f"is no CSV ({error})", where=where, remedy="Fetch the file again.") from error
    table.columns = [str(c).strip() for c in table.columns]
    return table


def _read_csv(
    path: Path, where: str, encoding: str | None, x: str | None, y: str | None, crs: str | None
) -> gpd.GeoDataFrame:
    import geopandas as gpd
    import pandas as pd

    table = read_csv(path, where, encoding)
    east, north = (_column(table, given, names, where) for given, names in ((x, _LON), (y, _LAT)))
    if crs is None:
        raise LayerError(
            "a CSV states no coordinate system",
            where=where,
            remedy="State it in the catalogue: `crs: EPSG:6668` for JGD2011 degrees.",
        )
    xs, ys = (pd.to_numeric(table[c], errors="coerce") for c in (east, north))
    known = crs_of(crs, where)
    for name in table.columns.drop([east, north]):
        numbers = pd.to_numeric(table[name].replace("", None), errors="coerce")
        # a column becomes numbers only if every filled cell is one: codes such as 0123 stay text
        filled = table[name] != ""
        if filled.any() and numbers[filled].notna().all() and not table[name].str.match(r"^0\d").any():
            table[name] = numbers
    points = gpd.points_from_xy(xs, ys, crs=known)
    return gpd.GeoDataFrame(table.drop(columns=[east, north]), geometry=points)


def _column(table: pd.DataFrame, given: str | None, names: Sequence[str], where: str) -> str:
    found = [c for c in table.columns if (c == given if given is not None else c.lower() in names)]
    if not found:
        raise LayerError(
            f"has no column {given!r}" if given is not None else f"has no column of coordinates ({', '.join(names)})",
            where=where,
            remedy=f"Name it in `options: {{x: ..., y: ...}}`; it has: {', '.join(map(str, table.columns))}.",
        )
    return str(found[0])
