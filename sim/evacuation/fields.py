"""Every array that the evacuation simulator stores, and the codes of a person's state."""

from __future__ import annotations

import numpy as np

from sim.evacuation import kernels as k
from twin.fields import register_field

__all__ = ["CAUSES", "DEAD", "MOVING", "SAFE", "STATES", "STATE_OF_PHASE", "STRANDED", "WAITING"]

WAITING, MOVING, SAFE, STRANDED, DEAD = range(5)
STATES = ("waiting", "moving", "safe", "stranded", "dead")
"""Names of the states, by code."""

CAUSES = ("", "depth", "force", "island", "full")
"""Why somebody is stranded or died, by code."""

STATE_OF_PHASE = np.zeros(13, dtype=np.uint8)
"""State of each phase of the kernels."""
STATE_OF_PHASE[[k.HOME, k.ROOM_WAITING]] = WAITING
STATE_OF_PHASE[[k.WALK, k.QUEUE, k.ROOM]] = MOVING
STATE_OF_PHASE[[k.SHELTER, k.UPSTAIRS]] = SAFE
STATE_OF_PHASE[[k.HELD, k.ISLAND, k.TRAPPED, k.FLOODED_IN, k.ROOM_HELD]] = STRANDED
STATE_OF_PHASE[k.DEAD] = DEAD

register_field("x_agent", ("agent",), "m", "Position of a person, eastward of the area's south-west corner")
register_field("y_agent", ("agent",), "m", "Position of a person, northward of the area's south-west corner")
register_field("z_agent", ("agent",), "m", "Ground under a person above T.P.")
register_field("state_agent", ("agent",), "1", "State of a person: 0 waiting, 1 moving, 2 safe, 3 stranded, 4 dead")
register_field("load_link", ("link",), "1", "Persons on each row of the table of links")
