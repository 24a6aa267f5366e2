"""How far somebody gets in a given time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.access.timetable_kernels import leave_arcs

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from sim.access.router import Router

__all__ = ["reached_features"]


def reached_features(
    router: Router, source: int, departure: float, budget: float
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Links that one can set foot on within a budget of time.

    Parameters
    ----------
    router : Router
    source : int
        Node.
    departure, budget : float
        [s].

    Returns
    -------
    tuple of ndarray (n,)
        Rows of the layer's links, ascending, and the time after the departure at which one is at the nearer end [s].
    """
    graph = router.graph
    arrival, _ = router.arrivals(source, departure)
    ready = arrival[graph.tail]
    is_used = (ready - departure <= budget) & (graph.link >= 0)
    is_used &= np.isfinite(leave_arcs(router.cost, router.table, np.where(is_used, ready, np.inf)))
    time = np.full(len(router.conditions.depth[0]), np.inf)
    np.minimum.at(time, graph.feature[is_used], ready[is_used] - departure)
    features = np.flatnonzero(np.isfinite(time))
    return features, time[features]
