"""Writing a run: fields output by output, maps, tables, checkpoints; whole at the end or not there."""

from __future__ import annotations

import json
import os
import platform
import shutil
import threading
from typing import TYPE_CHECKING, Any

from twin.errors import StoreError
from twin.fields import field_spec
from twin.grid import Grid
from twin.run import CANCEL, CHUNK, CLAIM, FIELDS, GAUGES, HEARTBEAT, MANIFEST, Run, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from twin.store import Store

__all__ = ["RunWriter"]


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
