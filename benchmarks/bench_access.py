"""Speed of the routing: one to all, one to one, alternatives, beside networkx, igraph, scipy and RoutingKit.

    python benchmarks/peers/routing/make.py            the peers' environment, once
    python benchmarks/bench_access.py                  the table: the synthetic graph, and the real ones that are there
    python benchmarks/bench_access.py --graphs synthetic --json table.json
    python benchmarks/bench_access.py --no-peers

Graphs: `synthetic`, planar and road-like: the Delaunay triangulation of 330,000 random points, thinned to its minimum
spanning tree and a quarter of its other edges, both ways, lengths as costs, nodes numbered by tiles of 500 m;
`baltimore`, the walkable ways of OpenStreetMap; `ueno`, the pedestrian network of the Ministry of Land; the last two
from the folder OSAKA_TWIN_SHARED (../shared), each its largest component without parallel arcs. All run on one thread
in turn, best of `--repeats`; the peers in a process of their own, their graphs built before the clock starts. One to
all gives the cost of every node (ours: the way to it as well); one to one gives the way. Costs found are compared.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree
from scipy.spatial import Delaunay

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.access.appraisal import read_conveyances
from sim.access.engine import DijkstraEngine
from sim.access.graph import build_graph
from sim.access.profile import read_profiles
from sim.access.router import Router
from sim.access.timetable import Conditions
from twin.frame import Frame

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twin.layer import NetworkLayer

HERE = Path(__file__).resolve().parent
PEER_PYTHON = HERE / "peers" / ".venvs" / "routing" / ("Scripts" if sys.platform == "win32" else "bin") / "python"
SHARED = Path(os.environ.get("OSAKA_TWIN_SHARED", HERE.parent.parent / "shared"))
TILE = 500.0
CALLS = {"one_to_all": {"networkx": 2}, "one_to_one": {"networkx": 10, "igraph": 10}}
"""Calls of the slow peers on a large graph; the others get the full number."""


@dataclass(frozen=True)
class Case:
    """A graph to search, in compressed rows."""

    name: str
    start: NDArray[np.int64]
    head: NDArray[np.int64]
    cost: NDArray[np.float64]
    xy: NDArray[np.float64]

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.start) - 1


@dataclass
class Timing:
    """Best time of a task, for one call."""

    wall: float = np.inf
    cpu: float = np.inf
    total: float = np.nan


def synthetic(n: int = 330_000, seed: int = 0) -> Case:
    rng = np.random.default_rng(seed)
    xy = rng.random((n, 2)) * np.sqrt(n) * 35.0
    tile = (xy // TILE).astype(np.int64)
    xy = xy[np.lexsort((tile[:, 1], tile[:, 0]))]
    corners = Delaunay(xy).simplices
    edges = np.unique(np.sort(np.vstack([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [0, 2]]]), axis=1), axis=0)
    length = np.hypot(*(xy[edges[:, 0]] - xy[edges[:, 1]]).T)
    tree = minimum_spanning_tree(coo_matrix((length, edges.T), shape=(n, n)).tocsr()).tocoo()
    in_tree = set(zip(np.minimum(tree.row, tree.col).tolist(), np.maximum(tree.row, tree.col).tolist(), strict=True))
    keep = np.array([pair in in_tree for pair in map(tuple, edges.tolist())]) | (rng.random(len(edges)) < 0.24)
    edges, length = edges[keep], length[keep]
    tail, head = np.r_[edges[:, 0], edges[:, 1]], np.r_[edges[:, 1], edges[:, 0]]
    order = np.argsort(tail, kind="stable")
    start = np.r_[0, np.cumsum(np.bincount(tail, minlength=n))]
    return Case("synthetic", start, head[order], np.r_[length, length][order], xy)


def of_layer(name: str, layer: NetworkLayer) -> Case:
    """The largest component of a network, of parallel arcs the shorter, with their lengths."""
    network = layer.network
    tail, head, cost = network.link_tail, network.link_head, network.link_length
    part = connected_components(coo_matrix((cost + 1, (tail, head)), shape=(network.n_nodes,) * 2), connection="strong")
    is_in = part[1] == np.bincount(part[1]).argmax()
    number = np.cumsum(is_in) - 1
    kept = is_in[tail] & is_in[head] & (tail != head)
    order = np.lexsort((cost[kept], head[kept], tail[kept]))
    tail, head, cost = number[tail[kept]][order], number[head[kept]][order], cost[kept][order]
    first = np.r_[True, (np.diff(tail) != 0) | (np.diff(head) != 0)]
    start = np.r_[0, np.cumsum(np.bincount(tail[first], minlength=is_in.sum()))]
    return Case(name, start, head[first], cost[first], network.node_xyz[is_in, :2])


def baltimore() -> NetworkLayer:
    from layers.osm import read_osm_walk

    return read_osm_walk(
        str(SHARED / "real" / "osm" / "baltimore.osm.pbf"), layer_id="walk", frame=Frame("EPSG:32618", None)
    )


def ueno() -> NetworkLayer:
    from layers.pedestrian_mlit import read_mlit_walk

    folder = SHARED / "real" / "walk" / "ueno_mlit2018"
    return read_mlit_walk(
        str(folder / "link.shp"),
        layer_id="walk",
        frame=Frame("EPSG:6677", None),
        nodes=str(folder / "node.shp"),
        version=2018,
    )


class Peers:
    """The peers' process."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [PEER_PYTHON, HERE / "peers" / "routing" / "serve.py"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, **asked: Any) -> dict[str, float]:
        """Send a request, wait for the answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(asked), file=self._process.stdin, flush=True)
        line = self._process.stdout.readline()
        if not line:
            raise SystemExit("the peers' process ended; is its environment made? benchmarks/peers/routing/make.py")
        answer: dict[str, float] = json.loads(line)
        return answer

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def timed(task: Callable[[], float]) -> dict[str, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    total = task()
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "total": total}


def measure(case: Case, peers: Peers | None, repeats: int, rng: np.random.Generator) -> dict[str, dict[str, Timing]]:
    """Best times of every contestant at every task."""
    engine = DijkstraEngine(case.start, case.head)
    engine.customize(case.cost)
    matrix = csr_matrix((case.cost, case.head, case.start), shape=(case.n_nodes, case.n_nodes))
    is_large = case.n_nodes > 50_000
    sources = rng.integers(0, case.n_nodes, 8 if is_large else 40).tolist()
    pairs = rng.integers(0, case.n_nodes, (2, 200 if is_large else 500)).tolist()
    if peers is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "graph.npz"
            x, y = case.xy.T
            np.savez(path, start=case.start, head=case.head, cost=case.cost, x=x, y=y)
            peers.ask(load=str(path))

    def ours_all(count: int) -> float:
        found = [engine.one_to_all(source).distance for source in sources[:count]]
        return float(sum(d[np.isfinite(d)].sum() for d in found))

    def scipys_all(count: int) -> float:
        found = [dijkstra(matrix, indices=source) for source in sources[:count]]
        return float(sum(d[np.isfinite(d)].sum() for d in found))

    def ours_one(count: int) -> float:
        ways = [engine.one_to_one(s, t) for s, t in zip(pairs[0][:count], pairs[1][:count], strict=True)]
        return float(sum(way.cost for way in ways if np.isfinite(way.cost)))

    contests: dict[str, dict[str, Callable[[int], dict[str, float]]]] = {
        "one_to_all": {
            "ours": lambda count: timed(lambda: ours_all(count)),
            "scipy": lambda count: timed(lambda: scipys_all(count)),
        },
        "one_to_one": {"ours": lambda count: timed(lambda: ours_one(count))},
    }
    if peers is not None:

        def ask_all(peer: str, count: int) -> dict[str, float]:
            return peers.ask(peer=peer, task="one_to_all", sources=sources[:count])

        def ask_one(peer: str, count: int) -> dict[str, float]:
            return peers.ask(peer=peer, task="one_to_one", sources=pairs[0][:count], targets=pairs[1][:count])

        contests["one_to_all"] |= {peer: partial(ask_all, peer) for peer in ("networkx", "igraph")}
        contests["one_to_one"] |= {peer: partial(ask_one, peer) for peer in ("networkx", "igraph", "routingkit")}
    best: dict[str, dict[str, Timing]] = {task: {} for task in contests}
    totals: dict[tuple[str, int], float] = {}
    for number in range(repeats + 1):
        for task, contestants in contests.items():
            everything = len(sources) if task == "one_to_all" else len(pairs[0])
            for name, contest in contestants.items():
                count = CALLS[task].get(name, everything) if is_large else everything
                got = contest(count)
                if number == 0:  # compiles, builds graphs, warms caches
                    if name == "ours":
                        for other in {CALLS[task].get(peer, everything) for peer in contestants}:
                            totals[task, other] = contestants["ours"](other)["total"]
                    continue
                if count in {c for t, c in totals if t == task}:
                    # RoutingKit rounds costs to millimetres
                    assert abs(got["total"] / totals[task, count] - 1) < 1e-5, (
                        f"{name} finds other costs on {case.name}"
                    )
                found = best[task].setdefault(name, Timing())
                found.wall = min(found.wall, got["wall"] / count)
                found.cpu = min(found.cpu, got["cpu"] / count)
    return best


def alternatives(name: str, layer: NetworkLayer, repeats: int, rng: np.random.Generator) -> None:
    """Time of a whole question: every route that no other one beats, for every profile."""
    graph, conveyances = build_graph(layer), read_conveyances()
    calm = Conditions.calm(len(layer.links))
    pairs: list[list[int]] = rng.integers(0, layer.network.n_nodes, (60, 2)).tolist()
    print(f"\n{name}: sets of alternatives\n| profile | ms a question | routes (mean, most) | ran out of room |")
    print("|---|---|---|---|")
    for profile_id, profile in read_profiles().items():
        router = Router(graph, profile, conveyances, calm)
        router.routes(pairs[0][0], pairs[0][1], 0.0)
        best, counts = np.inf, [0]
        for _ in range(repeats):
            router.truncated = 0
            began = time.perf_counter()
            counts = [len(router.routes(a, b, 0.0)) for a, b in pairs]
            best = min(best, time.perf_counter() - began)
        print(
            f"| {profile_id} | {best / len(pairs) * 1e3:.2f} | {np.mean(counts):.1f}, {max(counts)} "
            f"| {router.truncated} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--graphs", nargs="+", choices=["synthetic", "baltimore", "ueno"])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-peers", action="store_true")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    layers = {"baltimore": baltimore, "ueno": ueno}
    wanted = given.graphs or ["synthetic", *(layers if (SHARED / "real").is_dir() else ())]
    peers = None if given.no_peers else Peers()
    rows: list[dict[str, Any]] = []
    for name in wanted:
        rng = np.random.default_rng(1)
        layer = layers[name]() if name in layers else None
        case = of_layer(name, layer) if layer is not None else synthetic()
        print(f"\n{name}: {case.n_nodes:,} nodes, {len(case.head):,} arcs")
        print("| task | by | ms a call, wall | ms, CPU | calls/s | ours is faster, wall | CPU |")
        print("|---|---|---|---|---|---|---|")
        for task, contestants in measure(case, peers, given.repeats, rng).items():
            ours = contestants["ours"]
            for by, found in contestants.items():
                row = {"graph": name, "task": task, "by": by, "wall_s": found.wall, "cpu_s": found.cpu}
                rows.append(row)
                print(
                    f"| {task} | {by} | {found.wall * 1e3:.3f} | {found.cpu * 1e3:.3f} | {1 / found.wall:,.0f} "
                    f"| {found.wall / ours.wall:.1f} | {found.cpu / ours.cpu:.1f} |"
                )
        if layer is not None:
            alternatives(name, layer, given.repeats, rng)
    if peers is not None:
        peers.close()
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
