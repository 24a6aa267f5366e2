"""Measures in time: gauges, thrust on a block, levels that are compared elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from sim.validation.difference import difference
from sim.validation.record import UNITS, Line, Panel, Quantity, Record
from sim.validation.table import Table, column_of
from twin.scenario import Finite, Positive, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Arrivals", "Force", "GaugeSeries", "Inflow", "Levels"]

MOST_PANELS = 6
"""Gauges of a series that are drawn."""

WATER_WEIGHT = 9810.0
"""Weight of water [N m-3]."""


class GaugeSeries(Section):
    """Gauges in time beside observed ones.

    Figures: ``rmse``, ``mae``, ``nse``: means over the gauges; ``mae_range``: the largest; ``peak``, ``peak_m``:
    relative and absolute error of the maximum, the mean over the gauges of its size; ``peak_median``,
    ``peak_worst``, ``peak_m_worst``. The maximum of a velocity or discharge is that of its size.

    Parameters
    ----------
    gauges : tuple of str
    quantity : {"depth", "stage", "speed", "velocity"}
    table : Table
        ``{gauge}`` in its file name stands for the gauge.
    time : str
        Column of the times.
    value : str
        Column of the values; ``{gauge}`` stands for the gauge.
    second : str
        Second component where `value` is one of a velocity; their magnitude is compared, of one alone its size.
    time_scale, delay : float
        time of the run = time_scale * time of the table + delay [s].
    value_scale, offset : float
        value = value_scale * value of the table + offset.
    zero_by : float or None
        The mean over that many seconds at the table's beginning is taken off the table's values.
    window : (float, float) or None
        Times of the run that count [s].
    """

    kind: Literal["gauges"]
    gauges: tuple[str, ...]
    quantity: Quantity
    table: Table
    time: str
    value: str
    second: str = ""
    time_scale: Positive = 1.0
    delay: Finite = 0.0
    value_scale: Finite = 1.0
    offset: Finite = 0.0
    zero_by: Positive | None = None
    window: tuple[Finite, Finite] | None = None

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        found = []
        for gauge in self.gauges:
            time, truth = self._observed(record, gauge)
            model = np.interp(time, record.gauges["time_s"], record.gauge(gauge, self.quantity))
            one = difference(model, truth)
            if self.quantity in ("velocity", "discharge"):
                sizes = difference(np.abs(model), np.abs(truth))
                one |= {name: sizes[name] for name in ("peak", "peak_m")}
            found.append(one)
        every = {name: np.array([one[name] for one in found]) for name in found[0]}
        peak, peak_m = np.abs(every["peak"]), np.abs(every["peak_m"])
        return {
            **{name: float(every[name].mean()) for name in ("rmse", "mae", "nse")},
            "mae_range": float(every["mae_range"].max()),
            "peak": float(peak.mean()),
            "peak_median": float(np.median(peak)),
            "peak_worst": float(peak.max()),
            "peak_m": float(peak_m.mean()),
            "peak_m_worst": float(peak_m.max()),
        }

    def panels(self, record: Record) -> list[Panel]:
        """A panel a gauge, at most `MOST_PANELS` from the first to the last."""
        out = []
        shown = np.unique(np.linspace(0, len(self.gauges) - 1, MOST_PANELS).round().astype(int))
        for gauge in (self.gauges[int(k)] for k in shown):
            time, truth = self._observed(record, gauge)
            ours = Line("ours", record.gauges["time_s"].to_numpy(), record.gauge(gauge, self.quantity), "ours")
            label = f"{self.quantity} [{UNITS[self.quantity]}]"
            out.append(Panel(gauge, "time [s]", label, (Line("observed", time, truth, "reference"), ours)))
        return out

    def _observed(self, record: Record, gauge: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        table = self.table.read(record.folder, gauge)
        time = column_of(table, self.time, self.table.file) * self.time_scale + self.delay
        value = column_of(table, self.value.format(gauge=gauge), self.table.file)
        if self.second:
            value = np.hypot(value, column_of(table, self.second.format(gauge=gauge), self.table.file))
        elif self.quantity == "speed":
            value = np.abs(value)
        if self.zero_by is not None:
            value = value - np.nanmean(value[time <= np.nanmin(time) + self.zero_by])
        first, last = self.window or (0.0, np.inf)
        keep = (time >= max(first, record.times[0])) & (time <= min(last, record.times[-1]))
        return time[keep], value[keep] * self.value_scale + self.offset


class Force(Section):
    """Thrust of the water on a block that stands across a flow to the east, from the depths before and behind it.

    Figures: ``rmse`` [N], ``peak`` (relative error of the largest thrust).

    Parameters
    ----------
    box : (west, south, east, north)
        The block [m].
    table, time, value
        Observed thrust [N] in time [s].
    """

    kind: Literal["force"]
    box: tuple[Finite, Finite, Finite, Finite]
    table: Table
    time: str
    value: str

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        time, truth = self._observed(record)
        found = difference(np.interp(time, record.times, self._thrust(record)), truth)
        return {"rmse": found["rmse"], "peak": abs(found["peak"])}

    def panels(self, record: Record) -> list[Panel]:
        """Thrust in time."""
        time, truth = self._observed(record)
        lines = (Line("observed", time, truth, "reference"), Line("ours", record.times, self._thrust(record), "ours"))
        return [Panel("thrust", "time [s]", "force [N]", lines)]

    def _thrust(self, record: Record) -> NDArray[np.float64]:
        west, south, east, north = self.box
        grid = record.grid
        rows = np.flatnonzero((grid.y_cell > south) & (grid.y_cell < north))
        before = int(np.flatnonzero(grid.x_cell < west)[-1])
        behind = int(np.flatnonzero(grid.x_cell > east)[0])
        out = []
        for time in record.times:
            depth = record.field("depth", time)
            push = depth[rows, before] ** 2 - depth[rows, behind] ** 2
            out.append(0.5 * WATER_WEIGHT * float(push.sum()) * grid.cell_size)
        return np.array(out)

    def _observed(self, record: Record) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        table, where = self.table.read(record.folder), self.table.file
        time, value = column_of(table, self.time, where), column_of(table, self.value, where)
        keep = (time >= 0.0) & (time <= record.times[-1])
        order = np.argsort(time[keep])
        return time[keep][order], value[keep][order]


class Levels(Section):
    """Gauges that are compared elsewhere: their highest stage, or that of the nearest wet cell at the end.

    Figures: one a gauge, ``<gauge>`` [m].
    """

    kind: Literal["levels"]
    gauges: tuple[str, ...]
    when: Literal["end", "highest"] = "end"
    wet: Positive = 1e-3

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        if self.when == "highest":
            return {name: float(record.gauge(name, "stage").max()) for name in self.gauges}
        row, col = np.nonzero(record.field("depth") > self.wet)
        x, y, stage = record.grid.x_cell[col], record.grid.y_cell[row], record.field("stage")[row, col]
        places = {name: record.place(name) for name in self.gauges}
        return {name: float(stage[np.hypot(x - at[0], y - at[1]).argmin()]) for name, at in places.items()}

    def panels(self, record: Record) -> list[Panel]:
        """Stages in time."""
        time = record.gauges["time_s"].to_numpy()
        return [
            Panel(name, "time [s]", "stage [m]", (Line("ours", time, record.gauge(name, "stage"), "ours"),))
            for name in self.gauges
        ]


class Arrivals(Section):
    """When the water comes to gauges.

    Figures: one a gauge, ``<gauge>`` [s]: first output with at least `depth` [m], interpolated; inf where none has.
    """

    kind: Literal["arrivals"]
    gauges: tuple[str, ...]
    depth: Positive

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        return {name: self._first(record, name) for name in self.gauges}

    def panels(self, record: Record) -> list[Panel]:
        """None."""
        del record
        return []

    def _first(self, record: Record, gauge: str) -> float:
        time, depth = record.gauges["time_s"].to_numpy(), record.gauge(gauge, "depth")
        wet = np.flatnonzero(depth >= self.depth)
        if not len(wet):
            return float("inf")
        k = int(wet[0])
        return float(np.interp(self.depth, depth[k - 1 : k + 1], time[k - 1 : k + 1])) if k else 0.0


class Inflow(Section):
    """Whether all water that should come came.

    Figures: ``m3``, and ``error``, relative to what was expected.

    Parameters
    ----------
    through : {"inflow_m3", "rain_m3"}
        Entry of the run's budget.
    expected : float
        [m3].
    """

    kind: Literal["inflow"]
    through: Literal["inflow_m3", "rain_m3"] = "inflow_m3"
    expected: Positive

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        came = float(record.run.manifest()["budget"][self.through])
        return {"m3": came, "error": abs(came / self.expected - 1.0)}

    def panels(self, record: Record) -> list[Panel]:
        """None."""
        del record
        return []
