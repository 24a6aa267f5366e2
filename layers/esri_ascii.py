"""Esri ASCII grids (``.asc``)."""

from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING

import numpy as np
from affine import Affine

from layers.datum import crs_of
from layers.raster import Raster, cleaned
from twin.errors import LayerError
from twin.memory import require_memory

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["read_esri_ascii"]

_NEEDED = ("ncols", "nrows", "cellsize")
_KEYS = {*_NEEDED, "xllcorner", "yllcorner", "xllcenter", "yllcenter", "nodata_value"}


def read_esri_ascii(path: Path, where: str, *, nodata: float | None = None) -> Raster:
    """An Esri ASCII grid; a ``.prj`` beside it gives its system.

    Raises
    ------
    LayerError
        If the header is incomplete or wrong, or the number of values is not rows times columns; names the line.
    """
    text = path.read_bytes()
    header, start, lines = _header(text, where)
    nx, ny = (_count(header, key, where) for key in ("ncols", "nrows"))
    size = header["cellsize"]
    if not (math.isfinite(size) and size > 0):
        raise LayerError(f"cellsize is {size}", where=where, remedy="It must be positive.")
    require_memory(nx * ny * 16, f"{where}: {ny} x {nx} cells")
    values = _values(text[start:], lines, where)
    if len(values) != nx * ny:
        raise LayerError(
            f"holds {len(values)} values, {ny} rows of {nx} are announced ({nx * ny})",
            where=where,
            remedy="The file is cut short or its header is wrong: fetch it again.",
        )
    missing = header.get("nodata_value", -9999.0)
    grid = values.astype(np.float32).reshape(ny, nx)
    grid[values.reshape(ny, nx) == missing] = np.nan
    west = _corner(header, "x", size, where)
    north = _corner(header, "y", size, where) + ny * size
    prj = path.with_suffix(".prj")
    crs = crs_of(prj.read_text(encoding="utf-8", errors="replace"), where) if prj.exists() else None
    return Raster(cleaned(grid, nodata, where), Affine(size, 0, west, 0, -size, north), crs)


def _header(text: bytes, where: str) -> tuple[dict[str, float], int, int]:
    """Header fields, the byte where the values start, and the lines before it."""
    header: dict[str, float] = {}
    start = 0
    for number in range(1, len(_KEYS) + 2):
        end = text.find(b"\n", start) + 1 or len(text)
        words = text[start:end].split()
        if not words or not words[0][:1].isalpha() or words[0].lower() in (b"nan", b"inf"):
            break
        key = words[0].decode("ascii", errors="replace").lower()
        if key not in _KEYS or key in header or len(words) != 2:
            raise LayerError(
                f"{text[start:end].strip()[:60]!r} is no line of a header",
                where=f"{where} line {number}",
                remedy="Expected: ncols, nrows, xllcorner, yllcorner, cellsize, NODATA_value, each with one number.",
            )
        try:
            header[key] = float(words[1])
        except ValueError as error:
            raise LayerError(
                f"{key} is {words[1]!r}", where=f"{where} line {number}", remedy="It must be a number."
            ) from error
        start = end
    for key in _NEEDED:
        if key not in header:
            raise LayerError(f"its header has no {key}", where=where, remedy="Is this an Esri ASCII grid?")
    return header, start, text[:start].count(b"\n")


def _count(header: dict[str, float], key: str, where: str) -> int:
    value = header[key]
    if not (value.is_integer() and value >= 1):
        raise LayerError(f"{key} is {value:g}", where=where, remedy="It must be a whole number of at least 1.")
    return int(value)


def _corner(header: dict[str, float], axis: str, size: float, where: str) -> float:
    if f"{axis}llcorner" in header:
        return header[f"{axis}llcorner"]
    if f"{axis}llcenter" in header:
        return header[f"{axis}llcenter"] - size / 2
    raise LayerError(f"its header has neither {axis}llcorner nor {axis}llcenter", where=where, remedy="Add one.")


def _values(text: bytes, lines_before: int, where: str) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    try:
        with warnings.catch_warnings():
            # numpy stops at a word that is no number and only warns
            warnings.simplefilter("error", DeprecationWarning)
            return np.fromstring(text.decode("ascii"), dtype=np.float64, sep=" ")
    except (DeprecationWarning, ValueError) as error:
        for number, line in enumerate(text.splitlines(), start=lines_before + 1):
            for word in line.decode("ascii", errors="replace").split():
                try:
                    float(word)
                except ValueError:
                    raise LayerError(
                        f"{word[:40]!r} is no number", where=f"{where} line {number}", remedy="Fetch the file again."
                    ) from error
        raise LayerError(f"its values cannot be read ({error})", where=where, remedy="Fetch it again.") from error
