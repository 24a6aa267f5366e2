"""A flood in progress: what every scheme shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

import sim.flood.kernels as k
from sim.flood.boundaries import list_faces
from sim.flood.breaches import breach_inflows, place_breaches
from sim.flood.carving import carve_channels
from sim.flood.consequence.danger import Danger, read_danger
from sim.flood.crossing import Meter
from sim.flood.losses.ground_loss import GroundLoss, even_rates
from sim.flood.rain.field import MM_H
from sim.flood.rain.rainfall import place_rain
from sim.flood.sources import place_inflows
from sim.flood.structures.barrier import mark_barriers
from sim.flood.structures.build import place_barriers, place_structures
from sim.flood.tracking import Tracker
from twin.clock import Clock
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.flood.consequence.table import Consequence
    from sim.flood.ground import Ground
    from sim.flood.scenario import FloodSection
    from sim.inputs import InputFiles

__all__ = ["KEEP", "PARALLEL_CELLS", "SurfaceModel"]

PARALLEL_CELLS = 150_000
"""Active cells from which a step is worth two threads: entering a parallel region costs about 10 microseconds."""

KEEP = {"single": 1.0 - 1e-6, "double": 1.0 - 1e-14}
"""Share of its water that a cell may give in a step: rounding can then never make it owe."""


class SurfaceModel(ABC):
    """Flow over a raster, without the scheme; a ``sim.protocol.Model``.

    Forcing in time, activity of tiles, statistics, budget and restart live here; a scheme brings its state and step.

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

    names: ClassVar[tuple[str, ...]]
    """Arrays of the scheme's state that a step or a breach changes."""

    missing: ClassVar[float]
    """What structures see of what they take, as in :class:`sim.flood.structures.structure.Sight`."""

    consequence: Consequence | None = None
    """What stands in the area and the tables that judge it; None for a model without a city."""

    def __init__(self, section: FloodSection, ground: Ground, files: InputFiles) -> None:
        self.clock = Clock()
        self.section = section
        ground = mark_barriers(section.structures.barriers, carve_channels(section, ground, files))
        self.ground = ground
        self.grid = ground.grid
        self._type: type[np.floating] = np.float32 if section.precision == "single" else np.float64
        self.datum = _datum(ground)
        ny, nx = self.grid.shape
        self._boundaries = list_faces(section, ground, files, self.datum, self._type)
        self._faces = (self._boundaries.x_faces, self._boundaries.y_faces)
        self._sources = [*place_inflows(section, ground, files), *breach_inflows(section, ground, files)]
        self._rain = place_rain(section, ground, files)
        self._ground_loss = GroundLoss(section, ground, files)
        self._sink_rates = even_rates(section)
        self._breaches = place_breaches(section, ground, self._boundaries, self.datum)
        self._growing = [True] * len(self._breaches)
        self._gauges = _place_gauges(section, ground)
        self.meter = Meter(section, ground.grid)
        danger = section.evaluation.danger
        self.danger = Danger(read_danger(None if danger is None else files.path(danger)), (ny, nx))
        self._storage: Any = 1.0 if ground.porosity is None else ground.porosity.astype(self._type)
        weight = None if self._rain is None else self._rain.weight
        if self._rain is not None and ground.porosity is not None:
            # rain on roofs comes down beside them, on the share of the cell that is free
            weight = np.where(ground.is_wall, 0.0, 1.0 if weight is None else weight) / self._storage
        self._state = self._first_state(weight)
        self._rained_cells = float(self.grid.size)
        if weight is not None:
            self._rained_cells = self._sum_stored(self._cells("weight"))
        self._source_row, self._source_col = (
            np.concatenate([getattr(s, name) for s in self._sources]) if self._sources else np.zeros(0, dtype=np.int64)
            for name in ("row", "col")
        )
        tiles = (-(-ny // k.TILE_ROWS), -(-nx // k.TILE_COLS))
        self._tops = np.zeros(tiles, dtype=self._type)
        k.tile_tops(self._cells("h"), self._tops)
        self._busy = np.zeros(tiles, dtype=np.bool_)
        self._called = np.zeros(tiles, dtype=np.bool_)
        self._forced = np.zeros(tiles, dtype=np.bool_)
        edge = self._boundaries.edge_cells
        self._forced[edge[:, 0] // k.TILE_ROWS, edge[:, 1] // k.TILE_COLS] = True
        self._active = k.Active(np.zeros(tiles, np.int64), np.zeros(tiles, np.int64), np.zeros(tiles[0], np.int64))
        self._tracker = Tracker.start(ground.depth, tiles, section.track_every)
        self._taken = np.zeros((tiles[0], nx))
        self._x_flux = np.zeros((ny, 2))
        self._y_flux = np.zeros((2, nx, 2))
        self.exchange = place_structures(section.structures, ground, files, section.duration, missing=self.missing)
        self.barriers = place_barriers(section.structures, ground, self._boundaries, self.datum, files)
        # inflow by sources, taken by sources, rain, what of it is lost before it flows [m3]
        self._volumes = np.zeros(4)
        self._initial_m3 = self._stored()
        self._drive(0.0, 0.0)

    @abstractmethod
    def stable_dt(self) -> float:
        """Longest stable step [s]."""

    @abstractmethod
    def fields(self) -> dict[str, NDArray[np.float32]]:
        """Depth [m] and velocity [m/s], eastward and northward; 0 where dry."""

    @abstractmethod
    def _first_state(self, weight: NDArray[np.float64] | None) -> Any:
        """Arrays of the scheme at the start; `weight` is the share of the rain by cell."""

    @abstractmethod
    def _cells(self, name: str) -> NDArray[Any]:
        """(ny, nx) view of a cell array of the state: z, h, rest or h_max."""

    @abstractmethod
    def _advance(self, dt: float, rain: np.floating, sink: float) -> None:
        """One step of the scheme, with `rain` [m] and up to `sink` [m] of losses."""

    @abstractmethod
    def _inject(self, row: NDArray[np.int64], col: NDArray[np.int64], gain: NDArray[Any], got: NDArray[Any]) -> None:
        """Add `gain` [m], or take it as far as there is any, at cells; `got` [m] is what was done at each."""

    @abstractmethod
    def _track_flow(
        self, speed_max: NDArray[np.float32], discharge_max: NDArray[np.float32], force_max: NDArray[np.float32]
    ) -> None:
        """Bring the maxima that depend on the flow up to date in the runs of ``self._active``."""

    @abstractmethod
    def _judge(self) -> None:
        """Bring ``self.danger`` up to date in the runs of ``self._active``."""

    @abstractmethod
    def _face_discharge(self, on_x: bool, faces: NDArray[np.int64]) -> NDArray[np.floating]:
        """Unit discharge [m2/s] at faces (2, n), eastward (`on_x`) or southward."""

    @abstractmethod
    def _speed(self, row: int, col: int) -> float:
        """Speed at a cell [m/s], 0 where dry."""

    def step(self, dt: float) -> None:
        """Advance by `dt` [s]."""
        start, end = self.clock.time, self.clock.time + dt
        self._drive(start, end)
        rain = self._take_rain(start, end)
        if self._sources:
            self._add_sources(start, end)
        if self.exchange.structures:
            self._exchange(start, end)
        keep = KEEP[self.section.precision]
        self._ground_loss.take(start, self._cells("h"), self._cells("rest"), self._tops, keep)
        self._advance(dt, rain, sum(self._sink_rates) * MM_H * dt)
        self.clock.advance(dt)
        if self.meter.crossings:
            self.meter.count(self.meter.discharge(self._face_discharge), dt, self.clock.time)
        self._look()

    def gauges(self) -> dict[str, float]:
        """Stage [m T.P.], depth [m] and speed [m/s] at the gauges; discharge and volume through the sections."""
        out: dict[str, float] = {}
        z, h = self._cells("z"), self._cells("h")
        for name, (row, col) in self._gauges.items():
            depth = float(h[row, col])
            out[f"{name}_stage_m"] = self.datum + float(z[row, col]) + depth
            out[f"{name}_depth_m"] = depth
            out[f"{name}_speed_m_s"] = self._speed(row, col)
        if self.meter.crossings:
            through = self.meter.discharge(self._face_discharge)
            for crossing, now, total in zip(self.meter.crossings, through, self.meter.totals, strict=True):
                out[f"{crossing.name}_discharge_m3_s"] = float(now)
                out[f"{crossing.name}_volume_m3"] = float(total[0])
        for number, breach in enumerate(self._breaches):
            if breach.follows_water:
                out[f"breach_{number}_width_m"] = breach.width
        return out | self.exchange.series()

    def budget(self) -> dict[str, float]:
        """Volumes since the start [m3]; ``relative_error`` is what is missing over all that was there."""
        area = self.grid.cell_area
        edges = (self._x_flux.sum(axis=0) + self._y_flux.sum(axis=(0, 1))) * area
        built = self.exchange.account()
        inflow = float(edges[0] + self._volumes[0]) + built.came
        outflow = float(edges[1] + self._volumes[1]) + built.left
        sunk = float(self._taken.sum()) * area
        rates = self._sink_rates
        share = rates[0] / sum(rates) if sum(rates) else 0.0
        infiltrated = sunk * share + self._ground_loss.infiltrated * area + float(self._volumes[3])
        drained = (sunk * (1.0 - share) if sunk else 0.0) + self._ground_loss.drained * area
        rain, stored = float(self._volumes[2]), self._stored()
        came = self._initial_m3 + inflow + rain
        return {
            "initial_m3": self._initial_m3,
            "inflow_m3": inflow,
            "outflow_m3": outflow,
            "rain_m3": rain,
            "infiltrated_m3": infiltrated,
            "drained_m3": drained,
            "stored_m3": stored,
            "structures_m3": built.held,
            "relative_error": (
                (came - outflow - infiltrated - drained - stored - built.held) / came if came > 0 else 0.0
            ),
        }

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        out: dict[str, NDArray[Any]] = {name: getattr(self._state, name).copy() for name in self.names}
        kept = {**self._tracker.arrays(), **self.danger.arrays(), "crossed": self.meter.totals}
        out |= {name: values.copy() for name, values in kept.items()}
        out |= {
            "tops": self._tops.copy(),
            "called": self._called.copy(),
            "taken": self._taken.copy(),
            "x_flux": self._x_flux.copy(),
            "y_flux": self._y_flux.copy(),
            "volumes": self._volumes.copy(),
            "clock": np.array([self.clock.time, self.clock.step, self._tracker.sampled, self._initial_m3]),
        }
        if self._breaches:
            out["breaches"] = np.array([breach.state() for breach in self._breaches])
        out |= self._ground_loss.state() | self.exchange.state()
        return out if self._rain is None else out | self._rain.state()

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        for name in self.names:
            getattr(self._state, name)[...] = state[name]
        for name in ("tops", "called", "taken", "x_flux", "y_flux", "volumes"):
            getattr(self, f"_{name}")[...] = state[name]
        time, step, sampled, self._initial_m3 = (float(v) for v in state["clock"])
        self.clock.time, self.clock.step = time, int(step)
        self._tracker.load(state, sampled)
        self._ground_loss.load_state(state)
        self.exchange.load_state(state)
        if self._rain is not None:
            self._rain.load_state(state)
        self.danger.load(state)
        self.meter.totals[...] = state["crossed"]
        self._growing = [True] * len(self._breaches)
        for breach, known in zip(self._breaches, state.get("breaches", ()), strict=True):
            breach.load_state(*(float(value) for value in known))
        # crests are no part of the state: they follow from the time and from what the breaches know
        self._drive(time, time)

    def statistics(self) -> dict[str, NDArray[np.float32]]:
        """Maps over the whole run so far, by registered name; NaN where the quantity does not exist."""
        self._look(final=True)
        t = self._tracker
        h_max = self._cells("h_max").astype(np.float32)
        wall = self.ground.is_wall
        wet = (h_max >= self.section.dry_depth) & ~wall

        def since(values: NDArray[np.float32]) -> NDArray[np.float32]:
            return np.where(values >= 0, values, np.float32(np.nan))

        return {
            "h_max_cell": np.where(wall, np.float32(np.nan), h_max),
            "stage_max_cell": np.where(wet, h_max + (self._cells("z") + self.datum), np.nan).astype(np.float32),
            "speed_max_cell": t.speed_max,
            "unit_discharge_max_cell": t.discharge_max,
            "force_max_cell": t.force_max,
            "arrival_cell": since(t.early),
            "arrival_030_cell": since(t.late),
            "time_max_cell": np.where(wet, since(t.time_max), np.float32(np.nan)),
            "duration_cell": t.duration,
            **self.danger.maps(),
        }

    def _wake(self, rain: np.floating, sink: float) -> int:
        """Choose the tiles that the step computes; their number."""
        # a film too thin to flow still seeps away
        wet_depth = self._type(1e-6 if sink > 0 else self.section.dry_depth)
        depth, touched = self._cells("h"), self._tracker.touched
        return int(
            k.mark_active(depth, self._tops, self._called, self._forced, wet_depth, rain > 0, self._busy, touched)
        )

    def _look(self, *, final: bool = False) -> None:
        h, h_max = self._cells("h"), self._cells("h_max")
        self._tracker.look(self.clock.time, h, h_max, self._active, self._sample_flow, final=final)

    def _sample_flow(self, *maxima: NDArray[np.float32]) -> None:
        self._track_flow(*maxima)
        self._judge()

    def _stored(self) -> float:
        return (self._sum_stored(self._cells("h")) + self._sum_stored(self._cells("rest"))) * self.grid.cell_area

    def _sum_stored(self, depth: NDArray[Any]) -> float:
        """Sum over the cells of what `depth` [m] on their free share is worth [m]."""
        if self.ground.porosity is None:
            return float(depth.sum(dtype=np.float64))
        return float((depth.astype(np.float64) * self._storage).sum())

    def _drive(self, start: float, end: float) -> None:
        """Set what is given in time: edges and breaches."""
        for drive in self._boundaries.drives:
            if not (drive.series.is_constant and self.clock.step):
                drive.set(self._faces[0 if drive.on_x else 1], start, max(end, start + 1e-9))
        if self.barriers is not None and self.barriers.drive(end, self._faces):
            # a breach in the same wall is deeper than the wall
            self._growing = [True] * len(self._breaches)
        for number, breach in enumerate(self._breaches):
            if self._growing[number]:
                z, h = self._cells("z"), self._cells("h")
                self._growing[number] = not breach.grow(start, end, z, h, self._faces)

    def _deepest_outside(self, on_x: bool, entries: NDArray[np.int64]) -> float:
        faces = self._faces[0 if on_x else 1]
        ny, nx = self.grid.shape
        row = np.searchsorted(faces.start, entries, side="right") - 1
        bed = self._cells("z")[np.minimum(row, ny - 1), np.minimum(faces.place[entries], nx - 1)]
        # a wave of `wave` acts like a stage of twice its height
        return float(np.max(faces.value[entries] + 2.0 * faces.wave[entries] - bed))

    def _take_rain(self, start: float, end: float) -> np.floating:
        """Depth of rain for the kernels [m], their weights brought up to date, both counted."""
        if self._rain is None:
            return self._type(0.0)
        depth, changed = self._rain.take(start, end)
        if changed:
            weight = self._cells("weight")
            weight[...] = self._rain.weight / self._storage
            # sums of what the state holds: the weights in the kernels' type
            self._rained_cells = self._sum_stored(weight)
        rain = self._type(depth)
        area = self.grid.cell_area
        self._volumes[2] += float(rain) * (self._rained_cells + self._rain.lost) * area
        self._volumes[3] += float(rain) * self._rain.lost * area
        return rain

    def _exchange(self, start: float, end: float) -> None:
        """What structures take from the surface and give to it."""
        place = self.exchange.row, self.exchange.col
        z, h, rest = (self._cells(name)[place].astype(np.float64) for name in ("z", "h", "rest"))

        def inject(row: NDArray[np.int64], col: NDArray[np.int64], gain: NDArray[np.float64]) -> NDArray[np.float64]:
            depths = gain.astype(self._type)
            got = np.empty_like(depths)
            # the exchange counts in the water's own depth
            self._inject(row, col, depths, got)
            return got.astype(np.float64)

        self.exchange.step(start, end, self.datum + z + (h + rest), h, inject)

    def _pour(self, row: NDArray[np.int64], col: NDArray[np.int64], gain: NDArray[Any], got: NDArray[Any]) -> None:
        """Add (or take) `gain`, in metres over the whole of each cell, and so is `got`."""
        if self.ground.porosity is None:
            self._inject(row, col, gain, got)
            return
        share = self._storage[row, col]
        self._inject(row, col, gain / share, got)
        got *= share

    def _add_sources(self, start: float, end: float) -> None:
        area = self.grid.cell_area
        gains = [s.discharge.mean(start, end) * (end - start) / (len(s.row) * area) for s in self._sources]
        gain = np.repeat(np.array(gains), [len(s.row) for s in self._sources]).astype(self._type)
        got = np.empty_like(gain)
        self._pour(self._source_row, self._source_col, gain, got)
        self._volumes[0] += got[got > 0].sum(dtype=np.float64) * area
        self._volumes[1] -= got[got < 0].sum(dtype=np.float64) * area


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
