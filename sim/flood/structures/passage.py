"""Structures between two ends: culverts, gates, weirs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from sim.flood.structures.mouth import Mouths, cells_at
from sim.flood.structures.schedule import Schedule
from sim.flood.structures.structure import Account, volume_left

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.section import Culvert, Gate, Weir
    from sim.flood.structures.structure import Row, Sight
    from sim.inputs import InputFiles

__all__ = ["FLOW", "Passages", "drowning"]

FLOW = 1e-3
"""Discharge that counts as flow in the hours of the table [m3/s]."""


def drowning(upstream: NDArray[np.float64], downstream: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the free discharge over a crest that is left when the water behind stands above it.

    Villemonte (1947), (1 - (h2/h1)^1.5)^0.385, heads over the crest [m].
    """
    ratio = np.clip(downstream / np.where(upstream > 0, upstream, np.inf), 0.0, 1.0)
    share: NDArray[np.float64] = (1.0 - ratio**1.5) ** 0.385
    return share


class Passages(ABC):
    """Water between a near and a far end by a law of their stages, both ways; a ``Structure``.

    In a step no more passes than what levels both ends, and no more than stands above the sill: whatever the step, the
    ends cannot swap their order, so that a passage between two basins settles and does not ring.

    Parameters
    ----------
    sections : sequence of Culvert, Gate or Weir
    names : sequence of str
    ground : Ground
    files : InputFiles
    breadths : sequence of float
        Width of each mouth [m]: wider ones than a cell take several.

    Raises
    ------
    ScenarioError
        If an end lies outside the area or far from open ground, or both ends share a cell.
    """

    kind: ClassVar[str]

    def __init__(
        self,
        sections: Sequence[Culvert | Gate | Weir],
        names: Sequence[str],
        ground: Ground,
        files: InputFiles,
        breadths: Sequence[float],
    ) -> None:
        near, far = [], []
        for number, (one, breadth) in enumerate(zip(sections, breadths, strict=True)):
            where = f"flood.structures.{self.kind}s.{number} ({names[number]})"
            radius = 0.5 * breadth if breadth > ground.grid.cell_size else 0.0
            near.append(cells_at(ground, one.from_, f"{where}.from", radius))
            far.append(None if one.to is None else cells_at(ground, one.to, f"{where}.to", radius))
            _require_apart(near[-1], far[-1], where, breadth)
        self.names = tuple(names)
        self.sections = tuple(sections)
        self.near, self.far = Mouths.of(ground, near), Mouths.of(ground, far)
        self.row, self.col = (
            np.concatenate([getattr(self.near, name), getattr(self.far, name)]) for name in ("row", "col")
        )
        self._outside = Schedule([one.outside for one in sections], files)
        self._is_outside = np.array([one.to is None for one in sections], dtype=bool)
        self._areas = self.near.sum(self.near.area), self.far.sum(self.far.area)
        self._crowd = _crowd(self.near, self.far)
        n = len(sections)
        self._asked = np.zeros(n)
        self._span = 1.0
        # columns: discharge now, forward and back [m3], largest discharge [m3/s], time with flow [s]
        self._record = np.zeros((n, 5))

    @abstractmethod
    def flow(self, sight: Sight, near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
        """Discharge [m3/s], positive from the near end, for stages at both ends [m T.P.]."""

    def prepare(self, sight: Sight, near: NDArray[np.float64], far: NDArray[np.float64]) -> None:  # noqa: B027
        """Follow the rules for this step; stages at both ends [m T.P.]."""

    @abstractmethod
    def sills(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Level at the near and the far end below which nothing leaves [m T.P.]."""

    @property
    def is_resting(self) -> bool:
        """Whether nothing happens while all its cells are dry: water outside may come in."""
        return not self._is_outside.any() and not self._record[:, 0].any()

    def wanted(self, sight: Sight) -> NDArray[np.float64]:
        """Volume to be taken from each cell [m3]."""
        n = len(self.near.row)
        stage, depth = (sight.stage[:n], sight.stage[n:]), (sight.depth[:n], sight.depth[n:])
        near = self.near.level(stage[0], depth[0])
        far = np.where(self._is_outside, self._outside.at(sight.end), self.far.level(stage[1], depth[1]))
        self.prepare(sight, near, far)
        is_forward = self.flow(sight, near, far) >= 0
        gives, takes = self._basins(is_forward, self.near.wet_area(depth[0]), self.far.wet_area(depth[1]))
        way = np.where(is_forward, 1.0, -1.0)

        def law(taken: NDArray[np.float64]) -> NDArray[np.float64]:
            lower, higher = way * taken / gives, way * taken / takes
            moves = np.where(is_forward, lower, higher), np.where(is_forward, higher, lower)
            return np.maximum(way * self.flow(sight, near - moves[0], far + moves[1]), 0.0) * sight.span

        up, down = np.where(is_forward, near, far), np.where(is_forward, far, near)
        most = self._most(gives, takes, up, down, np.where(is_forward, *self.sills(sight.end)))
        self._asked = way * np.minimum(volume_left(law, sight), most)
        self._span = sight.span
        return np.concatenate(
            [
                self.near.take(np.maximum(self._asked, 0.0), depth[0]),
                self.far.take(np.maximum(-self._asked, 0.0), depth[1]),
            ]
        )

    def _basins(
        self, is_forward: NDArray[np.bool_], wet_near: NDArray[np.float64], wet_far: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Area that gives water and area that takes it [m2]; water beyond the area is a basin without end."""
        gives = np.where(is_forward, wet_near, wet_far)
        takes = np.where(is_forward, *self._areas[::-1])
        return (
            np.maximum(np.where(self._is_outside & ~is_forward, np.inf, gives), 1e-30),
            np.where(self._is_outside & is_forward, np.inf, takes),
        )

    def _most(
        self,
        gives: NDArray[np.float64],
        takes: NDArray[np.float64],
        up: NDArray[np.float64],
        down: NDArray[np.float64],
        sill: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Volume that may pass in a step [m3]: level ends, and the sill stays covered."""
        level = np.maximum(up - down, 0.0) / (1.0 / gives + 1.0 / takes)
        above = np.maximum(up - np.maximum(down, sill), 0.0)
        covered = np.where(above > 0, np.minimum(gives, 1e30) * above, 0.0)
        most: NDArray[np.float64] = np.minimum(level, covered) / self._crowd
        return most

    def settle(self, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume for each cell [m3]."""
        n = len(self.near.row)
        forward, back = self.near.sum(taken[:n]), self.far.sum(taken[n:])
        back = np.where(self._is_outside, np.maximum(-self._asked, 0.0), back)
        discharge = (forward - back) / self._span
        self._record[:, 0] = discharge
        self._record[:, 1] += forward
        self._record[:, 2] += back
        self._record[:, 3] = np.maximum(self._record[:, 3], np.abs(discharge))
        self._record[:, 4] += np.where(np.abs(discharge) > FLOW, self._span, 0.0)
        return np.concatenate([self.near.give(back), self.far.give(forward)])

    def account(self) -> Account:
        """Nothing stays in a passage; what passed to and from water beyond the area is counted."""
        passed = self._record[self._is_outside]
        return Account(0.0, float(passed[:, 2].sum()), float(passed[:, 1].sum()))

    def series(self) -> dict[str, float]:
        """Discharge of each [m3/s]."""
        return {f"{name}_discharge_m3_s": float(v) for name, v in zip(self.names, self._record[:, 0], strict=True)}

    def rows(self) -> Iterator[Row]:
        """A line each."""
        for name, one, record in zip(self.names, self.sections, self._record, strict=True):
            yield {
                "kind": self.kind, "name": name, "moved_m3": record[1], "back_m3": record[2],
                "max_discharge_m3_s": record[3], "hours": record[4] / 3600.0,
                "points": [one.from_] if one.to is None else [one.from_, one.to],
            }  # fmt: skip

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        return {"record": self._record}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        self._record[:] = state["record"]


def _crowd(near: Mouths, far: Mouths) -> NDArray[np.float64]:
    """How many passages share the busiest cell of each: together they must not pass what levels the ends."""
    cell = np.r_[near.row, far.row] * (1 << 32) + np.r_[near.col, far.col]
    owner = np.r_[near.owner, far.owner]
    _, place, count = np.unique(cell, return_inverse=True, return_counts=True)
    crowd = np.ones(near.size)
    np.maximum.at(crowd, owner, count[place])
    return crowd


def _require_apart(near: Any, far: Any, where: str, breadth: float) -> None:
    from twin.errors import ScenarioError

    if far is not None and set(zip(*near, strict=True)) & set(zip(*far, strict=True)):
        raise ScenarioError(
            f"its mouths, {breadth:g} m wide, share a cell" if len(near[0]) > 1 else "both ends lie in one cell",
            where=where,
            remedy="Move the ends apart, or make the cells smaller.",
        )
