"""Ways of one profile over a graph: the good ones, the least bad one, and how far it gets where there is none."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from sim.access.appraisal import BARRIERS, SUMS, appraise, bit
from sim.access.kernels import bucket_arcs
from sim.access.timetable import build_timetable
from sim.access.timetable_kernels import follow_arcs, search_earliest, search_latest, search_pareto

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.access.appraisal import Appraisal, Conveyances
    from sim.access.graph import Graph
    from sim.access.profile import Profile
    from sim.access.timetable import Conditions
    from sim.access.timetable_kernels import Timetable

__all__ = ["SLACK", "Relief", "Route", "Router"]

SLACK = np.array([10.0, 5.0, 5.0, 10.0, 25.0, 0.005, 0.02])
"""What does not matter between two routes: time [s], steep, narrow, unguided, unknown metres, step [m], depth [m]."""
MARGIN = 60.0
"""Time by which a route may always be longer than the fastest [s], whatever the detour."""
GAIN = (30.0, 0.05)
"""A barrier counts as binding where its removal saves this much: [s] and as a share of the time."""


@dataclass(frozen=True, slots=True, eq=False)
class Route:
    """A way through the graph.

    Parameters
    ----------
    arcs : ndarray (n,)
    departure, arrival : float
        [s]; the arrival is NaN where the way does not reach its goal.
    values : ndarray (7,)
        Time [s], steep, narrow, unguided, unknown [m], highest step [m], deepest water [m].
    barriers : ndarray of uint32 (n,)
        Hard limits that each arc exceeds (bits of `BARRIERS`), water and closures included; zero on a feasible route.
    wet : ndarray (n,)
        Deepest water met on each arc [m]; water that shuts an arc is met as it is when one gets there.
    is_feasible : bool
        Whether it keeps every hard limit, passes everything while it is open, and reaches the goal.
    gap : float
        What is left to the goal in a straight line where the network ends before it [m].
    """

    arcs: NDArray[np.int64]
    departure: float
    arrival: float
    values: NDArray[np.float64]
    barriers: NDArray[np.uint32]
    wet: NDArray[np.float64]
    is_feasible: bool
    gap: float = 0.0


@dataclass(frozen=True, slots=True)
class Relief:
    """What the removal of one kind of barrier would bring.

    Parameters
    ----------
    barrier : str
        One of `BARRIERS`.
    arc : int
        The worst arc of that kind on the way that would be open.
    saved : float
        Time that it would save [s]; inf where there is no way now.
    wet : float
        Depth of the water there when one passes [m].
    """

    barrier: str
    arc: int
    saved: float
    wet: float


@dataclass(eq=False)
class Router:
    """Searches for one profile.

    Parameters
    ----------
    graph : Graph
    profile : Profile
    conveyances : Conveyances
    conditions : Conditions
    is_night : bool
    wait_for_water : bool
    detour : float
        Longest way of interest, as a multiple of the fastest one's time.
    most_labels : int
        Room of the search for alternatives.
    """

    graph: Graph
    profile: Profile
    conveyances: Conveyances
    conditions: Conditions
    is_night: bool = False
    wait_for_water: bool = False
    detour: float = 2.5
    most_labels: int = 300_000
    truncated: int = 0
    """Searches for alternatives that ran out of room."""
    _bounds: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    @cached_property
    def appraisal(self) -> Appraisal:
        """What every arc means for the profile."""
        return appraise(self.graph, self.profile, self.conveyances, is_night=self.is_night)

    @cached_property
    def cost(self) -> NDArray[np.float64]:
        """Time of every arc that is not blocked [s]; inf where it is."""
        return np.where(self.appraisal.blocked == 0, self.appraisal.time, np.inf)

    @cached_property
    def table(self) -> Timetable:
        """When arcs are open."""
        return build_timetable(self.graph, self.profile, self.conditions, wait_for_water=self.wait_for_water)

    @cached_property
    def _backward(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        start, arcs = bucket_arcs(self.graph.head, self.graph.n_nodes)
        return start, self.graph.tail[arcs], arcs

    def arrivals(self, source: int, departure: float) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Earliest arrival at every node [s] and the arc that leads there."""
        return self._earliest(self.cost, self.table, source, -1, departure)

    def last_departure(self, source: int, target: int) -> float:
        """Last time at which one can set out and still arrive [s]; inf: always, -inf: never."""
        latest = np.empty(self.graph.n_nodes)
        search_latest(*self._backward, self.cost, self.table, target, np.inf, latest)
        return float(latest[source])

    def routes(self, source: int, target: int, departure: float) -> list[Route]:
        """Every way that no other one beats; where there is none the least bad one, never nothing.

        The fastest comes first.
        """
        arrival, via = self._earliest(self.cost, self.table, source, target, departure)
        if not np.isfinite(arrival[target]):
            return [self._least_bad(source, target, departure)]
        bound = self._bound(target)
        fastest = float(arrival[target] - departure)
        latest = departure + max(self.detour * fastest, fastest + MARGIN)
        appraisal, limit = self.appraisal, self.profile.limits.step
        # who minds no steps gains nothing by a way with lower ones
        minds_steps = limit.soft is not None or limit.hard is not None
        values, arcs, arc_start, is_complete = search_pareto(
            self.graph.start,
            self.graph.head,
            self.cost,
            self.table,
            appraisal.sums,
            appraisal.step * minds_steps,
            source,
            target,
            departure,
            bound,
            SLACK,
            latest,
            self.most_labels,
        )
        self.truncated += not is_complete
        found = [arcs[arc_start[k] : arc_start[k + 1]] for k in range(len(values))]
        if not found:  # the room was used up before the first one
            way = self._trace(via, target)
            return [replace(self._plain(way, departure, float(arrival[target])), is_feasible=True)]
        return [self._route(way, departure, row) for way, row in zip(found, values, strict=True)]

    def relief(self, source: int, target: int, departure: float) -> list[Relief]:
        """Kinds of barrier whose removal alone would help, the most helpful first.

        Each kind is lifted on its own: arcs that only it blocks open, and the earliest arrival is computed again.
        """
        now, _ = self._earliest(self.cost, self.table, source, target, departure)
        reference = float(now[target] - departure)
        found = []
        present = np.bitwise_or.reduce(self.appraisal.blocked, initial=np.uint32(0))
        for barrier in BARRIERS:
            table = self._table_without(barrier)
            if not present & bit(barrier) and table is self.table:
                continue
            cost = np.where(self.appraisal.blocked & ~bit(barrier) == 0, self.appraisal.time, np.inf)
            arrival, via = self._earliest(cost, table, source, target, departure)
            saved = reference - float(arrival[target] - departure)
            if not np.isfinite(arrival[target]) or (saved < GAIN[0] or saved < GAIN[1] * reference < np.inf):
                continue
            way = self._trace(via, target)
            wet = follow_arcs(way, self.appraisal.time, self.table, departure)
            lifted = np.flatnonzero(self._barriers(way, departure) & bit(barrier))
            if len(lifted):
                worst = self._worst(barrier, way[lifted], wet[lifted])
                found.append(Relief(barrier, int(way[lifted[worst]]), saved, float(wet[lifted[worst]])))
        return sorted(found, key=lambda relief: -relief.saved)

    def _worst(self, barrier: str, arcs: NDArray[np.int64], wet: NDArray[np.float64]) -> int:
        """Which of some arcs has most of a barrier."""
        if barrier == "water":
            return int(np.argmax(wet))
        measure = self.appraisal.measures.get(barrier)
        if measure is None:
            return 0
        return int(np.argmin(measure.most[arcs]) if barrier == "width" else np.argmax(measure.least[arcs]))

    def _table_without(self, barrier: str) -> Timetable:
        if barrier not in ("water", "closed"):
            return self.table
        if barrier == "water":
            if not (self.conditions.depth > 0).any():
                return self.table
            return build_timetable(
                self.graph, self.profile, self.conditions, wait_for_water=self.wait_for_water, with_water=False
            )
        c = self.conditions
        if not (c.hours or c.out or c.power_failure_at < np.inf):
            return self.table
        return build_timetable(self.graph, self.profile, c, wait_for_water=self.wait_for_water, with_closures=False)

    def _least_bad(self, source: int, target: int, departure: float) -> Route:
        """The way with the fewest blocked arcs, then the shortest in time; or as far as the network goes."""
        everywhere = np.arange(self.graph.n_arcs)
        is_blocked = self._barriers(everywhere, departure) != 0
        total = float(self.appraisal.time[np.isfinite(self.appraisal.time)].sum()) + 1.0
        engine = self.graph.engine
        engine.customize(self.appraisal.time + total * is_blocked)
        path = engine.one_to_one(source, target)
        if np.isfinite(path.cost):
            return self._plain(path.arcs, departure, departure + float(self.appraisal.time[path.arcs].sum()))
        tree = engine.one_to_all(source)
        reached = np.flatnonzero(np.isfinite(tree.distance) & np.isfinite(self.graph.node_xyz[:, 0]))
        goal = self._goal_points(target)
        away = np.linalg.norm(self.graph.node_xyz[reached, None, :2] - goal[None, :, :2], axis=2).min(axis=1)
        end = int(reached[np.argmin(away)])
        return self._plain(engine.trace(tree, end), departure, np.nan, float(away.min()))

    def _goal_points(self, target: int) -> NDArray[np.float64]:
        """Positions of a goal: its own, or those of the nodes that lead to it."""
        xyz = self.graph.node_xyz
        if np.isfinite(xyz[target, 0]):
            return xyz[[target]]
        return np.asarray(xyz[self.graph.tail[(self.graph.head == target) & (self.graph.link < 0)]])

    def _plain(self, arcs: NDArray[np.int64], departure: float, arrival: float, gap: float = 0.0) -> Route:
        """A route whose criteria are counted along its arcs."""
        appraisal = self.appraisal
        wet = follow_arcs(arcs, appraisal.time, self.table, departure)
        time = float(appraisal.time[arcs].sum() if np.isnan(arrival) else arrival - departure)
        step = appraisal.step[arcs].max(initial=0.0)
        values = np.array([time, *appraisal.sums[arcs].sum(axis=0), step, wet.max(initial=0.0)])
        barriers = self._barriers(arcs, departure, time)
        return Route(arcs, departure, arrival, values, barriers, wet, is_feasible=False, gap=gap)

    def _route(self, arcs: NDArray[np.int64], departure: float, values: NDArray[np.float64]) -> Route:
        spent = np.array([values[0] - departure, *values[1:]])
        spent[1 + len(SUMS)] = self.appraisal.step[arcs].max(initial=0.0)
        wet = follow_arcs(arcs, self.cost, self.table, departure)
        none = np.zeros(len(arcs), dtype=np.uint32)
        return Route(arcs, departure, float(values[0]), spent, none, wet, is_feasible=True)

    def _barriers(self, arcs: NDArray[np.int64], departure: float, span: float = 0.0) -> NDArray[np.uint32]:
        """Hard limits that arcs exceed: water that comes at any time after the departure, closures within `span`."""
        found = self.appraisal.blocked[arcs].copy()
        row = self.table.row[arcs]
        slices = self.conditions.times
        first = max(0, int(np.searchsorted(slices, departure, side="right")) - 1)
        water = self.profile.water.factor(self.conditions.depth[first:], self.conditions.speed[first:])
        feature = self.graph.feature[arcs]
        is_wet = (feature >= 0) & np.any(water <= 0, axis=0)[feature]
        found[is_wet] |= bit("water")
        for place in np.flatnonzero((row >= 0) & ~is_wet):
            windows = slice(self.table.window[row[place]], self.table.window[row[place] + 1])
            opens, closes = self.table.opens[windows], self.table.closes[windows]
            if not np.any((opens <= departure) & (departure + span < closes)):
                found[place] |= bit("closed")
        return found

    def _bound(self, target: int) -> NDArray[np.float64]:
        """Least time and least sums from every node to the target, whatever the conditions; (n_nodes, 5)."""
        if target not in self._bounds:
            engine = self.graph.engine
            is_open = np.isfinite(self.cost)
            columns = []
            for cost in (self.cost, *self.appraisal.sums.T):
                engine.customize(np.where(is_open, cost, np.inf))
                columns.append(engine.all_to_one(target).distance)
            self._bounds[target] = np.column_stack(columns)
        return self._bounds[target]

    def _earliest(
        self, cost: NDArray[np.float64], table: Timetable, source: int, target: int, departure: float
    ) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        arrival, via = np.empty(self.graph.n_nodes), np.empty(self.graph.n_nodes, np.int64)
        search_earliest(self.graph.start, self.graph.head, cost, table, source, departure, target, arrival, via)
        return arrival, via

    def _trace(self, via: NDArray[np.int64], target: int) -> NDArray[np.int64]:
        arcs = []
        node = target
        while (arc := int(via[node])) >= 0:
            arcs.append(arc)
            node = int(self.graph.tail[arc])
        return np.array(arcs[::-1], dtype=np.int64)


assert len(SLACK) == 3 + len(SUMS)
