"""Who is in a building: one row a person, checked; and the arrays that the kernels work on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from sim.evacuation.crowd.kernels import People
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from sim.evacuation.crowd.room import Building

__all__ = ["Register", "empty_people"]


@dataclass(frozen=True, slots=True, eq=False)
class Register:
    """What is known of each person, (n,); it does not change while they walk.

    Raises
    ------
    ScenarioError
        From :meth:`of`, if a person makes no sense.
    """

    xy: NDArray[np.float64]
    """(n, 2) first position in the building's frame [m]."""
    level: NDArray[np.int16]
    """First room."""
    radius: NDArray[np.float32]
    """[m]."""
    speed: NDArray[np.float32]
    """Own speed on the level [m/s]."""
    start: NDArray[np.float64]
    """Clock time of the start [s]."""
    destination: NDArray[np.int16]
    """Number of an exit, -1 for any."""

    @classmethod
    def of(
        cls,
        building: Building,
        xy: ArrayLike,
        *,
        level: ArrayLike,
        radius: ArrayLike,
        speed: ArrayLike,
        start: ArrayLike,
        destination: ArrayLike,
    ) -> Register:
        """Take scalars or one value a person, and check them against the building."""
        places = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        n = len(places)
        made = cls(
            places,
            _each("level", level, n, np.int16),
            _each("radius", radius, n, np.float32),
            _each("speed", speed, n, np.float32),
            _each("start_s", start, n, np.float64),
            _each("destination", destination, n, np.int16),
        )
        made._check(building)
        return made

    def _check(self, building: Building) -> None:
        for name, values, low, high in (
            ("level", self.level, 0, len(building.rooms) - 1),
            ("destination", self.destination, -1, len(building.exits()) - 1),
            ("radius [m]", self.radius, 0.05, 1.0),
            ("speed [m/s]", self.speed, 0.0, 10.0),
            ("start_s", self.start, -np.inf, np.inf),
        ):
            bad = np.flatnonzero(~((values >= low) & (values <= high)))
            if bad.size:
                raise ScenarioError(
                    f"{name} is {values[bad[0]]}", where=f"crowd, person {bad[0]}", remedy=f"Give {low} to {high}."
                )
        for number, room in enumerate(building.rooms):
            here = np.flatnonzero(self.level == number)
            area = room.area()
            shapely.prepare(area)
            outside = here[~shapely.contains_xy(area, self.xy[here, 0], self.xy[here, 1])]
            if outside.size:
                raise ScenarioError(
                    f"({self.xy[outside[0], 0]}, {self.xy[outside[0], 1]}) is not on the floor",
                    where=f"crowd, person {outside[0]}",
                    remedy=f"Put everybody on the walkable area of room {room.name or number!r}.",
                )


def _each(name: str, value: ArrayLike, n: int, dtype: type) -> NDArray[Any]:
    given = np.asarray(value)
    if given.ndim > 1 or (given.ndim == 1 and given.size != n):
        raise ScenarioError(
            f"{name} has {given.size} values for {n} people", where="crowd", remedy="Give one, or one a person."
        )
    return np.broadcast_to(given, n).astype(dtype)


def empty_people(size: int) -> People:
    """Kernel arrays without anybody."""
    x, y, back_x, back_y, speed, radius = (np.zeros(size, np.float32) for _ in range(6))
    return People(x, y, back_x, back_y, speed, radius, np.full(size, -1, np.int16), np.full(size, -2, np.int32))
