"""Model time."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Clock"]


@dataclass(slots=True)
class Clock:
    """Time since the scenario's start and the number of steps taken; a model owns its clock.

    Parameters
    ----------
    time : float
        Seconds since the start.
    step : int
        Steps taken.
    """

    time: float = 0.0
    step: int = 0

    def advance(self, dt: float) -> None:
        """Move on by `dt` [s]."""
        self.time += dt
        self.step += 1
