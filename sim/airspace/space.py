"""The air that may be flown through, voxel by voxel, and what each costs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from twin.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from twin.voxels import Voxels

__all__ = ["FREE", "MOST_DEAR", "Space", "clearance_of"]

FREE = 4
"""Cost of free air: costs are whole quarters."""
MOST_DEAR = 16.0
"""Largest multiple of the cost of free air: dearer costs would leave the range of whole numbers on long paths."""


@dataclass(frozen=True, slots=True, eq=False)
class Space:
    """Voxels with a cost each.

    Parameters
    ----------
    voxels : Voxels
    cost : ndarray of uint8 (nz, ny, nx)
        0 blocked, otherwise the cost of flying there in quarters of that of free air.

    Raises
    ------
    LayerError
        If the array does not fit the voxels.
    """

    voxels: Voxels
    cost: NDArray[np.uint8]

    def __post_init__(self) -> None:
        if self.cost.shape != self.voxels.shape:
            raise LayerError(
                f"costs have shape {self.cost.shape}, the voxels {self.voxels.shape}",
                where="airspace",
                remedy="Give one cost a voxel.",
            )

    @classmethod
    def around(
        cls,
        voxels: Voxels,
        solid: NDArray[np.bool_],
        *,
        clearance: float = 0.0,
        ground: NDArray[np.floating] | None = None,
        band: tuple[float, float] = (-np.inf, np.inf),
    ) -> Space:
        """Free air at least `clearance` from what is solid, in a band of heights above ground.

        Parameters
        ----------
        voxels : Voxels
        solid : ndarray of bool (nz, ny, nx)
            Ground, buildings, and everything that is never flown through.
        clearance : float
            Least distance of a voxel's centre from the nearest solid voxel's [m].
        ground : ndarray (ny, nx), optional
            Ground [m T.P.]; needed for a band.
        band : (float, float)
            Least and largest height of a voxel's centre above ground [m].
        """
        is_open = ~solid if clearance <= 0 else ~solid & (clearance_of(voxels, solid) >= clearance)
        if ground is not None:
            above = voxels.z_cell[:, None, None] - ground[None]
            is_open &= (above >= band[0]) & (above <= band[1])
        return cls(voxels, np.where(is_open, np.uint8(FREE), np.uint8(0)))

    def without(self, blocked: NDArray[np.bool_]) -> Space:
        """The same air, closed where `blocked` (nz, ny, nx) is set."""
        return replace(self, cost=np.where(blocked, np.uint8(0), self.cost))

    def dearer(self, where: NDArray[np.bool_], factor: float) -> Space:
        """The same air, `factor` times as dear where `where` (nz, ny, nx) is set.

        Raises
        ------
        LayerError
            If the factor is below 1 or the cost passes ``MOST_DEAR`` times that of free air.
        """
        cost = np.where(where & (self.cost > 0), np.rint(self.cost * float(factor)), self.cost)
        if factor < 1 or cost.max(initial=0) > MOST_DEAR * FREE:
            raise LayerError(
                f"a cost factor of {factor} makes air {cost.max() / FREE:.1f} times as dear as free air",
                where="airspace",
                remedy=f"Give a factor from 1 to {MOST_DEAR:.0f}, or close the air.",
            )
        return replace(self, cost=cost.astype(np.uint8))

    @property
    def is_open(self) -> NDArray[np.bool_]:
        """(nz, ny, nx) where it may be flown."""
        return self.cost > 0

    def cells(self, points: ArrayLike) -> NDArray[np.int64]:
        """(n, 3) (level, row, column) of the voxels that hold points (n, 3) x, y, z [m in the frame, m T.P.]."""
        x, y, z = np.asarray(points, dtype=np.float64).reshape(-1, 3).T
        row, col = self.voxels.grid.row_col(x, y)
        level = np.floor((z - self.voxels.bottom) / self.voxels.level_height).astype(np.int64)
        return np.stack([level, row, col], axis=1)

    def contains(self, cells: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each cell (n, 3) lies inside."""
        inside: NDArray[np.bool_] = np.all((cells >= 0) & (cells < np.array(self.voxels.shape)), axis=1)
        return inside

    def points(self, cells: ArrayLike) -> NDArray[np.float64]:
        """(n, 3) x, y, z of voxel centres (level, row, column)."""
        level, row, col = np.asarray(cells, dtype=np.int64).reshape(-1, 3).T
        grid = self.voxels.grid
        return np.stack([grid.x_cell[col], grid.y_cell[row], self.voxels.z_cell[level]], axis=1)


def clearance_of(voxels: Voxels, solid: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(nz, ny, nx) distance of each voxel's centre from that of the nearest solid voxel [m]; exact, inf without any."""
    if not solid.any():
        return np.full(solid.shape, np.inf, dtype=np.float32)
    size = (voxels.level_height, voxels.grid.cell_size, voxels.grid.cell_size)
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(~solid, sampling=size)
    return distance.astype(np.float32)
