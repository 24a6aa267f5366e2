"""An evacuation in progress."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import sim.evacuation.kernels as k
from sim.evacuation.fields import STATE_OF_PHASE, STATES
from sim.evacuation.positions.kernels import locate, place_queues, progress
from sim.evacuation.routing.tables import Router
from twin.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from sim.evacuation.doors import Doors
    from sim.evacuation.hazard import Flood
    from sim.evacuation.rooms import Rooms
    from sim.evacuation.shelters import ShelterPlan
    from sim.evacuation.streets import StreetPlan

__all__ = ["WATER_EVERY", "EvacuationModel", "Start"]

WATER_EVERY = 60
"""Interval of new water where the routes are fixed [s]."""
SCATTER = 2.0, 6.0
"""Radius in which the people of a building and of a shelter are drawn [m]."""
ROOM_EVERY = 5
"""Interval at which rooms and streets hand people over [s]."""

AGENT = np.dtype(
    [
        ("rest", np.float64), ("since", np.float64), ("speed", np.float32), ("luck", np.float32),
        ("place", np.int32), ("link", np.int32), ("shelter", np.int32), ("next", np.int32), ("prev", np.int32),
        ("whole", np.float32), ("begin", np.float32), ("slot", np.int16), ("cause", np.uint8), ("route", np.uint8),
    ],
    align=True,
)  # fmt: skip
"""What a move touches, 56 bytes a person; `phase` is apart, for it is looked through all at once."""


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Everybody at the start, one entry a person.

    Parameters
    ----------
    place : ndarray of int32
    group : ndarray of int64
    route : ndarray of uint8
        Row of the route tables.
    speed : ndarray of float32
        Free walking speed [m/s].
    departure : ndarray of float64
        [s], infinite for those who wait for the water.
    luck : ndarray of float32
        In [0, 1).
    goes_up : ndarray of bool
        Refuge is the highest floor of the own building.
    is_in_room : ndarray of bool
        Walks in a crowd room.
    """

    place: NDArray[np.int32]
    group: NDArray[np.int64]
    route: NDArray[np.uint8]
    speed: NDArray[np.float32]
    departure: NDArray[np.float64]
    luck: NDArray[np.float32]
    goes_up: NDArray[np.bool_]
    is_in_room: NDArray[np.bool_]


