"""Parameters of the crowd model and people's own speeds: tables with sources that a user can replace."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from sim.evacuation.crowd.kernels import Law
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CrowdParameters", "SpeedGroup", "read_groups", "read_parameters"]

HERE = Path(__file__).resolve().parent
UNREST_PERIOD = 2.0
"""[s]"""
NEGLIGIBLE = 0.01
"""Repulsion that turns nobody: against a desired direction of length 1."""


@dataclass(frozen=True, slots=True)
class CrowdParameters:
    """Parameters of the collision-free speed model.

    Parameters
    ----------
    time_gap : float
        T [s]: speed is the free spacing over T.
    strength, range : float
        a [-] and D [m] of the repulsion between people.
    wall_strength, wall_range : float
        The same for walls.
    anticipation : float
        Time over which somebody reckons with a spacing that opens [s], at most `time_gap` (0 in the paper).
    unrest : float
        Share by which the strength that a person feels goes up and down every 2 s (0 in the paper): without it a few
        people can hold each other off before a door for good.
    radius : float
        Of a body [m], where none is given.
    """

    time_gap: float
    strength: float
    range: float
    wall_strength: float
    wall_range: float
    anticipation: float
    unrest: float
    radius: float

    def __post_init__(self) -> None:
        for item in fields(self):
            value = getattr(self, item.name)
            may_be_none = item.name in {"strength", "wall_strength", "anticipation", "unrest"}
            low = 0.0 if may_be_none else 1e-6
            high = {"anticipation": self.time_gap, "unrest": 1.0}.get(item.name, 100.0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
                raise ScenarioError(
                    f"{item.name} is {value!r}",
                    where="crowd parameters",
                    remedy=f"Give a number, {'not below' if may_be_none else 'above'} 0 and at most {high}.",
                )

    def reach(self, radius: float, speed: float) -> float:
        """Distance beyond which another person changes nothing [m]."""
        body = 2.0 * radius
        return body + max(
            speed * self.time_gap, self.range * math.log(max((1.0 + self.unrest) * self.strength / NEGLIGIBLE, 1.0))
        )

    def law(self, largest_radius: float, time: float) -> Law:
        """As the kernels take them, for bodies of at most `largest_radius` [m], at a time [s]."""
        return Law(
            time_gap=self.time_gap,
            strength=self.strength,
            inverse_range=1.0 / self.range,
            wall_strength=self.wall_strength,
            inverse_wall_range=1.0 / self.wall_range,
            anticipation=self.anticipation,
            unrest=self.unrest,
            beat=time / UNREST_PERIOD,
            largest_radius=largest_radius,
            repulsion_reach=self.reach(0.0, 0.0),
        )


def read_parameters(path: Path | None = None) -> CrowdParameters:
    """Read a parameter file; the product's own without `path`.

    Raises
    ------
    ScenarioError
        If the file is missing, no YAML, or a value is missing, unknown or not positive.
    """
    path = path or HERE / "parameters.yaml"
    table = _read(path, "model")
    known = {item.name for item in fields(CrowdParameters)}
    given = {key: value for key, value in table.items() if key != "source"}
    if set(given) != known:
        raise ScenarioError(
            f"it has {sorted(given)}, not {sorted(known)}", where=f"{path}: model", remedy="Give exactly these."
        )
    return CrowdParameters(**given)


@dataclass(frozen=True, slots=True)
class SpeedGroup:
    """Own walking speeds of a group of people.

    Parameters
    ----------
    kind : str
        "normal" (mean, sd, cut at low and high) or "uniform" (low, high).
    low, high : float
        Slowest and fastest [m/s].
    mean, sd : float
        Of the normal distribution [m/s].
    """

    kind: str
    low: float
    high: float
    mean: float = math.nan
    sd: float = math.nan

    def draw(self, n: int, generator: np.random.Generator) -> NDArray[np.float32]:
        """`n` speeds [m/s], (n,)."""
        if self.kind == "uniform":
            return generator.uniform(self.low, self.high, n).astype(np.float32)
        from scipy.special import ndtr, ndtri

        # by the inverse of the distribution: one random number a person, so a cut distribution needs no second draw
        low, high = ndtr((self.low - self.mean) / self.sd), ndtr((self.high - self.mean) / self.sd)
        drawn = self.mean + self.sd * ndtri(generator.uniform(low, high, n))
        return np.asarray(drawn, dtype=np.float32)


def read_groups(path: Path | None = None) -> dict[str, SpeedGroup]:
    """Read a file of speed groups by name; the product's own without `path`.

    Raises
    ------
    ScenarioError
        If the file is missing, no YAML, or a group makes no distribution.
    """
    path = path or HERE / "speeds.yaml"
    groups: dict[str, SpeedGroup] = {}
    for name, row in _read(path, "groups").items():
        given = {key: value for key, value in dict(row).items() if key != "source"}
        try:
            group = SpeedGroup(**given)
        except TypeError as error:
            raise ScenarioError(
                str(error), where=f"{path}: groups.{name}", remedy="Keys: kind, low, high, mean, sd."
            ) from error
        is_normal = group.kind == "normal" and group.sd > 0.0 and math.isfinite(group.mean)
        if not (0.0 < group.low < group.high < 10.0 and (is_normal or group.kind == "uniform")):
            raise ScenarioError(
                f"{given} is no distribution of speeds",
                where=f"{path}: groups.{name}",
                remedy="Give kind uniform or normal (with mean and sd), and 0 < low < high < 10 m/s.",
            )
        groups[name] = group
    return groups


@cache
def _read_file(path: Path) -> Any:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise ScenarioError(f"cannot be read: {error}", where=str(path), remedy="Give a YAML file.") from error


def _read(path: Path, key: str) -> dict[str, Any]:
    table = _read_file(path)
    if not isinstance(table, dict) or not isinstance(table.get(key), dict):
        raise ScenarioError(f"has no table {key!r}", where=str(path), remedy=f"Start it with `{key}:`.")
    return dict(table[key])
