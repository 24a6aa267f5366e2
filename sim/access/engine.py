"""The seam between routing and the way in which cheapest paths are found.

`DijkstraEngine` searches the graph itself. A contraction hierarchy (ordered once a topology, `customize` per profile
and flood state) takes its place by offering what `PathEngine` asks for, and by being made in ``Graph.engine``; nothing
else in this package would change. Searches in time and for alternatives run on the graph in any case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from sim.access.kernels import Buckets, Room, bucket_arcs, order_nodes, search_all, search_many, search_pair
from twin.errors import SimulationError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DijkstraEngine", "Path", "PathEngine", "Tree"]


@dataclass(frozen=True, slots=True, eq=False)
class Path:
    """A cheapest path.

    Parameters
    ----------
    cost : float
        inf where there is none.
    arcs : ndarray (n,)
        In order; empty where there is none, or where source and target are one.
    """

    cost: float
    arcs: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Cheapest paths from one node to all.

    Parameters
    ----------
    distance : ndarray (n_nodes,)
        inf where not reached.
    via : ndarray (n_nodes,)
        Arc that leads to the node, -1 at the source and where not reached.
    """

    distance: NDArray[np.float64]
    via: NDArray[np.int64]


class PathEngine(Protocol):
    """Finds cheapest paths over one topology, under costs that may change."""

    def customize(self, cost: ArrayLike) -> None:
        """Take new costs, one an arc; inf closes it.

        Raises
        ------
        SimulationError
            If a cost is negative or not a number.
        """

    def one_to_one(self, source: int, target: int) -> Path:
        """Cheapest path."""

    def one_to_all(self, source: int, limit: float = np.inf) -> Tree:
        """Cheapest paths to every node within `limit`."""

    def all_to_one(self, target: int, limit: float = np.inf) -> Tree:
        """Cheapest paths from every node within `limit`; ``via`` is the arc that leads away from it."""

    def many_to_many(self, sources: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
        """Costs of the cheapest paths, (n_sources, n_targets)."""

    def trace(self, tree: Tree, target: int) -> NDArray[np.int64]:
        """Arcs of the path of `tree` (one to all) that ends at `target`, in order."""


class DijkstraEngine:
    """Searches without preparation: a new cost is effective at once.

    Parameters
    ----------
    start : ndarray (n_nodes + 1,)
        Arcs of node ``u`` are ``start[u]:start[u + 1]``.
    head : ndarray (n_arcs,)
        Node that an arc leads to.
    """

    def __init__(self, start: ArrayLike, head: ArrayLike) -> None:
        outer_start = np.ascontiguousarray(start, dtype=np.int64)
        outer_head = np.ascontiguousarray(head, dtype=np.int32)
        n_nodes, n_arcs = len(outer_start) - 1, len(outer_head)
        self.tail = np.repeat(np.arange(n_nodes, dtype=np.int32), np.diff(outer_start))
        back_start, back_arc = bucket_arcs(outer_head, n_nodes)
        # within, nodes and arcs have numbers of their own: see order_nodes
        self._node = order_nodes(outer_start, outer_head, back_start, self.tail[back_arc])
        self._number = np.empty(n_nodes, np.int32)
        self._number[self._node] = np.arange(n_nodes, dtype=np.int32)
        self._start, self._arc = bucket_arcs(self._number[self.tail], n_nodes)
        self._head = self._number[outer_head[self._arc]]
        self._back_start, self._back_arc = bucket_arcs(self._head, n_nodes)
        self._back_tail = self._number[self.tail[self._arc]][self._back_arc]
        self._cost = np.full(n_arcs, np.inf)
        self._back_cost = self._cost.copy()
        self._room = Room.make(n_nodes)
        self._buckets = [Buckets.make(n_nodes, self._cost) for _ in range(2)]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self._start) - 1

    def customize(self, cost: ArrayLike) -> None:
        """Take new costs, one an arc; inf closes it.

        Raises
        ------
        SimulationError
            If a cost is negative or not a number.
        """
        given = np.ascontiguousarray(cost, dtype=np.float64)
        if given.shape != self.tail.shape or not np.all(given >= 0):
            bad = np.flatnonzero(~(given >= 0))
            what = f"cost of arc {bad[0]} is {given[bad[0]]}" if len(bad) else f"costs have shape {given.shape}"
            raise SimulationError(
                what, where="access", remedy=f"Give {len(self.tail)} costs of zero or more; inf closes an arc."
            )
        self._cost = given[self._arc]
        self._back_cost = self._cost[self._back_arc]
        self._buckets = [Buckets.make(self.n_nodes, self._cost) for _ in range(2)]

    def one_to_one(self, source: int, target: int) -> Path:
        """Cheapest path."""
        cost, n_arcs = search_pair(
            self._start,
            self._head,
            self._cost,
            self._back_start,
            self._back_tail,
            self._back_arc,
            self._back_cost,
            self._number[source],
            self._number[target],
            self._buckets[0],
            self._buckets[1],
            self._room,
        )
        return Path(float(cost), self._arc[self._room.path[:n_arcs]])

    def one_to_all(self, source: int, limit: float = np.inf) -> Tree:
        """Cheapest paths to every node within `limit`."""
        tree = self._search(self._start, self._head, self._cost, source, limit)
        return Tree(tree.distance, _renumber(tree.via, self._arc))

    def all_to_one(self, target: int, limit: float = np.inf) -> Tree:
        """Cheapest paths from every node within `limit`; ``via`` is the arc that leads away from it."""
        tree = self._search(self._back_start, self._back_tail, self._back_cost, target, limit)
        return Tree(tree.distance, _renumber(tree.via, self._arc[self._back_arc]))

    def many_to_many(self, sources: ArrayLike, targets: ArrayLike) -> NDArray[np.float64]:
        """Costs of the cheapest paths, (n_sources, n_targets)."""
        starts = self._number[np.atleast_1d(np.asarray(sources, dtype=np.int64))]
        ends = self._number[np.atleast_1d(np.asarray(targets, dtype=np.int64))]
        return np.array(search_many(self._start, self._head, self._cost, starts, ends, self._buckets[0]))

    def trace(self, tree: Tree, target: int) -> NDArray[np.int64]:
        """Arcs of the path of `tree` (one to all) that ends at `target`, in order."""
        arcs = []
        node = target
        while (arc := int(tree.via[node])) >= 0:
            arcs.append(arc)
            node = int(self.tail[arc])
        return np.array(arcs[::-1], dtype=np.int64)

    def _search(
        self, start: NDArray[np.int64], head: NDArray[np.int32], cost: NDArray[np.float64], source: int, limit: float
    ) -> Tree:
        distance, via = np.empty(self.n_nodes), np.empty(self.n_nodes, np.int64)
        search_all(start, head, cost, self._number[source], limit, self._buckets[0], distance, via)
        return Tree(distance[self._number], via[self._number])


def _renumber(via: NDArray[np.int64], arc: NDArray[np.int64]) -> NDArray[np.int64]:
    out = np.full(len(via), -1, dtype=np.int64)
    is_reached = via >= 0
    out[is_reached] = arc[via[is_reached]]
    return out
