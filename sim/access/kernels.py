"""Shortest paths under fixed costs over a directed graph in compressed rows: arrays in, arrays out.

Arcs of node ``u`` are ``start[u]:start[u + 1]``, arc ``a`` leads to ``head[a]`` and costs ``cost[a]`` >= 0; an infinite
cost is an arc that cannot be used.

Searches keep their nodes in buckets of equal width (Dial 1969; Meyer and Sanders 2003, on one thread): a node is
settled when its bucket has run empty, and scanned again if it gets nearer before. The distances are those of Dijkstra
to the last bit, for every one is the least sum over the arcs that lead to a node. Buckets lie in a ring, long enough
for the dearest arc. Searches in time are in :mod:`sim.access.timetable_kernels`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = [
    "Buckets",
    "Room",
    "bucket_arcs",
    "find_reached",
    "order_nodes",
    "search_all",
    "search_many",
    "search_pair",
]


PATCH = 256
"""Nodes of a patch of near numbers: what a search needs of them fits into a core's first cache."""


class Buckets(NamedTuple):
    """A queue of nodes by distance.

    width : float                 distance that a bucket spans
    ends  : (n_buckets, 2) int32  first and last node of each bucket of the ring, -1 where it is empty; a power of two
                                  of them, of more width together than the dearest arc costs; empty before and after
                                  a search. Who comes first goes first: a bucket that is wide for the costs in it
                                  makes the search one of Bellman and Ford, and not worse.
    link  : (n_nodes, 3) int32    node after, node before, bucket (-1: in none)
    """

    width: float
    ends: NDArray[np.int32]
    link: NDArray[np.int32]

    @classmethod
    def make(cls, n_nodes: int, cost: NDArray[np.float64]) -> Buckets:
        """Buckets a quarter of a middling cost wide, or as wide as a ring of `MOST_BUCKETS` asks for."""
        usual = cost[np.isfinite(cost) & (cost > 0)]
        dearest = float(usual.max(initial=0.0))
        some = usual[:: max(1, len(usual) // 10_000)]
        width = max(float(np.median(some)) / 4.0 if len(some) else 0.0, dearest / (MOST_BUCKETS - 2), 1e-9)
        n_buckets = 1 << int(np.ceil(np.log2(dearest / width + 2.0)))
        return cls(width, np.full((n_buckets, 2), -1, np.int32), np.full((n_nodes, 3), -1, np.int32))


MOST_BUCKETS = 1 << 17
"""Buckets of a ring at most."""


class Room(NamedTuple):
    """Working memory of a search from both ends.

    distance, back_distance : (n_nodes,) inf everywhere before and after a search
    via, back_via           : (n_nodes,)
    touched, back_touched   : (n_nodes,) nodes whose distance was set
    path                    : (2 n_nodes,) arcs of the way found
    """

    distance: NDArray[np.float64]
    back_distance: NDArray[np.float64]
    via: NDArray[np.int64]
    back_via: NDArray[np.int64]
    touched: NDArray[np.int32]
    back_touched: NDArray[np.int32]
    path: NDArray[np.int64]

    @classmethod
    def make(cls, n_nodes: int) -> Room:
        """Room for a graph of that size."""
        return cls(
            distance=np.full(n_nodes, np.inf),
            back_distance=np.full(n_nodes, np.inf),
            via=np.empty(n_nodes, np.int64),
            back_via=np.empty(n_nodes, np.int64),
            touched=np.empty(n_nodes, np.int32),
            back_touched=np.empty(n_nodes, np.int32),
            path=np.empty(2 * n_nodes, np.int64),
        )


@njit(cache=True, error_model="numpy")
def bucket_arcs(end, n_nodes):
    """Group arcs by one of their ends: (start (n_nodes + 1,), arcs (n_arcs,) in the order of `end`, stable)."""
    start = np.zeros(n_nodes + 1, np.int64)
    for a in range(len(end)):
        start[end[a] + 1] += 1
    for u in range(n_nodes):
        start[u + 1] += start[u]
    place = start[:-1].copy()
    arcs = np.empty(len(end), np.int64)
    for a in range(len(end)):
        arcs[place[end[a]]] = a
        place[end[a]] += 1
    return start, arcs


@njit(cache=True, error_model="numpy")
def _enqueue(ends, link, slot, node):
    """Put a node that is in no bucket at the end of one."""
    before = ends[slot, 1]
    link[node, 0] = -1
    link[node, 1] = before
    link[node, 2] = slot
    if before >= 0:
        link[before, 0] = node
    else:
        ends[slot, 0] = node
    ends[slot, 1] = node


@njit(cache=True, error_model="numpy")
def _dequeue(ends, link, node):
    """Take a node out of its bucket."""
    after = link[node, 0]
    before = link[node, 1]
    slot = link[node, 2]
    if before >= 0:
        link[before, 0] = after
    else:
        ends[slot, 0] = after
    if after >= 0:
        link[after, 1] = before
    else:
        ends[slot, 1] = before
    link[node, 2] = -1


@njit(cache=True, error_model="numpy")
def search_all(start, head, cost, source, limit, buckets, distance, via):
    """Cheapest ways from `source` to every node that costs at most `limit`.

    source   : int   node
    limit    : float inf for no limit
    buckets  : Buckets
    distance : (n_nodes,) out; inf where not reached within the limit
    via      : (n_nodes,) out; arc that leads there, -1 at the source and where not reached
    """
    ends, link = buckets.ends, buckets.link
    per_cost = 1.0 / buckets.width
    ring = len(ends) - 1
    distance[:] = np.inf
    via[:] = -1
    distance[source] = 0.0
    slot = 0
    _enqueue(ends, link, 0, source)
    waiting = 1
    while waiting > 0:
        u = ends[slot, 0]
        if u < 0:
            slot = (slot + 1) & ring
            continue
        _dequeue(ends, link, u)
        waiting -= 1
        reached = distance[u]
        for a in range(start[u], start[u + 1]):
            v = head[a]
            there = reached + cost[a]
            if there < distance[v] and there <= limit:
                wanted = np.int64(there * per_cost) & ring
                if distance[v] < np.inf and link[v, 2] >= 0:
                    if link[v, 2] != wanted:
                        _dequeue(ends, link, v)
                        _enqueue(ends, link, wanted, v)
                else:
                    _enqueue(ends, link, wanted, v)
                    waiting += 1
                distance[v] = there
                via[v] = a


@njit(cache=True, error_model="numpy")
def search_many(start, head, cost, sources, targets, buckets):
    """`search_all` from each of `sources`: costs to `targets` (n_sources, n_targets)."""
    n_nodes = len(start) - 1
    distance = np.empty(n_nodes, np.float64)
    via = np.empty(n_nodes, np.int64)
    found = np.empty((len(sources), len(targets)), np.float64)
    for i in range(len(sources)):
        search_all(start, head, cost, sources[i], np.inf, buckets, distance, via)
        for j in range(len(targets)):
            found[i, j] = distance[targets[j]]
    return found


@njit(cache=True, error_model="numpy")
def _next_bucket(ends, slot, number):
    """First bucket that holds a node, from bucket `number` in place `slot` on: its place and number."""
    ring = len(ends) - 1
    while ends[slot, 0] < 0:
        slot = (slot + 1) & ring
        number += 1
    return slot, number


@njit(cache=True, error_model="numpy")
def _empty_buckets(ends, link, touched, distance):
    """Leave a stopped search as it must be before the next one."""
    for node in touched:
        if link[node, 2] >= 0:
            ends[link[node, 2], :] = -1
            link[node, 2] = -1
        distance[node] = np.inf


@njit(cache=True, error_model="numpy")
def search_pair(
    start, head, cost, back_start, back_tail, back_arc, back_cost, source, target, buckets, back_buckets, room
):
    """Cheapest way from `source` to `target`, searched from both ends (Nicholson 1966): (cost, number of arcs).

    back_start, back_tail, back_arc, back_cost : arcs by their head: those of ``v`` are
                                                 ``back_start[v]:back_start[v + 1]``
    buckets, back_buckets                      : Buckets
    room                                       : Room; ``room.path`` holds the arcs in order afterwards

    The search stops when the two fronts together are as far as the best way found; inf and 0 where there is none.
    """
    ends, link, back_ends, back_link = buckets.ends, buckets.link, back_buckets.ends, back_buckets.link
    distance, back_distance, via, back_via = room.distance, room.back_distance, room.via, room.back_via
    touched, back_touched = room.touched, room.back_touched
    width = buckets.width
    per_cost = 1.0 / width
    ring = len(ends) - 1
    best = 0.0 if source == target else np.inf
    meeting = source if source == target else -1
    distance[source] = 0.0
    via[source] = -1
    touched[0] = source
    back_distance[target] = 0.0
    back_via[target] = -1
    back_touched[0] = target
    n_touched, n_back, waiting, back_waiting = 1, 1, 1, 1
    slot, number, back_slot, back_number = 0, 0, 0, 0
    _enqueue(ends, link, 0, source)
    _enqueue(back_ends, back_link, 0, target)
    while waiting > 0 and back_waiting > 0:
        slot, number = _next_bucket(ends, slot, number)
        back_slot, back_number = _next_bucket(back_ends, back_slot, back_number)
        if (number + back_number) * width >= best:
            break
        if number <= back_number:
            u = ends[slot, 0]
            _dequeue(ends, link, u)
            waiting -= 1
            reached = distance[u]
            for a in range(start[u], start[u + 1]):
                v = head[a]
                there = reached + cost[a]
                if there < distance[v]:
                    if distance[v] == np.inf:
                        touched[n_touched] = v
                        n_touched += 1
                    if link[v, 2] >= 0:
                        _dequeue(ends, link, v)
                        waiting -= 1
                    distance[v] = there
                    via[v] = a
                    _enqueue(ends, link, np.int64(there * per_cost) & ring, v)
                    waiting += 1
                    if there + back_distance[v] < best:
                        best = there + back_distance[v]
                        meeting = v
        else:
            u = back_ends[back_slot, 0]
            _dequeue(back_ends, back_link, u)
            back_waiting -= 1
            reached = back_distance[u]
            for k in range(back_start[u], back_start[u + 1]):
                v = back_tail[k]
                there = reached + back_cost[k]
                if there < back_distance[v]:
                    if back_distance[v] == np.inf:
                        back_touched[n_back] = v
                        n_back += 1
                    if back_link[v, 2] >= 0:
                        _dequeue(back_ends, back_link, v)
                        back_waiting -= 1
                    back_distance[v] = there
                    back_via[v] = k
                    _enqueue(back_ends, back_link, np.int64(there * per_cost) & ring, v)
                    back_waiting += 1
                    if there + distance[v] < best:
                        best = there + distance[v]
                        meeting = v
    n_path = 0
    if meeting >= 0:
        n_path = _join_ways(head, back_tail, back_arc, back_start, source, target, meeting, via, back_via, room.path)
    _empty_buckets(ends, link, touched[:n_touched], distance)
    _empty_buckets(back_ends, back_link, back_touched[:n_back], back_distance)
    return best, n_path


@njit(cache=True, error_model="numpy")
def _join_ways(head, back_tail, back_arc, back_start, source, target, meeting, via, back_via, path):
    """Arcs from `source` over `meeting` to `target` into `path`; their number."""
    n_path = 0
    node = meeting
    while node != source:
        arc = via[node]
        path[n_path] = arc
        n_path += 1
        # the arc's tail: found among the arcs that lead to the node
        for k in range(back_start[node], back_start[node + 1]):
            if back_arc[k] == arc:
                node = back_tail[k]
                break
    for i in range(n_path // 2):
        path[i], path[n_path - 1 - i] = path[n_path - 1 - i], path[i]
    node = meeting
    while node != target:
        arc = back_arc[back_via[node]]
        path[n_path] = arc
        n_path += 1
        node = head[arc]
    return n_path


@njit(cache=True, error_model="numpy")
def find_reached(start, end, is_open, source, queue, is_reached):
    """Nodes that open arcs lead to from `source`.

    start, end : arcs by node and the node at their other end (forward or backward graph)
    is_open    : (n_arcs,) in the order of `end`
    queue      : (n_nodes,) room
    is_reached : (n_nodes,) out
    """
    is_reached[:] = False
    is_reached[source] = True
    queue[0] = source
    n_queue = 1
    done = 0
    while done < n_queue:
        u = queue[done]
        done += 1
        for a in range(start[u], start[u + 1]):
            v = end[a]
            if is_open[a] and not is_reached[v]:
                is_reached[v] = True
                queue[n_queue] = v
                n_queue += 1


@njit(cache=True, error_model="numpy")
def order_nodes(start, head, back_start, back_tail):
    """Number nodes so that neighbours have near numbers; (n_nodes,) nodes in their new order.

    Patches of `PATCH` nodes grow breadth first, both ways along arcs, each from a node at the edge of those before it:
    a search then touches memory that lies together, which is worth more than any detail of the queue.
    """
    n_nodes = len(start) - 1
    order = np.empty(n_nodes, np.int64)
    is_placed = np.zeros(n_nodes, np.bool_)
    patch_of = np.full(n_nodes, -1, np.int64)
    edge = np.empty(2 * len(head) + n_nodes, np.int64)
    n_edge = 0
    looked = 0
    queue = np.empty(n_nodes, np.int64)
    size = 0
    patch = 0
    for stray in range(n_nodes):
        if is_placed[stray]:
            continue
        edge[n_edge] = stray
        n_edge += 1
        while looked < n_edge:
            seed = edge[looked]
            looked += 1
            if is_placed[seed]:
                continue
            patch += 1
            patch_of[seed] = patch
            queue[0] = seed
            n_queue = 1
            done = 0
            while done < n_queue and done < PATCH:
                u = queue[done]
                done += 1
                is_placed[u] = True
                order[size] = u
                size += 1
                for a in range(start[u], start[u + 1]):
                    v = head[a]
                    if not is_placed[v] and patch_of[v] != patch:
                        patch_of[v] = patch
                        queue[n_queue] = v
                        n_queue += 1
                for a in range(back_start[u], back_start[u + 1]):
                    v = back_tail[a]
                    if not is_placed[v] and patch_of[v] != patch:
                        patch_of[v] = patch
                        queue[n_queue] = v
                        n_queue += 1
            for i in range(done, n_queue):
                edge[n_edge] = queue[i]
                n_edge += 1
    return order
