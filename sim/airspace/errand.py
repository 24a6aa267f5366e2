"""What one aircraft does in one flight, before anybody knows when and by which way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.airspace.site import enter
from sim.airspace.trajectory import Stop, Trajectory, fly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from sim.airspace.airway import Airways
    from sim.airspace.energy import Aircraft
    from sim.airspace.objective import Objective
    from sim.airspace.planner import Planner
    from sim.airspace.site import Site

__all__ = ["Errand", "Flown", "Task", "Waypoint", "send"]


@dataclass(frozen=True, slots=True)
class Waypoint:
    """A place that a flight visits.

    Parameters
    ----------
    x, y, z : float
        [m in the frame, m T.P.]
    seconds : float
        Time that it hovers there.
    is_drop : bool
        Whether the load is let down there: the place is then reached by its own column of air.
    looks : bool
        Whether the camera is on from the waypoint before to this one.
    """

    x: float
    y: float
    z: float
    seconds: float = 0.0
    is_drop: bool = False
    looks: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """Waypoints between start and landing.

    Parameters
    ----------
    waypoints : tuple of Waypoint
    above_ground : bool
        Whether their heights are raised together with the rest of a flight that takes a higher way.
    """

    waypoints: tuple[Waypoint, ...]
    above_ground: bool


@dataclass(frozen=True, slots=True, eq=False)
class Errand:
    """A flight to be planned.

    Parameters
    ----------
    mission, kind : str
    aircraft : Aircraft
    priority : int
    earliest : float
        Wanted start [s]; later if the aircraft's flight before, `follows`, ends later.
    base : int
        Site that it starts from and lands on, -1 where none is dry.
    target : int
        Place of the mission's list that it goes to, -1 for an area.
    task : Task
    payload : float
        Load until the drop [kg].
    follows : int
        Errand that the same aircraft flies before, -1 for none.
    turnaround : float
        Time on the ground between the two [s].
    """

    mission: str
    kind: str
    aircraft: Aircraft
    priority: int
    earliest: float
    base: int
    target: int
    task: Task
    payload: float = 0.0
    follows: int = -1
    turnaround: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class Flown:
    """An errand with its way.

    Parameters
    ----------
    trajectory : Trajectory
        In the air, from the first moment of the climb.
    load : ndarray (m - 1,)
        Load on each piece [kg].
    looks : ndarray of bool (m - 1,)
        Whether the camera is on.
    energy : ndarray (m - 1,)
        Of each piece [Wh].
    """

    trajectory: Trajectory
    load: NDArray[np.float64]
    looks: NDArray[np.bool_]
    energy: NDArray[np.float64]

    def at(self, start: float) -> Flown:
        """The same flight with another start [s]."""
        moved = self.trajectory.later(start - self.trajectory.start)
        return Flown(moved, self.load, self.looks, self.energy)


def send(
    errand: Errand,
    site: Site,
    airways: Airways,
    *,
    start: float,
    window: tuple[float, float],
    lift: float,
    objective: Objective,
    wind: tuple[float, float],
) -> Flown | str:
    """Find the errand's way through air that is open during `window` [s].

    Parameters
    ----------
    start : float
        Of the climb [s].
    window : (float, float)
        From when to when the air must be open all the time; it need not hold the flight.
    lift : float
        By how much the whole flight is higher than wanted [m].
    objective : Objective
        What its paths are short of; speeds are the aircraft's own.

    Returns
    -------
    Flown or str
        Or what is wrong: ``"closed_site"`` (no open air over the base), ``"closed_target"``, ``"no_path"``.
    """
    planner = airways.planner(lift, *window, objective)
    base = enter(planner.space, site.x, site.y, site.z)
    if base is None:
        return "closed_site"
    stops = [Stop(base.x, base.y, base.z), Stop(base.x, base.y, base.entry)]
    at, drop, looking = base.cell, len(errand.task.waypoints) + 10**6, []
    for waypoint in errand.task.waypoints:
        z = waypoint.z + (lift if errand.task.above_ground else 0.0)
        port = enter(planner.space, waypoint.x, waypoint.y, z)
        if port is None or (not waypoint.is_drop and port.entry > z + airways.air.voxels.level_height):
            return "closed_target"
        first = len(stops) - 1
        if not _go(planner, airways, at, port.cell, stops):
            return "no_path"
        stops.append(Stop(port.x, port.y, port.entry))
        if waypoint.is_drop:
            stops.append(Stop(port.x, port.y, port.z, waypoint.seconds))
            drop = len(stops) - 1
            stops.append(Stop(port.x, port.y, port.entry))
        elif waypoint.seconds > 0:
            stops[-1] = Stop(port.x, port.y, port.entry, waypoint.seconds)
        if waypoint.looks:
            looking.append((first, len(stops) - 1))
        at = port.cell
    if not _go(planner, airways, at, base.cell, stops):
        return "no_path"
    stops += [Stop(base.x, base.y, base.entry), Stop(base.x, base.y, base.z)]
    trajectory, leaves = fly(stops, errand.aircraft.fastest(wind), start)
    middle = 0.5 * (trajectory.points[:-1, 3] + trajectory.points[1:, 3])
    is_loaded = middle < (leaves[drop] if drop < len(leaves) else -np.inf)
    load = np.where(is_loaded, errand.payload, 0.0)
    looks = np.zeros(len(middle), dtype=np.bool_)
    for a, b in looking:
        looks |= (middle > leaves[a]) & (middle < leaves[b])
    return Flown(trajectory, load, looks, errand.aircraft.energy(trajectory, wind, load))


def _go(planner: Planner, airways: Airways, start: Sequence[int], goal: Sequence[int], stops: list[Stop]) -> bool:
    """Add the corners of a path between two voxels; False if there is none."""
    if tuple(start) == tuple(goal):
        return True
    path = airways.path(planner, start, goal)
    if path is None:
        return False
    stops.extend(Stop(*map(float, point)) for point in path.points)
    return True
