"""A block of airspace: a grid with levels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import LayerError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.grid import Grid

__all__ = ["Voxels"]


@dataclass(frozen=True, slots=True)
class Voxels:
    """Box cells over a grid, arrays of shape (nz, ny, nx), level 0 lowest.

    Parameters
    ----------
    grid : Grid
        Horizontal domain.
    bottom : float
        Height of the lowest face [m T.P.].
    level_height : float
        Height of a cell [m].
    n_levels : int
        Number of levels.

    Raises
    ------
    LayerError
        If there is no level or its height is not positive.
    """

    grid: Grid
    bottom: float
    level_height: float
    n_levels: int

    def __post_init__(self) -> None:
        if self.n_levels < 1 or not self.level_height > 0:
            raise LayerError(
                f"{self.n_levels} levels of {self.level_height} m hold no air",
                where="voxels",
                remedy="Give at least one level of positive height.",
            )

    @property
    def shape(self) -> tuple[int, int, int]:
        """(nz, ny, nx)."""
        return (self.n_levels, *self.grid.shape)

    @property
    def z_cell(self) -> NDArray[np.float64]:
        """(nz,) heights of the cell centres [m T.P.]."""
        return self.bottom + (np.arange(self.n_levels, dtype=np.float64) + 0.5) * self.level_height
