"""The exchange of water between the surface and all structures, in one place."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from sim.flood.kernels import GRAVITY
from sim.flood.structures.mouth import areas_of
from sim.flood.structures.structure import Account, Sight

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.ground import Ground
    from sim.flood.structures.structure import Row, Structure

__all__ = ["Exchange", "Inject"]


class Inject(Protocol):
    """Adds depths [m] at cells (negative: takes them, as far as there is water); returns what was done [m]."""

    def __call__(
        self, row: NDArray[np.int64], col: NDArray[np.int64], gain: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Do it."""


class Exchange:
    """All structures of a model.

    What a kind gives to a cell and what the cell's precision can hold differ by a rounding; the difference stays here
    and goes with the next gift, so that no water is lost in single precision either.

    Parameters
    ----------
    structures : sequence of Structure
    ground : Ground
    missing : float
        As in :class:`Sight`: it depends on the scheme.
    """

    def __init__(self, structures: Sequence[Structure], ground: Ground, *, missing: float = 0.0) -> None:
        self._missing = missing
        self.structures = tuple(structures)
        self.row, self.col = (
            np.concatenate([getattr(one, name) for one in structures] or [np.zeros(0)]).astype(np.int64)
            for name in ("row", "col")
        )
        ends = np.cumsum([0] + [len(one.row) for one in structures])
        self._parts = [slice(a, b) for a, b in pairwise(ends)]
        # several structures may meet at one cell
        self._place = np.unique(np.c_[self.row, self.col], axis=0, return_inverse=True)[1].reshape(-1)
        self._area = areas_of(ground, self.row, self.col)
        self._owed = np.zeros(len(self.row))
        self._rate = 0.0

    def limit_step(self, dt: float, reach: float) -> float:
        """Longest step, at most `dt` [s], in which the wave of what was last given stays within `reach` [m]."""
        return min(dt, math.cbrt(reach * reach / (GRAVITY * self._rate))) if self._rate > 0.0 else dt

    def step(
        self, start: float, end: float, stage: NDArray[np.float64], depth: NDArray[np.float64], inject: Inject
    ) -> None:
        """Exchange the water of a step.

        Parameters
        ----------
        start, end : float
            [s].
        stage, depth : ndarray (n,)
            At :attr:`row`, :attr:`col` [m T.P.], [m].
        inject : Inject
        """
        wet = depth > 0
        self._rate = 0.0
        busy = [
            (one, part)
            for one, part in zip(self.structures, self._parts, strict=True)
            if not one.is_resting or wet[part].any()
        ]
        if not busy:
            return
        wanted, given = np.zeros(len(self.row)), np.zeros(len(self.row))
        for one, part in busy:
            wanted[part] = one.wanted(Sight(start, end, stage[part], depth[part], self._missing))
        taken = self._move(-wanted, inject)
        for one, part in busy:
            given[part] = one.settle(-taken[part])
        if not given.any():
            return
        due = np.where(given > 0, given + self._owed, 0.0)
        put = self._move(np.maximum(due, 0.0), inject)
        self._owed = np.where(given > 0, due - put, self._owed)
        self._rate = float(np.bincount(self._place, weights=put / self._area).max()) / (end - start)

    def _move(self, volume: NDArray[np.float64], inject: Inject) -> NDArray[np.float64]:
        """Volume that was really added to each cell [m3]."""
        done = np.zeros(len(volume))
        here = np.flatnonzero(volume)
        if len(here):
            done[here] = inject(self.row[here], self.col[here], volume[here] / self._area[here]) * self._area[here]
        return done

    def account(self) -> Account:
        """Sum over all structures [m3]."""
        parts = [one.account() for one in self.structures]
        held = sum(part.held for part in parts) + float(self._owed.sum())
        return Account(held, sum(part.came for part in parts), sum(part.left for part in parts))

    def series(self) -> dict[str, float]:
        """Columns of gauges.csv now."""
        return {name: value for one in self.structures for name, value in one.series().items()}

    def rows(self) -> Iterator[Row]:
        """Lines of the table ``structures``."""
        for one in self.structures:
            yield from one.rows()

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        out: dict[str, NDArray[Any]] = {"structures.owed": self._owed.copy(), "structures.rate": np.array([self._rate])}
        for one in self.structures:
            out |= {f"structures.{one.kind}.{name}": values.copy() for name, values in one.state().items()}
        return out

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        self._owed[:] = state["structures.owed"]
        self._rate = float(state["structures.rate"][0])
        for one in self.structures:
            before = f"structures.{one.kind}."
            one.load_state({name.removeprefix(before): v for name, v in state.items() if name.startswith(before)})
