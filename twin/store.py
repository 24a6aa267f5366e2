"""Runs on disk: a folder a run, whole or not there.

A run is written under a hidden name (``.<key>.partial``) and renamed when it is whole. Its ``manifest.json`` is the
one truth about the job; beside it lie the marks that several processes set: ``claim`` (who made it computes the run),
``heartbeat`` (its time stamp says that the job lives) and ``cancel``. A job that failed or was cancelled keeps its
manifest under the hidden name and nothing else::

    runs/
      3f9c…/            manifest.json  fields.zarr/  gauges.csv  h_max_cell.tif  buildings.parquet
      .81aa….partial/   manifest.json  fields.zarr/  gauges.csv  checkpoint.npz          (running)
      .c0de….partial/   manifest.json                                                   (failed, cancelled)
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError
from twin.fields import field_spec
from twin.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

__all__ = ["Run", "RunWriter", "Status", "Store"]

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


@dataclass(frozen=True, slots=True)
class Store:
    """A folder of runs.

    Parameters
    ----------
    root : Path
        Made when the first run is written.
    """

    root: Path

    def __iter__(self) -> Iterator[Run]:
        if not self.root.is_dir():
            return
        for folder in sorted(self.root.iterdir()):
            if (folder / MANIFEST).is_file():
                yield Run(folder.name.removeprefix(".").removesuffix(".partial"), self.root)

    def find(self, key: str) -> Run | None:
        """The run of that key, finished or not, or None."""
        job = Run(key, self.root)
        return job if (job.folder / MANIFEST).is_file() else None

    def open(self, key: str) -> Run:
        """The run of that key; a unique beginning of the key is enough.

        Raises
        ------
        StoreError
            If there is none, or several begin so.
        """
        if key and (exact := self.find(key)) is not None:
            return exact
        found = [run for run in self if run.key.startswith(key)] if key else []
        if len({run.key for run in found}) != 1:
            many = f"{len(found)} runs begin with {key!r}" if found else f"there is no run {key!r}"
            raise StoreError(many, where=str(self.root), remedy="`osaka-twin info --runs` lists the runs.")
        return found[0]

    def begin(self, key: str, manifest: Mapping[str, Any]) -> RunWriter:
        """Start writing a run; what an interrupted attempt left (checkpoint, outputs) is there to be taken up.

        Raises
        ------
        StoreError
            If the store cannot be written, or the run is being computed elsewhere.
        """
        writer = self.try_begin(key, manifest)
        if writer is None:
            raise StoreError(
                "is being computed by another process",
                where=f"run {key}",
                remedy="Wait for it, or cancel it first.",
            )
        return writer

    def try_begin(self, key: str, manifest: Mapping[str, Any]) -> RunWriter | None:
        """As :meth:`begin`, but None if another living process has claimed the run: of many callers one gets it.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        status = self._status_now(key)
        job = self._make_folder(key)
        claim = self.partial(key) / CLAIM
        try:
            claim.touch(exist_ok=False)
        except FileExistsError:
            is_new = time.time() - claim.stat().st_mtime < STALE_AFTER
            if status is Status.RUNNING or (is_new and status in (None, Status.QUEUED)):
                return None
            claim.touch()
        return RunWriter(self, job, dict(manifest))

    def announce(self, key: str, manifest: Mapping[str, Any]) -> Run:
        """Note a job that waits for its turn, so that everybody sees it; one that is under way stays as it is.

        Raises
        ------
        StoreError
            If the store cannot be written.
        """
        status = self._status_now(key)
        job = self._make_folder(key)
        if status is not Status.RUNNING:
            (self.partial(key) / CANCEL).unlink(missing_ok=True)
            # what an interrupted attempt wrote can be taken up only with its layout
            laid = {} if status is None else {k: v for k, v in job.manifest().items() if k in LAYOUT}
            RunWriter(self, job, {**laid, **manifest}).note(status=Status.QUEUED)
        return job

    def discard_claim(self, key: str) -> None:
        """Give back what :meth:`try_begin` claimed: the run was whole already."""
        shutil.rmtree(self.partial(key), ignore_errors=True)

    def _status_now(self, key: str) -> Status | None:
        """Status before anything here touches the run: a new mark must not revive a lost one."""
        existing = self.find(key)
        return None if existing is None else existing.status

    def _make_folder(self, key: str) -> Run:
        folder = self.partial(key)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / HEARTBEAT).touch()
        except OSError as error:
            raise StoreError(
                f"cannot be written ({error.strerror})",
                where=str(self.root),
                remedy="Choose another folder with --store, or free the disk.",
            ) from error
        return Run(key, self.root)

    def remove(self, key: str) -> None:
        """Delete a run."""
        for folder in (self.root / key, self.partial(key)):
            shutil.rmtree(folder, ignore_errors=True)

    def partial(self, key: str) -> Path:
        """Hidden folder of a run that is not whole."""
        return self.root / f".{key}.partial"


