"""Ways through a compiled airspace: which air is open when, and paths from place to place in it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from sim.airspace.compiler import MEMORY_REMEDY
from sim.airspace.planner import Planner
from sim.airspace.space import Space
from sim.airspace.zone import Restriction
from twin.memory import require_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.airspace.compiler import CompiledAirspace
    from sim.airspace.objective import Objective
    from sim.airspace.planner import Path
    from sim.airspace.scenario import AirspaceSection
    from sim.airspace.trajectory import Trajectory

__all__ = ["Airways"]


BYTES_PER_VOXEL = 24
"""Two heights of eight bytes, flags and costs while the band is cut out."""


class Airways:
    """Open air by height and time, with the planners for it.

    Parameters
    ----------
    air : CompiledAirspace
    section : AirspaceSection
    """

    def __init__(self, air: CompiledAirspace, section: AirspaceSection) -> None:
        self.air = air
        self.section = section
        self._closed_from = Restriction[section.planning.closed_from]
        levels, voxels = section.levels, air.voxels
        require_memory(
            math.prod(voxels.shape) * BYTES_PER_VOXEL,
            where=f"the open air of {' x '.join(map(str, voxels.shape))} voxels",
            remedy=MEMORY_REMEDY,
        )
        above = voxels.z_cell[:, None, None] - air.ground[None]
        half = voxels.level_height / 2
        # a voxel belongs to the band with all of its height
        is_low = above - half < levels.bottom - 1e-6
        is_high = above + half > levels.top + 1e-6
        is_clear = (air.clearance >= min(section.planning.clearance, float(air.clearance.max()))) & ~air.solid
        self._above = above
        self._bare = Space(voxels, np.where(is_clear & ~is_low & ~is_high, np.uint8(4), np.uint8(0)))
        self._spaces: dict[tuple[float, frozenset[int]], Space] = {}
        self._planners: dict[tuple[float, frozenset[int], Objective], Planner] = {}

    @property
    def lift_step(self) -> float:
        """Least change of height that separates two flights [m]: whole levels."""
        height = self.air.voxels.level_height
        return float(np.ceil(self.section.separation.vertical / height) * height)

    def open_air(self, lift: float, start: float, end: float) -> Space:
        """Air that is open all the time from `start` to `end` [s], at least `lift` above the band's bottom [m]."""
        return self._space(lift, self._classes(start, end))

    def planner(self, lift: float, start: float, end: float, objective: Objective) -> Planner:
        """Planner for this air."""
        classes = self._classes(start, end)
        key = (lift, classes, objective)
        if key not in self._planners:
            workspace = next(iter(self._planners.values()), None)
            self._planners[key] = Planner(self._space(lift, classes), objective, workspace=workspace)
        return self._planners[key]

    def path(self, planner: Planner, start: Sequence[int], goal: Sequence[int]) -> Path | None:
        """A path between two voxels within the scenario's bound."""
        return planner.any_angle(start, goal, self.section.planning.bound)

    def is_open_along(self, trajectory: Trajectory) -> bool:
        """Whether no air is closed at the moment at which the flight is there; columns over pads included."""
        return self.restriction_along(self._samples(trajectory)) < self._closed_from

    def worst_restriction(self, trajectory: Trajectory) -> Restriction:
        """Severest restriction that a flight meets on its way."""
        return self.restriction_along(self._samples(trajectory))

    def restriction_along(self, points: NDArray[np.float64]) -> Restriction:
        """Severest restriction at points (n, 4) x, y, z, t; none outside the voxels."""
        air = self.air
        cells = self._bare.cells(points[:, :3])
        inside = self._bare.contains(cells)
        rows = np.clip(np.searchsorted(air.slices, points[inside, 3], "right") - 1, 0, len(air.slice_class) - 1)
        level, row, col = cells[inside].T
        return Restriction(int(air.classes[air.slice_class[rows], level, row, col].max(initial=0)))

    def _samples(self, trajectory: Trajectory) -> NDArray[np.float64]:
        """(n, 4) points of a flight, at most a quarter of a voxel apart."""
        points = trajectory.points
        size = min(self.air.voxels.level_height, self.air.voxels.grid.cell_size)
        steps = np.diff(points, axis=0)
        pieces = np.maximum(1, np.ceil(np.abs(steps[:, :3]).max(axis=1) / size * 4)).astype(np.int64)
        piece = np.repeat(np.arange(len(pieces)), pieces)
        number = np.arange(len(piece)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
        share = (number + 0.5) / pieces[piece]
        along: NDArray[np.float64] = points[piece] + steps[piece] * share[:, None]
        return along

    def _classes(self, start: float, end: float) -> frozenset[int]:
        slices = np.arange(self.air.slice_at(start), self.air.slice_at(end) + 1)
        return frozenset(int(row) for row in self.air.slice_class[slices])

    def _space(self, lift: float, classes: frozenset[int]) -> Space:
        key = (lift, classes)
        if key not in self._spaces:
            restriction = self.air.classes[list(classes)].max(axis=0)
            space = self._bare.without(restriction >= self._closed_from)
            if self.section.planning.dear_factor > 1:
                space = space.dearer(restriction >= Restriction.CONDITIONAL, self.section.planning.dear_factor)
            if lift > 0:
                half = self.air.voxels.level_height / 2
                space = space.without(self._above - half < self.section.levels.bottom + lift - 1e-6)
            self._spaces[key] = space
        return self._spaces[key]
