"""Groups of people: speed, delay, behaviour (``groups.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

from sim.evacuation.hazard import GROUPS
from sim.evacuation.scenario import Behaviour
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.random import Generator
    from numpy.typing import NDArray

    from sim.evacuation.scenario import EvacuationSection

__all__ = ["MEANS_TO_STAY", "GroupTable", "read_groups"]

MEANS_TO_STAY = np.inf
"""Departure of somebody who leaves only when water comes."""


@dataclass(frozen=True, slots=True, eq=False)
class GroupTable:
    """Speeds and delays by group, behaviour and composition.

    Parameters
    ----------
    speed : ndarray (n_groups, 4)
        Mean, standard deviation, lowest, highest [m/s].
    delay : ndarray (n_groups,)
        More time to leave [s].
    night : mapping
        ``speed`` (share) and ``delay`` [s].
    composition : mapping
        Shares where the population layer does not tell.
    behaviour : Behaviour
    delays : mapping
        Distribution of the time to leave [s] by behaviour.
    """

    speed: NDArray[np.float64]
    delay: NDArray[np.float64]
    night: dict[str, float]
    composition: dict[str, float]
    behaviour: Behaviour
    delays: dict[str, dict[str, Any]]

    def draw_speeds(self, group: NDArray[np.int64], is_night: bool, rng: Generator) -> NDArray[np.float32]:
        """Free walking speed of each person [m/s]."""
        mean, sd, low, high = self.speed[group].T
        drawn = np.clip(rng.normal(mean, sd), low, high)
        return np.asarray(drawn * (self.night["speed"] if is_night else 1.0), dtype=np.float32)

    def draw_departures(
        self, group: NDArray[np.int64], warned: float, share: float, is_night: bool, rng: Generator
    ) -> NDArray[np.float64]:
        """When each person leaves [s]; `MEANS_TO_STAY` for those who wait for the water."""
        n = len(group)
        habit = rng.choice(
            3, size=n, p=[self.behaviour.direct, self.behaviour.after_chores, self.behaviour.when_water_comes]
        )
        habit[rng.random(n) >= share] = 2
        wait = np.zeros(n)
        for code, name in enumerate(("direct", "after_chores")):
            wait[habit == code] = _draw(self.delays[name], int((habit == code).sum()), rng)
        out = warned + wait + self.delay[group] + (self.night["delay"] if is_night else 0.0)
        return np.where(habit == 2, MEANS_TO_STAY, out)

    def draw_direct(self, group: NDArray[np.int64], warned: float, rng: Generator) -> NDArray[np.float64]:
        """When people leave whom somebody sends out [s]."""
        return warned + _draw(self.delays["direct"], len(group), rng) + self.delay[group]

    def draw_groups(self, n: int, rng: Generator) -> NDArray[np.int64]:
        """Groups of `n` persons by the composition."""
        c = self.composition
        supported = c["elderly"] * c["supported_of_elderly"]
        old, grown = c["elderly"] - supported, 1.0 - c["elderly"] - c["child"]
        men, old_men = grown * c["men"], old * c["elderly_men"]
        share = {"man": men, "woman": grown - men, "elderly_man": old_men, "elderly_woman": old - old_men}
        share |= {"child": c["child"], "supported": supported}
        return rng.choice(len(GROUPS), size=n, p=[share[name] for name in GROUPS])


def _draw(delay: dict[str, Any], n: int, rng: Generator) -> NDArray[np.float64]:
    """Times of a distribution given by its mean and standard deviation [s]."""
    mean, sd = float(delay["mean"]), float(delay["sd"])
    if sd == 0.0 or mean == 0.0:
        return np.full(n, mean)
    match delay["distribution"]:
        case "lognormal":
            variance = np.log1p((sd / mean) ** 2)
            return rng.lognormal(np.log(mean) - variance / 2, np.sqrt(variance), n)
        case "gamma":
            return rng.gamma((mean / sd) ** 2, sd**2 / mean, n)
        case "uniform":
            half = np.sqrt(3.0) * sd
            return rng.uniform(max(0.0, mean - half), mean + half, n)
        case other:
            raise ValueError(f"distribution {other!r}; there are lognormal, gamma, uniform")


def read_groups(section: EvacuationSection, path: Path | None) -> GroupTable:
    """The preset or the file that the section names.

    Raises
    ------
    ScenarioError
        If the file is not of the form of ``groups.yaml``.
    """
    where = "groups.yaml" if path is None else str(path)
    try:
        text = (files("sim.evacuation").joinpath("groups.yaml") if path is None else path).read_text(encoding="utf-8")
        table = yaml.safe_load(text)
        groups = table[section.groups] if path is None else next(iter(table.values()))
        behaviour = section.behaviour
        shares = behaviour if isinstance(behaviour, Behaviour) else Behaviour(**table["behaviour"][behaviour])
        found = GroupTable(
            np.array([[float(groups[g][name]) for name in ("mean", "sd", "low", "high")] for g in GROUPS]),
            np.array([float(groups[g]["delay"]) for g in GROUPS]),
            {name: float(table["night"][name]) for name in ("speed", "delay")},
            {name: float(value) for name, value in table["composition"].items() if name != "source"},
            shares,
            {name: dict(table["delay"][name]) for name in ("direct", "after_chores")},
        )
        for delay in found.delays.values():
            _draw(delay, 0, np.random.default_rng(0))
        # what the draws would stumble over later: shares below 0, spreads below 0, a missing name
        found.draw_groups(0, np.random.default_rng(0))
        found.draw_speeds(np.arange(len(GROUPS)), True, np.random.default_rng(0))
    except (
        KeyError,
        TypeError,
        ValueError,
        AttributeError,
        StopIteration,
        UnicodeDecodeError,
        yaml.YAMLError,
    ) as error:
        raise ScenarioError(
            f"is not of the form of groups.yaml ({type(error).__name__}: {error})",
            where=where,
            remedy="Copy sim/evacuation/groups.yaml and change its figures.",
        ) from error
    if np.any(found.speed[:, 2] <= 0) or np.any(found.speed[:, 3] < found.speed[:, 2]):
        raise ScenarioError(
            "has a lowest speed that is not positive or above the highest",
            where=where,
            remedy="Give speeds in m/s with 0 < low <= high.",
        )
    return found
