"""When links are open and how fast one is on them: water, crowds, opening hours, outages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.access.timetable_kernels import Timetable
from twin.network import LinkKind

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from numpy.typing import NDArray

    from sim.access.graph import Graph
    from sim.access.profile import Profile
    from twin.network import Network

__all__ = ["CROWDED", "Conditions", "Windows", "build_timetable", "opening_hours", "weidmann_share"]

DAY = 86400.0
DAYS = 8
"""Days for which opening hours are written out: a week and the one that begins before the start."""
JAM_DENSITY = 5.4
"""Density at which nobody moves [persons m-2] (Weidmann 1993)."""
WEIDMANN_GAMMA = 1.913
"""Shape of the speed-density curve [persons m-2] (Weidmann 1993)."""
LEAST_SHARE = 0.03
"""Speed left in the densest crowd: Weidmann's 0.037 m/s at 5 persons m-2 over 1.34 m/s."""
CROWDED = 0.3
"""Density from which a crowd is counted [persons m-2]: below it Weidmann's curve loses less than a hundredth."""

Windows = list[tuple[float, float]]
"""(opens, closes) [s], ascending and apart."""
ALWAYS: Windows = [(-np.inf, np.inf)]


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """What changes on the links over time, on slices of time: slice ``k`` begins at ``times[k]``.

    Parameters
    ----------
    times : ndarray (T,)
        [s]; the first slice holds before, the last for ever.
    depth, speed : ndarray (T, n_features)
        Water, the worst within the slice [m, m s-1].
    density : ndarray (T, n_features)
        Crowd, the densest within the slice [persons m-2].
    hours : mapping of int to Windows
        Opening hours of the features that have some.
    out : tuple of int
        Features that are out of service.
    power_failure_at : float
        [s]; inf: never.
    """

    times: NDArray[np.float64]
    depth: NDArray[np.float32]
    speed: NDArray[np.float32]
    density: NDArray[np.float32]
    hours: dict[int, Windows]
    out: tuple[int, ...] = ()
    power_failure_at: float = np.inf

    @classmethod
    def calm(cls, n_features: int) -> Conditions:
        """Dry, empty, open."""
        none = np.zeros((1, n_features), dtype=np.float32)
        return cls(np.zeros(1), none, none, none, {})

    @classmethod
    def from_series(
        cls,
        water: tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.float32]],
        crowd: tuple[NDArray[np.float64], NDArray[np.float32]],
        *,
        hours: dict[int, Windows],
        out: Iterable[int] = (),
        power_failure_at: float | None = None,
    ) -> Conditions:
        """From values at instants, linear between: each slice takes the worse of its two ends.

        Parameters
        ----------
        water : tuple
            Times (T1,), depth (T1, n) and speed (T1, n).
        crowd : tuple
            Times (T2,) and density (T2, n).
        hours, out, power_failure_at
            See the class.
        """
        times = np.union1d(water[0], crowd[0])
        depth, speed = (_worst_in_slices(times, water[0], values) for values in water[1:])
        density = _worst_in_slices(times, *crowd)
        end = np.inf if power_failure_at is None else power_failure_at
        return cls(times, depth, speed, density, hours, tuple(out), end)


