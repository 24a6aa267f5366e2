"""Inlet control of culverts: head over the inlet to discharge, from the equations of HDS-5."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import yaml

from sim.flood.kernels import GRAVITY
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from sim.flood.structures.section import Culvert

__all__ = ["UNIT", "Barrel", "Inlet", "InletRating", "inlet_of", "read_inlets"]

UNIT = 1.811
"""K_u of the equations in SI (HDS-5, appendix A)."""
UNSUBMERGED, SUBMERGED = 3.5, 4.0
"""K_u Q / (A D^0.5) up to which the inlet is a weir, and from which it is an orifice (HDS-5, A.2)."""
POINTS = 401
"""Heads of the rating below the orifice's range."""


@dataclass(frozen=True, slots=True)
class Inlet:
    """A row of ``culvert_inlets.yaml``."""

    shape: str
    form: int
    K: float
    M: float
    c: float
    Y: float
    slope: float
    loss: float


@cache
def read_inlets(path: Path | None = None) -> tuple[dict[str, Inlet], dict[str, str]]:
    """Inlets by name, and the default of each shape; from the file beside this module where none is given.

    Raises
    ------
    ScenarioError
        If the file is malformed.
    """
    path = path or Path(__file__).with_name("culvert_inlets.yaml")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        inlets = {name: Inlet(**row) for name, row in content["inlets"].items()}
        default = dict(content["default"])
        if any(inlets[default[shape]].shape != shape for shape in ("circle", "box")):
            raise ValueError("a default is of the other shape")
        numbers = [getattr(one, name) for one in inlets.values() for name in ("K", "M", "c", "Y", "slope", "loss")]
        if not np.isfinite(np.array(numbers, dtype=np.float64)).all() or min(one.c for one in inlets.values()) <= 0:
            raise ValueError("a number is not finite, or c is not above 0")
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise ScenarioError(
            f"is no table of inlets ({error})",
            where=str(path),
            remedy="Keep the form of sim/flood/structures/culvert_inlets.yaml.",
        ) from error
    return inlets, default


def inlet_of(one: Culvert, where: str, table: tuple[Mapping[str, Inlet], Mapping[str, str]]) -> Inlet:
    """The inlet that a culvert names, or its shape's default.

    Raises
    ------
    ScenarioError
        If there is none of that name, or it belongs to the other shape.
    """
    inlets, default = table
    name = one.inlet or default[one.shape]
    fitting = [key for key, inlet in inlets.items() if inlet.shape == one.shape]
    if name not in fitting:
        raise ScenarioError(
            f"there is no inlet {name!r} for a {one.shape}",
            where=f"{where}.inlet",
            remedy=f"Use: {', '.join(fitting)}.",
        )
    return inlets[name]


