"""Every array that the airspace simulator stores."""

from __future__ import annotations

from enum import IntEnum

from twin.fields import register_field

__all__ = ["FlightState"]


class FlightState(IntEnum):
    """Where a flight stands, the codes of ``state_flight``."""

    READY = 0
    """On the ground, before its start."""
    FLYING = 1
    LANDED = 2
    NOT_PLANNED = 3
    HOLDING = 4
    """Its wanted start has passed: it waits on the ground for its turn."""


_FLIGHT = ("flight",)

register_field("x_flight", _FLIGHT, "m", "Distance of the flight east of the area's south-west corner")
register_field("y_flight", _FLIGHT, "m", "Distance of the flight north of the area's south-west corner")
register_field("z_flight", _FLIGHT, "m", "Height of the flight above T.P.")
register_field(
    "state_flight", _FLIGHT, "1", "0 ready on the ground, 1 flying, 2 landed, 3 not planned, 4 holding on the ground"
)
