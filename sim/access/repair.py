"""Which single repair opens most journeys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sim.access.appraisal import BARRIERS
from sim.access.kernels import bucket_arcs, find_reached

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.access.router import Router

__all__ = ["Repairs", "barriers_in", "rank_repairs"]


@dataclass(frozen=True, slots=True, eq=False)
class Repairs:
    """Links by what their repair would bring.

    Parameters
    ----------
    feature : ndarray (n,)
        Rows of the layer's links, the best repair first.
    gained : ndarray (n,)
        Journeys that this repair alone would open.
    barriers : ndarray of uint32 (n,)
        What has to be mended there (bits of `BARRIERS`).
    n_pairs, n_open : int
        Journeys in the sample, and those that are possible now.
    """

    feature: NDArray[np.int64]
    gained: NDArray[np.int64]
    barriers: NDArray[np.uint32]
    n_pairs: int
    n_open: int


def barriers_in(mask: int) -> tuple[str, ...]:
    """Names of the barriers in a mask."""
    return tuple(name for place, name in enumerate(BARRIERS) if mask >> place & 1)


def rank_repairs(router: Router, n_pairs: int, rng: np.random.Generator) -> Repairs:
    """Count, for a sample of journeys, those that each single repair opens.

    A blocked link opens a journey if its tail is reached from the origin over links that are not blocked, and the
    destination from its head: exact, with two searches a journey whatever the number of blocked links.

    Parameters
    ----------
    router : Router
        Only hard limits count; water and opening hours do not.
    n_pairs : int
    rng : Generator
        Draws origins and destinations among the nodes that have a link.
    """
    graph = router.graph
    blocked = router.appraisal.blocked
    is_open = blocked == 0
    back_start, back_arc = bucket_arcs(graph.head, graph.n_nodes)
    back_tail, back_open = graph.tail[back_arc], is_open[back_arc]
    nodes = np.unique(np.r_[graph.tail[graph.link >= 0], graph.head[graph.link >= 0]])
    pairs = rng.choice(nodes, (n_pairs, 2)) if len(nodes) else np.empty((0, 2), dtype=np.int64)
    queue = np.empty(graph.n_nodes, np.int64)
    from_here, to_there = np.empty(graph.n_nodes, np.bool_), np.empty(graph.n_nodes, np.bool_)
    shut = np.flatnonzero(~is_open & (graph.link >= 0))
    gained = np.zeros(int(graph.feature.max(initial=-1)) + 1, dtype=np.int64)
    n_open = 0
    for origin, destination in pairs:
        find_reached(graph.start, graph.head, is_open, origin, queue, from_here)
        if from_here[destination]:
            n_open += 1
            continue
        find_reached(back_start, back_tail, back_open, destination, queue, to_there)
        opens = from_here[graph.tail[shut]] & to_there[graph.head[shut]]
        gained[np.unique(graph.feature[shut[opens]])] += 1
    mask = np.zeros(len(gained), dtype=np.uint32)
    np.bitwise_or.at(mask, graph.feature[shut], blocked[shut])
    best = np.argsort(-gained, kind="stable")[: int((gained > 0).sum())]
    return Repairs(best, gained[best], mask[best], len(pairs), n_open)
