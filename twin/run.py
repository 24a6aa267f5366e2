"""A run on disk, finished or on its way: what it holds and how the job stands."""

from __future__ import annotations

import json
import os
import platform
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError
from twin.grid import Grid

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Run", "Status"]

MANIFEST = "manifest.json"
FIELDS = "fields.zarr"
GAUGES = "gauges.csv"
CANCEL = "cancel"
HEARTBEAT = "heartbeat"
CLAIM = "claim"
LAYOUT = ("grid", "times", "fields")
"""Entries of the manifest that say how the fields are laid out."""
STALE_AFTER = 30.0
"""Seconds without a heartbeat after which a job counts as lost (its process died)."""
CHUNK = 512


class Status(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"
    """The process that computed it is gone; running it again goes on from its last checkpoint."""


@dataclass(frozen=True, slots=True)
class Run:
    """A run in the store, finished or on its way.

    Parameters
    ----------
    key : str
        Digest of everything that determines the result.
    root : Path
        The store's folder.
    """

    key: str
    root: Path

    @property
    def folder(self) -> Path:
        """Where its files are now: under its name, or under the hidden one while it is not whole."""
        whole = self.root / self.key
        return whole if whole.is_dir() else self._hidden

    @property
    def _hidden(self) -> Path:
        return self.root / f".{self.key}.partial"

    def manifest(self) -> dict[str, Any]:
        """Read the manifest now.

        Raises
        ------
        StoreError
            If it is missing or damaged.
        """
        try:
            try:
                text = (self.folder / MANIFEST).read_text(encoding="utf-8")
            except FileNotFoundError:
                # it got its name between the look and the reading
                text = (self.folder / MANIFEST).read_text(encoding="utf-8")
            manifest: dict[str, Any] = json.loads(text)
        except (OSError, json.JSONDecodeError) as error:
            path = self.folder / MANIFEST
            raise StoreError(
                f"the manifest cannot be read ({error})", where=str(path), remedy="Delete the folder and run again."
            ) from error
        return manifest

    @property
    def status(self) -> Status:
        """Where the job stands; one without a heartbeat is lost."""
        status = Status(self.manifest()["status"])
        if status in (Status.RUNNING, Status.QUEUED) and not self._is_alive():
            return Status.LOST
        return status

    def beat(self) -> None:
        """Set the heartbeat: the job lives. A run that has just got its name needs none any more."""
        with suppress(FileNotFoundError):
            (self._hidden / HEARTBEAT).touch()

    def _is_alive(self) -> bool:
        owner = self.manifest().get("owner", {})
        if owner.get("host") == platform.node() and not _process_exists(int(owner["pid"])):
            return False
        try:
            return time.time() - (self._hidden / HEARTBEAT).stat().st_mtime < STALE_AFTER
        except FileNotFoundError:
            return False

    @property
    def grid(self) -> Grid:
        """Raster domain of the fields.

        Raises
        ------
        StoreError
            If the job has not begun.
        """
        grid = self.manifest().get("grid")
        if grid is None:
            raise StoreError("has no fields yet", where=f"run {self.key}", remedy="Wait until it runs.")
        return Grid.from_dict(grid)

    def fields(self) -> xr.Dataset:
        """Fields in time with CF attributes; of a running job the outputs that are complete."""
        import xarray as xr

        try:
            dataset = xr.open_zarr(self.folder / FIELDS, consolidated=False, chunks=None)
        except (OSError, KeyError, ValueError) as error:
            raise StoreError(
                f"the fields cannot be read ({error})",
                where=str(self.folder),
                remedy="Delete the folder and run again.",
            ) from error
        done: xr.Dataset = dataset.isel(time=slice(0, int(self.manifest()["outputs_done"])))
        return done

    def gauges(self) -> pd.DataFrame:
        """Gauge records: ``time_s``, then one column a gauge and quantity."""
        import pandas as pd

        return pd.read_csv(self.gauges_path())

    def gauges_path(self) -> Path:
        """Path of the gauge records (CSV)."""
        return self._file(GAUGES)

    def has_table(self, name: str) -> bool:
        """Whether the run left a table of that name."""
        return (self.folder / f"{name}.parquet").is_file()

    def table(self, name: str) -> pd.DataFrame:
        """A table of the run.

        Raises
        ------
        StoreError
            If the run has none of that name.
        """
        import pandas as pd

        return pd.read_parquet(self._file(f"{name}.parquet"))

    def map_path(self, name: str) -> Path:
        """Path of a map (GeoTIFF)."""
        return self._file(f"{name}.tif")

    def map(self, name: str) -> NDArray[Any]:
        """Values of a map, (ny, nx) of float32, NaN where nothing is known.

        Raises
        ------
        StoreError
            If the run has no map of that name.
        """
        import rasterio

        with rasterio.open(self.map_path(name)) as source:
            values: NDArray[Any] = source.read(1)
        return values

    def request_cancel(self) -> None:
        """Ask the job to stop; it does within its next look (a fraction of a second)."""
        with suppress(FileNotFoundError):
            (self._hidden / CANCEL).touch()

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            present = sorted(p.name for p in self.folder.iterdir() if p.is_file())
            raise StoreError(f"has no {name}", where=str(self.folder), remedy=f"It has: {', '.join(present)}.")
        return path


def _process_exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
