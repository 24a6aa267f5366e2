"""Kernels of the spatial queue: people walk along links, queue at their ends, and wade where there is water.

A person on a link is in one of two lists. While walking: in the bucket of the second in which the end of the link will
be reached (a ring of `RING` buckets), so that fast walkers overtake slow ones and a second costs what happens in it,
not the number of links. At the end: in the link's queue, first come, first served, which is let out at the link's flow
capacity into links that have room. Both are doubly linked lists through ``Agents.next`` and ``Agents.prev``.

Water changes the pace of everybody on a link at once: ``rest`` is the walk that is left [s at full pace], as of
``since``; with a factor f it takes rest / f. Everything is sequential: the result cannot depend on threads.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "CAUSE_DEPTH",
    "CAUSE_FORCE",
    "CAUSE_FULL",
    "CAUSE_ISLAND",
    "CAUSE_NONE",
    "CHECK_FULL_EVERY",
    "DEAD",
    "FILLED",
    "FLOODED_IN",
    "HELD",
    "HOME",
    "ISLAND",
    "N_ACTIVE",
    "POINTER",
    "QUEUE",
    "RING",
    "ROOM",
    "ROOM_HELD",
    "ROOM_WAITING",
    "SHELTER",
    "SQUEEZED",
    "STEP_DENSITY",
    "TALLIES",
    "TO_UPSTAIRS",
    "TRAPPED",
    "TURNED_AWAY",
    "UPSTAIRS",
    "WALK",
    "Agents",
    "Streets",
    "Traffic",
    "Water",
    "Ways",
    "advance",
    "come_out",
    "release_islands",
    "wade",
]

(
    HOME, WALK, QUEUE, HELD, ISLAND, SHELTER, UPSTAIRS, TRAPPED, DEAD, ROOM, FLOODED_IN, ROOM_WAITING, ROOM_HELD
) = range(13)  # fmt: skip
"""Phases: not set out; walking along a link; queueing at its end; caught by water on it; at its end without a way on;
in a shelter; upstairs at home; unable to leave home; dead; in a crowd room; in a shelter that water entered; in a crowd
room, not set out; in a crowd room without a way out."""

CAUSE_NONE, CAUSE_DEPTH, CAUSE_FORCE, CAUSE_ISLAND, CAUSE_FULL = range(5)
"""Why somebody is stranded: too deep, too much force, no way to a shelter, none has room."""

RING = 4096
"""Buckets of the ring [s]; a longer walk is put into the last bucket and then again."""

STEP_DENSITY = 0.01
"""Step of the table of walking speeds over density [persons/m2]."""

RETRY = 5.0
"""A person who finds the street full at the door tries again after this time [s]."""

CHECK_FULL_EVERY = 10
"""Seconds at whose multiples people before a full shelter are told where else to go."""

TO_UPSTAIRS = -2
"""``Agents.shelter`` of somebody whose refuge is the highest floor of the own building."""

N_ACTIVE, POINTER, SQUEEZED, FILLED, TURNED_AWAY, TALLIES = range(6)
"""Entries of ``Traffic.tally``: links with a queue; next planned departure; persons let through a full link to resolve
a gridlock; shelters that filled since the routes were made; arrivals at full shelters; length of the array."""


class Agents(NamedTuple):
    """One entry a person."""

    phase: NDArray[np.uint8]
    cause: NDArray[np.uint8]
    route: NDArray[np.uint8]
    """Row of the route tables and limits."""
    speed: NDArray[np.float32]
    """Free walking speed [m/s]."""
    luck: NDArray[np.float32]
    """Dies where the chance to die exceeds it; uniform in [0, 1)."""
    place: NDArray[np.int32]
    link: NDArray[np.int32]
    shelter: NDArray[np.int32]
    next: NDArray[np.int32]
    prev: NDArray[np.int32]
    slot: NDArray[np.int16]
    """Bucket of the ring that holds the person, -1 for none."""
    whole: NDArray[np.float32]
    """Walk on this link at full pace [s]."""
    begin: NDArray[np.float32]
    """Share of the link that lay behind at its start."""
    rest: NDArray[np.float64]
    since: NDArray[np.float64]
    departure: NDArray[np.float64]
    arrival: NDArray[np.float64]


class Streets(NamedTuple):
    """The graph: directed links, features (both directions of a street share one), nodes."""

    tail: NDArray[np.int32]
    head: NDArray[np.int32]
    feature: NDArray[np.int32]
    length: NDArray[np.float64]
    flow: NDArray[np.float64]
    """Capacity of the link's end [persons/s]."""
    pace: NDArray[np.float32]
    """Share of the free speed (stairs)."""
    area: NDArray[np.float64]
    storage: NDArray[np.int32]
    """Persons that a feature holds at most."""
    shelter: NDArray[np.int32]
    """Shelter at a node, -1 for none."""
    door: NDArray[np.int32]
    """(n_places, 2): link that runs with the geometry of the nearest feature and the one against it, -1 for none."""
    fraction: NDArray[np.float32]
    """Where on that feature the door is, 0 to 1 with its geometry."""
    path: NDArray[np.float32]
    """Way from the door to the street [m]."""
    density: NDArray[np.float32]
    """Walking speed over free speed by density, in steps of `STEP_DENSITY`."""


