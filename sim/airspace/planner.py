"""Paths through the air over a city: exact over 26 neighbours, or at any angle with a proven bound."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, permutations, product
from typing import TYPE_CHECKING

import numpy as np

import sim.airspace.planner_kernels as k
from sim.airspace.objective import Objective
from sim.airspace.space import FREE
from twin.errors import SimulationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sim.airspace.space import Space

__all__ = ["MOVES", "Field", "Path", "Planner"]

MOVES = np.array([move for move in product((-1, 0, 1), repeat=3) if any(move)], dtype=np.int64)
"""(26, 3) moves to the neighbours (level, row, column); move ``25 - k`` is the opposite of move k."""
LEAST_WEIGHT = 4000
"""Whole number that stands for the cheapest move: the others are rounded by at most 1/8000 of it."""


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A path through the air.

    Parameters
    ----------
    cells : ndarray of int64 (m, 3)
        Level, row, column of its corners; a straight line between two is free.
    points : ndarray (m, 3)
        The same, x, y [m] and z [m T.P.].
    cost : float
        In the objective's unit.
    bound : float
        Proven: the cost is at most this many times the least cost over 26 neighbours.
    expanded : int
        Voxels that the search looked at.
    """

    cells: NDArray[np.int64]
    points: NDArray[np.float64]
    cost: float
    bound: float
    expanded: int

    @property
    def length(self) -> float:
        """Length [m]."""
        return float(np.sqrt((np.diff(self.points, axis=0) ** 2).sum(axis=1)).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """Least cost between every voxel and the nearest of some places.

    Parameters
    ----------
    cost : ndarray (nz, ny, nx)
        In the objective's unit; inf where no place can be reached.
    place : ndarray of int32 (nz, ny, nx)
        Which of the places, -1 for none.
    """

    cost: NDArray[np.float64]
    place: NDArray[np.int32]


class _Workspace:
    """Memory of the searches, 25 bytes a voxel."""

    def __init__(self, n: int) -> None:
        self.node = np.zeros((n, 2), dtype=np.int32)
        self.via = np.empty(n, dtype=np.int8)
        self.so_far = np.empty(n)
        self.parent = np.empty(n, dtype=np.int32)
        self.heap = np.empty(1 << 16, dtype=np.int64)
        self.pairs = np.empty((1 << 14, 2))
        self._generation = 0

    def next_generation(self) -> int:
        """An even number that no search on this memory has used: marks of earlier searches mean nothing."""
        self._generation += 2
        return self._generation


class Planner:
    """Searches one space under one objective; keeps its workspace between searches.

    Parameters
    ----------
    space : Space
    objective : Objective
    cut_corners : bool
        Whether a diagonal move may pass the edge of a blocked voxel. Lines at any angle follow the same rule.
    workspace : Planner, optional
        Another planner over voxels of the same shape, whose memory it shares; the two must not search at once.

    Raises
    ------
    SimulationError
        From a search, if a cost leaves the range of whole numbers (about 30,000 cells of free air).
    """

    def __init__(
        self,
        space: Space,
        objective: Objective | None = None,
        *,
        cut_corners: bool = False,
        workspace: Planner | None = None,
    ) -> None:
        self.space = space
        self.objective = Objective() if objective is None else objective
        self.cut_corners = cut_corners
        self._cost = np.pad(space.cost, 1).reshape(-1)
        self._shape = np.array(space.cost.shape, dtype=np.int64) + 2
        self._strides = np.array([self._shape[1] * self._shape[2], self._shape[2], 1], dtype=np.int64)
        voxels = space.voxels
        self._size = np.array([voxels.level_height, voxels.grid.cell_size])
        metres = MOVES[:, ::-1] * np.array([voxels.grid.cell_size, -voxels.grid.cell_size, voxels.level_height])
        through_free = self.objective.cost(metres)
        unit = float(through_free.min()) / LEAST_WEIGHT
        self._weight = np.rint(through_free / unit).astype(np.int64)
        self._unit = unit / (2 * FREE)
        self._move_cost = through_free / FREE
        self._gauge = self.objective.gauge
        self._gauge[:3] /= FREE
        self._need = _needs(cut_corners)
        costs = np.flatnonzero(np.bincount(self._cost, minlength=FREE + 1)[1:]) + 1
        self._cheapest = int(costs[0]) if len(costs) else FREE
        self._slope = _slopes(self._weight, np.sqrt((metres**2).sum(axis=1))) * (2 * self._cheapest)
        self._work: _Workspace = _Workspace(len(self._cost)) if workspace is None else workspace._work

    def optimal(self, start: ArrayLike, goal: ArrayLike) -> Path | None:
        """The path of least cost over 26 neighbours between two free cells; None if there is none.

        Parameters
        ----------
        start, goal : array_like (3,)
            Level, row, column.
        """
        a, b = self._flat(start), self._flat(goal)
        if not (self._cost[a] and self._cost[b]):
            return None
        work = self._work
        status, _, expanded, work.heap = k.find_optimal(
            self._cost, self._shape, a, b, self._weight, self._need, self._slope, work.node, work.via,
            work.next_generation(), work.heap,
        )  # fmt: skip
        self._check(status)
        if status == k.NO_PATH:
            return None
        steps = MOVES @ self._strides
        flat = [b]
        while flat[-1] != a:
            flat.append(flat[-1] - int(steps[work.via[flat[-1]]]))
        return self._path(np.array(flat[::-1]), 1.0, expanded)

    def any_angle(self, start: ArrayLike, goal: ArrayLike, bound: float = 1.2) -> Path | None:
        """A path of straight lines at any angle between two free cells; None if there is none.

        Parameters
        ----------
        start, goal : array_like (3,)
            Level, row, column.
        bound : float
            At least 1; the cost is at most `bound` times that of :meth:`optimal`. At 1 it is never longer. Larger
            bounds look at fewer voxels.
        """
        a, b = self._flat(start), self._flat(goal)
        if not (self._cost[a] and self._cost[b]):
            return None
        work = self._work
        status, _, expanded, work.pairs = k.find_any_angle(
            self._cost, self._shape, a, b, self._size, self._gauge, self._move_cost, self._need,
            float(self._cheapest), max(1.0, bound), self.cut_corners, work.node, work.so_far, work.parent,
            work.next_generation(), work.pairs,
        )  # fmt: skip
        if status == k.NO_PATH:
            return None
        flat = [b]
        while flat[-1] != a:
            flat.append(int(work.parent[flat[-1]]))
        path = np.array(flat[::-1])
        path = k.pull(self._cost, self._shape, path, self._size, self._gauge, self.cut_corners)
        return self._path(path, max(1.0, bound), expanded)

    def is_visible(self, start: ArrayLike, goal: ArrayLike) -> bool:
        """Whether the straight line between two cells' centres is free."""
        return bool(k.is_visible(self._cost, self._shape, self._flat(start), self._flat(goal), self.cut_corners))

    def field(self, places: ArrayLike, extra: ArrayLike | None = None, *, towards: bool = False) -> Field:
        """Least cost from the nearest of `places` to every voxel, over the moves of :meth:`optimal`.

        Parameters
        ----------
        places : array_like (m, 3)
            Level, row, column; blocked ones count as unreachable.
        extra : array_like (m,), optional
            Cost at which each place starts.
        towards : bool
            Whether the cost is that of flying from the voxel *to* the place: in wind it is not the same.
        """
        cells = np.asarray(places, dtype=np.int64).reshape(-1, 3)
        flat = (cells + 1) @ self._strides
        first = np.zeros(len(flat)) if extra is None else np.asarray(extra, dtype=np.float64)
        found = np.empty((len(self._cost), 4), dtype=np.int32)
        weight = self._weight[::-1].copy() if towards else self._weight
        status = k.spread_field(
            self._cost, self._shape, flat, np.rint(first / self._unit).astype(np.int64), weight, self._need, found,
        )  # fmt: skip
        self._check(status)
        inner = tuple(slice(1, -1) for _ in range(3))
        whole = found[:, 0].reshape(self._shape)[inner]
        return Field(np.where(whole == k.FAR, np.inf, whole * self._unit), found[:, 1].reshape(self._shape)[inner])

    def _path(self, flat: NDArray[np.int64], bound: float, expanded: int) -> Path:
        cells = np.stack(np.unravel_index(flat, tuple(self._shape)), axis=1).astype(np.int64) - 1
        points = self.space.points(cells)
        mean = [k.line_cost(self._cost, self._shape, a, b, self.cut_corners) for a, b in pairwise(flat.tolist())]
        cost = float(self.objective.cost(np.diff(points, axis=0)) @ np.array(mean) / FREE) if mean else 0.0
        return Path(cells, points, cost, bound, int(expanded))

    def _flat(self, cell: ArrayLike) -> int:
        """Place of a cell in the padded arrays; 0, which is blocked, outside."""
        index = np.asarray(cell, dtype=np.int64).reshape(3)
        is_inside = np.all((index >= 0) & (index < np.array(self.space.cost.shape)))
        return int((index + 1) @ self._strides) if is_inside else 0

    def _check(self, status: int) -> None:
        if status == k.TOO_DEAR:
            raise SimulationError(
                "a path costs more than can be counted",
                where="airspace planner",
                remedy="Take larger cells, or smaller cost factors.",
            )


def _needs(cut_corners: bool) -> NDArray[np.int32]:
    """Neighbours, as bits, that must be free for each move: its end, and what a diagonal touches on its way."""
    number = {tuple(move): i for i, move in enumerate(MOVES.tolist())}
    needs = np.zeros(26, dtype=np.int32)
    for i, move in enumerate(MOVES.tolist()):
        parts = [tuple(move)] if cut_corners else product(*((0, d) if d else (0,) for d in move))
        for part in parts:
            if any(part):
                needs[i] |= 1 << number[part]
    return needs


def _slopes(weight: NDArray[np.int64], length: NDArray[np.float64]) -> NDArray[np.int64]:
    """Slopes of the least cost through empty space in each of 48 cones, (8 octants, 8 orders of sides, 3).

    A cone holds the moves along its longest side, along its two longest, along all three. The weights of these moves
    define a linear function; where no move costs less than that function says, in any cone, the largest of them is
    the exact cost through empty space. Weights for which this is not so (some winds) are replaced by the lengths times
    the least cost of a metre, which is always below the true cost.
    """
    least = float(np.min(weight / length))
    for candidate in (weight, np.floor(length * least).astype(np.int64)):
        slopes = _cone_slopes(candidate)
        if all(np.all(MOVES @ slope <= weight) for slope in slopes.values()):
            break
    else:
        slopes = dict.fromkeys(slopes, np.zeros(3, dtype=np.int64))
    table = np.zeros((8, 8, 3), dtype=np.int64)
    for (octant, order), slope in slopes.items():
        table[octant, order] = slope
    return table


def _cone_slopes(weight: NDArray[np.int64]) -> dict[tuple[int, int], NDArray[np.int64]]:
    number = {tuple(move): i for i, move in enumerate(MOVES.tolist())}
    out = {}
    for octant, axes in product(range(8), permutations(range(3))):
        sign = [-1 if octant >> axis & 1 else 1 for axis in range(3)]
        slope, move, before = np.zeros(3, dtype=np.int64), [0, 0, 0], 0
        rank = [0, 0, 0]
        for place, axis in enumerate(axes):
            move[axis] = sign[axis]
            now = int(weight[number[tuple(move)]])
            slope[axis], before = sign[axis] * (now - before), now
            rank[axis] = 3 - place
        z, y, x = rank
        out[octant, (z < y) | (y < x) << 1 | (z < x) << 2] = slope
    return out
