"""Everything that a section asks for, computed one question after the other."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from sim.access.graph import build_graph
from sim.access.reach import reached_features
from sim.access.repair import rank_repairs
from sim.access.router import Router
from twin.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from sim.access.appraisal import Conveyances
    from sim.access.graph import Cut, Graph
    from sim.access.place import Place
    from sim.access.profile import Profile
    from sim.access.repair import Repairs
    from sim.access.router import Relief, Route
    from sim.access.scenario import AccessSection, ReachRequest, RouteRequest
    from sim.access.timetable import Conditions
    from twin.layer import NetworkLayer

__all__ = ["AccessModel", "Answer", "Ends", "Question", "Reached"]

WITHIN = 0.01
"""A journey at the last safe departure leaves this much earlier [s]: arrival and closing are then not one instant."""


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """A request for one profile.

    Parameters
    ----------
    request : RouteRequest
    profile : str
    source, target : int
        Nodes of the graph.
    goals : mapping of int to Place
        Nodes at which the journey may end.
    offset : float
        Straight distance of the origin from the network [m].
    """

    request: RouteRequest
    profile: str
    source: int
    target: int
    goals: Mapping[int, Place]
    offset: float


@dataclass(frozen=True, slots=True, eq=False)
class Answer:
    """Routes for one departure.

    Parameters
    ----------
    question : Question
    departure : float
        [s].
    routes : list of Route
        The fastest first.
    reliefs : list of Relief
        Barriers whose removal would help.
    is_last_safe : bool
        Whether it is the last departure that arrives at all.
    """

    question: Question
    departure: float
    routes: list[Route]
    reliefs: list[Relief] = field(default_factory=list)
    is_last_safe: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Reached:
    """Links that a reach request gets to."""

    request: ReachRequest
    profile: str
    feature: NDArray[np.int64]
    time: NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
    """Places of every request, in the section's order.

    Parameters
    ----------
    requests : list of (Place, list of Place)
        Origin and goals.
    reach : list of Place
    """

    requests: list[tuple[Place, list[Place]]]
    reach: list[Place]


class AccessModel:
    """A ``sim.protocol.Model`` whose clock runs from 0 to 1 while it answers.

    Parameters
    ----------
    section : AccessSection
    layer : NetworkLayer
        Rows of its links are the features of every table.
    ends : Ends
    profiles : mapping of str to Profile
        Those that the section names.
    conveyances : Conveyances
    conditions : Conditions
    is_night : bool
    seed : int
        Of the sample of journeys for repairs.
    """

    def __init__(
        self,
        section: AccessSection,
        layer: NetworkLayer,
        ends: Ends,
        profiles: Mapping[str, Profile],
        conveyances: Conveyances,
        conditions: Conditions,
        *,
        is_night: bool,
        seed: int,
    ) -> None:
        self.clock = Clock()
        self.section = section
        self.layer = layer
        self.conditions = conditions
        self.is_night = is_night
        self.seed = seed
        self.answers: list[Answer] = []
        self.reached: list[Reached] = []
        self.repairs: Repairs | None = None
        self.offsets = [place.offset for origin, goals in ends.requests for place in (origin, *goals)]
        self.offsets += [place.offset for place in ends.reach]
        self.graph, sources, goal_nodes, targets, reach_nodes = _lay_graph(layer, ends)
        self.routers = {
            name: Router(
                self.graph,
                profile,
                conveyances,
                conditions,
                is_night=is_night,
                wait_for_water=section.wait_for_water,
                detour=section.detour,
                most_labels=section.labels,
            )
            for name, profile in profiles.items()
        }
        self._tasks: list[Callable[[], None]] = []
        for number, request in enumerate(section.requests):
            goals = dict(zip(goal_nodes[number], ends.requests[number][1], strict=True))
            for name in request.profile:
                question = Question(
                    request, name, sources[number], targets[number], goals, ends.requests[number][0].offset
                )
                self._tasks += [self._answering(question, departure) for departure in request.departures]
                self._tasks.append(self._last_departure(question))
        for number, reach in enumerate(section.reach):
            self._tasks += [self._reaching(reach, name, reach_nodes[number]) for name in reach.profile]
        if section.repairs is not None:
            self._tasks.append(self._repairing)

    def stable_dt(self) -> float:
        """One question."""
        return 1.0 / len(self._tasks)

    def step(self, dt: float) -> None:
        """Answer the questions of `dt`."""
        before = self._done
        self.clock.advance(dt)
        for task in self._tasks[before : self._done]:
            task()

    @property
    def _done(self) -> int:
        """Questions that are answered at the clock's time."""
        return min(len(self._tasks), math.ceil(self.clock.time * len(self._tasks) - 1e-6))

    def fields(self) -> Mapping[str, NDArray[Any]]:
        """None: routes are tables."""
        return {}

    def gauges(self) -> Mapping[str, float]:
        """Answers so far."""
        feasible = sum(answer.routes[0].is_feasible for answer in self.answers)
        return {"answered": float(len(self.answers)), "feasible": float(feasible)}

    def budget(self) -> Mapping[str, float]:
        """Every request has an answer for each of its departures: the share that is missing at the end."""
        asked = sum(len(request.departures) * len(request.profile) for request in self.section.requests)
        given = sum(not answer.is_last_safe for answer in self.answers)
        is_over = self._done == len(self._tasks)
        return {"relative_error": (asked - given) / max(asked, 1) if is_over else 0.0}

    def state(self) -> Mapping[str, NDArray[Any]]:
        """The clock: answers are computed again, and come out the same."""
        return {"clock": np.array([self.clock.time, self.clock.step])}

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that ``state()`` gave."""
        self.clock = Clock(float(state["clock"][0]), int(state["clock"][1]))
        self.answers, self.reached, self.repairs = [], [], None
        for task in self._tasks[: self._done]:
            task()

    def _answering(self, question: Question, departure: float) -> Callable[[], None]:
        def answer() -> None:
            router = self.routers[question.profile]
            routes = router.routes(question.source, question.target, departure)
            reliefs = router.relief(question.source, question.target, departure)
            self.answers.append(Answer(question, departure, routes, reliefs))

        return answer

    def _last_departure(self, question: Question) -> Callable[[], None]:
        def answer() -> None:
            router = self.routers[question.profile]
            last = router.last_departure(question.source, question.target)
            if np.isfinite(last) and last >= 0:
                departure = max(0.0, last - WITHIN)
                routes = router.routes(question.source, question.target, departure)
                self.answers.append(Answer(question, departure, routes[:1], is_last_safe=True))

        return answer

    def _reaching(self, reach: ReachRequest, profile: str, node: int) -> Callable[[], None]:
        def answer() -> None:
            feature, time = reached_features(self.routers[profile], node, reach.departure, reach.budget)
            self.reached.append(Reached(reach, profile, feature, time))

        return answer

    def _repairing(self) -> None:
        asked = self.section.repairs
        assert asked is not None
        self.repairs = rank_repairs(self.routers[asked.profile], asked.pairs, np.random.default_rng(self.seed))


def _closing(nodes: list[int], places: list[Place]) -> dict[int, float]:
    """When each node of some goals closes [s]: with the last of the places that stand at it."""
    closes: dict[int, float] = {}
    for node, place in sorted(zip(nodes, places, strict=True), key=lambda pair: pair[0]):
        closes[node] = max(closes.get(node, -np.inf), place.closes)
    return closes


def _lay_graph(layer: NetworkLayer, ends: Ends) -> tuple[Graph, list[int], list[list[int]], list[int], list[int]]:
    """The graph with every place in it: graph, origins, goals, target of each request, places of the reach requests."""
    cuts: dict[Cut, int] = {}

    def node(place: Place) -> int:
        if place.cut is None:
            return place.node
        return layer.network.n_nodes + cuts.setdefault(place.cut, len(cuts))

    sources = [node(origin) for origin, _ in ends.requests]
    goals = [[node(place) for place in places] for _, places in ends.requests]
    reach = [node(place) for place in ends.reach]
    closing = [_closing(nodes, places) for nodes, (_, places) in zip(goals, ends.requests, strict=True)]
    several = [number for number, closes in enumerate(closing) if len(closes) > 1 or min(closes.values()) < np.inf]
    graph = build_graph(layer, tuple(cuts), [closing[number] for number in several])
    first_goal = layer.network.n_nodes + len(cuts)
    targets = [nodes[0] for nodes in goals]
    for place, number in enumerate(several):
        targets[number] = first_goal + place
    return graph, sources, goals, targets, reach
