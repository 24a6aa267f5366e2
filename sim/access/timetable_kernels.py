"""Searches over arcs that close, open and slow down in time, and over several criteria: arrays in, arrays out.

The graph is that of :mod:`sim.access.kernels`: arcs of node ``u`` are ``start[u]:start[u + 1]``, arc ``a`` leads to
``head[a]`` and costs ``cost[a]`` >= 0, here the seconds that it takes where nothing slows; an infinite cost is an arc
that cannot be used. Labels wait in a 4-ary heap with stale entries: an entry that is no longer its node's own is
skipped.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

__all__ = ["Timetable", "follow_arcs", "leave_arcs", "search_earliest", "search_latest", "search_pareto"]


class Timetable(NamedTuple):
    """When arcs are open and how fast one is on them.

    row         : (n_arcs,)      row of the tables, -1 for an arc that is always open and never slowed
    slice_time  : (T,)           begin of each slice of time [s]; the first holds before, the last for ever
    share       : (R, T)         share of one's speed that is left
    depth       : (R, T)         depth of the water [m]
    window      : (R + 1,)       the windows of row ``r`` are ``window[r]:window[r + 1]``, ascending, apart
    opens       : (W,)           [s]
    closes      : (W,)           [s]; who is on an arc must have left it
    """

    row: NDArray[np.int32]
    slice_time: NDArray[np.float64]
    share: NDArray[np.float64]
    depth: NDArray[np.float64]
    window: NDArray[np.int64]
    opens: NDArray[np.float64]
    closes: NDArray[np.float64]


@njit(cache=True, error_model="numpy")
def _push(keys, values, size, key, value):
    """Put (key, value) onto the heap; returns its new size."""
    place = size
    while place > 0:
        parent = (place - 1) >> 2
        if keys[parent] <= key:
            break
        keys[place] = keys[parent]
        values[place] = values[parent]
        place = parent
    keys[place] = key
    values[place] = value
    return size + 1


@njit(cache=True, error_model="numpy")
def _drop_top(keys, values, size):
    """Take the smallest entry, ``keys[0]``, off the heap; returns its new size."""
    size -= 1
    key = keys[size]
    value = values[size]
    place = 0
    while True:
        child = 4 * place + 1
        if child >= size:
            break
        best = child
        best_key = keys[child]
        for other in range(child + 1, min(child + 4, size)):
            if keys[other] < best_key:
                best = other
                best_key = keys[other]
        if best_key >= key:
            break
        keys[place] = best_key
        values[place] = values[best]
        place = best
    keys[place] = key
    values[place] = value
    return size


@njit(cache=True, error_model="numpy")
def _slice_of(slice_time, time):
    """Slice that holds `time`."""
    low = 0
    high = len(slice_time)
    while high - low > 1:
        middle = (low + high) >> 1
        if slice_time[middle] <= time:
            low = middle
        else:
            high = middle
    return low


@njit(cache=True, error_model="numpy")
def _advance(slice_time, share, free, entered):
    """Time at which somebody who entered at `entered` has done what takes `free` at full speed.

    The speed changes under way with the slices (Ichoua, Gendreau and Potvin 2003), so nobody who enters later leaves
    earlier.
    """
    k = _slice_of(slice_time, entered)
    now = entered
    left = free
    while True:
        end = slice_time[k + 1] if k + 1 < len(slice_time) else np.inf
        if left <= 0.0:
            return now
        if share[k] > 0.0 and now + left / share[k] <= end:
            return now + left / share[k]
        if end == np.inf:
            return np.inf
        left -= (end - now) * share[k]
        now = end
        k += 1


@njit(cache=True, error_model="numpy")
def _retreat(slice_time, share, free, left_at):
    """Latest time to enter so that it is done at `left_at`; the inverse of `_advance`."""
    if left_at == np.inf:
        return np.inf if share[-1] > 0.0 or free <= 0.0 else -np.inf
    k = _slice_of(slice_time, left_at)
    now = left_at
    left = free
    while True:
        begin = slice_time[k] if k > 0 else -np.inf
        if left <= 0.0:
            return now
        if share[k] > 0.0 and now - left / share[k] >= begin:
            return now - left / share[k]
        if k == 0:
            return -np.inf
        left -= (now - begin) * share[k]
        now = begin
        k -= 1


@njit(cache=True, error_model="numpy")
def _leave(table, arc, free, ready):
    """Earliest time to have passed an arc for somebody who is at its tail at `ready`: (entered, left), inf if never."""
    if not (free < np.inf and ready < np.inf):
        return np.inf, np.inf
    r = table.row[arc]
    if r < 0:
        return ready, ready + free
    for w in range(table.window[r], table.window[r + 1]):
        entered = max(ready, table.opens[w])
        if entered > table.closes[w]:
            continue
        left = _advance(table.slice_time, table.share[r], free, entered)
        if left <= table.closes[w]:
            return entered, left
    return np.inf, np.inf


@njit(cache=True, error_model="numpy")
def _enter(table, arc, free, wanted):
    """Latest time to enter an arc and to have left it by `wanted`; -inf if never."""
    if free == np.inf or wanted == -np.inf:
        return -np.inf
    r = table.row[arc]
    if r < 0:
        return wanted - free
    for w in range(table.window[r + 1] - 1, table.window[r] - 1, -1):
        left = min(wanted, table.closes[w])
        if left < table.opens[w]:
            continue
        entered = _retreat(table.slice_time, table.share[r], free, left)
        if entered >= table.opens[w]:
            return entered
    return -np.inf


@njit(cache=True, error_model="numpy")
def leave_arcs(cost, table, ready):
    """Time at which every arc has been passed by somebody who is at its tail at `ready` (n_arcs,); inf if never."""
    left = np.empty(len(cost), np.float64)
    for a in range(len(cost)):
        left[a] = _leave(table, a, cost[a], ready[a])[1]
    return left


@njit(cache=True, error_model="numpy")
def search_earliest(start, head, cost, table, source, departure, target, arrival, via):
    """Earliest arrival at every node after leaving `source` at `departure` (time-dependent Dijkstra, FIFO).

    cost    : (n_arcs,) free time of the arcs [s], inf for a closed one
    table   : Timetable
    target  : int       node to stop at, -1 for all
    arrival : (n_nodes,) out [s]; inf where not reached
    via     : (n_nodes,) out; arc that leads there, -1 at the source and where not reached
    """
    keys = np.empty(len(head) + 1, np.float64)
    values = np.empty(len(head) + 1, np.int32)
    arrival[:] = np.inf
    via[:] = -1
    arrival[source] = departure
    size = _push(keys, values, 0, departure, source)
    while size > 0:
        now = keys[0]
        u = values[0]
        size = _drop_top(keys, values, size)
        if now > arrival[u]:
            continue
        if u == target:
            break
        for a in range(start[u], start[u + 1]):
            _, left = _leave(table, a, cost[a], now)
            v = head[a]
            if left < arrival[v]:
                arrival[v] = left
                via[v] = a
                size = _push(keys, values, size, left, v)


@njit(cache=True, error_model="numpy")
def search_latest(back_start, back_tail, back_arc, cost, table, target, deadline, latest):
    """Latest departure from every node that still reaches `target` by `deadline`: `search_earliest` backwards.

    back_start, back_tail, back_arc : arcs by their head
    deadline                        : float [s]; inf for no deadline
    latest                          : (n_nodes,) out [s]; -inf where the target cannot be reached, inf where always
    """
    keys = np.empty(len(back_tail) + 1, np.float64)
    values = np.empty(len(back_tail) + 1, np.int32)
    latest[:] = -np.inf
    latest[target] = deadline
    size = _push(keys, values, 0, -deadline, target)
    while size > 0:
        wanted = -keys[0]
        v = values[0]
        size = _drop_top(keys, values, size)
        if wanted < latest[v]:
            continue
        for k in range(back_start[v], back_start[v + 1]):
            arc = back_arc[k]
            entered = _enter(table, arc, cost[arc], wanted)
            u = back_tail[k]
            if entered > latest[u]:
                latest[u] = entered
                size = _push(keys, values, size, -entered, u)


@njit(cache=True, error_model="numpy")
def _depth_between(slice_time, depth, entered, left):
    """Deepest water between two times."""
    k = _slice_of(slice_time, entered)
    deepest = depth[k]
    while k + 1 < len(slice_time) and slice_time[k + 1] < left:
        k += 1
        deepest = max(deepest, depth[k])
    return deepest


@njit(cache=True, error_model="numpy")
def search_pareto(
    start, head, cost, table, sums, step, source, target, departure, bound, slack, latest, most_labels
):  # fmt: skip
    """Every way from `source` to `target` that no other one beats in all respects (label setting, Martins 1984).

    Respects of a way: arrival [s], the sums, the highest step, the deepest water; less is better. Labels come up in
    the order of the earliest arrival that they may lead to, and are dropped when a way that is done is as good within
    `slack` as the best that they may become (Mandow and Perez de la Cruz 2010): every way left out is beaten by one
    that is given, but for the slack.

    cost        : (n_arcs,)            free time [s], inf for a closed arc
    table       : Timetable
    sums        : (n_arcs, S)          what adds up along a way
    step        : (n_arcs,)            [m]
    bound       : (n_nodes, 1 + S)     least free time and least sums from a node to the target; inf: no way
    slack       : (S + 3,)             differences that do not matter
    latest      : float                arrivals after it are of no interest
    most_labels : int                  room; the search ends when it is used up

    Returns
    -------
    values : (n, S + 3); arcs, arc_start: arcs of way ``i`` are ``arcs[arc_start[i]:arc_start[i + 1]]``;
    is_complete : False where the room was used up
    """
    n_sums = sums.shape[1]
    n_values = n_sums + 3
    label_value = np.empty((most_labels, n_values), np.float64)
    label_node = np.empty(most_labels, np.int32)
    label_parent = np.empty(most_labels, np.int32)
    label_arc = np.empty(most_labels, np.int64)
    label_next = np.empty(most_labels, np.int32)
    is_dropped = np.zeros(most_labels, np.bool_)
    first_label = np.full(len(start) - 1, -1, np.int32)
    keys = np.empty(most_labels + 1, np.float64)
    values = np.empty(most_labels + 1, np.int32)
    done = np.empty(most_labels, np.int32)
    n_done = 0
    n_labels = 0
    size = 0
    is_complete = True
    new = np.empty(n_values, np.float64)
    hope = np.empty(n_values, np.float64)
    if bound[source, 0] < np.inf:
        label_value[0, :] = 0.0
        label_value[0, 0] = departure
        label_node[0] = source
        label_parent[0] = -1
        label_arc[0] = -1
        label_next[0] = -1
        first_label[source] = 0
        n_labels = 1
        size = _push(keys, values, 0, departure + bound[source, 0], 0)
    while size > 0 and is_complete:
        label = values[0]
        size = _drop_top(keys, values, size)
        if is_dropped[label]:
            continue
        u = label_node[label]
        _hope(label_value[label], bound[u], n_sums, hope)
        if _is_beaten_by_any(done, n_done, label_value, hope, slack):
            continue
        if u == target:
            done[n_done] = label
            n_done += 1
            continue
        for a in range(start[u], start[u + 1]):
            v = head[a]
            if bound[v, 0] == np.inf or cost[a] == np.inf:
                continue
            entered, left = _leave(table, a, cost[a], label_value[label, 0])
            if left + bound[v, 0] > latest or left == np.inf:
                continue
            new[0] = left
            for j in range(n_sums):
                new[1 + j] = label_value[label, 1 + j] + sums[a, j]
            new[1 + n_sums] = max(label_value[label, 1 + n_sums], step[a])
            r = table.row[a]
            wet = 0.0 if r < 0 else _depth_between(table.slice_time, table.depth[r], entered, left)
            new[2 + n_sums] = max(label_value[label, 2 + n_sums], wet)
            _hope(new, bound[v], n_sums, hope)
            if _is_beaten_by_any(done, n_done, label_value, hope, slack):
                continue
            if not _make_room(first_label, label_next, label_value, is_dropped, v, new):
                continue
            if n_labels == most_labels:
                is_complete = False
                break
            label_value[n_labels] = new
            label_node[n_labels] = v
            label_parent[n_labels] = label
            label_arc[n_labels] = a
            label_next[n_labels] = first_label[v]
            first_label[v] = n_labels
            size = _push(keys, values, size, left + bound[v, 0], n_labels)
            n_labels += 1
    return _ways(done[:n_done], label_value, label_parent, label_arc, is_complete)


@njit(cache=True, error_model="numpy")
def follow_arcs(arcs, cost, table, departure):
    """Deepest water that somebody meets on each arc of a way [m], (n,); what is shut is passed as if it were open."""
    wet = np.zeros(len(arcs), np.float64)
    now = departure
    for i in range(len(arcs)):
        arc = arcs[i]
        entered, left = _leave(table, arc, cost[arc], now)
        if left == np.inf:
            entered = now
            left = now + cost[arc]
        r = table.row[arc]
        if r >= 0:
            wet[i] = _depth_between(table.slice_time, table.depth[r], entered, left)
        now = left
    return wet


@njit(cache=True, error_model="numpy")
def _hope(value, bound, n_sums, hope):
    """The best that a label may become at the target."""
    for j in range(1 + n_sums):
        hope[j] = value[j] + bound[j]
    hope[1 + n_sums] = value[1 + n_sums]
    hope[2 + n_sums] = value[2 + n_sums]


@njit(cache=True, error_model="numpy")
def _is_beaten_by_any(done, n_done, label_value, hope, slack):
    """Whether a way that is done is as good in every respect, but for the slack."""
    for i in range(n_done):
        is_beaten = True
        for j in range(len(hope)):
            if label_value[done[i], j] > hope[j] + slack[j]:
                is_beaten = False
                break
        if is_beaten:
            return True
    return False


@njit(cache=True, error_model="numpy")
def _make_room(first_label, label_next, label_value, is_dropped, node, new):
    """Drop the labels of a node that a new one beats; False if one of them beats the new one."""
    rounding = 1e-9
    before = -1
    label = first_label[node]
    while label >= 0:
        old_wins = True
        new_wins = True
        for j in range(len(new)):
            if label_value[label, j] > new[j] + rounding:
                old_wins = False
            elif new[j] > label_value[label, j] + rounding:
                new_wins = False
        if old_wins:
            return False
        after = label_next[label]
        if new_wins:
            is_dropped[label] = True
            if before < 0:
                first_label[node] = after
            else:
                label_next[before] = after
        else:
            before = label
        label = after
    return True


@njit(cache=True, error_model="numpy")
def _ways(done, label_value, label_parent, label_arc, is_complete):
    """Values and arcs of the labels that reached the target."""
    arc_start = np.zeros(len(done) + 1, np.int64)
    for i in range(len(done)):
        label = done[i]
        count = 0
        while label_parent[label] >= 0:
            count += 1
            label = label_parent[label]
        arc_start[i + 1] = arc_start[i] + count
    arcs = np.empty(arc_start[-1], np.int64)
    found = np.empty((len(done), label_value.shape[1]), np.float64)
    for i in range(len(done)):
        label = done[i]
        found[i] = label_value[label]
        place = arc_start[i + 1]
        while label_parent[label] >= 0:
            place -= 1
            arcs[place] = label_arc[label]
            label = label_parent[label]
    return found, arcs, arc_start, is_complete
