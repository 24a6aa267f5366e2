"""Runs as the page sees them: the run document, flood frames as bytes, results at buildings, values at a point."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from layers.pack import write_pack
from layers.pack.terrain import quantise
from sim.scenario import validate_scenario
from twin.city import resample
from twin.errors import StoreError
from twin.footprint import burn, footprints
from twin.grid import Grid
from twin.layer import RasterLayer
from twin.store import Status
from viewer.api.answer import squeeze
from viewer.api.charts import charts_document
from viewer.api.classes import class_of, depth_classes, depth_code
from viewer.api.feature import feature_document
from viewer.api.group import Member, group_of
from viewer.api.kept import Kept
from viewer.api.overlays import OverlayShelf
from viewer.api.scene import SceneShelf, encoder_digest

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import xarray as xr
    from numpy.typing import NDArray

    from sim.service import JobStatus, Service
    from twin.store import Run

__all__ = ["RunShelf", "job_document", "settled"]

Answer = TypeVar("Answer")
DEPTH, BED_MAP = "h_cell", "z_cell.tif"
FLOOD = "flood"
MOST_KEPT = 256_000_000
"""Bytes of packs that are kept in memory."""


class RunShelf:
    """Run documents and packs of a service's store.

    Whatever is asked about water takes the key of any run of a scenario: its flood run answers.

    Parameters
    ----------
    service : Service
    scene : SceneShelf
        Gives the origin and the buildings' order.
    """

    def __init__(self, service: Service, scene: SceneShelf) -> None:
        self._service = service
        self._scene = scene
        self._kept = Kept(MOST_KEPT)
        self._overlays = OverlayShelf(scene)

    def document(self, key: str) -> dict[str, Any]:
        """The run document: everything that the runs of its scenario show, on one clock.

        ``{key, name, status, progress, stages: [{stage, key, status, progress, outputs_done, outputs, reason,
        times_s}], flood, buildings_url, overlays}``. `status` and `progress` are those of all stages together;
        ``times_s`` are the output times of a stage that moves, empty for one that does not. For overlays see
        :mod:`viewer.api.overlays`.

        Raises
        ------
        StoreError
            If there is no such run.
        """
        return settled(lambda: self._document(key))

    def _document(self, key: str) -> dict[str, Any]:
        group = group_of(self._service, key)
        asked, flood = group.asked, group.get(FLOOD)
        title = asked.manifest.get("title", {})
        shown, buildings_url = None, None
        if flood is not None and _has_depths(flood.manifest):
            shown = self._flood(flood.run, flood.manifest, flood.is_done)
        if flood is not None and flood.has_table("buildings"):
            buildings_url = f"/data/runs/{flood.run.key}/{self._digest(flood.manifest)}/buildings.pack"
        return {
            "key": group.key,
            "name": dict(title) if title.get("ja") and title.get("en") else asked.manifest["name"],
            "status": group.status,
            "progress": group.progress,
            "stages": [member.document() | {"times_s": _clock_times(member)} for member in group.members.values()],
            "flood": shown,
            "buildings_url": buildings_url,
            "overlays": self._overlays.entries(group),
        }

    def overlays(self, key: str) -> list[dict[str, Any]]:
        """What the layer list offers beside the layers of the scene; see :mod:`viewer.api`."""

        def ask() -> list[dict[str, Any]]:
            names = ("id", "stage", "name", "visible", "opacity")
            group = group_of(self._service, key)
            return [{name: entry[name] for name in names} for entry in self._overlays.entries(group)]

        return settled(ask)

    def charts(self, key: str) -> dict[str, Any]:
        """Curves of all runs of a scenario; see :mod:`viewer.api.charts`."""
        return settled(lambda: charts_document(group_of(self._service, key)))

    def feature(self, key: str, overlay: str, number: int) -> dict[str, Any]:
        """Attributes of one thing of an overlay; see :mod:`viewer.api.feature`."""
        return settled(lambda: feature_document(group_of(self._service, key), overlay, number))

    def overlay(self, key: str, digest: str, overlay: str) -> bytes:
        """The compressed pack of an overlay of this very run."""
        return settled(lambda: self._overlays.pack(self._member(key), digest, overlay))

    def agents(self, key: str, digest: str, first: int) -> tuple[bytes, bool]:
        """Compressed positions of people of this very run from an output on, and whether that is for ever."""
        return settled(lambda: self._overlays.agents(self._member(key), digest, first))

    def frames(self, key: str, digest: str, first: int) -> tuple[bytes, bool]:
        """Compressed frames from `first` on, and whether that is for ever."""
        return settled(lambda: self._frames(key, digest, first))

    def _frames(self, key: str, digest: str, first: int) -> tuple[bytes, bool]:
        run = self._service.open_run(key)
        manifest = run.manifest()
        is_final = digest == self._digest(manifest) and manifest["status"] == Status.DONE
        if digest not in ("live", self._digest(manifest)):
            raise _stale(key)
        if digest == "live" and not _has_depths(manifest):
            # it was cancelled, or failed, since the page asked last: nothing more comes
            return squeeze(write_pack({"first": first, "count": 0}, {"codes": np.empty((0, 0, 0), np.uint8)})), False
        _require_depths(run, manifest)
        depth = _field(run, DEPTH)
        count = max(int(depth.sizes["time"]) - first, 0)

        def make() -> bytes:
            code = depth_code()
            ny, nx = depth.shape[1:]
            codes = np.empty((count, ny, nx), dtype=np.uint8)
            for k in range(count):
                codes[k] = code.encode(_values(run, depth[first + k]))
            return squeeze(write_pack({"first": first, "count": count}, {"codes": codes}))

        return (self._kept.get(("frames", key, digest, str(first)), make) if is_final else make()), is_final

    def bed(self, key: str, digest: str) -> tuple[bytes, bool]:
        """Compressed bed at the run's resolution, and whether it may be kept for ever.

        An address that was given while the run went on holds after its end, when the bed may be a better one.

        Raises
        ------
        StoreError
            If the run holds no depths yet, or the address is of another state.
        LayerError
            If neither the run nor the city says anything about the ground there.
        """
        run = self._service.open_run(key)
        manifest = run.manifest()
        is_final = digest == self._bed_digest(run, manifest)
        if not is_final and digest != self._digest({**manifest, "started": False}):
            raise _stale(key)
        _require_depths(run, manifest)
        grid = run.grid
        x0, y0 = self._scene.origin

        def make() -> bytes:
            z = self.ground(run)
            meta = {
                "nx": grid.shape[1], "ny": grid.shape[0], "cell_size": grid.cell_size,
                "west": grid.west - x0, "north": grid.north - y0,
            }  # fmt: skip
            water = {} if not _has_sea(manifest) else {"water": self._start(run) > 0}
            return squeeze(write_pack(meta, {"z": quantise(z), **{k: v.astype(np.uint8) for k, v in water.items()}}))

        return (self._kept.get(("bed", key, digest), make) if is_final else make()), is_final

    def buildings(self, key: str, digest: str) -> bytes:
        """Compressed results at buildings, in the order of the buildings pack."""
        run = self._service.open_run(key)
        if digest != self._digest(run.manifest()):
            raise _stale(key)

        def make() -> bytes:
            depth, arrival = self._results(run)
            order = self._scene.building_order
            return squeeze(write_pack({"n": len(order)}, {"max_depth": depth[order], "arrival_s": arrival[order]}))

        return self._kept.get(("buildings", key, digest), make)

    def building(self, key: str, row: int) -> dict[str, Any] | None:
        """Result at one building, from the run's table; None where the run says nothing about it."""
        return settled(lambda: self._building(key, row))

    def _building(self, key: str, row: int) -> dict[str, Any] | None:
        run = self._flood_run(key)
        if run.status is not Status.DONE or not (run.folder / "buildings.parquet").is_file():
            return None
        depth, arrival = self._results(run)
        if row >= len(depth):
            return None
        found = float(depth[row])
        return {
            "max_depth_m": found if np.isfinite(found) else None,
            "arrival_s": float(arrival[row]) if np.isfinite(arrival[row]) else None,
            "class": class_of(found),
        }

    def has_depths(self, key: str) -> bool:
        """Whether a first depth has arrived; a job that waits, or a run of another kind, has none."""
        return settled(lambda: _has_depths(self._flood_run(key).manifest()))

    def at(self, key: str, x: float, y: float, time_s: float | None) -> dict[str, Any]:
        """Depth in time at a place (plane-rectangular), from the store's floats.

        Raises
        ------
        StoreError
            If the run holds no depths yet, or the place lies outside it.
        """
        return settled(lambda: self._at(key, x, y, time_s))

    def _at(self, key: str, x: float, y: float, time_s: float | None) -> dict[str, Any]:
        run = self._flood_run(key)
        _require_depths(run, run.manifest())
        grid = run.grid
        if not bool(grid.contains(x, y)):
            raise StoreError(
                f"({x:.1f}, {y:.1f}) lies outside {grid.bounds}", where=f"run {key}", remedy="Choose a place inside."
            )
        row, col = (int(v) for v in grid.row_col(x, y))
        depth = run.fields()[DEPTH]
        times = depth["time"].to_numpy().astype(np.float64)
        series = _values(run, depth[:, row, col]).astype(np.float32)
        bed = float(self.ground(run)[row, col])
        out: dict[str, Any] = {
            "row": row,
            "col": col,
            "bed_m": bed if np.isfinite(bed) else None,
            "times_s": times.tolist(),
            "depth_m": [float(v) if np.isfinite(v) else None for v in series],
        }
        if time_s is not None and len(times):
            k = int(np.clip(np.searchsorted(times, time_s + 1e-6, side="right") - 1, 0, len(times) - 1))
            value = float(series[k])
            out |= {"time_s": float(times[k]), "value_m": value if np.isfinite(value) else None}
            out["class"] = class_of(value)
        return out

    def beside(self, key: str, row: int) -> dict[str, Any] | None:
        """Depth in time at the land cell in or next to a building that gets deepest; None where there is none.

        Water does not enter the cells of a building, so what matters is what stands at its walls.
        """
        return settled(lambda: self._beside(key, row))

    def _beside(self, key: str, row: int) -> dict[str, Any] | None:
        shape = footprints(self._scene.buildings())[row]
        run = self._flood_run(key)
        manifest = run.manifest()
        if shape is None or not _has_depths(manifest):
            return None
        grid = run.grid
        west, south, east, north = shape.bounds
        (r0, r1), (c0, c1) = grid.row_col(np.array([west, east]), np.array([north, south]))
        rows, cols = slice(max(r0 - 1, 0), max(r1 + 2, 0)), slice(max(c0 - 1, 0), max(c1 + 2, 0))
        window = _values(run, run.fields()[DEPTH][:, rows, cols])
        if window.size == 0:
            return None
        part = Grid(
            (window.shape[1], window.shape[2]),
            grid.cell_size,
            grid.west + cols.start * grid.cell_size,
            grid.north - rows.start * grid.cell_size,
            grid.frame,
        )
        own = np.pad(burn([shape], part) >= 0, 1)
        ny, nx = part.shape
        near = np.zeros(part.shape, dtype=bool)
        for dr in range(3):
            for dc in range(3):
                near |= own[dr : dr + ny, dc : dc + nx]
        if _has_sea(manifest):
            near &= ~(window[0] > 0)  # sea and rivers are there from the start: no flood, as in the table of buildings
        if not near.any():
            return None
        peak = np.where(near, np.nan_to_num(window, nan=0.0).max(axis=0), -1.0)
        row_, col_ = np.unravel_index(int(np.argmax(peak)), peak.shape)
        return self.at(key, float(part.x_cell[col_]), float(part.y_cell[row_]), None)

    def ground(self, run: Run) -> NDArray[np.float32]:
        """Bed of a run: the map that it left, else the city's terrain with the scenario's edits."""
        stored = run.folder / BED_MAP
        if stored.is_file():
            import rasterio

            with rasterio.open(stored) as source:
                return np.asarray(source.read(1), dtype=np.float32)
        city = self._scene.city
        scenario = validate_scenario(run.manifest()["scenario"], where=f"run {run.key}")
        if scenario.edits:
            return city.edit(*scenario.edits).on(run.grid).z_cell
        return resample(city.require("terrain", RasterLayer), run.grid)

    def _flood_run(self, key: str) -> Run:
        """The flood run of a scenario, else the run itself."""
        flood = group_of(self._service, key).get(FLOOD)
        return self._service.open_run(key) if flood is None else flood.run

    def _member(self, key: str) -> Member:
        run = self._service.open_run(key)
        manifest = run.manifest()
        return Member(str(manifest["stage"]), run, run.status, manifest)

    def _start(self, run: Run) -> NDArray[Any]:
        """Depth at the start [m] (ny, nx)."""
        return _values(run, run.fields()[DEPTH][0])

    def _flood(self, run: Run, manifest: Mapping[str, Any], done: bool) -> dict[str, Any]:
        grid: Grid = run.grid
        x0, y0 = self._scene.origin
        base = f"/data/runs/{run.key}"
        return {
            "nx": grid.shape[1],
            "ny": grid.shape[0],
            "cell_size": grid.cell_size,
            "west": grid.west - x0,
            "north": grid.north - y0,
            "nt_total": len(manifest["times"]),
            "n_frames": int(manifest["outputs_done"]),
            "times_s": manifest["times"],
            "code_depth": [float(v) for v in depth_code().shown],
            "classes": depth_classes(),
            "frames_url": f"{base}/{self._digest(manifest) if done else 'live'}/frames?from=",
            "bed_url": f"{base}/{self._bed_digest(run, manifest)}/bed.pack",
        }

    def _results(self, run: Run) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Maximum depth [m] and arrival [s] of every row of the buildings' table; NaN where the run says nothing."""
        table = run.table("buildings")
        # by name, not by row: a run of a part of the city, or with a building added, numbers its buildings otherwise
        mine = table.drop_duplicates("id").set_index("id").reindex(self._scene.buildings().table["id"])
        return mine["max_depth"].to_numpy(dtype=np.float32), mine["arrival_s"].to_numpy(dtype=np.float32)

    def _digest(self, manifest: Mapping[str, Any]) -> str:
        """Names the content of a finished run: what it was computed from, and the code that encodes it."""
        parts = f"{manifest['key']}:{manifest.get('started')}:{encoder_digest()}:{self._scene.origin}"
        return hashlib.sha256(parts.encode()).hexdigest()[:16]

    def _bed_digest(self, run: Run, manifest: Mapping[str, Any]) -> str:
        """Names the bed: it is known before the run is finished, and may be refined by the map it leaves."""
        return self._digest({**manifest, "started": (run.folder / BED_MAP).is_file()})


