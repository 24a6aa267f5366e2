"""A raster domain: shape, cell size, place and frame, frozen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError
from twin.frame import OSAKA, Frame
from twin.memory import require_memory

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Grid"]


@dataclass(frozen=True, slots=True)
class Grid:
    """Square cells, arrays of shape (ny, nx), row 0 = north.

    Parameters
    ----------
    shape : tuple of int
        (ny, nx), both >= 1.
    cell_size : float
        Edge of a cell [m].
    west, north : float
        Outer corner of cell (0, 0) [m in `frame`].
    frame : Frame
        A projected frame.

    Raises
    ------
    LayerError
        If the shape or the cell size is not positive.
    FrameError
        If the frame is in degrees.

    Examples
    --------
    >>> grid = Grid.from_bounds((0, 0, 100, 50), 10)
    >>> grid.shape, grid.bounds
    ((5, 10), (0.0, 0.0, 100.0, 50.0))
    >>> [int(i) for i in grid.row_col(5, 45)]
    [0, 0]
    """

    shape: tuple[int, int]
    cell_size: float
    west: float
    north: float
    frame: Frame = OSAKA

    def __post_init__(self) -> None:
        ny, nx = self.shape
        if ny < 1 or nx < 1 or not math.isfinite(self.cell_size) or self.cell_size <= 0:
            raise LayerError(
                f"a grid of {ny} x {nx} cells of {self.cell_size} m is empty",
                where="grid",
                remedy="Give a box with positive extent and a positive cell size.",
            )
        self.frame.require_metres("grid")

    @classmethod
    def from_bounds(cls, bounds: tuple[float, float, float, float], cell_size: float, frame: Frame = OSAKA) -> Grid:
        """Grid that covers (west, south, east, north); the east and south edges grow to whole cells."""
        west, south, east, north = (float(v) for v in bounds)
        if not (math.isfinite(cell_size) and cell_size > 0):
            raise LayerError(f"cell size is {cell_size} m", where="grid", remedy="Give a positive cell size.")
        if not (east > west and north > south):
            raise LayerError(
                f"box ({west}, {south}, {east}, {north}) has no area",
                where="grid",
                remedy="Give west, south, east, north with west < east and south < north.",
            )
        nx = max(1, math.ceil((east - west) / cell_size - 1e-9))
        ny = max(1, math.ceil((north - south) / cell_size - 1e-9))
        return cls((ny, nx), float(cell_size), west, north, frame)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(west, south, east, north) [m]."""
        ny, nx = self.shape
        return (self.west, self.north - ny * self.cell_size, self.west + nx * self.cell_size, self.north)

    @property
    def size(self) -> int:
        """Number of cells."""
        return self.shape[0] * self.shape[1]

    @property
    def cell_area(self) -> float:
        """Area of a cell [m2]."""
        return self.cell_size**2

    @property
    def x_cell(self) -> NDArray[np.float64]:
        """(nx,) eastings of the cell centres [m]."""
        return self.west + (np.arange(self.shape[1], dtype=np.float64) + 0.5) * self.cell_size

    @property
    def y_cell(self) -> NDArray[np.float64]:
        """(ny,) northings of the cell centres, descending [m]."""
        return self.north - (np.arange(self.shape[0], dtype=np.float64) + 0.5) * self.cell_size

    @property
    def affine(self) -> tuple[float, float, float, float, float, float]:
        """(a, b, c, d, e, f) of x = a col + b row + c, y = d col + e row + f, as rasterio takes it."""
        return (self.cell_size, 0.0, self.west, 0.0, -self.cell_size, self.north)

    def row_col(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Cell that holds each point; indices outside ``shape`` mean outside the grid."""
        col = np.floor((np.asarray(x, dtype=np.float64) - self.west) / self.cell_size).astype(np.int64)
        row = np.floor((self.north - np.asarray(y, dtype=np.float64)) / self.cell_size).astype(np.int64)
        return row, col

    def contains(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.bool_]:
        """Whether each point lies in a cell of the grid."""
        row, col = self.row_col(x, y)
        return (row >= 0) & (row < self.shape[0]) & (col >= 0) & (col < self.shape[1])

    def require_memory(self, bytes_per_cell: float, where: str) -> None:
        """Raise LayerError, with the numbers, if arrays of `bytes_per_cell` bytes a cell do not fit into free memory.

        To be called where arrays over a grid are about to be allocated: a slip in the cell size then ends in a message.
        """
        ny, nx = self.shape
        require_memory(int(self.size * bytes_per_cell), f"{where}: grid of {ny} x {nx} cells of {self.cell_size} m")

    def as_dict(self) -> dict[str, object]:
        """Plain form for manifests."""
        return {
            "shape": list(self.shape),
            "cell_size": self.cell_size,
            "west": self.west,
            "north": self.north,
            "frame": self.frame.as_dict(),
        }

    @classmethod
    def from_dict(cls, form: dict[str, object]) -> Grid:
        """Inverse of :meth:`as_dict`."""
        shape, frame = form["shape"], form["frame"]
        assert isinstance(shape, list)
        assert isinstance(frame, dict)
        return cls(
            (int(shape[0]), int(shape[1])),
            float(str(form["cell_size"])),
            float(str(form["west"])),
            float(str(form["north"])),
            Frame(**frame),
        )