class Traffic(NamedTuple):
    """What changes every second."""

    load: NDArray[np.int32]
    """Persons who walk or queue on a feature."""
    peak: NDArray[np.int32]
    first: NDArray[np.int32]
    last: NDArray[np.int32]
    queued: NDArray[np.int32]
    token: NDArray[np.float64]
    token_time: NDArray[np.float64]
    moved: NDArray[np.float64]
    """Since when the first of a queue is the first [s]."""
    passed: NDArray[np.int64]
    """Persons who walked to the end of a link and left it."""
    active: NDArray[np.int32]
    is_active: NDArray[np.bool_]
    ring_first: NDArray[np.int32]
    ring_last: NDArray[np.int32]
    free: NDArray[np.int64]
    """Places left in a shelter."""
    full_time: NDArray[np.float64]
    tally: NDArray[np.int64]


class Ways(NamedTuple):
    """Where to go, for each route class."""

    factor: NDArray[np.float32]
    """(n_classes, n_features): share of the dry pace, 0 where nobody of the class can walk."""
    is_shut: NDArray[np.bool_]
    """(n_features,): nobody may enter at its ends; who lives there leaves."""
    next: NDArray[np.int32]
    """(n_classes, n_nodes): link to take, -1 where there is no way on."""
    cost: NDArray[np.float32]
    """(n_classes, n_nodes): time to the nearest shelter with room [s at the reference speed]."""


class Water(NamedTuple):
    """What the water does now."""

    factor: NDArray[np.float32]
    """(n_classes, n_features): the pace from now on."""
    link_cause: NDArray[np.uint8]
    """(n_classes, n_features): why the factor is 0."""
    link_loss: NDArray[np.float32]
    """(n_features,): chance to die for somebody who is caught there."""
    place_cause: NDArray[np.uint8]
    """(n_classes, n_places): why nobody can leave the door, 0 where one can."""
    place_loss: NDArray[np.float32]
    place_wet: NDArray[np.bool_]
    """(n_places,): water is at the door: those who waited for it set out."""
    upstairs_wet: NDArray[np.bool_]
    """(n_places,): water is above the highest floor."""
    shelter_wet: NDArray[np.bool_]
    """(n_shelters,): water is above the floor that people use."""
    shelter_loss: NDArray[np.float32]


KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""How every kernel is compiled. Without ``_nrt`` (they allocate nothing) each array that is handed on costs an atomic
reference count: most of the time of a step, with sixty arrays."""


@njit(**KERNEL)
def _ring_insert(a: int, due: float, tick: int, agents: Any, traffic: Any) -> None:
    bucket = int(min(max(due, float(tick)), float(tick + RING - 1))) & (RING - 1)
    last = traffic.ring_last[bucket]
    agents.next[a] = -1
    agents.prev[a] = last
    if last < 0:
        traffic.ring_first[bucket] = a
    else:
        agents.next[last] = a
    traffic.ring_last[bucket] = a
    agents.slot[a] = bucket


@njit(**KERNEL)
def _due(a: int, agents: Any, streets: Any, ways: Any) -> float:
    """Time at which a walker reaches the end of the link; infinite where the water holds everybody."""
    factor = ways.factor[agents.route[a], streets.feature[agents.link[a]]]
    if agents.rest[a] <= 0.0:
        return float(agents.since[a])
    return float(agents.since[a] + agents.rest[a] / factor) if factor > 0.0 else np.inf


@njit(**KERNEL)
def _ring_remove(a: int, agents: Any, traffic: Any) -> None:
    before, after, bucket = agents.prev[a], agents.next[a], agents.slot[a]
    if before < 0:
        traffic.ring_first[bucket] = after
    else:
        agents.next[before] = after
    if after < 0:
        traffic.ring_last[bucket] = before
    else:
        agents.prev[after] = before
    agents.slot[a] = -1


@njit(**KERNEL)
def _queue_push(a: int, e: int, agents: Any, traffic: Any) -> None:
    last = traffic.last[e]
    agents.phase[a] = QUEUE
    agents.next[a] = -1
    agents.prev[a] = last
    if last < 0:
        traffic.first[e] = a
        traffic.moved[e] = agents.since[a]
    else:
        agents.next[last] = a
    traffic.last[e] = a
    traffic.queued[e] += 1
    if not traffic.is_active[e]:
        traffic.is_active[e] = True
        traffic.active[traffic.tally[N_ACTIVE]] = e
        traffic.tally[N_ACTIVE] += 1


@njit(**KERNEL)
def _queue_remove(a: int, e: int, agents: Any, traffic: Any) -> None:
    before, after = agents.prev[a], agents.next[a]
    if before < 0:
        traffic.first[e] = after
    else:
        agents.next[before] = after
    if after < 0:
        traffic.last[e] = before
    else:
        agents.prev[after] = before
    traffic.queued[e] -= 1


@njit(**KERNEL)
def _enter_link(
    a: int,
    e: int,
    begin: float,
    extra: float,
    time: float,
    tick: int,
    agents: Any,
    streets: Any,
    traffic: Any,
    ways: Any,
) -> None:
    """Put a person onto link `e` at `begin` (0 to 1) after a path of `extra` [m]."""
    f = streets.feature[e]
    slot = min(int(traffic.load[f] / streets.area[f] / STEP_DENSITY), len(streets.density) - 1)
    pace = agents.speed[a] * streets.pace[e] * streets.density[slot]
    traffic.load[f] += 1
    traffic.peak[f] = max(traffic.peak[f], traffic.load[f])
    agents.link[a] = e
    agents.phase[a] = WALK
    agents.begin[a] = begin
    agents.rest[a] = (streets.length[e] * (1.0 - begin) + extra) / pace
    agents.whole[a] = agents.rest[a]
    agents.since[a] = time
    _ring_insert(a, _due(a, agents, streets, ways), tick, agents, traffic)


@njit(**KERNEL)
def _set_out(a: int, time: float, tick: int, agents: Any, streets: Any, traffic: Any, ways: Any, water: Any) -> None:
    """Let a person leave the door towards the end of the street that is nearer to a shelter with room.

    Who means to go upstairs does. Who cannot leave is trapped, with the cause; who finds the street full tries again
    after `RETRY`.
    """
    place, k = agents.place[a], agents.route[a]
    if agents.shelter[a] == TO_UPSTAIRS:
        agents.phase[a] = UPSTAIRS
        agents.arrival[a] = time
        return
    best, chosen, wet = np.inf, -1, np.uint8(CAUSE_NONE)
    if water.place_cause[k, place] != CAUSE_NONE:
        wet = water.place_cause[k, place]
    else:
        for side in range(2):
            e = streets.door[place, side]
            if e < 0:
                continue
            f = streets.feature[e]
            if ways.factor[k, f] <= 0.0:
                wet = water.link_cause[k, f]
                continue
            share = 1.0 - streets.fraction[place] if side == 0 else streets.fraction[place]
            cost = share * streets.length[e] + ways.cost[k, streets.head[e]]
            if cost < best:
                best, chosen = cost, e
    if chosen < 0:
        agents.phase[a] = TRAPPED
        agents.cause[a] = wet if wet != CAUSE_NONE else CAUSE_ISLAND
        return
    f = streets.feature[chosen]
    if traffic.load[f] >= streets.storage[f]:
        agents.phase[a] = HOME
        agents.since[a] = time + RETRY
        _ring_insert(a, time + RETRY, tick, agents, traffic)
        return
    begin = streets.fraction[place] if chosen == streets.door[place, 0] else 1.0 - streets.fraction[place]
    agents.departure[a] = time
    _enter_link(a, chosen, begin, streets.path[place], time, tick, agents, streets, traffic, ways)


@njit(**KERNEL)
def come_out(a: int, place: int, tick: int, agents: Any, traffic: Any) -> None:
    """Bring a person out of a crowd room to the entrance `place`, from where he sets out in the second `tick`."""
    agents.place[a] = place
    agents.phase[a] = HOME
    agents.cause[a] = CAUSE_NONE
    agents.departure[a] = float(tick)
    agents.since[a] = float(tick)
    _ring_insert(a, float(tick), tick, agents, traffic)


BLOCKED, NO_WAY, ENTER = -1, -2, -3


@njit(**KERNEL)
def _way_on(
    a: int, e: int, time: float, unjam: float, reroutes: bool, agents: Any, streets: Any, traffic: Any, ways: Any
) -> int:
    """Link to take at the end of `e`, or ENTER (shelter), BLOCKED (wait), NO_WAY."""
    node, k = streets.head[e], agents.route[a]
    s = streets.shelter[node]
    if s >= 0 and ways.cost[k, node] <= 0.0:
        if traffic.free[s] > 0:
            return ENTER
        # it filled a moment ago: wait for the new routes
        return BLOCKED if reroutes else NO_WAY
    onward = ways.next[k, node]
    if onward < 0:
        return NO_WAY
    f = streets.feature[onward]
    if ways.is_shut[f] or ways.factor[k, f] <= 0.0:
        return NO_WAY
    if f != streets.feature[e] and traffic.load[f] >= streets.storage[f]:
        if time - traffic.moved[e] < unjam:
            return BLOCKED
        traffic.tally[SQUEEZED] += 1
    return int(onward)


@njit(**KERNEL)
def _leave_link(
    a: int, e: int, onward: int, time: float, tick: int, agents: Any, streets: Any, traffic: Any, ways: Any
) -> None:
    """Take a person, who is in no list, off the end of `e`."""
    f = streets.feature[e]
    traffic.load[f] -= 1
    if onward == NO_WAY:
        # steps aside: does not take room on the street or hold up the others
        agents.phase[a] = ISLAND
        node, k = streets.head[e], agents.route[a]
        n = ways.next[k, node]
        agents.cause[a] = CAUSE_ISLAND
        if n >= 0 and ways.factor[k, streets.feature[n]] <= 0.0:
            agents.cause[a] = CAUSE_DEPTH
        elif ways.cost[k, node] <= 0.0:
            agents.cause[a] = CAUSE_FULL
        agents.rest[a] = 0.0
        agents.since[a] = time
        return
    traffic.passed[e] += 1
    if onward == ENTER:
        s = streets.shelter[streets.head[e]]
        agents.phase[a] = SHELTER
        agents.cause[a] = CAUSE_NONE
        agents.shelter[a] = s
        agents.arrival[a] = time
        traffic.free[s] -= 1
        if traffic.free[s] == 0:
            traffic.tally[FILLED] += 1
            traffic.full_time[s] = min(traffic.full_time[s], time)
        return
    if streets.shelter[streets.head[e]] >= 0:
        traffic.tally[TURNED_AWAY] += 1
    _enter_link(a, onward, 0.0, 0.0, time, tick, agents, streets, traffic, ways)


@njit(**KERNEL)
def _fill_tokens(e: int, time: float, streets: Any, traffic: Any) -> None:
    gained = max(0.0, time - traffic.token_time[e]) * streets.flow[e]
    traffic.token[e] = min(traffic.token[e] + gained, 1.0 + streets.flow[e])
    traffic.token_time[e] = max(time, traffic.token_time[e])


@njit(**KERNEL)
def _serve_queue(
    e: int, tick: int, unjam: float, reroutes: bool, agents: Any, streets: Any, traffic: Any, ways: Any
) -> None:
    time = float(tick)
    _fill_tokens(e, time, streets, traffic)
    while traffic.first[e] >= 0 and traffic.token[e] >= 1.0:
        a = traffic.first[e]
        onward = _way_on(a, e, time, unjam, reroutes, agents, streets, traffic, ways)
        if onward == BLOCKED:
            break
        _queue_remove(a, e, agents, traffic)
        traffic.moved[e] = time
        if onward != NO_WAY:
            traffic.token[e] -= 1.0
        _leave_link(a, e, onward, time, tick, agents, streets, traffic, ways)


@njit(**KERNEL)
def _reach_end(
    a: int, time: float, tick: int, unjam: float, reroutes: bool, agents: Any, streets: Any, traffic: Any, ways: Any
) -> None:
    """Go on at once where nobody queues, the end has flow left and the next link has room; queue otherwise."""
    e = agents.link[a]
    agents.since[a] = time
    agents.rest[a] = 0.0
    if traffic.queued[e] == 0:
        _fill_tokens(e, time, streets, traffic)
        if traffic.token[e] >= 1.0:
            traffic.moved[e] = time
            onward = _way_on(a, e, time, unjam, reroutes, agents, streets, traffic, ways)
            if onward != BLOCKED:
                if onward != NO_WAY:
                    traffic.token[e] -= 1.0
                _leave_link(a, e, onward, time, tick, agents, streets, traffic, ways)
                return
    _queue_push(a, e, agents, traffic)


@njit(**KERNEL)
def _turn(tick: int, n: int) -> int:
    """A stride that visits all of `n` places, another one every second."""
    if n < 3:
        return 1
    stride = 1 + (tick * 2654435761) % (n - 1)
    while True:
        a, b = n, stride
        while b > 0:
            a, b = b, a % b
        if a == 1:
            return int(stride)
        stride = 1 + stride % (n - 1)


@njit(**KERNEL)
def advance(
    tick: int,
    until: int,
    order: Any,
    unjam: float,
    reroutes: bool,
    agents: Any,
    streets: Any,
    traffic: Any,
    ways: Any,
    water: Any,
) -> int:
    """Advance second by second from `tick` to `until`; returns the second that was reached.

    Parameters
    ----------
    tick, until : int
        [s]
    order : (n,)
        Persons by planned departure.
    unjam : float
        Whoever is the first of a queue for this long [s], because the next link has no room, is let through.
    reroutes : bool
        Return at a multiple of `CHECK_FULL_EVERY` after a shelter filled, for new routes; where routes are fixed, who
        finds the shelter full is stranded.
    """
    while tick < until:
        n_active = traffic.tally[N_ACTIVE]
        # another order every second: merging streams take turns
        stride = _turn(tick, n_active)
        place = tick % max(1, n_active)
        for _ in range(n_active):
            place = (place + stride) % n_active
            _serve_queue(traffic.active[place], tick, unjam, reroutes, agents, streets, traffic, ways)
        kept = 0
        for i in range(traffic.tally[N_ACTIVE]):
            e = traffic.active[i]
            if traffic.queued[e] > 0:
                traffic.active[kept] = e
                kept += 1
            else:
                traffic.is_active[e] = False
        traffic.tally[N_ACTIVE] = kept
        while traffic.tally[POINTER] < len(order) and agents.departure[order[traffic.tally[POINTER]]] < tick + 1:
            a = order[traffic.tally[POINTER]]
            traffic.tally[POINTER] += 1
            if agents.phase[a] == HOME and agents.slot[a] < 0:
                _set_out(a, agents.departure[a], tick, agents, streets, traffic, ways, water)
        bucket = tick & (RING - 1)
        while traffic.ring_first[bucket] >= 0:
            a = traffic.ring_first[bucket]
            _ring_remove(a, agents, traffic)
            if agents.phase[a] == HOME:
                _set_out(a, max(agents.since[a], float(tick)), tick, agents, streets, traffic, ways, water)
                continue
            due = _due(a, agents, streets, ways)
            if due >= tick + 1:
                _ring_insert(a, due, tick, agents, traffic)
            else:
                _reach_end(a, due, tick, unjam, reroutes, agents, streets, traffic, ways)
        tick += 1
        if reroutes and traffic.tally[FILLED] > 0 and tick % CHECK_FULL_EVERY == 0:
            break
    return tick


@njit(**KERNEL)
def _wade_street(
    a: int, time: float, tick: int, agents: Any, streets: Any, traffic: Any, ways: Any, water: Any
) -> None:
    """What new water does to somebody who is on a link."""
    e, k = agents.link[a], agents.route[a]
    f = streets.feature[e]
    old, new = ways.factor[k, f], water.factor[k, f]
    phase = agents.phase[a]
    if phase == WALK and new != old:
        _ring_remove(a, agents, traffic)
        agents.rest[a] = max(0.0, agents.rest[a] - old * (time - agents.since[a]))
        agents.since[a] = time
        if new > 0.0:
            _ring_insert(a, time + agents.rest[a] / new, tick, agents, traffic)
    elif phase == QUEUE and new <= 0.0:
        _queue_remove(a, e, agents, traffic)
    if new <= 0.0 and phase in (WALK, QUEUE):
        agents.phase[a] = HELD
        traffic.load[f] -= 1
    elif new > 0.0 and phase == HELD:
        agents.phase[a] = WALK
        agents.cause[a] = CAUSE_NONE
        agents.since[a] = time
        traffic.load[f] += 1
        _ring_insert(a, time + agents.rest[a] / new, tick, agents, traffic)
    if agents.phase[a] == HELD:
        agents.cause[a] = water.link_cause[k, f]
    if agents.phase[a] in (HELD, ISLAND) and water.link_loss[f] > agents.luck[a]:
        agents.phase[a] = DEAD


@njit(**KERNEL)
def _go_home(a: int, time: float, tick: int, agents: Any, traffic: Any) -> None:
    """Back to where a trapped person was: waiting, or on the way out where the time to leave has passed."""
    agents.phase[a] = HOME
    agents.cause[a] = CAUSE_NONE
    if agents.departure[a] <= time:
        agents.since[a] = time
        _ring_insert(a, time, tick, agents, traffic)


@njit(**KERNEL)
def _wade_home(a: int, time: float, tick: int, agents: Any, traffic: Any, water: Any) -> None:
    """What new water does to somebody who has not left the building."""
    place, k = agents.place[a], agents.route[a]
    cause = water.place_cause[k, place]
    phase = agents.phase[a]
    if agents.shelter[a] == TO_UPSTAIRS:
        if phase == HOME and (cause != CAUSE_NONE or water.place_wet[place]):
            agents.departure[a] = time
            agents.arrival[a] = time
            phase = UPSTAIRS
        if phase != HOME:
            agents.phase[a] = TRAPPED if water.upstairs_wet[place] else UPSTAIRS
            agents.cause[a] = CAUSE_DEPTH if water.upstairs_wet[place] else CAUSE_NONE
    elif phase == HOME:
        if cause != CAUSE_NONE:
            if agents.slot[a] >= 0:
                _ring_remove(a, agents, traffic)
            agents.phase[a] = TRAPPED
            agents.cause[a] = cause
        elif agents.departure[a] == np.inf and water.place_wet[place]:
            agents.departure[a] = time
            _go_home(a, time, tick, agents, traffic)
    elif cause != CAUSE_NONE:
        agents.cause[a] = cause
    elif agents.cause[a] in (CAUSE_DEPTH, CAUSE_FORCE):
        _go_home(a, time, tick, agents, traffic)
    if agents.phase[a] == TRAPPED and water.place_loss[place] > agents.luck[a]:
        agents.phase[a] = DEAD


@njit(**KERNEL)
def wade(time: float, tick: int, agents: Any, streets: Any, traffic: Any, ways: Any, water: Any) -> None:
    """Apply new `water` to everybody; ``ways.factor`` still holds the pace until now and is set by the caller after.

    Who cannot go on where he is (on a link, in a building, in a shelter) is stranded, goes on when the water falls, and
    dies when the chance to die there exceeds his luck.
    """
    for a in range(len(agents.phase)):
        phase = agents.phase[a]
        if phase in (WALK, QUEUE, HELD, ISLAND):
            _wade_street(a, time, tick, agents, streets, traffic, ways, water)
        elif phase in (HOME, UPSTAIRS, TRAPPED):
            _wade_home(a, time, tick, agents, traffic, water)
        elif phase in (SHELTER, FLOODED_IN):
            s = agents.shelter[a]
            is_wet = water.shelter_wet[s]
            agents.phase[a] = FLOODED_IN if is_wet else SHELTER
            agents.cause[a] = CAUSE_DEPTH if is_wet else CAUSE_NONE
            if is_wet and water.shelter_loss[s] > agents.luck[a]:
                agents.phase[a] = DEAD


@njit(**KERNEL)
def _leads_on(k: int, e: int, streets: Any, ways: Any) -> bool:
    return bool(ways.factor[k, streets.feature[e]] > 0.0 and np.isfinite(ways.cost[k, streets.head[e]]))


@njit(**KERNEL)
def release_islands(time: float, tick: int, has_full: Any, agents: Any, streets: Any, traffic: Any, ways: Any) -> None:
    """After new routes: let go who has a way again; tell who has none because shelters are full from who is cut off.

    Parameters
    ----------
    has_full : (n_classes, n_nodes)
        Whether a full shelter can be reached.
    """
    for a in range(len(agents.phase)):
        phase, k = agents.phase[a], agents.route[a]
        if phase == ISLAND:
            e = agents.link[a]
            node = streets.head[e]
            if np.isfinite(ways.cost[k, node]):
                agents.cause[a] = CAUSE_NONE
                agents.since[a] = time
                traffic.load[streets.feature[e]] += 1
                _queue_push(a, e, agents, traffic)
            else:
                agents.cause[a] = CAUSE_FULL if has_full[k, node] else CAUSE_ISLAND
        elif phase == TRAPPED and agents.cause[a] in (CAUSE_ISLAND, CAUSE_FULL):
            agents.cause[a] = CAUSE_ISLAND
            for side in range(2):
                e = streets.door[agents.place[a], side]
                if e < 0:
                    continue
                if _leads_on(k, e, streets, ways):
                    _go_home(a, time, tick, agents, traffic)
                    break
                if has_full[k, streets.head[e]]:
                    agents.cause[a] = CAUSE_FULL
