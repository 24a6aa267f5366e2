"""Rain on buildings runs off into the open cells around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.flood.ground import Ground

__all__ = ["RoofRunoff"]


@dataclass(frozen=True, slots=True, eq=False)
class RoofRunoff:
    """Where the water of each block of roofs goes.

    Parameters
    ----------
    is_wall : ndarray of bool (ny, nx)
    roof, block : ndarray of int64 (n,)
        Flat cells under roofs, and the number of their block (a connected piece of buildings).
    ring, source : ndarray of int64 (m,)
        Flat open cells beside a block, and the block.
    share : ndarray of float64 (m,)
        Share of the block's water that the cell gets.
    """

    is_wall: NDArray[np.bool_]
    roof: NDArray[np.int64]
    block: NDArray[np.int64]
    ring: NDArray[np.int64]
    source: NDArray[np.int64]
    share: NDArray[np.float64]

    @classmethod
    def of(cls, ground: Ground) -> RoofRunoff:
        """Blocks of the buildings that are walls, and the cells around them."""
        from scipy import ndimage

        label, count = ndimage.label(ground.is_wall & ((ground.building_cell >= 0) | (ground.bed > -np.inf)))
        flat = np.arange(label.size).reshape(label.shape)
        pairs = [np.zeros((0, 2), dtype=np.int64)]
        for axis in (0, 1):
            for back in (False, True):
                here = [slice(None), slice(None)]
                there = [slice(None), slice(None)]
                near, far = slice(1, None), slice(None, -1)
                here[axis], there[axis] = (near, far) if back else (far, near)
                block, cell = label[tuple(here)], flat[tuple(there)]
                beside = (block > 0) & ~ground.is_wall[tuple(there)]
                pairs.append(np.c_[block[beside], cell[beside]])
        # a cell that touches a block on two sides counts once
        ring = np.unique(np.concatenate(pairs), axis=0)
        cells = np.bincount(ring[:, 0], minlength=count + 1)
        roof = np.flatnonzero(label)
        share = 1.0 / cells[ring[:, 0]]
        return cls(ground.is_wall, roof, label.reshape(-1)[roof].astype(np.int64), ring[:, 1], ring[:, 0], share)

    @property
    def is_needed(self) -> bool:
        """Whether rain that is the same everywhere arrives unevenly."""
        return bool(self.is_wall.any())

    def spread(self, falls: NDArray[np.float64]) -> NDArray[np.float64]:
        """What arrives in each cell (ny, nx) of what falls on it: none on walls; rain on cells without a bed is lost.

        Rain on a block that no open cell touches is lost, too.
        """
        arrives = np.where(self.is_wall, 0.0, falls)
        if len(self.ring):
            water = np.bincount(self.block, weights=falls.reshape(-1)[self.roof], minlength=int(self.source.max()) + 1)
            np.add.at(arrives.reshape(-1), self.ring, self.share * water[self.source])
        return arrives
