"""Route with a peer on request: a JSON object a line comes in, one goes out. Runs in the environment of make.py.

``{"load": "graph.npz"}`` loads a graph (start, head, cost, x, y); ``{"peer": "igraph", "task": "one_to_all",
"sources": [...], "targets": [...]}`` measures one task: wall and CPU time [s], and the sum of the costs found.
"""

from __future__ import annotations

import json
import sys
import time
from functools import cached_property
from typing import Any

import igraph  # in its own environment
import networkx as nx
import numpy as np
import routingkit_cch as rk

MILLIMETRE = 1000.0
"""RoutingKit counts in whole numbers."""


class Peers:
    """One graph in the form of each peer, made when it is first used."""

    def __init__(self, path: str) -> None:
        with np.load(path) as stored:
            self.start, self.head, self.cost = stored["start"], stored["head"], stored["cost"]
            self.x, self.y = stored["x"], stored["y"]
        self.tail = np.repeat(np.arange(len(self.start) - 1), np.diff(self.start))

    @cached_property
    def networkx(self) -> Any:
        """A graph of dictionaries."""
        graph = nx.DiGraph()
        graph.add_nodes_from(range(len(self.start) - 1))
        graph.add_weighted_edges_from(zip(self.tail.tolist(), self.head.tolist(), self.cost.tolist(), strict=True))
        return graph

    @cached_property
    def igraph(self) -> Any:
        """A graph in C."""
        pairs = np.column_stack([self.tail, self.head])
        graph = igraph.Graph(n=len(self.start) - 1, edges=pairs, directed=True)
        graph.es["weight"] = self.cost.tolist()
        return graph

    @cached_property
    def routingkit(self) -> Any:
        """A customizable contraction hierarchy, ordered and customized."""
        order = rk.compute_order_inertial(
            len(self.start) - 1, self.tail.tolist(), self.head.tolist(), self.y.tolist(), self.x.tolist()
        )
        cch = rk.CCH(order, self.tail.tolist(), self.head.tolist(), False)
        metric = rk.CCHMetric(cch, np.round(self.cost * MILLIMETRE).astype(int).tolist())
        return rk.CCHQuery(metric)

    def one_to_all(self, peer: str, source: int) -> float:
        """Sum of the costs to all nodes."""
        if peer == "networkx":
            return float(sum(nx.single_source_dijkstra_path_length(self.networkx, source, weight="weight").values()))
        found = np.array(self.igraph.distances(source, weights="weight", mode="out")[0])
        return float(found[np.isfinite(found)].sum())

    def one_to_one(self, peer: str, source: int, target: int) -> float:
        """Cost of the way, summed along it where the peer gives the way."""
        if peer == "networkx":
            try:
                return float(nx.bidirectional_dijkstra(self.networkx, source, target, weight="weight")[0])
            except nx.NetworkXNoPath:
                return 0.0
        if peer == "igraph":
            arcs = self.igraph.get_shortest_path(source, to=target, weights="weight", output="epath")
            return float(self.cost[arcs].sum())
        found = self.routingkit.run(source, target)
        return 0.0 if found.distance is None else float(self.cost[found.arc_path].sum())


def main() -> None:
    peers: Peers | None = None
    for line in sys.stdin:
        asked = json.loads(line)
        if "load" in asked:
            peers = Peers(asked["load"])
            answer: dict[str, Any] = {}
        else:
            assert peers is not None
            getattr(peers, asked["peer"])  # made before the clock starts
            wall, cpu = time.perf_counter(), time.process_time()
            if asked["task"] == "one_to_all":
                total = sum(peers.one_to_all(asked["peer"], s) for s in asked["sources"])
            else:
                pairs = zip(asked["sources"], asked["targets"], strict=True)
                total = sum(peers.one_to_one(asked["peer"], s, t) for s, t in pairs)
            answer = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "total": total}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
