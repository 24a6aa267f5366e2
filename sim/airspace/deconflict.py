"""Prioritised planning: flights take their turn, each waits on the ground or goes another way until it is clear."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

import sim.airspace.conflict_kernels as k
from sim.airspace.conflict import BIN, Conflicts, Traffic, find_conflicts
from sim.airspace.separation import Separation

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from sim.airspace.trajectory import Trajectory

__all__ = ["Decision", "Obstacle", "Request", "Reservations", "plan_in_turn"]

MARGIN = 1e-6
"""Added to the horizontal separation in the search [m], so that rounding leaves nothing to the exact test."""


@dataclass(frozen=True, slots=True)
class Obstacle:
    """What stood in a flight's way.

    Parameters
    ----------
    flight : int
        Request that holds the air.
    time : float
        [s]
    x, y : float
        [m in the frame]
    """

    flight: int
    time: float
    x: float
    y: float


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A flight that wants to be planned.

    Parameters
    ----------
    priority : int
        The higher, the earlier its turn; ties in the order of the requests.
    ways : tuple of callables
        Each gives a trajectory with the time on its pads, or None where that way does not exist. The first is the
        wanted one; the others are asked for only if it is not free within `patience`. They are told what stood in the
        way.
    is_allowed : callable, optional
        Whether a way may be flown at its time: zones open and close, sites are flooded.
    decided : callable, optional
        Told the decision before the next request has its turn.
    """

    priority: int
    ways: tuple[Callable[[Obstacle | None], Trajectory | None], ...]
    is_allowed: Callable[[Trajectory], bool] | None = None
    decided: Callable[[Decision], None] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Decision:
    """What became of a request.

    Parameters
    ----------
    trajectory : Trajectory or None
        None if it was not planned.
    held : float
        Time that it waits on the ground [s].
    way : int
        Which of its ways it takes, -1 for none.
    blocked_by : Obstacle or None
        What stood in the way last.
    """

    trajectory: Trajectory | None
    held: float = 0.0
    way: int = -1
    blocked_by: Obstacle | None = None


@dataclass(slots=True, eq=False)
class Reservations:
    """Trajectories that hold their air, in a table hashed by place and time.

    Parameters
    ----------
    separation : Separation
    fastest : float
        Highest ground speed of any flight [m/s].
    """

    separation: Separation
    fastest: float
    _head: NDArray[np.int64] = field(init=False)
    _piece: NDArray[np.float64] = field(init=False)
    _link: NDArray[np.int64] = field(init=False)
    _count: int = field(init=False, default=0)
    _size: float = field(init=False)

    def __post_init__(self) -> None:
        self._head = np.full(1 << 18, -1, dtype=np.int64)
        self._piece = np.empty((1 << 14, 8))
        self._link = np.empty((1 << 14, 3), dtype=np.int64)
        self._size = (self.separation.horizontal + MARGIN + self.fastest * BIN) * (1 + 1e-9) + MARGIN

    def add(self, trajectory: Trajectory, owner: int) -> None:
        """Enter a trajectory."""
        bins = np.floor(trajectory.points[:, 3] / BIN)
        needed = self._count + int(np.sum(np.diff(bins) + 1))
        while len(self._piece) < needed:
            self._piece = np.concatenate([self._piece, np.empty_like(self._piece)])
            self._link = np.concatenate([self._link, np.empty_like(self._link)])
        self._count = int(
            k.reserve(trajectory.points, owner, BIN, self._size, self._head, self._piece, self._link, self._count)
        )

    def free_delay(self, trajectory: Trajectory, delays: NDArray[np.float64]) -> tuple[int, Obstacle | None]:
        """Number of the first of `delays` [s] at which the trajectory is clear, -1 for none; and what blocked last."""
        number, flight, when, x, y = k.find_free_delay(
            trajectory.points, delays, self.separation.horizontal + MARGIN, self.separation.vertical, BIN,
            self._size, self._head, self._piece, self._link,
        )  # fmt: skip
        return int(number), Obstacle(int(flight), float(when), float(x), float(y)) if flight >= 0 else None


def plan_in_turn(
    requests: Sequence[Request],
    separation: Separation,
    *,
    fastest: float,
    longest_hold: float = 600.0,
    patience: float = 60.0,
    hold_step: float = 5.0,
) -> tuple[list[Decision], Conflicts]:
    """Plan flights one after the other, by priority; what is planned stays.

    Each takes its first way if that is free within `patience` seconds of waiting on the ground; otherwise the way of
    all that arrives first with at most `longest_hold` seconds of waiting. The result is then tested exactly, and a
    flight that fails is not planned.

    Parameters
    ----------
    requests : sequence of Request
    separation : Separation
    fastest : float
        Highest ground speed of any flight [m/s].
    longest_hold, patience, hold_step : float
        [s]

    Returns
    -------
    decisions : list of Decision
        One a request.
    left : Conflicts
        Conflicts between planned flights, by number of the request: none.
    """
    table = Reservations(separation, fastest)
    delays = np.arange(0.0, longest_hold + 1e-9, hold_step)
    decisions: list[Decision] = [Decision(None)] * len(requests)
    order = sorted(range(len(requests)), key=lambda i: (-requests[i].priority, i))
    for number in order:
        decision = _plan(requests[number], table, delays, patience)
        decisions[number] = decision
        if decision.trajectory is not None:
            table.add(decision.trajectory, number)
        if (tell := requests[number].decided) is not None:
            tell(decision)
    turn = {number: place for place, number in enumerate(order)}
    while len(left := _conflicts(decisions, separation)):
        # rounding where flights touch: whoever came later gives way
        for (a, b), time in zip(left.pair.tolist(), left.first.tolist(), strict=True):
            later, other = (a, b) if turn[a] > turn[b] else (b, a)
            if (trajectory := decisions[later].trajectory) is not None:
                x, y, _ = trajectory.at(time)[0].tolist()
                decisions[later] = Decision(None, blocked_by=Obstacle(other, time, x, y))
    return decisions, left


def _conflicts(decisions: Sequence[Decision], separation: Separation) -> Conflicts:
    """Conflicts between planned flights, by number of the request; exact."""
    planned = [(number, d.trajectory) for number, d in enumerate(decisions) if d.trajectory is not None]
    found = find_conflicts(Traffic.of([trajectory for _, trajectory in planned]), separation)
    numbers = np.array([number for number, _ in planned], dtype=np.int64)
    return replace(found, pair=numbers[found.pair].reshape(-1, 2))


def _plan(request: Request, table: Reservations, delays: NDArray[np.float64], patience: float) -> Decision:
    best: Decision | None = None
    obstacle: Obstacle | None = None
    for way, make in enumerate(request.ways):
        trajectory = make(obstacle)
        if trajectory is None:
            continue
        given = delays
        if best is not None and best.trajectory is not None:
            given = given[trajectory.end + given < best.trajectory.end]
        while len(given):
            chosen, blocker = table.free_delay(trajectory, given)
            obstacle = blocker or obstacle
            if chosen < 0:
                break
            held = float(given[chosen])
            moved = trajectory.later(held)
            if request.is_allowed is None or request.is_allowed(moved):
                best = Decision(moved, held, way, obstacle)
                break
            given = given[chosen + 1 :]
        if best is not None and best.held <= patience:
            break
    return best or Decision(None, blocked_by=obstacle)
