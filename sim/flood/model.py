"""Local-inertial flow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import get_num_threads

import sim.flood.kernels as k
from sim.flood.arithmetic import WEIR
from sim.flood.fields import SPEED_DEPTH
from sim.flood.memory import spread_array, spread_width
from sim.flood.surface import KEEP, PARALLEL_CELLS, SurfaceModel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles

__all__ = ["BYTES_PER_CELL", "FloodModel"]

BYTES_PER_CELL = {"single": 152, "double": 153}
"""Memory of a model at its highest, a cell: benchmarks/bench_flood.py --memory, and 32 for buildings and walls."""


class FloodModel(SurfaceModel):
    """Local-inertial flow over a raster; parameters and errors as in :class:`SurfaceModel`."""

    names = ("z", "h", "rest", "qx", "qy", "h_max")
    missing = 1.0
    _state: k.State

    def __init__(self, section: FloodSection, ground: Ground, files: InputFiles) -> None:
        self._critical = section.froude_limit * math.sqrt(k.GRAVITY)
        self._buffers: tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]] | None = None
        super().__init__(section, ground, files)

    def stable_dt(self) -> float:
        """Longest stable step [s]: the Courant number over the fastest long wave, Bates et al. (2010), eq. 12."""
        deepest = float(self._tops.max())
        for drive in self._boundaries.drives:
            if drive.kind != k.DISCHARGE:
                deepest = max(deepest, self._deepest_outside(drive.on_x, drive.entries))
        dt, reach = self.section.max_dt, self.section.cfl * self.grid.cell_size
        if deepest > self.section.dry_depth:
            dt = min(dt, reach / math.sqrt(k.GRAVITY * deepest))
        return self.exchange.limit_step(dt, reach)

    def _advance(self, dt: float, rain: np.floating, sink: float) -> None:
        gravity_dt = k.GRAVITY * dt
        section, dx = self.section, self.grid.cell_size
        weighted = self._state.weight.size > 1
        number = np.array(
            [
                gravity_dt / dx, gravity_dt, section.theta, 0.5 * (1.0 - section.theta), section.dry_depth, 0.25,
                dt / dx, rain, KEEP[section.precision], 1e-30, 1.0, sink, float(weighted), dx, 0.5, self._critical,
                max(self._critical - WEIR, 0.0),
            ],
            dtype=self._type,
        )  # fmt: skip
        total = self._wake(rain, sink)
        k.join_runs(self._busy, self.grid.shape[1], self._active)
        threads = get_num_threads() if total * k.TILE_ROWS * k.TILE_COLS >= PARALLEL_CELLS else 1
        rings, lates, bands = self._room(threads)
        counted = (self._tops, self._taken, self._x_flux, self._y_flux)
        if threads == 1:
            k.advance(self._state, *self._faces, self._active, number, rings, lates, *counted)
        else:
            k.split_bands(self._active, total, bands)
            k.sweep_bands(self._state, *self._faces, self._active, number, bands, rings, lates, *counted)
            k.settle_bands(self._state, bands, lates)

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

    def _speed(self, row: int, col: int) -> float:
        state = self._state
        along = 0.5 * float(state.qx[row, col] + state.qx[row, col + 1])
        across = 0.5 * float(state.qy[row, col] + state.qy[row + 1, col])
        q, depth = math.hypot(along, across), float(state.h[row, col])
        return q / max(depth, float(self._least_depth(q))) if depth > self.section.dry_depth else 0.0

    def _least_depth(self, discharge: NDArray[Any] | float) -> NDArray[Any]:
        """Depth at which a unit discharge has the largest Froude number that is allowed (`kernels.track_row`)."""
        return np.cbrt(np.square(discharge / self._critical))

    def _cells(self, name: str) -> NDArray[Any]:
        values: NDArray[Any] = getattr(self._state, name)
        return values

    def _track_flow(
        self, speed_max: NDArray[np.float32], discharge_max: NDArray[np.float32], force_max: NDArray[np.float32]
    ) -> None:
        limits = np.array([SPEED_DEPTH, 0.5, 1.0, self._critical], dtype=self._type)
        k.track_discharge(self._state, self._active, limits, speed_max, discharge_max, force_max)

    def _inject(self, row: NDArray[np.int64], col: NDArray[np.int64], gain: NDArray[Any], got: NDArray[Any]) -> None:
        k.add_sources(row, col, gain, self._type(KEEP[self.section.precision]), self._state, self._tops, got)

    def _judge(self) -> None:
        state = self._state
        self.danger.judge_discharge(state.h, state.qx, state.qy, self._critical, self._active)

    def _face_discharge(self, on_x: bool, faces: NDArray[np.int64]) -> NDArray[np.floating]:
        """What crossed the faces in the last step, over its time: exact."""
        state = self._state
        q: NDArray[np.floating] = (state.qx if on_x else state.qy)[faces[0], faces[1]]
        return q if self.ground.porosity is None else q * (state.x_open if on_x else state.y_open)[faces[0], faces[1]]

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
            "porosity": np.ones(1),
            "x_open": np.ones(1),
            "y_open": np.ones(1),
        }
        if ground.porosity is not None:
            x = np.pad(ground.porosity, ((0, 0), (1, 1)), mode="edge")
            y = np.pad(ground.porosity, ((1, 1), (0, 0)), mode="edge")
            opened = {"x_open": np.minimum(x[:, :-1], x[:, 1:]), "y_open": np.minimum(y[:-1], y[1:])}
            arrays |= {"porosity": ground.porosity} | opened
        return k.State(**{name: spread_array(values, kind, slot) for slot, (name, values) in enumerate(arrays.items())})

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
