"""A run's results as files of other programs: NetCDF, GeoTIFF, CSV, GeoPackage, Parquet, CityGML; or all of them."""

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

__all__ = ["A31A", "export_run", "written"]

A31A = "a31a"
"""What a GeoPackage holds that is no table of the run: the zones in the schema of the national data set."""


def export_run(job: Run, to: Path, *, what: str = "", overwrite: bool = False) -> Path:
    """Write one result of a finished run, the kind following from the file's ending, or all of them into a folder.

    Parameters
    ----------
    job : Run
    to : Path
        ``.nc`` all fields in time and maps (CF-NetCDF) · ``.tif`` a map (Cloud Optimized GeoTIFF) · ``.csv`` the
        gauges, or a table · ``.gpkg`` and ``.parquet`` a table · ``.gml`` the flooded zones as PLATEAU's fld ·
        no ending: a folder with everything.
    what : str
        Name of the map or table; the maximum depth, or the buildings, by default. For ``.gpkg`` also ``a31a``: the
        zones in the schema of the national data set 国土数値情報 A31a.
    overwrite : bool
        Whether a file or folder that is there is replaced.

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
        ".gml": _citygml,
        "": _folder,
    }
    write = writers.get(to.suffix.lower())
    if write is None:
        known = ", ".join(ending for ending in writers if ending)
        raise StoreError(
            f"{to.suffix} is no format", where=str(to), remedy=f"Use {known}, or a folder's name for all of them."
        )
    if job.status is not Status.DONE:
        raise StoreError(f"is {job.status}", where=f"run {job.key}", remedy="Only finished runs are exported.")
    with written(to, overwrite=overwrite) as draft:
        write(job, draft, what)
    return to


@contextmanager
def written(to: Path, *, overwrite: bool = False) -> Iterator[Path]:
    """A draft to write `to` into, a file or a folder: it gets the name when it is whole, and is gone if it fails.

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
        if draft.is_dir() and to.exists():
            old = to.with_name(f".{to.stem}.{os.getpid()}.old")
            to.rename(old)
            draft.rename(to)
            shutil.rmtree(old)
        else:
            draft.replace(to)
    except OSError as error:
        raise StoreError(f"cannot be written ({error})", where=str(to), remedy="Choose another folder.") from error
    finally:
        with suppress(OSError):
            if draft.is_dir():
                shutil.rmtree(draft)
            else:
                draft.unlink(missing_ok=True)


def _folder(job: Run, path: Path, what: str) -> None:
    """Everything that the run has, each in the form that others read."""
    if what:
        raise StoreError(
            f"a folder takes everything, not {what}",
            where=str(path),
            remedy="Name a file with an ending for one result.",
        )
    path.mkdir()
    _netcdf(job, path / "fields.nc", "")
    for found in sorted(job.folder.glob("*.tif")):
        _geotiff(job, path / found.name, found.stem)
    if (job.folder / "gauges.csv").is_file():
        _csv(job, path / "gauges.csv", "")
    for found in sorted(job.folder.glob("*.parquet")):
        has_shape = "geometry" in job.table(found.stem)
        (_geopackage if has_shape else _csv)(job, path / f"{found.stem}{'.gpkg' if has_shape else '.csv'}", found.stem)
    if _has_zones(job):
        _geopackage(job, path / "A31a.gpkg", A31A)
        _citygml(job, path / "fld_6697_op.gml", "")


def _has_zones(job: Run) -> bool:
    figures = job.manifest().get("summary", {})
    return bool(figures.get("flooded_zone_ha", 0.0) > 0.0)


def _netcdf(job: Run, path: Path, what: str) -> None:
    from sim.netcdf import save_netcdf

    save_netcdf(job, path, what)


def _geotiff(job: Run, path: Path, what: str) -> None:
    # the store keeps maps as Cloud Optimized GeoTIFF already
    shutil.copyfile(job.map_path(what or "h_max_cell"), path)


def _csv(job: Run, path: Path, what: str) -> None:
    if what:
        job.table(what).drop(columns="geometry", errors="ignore").to_csv(path, index=False)
    else:
        shutil.copyfile(job.gauges_path(), path)


def _geopackage(job: Run, path: Path, what: str) -> None:
    import geopandas as gpd

    if what.lower() == A31A:
        from sim.flood.publication import save_a31a

        save_a31a(job, path)
        return
    name = what or "buildings"
    table = job.table(name)
    if "geometry" not in table:
        raise StoreError(f"table {name} has no geometry", where=f"run {job.key}", remedy="Export it as .csv.")
    geometry = gpd.GeoSeries.from_wkb(table.pop("geometry"), crs=job.grid.frame.wkt())
    gpd.GeoDataFrame(table, geometry=geometry).to_file(path, layer=name, driver="GPKG")


def _parquet(job: Run, path: Path, what: str) -> None:
    job.table(what or "buildings").to_parquet(path)


def _citygml(job: Run, path: Path, what: str) -> None:
    from sim.flood.publication import save_fld

    if what:
        raise StoreError(f"zones take no name {what}", where=str(path), remedy="Leave --what out.")
    save_fld(job, path)
