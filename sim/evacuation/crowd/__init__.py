"""People as bodies in a plane: stations, squares, underground malls, stairs, bridge heads.

The crowd tier of the evacuation. A `Building` is one or several `Room` objects (a level each, polygons in any metric
frame) with `Exit` lines in their walls, `Stair` areas, and `Passage` objects that join two levels. A `CrowdModel`
walks agents through it: collision-free speed model (Tordeux, Chraibi & Seyfried 2016), travel-time fields by fast
marching, walls that are never entered and that hide who stands behind them.

>>> from shapely import box
>>> from sim.evacuation.crowd import CrowdModel, Exit, Room
>>> hall = Room(box(0, 0, 8, 5), exits=[Exit([(8, 2), (8, 3)], name="east")])
>>> model = CrowdModel(hall, [(1.0, 2.5), (2.0, 2.5)], speed=1.34, start_s=[0.0, 3.0])
>>> model.advance(12.0)
>>> [(event.agent, event.exit) for event in model.events()]
[(0, 0), (1, 0)]

How another tier joins it
-------------------------
``CrowdModel(building, xy, *, level=0, radius=None, speed=1.34, start_s=0.0, destination=-1, parameters=None,
choice="quickest", when_closed="reroute", dt=0.05, cell_size=0.1, start_time=0.0, heading=None)``; every per-agent
value is a scalar or one a row of `xy` (n, 2). Agents keep their row number for good.

- ``model.advance(until)`` goes to clock time `until` [s] in steps of at most `dt`; ``model.clock`` is a twin Clock.
- ``model.xy`` (n, 2) and ``model.z`` (n,): positions in the building's own frame; who has left stays where he left.
  ``model.level`` (n,), ``model.status`` (n,) uint8: 0 waiting, 1 moving, 2 out, 3 stranded (no way to any exit that
  is meant for him), 4 dead (set from outside).
- ``model.events()`` hands over and forgets the departures since the last call: `Departure(agent, exit, time)`.
- ``model.close_exit(k)``, ``model.open_exit(k)``; k is a number or a name. `when_closed`: "wait" stands before the
  closed exit, "reroute" takes another one of the agent's destination, else any open one.
- ``destination`` -1: any exit; k: that exit alone.
- ``model.set_own_shares(share)``: share of his own speed that everybody keeps;
- ``model.set_speed_factor(factor, level=0)``: share of the own speed that is left (depth on the floor), a number or
  ``callable(x, y) -> array``; 0 stops people. ``model.take_away(agents, status)``: no longer in the room (4: dead;
  2: taken over by another tier).
- ``model.state()`` / ``model.load_state(state)``: arrays by name, a restart goes on bit by bit.
"""

from sim.evacuation.crowd.model import CrowdModel, Departure
from sim.evacuation.crowd.parameters import CrowdParameters, SpeedGroup, read_groups, read_parameters
from sim.evacuation.crowd.room import Building, Exit, Passage, Room, Stair

__all__ = [
    "Building",
    "CrowdModel",
    "CrowdParameters",
    "Departure",
    "Exit",
    "Passage",
    "Room",
    "SpeedGroup",
    "Stair",
    "read_groups",
    "read_parameters",
]