class RunWriter:
    """Writes one run; obtained from :meth:`Store.begin`.

    Parameters
    ----------
    store : Store
    run : Run
        The hidden folder.
    manifest : dict
        What is known about the job from the start.
    """

    def __init__(self, store: Store, run: Run, manifest: dict[str, Any]) -> None:
        self.store = store
        self.run = run
        self.folder = store.partial(run.key)
        self._manifest: dict[str, Any] = {
            "status": Status.RUNNING,
            "progress": 0.0,
            "outputs_done": 0,
            **manifest,
            "owner": {"host": platform.node(), "pid": os.getpid()},
        }

    @property
    def manifest(self) -> dict[str, Any]:
        """What has been noted so far."""
        return dict(self._manifest)

    def note(self, **entries: Any) -> None:
        """Add to the manifest; written in one move, with a new heartbeat."""
        self._manifest.update(entries)
        self.run.beat()
        path = self.folder / MANIFEST
        draft = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.draft")
        draft.write_text(json.dumps(self._manifest, ensure_ascii=False, indent=1), encoding="utf-8")
        draft.replace(path)

    def is_cancelled(self) -> bool:
        """Whether somebody asked for a stop."""
        return (self.folder / CANCEL).exists()

    def create_fields(self, grid: Grid, times: Sequence[float], fields: Mapping[str, NDArray[Any]]) -> None:
        """Lay out the fields in time with CF attributes: one chunk a time, and a square of cells or a run of items.

        Parameters
        ----------
        grid : Grid
            Raster domain of the run.
        times : sequence of float
            Output times [s].
        fields : mapping of str to ndarray
            The arrays as they are at the start, by registered name: whole numbers keep their kind, others are stored
            in single precision.

        Raises
        ------
        StoreError
            If a field is not registered.
        """
        import numpy as np
        import zarr
        from zarr.codecs import BloscCodec

        root = zarr.open_group(self.folder / FIELDS, mode="w")
        root.attrs.update({"Conventions": "CF-1.11", "crs_wkt": grid.frame.wkt()})
        axes = (
            (
                "time",
                np.asarray(times, dtype=np.float64),
                {"units": "s", "long_name": "time since the scenario's start"},
            ),
            ("y", grid.y_cell, {"units": "m", "standard_name": "projection_y_coordinate"}),
            ("x", grid.x_cell, {"units": "m", "standard_name": "projection_x_coordinate"}),
        )
        for name, values, attributes in axes:
            array = root.create_array(name, shape=values.shape, dtype=values.dtype, dimension_names=(name,))
            array[:] = values
            array.attrs.update(attributes)
        for name, values in fields.items():
            spec = field_spec(name)
            if values.ndim != len(spec.dims):
                raise StoreError(f"field {name!r} has shape {values.shape}, its dimensions are {spec.dims}", where=name)
            is_whole = np.issubdtype(values.dtype, np.integer)
            chunk = CHUNK if values.ndim > 1 else CHUNK**2
            array = root.create_array(
                name,
                shape=(len(times), *values.shape),
                chunks=(1, *(max(1, min(chunk, size)) for size in values.shape)),
                dtype=values.dtype if is_whole else np.dtype(np.float32),
                dimension_names=("time", *spec.dims),
                compressors=BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle"),
                fill_value=0 if is_whole else float("nan"),
            )
            array.attrs.update(spec.attributes())
        self.note(grid=grid.as_dict(), times=[float(t) for t in times], fields=list(fields))

    def write_output(self, number: int, fields: Mapping[str, NDArray[Any]], gauges: Mapping[str, float]) -> None:
        """Write output `number` (0-based): fields first, then the gauges' line, then the manifest says it is there."""
        import zarr

        root = zarr.open_group(self.folder / FIELDS, mode="r+")
        for name in self._manifest["fields"]:
            array = root[name]
            assert isinstance(array, zarr.Array)
            array[number] = fields[name]
        path = self.folder / GAUGES
        time_s = self._manifest["times"][number]
        if number == 0:
            path.write_text(",".join(["time_s", *gauges]) + "\n", encoding="utf-8")
        with path.open("a", encoding="utf-8") as lines:
            lines.write(",".join([f"{time_s:.10g}", *(f"{value:.10g}" for value in gauges.values())]) + "\n")
        self.note(outputs_done=number + 1)

    def save_checkpoint(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Keep a state to go on from, in one move, with the number of outputs that it belongs to."""
        import numpy as np

        path = self.folder / "checkpoint.npz"
        draft = path.with_suffix(".draft.npz")
        np.savez(draft, allow_pickle=False, __outputs_done=np.array(self._manifest["outputs_done"]), **state)
        draft.replace(path)

    def load_checkpoint(self) -> tuple[int, dict[str, NDArray[Any]]] | None:
        """(outputs done, state) of an earlier attempt, or None; the gauges are cut back to that output."""
        import numpy as np

        path = self.folder / "checkpoint.npz"
        if not path.is_file() or not (self.folder / FIELDS).is_dir():
            return None
        with np.load(path) as stored:
            state = {name: stored[name] for name in stored.files}
        done = int(state.pop("__outputs_done"))
        previous = self.run.manifest()
        gauges = self.folder / GAUGES
        lines = gauges.read_text(encoding="utf-8").splitlines(keepends=True)
        gauges.write_text("".join(lines[: done + 1]), encoding="utf-8")
        self.note(
            grid=previous["grid"],
            times=previous["times"],
            fields=previous["fields"],
            outputs_done=done,
            resumed_at=done,
        )
        return done, state

    def write_map(self, name: str, grid: Grid, values: NDArray[Any]) -> None:
        """Write a map as Cloud Optimized GeoTIFF with the field's units and sentence."""
        import numpy as np
        import rasterio
        from affine import Affine

        spec = field_spec(name)
        with rasterio.open(
            self.folder / f"{name}.tif",
            "w",
            driver="COG",
            dtype="float32",
            count=1,
            height=grid.shape[0],
            width=grid.shape[1],
            crs=grid.frame.wkt(),
            transform=Affine(*grid.affine),
            nodata=np.nan,
            compress="deflate",
        ) as out:
            out.write(np.asarray(values, dtype=np.float32), 1)
            out.set_band_description(1, spec.doc)
            out.set_band_unit(1, spec.units)
            out.update_tags(**spec.attributes(), vertical=grid.frame.vertical or "")

    def write_table(self, name: str, table: pd.DataFrame) -> None:
        """Write a table as Parquet (GeoParquet where it has a geometry)."""
        table.to_parquet(self.folder / f"{name}.parquet")

    def finish(self, **entries: Any) -> Run:
        """Give the run its name: it is whole."""
        self.note(**entries, status=Status.DONE, progress=1.0)
        for name in ("checkpoint.npz", HEARTBEAT, CANCEL, CLAIM):
            (self.folder / name).unlink(missing_ok=True)
        target = self.store.root / self.run.key
        shutil.rmtree(target, ignore_errors=True)
        self.folder.rename(target)
        return self.run

    def leave(self) -> None:
        """Let go of a run that was interrupted: what is there can be taken up by whoever runs it again."""
        self.note(status=Status.LOST)
        (self.folder / CLAIM).unlink(missing_ok=True)

    def abandon(self, status: Status, reason: str) -> None:
        """Leave nothing but the manifest, which says why."""
        for path in self.folder.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in (MANIFEST, HEARTBEAT, CLAIM):
                path.unlink()
        self.note(status=status, reason=reason, outputs_done=0)
        for name in (HEARTBEAT, CLAIM):
            (self.folder / name).unlink(missing_ok=True)
