"""Gates and sluices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.flood.arithmetic import WEIR
from sim.flood.kernels import GRAVITY
from sim.flood.structures.mouth import Mouths, cells_at
from sim.flood.structures.passage import Passages, drowning
from sim.flood.structures.schedule import Schedule
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.section import Gate
    from sim.flood.structures.structure import Sight
    from sim.inputs import InputFiles

__all__ = ["Gates"]


class Gates(Passages):
    """All gates; parameters and errors as in :class:`Passages`.

    The smaller of a weir over the sill and an orifice under the lip holds: both meet where the water touches the lip.
    """

    kind = "gate"

    def __init__(self, sections: Sequence[Gate], names: Sequence[str], ground: Ground, files: InputFiles) -> None:
        super().__init__(sections, names, ground, files, [one.width for one in sections])
        self._width = np.array([one.width for one in sections])
        self._sill = np.array([one.sill for one in sections])
        self._opening = Schedule([one.opening for one in sections], files)
        for number, lowest in enumerate(self._opening.lowest):
            if lowest < 0:
                raise ScenarioError(
                    f"the opening is {lowest} m", where=f"flood.structures.gates.{number}.opening",
                    remedy="Give heights >= 0.",
                )  # fmt: skip
        self._contraction = np.array([one.contraction for one in sections])
        nan = np.nan
        self._close_above = np.array([nan if one.close_above is None else one.close_above for one in sections])
        self._open_below = np.array([nan if one.open_below is None else one.open_below for one in sections])
        self._against = np.array([one.against_backflow for one in sections])
        self._closing_time = np.array([one.closing_time for one in sections])
        self._has_watch = np.array([one.watch is not None for one in sections])
        self._watch = Mouths.of(ground, [
            None if one.watch is None else cells_at(ground, one.watch, f"flood.structures.gates.{k}.watch")
            for k, one in enumerate(sections)
        ])  # fmt: skip
        self._passing = len(self.row)
        self.row, self.col = np.r_[self.row, self._watch.row], np.r_[self.col, self._watch.col]
        # share of the opening that the rule leaves, and where it goes
        self._share, self._goal = np.ones(len(sections)), np.ones(len(sections))

    @property
    def is_resting(self) -> bool:
        """Whether nothing happens while all its cells are dry: no gate moves."""
        return super().is_resting and bool((self._share == self._goal).all())

    def sills(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The sill, at both ends."""
        del time
        return self._sill, self._sill

    def wanted(self, sight: Sight) -> NDArray[np.float64]:
        """Volume to be taken from each cell [m3]; none where a rule only looks."""
        self._watched = self._watch.level(sight.stage[self._passing :], sight.depth[self._passing :])
        part = replace(sight, stage=sight.stage[: self._passing], depth=sight.depth[: self._passing])
        return np.concatenate([super().wanted(part), np.zeros(len(self._watch.row))])

    def settle(self, taken: NDArray[np.float64]) -> NDArray[np.float64]:
        """Volume for each cell [m3]."""
        return np.concatenate([super().settle(taken[: self._passing]), np.zeros(len(self._watch.row))])

    def flow(self, sight: Sight, near: NDArray[np.float64], far: NDArray[np.float64]) -> NDArray[np.float64]:
        """Discharge [m3/s], positive from the near end."""
        opening = self._opening.at(sight.end) * self._share
        up, down = np.maximum(near, far) - self._sill, np.minimum(near, far) - self._sill
        up = np.maximum(up, 0.0)
        weir = WEIR * self._width * up**1.5 * drowning(up, np.maximum(down, 0.0))
        jet = self._contraction * opening
        orifice = self._width * jet * np.sqrt(2.0 * GRAVITY * np.maximum(up - np.maximum(down, jet), 0.0))
        # below the lip there is no orifice
        discharge = np.where(up > opening, np.minimum(weir, orifice), weir)
        return np.where(opening > 0, np.sign(near - far) * discharge, 0.0)

    def prepare(self, sight: Sight, near: NDArray[np.float64], far: NDArray[np.float64]) -> None:
        """Move the gates as their rules want it."""
        watched = np.where(self._has_watch, self._watched, far)
        goal = np.where(watched >= self._close_above, 0.0, np.where(watched <= self._open_below, 1.0, self._goal))
        goal = np.where(self._against, np.where(far > near, 0.0, np.where(far < near, 1.0, self._goal)), goal)
        self._goal = goal
        takes_time = self._closing_time > 0
        way = np.where(takes_time, sight.span / np.where(takes_time, self._closing_time, 1.0), 1.0)
        self._share = self._share + np.clip(goal - self._share, -way, way)

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        return super().state() | {"share": self._share, "goal": self._goal}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        super().load_state(state)
        self._share, self._goal = state["share"].copy(), state["goal"].copy()
