"""Power and energy of rotary-wing aircraft in wind (Zeng, Xu and Zhang 2019, eq. 12), with climb and payload."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from sim.airspace.objective import Objective
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

    from sim.airspace.trajectory import Trajectory

__all__ = ["AIRCRAFT", "AIR_DENSITY", "GRAVITY", "Aircraft", "read_aircraft"]

GRAVITY = 9.81
"""[m s-2]"""
AIR_DENSITY = 1.225
"""Standard atmosphere at sea level [kg m-3]: the density of the paper's table I."""
AIRCRAFT = Path(__file__).with_name("aircraft.yaml")
"""The aircraft that come with the simulator."""
WATT_HOUR = 3600.0
"""[J]"""


@dataclass(frozen=True, slots=True)
class Aircraft:
    """A multicopter; the figures of one rotor's blades stand for all.

    Parameters
    ----------
    id : str
    name : mapping of str to str
        By language.
    source : str
        Where the figures come from.
    mass : float
        With battery, without payload [kg].
    payload : float
        At most [kg].
    rotors : int
    rotor_radius : float
        [m]
    tip_speed : float
        Of the blades [m/s].
    solidity, drag_coefficient, induced_factor, drag_ratio : float
        s, delta, k, d0 of the paper.
    efficiency : float
        Shaft power over battery power.
    battery : float
        [Wh]
    cruise_speed : float
        Through the air [m/s].
    climb_speed, descent_speed : float
        [m/s]
    largest_wind : float
        At which it may fly [m/s].
    view : float
        Angle of view across the track [deg].
    """

    id: str
    name: Mapping[str, str]
    source: str
    mass: float
    payload: float
    rotors: int
    rotor_radius: float
    tip_speed: float
    solidity: float
    drag_coefficient: float
    induced_factor: float
    drag_ratio: float
    efficiency: float
    battery: float
    cruise_speed: float
    climb_speed: float
    descent_speed: float
    largest_wind: float
    view: float

    @property
    def disc_area(self) -> float:
        """Area of all rotor discs [m2]."""
        return self.rotors * math.pi * self.rotor_radius**2

    def power(self, airspeed: ArrayLike, climb: ArrayLike = 0.0, payload: ArrayLike = 0.0) -> NDArray[np.float64]:
        """Power drawn from the battery [W].

        P = P0 (1 + 3 V^2/U^2) + Pi (sqrt(1 + V^4/(4 v0^4)) - V^2/(2 v0^2))^(1/2) + d0 rho s A V^3 / 2 + m g w, with
        P0 = delta rho s A U^3 / 8, Pi = (1 + k) W^(3/2) / sqrt(2 rho A), v0 = sqrt(W/(2 rho A)) (Zeng et al. 2019,
        eq. 12, and the power of the climb; a descent gives nothing back), over the efficiency.

        Parameters
        ----------
        airspeed : array_like
            Horizontal [m/s].
        climb : array_like
            Vertical speed [m/s], upward.
        payload : array_like
            [kg]
        """
        v = np.asarray(airspeed, dtype=np.float64)
        weight = (self.mass + np.asarray(payload, dtype=np.float64)) * GRAVITY
        area, tip = self.disc_area, self.tip_speed
        blade = self.drag_coefficient / 8.0 * AIR_DENSITY * self.solidity * area * tip**3
        induced = (1.0 + self.induced_factor) * weight**1.5 / math.sqrt(2.0 * AIR_DENSITY * area)
        downwash2 = weight / (2.0 * AIR_DENSITY * area)
        share = np.sqrt(np.sqrt(1.0 + v**4 / (4.0 * downwash2**2)) - v**2 / (2.0 * downwash2))
        drag = 0.5 * self.drag_ratio * AIR_DENSITY * self.solidity * area * v**3
        lift = weight * np.maximum(np.asarray(climb, dtype=np.float64), 0.0)
        power: NDArray[np.float64] = (blade * (1.0 + 3.0 * v**2 / tip**2) + induced * share + drag + lift) / (
            self.efficiency
        )
        return power

    def energy(
        self, trajectory: Trajectory, wind: tuple[float, float], payload: ArrayLike = 0.0
    ) -> NDArray[np.float64]:
        """Energy of each piece of a trajectory [Wh], (m - 1,).

        Parameters
        ----------
        trajectory : Trajectory
            Without the time on the pads.
        wind : (float, float)
            Velocity of the air, eastward and northward [m/s].
        payload : array_like
            [kg], one or one a piece.
        """
        steps = np.diff(trajectory.points, axis=0)
        velocity = steps[:, :3] / steps[:, 3:]
        airspeed = np.hypot(velocity[:, 0] - wind[0], velocity[:, 1] - wind[1])
        used: NDArray[np.float64] = self.power(airspeed, velocity[:, 2], payload) * steps[:, 3] / WATT_HOUR
        return used

    def fastest(self, wind: tuple[float, float]) -> Objective:
        """Objective of the shortest time in this wind [s]."""
        return Objective(0.0, 1.0, 0.0, self.cruise_speed, wind, self.climb_speed, self.descent_speed)

    def thriftiest(self, wind: tuple[float, float], payload: float = 0.0) -> Objective:
        """Objective of the least energy at cruise speed in this wind [Wh]."""
        cruise = float(self.power(self.cruise_speed, 0.0, payload)) / WATT_HOUR
        climb = (self.mass + payload) * GRAVITY / self.efficiency / WATT_HOUR
        return Objective(0.0, cruise, climb, self.cruise_speed, wind, self.climb_speed, self.descent_speed)


def read_aircraft(path: Path | None = None) -> dict[str, Aircraft]:
    """Aircraft by name from a YAML table.

    Parameters
    ----------
    path : Path, optional
        The table that comes with the simulator by default.

    Raises
    ------
    ScenarioError
        Naming the aircraft and the figure that is missing or impossible.
    """
    path = AIRCRAFT if path is None else path
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"cannot be read ({error})", where=str(path), remedy="Give a YAML table.") from error
    if not isinstance(content, dict) or not content:
        raise ScenarioError("holds no aircraft", where=str(path), remedy="See sim/airspace/aircraft.yaml.")
    return {str(name): _aircraft(str(name), entry, path) for name, entry in content.items()}


def _aircraft(name: str, entry: Any, path: Path) -> Aircraft:
    where = f"{path}: {name}"
    known = {f.name for f in fields(Aircraft)} - {"id"}
    given = set(entry) if isinstance(entry, dict) else set()
    if given != known:
        lists = (("lacks", known - given), ("has unknown", given - known))
        what = "; ".join(f"{verb} {', '.join(sorted(names))}" for verb, names in lists if names)
        raise ScenarioError(what, where=where, remedy="Give exactly the figures of sim/airspace/aircraft.yaml.")
    figures = {key: entry[key] for key in known - {"name", "source"}}
    for key, value in figures.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
        if not is_number or value < 0 or (value == 0 and key not in ("payload", "induced_factor", "drag_ratio")):
            raise ScenarioError(f"{key} is {value!r}", where=where, remedy="Give a positive number.")
    if figures["efficiency"] > 1 or figures["view"] >= 180:
        raise ScenarioError(
            f"efficiency is {figures['efficiency']}, view {figures['view']} deg",
            where=where,
            remedy="An efficiency is at most 1, an angle of view below 180 degrees.",
        )
    names = entry["name"] if isinstance(entry["name"], dict) else {"ja": str(entry["name"]), "en": str(entry["name"])}
    return Aircraft(id=name, name=names, source=str(entry["source"]), **{**figures, "rotors": int(figures["rotors"])})
