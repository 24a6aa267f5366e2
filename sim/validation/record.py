"""A finished run of a case, as its measures look at it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np

from twin.errors import StoreError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

    from twin.grid import Grid
    from twin.run import Run

__all__ = ["Line", "Panel", "Quantity", "Record"]

Quantity = Literal["depth", "stage", "speed", "velocity", "discharge"]
"""``velocity`` and ``discharge`` (per unit width) are those eastward."""

UNITS: dict[str, str] = {
    "depth": "m", "stage": "m", "speed": "m/s", "velocity": "m/s", "discharge": "m2/s", "bed": "m", "force": "N",
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A curve of a panel.

    Parameters
    ----------
    label : str
    x, y : ndarray (n,)
    role : {"ours", "reference", "ground"}
        How it is drawn.
    """

    label: str
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    role: Literal["ours", "reference", "ground"]


@dataclass(frozen=True, slots=True, eq=False)
class Panel:
    """Something to look at: curves over one axis, or a map.

    Parameters
    ----------
    title, x_label, y_label : str
    lines : tuple of Line
    image : ndarray (ny, nx) or None
        NaN where there is nothing; with its `extent` (west, east, south, north) [m].
    """

    title: str
    x_label: str
    y_label: str
    lines: tuple[Line, ...] = ()
    image: NDArray[np.float64] | None = None
    extent: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Record:
    """A run and the folder that holds what it is compared with.

    Parameters
    ----------
    run : Run
        Finished.
    folder : Path
        Of the published case.
    """

    run: Run
    folder: Path

    @cached_property
    def grid(self) -> Grid:
        """Raster domain."""
        return self.run.grid

    @cached_property
    def gauges(self) -> pd.DataFrame:
        """Records of all gauges."""
        return self.run.gauges()

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """Output times [s]."""
        return np.array(self.run.manifest()["times"], dtype=np.float64)

    @cached_property
    def bed(self) -> NDArray[np.float64]:
        """Bed [m] (ny, nx), NaN where there is none."""
        return self.run.map("z_cell").astype(np.float64)

    @cached_property
    def depth_max(self) -> NDArray[np.float64]:
        """Largest depth [m] (ny, nx)."""
        return self.run.map("h_max_cell").astype(np.float64)

    @cached_property
    def speed_max(self) -> NDArray[np.float64]:
        """Largest speed [m/s] (ny, nx)."""
        return self.run.map("speed_max_cell").astype(np.float64)

    def place(self, gauge: str) -> tuple[float, float]:
        """(x, y) of a gauge [m].

        Raises
        ------
        StoreError
            If the run has no such gauge.
        """
        known = self.run.manifest()["scenario"]["flood"]["gauges"]
        if gauge not in known:
            raise StoreError(f"has no gauge {gauge}", where=f"run {self.run.key}", remedy="Name it in flood.gauges.")
        x, y = known[gauge]
        return float(x), float(y)

    def gauge(self, name: str, quantity: Quantity) -> NDArray[np.float64]:
        """A gauge in time, one value an output; velocity and discharge from the fields, at the gauge's cell.

        Raises
        ------
        StoreError
            If the run has no such gauge.
        """
        if quantity in ("velocity", "discharge"):
            row, col = self.grid.row_col(*self.place(name))
            u = self._fields["u_cell"][:, int(row), int(col)].to_numpy().astype(np.float64)
            return u if quantity == "velocity" else u * self.gauge(name, "depth")
        column = f"{name}_{quantity}_{'m_s' if quantity == 'speed' else 'm'}"
        if column not in self.gauges:
            raise StoreError(
                f"has no gauge column {column}", where=f"run {self.run.key}", remedy="Name it in flood.gauges."
            )
        return self.gauges[column].to_numpy(dtype=np.float64)

    def field(self, quantity: Quantity | Literal["bed"], time: float | None = None) -> NDArray[np.float64]:
        """A field at the output nearest to `time` [s] (the last by default), (ny, nx)."""
        if quantity == "bed":
            return self.bed
        k = len(self.times) - 1 if time is None else int(np.abs(self.times - time).argmin())
        now = self._fields.isel(time=k)
        h, u = (now[name].to_numpy().astype(np.float64) for name in ("h_cell", "u_cell"))
        if quantity == "depth":
            return h
        if quantity == "stage":
            return self.bed + h
        if quantity == "speed":
            return np.hypot(u, now["v_cell"].to_numpy().astype(np.float64))
        return u if quantity == "velocity" else u * h

    @cached_property
    def _fields(self) -> xr.Dataset:
        return self.run.fields()
