"""Route tables of all classes of people, kept up to date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sim.evacuation.routing.kernels import BUCKETS, price_links, reach_back, search_back

if TYPE_CHECKING:
    from numpy.typing import NDArray

    import sim.evacuation.kernels as k

__all__ = ["Router"]


class Router:
    """Searches backwards from the shelters.

    Parameters
    ----------
    streets : kernels.Streets
    speed : float
        Speed that turns lengths into times [m/s]: the mean over all people.
    """

    def __init__(self, streets: k.Streets, speed: float) -> None:
        self._streets = streets
        self.speed = speed
        n_links, n_nodes = len(streets.head), len(streets.shelter)
        order = np.argsort(streets.head, kind="stable")
        self._into_link = order.astype(np.int32)
        self._into_tail = streets.tail[order]
        self._into_start = np.zeros(n_nodes + 1, dtype=np.int64)
        np.cumsum(np.bincount(streets.head, minlength=n_nodes), out=self._into_start[1:])
        with np.errstate(divide="ignore"):
            self._walk = streets.length / (speed * streets.pace.astype(np.float64))
        self._is_end = streets.shelter >= 0
        self._cost = np.zeros(n_links, dtype=np.float32)
        entries = n_links + 2 * n_nodes
        self._work = (
            np.zeros(BUCKETS, dtype=np.int32), np.zeros(entries, dtype=np.int32), np.zeros(entries, dtype=np.int32),
            np.zeros(n_nodes, dtype=np.float32),
        )  # fmt: skip
        self._stack = np.zeros(n_nodes, dtype=np.int32)

    def route(self, traffic: k.Traffic, ways: k.Ways, sources: NDArray[np.int64], *, with_queues: bool = True) -> None:
        """Fill ``ways.next`` and ``ways.cost`` for the pace in ``ways.factor`` and the queues of now.

        Parameters
        ----------
        traffic : kernels.Traffic
        ways : kernels.Ways
        sources : ndarray (n_sources,)
            Nodes of the shelters that take people.
        with_queues : bool
            Whether the present density and queues count.
        """
        streets = self._streets
        base, wait = self._walk, np.zeros(len(streets.head))
        if with_queues:
            slot = (traffic.load / streets.area / 0.01).astype(np.int64)
            thin = streets.density[np.minimum(slot, len(streets.density) - 1)]
            base = base / thin[streets.feature]
            wait = np.divide(traffic.queued, streets.flow, out=wait, where=streets.flow > 0)
        base, wait = base.astype(np.float32), wait.astype(np.float32)
        for number in range(len(ways.factor)):
            same = next((m for m in range(number) if np.array_equal(ways.factor[m], ways.factor[number])), None)
            if same is not None:
                ways.next[number], ways.cost[number] = ways.next[same], ways.cost[same]
                continue
            price_links(streets.feature, base, wait, ways.factor[number], ways.is_shut, self._cost)
            search_back(
                self._into_start, self._into_tail, self._into_link, self._cost, sources, self._is_end, *self._work,
                ways.cost[number], ways.next[number],
            )  # fmt: skip

    def reachable(self, ways: k.Ways, sources: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Whether each node leads to one of `sources`, by class; (n_classes, n_nodes)."""
        out = np.zeros(ways.next.shape, dtype=np.bool_)
        if not len(sources):
            return out
        walk, nothing = self._walk.astype(np.float32), np.zeros(len(self._cost), dtype=np.float32)
        for number in range(len(out)):
            price_links(self._streets.feature, walk, nothing, ways.factor[number], ways.is_shut, self._cost)
            reach_back(
                self._into_start, self._into_tail, self._into_link, self._cost, sources, self._is_end, self._stack,
                out[number],
            )  # fmt: skip
        return out
