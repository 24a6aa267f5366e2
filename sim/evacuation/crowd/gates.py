"""Exits as gates: open or closed, so many persons a second."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.evacuation.crowd.room import Building

__all__ = ["Gates"]


ABREAST = 1.0
"""Time by which people may come ahead of an even flow through an opening that is no gate [s]: they walk abreast."""


class Gates:
    """State of a building's exits.

    Parameters
    ----------
    building : Building

    Attributes
    ----------
    names : list of str
    is_open : (exits,) bool
    capacity : (exits,)
        [persons/s]; people reckon with it when they choose.
    next_free : (exits,)
        Clock time at which the last one let through has made way, were they to come evenly [s].
    """

    def __init__(self, building: Building) -> None:
        exits = [exit_ for _, exit_ in building.exits()]
        self.names = [exit_.name or str(number) for number, exit_ in enumerate(exits)]
        self.is_open = np.array([exit_.is_open for exit_ in exits], np.bool_)
        self.next_free = np.full(len(exits), -np.inf)
        self.capacity = np.array([exit_.capacity for exit_ in exits])
        self._lead = np.array([0.0 if exit_.rate is not None else ABREAST for exit_ in exits])

    def number(self, exit_: int | str) -> int:
        """Number of an exit that is given by number or name.

        Raises
        ------
        ScenarioError
            If there is none.
        """
        if isinstance(exit_, str) and exit_ in self.names:
            return self.names.index(exit_)
        if isinstance(exit_, int) and 0 <= exit_ < len(self.names):
            return exit_
        raise ScenarioError(
            f"there is no exit {exit_!r}", where="crowd", remedy=f"Exits are {', '.join(self.names) or 'none'}."
        )

    def let_through(self, exit_: int, now: float, dt: float) -> bool:
        """Let one person through if the gate is open and free; `now` is the end of a step of `dt` [s]."""
        if not self.is_open[exit_] or now < self.next_free[exit_] - self._lead[exit_] - 1e-9:
            return False
        self.next_free[exit_] = max(self.next_free[exit_], now - dt) + 1.0 / self.capacity[exit_]
        return True

    def allowed(self, wanted: NDArray[np.int16], *, reroutes: bool) -> NDArray[np.bool_]:
        """Which exits people may take, (exits, n).

        Parameters
        ----------
        wanted : (n,)
            Number of the exit that a person wants, -1 for any.
        reroutes : bool
            Whether closed exits are left for open ones; who has none left of those he wants takes any.
        """
        allowed = (wanted < 0) | (wanted == np.arange(len(self.names))[:, None])
        if reroutes:
            allowed &= self.is_open[:, None]
            allowed |= ~allowed.any(axis=0) & self.is_open[:, None]
        return np.asarray(allowed)
