"""Assumed water levels of the hazards and the depths that follow from them on the terrain.

Buildings and hazard polygons both take their depths from here, so they agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import ndimage

from sample_data.terrain import mask_of
from sample_data.ward import place
from twin.grid import Grid

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sample_data.plan import Plan
    from sample_data.terrain import Terrain

__all__ = ["CELL", "DEPTH_RANKS", "HAZARDS", "Inundation", "depth_rank", "inundations"]

CELL = 5.0
"""Cell size of the depth fields [m]."""
DEPTH_RANKS = (0.5, 3.0, 5.0, 10.0, 20.0)
"""Upper bounds [m] of the ranks 1 to 5 of the national flood hazard maps; 6 is anything above."""
HAZARDS = ("river_planned", "river_maximum", "storm_surge", "tsunami")


def depth_rank(depth: float) -> int:
    """Rank 1 to 6 of a depth [m] in the standard legend (洪水浸水想定区域図作成マニュアル: 0.5, 3, 5, 10, 20 m)."""
    return 1 + int(np.searchsorted(DEPTH_RANKS, depth, side="right"))


@dataclass(frozen=True, slots=True)
class Inundation:
    """One hazard: `level` of the water surface T.P. and `depth` on land [m], 0 where it stays dry; 5 m cells."""

    grid: Grid
    level: NDArray[np.float64]
    depth: NDArray[np.float64]

    def depth_at(self, x: float, y: float, base: float) -> float:
        """Depth above a base height [m T.P.] at a point; 0 where the hazard does not reach."""
        row, col = (int(k) for k in self.grid.row_col(x, y))
        ny, nx = self.grid.shape
        if not (0 <= row < ny and 0 <= col < nx) or self.depth[row, col] <= 0.0:
            return 0.0
        return max(0.0, float(self.level[row, col]) - base)

    def hours_at(self, depth: float) -> float:
        """Hours with more than 0.5 m: pumps empty the ward by about 2.4 cm an hour."""
        return max(0.0, (depth - 0.5) / 0.024)


def _connected(wet: NDArray[np.bool_], source: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Cells of `wet` that are connected with `source`."""
    label, _ = ndimage.label(wet | source)
    reached = np.unique(label[source])
    return np.asarray(np.isin(label, reached[reached > 0]) & wet)


def inundations(plan: Plan, terrain: Terrain) -> dict[str, Inundation]:
    """Depth of each hazard on the ground, at 5 m.

    The levels are assumptions with the magnitudes of Osaka's official maps: a levee breach on the low right bank
    (planned scale), breaches on both banks (maximum), a storm surge over the quays and a tsunami that loses height
    inland.
    """
    fine = terrain.grid
    grid = Grid.from_bounds(fine.bounds, CELL)
    k = round(CELL)
    ny, nx = grid.shape
    ground = terrain.z.astype(np.float64).reshape(ny, k, nx, k).mean(axis=(1, 3))
    ground = ndimage.gaussian_filter(ground, 1.0)
    xx, yy = np.meshgrid(grid.x_cell, grid.y_cell)
    sea, river = mask_of(plan.sea, grid), mask_of(plan.river.buffer(6.0), grid)
    water = sea | river
    inland = ndimage.distance_transform_edt(~sea) * CELL
    right_bank, left_bank = place(((660, 940), (1080, 760)))

    def away(point: tuple[float, float]) -> NDArray[np.float64]:
        return np.asarray(np.hypot(xx - point[0], yy - point[1]), dtype=np.float64)

    def near(point: tuple[float, float]) -> NDArray[np.bool_]:
        return away(point) < 30.0

    # the banks: which side of the river a cell lies on
    bank, _ = ndimage.label(~water)
    row, col = grid.row_col(*right_bank)
    is_right = bank == bank[int(row), int(col)]
    levels = {
        "river_planned": (np.where(is_right, 1.75 - 0.0007 * away(right_bank), -9.0), near(right_bank)),
        "river_maximum": (
            np.where(is_right, 3.45 - 0.0010 * away(right_bank), 3.15 - 0.0009 * away(left_bank)),
            near(right_bank) | near(left_bank),
        ),
        "storm_surge": (3.75 - 0.0011 * inland, sea),
        "tsunami": (3.3 - 0.0034 * inland, sea),
    }
    out: dict[str, Inundation] = {}
    for name in HAZARDS:
        level, source = levels[name]
        wet = (level - ground > 0.01) & ~water
        reached = _connected(wet, source)
        out[name] = Inundation(grid, np.asarray(level), np.where(reached, np.maximum(level - ground, 0.0), 0.0))
    return out