class EvacuationModel:
    """People in streets, queues, rooms and shelters on one clock; a ``sim.protocol.Model``.

    The streets advance in whole seconds: at time t what happened before ``floor(t)`` has happened.

    Parameters
    ----------
    plan : StreetPlan
    doors : Doors
        One entry a place.
    spots : ndarray (n_places, 3)
        x, y, z of the places.
    shelters : ShelterPlan
    start : Start
    flood : Flood
    origin : tuple of float
        South-west corner of the area [m].
    reroute_every : float or None
        [s]; None: everybody keeps to the first plan.
    unjam_after : float
        [s]
    closures : list of (feature, start, end)
        [s]
    rooms : Rooms or None
    from_floor_area : int
        Persons who were made from floor area; for the summary.
    """

    def __init__(
        self,
        plan: StreetPlan,
        doors: Doors,
        spots: NDArray[np.float64],
        shelters: ShelterPlan,
        start: Start,
        flood: Flood,
        *,
        origin: tuple[float, float] = (0.0, 0.0),
        reroute_every: float | None = 60.0,
        unjam_after: float = 60.0,
        closures: list[tuple[int, float, float]] | None = None,
        rooms: Rooms | None = None,
        from_floor_area: int = 0,
    ) -> None:
        self.clock = Clock()
        self.plan, self.doors, self.shelters, self.start, self.flood = plan, doors, shelters, start, flood
        self.rooms = rooms
        self.spots = spots
        self.from_floor_area = from_floor_area
        self._origin = origin
        self._reroutes = reroute_every is not None
        self._every = WATER_EVERY if reroute_every is None else max(1, round(reroute_every))
        self._unjam = float(unjam_after)
        self._closures = closures or []
        self._spots = _all_spots(spots, shelters)
        self.streets = plan.streets(doors)
        n_links, n_features = len(self.streets.head), len(self.streets.area)
        self.agents = _agents(start)
        self.traffic = _traffic(n_links, n_features, shelters)
        self.ways = k.Ways(
            np.ones((len(flood.classes), n_features), dtype=np.float32),
            np.zeros(n_features, dtype=np.bool_),
            np.full((len(flood.classes), len(self.streets.shelter)), -1, dtype=np.int32),
            np.full((len(flood.classes), len(self.streets.shelter)), np.inf, dtype=np.float32),
        )
        planned = np.where(start.is_in_room, np.inf, start.departure)
        self._order = np.argsort(planned, kind="stable").astype(np.int64)
        self.router = Router(self.streets, float(start.speed.mean(dtype=np.float64)))
        self.tick = 0
        self.reroutes = 0
        self.closed_s = np.full(plan.n_features, np.inf)
        self.flooded_s = np.full(shelters.size, np.inf)
        self._curve: list[list[float]] = []
        self._water = flood.at(0.0, float(self._every))
        self._renew(0)

    def stable_dt(self) -> float:
        """Any step is stable; this one keeps progress and cancelling lively [s]."""
        return 60.0

    def step(self, dt: float) -> None:
        """Advance by `dt` [s]."""
        self.clock.advance(dt)
        until = math.floor(self.clock.time + 1e-6)
        while self.tick < until:
            if self.tick % self._every == 0 and self.tick > 0:
                self._renew(self.tick)
            stop = min(until, (self.tick // self._every + 1) * self._every)
            if self.rooms is not None:
                stop = min(stop, (self.tick // ROOM_EVERY + 1) * ROOM_EVERY)
            self.tick = k.advance(
                self.tick, stop, self._order, self._unjam, self._reroutes, self.agents, self.streets, self.traffic,
                self.ways, self._water,
            )  # fmt: skip
            if self.rooms is not None and self.tick == stop:
                self.rooms.advance(self)
            if self._reroutes and self.traffic.tally[k.FILLED] and self.tick % k.CHECK_FULL_EVERY == 0:
                self._route(self.tick)

    def fields(self) -> dict[str, NDArray[Any]]:
        """Position and state of everybody, persons on each street."""
        xyz = self.positions()
        return {
            "x_agent": (xyz[:, 0] - self._origin[0]).astype(np.float32),
            "y_agent": (xyz[:, 1] - self._origin[1]).astype(np.float32),
            "z_agent": xyz[:, 2].astype(np.float32),
            "state_agent": self.states(),
            "load_link": self.loads().astype(np.float32),
        }

    def gauges(self) -> dict[str, float]:
        """Persons in each state, in queues and in each shelter."""
        out = {name: float(count) for name, count in zip(STATES, self.counts(), strict=True)}
        out["queue"] = float(self.traffic.queued.sum())
        for name, load in zip(self.shelters.names, self.shelter_loads(), strict=True):
            out[f"shelter:{name}"] = float(load)
        return out

    def budget(self) -> dict[str, float]:
        """Head-counts; ``relative_error`` compares the states, the streets' and the shelters' books with the people."""
        counts, phase = self.counts(), self.agents.phase
        n = len(phase)
        on_street = int(np.isin(phase, (k.WALK, k.QUEUE)).sum())
        in_shelter = int((self.agents.shelter >= 0).sum())
        wrong = (
            abs(int(counts.sum()) - n)
            + abs(int(self.traffic.load.sum()) - on_street)
            + abs(int(self.shelter_loads().sum()) - in_shelter)
            + int((self.traffic.free < 0).sum())
        )
        named = {f"{name}_count": float(count) for name, count in zip(STATES, counts, strict=True)}
        return {"people_count": float(n), **named, "relative_error": wrong / n}

    def states(self) -> NDArray[np.uint8]:
        """State of each person."""
        return STATE_OF_PHASE[self.agents.phase]

    def counts(self) -> NDArray[np.int64]:
        """Persons in each state."""
        return np.bincount(self.states(), minlength=len(STATES))

    def shelter_loads(self) -> NDArray[np.int64]:
        """Persons who came into each shelter."""
        return self.shelters.capacity - self.traffic.free

    def loads(self) -> NDArray[np.int64]:
        """Persons on each row of the city's layer, those who cannot go on included."""
        out = np.isin(self.agents.phase, (k.WALK, k.QUEUE, k.HELD, k.ISLAND))
        n = self.plan.n_features
        count = np.bincount(self.streets.feature[self.agents.link[out]], minlength=n)[:n]
        return np.bincount(self.plan.row, weights=count, minlength=len(self.plan.given.links)).astype(np.int64)

    def positions(self) -> NDArray[np.float64]:
        """x, y [m in the area's frame], z [m T.P.] of everybody, (n, 3)."""
        agents, streets = self.agents, self.streets
        link = agents.link
        on_link = (link >= 0) & (agents.shelter < 0)
        feature = streets.feature[np.maximum(link, 0)]
        pace = self.ways.factor[agents.route, feature]
        share = np.zeros(len(link), dtype=np.float32)
        progress(
            float(self.tick), agents.phase == k.WALK, np.where(on_link, link, -1), pace, agents.rest, agents.since,
            agents.whole, agents.begin, share,
        )  # fmt: skip
        active = self.traffic.active[: self.traffic.tally[k.N_ACTIVE]]
        width = self.plan.feature["width"]
        place_queues(active, self.traffic.first, agents.next, width[streets.feature], streets.length, share)
        n_places = len(self._spots) - self.shelters.size
        spot = np.where(agents.shelter >= 0, n_places + agents.shelter, agents.place).astype(np.int32)
        xyz = np.zeros((len(link), 3))
        locate(
            np.where(on_link, 0, 1).astype(np.int32), np.where(on_link, feature, spot).astype(np.int32), share,
            self.plan.link["is_against"][np.maximum(link, 0)], self._spots, self.plan.vertex,
            self.plan.vertex_start, width, xyz,
        )  # fmt: skip
        is_up = np.flatnonzero(agents.shelter == k.TO_UPSTAIRS)
        is_up = is_up[agents.phase[is_up] != k.HOME]
        xyz[is_up, 2] += self.flood.upstairs[agents.place[is_up]]
        if self.rooms is not None:
            self.rooms.locate(self, xyz)
        return xyz

    def curve(self) -> NDArray[np.float64]:
        """Time [s] and persons in each state at every renewal of the routes, (n, 6)."""
        return np.array(self._curve).reshape(-1, 1 + len(STATES))

    def state(self) -> dict[str, NDArray[Any]]:
        """Everything that a restart needs."""
        out = {f"agents_{name}": getattr(self.agents, name).copy() for name in k.Agents._fields}
        out |= {f"traffic_{name}": getattr(self.traffic, name).copy() for name in k.Traffic._fields}
        out |= {f"ways_{name}": getattr(self.ways, name).copy() for name in k.Ways._fields}
        out |= {"closed_s": self.closed_s.copy(), "flooded_s": self.flooded_s.copy(), "curve": self.curve()}
        out["clock"] = np.array([self.clock.time, self.clock.step, self.tick, self.reroutes])
        if self.rooms is not None:
            out |= {f"rooms_{name}": values for name, values in self.rooms.state().items()}
        return out

    def load_state(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Take up a state that :meth:`state` gave."""
        for prefix, part in (("agents", self.agents), ("traffic", self.traffic), ("ways", self.ways)):
            for name in part._fields:
                getattr(part, name)[...] = state[f"{prefix}_{name}"]
        self.closed_s[:], self.flooded_s[:] = state["closed_s"], state["flooded_s"]
        self._curve = state["curve"].tolist()
        time, step, tick, reroutes = state["clock"].tolist()
        self.clock = Clock(time, int(step))
        self.tick, self.reroutes = int(tick), int(reroutes)
        if self.rooms is not None:
            self.rooms.load_state({n.removeprefix("rooms_"): v for n, v in state.items() if n.startswith("rooms_")})
        # the water is no part of the state: it follows from the time of its last renewal
        renewed = 0 if self.tick == 0 else (self.tick - 1) // self._every * self._every
        self._water = self.flood.at(float(renewed), float(self._every))

    def _renew(self, tick: int) -> None:
        """New water, new routes."""
        self._water = self.flood.at(float(tick), float(self._every))
        k.wade(float(tick), tick, self.agents, self.streets, self.traffic, self.ways, self._water)
        self.ways.factor[:] = self._water.factor
        self.ways.is_shut[:] = False
        for feature, start, end in self._closures:
            if start <= tick < end:
                self.ways.is_shut[feature] = True
        closed = self.ways.is_shut | (self.ways.factor <= 0.0).any(axis=0)
        self.closed_s[closed[: self.plan.n_features] & np.isinf(self.closed_s)] = tick
        self.flooded_s[self._water.shelter_wet & np.isinf(self.flooded_s)] = tick
        if self._reroutes or tick == 0:
            self._route(tick)
        if self.rooms is not None:
            self.rooms.renew(self)
        self._curve.append([float(tick), *self.counts().tolist()])

    def _route(self, tick: int) -> None:
        first = self.plan.layer.network.n_nodes
        dry = ~self._water.shelter_wet
        takes = np.flatnonzero((self.traffic.free > 0) & dry) + first
        self.router.route(self.traffic, self.ways, takes)
        self.traffic.tally[k.FILLED] = 0
        self.reroutes += 1
        phase = self.agents.phase
        if np.any((phase == k.ISLAND) | (phase == k.TRAPPED)):
            full = np.flatnonzero((self.traffic.free <= 0) & dry) + first
            leads = self.router.reachable(self.ways, full)
            k.release_islands(float(tick), tick, leads, self.agents, self.streets, self.traffic, self.ways)


def _all_spots(spots: NDArray[np.float64], shelters: ShelterPlan) -> NDArray[np.float64]:
    """x, y, z and scatter of the places, then of the shelters."""
    at_places = np.column_stack([spots, np.full(len(spots), SCATTER[0])])
    z = shelters.ground + shelters.floor
    at_shelters = np.column_stack([shelters.x, shelters.y, z, np.full(shelters.size, SCATTER[1])])
    return np.concatenate([at_places, at_shelters])


def _agents(start: Start) -> k.Agents:
    """Everybody at the start. What a move touches lies in one cache line a person: arrays are views of it."""
    n = len(start.place)
    record = np.zeros(n, dtype=AGENT)
    waits = np.where(start.departure > 0, k.ROOM_WAITING, k.ROOM)
    agents = k.Agents(
        **{name: record[name] for name in AGENT.names or ()},
        phase=np.where(start.is_in_room, waits, k.HOME).astype(np.uint8),
        departure=start.departure.astype(np.float64),
        arrival=np.full(n, np.inf),
    )
    for name in ("route", "speed", "luck", "place"):
        getattr(agents, name)[:] = getattr(start, name)
    for name in ("link", "next", "prev", "slot"):
        getattr(agents, name)[:] = -1
    agents.shelter[:] = np.where(start.goes_up, k.TO_UPSTAIRS, -1)
    return agents


def _traffic(n_links: int, n_features: int, shelters: ShelterPlan) -> k.Traffic:
    return k.Traffic(
        load=np.zeros(n_features, np.int32), peak=np.zeros(n_features, np.int32),
        first=np.full(n_links, -1, np.int32), last=np.full(n_links, -1, np.int32),
        queued=np.zeros(n_links, np.int32), token=np.ones(n_links), token_time=np.zeros(n_links),
        moved=np.zeros(n_links),
        passed=np.zeros(n_links, np.int64), active=np.zeros(n_links, np.int32),
        is_active=np.zeros(n_links, np.bool_), ring_first=np.full(k.RING, -1, np.int32),
        ring_last=np.full(k.RING, -1, np.int32), free=shelters.capacity.astype(np.int64).copy(),
        full_time=np.full(shelters.size, np.inf), tally=np.zeros(k.TALLIES, np.int64),
    )  # fmt: skip