def settled(ask: Callable[[], Answer]) -> Answer:
    """Ask again where a run moved to its final folder, or away, in the middle of the answer.

    It may do so before a file is looked for, or between that and its being read (OSError).

    Raises
    ------
    StoreError
        If it is not there at the second look either.
    """
    try:
        return ask()
    except (StoreError, OSError):
        return ask()


def job_document(job: JobStatus) -> dict[str, Any]:
    """Where a job stands, as JSON."""
    return {
        "key": job.key,
        "name": job.name,
        "title": dict(job.title),
        "stage": job.stage,
        "status": str(job.status),
        "progress": job.progress,
        "seconds_left": job.seconds_left,
        "reason": job.reason,
        "started": job.started,
        "wall_s": job.wall_s,
        "outputs_done": job.outputs_done,
        "outputs": job.outputs,
    }


def _clock_times(member: Member) -> list[float]:
    """Times at which a stage's picture changes; routes change with their departures, which are known at the end."""
    if member.stage != "access":
        return member.times
    if not member.has_table("departures"):
        return []
    departures = sorted({float(t) for t in member.run.table("departures")["departure_s"]})
    return departures if len(departures) > 1 else []


def _has_depths(manifest: Mapping[str, Any]) -> bool:
    """Whether depths can be read: a job that has not begun has neither fields nor a grid."""
    return DEPTH in manifest.get("fields", ()) and bool(manifest.get("outputs_done"))


