"""How far apart flights are."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Separation"]


@dataclass(frozen=True, slots=True)
class Separation:
    """What two flights keep from each other at every moment: in the plane, or in height.

    Parameters
    ----------
    horizontal, vertical : float
        [m]; 50 m and 15 m are the values at which tactical detectors of small aircraft are compared.
    time : float
        By how much the volumes of an intent begin earlier and end later than the flight is there [s].
    """

    horizontal: float = 50.0
    vertical: float = 15.0
    time: float = 5.0
