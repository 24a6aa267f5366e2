"""What water does to people: pace, limits, chance to die (``water.yaml``)."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml

import sim.evacuation.kernels as k
from sim.coupling import Water, no_water, water_at, water_on_links
from twin.errors import ScenarioError

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from sim.evacuation.scenario import Hazard
    from sim.evacuation.shelters import ShelterPlan
    from sim.evacuation.streets import StreetPlan
    from twin.store import Run

__all__ = ["GROUPS", "Flood", "WadingTable", "read_wading", "sample_flood"]

GRAVITY = 9.81
"""[m s-2]"""
GROUPS = ("man", "woman", "elderly_man", "elderly_woman", "child", "supported")
"""Groups of people, by code."""


@dataclass(frozen=True, slots=True, eq=False)
class WadingTable:
    """One preset of ``water.yaml``, by group.

    Parameters
    ----------
    pace : tuple of (depths, factors)
        Share of the dry speed over depth [m].
    depth_limit, force_limit : ndarray (n_groups,)
        [m], [m2]
    loss : mapping
        The life-loss preset.
    home : mapping
        Heights of floors and the depth at which water "comes" [m].
    """

    pace: tuple[tuple[NDArray[np.float64], NDArray[np.float64]], ...]
    depth_limit: NDArray[np.float64]
    force_limit: NDArray[np.float64]
    loss: dict[str, Any]
    home: dict[str, float]

    def wade(self, group: int, depth: ArrayLike, speed: ArrayLike) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
        """Pace and what stops a group: (factor, cause), each of the shape of `depth`.

        Unknown water (NaN) is none; flow without depth has no force.
        """
        given, flow = np.broadcast_arrays(np.asarray(depth, np.float64), np.asarray(speed, np.float64))
        factor, cause = np.ones(given.shape, dtype=np.float32), np.zeros(given.shape, dtype=np.uint8)
        is_wet = given > 0
        h, u = given[is_wet], np.nan_to_num(flow[is_wet])
        why = np.zeros(len(h), dtype=np.uint8)
        # specific force, KAKEN 18510146
        why[u**2 * h / GRAVITY + h**2 / 2 > self.force_limit[group]] = k.CAUSE_FORCE
        why[h > self.depth_limit[group]] = k.CAUSE_DEPTH
        factor[is_wet] = np.where(why > 0, 0.0, np.interp(h, *self.pace[group]))
        cause[is_wet] = why
        return factor, cause

    def mortality(self, depth: ArrayLike, speed: ArrayLike, rise: ArrayLike) -> NDArray[np.float32]:
        """Chance to die of somebody who is caught at `depth` [m], `speed` [m/s], rising by `rise` [m/h]."""
        h = np.maximum(np.nan_to_num(np.asarray(depth, dtype=np.float64)), 0.0)
        if self.loss["kind"] == "depth":
            at, share = np.array(self.loss["table"], dtype=np.float64).T
            return np.asarray(np.interp(h, at, share), dtype=np.float32)
        from scipy.stats import norm

        u, r = np.nan_to_num(np.asarray(speed, dtype=np.float64)), np.asarray(rise, dtype=np.float64)
        breach, rapid, other = self.loss["breach"], self.loss["rapid"], self.loss["other"]
        with np.errstate(divide="ignore"):
            log = np.log(h)
        out = norm.cdf((log - other["mean"]) / other["sd"])
        is_rapid = (r >= rapid["rise"]) & (h >= rapid["depth"])
        out = np.where(is_rapid, norm.cdf((log - rapid["mean"]) / rapid["sd"]), out)
        out = np.where((h * u >= breach["depth_speed"]) & (u >= breach["speed"]), 1.0, out)
        return np.asarray(np.where(h > 0, out, 0.0), dtype=np.float32)


def read_wading(hazard: Hazard, path: Path | None) -> WadingTable:
    """Presets `hazard.speed` and `hazard.life_loss` of ``water.yaml`` or of the file at `path`.

    Raises
    ------
    ScenarioError
        If a preset is not there or the table is not of the form of ``water.yaml``.
    """
    where = "water.yaml" if path is None else str(path)
    try:
        text = (files("sim.evacuation").joinpath("water.yaml") if path is None else path).read_text(encoding="utf-8")
        table = yaml.safe_load(text)
        for name, part in ((hazard.speed, "speed"), (hazard.life_loss, "life_loss")):
            if name not in table[part]:
                raise ScenarioError(
                    f"preset {name!r} does not exist",
                    where=f"evacuation.hazard.{part}",
                    remedy=f"{where} has: {', '.join(table[part])}.",
                )
        curves = [np.array(table["speed"][hazard.speed][group], dtype=np.float64) for group in GROUPS]
        found = WadingTable(
            tuple((curve[:, 0], curve[:, 1]) for curve in curves),
            np.array([float(table["limits"][group]["depth"]) for group in GROUPS]),
            np.array([float(table["limits"][group]["force"]) for group in GROUPS]),
            dict(table["life_loss"][hazard.life_loss]),
            {name: float(table["home"][name]) for name in ("ground_floor", "storey", "water_comes", "overtopping")},
        )
        found.mortality(np.zeros(1), np.zeros(1), np.zeros(1))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(
            f"is not of the form of water.yaml ({type(error).__name__}: {error})",
            where=where,
            remedy="Copy sim/evacuation/water.yaml and change its figures.",
        ) from error
    if any(np.any(np.diff(at) <= 0) or np.any((share < 0) | (share > 1)) for at, share in found.pace):
        raise ScenarioError(
            f"speed.{hazard.speed} has depths that do not increase or shares outside 0 to 1",
            where=where,
            remedy="Give rows [depth in m, share of the dry speed] in ascending depth.",
        )
    return found


@dataclass(frozen=True, slots=True, eq=False)
class Flood:
    """The water of a run, wherever people are.

    Parameters
    ----------
    table : WadingTable
    streets, places, shelters : Water
        On the features of the layer, at the doors, at the shelters.
    join_shelter : ndarray of int64 (n,)
        Shelter that each feature joins to the streets, and whose water it has; these follow the layer's features.
    upstairs : ndarray (n_places,)
        Height of the highest floor above the ground [m].
    floor : ndarray (n_shelters,)
        Height of the shelters' floor above the ground [m].
    classes : tuple of int
        Group that stands for each route class.
    """

    table: WadingTable
    streets: Water
    places: Water
    shelters: Water
    join_shelter: NDArray[np.int64]
    upstairs: NDArray[np.float64]
    floor: NDArray[np.float64]
    classes: tuple[int, ...]

    @property
    def is_dry(self) -> bool:
        """Whether no water comes anywhere."""
        return not any(np.any(water.depth > 0) for water in (self.streets, self.places, self.shelters))

    def at(self, time: float, span: float) -> k.Water:
        """What the water does between `time` and `time` + `span` [s]: as it is in the middle."""
        middle = time + span / 2
        depth, speed = self._on_features(middle)
        earlier, _ = self._on_features(middle - 60.0)
        hour = 60.0
        door_depth, door_speed = self.places.at(middle)
        inside = np.maximum(door_depth - self.upstairs, 0.0)
        before = np.maximum(self.places.at(middle - 60.0)[0] - self.upstairs, 0.0)
        on_floor = np.maximum(np.nan_to_num(self.shelters.at(middle)[0]) - self.floor, 0.0)
        floor_before = np.maximum(np.nan_to_num(self.shelters.at(middle - 60.0)[0]) - self.floor, 0.0)
        on_links = [self.table.wade(group, depth, speed) for group in self.classes]
        at_doors = [self.table.wade(group, door_depth, door_speed) for group in self.classes]
        comes = self.table.home["water_comes"]
        still = np.zeros(1)
        return k.Water(
            factor=np.stack([factor for factor, _ in on_links]),
            link_cause=np.stack([cause for _, cause in on_links]),
            link_loss=self.table.mortality(depth, speed, (depth - earlier) * hour),
            place_cause=np.stack([cause for _, cause in at_doors]),
            place_loss=self.table.mortality(inside, still, (inside - before) * hour),
            place_wet=np.nan_to_num(door_depth) >= comes,
            upstairs_wet=np.nan_to_num(door_depth) > self.upstairs,
            shelter_wet=on_floor > comes,
            shelter_loss=self.table.mortality(on_floor, still, (on_floor - floor_before) * hour),
        )

    def _on_features(self, time: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        depth, speed = self.streets.at(time)
        own_depth, own_speed = self.shelters.at(time)
        return np.r_[depth, own_depth[self.join_shelter]], np.r_[speed, own_speed[self.join_shelter]]


def sample_flood(
    run: Run | None,
    table: WadingTable,
    plan: StreetPlan,
    shelters: ShelterPlan,
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    upstairs: NDArray[np.float64],
    classes: tuple[int, ...],
) -> Flood:
    """The water of a finished flood, or none where `run` is None, on streets, at doors (x, y) and at shelters."""
    if run is None:
        water = no_water(plan.n_features), no_water(len(x)), no_water(shelters.size)
    else:
        water = (
            water_on_links(run, plan.layer),
            water_at(run, x, y),
            water_at(run, shelters.x, shelters.y),
        )
    return Flood(table, *water, plan.joined, upstairs, shelters.floor, classes)
