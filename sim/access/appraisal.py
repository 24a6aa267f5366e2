"""What every link means for a profile: good, bad or unknown in each respect, and what it costs.

A respect is known good where the whole interval of what may be true keeps the limit, known bad where the whole interval
exceeds it, and unknown otherwise.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import yaml
from pydantic import ValidationError

from layers.pedestrian import ATTRIBUTES, Audible, Door, Elevator, Restriction, Surface, Wheelchair
from sim.findings import findings_of
from twin.errors import ScenarioError
from twin.network import LinkKind
from twin.scenario import NotNegative, Positive, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.access.graph import Graph
    from sim.access.profile import Profile
    from twin.network import Network

__all__ = ["BARRIERS", "SUMS", "Appraisal", "Conveyances", "appraise", "read_conveyances"]

BARRIERS = (
    "slope_up",
    "slope_down",
    "crossfall",
    "step",
    "width",
    "stairs",
    "escalator",
    "moving_walkway",
    "rail_crossing",
    "elevator",
    "unfit",
    "rough",
    "private",
    "revolving_door",
    "closed",
    "water",
)
"""Everything that can be in the way; the bit of each in the masks of an `Appraisal` is its place here."""

SUMS = ("steep_m", "narrow_m", "unguided_m", "unknown_m")
"""Criteria that add up along a route, after the time."""

TOLERANCE = 1e-6
"""Slack of a comparison with a limit: attributes are in single precision."""
OPEN_STEP = 0.01
"""A step of a class without an upper end ("over 2 cm") counts as this much more than its lower end [m]."""
TABLE = Path(__file__).with_name("conveyances.yaml")


class Conveyances(Section):
    """How fast machines carry people (``conveyances.yaml``).

    Parameters
    ----------
    escalator_speed, moving_walkway_speed : float
        [m s-1].
    elevator_wait : float
        [s] a ride.
    elevator_floor : float
        [s] a floor.
    """

    escalator_speed: Positive
    moving_walkway_speed: Positive
    elevator_wait: NotNegative
    elevator_floor: NotNegative


def read_conveyances(path: Path | None = None) -> Conveyances:
    """The table that comes with the twin, or one of the user's.

    Raises
    ------
    ScenarioError
        If it cannot be read or says something impossible.
    """
    source = path or TABLE
    try:
        content = yaml.safe_load(source.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ScenarioError(f"cannot be read ({error})", where=str(source), remedy="Give a YAML table.") from error
    try:
        return Conveyances.model_validate(content)
    except ValidationError as error:
        raise ScenarioError(
            findings_of(error, content), where=str(source), remedy="sim/access/conveyances.yaml is the example."
        ) from error


class Interval(NamedTuple):
    """What may be true of every arc: least and most, each (n_arcs,); NaN where it does not apply."""

    least: NDArray[np.float64]
    most: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Appraisal:
    """A graph as a profile sees it.

    Parameters
    ----------
    time : ndarray (n_arcs,)
        [s], dry and alone.
    sums : ndarray (n_arcs, 4)
        `SUMS` [m].
    step : ndarray (n_arcs,)
        The highest step that there may be [m]; of a class without an upper end a little more than its lower one, and
        0 where nothing is known.
    blocked, exceeded, unknown : ndarray of uint32 (n_arcs,)
        Bits of `BARRIERS`: beyond the hard limit, beyond the soft one, not known whether beyond either.
    measures : mapping of str to Interval
        What was compared with the limits, for the barriers that are measured.
    unsurveyed : tuple of str
        Barriers that matter to the profile and about which the network says nothing anywhere: they are not in
        `unknown`, for no route could avoid them.
    """

    time: NDArray[np.float64]
    sums: NDArray[np.float64]
    step: NDArray[np.float64]
    blocked: NDArray[np.uint32]
    exceeded: NDArray[np.uint32]
    unknown: NDArray[np.uint32]
    measures: dict[str, Interval]
    unsurveyed: tuple[str, ...]


def bit(barrier: str) -> np.uint32:
    """Bit of a barrier in a mask."""
    return np.uint32(1 << BARRIERS.index(barrier))


class _Links:
    """Attributes of a network's links on the arcs of a graph, neutral and unknown where the network has none."""

    def __init__(self, graph: Graph) -> None:
        self._network: Network = graph.network
        self._link = graph.link
        self.is_link = graph.link >= 0

    def values(self, name: str) -> NDArray[np.float64]:
        attribute = self._network.attributes.get(name)
        out = np.full(len(self._link), float(ATTRIBUTES[name].unknown))
        if attribute is not None:
            there = self.is_link.copy()
            there[self.is_link] = attribute.known[self._link[self.is_link]]
            out[there] = np.asarray(attribute.values, dtype=np.float64)[self._link[there]]
        return out

    def known(self, name: str) -> NDArray[np.bool_]:
        attribute = self._network.attributes.get(name)
        out = np.zeros(len(self._link), dtype=np.bool_)
        if attribute is not None:
            out[self.is_link] = attribute.known[self._link[self.is_link]]
        return out