@dataclass(frozen=True, slots=True, eq=False)
class Barrel:
    """Sizes of barrels: `span` [m] and `rise` [m], which are one for a circle; (n,) each."""

    is_circle: NDArray[np.bool_]
    span: NDArray[np.float64]
    rise: NDArray[np.float64]

    def area_perimeter(self, depth: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Flow area [m2] and wetted perimeter [m] at a depth [m], which is at most `rise`."""
        angle = 2.0 * np.arccos(np.clip(1.0 - 2.0 * depth / self.rise, -1.0, 1.0))
        circle = self.rise**2 / 8.0 * (angle - np.sin(angle))
        box = self.span * depth
        roof = np.where(depth >= self.rise, self.span, 0.0)
        return (
            np.where(self.is_circle, circle, box),
            np.where(self.is_circle, 0.5 * self.rise * angle, self.span + 2.0 * depth + roof),
        )

    @property
    def area(self) -> NDArray[np.float64]:
        """Of the whole barrel [m2]."""
        return self.area_perimeter(self.rise)[0]


class InletRating:
    """Discharge and critical depth by head, for many barrels at once.

    Parameters
    ----------
    inlets : sequence of Inlet
    barrel : Barrel
    slopes : ndarray (n,)
        Of the barrels, positive downwards.
    """

    def __init__(self, inlets: Sequence[Inlet], barrel: Barrel, slopes: NDArray[np.float64]) -> None:
        self._barrel = barrel
        self._c = np.array([one.c for one in inlets])
        self._top = np.array([one.Y + one.slope * s for one, s in zip(inlets, slopes, strict=True)])
        # head over rise from which the orifice holds
        self._orifice = self._c * SUBMERGED**2 + self._top
        self._load = np.zeros((len(inlets), POINTS))
        self._critical = np.zeros((len(inlets), POINTS))
        share = np.linspace(0.0, 1.0, POINTS)
        for k, one in enumerate(inlets):
            circle, aspect = bool(barrel.is_circle[k]), float(barrel.span[k] / barrel.rise[k])
            load, head, critical = _weir_branch(one, circle, aspect, float(slopes[k]))
            load = np.r_[load, SUBMERGED]
            head = np.r_[head, self._orifice[k]]
            critical = np.r_[critical, min(1.0, critical[-1] * (SUBMERGED / UNSUBMERGED) ** (2.0 / 3.0))]
            head = np.maximum.accumulate(head)
            self._load[k] = np.interp(share * self._orifice[k], head, load)
            self._critical[k] = np.interp(share * self._orifice[k], head, critical)

    def at(self, head: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Discharge of a barrel [m3/s] and critical depth [m] at a head over the invert [m]."""
        relative = np.maximum(head, 0.0) / self._barrel.rise
        place = np.minimum(relative / self._orifice, 1.0) * (POINTS - 1)
        low = np.minimum(place.astype(np.int64), POINTS - 2)
        part, pick = place - low, np.arange(len(head))

        def read(table: NDArray[np.float64]) -> NDArray[np.float64]:
            out: NDArray[np.float64] = table[pick, low] * (1.0 - part) + table[pick, low + 1] * part
            return out

        drowned = np.sqrt(np.maximum(relative - self._top, 0.0) / self._c)
        is_orifice = relative > self._orifice
        load = np.where(is_orifice, drowned, read(self._load))
        discharge = load * self._barrel.area * np.sqrt(self._barrel.rise) / UNIT
        # in the orifice's range the critical depth only sets the grade line at the outlet, and nears the roof
        critical = read(self._critical)
        critical = np.where(is_orifice, np.minimum(critical * (load / SUBMERGED) ** (2.0 / 3.0), 1.0), critical)
        return discharge, critical * self._barrel.rise


def _weir_branch(
    inlet: Inlet, circle: bool, aspect: float, slope: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Load K_u Q / (A D^0.5), head and critical depth over the rise, of an inlet that is a weir; D is 1."""
    depth = np.linspace(0.0, 0.999, 2000)
    many = len(depth)
    unit = Barrel(np.full(many, circle), np.full(many, 1.0 if circle else aspect), np.ones(many))
    area, _ = unit.area_perimeter(depth)
    top = 2.0 * np.sqrt(depth * (1.0 - depth)) if circle else np.full(len(depth), aspect)
    with np.errstate(divide="ignore", invalid="ignore"):
        discharge = np.where(depth > 0, np.sqrt(GRAVITY * area**3 / top), 0.0)
        energy = np.where(depth > 0, depth + 0.5 * area / top, 0.0)
    all_loads = UNIT * discharge / unit.area[0]
    load = np.linspace(0.0, UNSUBMERGED, 400)
    critical = np.interp(load, all_loads, depth)
    rise = inlet.K * load**inlet.M
    if inlet.form == 1:
        # the slope's part fades in: without flow there is no head
        head = np.interp(load, all_loads, energy) + rise + inlet.slope * slope * load / UNSUBMERGED
    else:
        head = rise
    return load, np.maximum.accumulate(np.maximum(head, 0.0)), critical
