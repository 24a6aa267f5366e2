"""A run's results as files of other programs: NetCDF, GeoTIFF, CSV, GeoPackage, Parquet."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from twin.errors import StoreError
from twin.store import Status

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from twin.store import Run

__all__ = ["export_run", "written"]


def export_run(job: Run, to: Path, *, what: str = "", overwrite: bool = False) -> Path:
    """Write one result of a finished run; the kind follows from the file's ending.

    Parameters
    ----------
    job : Run
    to : Path
        ``.nc`` all fields in time (CF-NetCDF) · ``.tif`` a map · ``.csv`` the gauges, or a table · ``.gpkg`` and
        ``.parquet`` a table.
    what : str
        Name of the map or table; the maximum depth, or the buildings, by default.
    overwrite : bool
        Whether a file that is there is replaced.

    Raises
    ------
    StoreError
        If the run is not finished, has no such result, or the file cannot be written; nothing is left then.
    """
    writers: dict[str, Callable[[Run, Path, str], None]] = {
        ".nc": _netcdf,
        ".tif": _geotiff,
        ".csv": _csv,
        ".gpkg": _geopackage,
        ".parquet": _parquet,
    }
    write = writers.get(to.suffix.lower())
    if write is None:
        raise StoreError(f"{to.suffix or 'no ending'} is no format", where=str(to), remedy=f"Use {', '.join(writers)}.")
    if job.status is not Status.DONE:
        raise StoreError(f"is {job.status}", where=f"run {job.key}", remedy="Only finished runs are exported.")
    with written(to, overwrite=overwrite) as draft:
        write(job, draft, what)
    return to


@contextmanager
def written(to: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A draft to write `to` into: it gets the name when it is whole, and is gone if anything goes wrong.

    Raises
    ------
    StoreError
        If `to` is there already and may not be replaced, or cannot be written.
    """
    if to.exists() and not overwrite:
        raise StoreError("is there already", where=str(to), remedy="Choose another name, or say --overwrite.")
    draft = to.with_name(f".{to.stem}.{os.getpid()}.part{to.suffix}")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        yield draft
        draft.replace(to)
    except OSError as error:
        raise StoreError(f"cannot be written ({error})", where=str(to), remedy="Choose another folder.") from error
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def _netcdf(job: Run, path: Path, what: str) -> None:
    fields = job.fields()
    if what and what not in fields:
        raise StoreError(
            f"has no field {what}", where=f"run {job.key}", remedy=f"It has: {', '.join(map(str, fields))}."
        )
    chosen = fields[[what]] if what else fields
    for variable in chosen.variables.values():
        variable.encoding.clear()
    chosen.to_netcdf(path, engine="h5netcdf", encoding={name: {"compression": "gzip"} for name in chosen.data_vars})


def _geotiff(job: Run, path: Path, what: str) -> None:
    shutil.copyfile(job.map_path(what or "h_max_cell"), path)


def _csv(job: Run, path: Path, what: str) -> None:
    if what:
        job.table(what).drop(columns="geometry", errors="ignore").to_csv(path, index=False)
    else:
        shutil.copyfile(job.gauges_path(), path)


def _geopackage(job: Run, path: Path, what: str) -> None:
    import geopandas as gpd

    name = what or "buildings"
    table = job.table(name)
    if "geometry" not in table:
        raise StoreError(f"table {name} has no geometry", where=f"run {job.key}", remedy="Export it as .csv.")
    geometry = gpd.GeoSeries.from_wkb(table.pop("geometry"), crs=job.grid.frame.wkt())
    gpd.GeoDataFrame(table, geometry=geometry).to_file(path, layer=name, driver="GPKG")


def _parquet(job: Run, path: Path, what: str) -> None:
    job.table(what or "buildings").to_parquet(path)
