"""What a path should be short of: metres, seconds or joules, in still air or in wind."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Objective"]


@dataclass(frozen=True, slots=True)
class Objective:
    """Cost of flying straight: ``length`` x metres + ``time`` x seconds + ``climb`` x metres upward.

    The time is that of the slower of two: the ground track at the airspeed in the wind, and the change of height at
    the climb or descent speed; a steep path therefore costs what its climb takes, and the climb limit is never passed.
    The cost of (a + b) is never above that of a and b together: a straight line is a best path through free air.

    Parameters
    ----------
    length : float
        Weight of the length [1/m].
    time : float
        Weight of the time [1/s].
    climb : float
        Weight of the climb [1/m].
    airspeed : float
        Horizontal speed through the air [m/s].
    wind : (float, float)
        Velocity of the air, eastward and northward [m/s].
    climb_speed, descent_speed : float
        [m/s].

    Raises
    ------
    ScenarioError
        If the wind is as fast as the aircraft, or a speed is not positive.
    """

    length: float = 1.0
    time: float = 0.0
    climb: float = 0.0
    airspeed: float = 12.0
    wind: tuple[float, float] = (0.0, 0.0)
    climb_speed: float = 3.0
    descent_speed: float = 2.0

    def __post_init__(self) -> None:
        if not math.hypot(*self.wind) < self.airspeed:
            raise ScenarioError(
                f"the wind blows at {math.hypot(*self.wind):.1f} m/s, the aircraft flies at {self.airspeed:.1f} m/s",
                where="airspace.wind",
                remedy="Wait for less wind, or take an aircraft with a higher cruise speed.",
            )
        if not min(self.climb_speed, self.descent_speed) > 0:
            raise ScenarioError("climb and descent speed must be positive", where="airspace.aircraft")
        if not (min(self.length, self.time, self.climb) >= 0 and self.length + self.time > 0):
            raise ScenarioError("a path must cost length or time, nothing below zero", where="airspace.objective")

    @property
    def gauge(self) -> NDArray[np.float64]:
        """(8,) as the kernels take it."""
        return np.array(
            [
                self.length, self.time, self.climb, self.airspeed, *self.wind, self.climb_speed, self.descent_speed,
            ]
        )  # fmt: skip

    def cost(self, apart: ArrayLike) -> NDArray[np.float64]:
        """Cost of straight flights.

        Parameters
        ----------
        apart : array_like (n, 3)
            East, north and up from start to end [m].
        """
        east, north, up = np.asarray(apart, dtype=np.float64).reshape(-1, 3).T
        distance = np.sqrt(east**2 + north**2 + up**2)
        return self.length * distance + self.time * self.seconds(apart) + self.climb * np.maximum(up, 0.0)

    def seconds(self, apart: ArrayLike) -> NDArray[np.float64]:
        """Time of straight flights [s], (n,)."""
        east, north, up = np.asarray(apart, dtype=np.float64).reshape(-1, 3).T
        flat = np.hypot(east, north)
        with np.errstate(divide="ignore", invalid="ignore"):
            along = (east * self.wind[0] + north * self.wind[1]) / flat
            across = (east * self.wind[1] - north * self.wind[0]) / flat
            ground = along + np.sqrt(np.maximum(self.airspeed**2 - across**2, 0.0))
            level = np.where(flat > 0, flat / ground, 0.0)
        return np.maximum(level, np.where(up > 0, up / self.climb_speed, -up / self.descent_speed))
