"""Ground and air risk by SORA 2.5: classes, mitigations, SAIL and the ground risk buffer (tables in ``sora.yaml``)."""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["CERTIFIED", "final_class", "ground_risk_buffer", "ground_risk_class", "initial_air_risk", "sail"]

CERTIFIED = "certified"
"""Beyond SORA: the operation belongs to the certified category."""
_GRAVITY = 9.80665


def ground_risk_class(
    density: ArrayLike, *, size: float, speed: float, mass: float = math.inf, is_controlled: bool = False
) -> NDArray[np.int8]:
    """Intrinsic ground risk class.

    Parameters
    ----------
    density : array_like
        People per km2.
    size : float
        Largest dimension of the aircraft [m].
    speed : float
        Highest speed [m/s].
    mass : float
        [kg]; up to 250 g and 25 m/s the class is 1 everywhere.
    is_controlled : bool
        Controlled ground area: nobody is below who is not involved.

    Returns
    -------
    ndarray of int8
        As `density`; 0 where SORA has no class.

    Raises
    ------
    ScenarioError
        If a density is negative or missing, or the aircraft is larger or faster than SORA's last column.

    Examples
    --------
    >>> ground_risk_class([0.0, 30.0, 12000.0], size=1.2, speed=18.0).tolist()
    [3, 4, 7]
    """
    people = np.asarray(density, dtype=np.float64)
    if not (people >= 0).all():
        raise ScenarioError("a density of people is negative or missing", where="sora", remedy="Give people per km2.")
    table = _table()["ground_risk"]
    column = _column(size, speed)
    small = table["small"]
    if mass <= small["mass"] and speed <= small["speed"]:
        return np.full(people.shape, small["class"], np.int8)
    if is_controlled:
        return np.full(people.shape, table["controlled"][column], np.int8)
    bounds = [row["below"] for row in table["densities"]]
    classes = np.array([row["classes"][column] for row in table["densities"]], np.int8)
    return np.asarray(classes[np.minimum(np.searchsorted(bounds, people, side="right"), len(bounds) - 1)])


def final_class(intrinsic: ArrayLike, mitigations: Mapping[str, str], *, size: float, speed: float) -> NDArray[np.int8]:
    """Ground risk class after mitigations, never below that of a controlled ground area.

    Parameters
    ----------
    intrinsic : array_like of int
        From :func:`ground_risk_class`; 0 stays 0.
    mitigations : mapping of str to str
        M1A, M1B, M1C, M2 to ``low``, ``medium`` or ``high``.
    size, speed : float
        As :func:`ground_risk_class`.

    Raises
    ------
    ScenarioError
        If a mitigation does not exist at that robustness.
    """
    table = _table()
    less = 0
    for name, robustness in mitigations.items():
        levels = table["mitigations"].get(name, {})
        if robustness not in levels:
            raise ScenarioError(
                f"mitigation {name} at {robustness!r} does not exist",
                where="sora",
                remedy=f"{name} has: {', '.join(levels)}." if levels else f"Known: {', '.join(table['mitigations'])}.",
            )
        less += levels[robustness]
    least = table["ground_risk"]["controlled"][_column(size, speed)]
    given = np.asarray(intrinsic, dtype=np.int8)
    return np.where(given == 0, 0, np.minimum(given, np.maximum(given - less, least))).astype(np.int8)


def initial_air_risk(
    *,
    is_atypical: bool = False,
    is_airport: bool = False,
    is_controlled: bool = False,
    is_above_150: bool = False,
    is_urban: bool = True,
) -> str:
    """Initial air risk class, ``a`` to ``d``.

    Parameters
    ----------
    is_atypical : bool
        Segregated or otherwise atypical airspace.
    is_airport : bool
        In an airport's or heliport's environment.
    is_controlled : bool
        In controlled airspace or a transponder mandatory zone (near an airport: classes B, C, D).
    is_above_150 : bool
        Above 150 m (500 ft) above ground.
    is_urban : bool
    """
    if is_atypical:
        return "a"
    if is_airport or is_above_150:
        return "d" if is_controlled else "c"
    return "c" if is_controlled or is_urban else "b"


def sail(ground_class: int, air_class: str) -> str:
    """Specific assurance and integrity level, I to VI, or :data:`CERTIFIED`.

    Raises
    ------
    ScenarioError
        If a class does not exist.
    """
    if ground_class < 1 or air_class not in ("a", "b", "c", "d"):
        raise ScenarioError(
            f"there is no SAIL for ground risk {ground_class} and air risk {air_class!r}",
            where="sora",
            remedy="Ground risk starts at 1, air risk is a, b, c or d.",
        )
    for row in _table()["sail"]:
        if ground_class <= row["up_to"]:
            return str(row[air_class])
    return CERTIFIED


def ground_risk_buffer(height: float, *, speed: float, size: float, method: str = "one_to_one") -> float:
    """Width of the ground risk buffer [m].

    Parameters
    ----------
    height : float
        Above ground [m].
    speed : float
        [m/s].
    size : float
        Largest dimension [m].
    method : str
        ``one_to_one``: as wide as high; ``ballistic``: V sqrt(2 H / g) + size / 2, for aircraft that fall without drag.

    Raises
    ------
    ScenarioError
        If the method is unknown or a value is negative.
    """
    if min(height, speed, size) < 0:
        raise ScenarioError("height, speed or size is negative", where="sora", remedy="Give zero or more.")
    if method == "one_to_one":
        return height
    if method == "ballistic":
        return speed * math.sqrt(2 * height / _GRAVITY) + size / 2
    raise ScenarioError(f"method {method!r} is unknown", where="sora", remedy="Known: one_to_one, ballistic.")


def _column(size: float, speed: float) -> int:
    columns = _table()["columns"]
    for number, (most, fastest) in enumerate(zip(columns["size"], columns["speed"], strict=True)):
        if 0 < size <= most and 0 <= speed <= fastest:
            return number
    raise ScenarioError(
        f"an aircraft of {size} m at {speed} m/s has no column in SORA",
        where="sora",
        remedy=f"Sizes reach {columns['size'][-1]:g} m, speeds {columns['speed'][-1]:g} m/s.",
    )


@cache
def _table() -> dict[str, Any]:
    form: dict[str, Any] = yaml.safe_load((files("sim.airspace") / "sora.yaml").read_text(encoding="utf-8"))
    return form
