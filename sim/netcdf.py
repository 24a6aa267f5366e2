"""A run as CF-NetCDF: fields in time, maps, coordinates with their system."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

    from twin.store import Run

__all__ = ["CONVENTIONS", "cf_dataset", "save_netcdf"]

CONVENTIONS = "CF-1.11"


def save_netcdf(job: Run, path: Path, what: str) -> None:
    """Write all fields and maps, or the field or map `what`.

    Raises
    ------
    StoreError
        If the run has no such field or map.
    """
    dataset = cf_dataset(job)
    if what:
        if what not in dataset.data_vars or what == "crs":
            there = [str(name) for name in dataset.data_vars if name != "crs"]
            raise StoreError(
                f"has no field or map {what}", where=f"run {job.key}", remedy=f"It has: {', '.join(there)}."
            )
        dataset = dataset[[what, *({"crs"} & set(dataset.data_vars))]]
    encoding: dict[Any, dict[str, Any]] = {
        name: {"compression": "gzip", "compression_opts": 4} for name in dataset.data_vars if name != "crs"
    }
    encoding |= {name: {"_FillValue": None} for name in dataset.coords}
    dataset.to_netcdf(path, engine="h5netcdf", encoding=encoding)


def cf_dataset(job: Run) -> xr.Dataset:
    """The run as a dataset after CF-1.11.

    ``time`` counts from the scenario's ``start`` where it states one; else it is the standard name forecast_period,
    seconds since a start of no date. Fields on cells name the grid mapping ``crs``.
    """
    import xarray as xr

    manifest, grid = job.manifest(), job.grid
    fields = job.fields()
    for variable in fields.variables.values():
        variable.encoding.clear()
    dataset = fields.assign({name: (("y", "x"), values, attributes) for name, values, attributes in _maps(job)})
    on_cells = [name for name, array in dataset.data_vars.items() if {"y", "x"} <= set(array.dims)]
    for name in on_cells:
        dataset[name].attrs["grid_mapping"] = "crs"
        if "_max_" in str(name):
            dataset[name].attrs["cell_methods"] = "time: maximum"
    dataset["crs"] = xr.DataArray(np.int32(0), attrs=grid.frame.crs().to_cf())
    dataset["x"].attrs |= {"long_name": "easting of the cell centre", "axis": "X"}
    dataset["y"].attrs |= {"long_name": "northing of the cell centre", "axis": "Y"}
    dataset = dataset.assign_coords(time=_time(dataset["time"], manifest["scenario"].get("start")))
    title = manifest.get("title", {})
    dataset.attrs = {
        "Conventions": CONVENTIONS,
        "title": str(title.get("en") or manifest.get("name", "")),
        "source": "osaka-twin " + str(manifest.get("versions", {}).get("osaka-twin", "")),
        "history": f"run {job.key}, stage {manifest.get('stage', '')}",
        "comment": "Heights are metres above T.P. (EPSG:6695). Missing values are NaN.",
    }
    return dataset


def _time(time: xr.DataArray, start: str | None) -> xr.DataArray:
    import datetime as dt

    import xarray as xr

    seconds = time.to_numpy().astype(np.float64)
    if start is None:
        attributes = {"standard_name": "forecast_period", "units": "s", "long_name": "time since the scenario's start"}
        return xr.DataArray(seconds, dims="time", attrs=attributes)
    moment = dt.datetime.fromisoformat(start)
    offset = moment.strftime("%z")
    since = f"seconds since {moment:%Y-%m-%d %H:%M:%S} {offset[:3]}:{offset[3:]}"
    attributes = {"standard_name": "time", "units": since, "calendar": "standard", "axis": "T", "long_name": "time"}
    return xr.DataArray(seconds, dims="time", attrs=attributes)


def _maps(job: Run) -> list[tuple[str, Any, dict[str, str]]]:
    """Name, values and attributes of every map on the grid of the fields."""
    import rasterio

    out = []
    for path in sorted(job.folder.glob("*.tif")):
        with rasterio.open(path) as source:
            if source.shape != job.grid.shape:
                continue
            tags = source.tags()
            attributes = {name: tags[name] for name in ("units", "long_name", "standard_name") if name in tags}
            out.append((path.stem, source.read(1), attributes))
    return out
