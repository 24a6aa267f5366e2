"""A crowd in progress."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import numpy as np

import sim.evacuation.crowd.kernels as k
from sim.evacuation.crowd.choice import choose_nearest, choose_quickest
from sim.evacuation.crowd.gates import Gates
from sim.evacuation.crowd.navigation.fields import Navigation
from sim.evacuation.crowd.parameters import CrowdParameters, read_parameters
from sim.evacuation.crowd.people import Register, empty_people
from sim.evacuation.crowd.plan import draw_plan
from sim.evacuation.crowd.room import Building
from twin.clock import Clock
from twin.errors import ScenarioError, SimulationError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import ArrayLike, NDArray

    from sim.evacuation.crowd.room import Room

__all__ = ["DEAD", "MOVING", "OUT", "STRANDED", "WAITING", "CrowdModel", "Departure"]

WAITING, MOVING, OUT, STRANDED, DEAD = range(5)
THINK_EVERY = 1.0
"""Time between two decisions on the exit [s]; each person takes part in every `THINKERS`-th."""
THINKERS = 5


class Departure(NamedTuple):
    """Somebody left."""

    agent: int
    exit: int
    time: float


class CrowdModel:
    """People in a building; see the package's docstring for how it is used.

    Parameters
    ----------
    building : Building or Room
    xy : (n, 2) array_like
        Where they stand at first, in the building's frame [m].
    level : int or (n,) array_like
        Number of the room.
    radius, speed : float or (n,) array_like
        Of the body [m], default of the parameters; own speed on the level [m/s].
    start_s : float or (n,) array_like
        Clock time at which somebody starts [s]; until then he stands.
    destination : int or (n,) array_like
        Number of an exit, -1 for any.
    parameters : CrowdParameters, optional
    choice : "quickest" or "nearest"
        How people choose among several exits; "quickest" reckons with the queues and thinks it over again.
    when_closed : "reroute" or "wait"
        What people do before a closed exit.
    dt : float
        Longest step [s].
    cell_size : float
        Node spacing of the ways [m].
    start_time : float
        Clock at the start [s].
    heading : callable, optional
        Prescribes the direction in place of the ways to exits, for rings and measuring lanes: given x and y (m,) of the
        floor's nodes in the building's frame it returns unit vectors (m, 2).

    Raises
    ------
    ScenarioError
        If the building or a person makes no sense.
    """

    def __init__(
        self,
        building: Building | Room,
        xy: ArrayLike,
        *,
        level: ArrayLike = 0,
        radius: ArrayLike | None = None,
        speed: ArrayLike = 1.34,
        start_s: ArrayLike = 0.0,
        destination: ArrayLike = -1,
        parameters: CrowdParameters | None = None,
        choice: Literal["quickest", "nearest"] = "quickest",
        when_closed: Literal["reroute", "wait"] = "reroute",
        dt: float = 0.05,
        cell_size: float = 0.1,
        start_time: float = 0.0,
        heading: Callable[[NDArray[np.float64], NDArray[np.float64]], ArrayLike] | None = None,
    ) -> None:
        self.building = building if isinstance(building, Building) else Building([building])
        self.building.check()
        self.parameters = parameters or read_parameters()
        self.clock = Clock(time=float(start_time))
        self.dt = dt
        self._choice, self._reroutes = choice, when_closed == "reroute"
        radius = self.parameters.radius if radius is None else radius
        self.people = Register.of(
            self.building, xy, level=level, radius=radius, speed=speed, start=start_s, destination=destination
        )
        self.gates = Gates(self.building)
        n = self.count = len(self.people.xy)
        largest = float(self.people.radius.max(initial=self.parameters.radius))
        self._reach = self.parameters.reach(largest, float(self.people.speed.max(initial=0.0)))
        self._plan = draw_plan(
            self.building, h=cell_size, reach=self._reach, radius=largest, people=len(self.people.speed)
        )
        self._largest = largest
        self._navigation = Navigation(self._plan)
        self._has_heading = heading is not None
        if heading is not None:
            self._prescribe(heading)
        else:
            self._navigation.find_ways()
        self._rasters = self._show_rasters()
        self._status = np.full(n, MOVING, np.uint8)
        self._share = np.ones(n, np.float32)
        self._level = self.people.level.copy()
        self._left = self.people.xy - self._plan.shift[self._level]
        self._events: list[Departure] = []
        self._has_mirrors = any(opening.partner >= 0 for opening in self._plan.openings)
        size = 2 * n if self._has_mirrors else n
        self._now, self._spare = empty_people(size), empty_people(size)
        self._cell, self._order = np.empty(size, np.int64), np.empty(size, np.int64)
        self._moved = (np.empty(size, np.float32), np.empty(size, np.float32))
        self._door = np.empty(size, np.int32)
        self._crowded = np.zeros(-(-size // k.BLOCK), np.int8)
        self._live = n
        self._now.x[:n], self._now.y[:n] = self._left.T
        self._now.back_x[:n], self._now.back_y[:n] = self._left.T
        self._now.radius[:n] = self.people.radius
        self._now.ident[:n] = np.arange(n)
        self._now.target[:n] = 0 if self._has_heading else -1
        self._starts, self._awake = np.sort(self.people.start), -1
        self._next_thought, self._round = self.clock.time, 0
        self._wake()
        self._think(everybody=True)

    # what others see

    @property
    def level(self) -> NDArray[np.int16]:
        """Number of the room that each person is or was last in, (n,)."""
        return self._level.copy()

    @property
    def xy(self) -> NDArray[np.float64]:
        """Positions in the building's frame [m], (n, 2)."""
        return self._local() + self._plan.shift[self._level]

    @property
    def z(self) -> NDArray[np.float64]:
        """Height of the floor under each person [m T.P.], (n,)."""
        xy = self.xy
        height = np.empty(self.count)
        for number, room in enumerate(self.building.rooms):
            here = self._level == number
            height[here] = room.height(xy[here])
        return height

    @property
    def status(self) -> NDArray[np.uint8]:
        """0 waiting, 1 moving, 2 out, 3 stranded, 4 dead, (n,)."""
        status = self._status.copy()
        live = self._now.ident[: self._live]
        inside = live[live >= 0]
        status[inside] = np.where(self._now.target[: self._live][live >= 0] < 0, STRANDED, MOVING)
        status[inside[self.people.start[inside] > self.clock.time]] = WAITING
        return status

    @property
    def inside(self) -> int:
        """Number of people who are in the building."""
        return int(np.count_nonzero(self._now.ident[: self._live] >= 0))

    @property
    def target(self) -> NDArray[np.int16]:
        """Exit that each person walks to, -1 for none, (n,)."""
        target = np.full(self.count, -1, np.int16)
        live = self._now.ident[: self._live]
        target[live[live >= 0]] = self._now.target[: self._live][live >= 0]
        return target

    def events(self) -> list[Departure]:
        """Hand over the departures since the last call, in the order of time, then of row number."""
        events, self._events = self._events, []
        return events

    # what others do

    def advance(self, until: float) -> None:
        """Go on to clock time `until` [s] in even steps of at most `dt`."""
        left = until - self.clock.time
        steps = math.ceil(left / self.dt - 1e-6)
        for step in range(steps):
            self.step((until - self.clock.time) / (steps - step))

    def close_exit(self, exit_: int | str) -> None:
        """Close an exit (number or name); nobody goes through from now on."""
        self.gates.is_open[self.gates.number(exit_)] = False
        self._think(everybody=True)

    def open_exit(self, exit_: int | str) -> None:
        """Open an exit (number or name)."""
        self.gates.is_open[self.gates.number(exit_)] = True
        self._think(everybody=True)

    def set_speed_factor(
        self,
        factor: float | Callable[[NDArray[np.float64], NDArray[np.float64]], ArrayLike],
        level: int = 0,
    ) -> None:
        """Set the share of their own speed that people keep on a level: water, smoke, rubble.

        Parameters
        ----------
        factor : float or callable
            0 to 1; a callable is given x and y (m,) of the floor's nodes in the building's frame and returns (m,).
        level : int
            Number of the room.

        Raises
        ------
        ScenarioError
            If a value is not between 0 and 1, or there is no such level.
        """
        if not 0 <= level < len(self.building.rooms):
            raise ScenarioError(
                f"there is no level {level}", where="crowd", remedy=f"Levels are 0 to {len(self.building.rooms) - 1}."
            )
        in_room, x, y = self._nodes(level)
        values = np.asarray(factor(x, y) if callable(factor) else factor, dtype=np.float32)
        if not np.all((values >= 0.0) & (values <= 1.0)):
            raise ScenarioError(
                f"the speed factor is {values[~((values >= 0.0) & (values <= 1.0))][0]}",
                where=f"crowd, level {level}",
                remedy="Give shares between 0 and 1.",
            )
        self._navigation.pace[in_room] = values
        self._rasters = self._show_rasters()
        if not self._has_heading:
            self._navigation.refresh()
        self._think(everybody=True)

    def set_own_shares(self, share: ArrayLike) -> None:
        """Set the share of his own speed that everybody keeps wherever he is: one whom the water stops has 0.

        Parameters
        ----------
        share : array_like (n,)
            0 to 1.

        Raises
        ------
        ScenarioError
            If a share is not between 0 and 1.
        """
        given = np.asarray(share, dtype=np.float32)
        is_share = (given >= 0.0) & (given <= 1.0)
        if not np.all(is_share):
            raise ScenarioError(
                f"a share of the own speed is {given[~is_share][0]}",
                where="crowd",
                remedy="Give shares between 0 and 1.",
            )
        self._share[:] = given
        self._awake = -1

    def take_away(self, agents: ArrayLike, status: int = DEAD) -> None:
        """Take people out of the room: `status` 4 for the dead, 2 for those whom another tier takes over."""
        chosen = np.asarray(agents, dtype=np.int64)
        live = self._now.ident[: self._live]
        self._left[live[live >= 0]] = self._local()[live[live >= 0]]
        live[np.isin(live, chosen)] = -2
        self._status[chosen] = status

    def step(self, dt: float) -> None:
        """Advance by `dt` [s]."""
        self._wake()
        now = self.clock.time + dt
        plan = self._plan
        total = self._live
        if self._has_mirrors:
            total = k.mirror_people(total, self._now, plan.doors, plan.turn, plan.partner, self._reach)
        k.sort_people(total, self._now, self._spare, plan.cells, self._cell, self._order)
        self._now, self._spare = self._spare, self._now
        live = self._live = int(plan.cells.start[-2])
        people = self._now
        moved_x, moved_y = self._moved
        k.advance_people(
            live,
            people,
            plan.cells,
            plan.walls,
            plan.doors,
            self._rasters,
            self.parameters.law(self._largest, self.clock.time),
            dt,
            moved_x,
            moved_y,
            self._door,
            self._crowded,
        )
        if self._crowded[: -(-live // k.BLOCK)].any():
            raise SimulationError(
                f"somebody has more than {k.CROWDED} people within {self._reach:.1f} m at t = {now:.2f} s",
                where="CrowdModel",
                remedy="Spread the people at the start: 30 a square metre stand on top of each other.",
            )
        crossing = np.flatnonzero(self._door[:live] >= 0)
        for m in crossing[np.argsort(people.ident[crossing])]:
            self._cross(int(m), now, dt)
        self._now = people._replace(x=moved_x, y=moved_y, back_x=people.x, back_y=people.y)
        self._moved = (people.back_x, people.back_y)
        if self._has_mirrors:
            people.ident[:live][people.ident[:live] == -1] = -2
        self.clock.advance(dt)
        if self.clock.time >= self._next_thought - 1e-9:
            self._think()

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        live = self._live
        return {
            "clock": np.array([self.clock.time, self.clock.step]),
            "people": np.stack([a[:live].astype(np.float64) for a in self._now]),
            "status": self._status.copy(),
            "share": self._share.copy(),
            "level": self._level.copy(),
            "left": self._left.copy(),
            "is_open": self.gates.is_open.copy(),
            "next_free": self.gates.next_free.copy(),
            "thought": np.array([self._next_thought, self._round]),
            "pace": self._navigation.pace.copy(),
            "marched": self._navigation.marched.copy(),
            "events": np.array(self._events, dtype=np.float64).reshape(-1, 3),
        }

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that ``state()`` of a model with the same building and people gave."""
        self.clock.time, self.clock.step = float(state["clock"][0]), int(state["clock"][1])
        self._live = state["people"].shape[1]
        for array, values in zip(self._now, state["people"], strict=True):
            array[: self._live] = values
        self._status[:] = state["status"]
        self._share[:] = state["share"]
        self._level[:] = state["level"]
        self._left[:] = state["left"]
        self.gates.is_open[:] = state["is_open"]
        self.gates.next_free[:] = state["next_free"]
        self._next_thought, self._round = float(state["thought"][0]), int(state["thought"][1])
        self._navigation.pace[:], self._navigation.marched[:] = state["pace"], state["marched"]
        if not self._has_heading:
            self._navigation.find_ways()
            self._navigation.refresh()
        self._rasters = self._show_rasters()
        self._awake = -1
        self._events = [Departure(int(a), int(e), float(t)) for a, e, t in state["events"]]

    # inside

    def _nodes(self, level: int) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
        """Which nodes are floor of a room, and their places in the building's frame."""
        plan = self._plan
        in_room = plan.room == level
        j, i = np.nonzero(in_room)
        return in_room, (i + 0.5) * plan.h + plan.shift[level, 0], (j + 0.5) * plan.h + plan.shift[level, 1]

    def _show_rasters(self) -> k.Plan:
        """The rasters for the kernels, the trivial ones as one value."""
        pace, stair = self._navigation.pace, self._plan.stair
        on_floor = pace[self._plan.is_free]
        if on_floor.min(initial=1.0) == on_floor.max(initial=0.0):
            pace = np.full((1, 1), on_floor[0], np.float32)
        if not stair.any():
            stair = stair[:1, :1]
        return k.Plan(self._navigation.direction, pace, stair, self._plan.stair_up, 1.0 / self._plan.h)

    def _prescribe(self, heading: Callable[[NDArray[np.float64], NDArray[np.float64]], ArrayLike]) -> None:
        for level in range(len(self.building.rooms)):
            in_room, x, y = self._nodes(level)
            self._navigation.direction[:, in_room] = np.rint(127.0 * np.asarray(heading(x, y)))

    def _local(self) -> NDArray[np.float64]:
        local = self._left.copy()
        live = self._now.ident[: self._live]
        inside = live >= 0
        local[live[inside], 0] = self._now.x[: self._live][inside]
        local[live[inside], 1] = self._now.y[: self._live][inside]
        return local

    def _wake(self) -> None:
        """Give those who have started their own speed."""
        awake = int(np.searchsorted(self._starts, self.clock.time + 1e-9, side="right"))
        if awake == self._awake:
            return
        self._awake = awake
        live = self._now.ident[: self._live]
        known = np.maximum(live, 0)
        started = self.people.start[known] <= self.clock.time + 1e-9
        own = self.people.speed[known] * self._share[known]
        self._now.speed[: self._live] = np.where(started & (live >= 0), own, 0.0)

    def _cross(self, m: int, now: float, dt: float) -> None:
        """Somebody's step crosses an opening: he leaves, changes the level, or stays where he is."""
        moved_x, moved_y = self._moved
        people, plan = self._now, self._plan
        door, ident = int(self._door[m]), int(people.ident[m])
        opening = plan.openings[door]
        if opening.exit >= 0 and self.gates.let_through(opening.exit, now, dt):
            self._left[ident] = moved_x[m], moved_y[m]
            self._status[ident] = OUT
            people.ident[m] = -2
            self._events.append(Departure(ident, opening.exit, now))
        elif opening.partner >= 0 and opening.is_passable:
            c, s, tx, ty = plan.turn[door]
            x, y = moved_x[m], moved_y[m]
            moved_x[m], moved_y[m] = c * x - s * y + tx, s * x + c * y + ty
            x, y = people.x[m], people.y[m]
            people.x[m], people.y[m] = c * x - s * y + tx, s * x + c * y + ty
            self._level[ident] = plan.openings[opening.partner].room
        else:
            moved_x[m], moved_y[m] = people.x[m], people.y[m]

    def _think(self, everybody: bool = False) -> None:
        """Choose exits."""
        self._next_thought = self.clock.time + THINK_EVERY
        self._round += 1
        who = np.flatnonzero(self._now.ident[: self._live] >= 0)
        if not who.size or not self.gates.names or self._has_heading:
            return
        people = self._now
        ident = people.ident[who]
        times = self._navigation.times_at(people.x[who], people.y[who])
        allowed = self.gates.allowed(self.people.destination[ident], reroutes=self._reroutes)
        if self._choice == "nearest" or len(self.gates.names) == 1:
            people.target[who] = choose_nearest(times, allowed)
            return
        current = people.target[who]
        if np.all(current < 0):
            current = choose_nearest(times, allowed)
        decides = (ident % THINKERS == self._round % THINKERS) | everybody
        people.target[who] = choose_quickest(
            times, allowed, self.people.speed[ident], current, self.gates.capacity, decides
        )
