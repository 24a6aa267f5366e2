"""Speed of the airspace simulator: paths, conflicts, prioritised planning; beside dijkstra3d and BlueSky.

    python benchmarks/peers/airspace/make.py     once: the peers' own environment
    python benchmarks/bench_airspace.py          all tables; --only planner tactical strategic programme field

Cases (specs of the airspace simulator): *planner*, 8 long queries through a synthetic downtown of 256 x 256 x 64
voxels, 18 % solid, 26 neighbours, edges may be passed (as the peer does); *tactical*, traffic of 20 x 28 km at random,
50 m / 15 m / 60 s; *strategic*, flights of an hour over 20 x 28 km with climb, turns and landing, exact conflicts of
trajectories; *programme*, 1,000 flights in an hour between 60 pads of a downtown of 5 x 5 km. Ours and the peer take
turns; every figure is the best of `--repeats` after compilation, wall and CPU time of one call.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from sim.airspace.conflict import Traffic, find_conflicts, predict_conflicts
from sim.airspace.deconflict import Obstacle, Request, plan_in_turn
from sim.airspace.objective import Objective
from sim.airspace.planner import Planner
from sim.airspace.separation import Separation
from sim.airspace.site import enter
from sim.airspace.space import Space
from sim.airspace.trajectory import Stop, Trajectory, fly
from twin.grid import Grid
from twin.voxels import Voxels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PEERS = Path(__file__).resolve().parent / "peers"
RULE = Separation(50.0, 15.0, 5.0)
LOOKAHEAD = 60.0
WIDE = (20_000.0, 28_000.0)
EARTH = 6_371_000.0
"""Radius with which plane positions become degrees for BlueSky [m]."""


def downtown(shape: tuple[int, int, int], seed: int = 3) -> NDArray[np.bool_]:
    """Blocks of four towers with streets, some bridges: 18 % solid at 64 levels."""
    rng = np.random.default_rng(seed)
    nz, ny, nx = shape
    solid = np.zeros(shape, dtype=bool)
    block, street = 22, 6
    for west in range(0, nx, block + street):
        for south in range(0, ny, block + street):
            for col in (west, west + block // 2):
                for row in (south, south + block // 2):
                    if rng.random() > 0.9:
                        continue
                    width, depth = block // 2 - rng.integers(0, 3, 2)
                    top = int(np.clip(rng.lognormal(2.9, 0.7), 3, nz - 4))
                    solid[:top, row : row + depth, col : col + width] = True
    for _ in range(60):
        x, y, z = rng.integers(0, nx - 30), rng.integers(0, ny - 30), rng.integers(4, max(5, nz - 10))
        if rng.random() < 0.5:
            solid[z : z + 3, y : y + 3, x : x + 28] = True
        else:
            solid[z : z + 3, y : y + 28, x : x + 3] = True
    solid[0] = True
    return solid


def queries(solid: NDArray[np.bool_], count: int, least: float, seed: int = 5) -> NDArray[np.int64]:
    """(count, 2, 3) pairs of free voxels near the ground, at least `least` voxels apart."""
    rng = np.random.default_rng(seed)
    _, ny, nx = solid.shape
    out: list[NDArray[np.int64]] = []
    while len(out) < count:
        pair = rng.integers((1, 0, 0), (12, ny, nx), (2, 3))
        if not solid[tuple(pair.T)].any() and np.linalg.norm(pair[0] - pair[1]) >= least:
            out.append(pair)
    return np.array(out)


def clocked(call: Callable[[], Any]) -> tuple[float, float, Any]:
    """Wall and CPU time [s] of a call, and what it gives."""
    wall, cpu = time.perf_counter(), time.process_time()
    out = call()
    return time.perf_counter() - wall, time.process_time() - cpu, out


class Peer:
    """A process in the peers' environment that measures on request; None answers where there is no environment."""

    def __init__(self) -> None:
        python = PEERS / ".venvs" / "airspace" / "bin" / "python"
        self._process = None
        if python.exists():
            self._process = subprocess.Popen(
                [python, PEERS / "airspace" / "serve.py"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )

    def ask(self, task: str, **arrays: Any) -> dict[str, Any] | None:
        """Measure a task on arrays."""
        if self._process is None:
            return None
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "case.npz"
            np.savez(file, **arrays)
            self._process.stdin.write(json.dumps({"task": task, "file": str(file)}) + "\n")
            self._process.stdin.flush()
            answer: dict[str, Any] = json.loads(self._process.stdout.readline())
        return answer

    def close(self) -> None:
        """Let the process end."""
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            self._process.wait()


Best = dict[str, tuple[float, float, str]]


def keep(best: Best, name: str, wall: float, cpu: float, note: str) -> None:
    """Remember the best times of a row."""
    old = best.get(name, (np.inf, np.inf, note))
    best[name] = (min(wall, old[0]), min(cpu, old[1]), note)


def show(title: str, best: Best, per: int = 1, against: str = "") -> dict[str, Any]:
    """Print a table; times are milliseconds a call."""
    print(f"\n{title}\n\n| | wall ms | CPU ms | {'peer takes | ' if against else ''}result |")
    print(f"|---|---|---|{'---|' if against else ''}---|")
    for name, (wall, cpu, note) in best.items():
        ratio = f"{best[against][1] / cpu:.1f} x | " if against in best else "- | " if against else ""
        print(f"| {name} | {1e3 * wall / per:.2f} | {1e3 * cpu / per:.2f} | {ratio}{note} |")
    return {name: {"wall_s": wall / per, "cpu_s": cpu / per, "note": note} for name, (wall, cpu, note) in best.items()}


def bench_planner(peer: Peer, repeats: int) -> dict[str, Any]:
    solid = downtown((64, 256, 256))
    space = Space.around(Voxels(Grid((256, 256), 1.0, 0.0, 256.0), 0.0, 1.0, 64), solid)
    planner = Planner(space, cut_corners=True)
    pairs = queries(solid, 8, 150.0)
    ways: dict[str, Callable[[Any, Any], Any]] = {
        "ours, optimal": planner.optimal,
        "ours, any angle, bound 1": lambda a, b: planner.any_angle(a, b, 1.0),
        "ours, any angle, bound 1.1": lambda a, b: planner.any_angle(a, b, 1.1),
        "ours, any angle, bound 1.2": lambda a, b: planner.any_angle(a, b, 1.2),
    }
    for way in ways.values():
        way(*pairs[0])

    def every(way: Callable[[Any, Any], Any]) -> list[Any]:
        return [way(a, b) for a, b in pairs]

    best: Best = {}
    for _ in range(repeats):
        for name, way in ways.items():
            wall, cpu, found = clocked(partial(every, way))
            note = f"length {sum(p.length for p in found):.2f}, {sum(p.expanded for p in found) // 8} voxels a query"
            keep(best, name, wall, cpu, note)
        told = peer.ask("paths", solid=solid.transpose(2, 1, 0), start=pairs[:, 0, ::-1], goal=pairs[:, 1, ::-1])
        if told is not None:
            keep(best, "dijkstra3d, compass", told["wall"], told["cpu"], f"length {told['length']:.2f}")
    title = f"planner: 8 queries, 256 x 256 x 64 voxels, {100 * solid.mean():.0f} % solid; a query"
    return show(title, best, 8, "dijkstra3d, compass")


def bench_field(repeats: int) -> dict[str, Any]:
    solid = downtown((64, 256, 256))
    planner = Planner(Space.around(Voxels(Grid((256, 256), 1.0, 0.0, 256.0), 0.0, 1.0, 64), solid), cut_corners=True)
    start = queries(solid, 1, 150.0)[0, 0]
    planner.field([start])
    best: Best = {}
    for _ in range(repeats):
        wall, cpu, field = clocked(lambda: planner.field([start]))
        keep(best, "ours", wall, cpu, f"{np.isfinite(field.cost).sum()} voxels reached")
    return show("field: least cost from one voxel to all", best)


def states(n: int, seed: int = 1) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Positions [m] and velocities [m/s] at random."""
    rng = np.random.default_rng(seed)
    angle, speed = rng.uniform(0, 2 * np.pi, n), rng.uniform(5, 20, n)
    velocity = np.c_[speed * np.sin(angle), speed * np.cos(angle), rng.choice([0.0, 0.0, 0.0, -2.0, 3.0], n)]
    return np.c_[rng.uniform(0, WIDE[0], n), rng.uniform(0, WIDE[1], n), rng.uniform(30, 150, n)], velocity


def bench_tactical(peer: Peer, repeats: int, counts: tuple[int, ...] = (1000, 5000, 20_000, 100_000)) -> dict[str, Any]:
    out = {}
    predict_conflicts(*states(50), RULE, LOOKAHEAD)
    for n in counts:
        position, velocity = states(n)
        lat = np.degrees(position[:, 1] / EARTH) + 34.55
        lon = np.degrees(position[:, 0] / (EARTH * np.cos(np.radians(34.68)))) + 135.4
        track, speed = np.degrees(np.arctan2(velocity[:, 0], velocity[:, 1])) % 360, np.hypot(*velocity[:, :2].T)
        best: Best = {}
        for _ in range(repeats if n <= 5000 else 2):
            wall, cpu, found = clocked(partial(predict_conflicts, position, velocity, RULE, LOOKAHEAD))
            keep(best, "ours", wall, cpu, f"{len(found)} pairs")
            if n <= 5000:
                told = peer.ask(
                    "tactical", lat=lat, lon=lon, trk=track, gs=speed, alt=position[:, 2], vs=velocity[:, 2],
                    horizontal=RULE.horizontal, vertical=RULE.vertical, lookahead=LOOKAHEAD,
                )  # fmt: skip
                if told is not None:
                    theirs, ours = {tuple(p) for p in told["pairs"]}, {tuple(p) for p in found.pair.tolist()}
                    note = f"{len(theirs)} pairs, {len(ours - theirs)} of ours missed, {len(theirs - ours)} others"
                    keep(best, "BlueSky, compiled", told["wall"], told["cpu"], note)
        title = f"tactical: {n} aircraft, 50 m / 15 m / 60 s; a detection"
        out[str(n)] = show(title, best, 1, "BlueSky, compiled" if n <= 5000 else "")
    return out


def traffic(n: int, seed: int = 1) -> Traffic:
    """Flights of an hour."""
    rng = np.random.default_rng(seed)
    points, start = [], [0]
    for _ in range(n):
        legs, place, speed = rng.integers(3, 7), rng.uniform((0, 0), WIDE), rng.uniform(10, 20)
        now, height, heading = (
            rng.uniform(0, 3600),
            float(rng.choice(np.arange(60, 145, 10.0))),
            rng.uniform(0, 2 * np.pi),
        )
        points.append((*place, 0.0, now))
        now += height / 3
        points.append((*place, height, now))
        for _ in range(legs):
            heading += rng.normal(0, 0.5)
            length = rng.uniform(500, 2500)
            place = place + length * np.array([np.cos(heading), np.sin(heading)])
            now += length / speed
            points.append((*place, height, now))
        points.append((*place, 0.0, now + height / 2))
        start.append(len(points))
    return Traffic(np.array(points), np.array(start, dtype=np.int64))


def bench_strategic(repeats: int) -> dict[str, Any]:
    out = {}
    find_conflicts(traffic(50), RULE)
    find_conflicts(traffic(50), RULE, brute=True)
    for n in (1000, 10_000):
        flights = traffic(n)
        best: Best = {}
        for _ in range(repeats):
            wall, cpu, found = clocked(partial(find_conflicts, flights, RULE))
            keep(best, "hashed", wall, cpu, f"{len(found)} pairs")
        wall, cpu, brute = clocked(partial(find_conflicts, flights, RULE, brute=True))
        same = np.array_equal(brute.pair, found.pair)
        keep(best, "every pair", wall, cpu, f"{len(brute)} pairs, {'the same' if same else 'NOT the same'}")
        out[str(n)] = show(f"strategic: {n} flights in an hour, exact", best)
    return out


def bench_programme(repeats: int) -> dict[str, Any]:
    solid = downtown((40, 256, 256))
    space = Space.around(Voxels(Grid((256, 256), 20.0, 0.0, 5120.0), 0.0, 5.0, 40), solid, clearance=10.0)
    objective = Objective(0.0, 1.0, airspeed=14.0, climb_speed=4.0, descent_speed=3.0)
    rng = np.random.default_rng(9)
    lifted = [space.without(np.broadcast_to((np.arange(40) < low)[:, None, None], solid.shape)) for low in (6, 9, 12)]
    streets = np.argwhere(~solid[1])
    pads = space.points(np.c_[np.ones(60, dtype=int), streets[rng.choice(len(streets), 60, replace=False)]])
    wishes = [(rng.choice(60, 2, replace=False), rng.uniform(0, 3600)) for _ in range(1000)]

    def programme(known: dict[tuple[int, int, int], Trajectory | None]) -> Any:
        first = Planner(lifted[0], objective)
        planners = [first, *(Planner(space, objective, workspace=first) for space in lifted[1:])]

        def flight(a: int, b: int, level: int) -> Trajectory | None:
            start, goal = (enter(lifted[level], *pads[i]) for i in (a, b))
            path = planners[level].any_angle(start.cell, goal.cell, 1.2) if start and goal else None
            if path is None:
                return None
            (xa, ya, za), (xb, yb, zb) = pads[a], pads[b]
            stops = [
                (xa, ya, za),
                (xa, ya, path.points[0, 2]),
                *path.points,
                (xb, yb, path.points[-1, 2]),
                (xb, yb, zb),
            ]
            return fly([Stop(*stop) for stop in stops], objective)[0].on_pads(20.0, 20.0)

        def way(a: int, b: int, level: int, start: float, _: Obstacle | None) -> Trajectory | None:
            if (a, b, level) not in known:
                known[a, b, level] = flight(a, b, level)
            found = known[a, b, level]
            return None if found is None else found.later(start)

        requests = [Request(0, tuple(partial(way, a, b, n, t) for n in range(3))) for (a, b), t in wishes]
        return plan_in_turn(requests, RULE, fastest=14.0, longest_hold=900.0, patience=30.0, hold_step=5.0)

    programme({})
    best: Best = {}
    for turn in range(2 * repeats):
        if turn % 2 == 0:
            paths: dict[tuple[int, int, int], Trajectory | None] = {}
        wall, cpu, (decisions, left) = clocked(partial(programme, paths))
        planned = [d for d in decisions if d.trajectory is not None]
        note = (
            f"{len(planned)} of {len(decisions)} planned, mean hold {np.mean([d.held for d in planned]):.1f} s, "
            f"{len(left)} conflicts left, starts and landings included"
        )
        keep(best, "holds and exact test, paths known" if turn % 2 else "paths, holds and exact test", wall, cpu, note)
    return show("programme: 1,000 flights in an hour between 60 pads, 5 x 5 km", best)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", nargs="+", choices=["planner", "field", "tactical", "strategic", "programme"])
    parser.add_argument("--json", type=Path, help="write the figures here too")
    given = parser.parse_args()
    peer = Peer()
    cases: dict[str, Callable[[], dict[str, Any]]] = {
        "planner": lambda: bench_planner(peer, given.repeats),
        "field": lambda: bench_field(given.repeats),
        "tactical": lambda: bench_tactical(peer, given.repeats),
        "strategic": lambda: bench_strategic(given.repeats),
        "programme": lambda: bench_programme(given.repeats),
    }
    out = {name: case() for name, case in cases.items() if given.only is None or name in given.only}
    peer.close()
    if given.json is not None:
        given.json.write_text(json.dumps(out, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