def appraise(graph: Graph, profile: Profile, conveyances: Conveyances, *, is_night: bool = False) -> Appraisal:
    """Judge every arc for a profile."""
    links = _Links(graph)
    kind = links.values("kind").astype(np.int64)
    kind[~links.is_link] = LinkKind.OTHER
    measures, gradient = _measure(links, kind)
    judge = _Judge(graph.n_arcs, links.is_link)
    for name, interval in measures.items():
        limit = getattr(profile.limits, name)
        judge.compare(name, interval, limit.soft, limit.hard, is_lower=name == "width")
    for name, (is_bad, is_known) in _wishes(links, kind).items():
        judge.ask(name, is_bad, is_known, is_blocked=name in profile.blocked, is_avoided=name in profile.avoided)
    least, most = measures["step"]
    step = np.where(np.isfinite(most), most, np.where(least > 0, least + OPEN_STEP, 0.0))
    steep = judge.exceeded & (bit("slope_up") | bit("slope_down") | bit("crossfall")) != 0
    narrow = judge.exceeded & bit("width") != 0
    flags = [steep, narrow, _is_unguided(links, kind) & profile.guided, judge.unknown != 0]
    return Appraisal(
        time=_times(graph, links, kind, gradient, profile, conveyances, is_night=is_night),
        sums=np.column_stack([np.where(flag, graph.length, 0.0) for flag in flags]),
        step=np.nan_to_num(step),
        blocked=judge.blocked,
        exceeded=judge.exceeded,
        unknown=judge.unknown,
        measures=measures,
        unsurveyed=tuple(judge.unsurveyed),
    )


class _Judge:
    """Collects the masks of an appraisal, one respect after the other."""

    def __init__(self, n_arcs: int, is_link: NDArray[np.bool_]) -> None:
        self.blocked = np.zeros(n_arcs, dtype=np.uint32)
        self.exceeded = np.zeros(n_arcs, dtype=np.uint32)
        self.unknown = np.zeros(n_arcs, dtype=np.uint32)
        self.unsurveyed: list[str] = []
        self._is_link = is_link

    def compare(self, name: str, interval: Interval, soft: float | None, hard: float | None, *, is_lower: bool) -> None:
        applies = self._is_link & ~np.isnan(interval.least)
        is_unknown = np.zeros(len(applies), dtype=np.bool_)
        for limit, mask in ((soft, self.exceeded), (hard, self.blocked)):
            if limit is None:
                continue
            if is_lower:
                is_good, is_bad = interval.least >= limit - TOLERANCE, interval.most <= limit + TOLERANCE
            else:
                is_good, is_bad = interval.most <= limit + TOLERANCE, interval.least >= limit - TOLERANCE
            is_bad &= ~is_good & applies
            mask[is_bad] |= bit(name)
            is_unknown |= ~is_good & ~is_bad & applies
        self._note_unknown(name, is_unknown, applies)

    def ask(
        self, name: str, is_bad: NDArray[np.bool_], is_known: NDArray[np.bool_], *, is_blocked: bool, is_avoided: bool
    ) -> None:
        if is_blocked:
            self.blocked[is_bad & is_known & self._is_link] |= bit(name)
        if is_blocked or is_avoided:
            self.exceeded[is_bad & is_known & self._is_link] |= bit(name)
            self._note_unknown(name, ~is_known & self._is_link, self._is_link)

    def _note_unknown(self, name: str, is_unknown: NDArray[np.bool_], applies: NDArray[np.bool_]) -> None:
        if applies.any() and is_unknown[applies].all():
            self.unsurveyed.append(name)
        else:
            self.unknown[is_unknown] |= bit(name)


