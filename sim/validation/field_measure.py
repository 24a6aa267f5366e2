"""Measures in space: profiles, planes, circles, a lake at rest, the height that water climbs to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from sim.validation.difference import difference
from sim.validation.record import UNITS, Line, Panel, Quantity, Record
from sim.validation.table import Table, column_of
from twin.scenario import Finite, NotNegative, Point, Positive, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Extent", "Plane", "Profile", "Radial", "Rest", "Runup"]


class Profile(Section):
    """A field along the middle row beside a published profile, at one or several times.

    A profile that is finer than the cells is averaged over each cell; on a coarser one ours is interpolated.

    Figures: ``l1`` (mean |difference|), ``l1_rel``, ``worst``; over all times.

    Parameters
    ----------
    quantity : str
    table : Table
    at : mapping of column -> time [s]
        The column of the values at that time; the last output where the time is null.
    x : str
        Column of the positions.
    over : (float, float) or None
        Positions that count [m].
    """

    kind: Literal["profile"]
    quantity: Quantity
    table: Table
    x: str
    at: dict[str, NotNegative | None]
    over: tuple[Finite, Finite] | None = None

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        pairs = [(ours, truth) for _, _, ours, truth in self._pairs(record)]
        found = difference(np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs]))
        return {"l1": found["mae"], "l1_rel": found["l1_rel"], "worst": found["worst"]}

    def panels(self, record: Record) -> list[Panel]:
        """A panel a time; the bed below a stage."""
        out = []
        middle = record.grid.shape[0] // 2
        for name, x, ours, truth in self._pairs(record):
            lines = [Line("published", x, truth, "reference"), Line("ours", x, ours, "ours")]
            if self.quantity == "stage":
                here = (record.grid.x_cell >= x.min()) & (record.grid.x_cell <= x.max())
                lines.append(Line("bed", record.grid.x_cell[here], record.bed[middle][here], "ground"))
            out.append(Panel(name, "x [m]", f"{self.quantity} [{UNITS[self.quantity]}]", tuple(lines)))
        return out

    def _pairs(self, record: Record) -> list[tuple[str, NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]]:
        table, where = self.table.read(record.folder), self.table.file
        x = column_of(table, self.x, where)
        first, last = self.over or (-np.inf, np.inf)
        out = []
        for column, time in self.at.items():
            row = record.field(self.quantity, time)[record.grid.shape[0] // 2]
            truth = column_of(table, column, where)
            keep = np.isfinite(truth) & (x >= first) & (x <= last)
            west, _, east, _ = record.grid.bounds
            keep &= (x >= west) & (x <= east)
            name = "end" if time is None else f"t = {time:.4g} s"
            out.append((name, *_matched(x[keep], truth[keep], record, row)))
        return out


def _matched(
    x: NDArray[np.float64], truth: NDArray[np.float64], record: Record, row: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Positions, ours and what is true there."""
    col = np.floor((x - record.grid.west) / record.grid.cell_size).astype(np.int64)
    cells, count = np.unique(col, return_counts=True)
    # a published position on a face may fall to either side of it
    if count.mean() > 1.5:
        mean = np.bincount(col, truth, minlength=len(row))[cells] / count
        return record.grid.x_cell[cells], row[cells], mean
    order = np.argsort(x)
    return x[order], np.interp(x[order], record.grid.x_cell, row), truth[order]


class Plane(Section):
    """A field at the end beside a published one, point by point.

    Figures: ``l1``, ``l1_rel``, ``worst``.
    """

    kind: Literal["plane"]
    quantity: Quantity
    table: Table
    x: str
    y: str
    value: str

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        table, where = self.table.read(record.folder), self.table.file
        x, y, truth = (column_of(table, name, where) for name in (self.x, self.y, self.value))
        found = difference(record.field(self.quantity)[record.grid.row_col(x, y)], truth)
        return {"l1": found["mae"], "l1_rel": found["l1_rel"], "worst": found["worst"]}

    def panels(self, record: Record) -> list[Panel]:
        """A cut through the middle row."""
        table, where = self.table.read(record.folder), self.table.file
        x, y, truth = (column_of(table, name, where) for name in (self.x, self.y, self.value))
        middle = record.grid.shape[0] // 2
        cut = record.grid.row_col(x, y)[0] == middle
        lines = (
            Line("published", x[cut], truth[cut], "reference"),
            Line("ours", record.grid.x_cell, record.field(self.quantity)[middle], "ours"),
        )
        label = f"{self.quantity} [{UNITS[self.quantity]}]"
        return [Panel("cut through the middle", "x [m]", label, lines)]


