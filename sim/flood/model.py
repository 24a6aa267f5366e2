"""A flood in progress."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import get_num_threads

import sim.flood.kernels as k
from sim.flood.boundaries import list_faces
from sim.flood.breaches import breach_inflows, place_breaches
from sim.flood.memory import spread_array, spread_width
from sim.flood.sources import MM_H, place_inflows, rain_weight, read_rain
from sim.flood.tracking import Tracker
from twin.clock import Clock
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles

__all__ = ["BYTES_PER_CELL", "FloodModel"]

BYTES_PER_CELL = {"single": 144, "double": 152}
"""Memory of a model at its highest, a cell: benchmarks/bench_flood.py --memory, and 32 for buildings and walls."""

PARALLEL_CELLS = 150_000
"""Active cells from which a step is worth two threads: entering a parallel region costs about 10 microseconds."""

KEEP = {"single": 1.0 - 1e-6, "double": 1.0 - 1e-14}
"""Share of its water that a cell may give in a step: rounding can then never make it owe."""


class FloodModel:
    """Local-inertial flow over a raster; a ``sim.protocol.Model``.

    Parameters
    ----------
    section : FloodSection
    ground : Ground
    files : InputFiles
        For series that the section names.

    Raises
    ------
    ScenarioError, LayerError
        If a boundary, inflow, breach or gauge does not fit the ground.
    """

    def __init__(self, section: FloodSection, ground: Ground, files: InputFiles) -> None:
        self.clock = Clock()
        self.section = section
        self.ground = ground
        self.grid = ground.grid
        self._type: type[np.floating] = np.float32 if section.precision == "single" else np.float64
        self.datum = _datum(ground)
        ny, nx = self.grid.shape
        self._boundaries = list_faces(section, ground, files, self.datum, self._type)
        self._faces = (self._boundaries.x_faces, self._boundaries.y_faces)
        self._sources = [*place_inflows(section, ground, files), *breach_inflows(section, ground, files)]
        self._rain = read_rain(section, files)
        self._breaches = place_breaches(section, ground, self._boundaries, self.datum)
        self._growing = [True] * len(self._breaches)
        self._gauges = _place_gauges(section, ground)
        self._state = self._first_state(rain_weight(section, ground))
        self._source_row, self._source_col = (
            np.concatenate([getattr(s, name) for s in self._sources]) if self._sources else np.zeros(0, dtype=np.int64)
            for name in ("row", "col")
        )
        tiles = (-(-ny // k.TILE_ROWS), -(-nx // k.TILE_COLS))
        self._tops = np.zeros(tiles, dtype=self._type)
        k.tile_tops(self._state.h, self._tops)
        self._was_wet = self._tops > section.dry_depth
        self._busy = np.zeros(tiles, dtype=np.bool_)
        self._forced = np.zeros(tiles, dtype=np.bool_)
        edge = self._boundaries.edge_cells
        self._forced[edge[:, 0] // k.TILE_ROWS, edge[:, 1] // k.TILE_COLS] = True
        self._active = k.Active(np.zeros(tiles, np.int64), np.zeros(tiles, np.int64), np.zeros(tiles[0], np.int64))
        self._critical = section.froude_limit * math.sqrt(k.GRAVITY)
        self._tracker = Tracker.start(ground.depth, tiles, section.track_every, self._critical)
        self._taken = np.zeros((tiles[0], nx))
        self._x_flux = np.zeros((ny, 2))
        self._y_flux = np.zeros((2, nx, 2))
        # inflow by sources, taken by sources, rain [m3]
        self._volumes = np.zeros(3)
        self._initial_m3 = self._stored()
        weighted = self._state.weight.size > 1
        self._rained_cells = float(self._state.weight.sum(dtype=np.float64)) if weighted else float(self.grid.size)
        self._buffers: tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]] | None = None
        self._drive(0.0, 0.0)

    def stable_dt(self) -> float:
        """Longest stable step [s]: the Courant number over the fastest long wave, Bates et al. (2010), eq. 12."""
        deepest = float(self._tops.max())
        for drive in self._boundaries.drives:
            if drive.kind == k.STAGE:
                deepest = max(deepest, self._deepest_outside(drive.on_x, drive.entries))
        if deepest <= self.section.dry_depth:
            return self.section.max_dt
        return min(self.section.max_dt, self.section.cfl * self.grid.cell_size / math.sqrt(k.GRAVITY * deepest))

    def step(self, dt: float) -> None:
        """Advance by `dt` [s]."""
        start, end = self.clock.time, self.clock.time + dt
        self._drive(start, end)
        gravity_dt = k.GRAVITY * dt
        section, dx = self.section, self.grid.cell_size
        intensity = 0.0 if self._rain is None else self._rain.mean(start, end) * MM_H
        sink = (section.infiltration + section.drainage) * MM_H * dt
        weighted = self._state.weight.size > 1
        number = np.array(
            [
                gravity_dt / dx, gravity_dt, section.theta, 0.5 * (1.0 - section.theta), section.dry_depth, 0.25,
                dt / dx, intensity * dt, KEEP[section.precision], 1e-30, 1.0, sink, float(weighted), dx, 0.5,
                self._critical,
            ],
            dtype=self._type,
        )  # fmt: skip
        if self._sources:
            self._add_sources(start, end)
        # a film too thin to flow still seeps away
        wet_depth = self._type(1e-6 if sink > 0 else section.dry_depth)
        k.mark_active(
            self._tops, self._was_wet, self._forced, wet_depth, intensity > 0, self._busy, self._tracker.touched
        )
        total = int(k.join_runs(self._busy, self.grid.shape[1], self._active))
        threads = get_num_threads() if total * k.TILE_ROWS * k.TILE_COLS >= PARALLEL_CELLS else 1
        rings, lates, bands = self._room(threads)
        counted = (self._tops, self._taken, self._x_flux, self._y_flux)
        if threads == 1:
            k.advance(self._state, *self._faces, self._active, number, rings, lates, *counted)
        else:
            k.split_bands(self._active, total, bands)
            k.sweep_bands(self._state, *self._faces, self._active, number, bands, rings, lates, *counted)
            k.settle_bands(self._state, bands, lates)
        self._volumes[2] += float(number[7]) * self._rained_cells * self.grid.cell_area
        self.clock.advance(dt)
        self._tracker.look(self.clock.time, self._state, self._active)

    def fields(self) -> dict[str, NDArray[np.float32]]:
        """Depth [m] and velocity [m/s], eastward and northward; 0 where dry."""
        h = self._state.h
        along = 0.5 * (self._state.qx[:, :-1] + self._state.qx[:, 1:])
        across = 0.5 * (self._state.qy[:-1] + self._state.qy[1:])
        # below the dry depth a cell's discharge is that of its last wet moment
        depth = np.where(h > self.section.dry_depth, np.maximum(h, self._least_depth(np.hypot(along, across))), np.inf)
        u, v = along / depth, -across / depth
        return {
            "h_cell": h.astype(np.float32),
            "u_cell": u.astype(np.float32, copy=False),
            "v_cell": v.astype(np.float32, copy=False),
        }

    def gauges(self) -> dict[str, float]:
        """Stage [m T.P.], depth [m] and speed [m/s] at the gauges."""
        out: dict[str, float] = {}
        state = self._state
        for name, (row, col) in self._gauges.items():
            depth = float(state.h[row, col])
            along = 0.5 * float(state.qx[row, col] + state.qx[row, col + 1])
            across = 0.5 * float(state.qy[row, col] + state.qy[row + 1, col])
            q, wet = math.hypot(along, across), depth > self.section.dry_depth
            out[f"{name}_stage_m"] = self.datum + float(state.z[row, col]) + depth
            out[f"{name}_depth_m"] = depth
            out[f"{name}_speed_m_s"] = q / max(depth, float(self._least_depth(q))) if wet else 0.0
        return out

    def _least_depth(self, discharge: NDArray[Any] | float) -> NDArray[Any]:
        """Depth at which a unit discharge has the largest Froude number that is allowed (`kernels.track_row`)."""
        return np.cbrt(np.square(discharge / self._critical))

    def budget(self) -> dict[str, float]:
        """Volumes since the start [m3]; ``relative_error`` is what is missing over all that was there."""
        area = self.grid.cell_area
        edges = (self._x_flux.sum(axis=0) + self._y_flux.sum(axis=(0, 1))) * area
        inflow, outflow = float(edges[0] + self._volumes[0]), float(edges[1] + self._volumes[1])
        sunk = float(self._taken.sum()) * area
        rates = self.section.infiltration, self.section.drainage
        share = rates[0] / sum(rates) if sum(rates) else 0.0
        rain, stored = float(self._volumes[2]), self._stored()
        came = self._initial_m3 + inflow + rain
        return {
            "initial_m3": self._initial_m3,
            "inflow_m3": inflow,
            "outflow_m3": outflow,
            "rain_m3": rain,
            "infiltrated_m3": sunk * share,
            "drained_m3": sunk * (1.0 - share) if sunk else 0.0,
            "stored_m3": stored,
            "relative_error": (came - outflow - sunk - stored) / came if came > 0 else 0.0,
        }

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        names = ("z", "h", "rest", "qx", "qy", "h_max")
        out: dict[str, NDArray[Any]] = {name: getattr(self._state, name).copy() for name in names}
        out |= {name: values.copy() for name, values in self._tracker.arrays().items()}
        out |= {
            "tops": self._tops.copy(),
            "was_wet": self._was_wet.copy(),
            "taken": self._taken.copy(),
            "x_flux": self._x_flux.copy(),
            "y_flux": self._y_flux.copy(),
            "volumes": self._volumes.copy(),
            "clock": np.array([self.clock.time, self.clock.step, self._tracker.sampled, self._initial_m3]),
        }
        return out

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        for name in ("z", "h", "rest", "qx", "qy", "h_max"):
            getattr(self._state, name)[...] = state[name]
        for name in ("tops", "was_wet", "taken", "x_flux", "y_flux", "volumes"):
            getattr(self, f"_{name}")[...] = state[name]
        time, step, sampled, self._initial_m3 = (float(v) for v in state["clock"])
        self.clock.time, self.clock.step = time, int(step)
        self._tracker.load(state, sampled)
        self._growing = [True] * len(self._breaches)
        # crests are no part of the state: they follow from the time
        self._drive(time, time)

    def statistics(self) -> dict[str, NDArray[np.float32]]:
        """Maps over the whole run so far, by registered name; NaN where the quantity does not exist."""
        self._tracker.look(self.clock.time, self._state, self._active, final=True)
        t = self._tracker
        h_max = self._state.h_max.astype(np.float32)
        wall = self.ground.is_wall
        wet = (h_max >= self.section.dry_depth) & ~wall

        def since(values: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.where(values >= 0, values, np.float32(np.nan))

        return {
            "h_max_cell": np.where(wall, np.float32(np.nan), h_max),
            "stage_max_cell": np.where(wet, h_max + (self._state.z + self.datum), np.nan).astype(np.float32),
            "speed_max_cell": t.speed_max,
            "unit_discharge_max_cell": t.discharge_max,
            "force_max_cell": t.force_max,
            "arrival_cell": since(t.early),
            "arrival_030_cell": since(t.late),
            "time_max_cell": np.where(wet, since(t.time_max), np.float32(np.nan)),
            "duration_cell": t.duration,
        }

    def _first_state(self, weight: NDArray[np.float64] | None) -> k.State:
        ground, kind = self.ground, self._type
        ny, nx = self.grid.shape
        z = np.where(ground.is_wall, k.WALL_BED, ground.bed - self.datum)
        h = ground.depth.astype(kind)
        arrays = {
            "z": z,
            "h": h,
            "rest": ground.depth - h,
            "qx": np.zeros((ny, nx + 1)),
            "qy": np.zeros((ny + 1, nx)),
            "n2": ground.roughness**2,
            "h_max": h,
            "weight": np.ones((1, 1)) if weight is None else weight,
        }
        return k.State(**{name: spread_array(values, kind, slot) for slot, (name, values) in enumerate(arrays.items())})

    def _stored(self) -> float:
        state = self._state
        return float(state.h.sum(dtype=np.float64) + state.rest.sum(dtype=np.float64)) * self.grid.cell_area

    def _drive(self, start: float, end: float) -> None:
        """Set what is given in time: edges and breaches."""
        for drive in self._boundaries.drives:
            if not (drive.series.is_constant and self.clock.step):
                self._faces[0 if drive.on_x else 1].value[drive.entries] = drive.value(start, max(end, start + 1e-9))
        for number, breach in enumerate(self._breaches):
            if self._growing[number] and end >= breach.start:
                self._growing[number] = not breach.grow(end, self._state, self._faces)

    def _deepest_outside(self, on_x: bool, entries: NDArray[np.int64]) -> float:
        faces = self._faces[0 if on_x else 1]
        ny, nx = self.grid.shape
        row = np.searchsorted(faces.start, entries, side="right") - 1
        bed = self._state.z[np.minimum(row, ny - 1), np.minimum(faces.place[entries], nx - 1)]
        return float(np.max(faces.value[entries] - bed))

    def _add_sources(self, start: float, end: float) -> None:
        area = self.grid.cell_area
        gains = [s.discharge.mean(start, end) * (end - start) / (len(s.row) * area) for s in self._sources]
        gain = np.repeat(np.array(gains), [len(s.row) for s in self._sources]).astype(self._type)
        keep = self._type(KEEP[self.section.precision])
        added, taken = k.add_sources(self._source_row, self._source_col, gain, keep, self._state, self._tops)
        self._volumes[0] += added * area
        self._volumes[1] += taken * area

    def _room(self, threads: int) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
        if self._buffers is None or len(self._buffers[0]) < threads:
            nx = self.grid.shape[1]
            width = spread_width(nx + 1, self._type)
            self._buffers = (
                np.zeros((threads, k.RING_ROWS, width), dtype=self._type),
                np.zeros((threads, 4, 5, nx + 1), dtype=self._type),
                np.zeros(threads + 1, dtype=np.int64),
            )
        rings, lates, bands = self._buffers
        return rings, lates, bands[: threads + 1]


def _datum(ground: Ground) -> float:
    """Height that the kernels call zero: single precision resolves a micrometre only near it."""
    free = ~ground.is_wall
    if not free.any():
        raise ScenarioError(
            "every cell of the area is a wall (a building, or no bed)",
            where="flood.bed",
            remedy="Choose an area with ground.",
        )
    return float(np.round(np.median(ground.bed[free])))


def _place_gauges(section: FloodSection, ground: Ground) -> dict[str, tuple[int, int]]:
    out = {}
    for name, (x, y) in section.gauges.items():
        where = f"flood.gauges.{name}"
        if not ground.grid.contains(x, y):
            raise ScenarioError(
                f"({x}, {y}) lies outside the area {ground.grid.bounds} (west, south, east, north, in m)",
                where=where,
                remedy="Move the gauge into area.bbox.",
            )
        row, col = (int(i) for i in ground.grid.row_col(x, y))
        if ground.is_wall[row, col]:
            what = "a building" if ground.building_cell[row, col] >= 0 else "a cell without a bed"
            raise ScenarioError(
                f"({x}, {y}) lies in {what}, where no water comes",
                where=where,
                remedy="Move the gauge to open ground, or choose buildings: block, roughness or ignore.",
            )
        out[name] = (row, col)
    return out