def _measure(links: _Links, kind: NDArray[np.int64]) -> tuple[dict[str, Interval], NDArray[np.float64]]:
    """What is compared with limits, and the gradient that the speed goes by."""
    is_flat_kind = ~np.isin(kind, (LinkKind.STAIRS, LinkKind.ESCALATOR, LinkKind.ELEVATOR)) & links.is_link
    least, most = links.values("slope_least"), links.values("slope_most")
    measured, is_measured = links.values("slope"), links.known("slope")
    # a measured gradient outside its class is an average over the link: the class says more about its worst place
    fits = is_measured & (measured >= least - TOLERANCE) & (measured <= most + TOLERANCE)
    gradient = np.where(fits, measured, np.clip(np.where(is_measured, measured, 0.0), least, most))
    rise = Interval(np.maximum(np.where(fits, measured, least), 0), np.maximum(np.where(fits, measured, most), 0))
    fall = Interval(np.maximum(-np.where(fits, measured, most), 0), np.maximum(-np.where(fits, measured, least), 0))
    # where no survey bounds the gradient the terrain's steepest 10 m count, not the link's average
    is_free = ~links.known("slope_least") & links.known("climb") & links.known("descent")
    climb, descent = links.values("climb"), -links.values("descent")
    rise = Interval(np.where(is_free, climb, rise.least), np.where(is_free, climb, rise.most))
    fall = Interval(np.where(is_free, descent, fall.least), np.where(is_free, descent, fall.most))
    is_elevator = kind == LinkKind.ELEVATOR
    across, is_across = np.abs(links.values("crossfall")), links.known("crossfall")
    door = links.values("door_width")
    measures = {
        "slope_up": rise,
        "slope_down": fall,
        "crossfall": Interval(np.where(is_across, across, 0.0), np.where(is_across, across, np.inf)),
        "step": Interval(links.values("step_least"), links.values("step_most")),
    }
    measures = {
        name: Interval(np.where(is_flat_kind, m.least, np.nan), np.where(is_flat_kind, m.most, np.nan))
        for name, m in measures.items()
    }
    measures["width"] = Interval(
        np.where(is_elevator, np.where(links.known("door_width"), door, 0.0), links.values("width")),
        np.where(is_elevator, np.where(links.known("door_width"), door, np.inf), links.values("width_most")),
    )
    return measures, gradient


def _wishes(links: _Links, kind: NDArray[np.int64]) -> dict[str, tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """For every wish: where it is not met, and where that is known."""
    is_known = links.known("kind")
    fit = links.values("elevator").astype(np.int64)
    is_elevator = kind == LinkKind.ELEVATOR
    found = {
        name: (kind == code, is_known)
        for name, code in (
            ("stairs", LinkKind.STAIRS),
            ("escalator", LinkKind.ESCALATOR),
            ("moving_walkway", LinkKind.MOVING_WALKWAY),
            ("rail_crossing", LinkKind.RAIL_CROSSING),
        )
    }
    unfit = is_elevator & ~np.isin(fit, (Elevator.WHEELCHAIR, Elevator.BOTH))
    found["elevator"] = (unfit, ~is_elevator | links.known("elevator"))
    # only a "no" of the source as a whole counts: what it does not say, the single respects say
    found["unfit"] = (links.values("wheelchair") == Wheelchair.NO, np.ones(len(kind), dtype=np.bool_))
    found["rough"] = (links.values("surface") == Surface.HARD, links.known("surface"))
    found["private"] = (links.values("restriction") == Restriction.PRIVATE, links.known("restriction"))
    found["revolving_door"] = (links.values("door") == Door.REVOLVING, links.known("door"))
    return found


def _is_unguided(links: _Links, kind: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Links without tactile paving, and crossings without sound; an unknown one guides nobody."""
    has_paving = links.values("tactile") == 1
    is_silent = ~np.isin(links.values("audible"), (Audible.ALWAYS, Audible.PUSH_BUTTON, Audible.OTHER))
    is_unguided: NDArray[np.bool_] = (
        links.is_link & (~has_paving | ((kind == LinkKind.CROSSING) & is_silent)) & (kind != LinkKind.ELEVATOR)
    )
    return is_unguided


def _times(
    graph: Graph,
    links: _Links,
    kind: NDArray[np.int64],
    gradient: NDArray[np.float64],
    profile: Profile,
    conveyances: Conveyances,
    *,
    is_night: bool,
) -> NDArray[np.float64]:
    """Time on every arc, dry and alone [s]."""
    own = profile.night_factor if is_night else 1.0
    speed = profile.speed * profile.slope_speed.factor(gradient)
    speed = np.where(links.values("surface") == Surface.HARD, speed * profile.surface_factor, speed)
    speed = np.where(kind == LinkKind.STAIRS, profile.stairs_speed or profile.speed, speed) * own
    speed = np.where(kind == LinkKind.ESCALATOR, conveyances.escalator_speed, speed)
    speed = np.where(kind == LinkKind.MOVING_WALKWAY, np.maximum(conveyances.moving_walkway_speed, speed), speed)
    time = np.where(kind == LinkKind.ELEVATOR, conveyances.elevator_floor * _floors(graph), graph.length / speed)
    return np.where(graph.is_boarding, conveyances.elevator_wait, time)


def _floors(graph: Graph) -> NDArray[np.float64]:
    """Floors that every arc spans, 1 where the heights do not say; (n_arcs,)."""
    rise: Any = np.abs(graph.node_xyz[graph.head, 2] - graph.node_xyz[graph.tail, 2])
    return np.where(np.isfinite(rise), np.maximum(np.round(rise / STOREY), 1.0), 1.0)


STOREY = 5.0
"""Height of a storey for counting an elevator's floors [m]; decks and basements stand about that far (layers.slope)."""
