"""Full shallow-water flow."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numba import get_num_threads
from scipy.ndimage import binary_dilation

import sim.flood.kernels as k
import sim.flood.shallow_layout as at
from sim.flood.fields import SPEED_DEPTH
from sim.flood.memory import spread_array
from sim.flood.shallow_cells import add_sources, fastest_wave, put_fences_aside, track_velocity
from sim.flood.shallow_kernels import sweep_band, sweep_bands
from sim.flood.surface import KEEP, PARALLEL_CELLS, SurfaceModel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles

__all__ = ["BANK_BED", "BYTES_PER_CELL", "ShallowWaterModel", "is_bank"]

BYTES_PER_CELL = {"single": 155, "double": 178}
"""Memory of a model at its highest, a cell: benchmarks/bench_shallow.py --memory, and 32 for buildings and walls."""

FIRST_STEP, STEP_GROWTH = 0.2, 1.15
"""Share of the stable step that a run begins with, and its growth: a dam that breaks is a jump that no step resolves;
short first ones cut the error of a dry dam break by a third (tests/validation/test_shallow_analytic.py)."""

AHEAD = 0.9
"""Courant number up to which the depth over rough beds may be predicted: docs/decisions/0005."""

CREEP = {"single": 1e-7, "double": 1e-15}
"""Speed below which water stands still [m/s]: what rounding of the surface gives a cell in a step."""

SOLID = 0.5 * k.WALL_BED

BANK_BED = 2.0 * k.WALL_BED
"""Bed of a wall cell of a bank at an angle to the grid: water slides along it (`shallow_kernels.flux_between`)."""

BEYOND = {"z": k.WALL_BED, "porosity": 1.0}
"""What the cells around the domain hold, 0 where nothing is said."""

NOWHERE = {"weight": np.ones((1, 1)), "porosity": np.ones(1)}
"""Arrays that stand for 1 everywhere."""


class ShallowWaterModel(SurfaceModel):
    """Shallow-water flow of second order over a raster; parameters and errors as in :class:`SurfaceModel`."""

    names = ("z", "h", "rest", "u", "v", "h_max")
    missing = 0.25
    """Found with free weirs: 0 lets 17 % too much through the small one, 0.5 takes 8 % off the wide one."""
    _state: at.State

    def __init__(self, section: FloodSection, ground: Ground, files: InputFiles) -> None:
        self._room: at.Room | None = None
        super().__init__(section, ground, files)
        self._fastest = float(fastest_wave(self._state, self._type(section.dry_depth)))

    def stable_dt(self) -> float:
        """Longest stable step [s]: the Courant number over the fastest wave, inside or coming in."""
        begun = min(1.0, FIRST_STEP * STEP_GROWTH ** min(self.clock.step, 99))
        reach = begun * self.section.cfl * self.grid.cell_size
        fastest = self._fastest
        for drive in self._boundaries.drives:
            values = self._faces[0 if drive.on_x else 1].value[drive.entries]
            if drive.kind != k.DISCHARGE:
                depth = max(self._deepest_outside(drive.on_x, drive.entries), 0.0)
                fastest = max(fastest, math.sqrt(k.GRAVITY * depth))
            else:
                # critical flow: speed and celerity are the cube root of g q
                fastest = max(fastest, 2.0 * math.cbrt(k.GRAVITY * max(float(values.max()), 0.0)))
        dt = min(self.section.max_dt, reach / fastest) if fastest > 0.0 else self.section.max_dt
        # a source fills its cells at this rate; the wave of what it brings in the step must not outrun the step
        now = self.clock.time
        rates = [max(s.discharge.mean(now, now + dt), 0.0) / (len(s.row) * self.grid.cell_area) for s in self._sources]
        rate = max(rates, default=0.0)
        dt = min(dt, math.cbrt(reach * reach / (k.GRAVITY * rate))) if rate > 0.0 else dt
        return self.exchange.limit_step(dt, reach)

    def fields(self) -> dict[str, NDArray[np.float32]]:
        """Depth [m] and velocity [m/s], eastward and northward; 0 where dry."""
        return {
            "h_cell": self._cells("h").astype(np.float32),
            "u_cell": self._cells("u").astype(np.float32),
            "v_cell": (-self._cells("v")).astype(np.float32),
        }

    def _speed(self, row: int, col: int) -> float:
        return math.hypot(float(self._cells("u")[row, col]), float(self._cells("v")[row, col]))

    def _cells(self, name: str) -> NDArray[Any]:
        values: NDArray[Any] = getattr(self._state, name)[at.PAD : -at.PAD, at.LEAD : at.LEAD + self.grid.shape[1]]
        return values

    def _advance(self, dt: float, rain: np.floating, sink: float) -> None:
        section, dx, kind = self.section, self.grid.cell_size, self._type
        dry, keep, creep = section.dry_depth, KEEP[section.precision], CREEP[section.precision]
        ahead = min(1.0, AHEAD / section.cfl) - 0.5
        given = (
            dt / dx, k.GRAVITY * dt, k.GRAVITY, dry, creep, dry, rain, sink, keep, dx, 0.25, 0.5,
            ahead, 1.0, 1e-30, SOLID,
        )  # fmt: skip
        made: Any = (kind(value) for value in given)
        numbers = at.Numbers(*made)
        total = self._wake(rain, sink)
        threads = get_num_threads() if total * k.TILE_ROWS * k.TILE_COLS >= PARALLEL_CELLS else 1
        room = self._make_room(threads)
        x_first = self.clock.step % 2 == 0
        counted = (self._tops, self._taken, self._x_flux, self._y_flux)
        still = (self._state, *self._faces, self._busy, numbers, room)
        if threads == 1:
            sweep_band(0, 0, self.grid.shape[0], x_first, *still, *counted)
        else:
            k.join_runs(self._busy, self.grid.shape[1], self._active)
            bands = np.zeros(threads + 1, dtype=np.int64)
            k.split_bands(self._active, total, bands)
            put_fences_aside(bands, self._state, room.fences)
            sweep_bands(bands, x_first, *still, *counted)
        self._fastest = float(room.fastest[:threads].max())

    def _inject(self, row: NDArray[np.int64], col: NDArray[np.int64], gain: NDArray[Any], got: NDArray[Any]) -> None:
        add_sources(row, col, gain, self._type(KEEP[self.section.precision]), self._state, self._tops, got)

    def _track_flow(
        self, speed_max: NDArray[np.float32], discharge_max: NDArray[np.float32], force_max: NDArray[np.float32]
    ) -> None:
        least = self._type(SPEED_DEPTH)
        track_velocity(self._state, self._active, least, speed_max, discharge_max, force_max)

    def _judge(self) -> None:
        state = self._state
        self.danger.judge_velocity(state.h, state.u, state.v, (at.PAD, at.LEAD), self._active)

    def _face_discharge(self, on_x: bool, faces: NDArray[np.int64]) -> NDArray[np.floating]:
        """Mean of the two cells of a face: the sweeps keep no flux; nothing passes beside a wall cell."""
        (row, col), back = faces, (0, 1) if on_x else (1, 0)
        z, h, speed = self._cells("z"), self._cells("h"), self._cells("u" if on_x else "v")
        before, here = (row - back[0], col - back[1]), (row, col)
        is_open = (z[before] < SOLID) & (z[here] < SOLID)
        through = np.where(is_open, 0.5 * (h[before] * speed[before] + h[here] * speed[here]), 0.0)
        porosity = self.ground.porosity
        return through if porosity is None else through * np.minimum(porosity[before], porosity[here])

    def _first_state(self, weight: NDArray[np.float64] | None) -> at.State:
        ground, kind = self.ground, self._type
        wall = np.where(is_bank(ground.is_wall), BANK_BED, k.WALL_BED)
        z = np.where(ground.is_wall, wall, ground.bed - self.datum).astype(kind)
        h = ground.depth.astype(kind)
        # the surface is what is given: it, and not the depth, takes up what rounding took off the bed
        rest = np.where(h > 0, (ground.bed - self.datum - z) + (ground.depth - h), 0.0)
        nx = self.grid.shape[1]
        n2 = np.broadcast_to(ground.roughness**2, (len(ground.roughness), nx))
        still = np.zeros(self.grid.shape)
        u, v = (still, still) if ground.velocity is None else (ground.velocity[0], -ground.velocity[1])
        arrays = {"z": z, "h": h, "rest": rest, "u": u, "v": v, "n2": n2, "h_max": h, "weight": weight}
        arrays["porosity"] = ground.porosity
        padded = {name: NOWHERE[name] if values is None else _pad(values, name) for name, values in arrays.items()}
        made: Any = {name: spread_array(values, kind, slot) for slot, (name, values) in enumerate(padded.items())}
        return at.State(**made, columns=nx)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        return super().state() | {"fastest": np.array([self._fastest])}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        super().load_state(state)
        self._fastest = float(state["fastest"][0])

    def _make_room(self, threads: int) -> at.Room:
        if self._room is None or len(self._room.rows) < threads:
            kind = self._type
            ny, nx = self.grid.shape
            tile_rows = len(self._busy)
            width = self._state.z.shape[1]
            fences = at.FENCE_ROWS if threads > 1 else 1
            edge_rows = ny if nx > at.STRIP else 1
            runs = at.STRIP // k.TILE_COLS // 2 + 1
            self._room = at.Room(
                rows=spread_array(np.zeros((threads, at.ROOM_ROWS * at.ROW)), kind, 9),
                fences=np.zeros((threads, fences, 4, width), dtype=kind),
                edges=np.zeros((threads, 2, edge_rows, 4, at.LEAD), dtype=kind),
                runs=np.zeros((threads, 2, tile_rows, 2, runs), dtype=np.int64),
                counts=np.zeros((threads, 2, tile_rows), dtype=np.int64),
                owing=np.zeros((threads, 2), dtype=kind),
                fast=np.zeros((threads, at.STRIP), dtype=kind),
                fastest=np.zeros(threads, dtype=kind),
            )
        return self._room


def is_bank(is_wall: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which wall cells are stairs of a bank at an angle to the grid.

    Noses, open on two sides that meet and on no others, and the wall cells beside them; in a wall of one cell those
    that hang together by their corners.
    """
    around, walls = np.pad(~is_wall, 1), np.pad(is_wall, 1)
    north, south, west, east = around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:]
    at_corner = walls[:-2, :-2] | walls[:-2, 2:] | walls[2:, :-2] | walls[2:, 2:]
    is_link = is_wall & north & south & west & east & at_corner
    is_beside: NDArray[np.bool_] = binary_dilation(is_wall & (north != south) & (west != east))
    return is_wall & (is_link | is_beside)


def _pad(values: NDArray[Any], name: str) -> NDArray[Any]:
    fill = BEYOND.get(name, 0.0)
    # one row of a roughness stands for all
    rows = 0 if name == "n2" and len(values) == 1 else at.PAD
    rest = -values.shape[1] % at.LANES
    return np.pad(values, ((rows, rows), (at.LEAD, at.MARGIN + rest)), constant_values=fill)