class Radial(Section):
    """A field that depends on the distance from a point alone, beside a published profile.

    Figures: ``l1``, ``l1_rel``, ``worst``; ``asymmetry``: the largest |f - f transposed| over a square grid;
    ``spread``: the largest standard deviation over rings of a cell's width.
    """

    kind: Literal["radial"]
    quantity: Quantity
    table: Table
    centre: Point
    radius: str
    value: str

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        away, field = self._field(record)
        at, truth = self._published(record)
        inside = away <= at[-1]
        found = difference(field[inside], np.interp(away[inside], at, truth))
        ring = np.round(away / record.grid.cell_size).astype(np.int64).ravel()
        _, ring, n = np.unique(ring, return_inverse=True, return_counts=True)
        middle = np.bincount(ring, away.ravel()) / n
        off = field.ravel() - np.interp(away.ravel(), middle, np.bincount(ring, field.ravel()) / n)
        spread = np.sqrt(np.bincount(ring, off**2) / n)
        return {
            "l1": found["mae"],
            "l1_rel": found["l1_rel"],
            "worst": found["worst"],
            "asymmetry": float(np.abs(field - field.T).max()),
            "spread": float(spread.max()),
        }

    def panels(self, record: Record) -> list[Panel]:
        """Along the middle row, and every cell over its distance."""
        away, field = self._field(record)
        at, truth = self._published(record)
        order = np.argsort(away, axis=None)[::7]
        lines = (
            Line("published", at, truth, "reference"),
            Line("ours, every seventh cell", away.ravel()[order], field.ravel()[order], "ours"),
        )
        return [Panel("all directions", "distance [m]", f"{self.quantity} [{UNITS[self.quantity]}]", lines)]

    def _field(self, record: Record) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        grid = record.grid
        away = np.hypot(grid.x_cell[None, :] - self.centre[0], grid.y_cell[:, None] - self.centre[1])
        return away, record.field(self.quantity)

    def _published(self, record: Record) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        table, where = self.table.read(record.folder), self.table.file
        radius, value = column_of(table, self.radius, where), column_of(table, self.value, where)
        order = np.argsort(radius, kind="stable")
        return radius[order], value[order]


class Rest(Section):
    """A lake that should be at rest at `stage`.

    Figures: ``speed``: the largest of any output [m/s]; ``stage``: the largest error where it is wet [m].
    """

    kind: Literal["rest"]
    stage: Finite

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        wet = record.bed < self.stage
        return {
            "speed": max(float(record.field("speed", time).max()) for time in record.times),
            "stage": float(np.abs(record.field("stage") - self.stage)[wet].max()),
        }

    def panels(self, record: Record) -> list[Panel]:
        """The surface over the bed."""
        middle = record.grid.shape[0] // 2
        lines = (
            Line("ours", record.grid.x_cell, record.field("stage")[middle], "ours"),
            Line("bed", record.grid.x_cell, record.bed[middle], "ground"),
        )
        return [Panel("end", "x [m]", "stage [m]", lines)]


class Runup(Section):
    """How high the water climbs, beside observed heights.

    Figures: ``height``: the highest surface, above still water [m], in a cell that was wet beside one that never was
    (beds alone would tell it in steps of a cell's rise); ``error``: relative to what was observed.

    Parameters
    ----------
    still : float
        Still water [m].
    observed : float or None
        Highest observed run-up [m].
    table, value : Table, str
        In place of `observed`: the largest entry of a column, times `value_scale`.
    wet : float
        Depth that counts as wet [m].
    centre, radius : (x, y), float or None
        Only cells within that distance count.
    """

    kind: Literal["runup"]
    still: Finite = 0.0
    observed: Positive | None = None
    table: Table | None = None
    value: str = ""
    value_scale: Positive = 1.0
    wet: Positive = 1e-3
    centre: Point = (0.0, 0.0)
    radius: Positive | None = None

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        from scipy import ndimage

        wet = record.depth_max > self.wet
        shore = wet & ~ndimage.binary_erosion(wet, border_value=1)
        if self.radius is not None:
            x, y = record.grid.x_cell[None, :] - self.centre[0], record.grid.y_cell[:, None] - self.centre[1]
            shore &= np.hypot(x, y) <= self.radius
        surface = record.bed + record.depth_max
        height = float(np.nanmax(surface, where=shore, initial=self.still)) - self.still
        truth = self._observed(record.folder)
        return {"height": height} | ({} if truth is None else {"error": abs(height / truth - 1.0)})

    def panels(self, record: Record) -> list[Panel]:
        """The largest depth, as a map."""
        return _map(record, self.wet)

    def _observed(self, folder: Path) -> float | None:
        if self.table is None:
            return self.observed
        return float(np.nanmax(column_of(self.table.read(folder), self.value, self.table.file))) * self.value_scale


class Extent(Section):
    """What was under water.

    Figures: ``area`` [m2] that was at least `wet` deep, ``depth``: the largest [m], ``speed``: the largest [m/s].
    """

    kind: Literal["extent"]
    wet: Positive

    def figures(self, record: Record) -> dict[str, float]:
        """What the docstring of the class says."""
        area = float(np.sum(record.depth_max >= self.wet)) * record.grid.cell_area
        depth, speed = (float(np.nanmax(largest)) for largest in (record.depth_max, record.speed_max))
        return {"area": area, "depth": depth, "speed": speed}

    def panels(self, record: Record) -> list[Panel]:
        """The largest depth, as a map."""
        return _map(record, self.wet)


def _map(record: Record, wet: float) -> list[Panel]:
    """Map of the largest depth; none of a channel in one dimension."""
    if min(record.grid.shape) < 10:
        return []
    west, south, east, north = record.grid.bounds
    image = np.where(record.depth_max >= wet, record.depth_max, np.nan)
    return [Panel("largest depth [m]", "x [m]", "y [m]", image=image, extent=(west, east, south, north))]
