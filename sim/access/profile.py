"""Who is on the way: speeds, limits and wishes, as a table that the user may replace."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import yaml
from pydantic import Field, TypeAdapter, ValidationError, model_validator

from sim.findings import findings_of
from twin.errors import ScenarioError
from twin.scenario import Finite, NotNegative, Positive, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

__all__ = ["Limit", "Limits", "LinkWish", "Profile", "SlopeSpeed", "WaterLimit", "read_profiles"]

TABLE = Path(__file__).with_name("profiles.yaml")
SPEED_DIVISOR = 5.0
"""What is left of the speed at the limits of a slope-speed law is one part in this many (AccessMap)."""
GRAVITY = 9.80665
"""Standard gravity [m s-2]."""

LinkWish = Literal[
    "stairs", "escalator", "moving_walkway", "rail_crossing", "elevator", "unfit", "rough", "private", "revolving_door"
]
"""Kinds of link that a profile may not use (blocked) or would rather not (avoided)."""


class SlopeSpeed(Section):
    """v = speed * exp(-k |g - best|), k = ln 5 / |limit - best| with a limit for up and one for down (AccessMap).

    Parameters
    ----------
    best : float
        Gradient at which one is fastest.
    up, down : float
        Gradients, both given as positive numbers, at which a fifth of the speed is left.
    """

    best: Finite = -0.0087
    up: Positive
    down: Positive

    @model_validator(mode="after")
    def _is_between(self) -> SlopeSpeed:
        if not -self.down < self.best < self.up:
            raise ValueError(f"best {self.best} is not between -down ({-self.down}) and up ({self.up})")
        return self

    def factor(self, gradient: ArrayLike) -> NDArray[np.float64]:
        """Share of the speed on the level that is left at a gradient.

        1 on the level, a little more at `best`; beyond the limits the share at them holds.
        """
        g = np.asarray(gradient, dtype=np.float64)
        decay = math.log(SPEED_DIVISOR) / np.where(g > self.best, self.up - self.best, self.down + self.best)
        share = np.maximum(np.exp(-decay * np.abs(g - self.best)), 1.0 / SPEED_DIVISOR)
        limit = self.up if self.best < 0 else self.down
        return np.asarray(share / SPEED_DIVISOR ** (-abs(self.best) / (limit + abs(self.best))))


class Limit(Section):
    """A limit of one criterion; None: none.

    Parameters
    ----------
    soft : float or None
        Beyond it metres count against a route.
    hard : float or None
        Beyond it the way is blocked.
    """

    soft: NotNegative | None = None
    hard: NotNegative | None = None


class Limits(Section):
    """Limits of everything that is measured: upper limits, for the width a lower one [1 and m]."""

    slope_up: Limit = Limit()
    slope_down: Limit = Limit()
    crossfall: Limit = Limit()
    step: Limit = Limit()
    width: Limit = Limit()


class WaterLimit(Section):
    """What somebody can do in water.

    Parameters
    ----------
    depth : float
        Deeper water closes a link [m].
    force : float
        So does a larger specific force u^2 h/g + h^2/2 [m2] (Ishigaki 2010, WST 62:1807).
    factors : tuple of (depth, share)
        Share of the speed that is left at a depth [m]; linear between, the last holds beyond.
    """

    depth: NotNegative
    force: Positive = 0.125
    factors: Annotated[tuple[tuple[NotNegative, Annotated[float, Field(gt=0, le=1)]], ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _falls(self) -> WaterLimit:
        depths, shares = zip(*self.factors, strict=True)
        if np.any(np.diff(depths) <= 0) or np.any(np.diff(shares) > 0):
            raise ValueError("factors: depths must increase and shares must not; deeper water makes nobody faster")
        return self

    def factor(self, depth: ArrayLike, speed: ArrayLike) -> NDArray[np.float64]:
        """Share of one's own speed that is left; 0 where the water is too deep or too strong."""
        h, u = np.asarray(depth, dtype=np.float64), np.asarray(speed, dtype=np.float64)
        depths, shares = zip(*self.factors, strict=True)
        force = u * u * h / GRAVITY + h * h / 2
        is_open = (h <= self.depth + 1e-6) & (force <= self.force)
        return np.asarray(np.where(is_open, np.interp(h, depths, shares), 0.0))


class Profile(Section):
    """Somebody on the way.

    Parameters
    ----------
    name : mapping
        Name by language.
    speed : float
        On the level [m s-1].
    slope_speed : SlopeSpeed
    stairs_speed : float or None
        Along stairs [m s-1]; None: as on the level (only of use where stairs are not blocked).
    surface_factor, night_factor : float
        Shares of the speed on rough ground and at night.
    limits : Limits
    blocked, avoided : tuple of str
        Kinds of link that cannot be used, or that count as a barrier.
    guided : bool
        Whether metres without tactile paving, or a crossing without sound, count against a route.
    water : WaterLimit
    """

    name: dict[str, str]
    speed: Positive
    slope_speed: SlopeSpeed
    stairs_speed: Positive | None = None
    surface_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    night_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    limits: Limits = Limits()
    blocked: tuple[LinkWish, ...] = ()
    avoided: tuple[LinkWish, ...] = ()
    guided: bool = False
    water: WaterLimit

    @model_validator(mode="after")
    def _is_ordered(self) -> Profile:
        for name in type(self.limits).model_fields:
            limit: Limit = getattr(self.limits, name)
            if limit.soft is None or limit.hard is None:
                continue
            if (limit.hard > limit.soft) if name == "width" else (limit.hard < limit.soft):
                raise ValueError(f"limits.{name}: the hard limit {limit.hard} comes before the soft one {limit.soft}")
        return self

    def title(self, language: str) -> str:
        """Name in a language; in English, or any, where that one is missing."""
        return self.name.get(language) or self.name.get("en") or next(iter(self.name.values()), "")


_TABLE: TypeAdapter[dict[str, Profile]] = TypeAdapter(dict[str, Profile])


def read_profiles(path: Path | None = None) -> Mapping[str, Profile]:
    """The profiles that come with the twin, and those of a file over them.

    Raises
    ------
    ScenarioError
        If the file cannot be read or says something impossible; every finding is named.
    """
    return _own() if path is None else {**_own(), **_read(path)}


@cache
def _own() -> Mapping[str, Profile]:
    return _read(TABLE)


def _read(path: Path) -> dict[str, Profile]:
    try:
        content: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(
            f"cannot be read ({error})", where=str(path), remedy="Give a YAML table of profiles (UTF-8)."
        ) from error
    try:
        return _TABLE.validate_python(content)
    except ValidationError as error:
        raise ScenarioError(
            findings_of(error, content), where=str(path), remedy="sim/access/profiles.yaml is the example."
        ) from error
