"""Measure a peer on request: a JSON object a line comes in, one goes out. Runs in the environment of make.py.

``{"task": "paths", "file": "city.npz"}``: dijkstra3d's search with its compass heuristic over 26 neighbours, for each
query of the file (solid (x, y, z), start, goal); wall and CPU time [s] and the sum of the lengths.
``{"task": "tactical", "file": "states.npz"}``: BlueSky's compiled state-based detector on one state of the traffic;
wall and CPU time [s] and the pairs.
"""

from __future__ import annotations

import contextlib
import json
import sys
import time
from types import SimpleNamespace
from typing import Any

import numpy as np


def paths(file: str) -> dict[str, Any]:
    import dijkstra3d

    with np.load(file) as stored:
        solid, start, goal = stored["solid"], stored["start"], stored["goal"]
    weight = np.asfortranarray(np.where(solid, np.inf, 1.0).astype(np.float32))
    total = 0.0
    wall, cpu = time.perf_counter(), time.process_time()
    for a, b in zip(start.tolist(), goal.tolist(), strict=True):
        # with an anisotropy a diagonal move costs its length, without one as much as a straight one
        path = dijkstra3d.dijkstra(weight, a, b, connectivity=26, compass=True, anisotropy=(1.0, 1.0, 1.0))
        total += float(np.sqrt((np.diff(path.astype(float), axis=0) ** 2).sum(axis=1)).sum())
    return {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu, "length": total}


def tactical(file: str) -> dict[str, Any]:
    from bluesky.traffic.asas import cstatebased

    with np.load(file) as stored:
        given = {name: np.ascontiguousarray(stored[name]) for name in ("lat", "lon", "trk", "gs", "alt", "vs")}
        limits = {name: float(stored[name]) for name in ("horizontal", "vertical", "lookahead")}
    n = len(given["lat"])
    traffic = SimpleNamespace(**given, id=[str(i) for i in range(n)], ntraf=n)
    arrays = [np.full(n, limits[name]) for name in ("horizontal", "vertical", "lookahead")]
    wall, cpu = time.perf_counter(), time.process_time()
    found = cstatebased.detect(traffic, traffic, *arrays)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    pairs = sorted({tuple(sorted((int(a), int(b)))) for a, b in found[0]})
    return {"wall": wall, "cpu": cpu, "pairs": pairs}


def main() -> None:
    tasks = {"paths": paths, "tactical": tactical}
    for line in sys.stdin:
        request = json.loads(line)
        # a peer may print while it is imported: only answers belong on the standard output
        with contextlib.redirect_stdout(sys.stderr):
            answer = tasks[request["task"]](request["file"])
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