def _worst_in_slices(
    times: NDArray[np.float64], known: NDArray[np.float64], values: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Largest value within each slice of a series that is linear between `known` times; (T, n)."""
    after = np.clip(np.searchsorted(known, times, side="right"), 1, max(1, len(known) - 1))
    if len(known) == 1:
        return np.repeat(values, len(times), axis=0)
    before = after - 1
    part = np.clip((times - known[before]) / (known[after] - known[before]), 0.0, 1.0)[:, None].astype(np.float32)
    at = values[before] * (1 - part) + values[after] * part
    return np.asarray(np.maximum(at, np.vstack([at[1:], at[-1:]])), dtype=np.float32)


def weidmann_share(density: NDArray[np.float32]) -> NDArray[np.float64]:
    """Share of the free speed in a crowd: 1 - exp(-1.913 (1/density - 1/5.4)) (Weidmann 1993)."""
    crowd = np.maximum(np.asarray(density, dtype=np.float64), 1e-3)
    share = 1.0 - np.exp(-WEIDMANN_GAMMA * (1.0 / crowd - 1.0 / JAM_DENSITY))
    return np.asarray(np.where(crowd < CROWDED, 1.0, np.maximum(share, LEAST_SHARE)))


def opening_hours(network: Network, start: datetime) -> dict[int, Windows]:
    """Hours of every feature that has known ones, written out for a week [s since `start`]."""
    names = ("opens", "closes", "closed_days")
    if any(name not in network.attributes for name in names):
        return {}
    opens, closes, closed_days = (network.attributes[name] for name in names)
    since_midnight = start.hour * 3600.0 + start.minute * 60.0 + start.second
    found: dict[int, Windows] = {}
    for link in np.flatnonzero(opens.known | closes.known | closed_days.known):
        feature = int(network.link_feature[link])
        if feature in found:
            continue
        first, last = float(opens.values[link]), float(closes.values[link])
        last += DAY if last <= first else 0.0
        windows: Windows = []
        for day in range(-1, DAYS):
            if int(closed_days.values[link]) >> ((start.weekday() + day) % 7) & 1:
                continue
            begin = day * DAY - since_midnight
            windows.append((begin + first, begin + last))
        found[feature] = _merge(windows)
    return found


def _merge(windows: Windows) -> Windows:
    """Windows that touch made one."""
    merged: Windows = []
    for opens, closes in sorted(windows):
        # a second between two days is no closing time: some sources end the day at 23:59:59
        if merged and opens <= merged[-1][1] + 1.0:
            merged[-1] = (merged[-1][0], max(merged[-1][1], closes))
        else:
            merged.append((opens, closes))
    return merged


def _both(first: Windows, second: Windows) -> Windows:
    """Where both are open."""
    pairs = [(max(a, c), min(b, d)) for a, b in first for c, d in second]
    return sorted((opens, closes) for opens, closes in pairs if opens < closes)


def build_timetable(
    graph: Graph,
    profile: Profile,
    conditions: Conditions,
    *,
    wait_for_water: bool = False,
    with_water: bool = True,
    with_closures: bool = True,
) -> Timetable:
    """The conditions as a profile meets them.

    Parameters
    ----------
    graph : Graph
    profile : Profile
        Its water limits close links.
    conditions : Conditions
    wait_for_water : bool
        Whether a link opens again when the water has gone; otherwise its first closing is for good.
    with_water, with_closures : bool
        Leave the closing by water, or hours and outages, out: to see what they are in the way of. Goals that close do
        so in any case.
    """
    water = profile.water.factor(conditions.depth, conditions.speed)
    is_shut = (water <= 0) if with_water else np.zeros_like(water, dtype=np.bool_)
    least = min(share for _, share in profile.water.factors)
    share = np.where(water > 0, water, least) * weidmann_share(conditions.density)
    is_elevator = _is_elevator(graph.network, conditions.depth.shape[1])
    is_touched: NDArray[np.bool_] = np.any((conditions.depth > 0) | (conditions.density >= CROWDED), axis=0)
    if with_closures:
        is_touched[[*conditions.hours, *conditions.out]] = True
        if conditions.power_failure_at < np.inf:
            is_touched |= is_elevator
    features = np.flatnonzero(is_touched)
    window, opens, closes = [0], [], []
    for feature in features:
        windows = _water_windows(conditions.times, is_shut[:, feature], wait_for_water=wait_for_water)
        if with_closures:
            windows = _both(windows, conditions.hours.get(int(feature), ALWAYS))
            if is_elevator[feature]:
                windows = _both(windows, [(-np.inf, conditions.power_failure_at)])
            if feature in conditions.out:
                windows = []
        opens += [first for first, _ in windows]
        closes += [last for _, last in windows]
        window.append(len(opens))
    row_of_feature = np.full(conditions.depth.shape[1] + 1, -1, dtype=np.int32)
    row_of_feature[features] = np.arange(len(features))
    row = row_of_feature[graph.feature]
    goals = np.flatnonzero(graph.closes < np.inf)
    row[goals] = len(features) + np.arange(len(goals))
    opens += [-np.inf] * len(goals)
    closes += graph.closes[goals].tolist()
    window += range(window[-1] + 1, window[-1] + 1 + len(goals))
    calm = np.ones((len(goals), len(conditions.times)))
    return Timetable(
        row=row,
        slice_time=conditions.times,
        share=np.vstack([share[:, features].T, calm]),
        depth=np.vstack([conditions.depth[:, features].T.astype(np.float64), 0.0 * calm]),
        window=np.array(window, dtype=np.int64),
        opens=np.array(opens, dtype=np.float64),
        closes=np.array(closes, dtype=np.float64),
    )


def _is_elevator(network: Network, n_features: int) -> NDArray[np.bool_]:
    """Which features are elevators; (n_features,)."""
    found = np.zeros(n_features, dtype=np.bool_)
    if (kind := network.attributes.get("kind")) is not None:
        found[network.link_feature] = kind.known & (np.asarray(kind.values) == LinkKind.ELEVATOR)
    return found


def _water_windows(times: NDArray[np.float64], is_shut: NDArray[np.bool_], *, wait_for_water: bool) -> Windows:
    """When the water leaves a link open."""
    if not is_shut.any():
        return ALWAYS
    ends = [*times[1:], np.inf]
    begins = [-np.inf, *times[1:]]
    open_slices = [(begins[k], ends[k]) for k in range(len(times)) if not is_shut[k]]
    windows: Windows = []
    for begin, end in open_slices:
        if windows and windows[-1][1] == begin:
            windows[-1] = (windows[-1][0], float(end))
        else:
            windows.append((float(begin), float(end)))
    if not wait_for_water:
        windows = windows[:1] if not is_shut[0] else []
    return windows
