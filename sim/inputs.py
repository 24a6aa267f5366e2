"""Files that a scenario names beside itself: rasters and time series, read once, with their digest."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError, ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.grid import Grid

__all__ = ["InputFiles", "digest_file"]


@dataclass(frozen=True, slots=True)
class InputFiles:
    """Reads the files of a scenario; paths are relative to the scenario file.

    Parameters
    ----------
    folder : Path
        Folder of the scenario file.
    """

    folder: Path

    def path(self, name: str | Path, place: str = "") -> Path:
        """Absolute path of an input.

        Parameters
        ----------
        name : str or Path
            As the scenario says it.
        place : str
            Where it says so (``flood.rain``), for the message.

        Raises
        ------
        ScenarioError
            If there is no such file.
        """
        path = (self.folder / name).resolve()
        if not path.is_file():
            raise ScenarioError(
                f"there is no file {path}",
                where=place or str(name),
                remedy="Paths are relative to the scenario file."
                + (" A number stands without its unit." if str(name)[:1].isdigit() else ""),
            )
        return path

    def raster(self, name: str | Path, grid: Grid) -> NDArray[np.float32]:
        """Values of a GeoTIFF or ASC on `grid`, NaN where it says nothing; (ny, nx).

        A file that states no coordinate system is taken to be in the grid's.

        Raises
        ------
        LayerError
            If the file cannot be read or does not reach the grid.
        """
        from layers.esri_ascii import read_esri_ascii
        from layers.raster import onto, read_gdal

        path, where = self.path(name), str(name)
        if path.suffix.lower() == ".asc":
            raster = read_esri_ascii(path, where, nodata=None)
        else:
            raster = read_gdal(path, where, crs=None, frame=grid.frame, area=None)
        if raster.crs is None:
            raster = replace(raster, crs=grid.frame.crs())
        values = onto(raster, grid, where)
        if not np.isfinite(values).any():
            raise LayerError(
                f"holds no value in the area {grid.bounds}; it covers {raster.bounds} (west, south, east, north)",
                where=str(name),
                remedy="Give a raster with values there; check its coordinate system.",
            )
        return values

    def series(self, name: str | Path) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Times [s] and values of a two-column CSV with one header line.

        Raises
        ------
        LayerError
            If a line is no pair of finite numbers, the header is missing or the times do not increase.
        """
        path = self.path(name)
        rows: list[tuple[float, float]] = []
        try:
            lines = path.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise LayerError(
                f"is no UTF-8 text ({error})", where=str(path), remedy="Save it as CSV in UTF-8 (Excel: CSV UTF-8)."
            ) from error
        for number, row in enumerate(csv.reader(lines), start=1):
            if number == 1 and _is_pair(row):
                raise LayerError(
                    f"begins with figures, {','.join(row)!r}",
                    where=f"{path}:1",
                    remedy="Put a header line above them, e.g. time_s,value.",
                )
            if number > 1 and any(cell.strip() for cell in row):
                rows.append(_pair(row, path, number))
        times, values = np.array(rows, dtype=np.float64).reshape(-1, 2).T
        if len(times) == 0 or np.any(np.diff(times) <= 0):
            raise LayerError(
                "has no rows" if len(times) == 0 else "times do not increase",
                where=str(path),
                remedy="Give a header line and rows 'time_s,value' in ascending time.",
            )
        return times, values


def _pair(row: list[str], path: Path, number: int) -> tuple[float, float]:
    if not _is_pair(row):
        raise LayerError(
            f"{','.join(row)!r} is no pair of numbers",
            where=f"{path}:{number}",
            remedy="Write two columns, time_s,value, with a comma between them and a point in decimals.",
        )
    return float(row[0]), float(row[1])


def _is_pair(row: list[str]) -> bool:
    try:
        return bool(np.isfinite([float(row[0]), float(row[1])]).all()) and not any(cell.strip() for cell in row[2:])
    except (ValueError, IndexError):
        return False


def digest_file(path: Path) -> str:
    """Sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
