"""Search kernels: one-to-all from the shelters, backwards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["BUCKETS", "price_links", "reach_back", "search_back"]

KERNEL: dict[str, Any] = {"cache": True, "error_model": "numpy", "_nrt": False}
"""How every kernel is compiled; without reference counts, for they allocate nothing."""

BUCKETS = 1024
"""Size of the ring of buckets; what lies beyond waits in the last one."""
WIDTH = 4.0
"""Width of a bucket [s]."""


@njit(**KERNEL)
def price_links(
    feature: NDArray[np.int32],
    base: NDArray[np.float32],
    wait: NDArray[np.float32],
    factor: NDArray[np.float32],
    is_shut: NDArray[np.bool_],
    cost: NDArray[np.float32],
) -> None:
    """Generalised cost of each link [s]: the walk, slowed by water, and the queue at its end.

    feature : (n_links,)      feature of a link
    base    : (n_links,)      walk on dry ground at the present density [s]
    wait    : (n_links,)      time that the present queue takes to leave [s]
    factor  : (n_features,)   share of the pace that the water leaves, 0 for none
    is_shut : (n_features,)   closed for other reasons
    cost    : (n_links,)      out, infinite where nobody may go
    """
    for e in range(len(cost)):
        f = feature[e]
        cost[e] = np.inf if is_shut[f] or factor[f] <= 0.0 else base[e] / factor[f] + wait[e]


@njit(**KERNEL)
def search_back(
    into_start: NDArray[np.int64],
    into_tail: NDArray[np.int32],
    into_link: NDArray[np.int32],
    cost: NDArray[np.float32],
    sources: NDArray[np.int64],
    is_end: NDArray[np.bool_],
    bucket: NDArray[np.int32],
    entry_node: NDArray[np.int32],
    entry_next: NDArray[np.int32],
    settled: NDArray[np.float32],
    away: NDArray[np.float32],
    onward: NDArray[np.int32],
) -> None:
    """Shortest ways from everywhere to `sources`; nothing passes through a node that is an end.

    Buckets of `WIDTH` seconds in place of a heap (Dial 1969; within a bucket labels are corrected as in delta-stepping,
    Meyer & Sanders 2003): the distances are exact.

    into_start : (n_nodes + 1,)  links into node i are into_start[i]:into_start[i + 1]
    into_tail  : (n_links,)      node that such a link comes from
    into_link  : (n_links,)      its number
    cost       : (n_links,)      [s], infinite where closed
    sources    : (n_sources,)    nodes at distance zero
    is_end     : (n_nodes,)      shelters: a way may end but not lead on there
    bucket     : (BUCKETS,)      work: first entry of each bucket
    entry_node, entry_next       work: (n_links + 2 n_nodes,)
    settled    : (n_nodes,)      work: distance that a node was last expanded at
    away       : (n_nodes,)      out, cost to the nearest source, infinite where there is no way
    onward     : (n_nodes,)      out, link to take, -1 at a source and where there is no way
    """
    away[:] = np.inf
    settled[:] = np.inf
    onward[:] = -1
    bucket[:] = -1
    entries, waiting, now = 0, 0, 0
    free = -1
    for source in sources:
        away[source] = 0.0
        entry_node[entries] = source
        entry_next[entries] = bucket[0]
        bucket[0] = entries
        entries += 1
        waiting += 1
    while waiting > 0:
        slot = now & (BUCKETS - 1)
        while bucket[slot] >= 0:
            entry = bucket[slot]
            bucket[slot] = entry_next[entry]
            entry_next[entry] = free
            free = entry
            waiting -= 1
            node = entry_node[entry]
            key = away[node]
            if settled[node] <= key:
                continue
            if key >= (now + 1) * WIDTH:
                # beyond the ring when it was put in, or not near enough yet
                entry = free
                free = entry_next[entry]
                far = min(int(key / WIDTH), now + BUCKETS - 1) & (BUCKETS - 1)
                entry_next[entry] = bucket[far]
                bucket[far] = entry
                waiting += 1
                continue
            settled[node] = key
            if is_end[node] and key > 0.0:
                continue
            for q in range(into_start[node], into_start[node + 1]):
                reached = key + cost[into_link[q]]
                tail = into_tail[q]
                if reached < away[tail]:
                    away[tail] = reached
                    onward[tail] = into_link[q]
                    if free >= 0:
                        entry = free
                        free = entry_next[entry]
                    else:
                        entry = entries
                        entries += 1
                    far = min(int(reached / WIDTH), now + BUCKETS - 1) & (BUCKETS - 1)
                    entry_node[entry] = tail
                    entry_next[entry] = bucket[far]
                    bucket[far] = entry
                    waiting += 1
        now += 1


@njit(**KERNEL)
def reach_back(
    into_start: NDArray[np.int64],
    into_tail: NDArray[np.int32],
    into_link: NDArray[np.int32],
    cost: NDArray[np.float32],
    sources: NDArray[np.int64],
    is_end: NDArray[np.bool_],
    stack: NDArray[np.int32],
    is_reached: NDArray[np.bool_],
) -> None:
    """Whether a way leads from each node to one of `sources`; arguments as in `search_back`.

    stack      : (n_nodes,)  work
    is_reached : (n_nodes,)  out
    """
    is_reached[:] = False
    size = 0
    for source in sources:
        if not is_reached[source]:
            is_reached[source] = True
            stack[size] = source
            size += 1
    while size > 0:
        size -= 1
        node = stack[size]
        for q in range(into_start[node], into_start[node + 1]):
            tail = into_tail[q]
            if not is_reached[tail] and cost[into_link[q]] < np.inf:
                is_reached[tail] = True
                if not is_end[tail]:
                    stack[size] = tail
                    size += 1