def _require_depths(run: Run, manifest: Mapping[str, Any]) -> None:
    if not _has_depths(manifest):
        raise StoreError(
            "holds no depths yet", where=f"run {run.key}", remedy="Wait for its first output, or choose a flood run."
        )


def _field(run: Run, name: str) -> xr.DataArray:
    """A stored field.

    Raises
    ------
    StoreError
        If it is gone: the job was cancelled meanwhile.
    """
    fields = run.fields()
    if name not in fields:
        raise StoreError(f"holds no {name}", where=f"run {run.key}", remedy="Run the scenario again.")
    return fields[name]


def _has_sea(manifest: Mapping[str, Any]) -> bool:
    """Whether the scenario says what is sea and river: what its sea level fills at the start."""
    return manifest["scenario"].get("flood", {}).get("initial", {}).get("sea_level") is not None


def _values(run: Run, part: xr.DataArray) -> NDArray[Any]:
    """Read a part of a stored field.

    Raises
    ------
    StoreError
        If the run moved meanwhile: what is missing on the disk would read as no water.
    """
    values = part.to_numpy()
    if not run.folder.is_dir():
        raise StoreError("moved while it was read", where=f"run {run.key}", remedy="Ask again.")
    return values


def _stale(key: str) -> StoreError:
    return StoreError("this address is of another state", where=f"run {key}", remedy="Load the run document again.")
